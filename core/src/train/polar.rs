//! `W·r(WᵀW)` of a matrix for a rational function r, without its singular vectors: `W = Q B Zᵀ`, and
//! `W·r(WᵀW) = Q·(B·r(BᵀB))·Zᵀ`. With `r(x) ≈ x^{-1/2}` it is the polar factor `P = UVᵀ`.
//!
//! 8/3·k³ flops to the bidiagonal form, 4·k³ back (for k×k), nothing iterates, no state is kept from call to call.

use super::bidiagonal::Bidiagonal;
use super::lanes::{Aligned, Isa, padded, transpose, vectorised};
use super::poles::{self, Poles};
use super::real::Real;
use super::reflectors::{self, Reflectors};

/// Room for matrices of one shape.
#[derive(Debug, Clone)]
pub struct Polar<T> {
    rows: usize,
    columns: usize,
    isa: Isa,
    /// Of W or, where it is wide, Wᵀ: m×k, m ≥ k.
    bidiagonal: Bidiagonal<T>,
    poles: poles::Workspace,
    polar: Poles,
    /// `Z·(B·r(BᵀB))ᵀ`, k×k row-major, padded rows.
    inner: Aligned<T>,
    /// `Q·(B·r(BᵀB))·Zᵀ`, m×k row-major, padded rows.
    product: Aligned<T>,
    blocks: reflectors::Workspace<T>,
}

impl<T: Real> Polar<T> {
    /// For `rows` × `columns`, both at least 1.
    pub fn new(rows: usize, columns: usize) -> Polar<T> {
        let (m, k) = (rows.max(columns), rows.min(columns));
        Polar {
            rows,
            columns,
            isa: Isa::detect(),
            bidiagonal: Bidiagonal::new(m, k),
            poles: poles::Workspace::new(k),
            polar: Poles::polar(),
            inner: Aligned::zeros(k * padded::<T>(k)),
            product: Aligned::zeros(m * padded::<T>(k)),
            blocks: reflectors::Workspace::new(m, padded::<T>(k)),
        }
    }

    /// Bytes held for this shape.
    pub fn bytes(rows: usize, columns: usize) -> usize {
        let (m, k) = (padded::<T>(rows.max(columns)), padded::<T>(rows.min(columns)));
        std::mem::size_of::<T>() * (3 * m * k + 2 * k * k + 16 * (m + k)) + poles::Workspace::bytes(k)
    }

    /// `p ← polar(scale·w)`, both row-major. The entries of scale·w are at most about 1 and not all 0. Directions whose
    /// singular value is below [`poles::RANGE`] of the largest shrink smoothly to 0.
    pub fn of(&mut self, w: &[T], scale: T, p: &mut [T]) {
        self.reduce(w, scale);
        let b = &mut self.bidiagonal;
        normalise(&mut b.d, &mut b.e);
        self.poles.apply(self.isa, &self.polar, (&b.d, &b.e), &mut self.inner, padded::<T>(b.k));
        self.back(p);
    }

    /// `scale·w = Q B Zᵀ`.
    fn reduce(&mut self, w: &[T], scale: T) {
        let (rows, columns) = (self.rows, self.columns);
        let Bidiagonal { stride, .. } = self.bidiagonal;
        if columns >= rows {
            // Rows of W are columns of Wᵀ.
            // Safety: `isa` is what the CPU has.
            unsafe { scaled_rows(self.isa, w, columns, scale, &mut self.bidiagonal.a, stride) };
        } else {
            transpose(self.isa, (w, columns), (&mut self.bidiagonal.a, stride), rows, columns);
            self.bidiagonal.a.iter_mut().for_each(|x| *x *= scale);
        }
        self.bidiagonal.reduce(self.isa);
    }

    /// `p ← Q·innerᵀ·Zᵀ`, where `inner` is what stands between, transposed.
    fn back(&mut self, p: &mut [T]) {
        let b = &self.bidiagonal;
        let (m, k, stride, width) = (b.m, b.k, b.stride, padded::<T>(b.k));
        let right =
            Reflectors { columns: &b.right, stride: b.right_stride, count: k - 1, offset: 1, tau: &b.right_tau };
        reflectors::apply(self.isa, right, &mut self.inner, k, width, &mut self.blocks);
        transpose(self.isa, (&self.inner, width), (&mut self.product, width), k, k);
        self.product[k * width..].fill(T::default());
        let left = Reflectors { columns: &b.left, stride, count: k, offset: 0, tau: &b.left_tau };
        reflectors::apply(self.isa, left, &mut self.product, m, width, &mut self.blocks);
        if self.columns >= self.rows {
            transpose(self.isa, (&self.product, width), (p, self.columns), m, k);
        } else {
            for (to, from) in p.chunks_exact_mut(self.columns).zip(self.product.chunks_exact(width)) {
                to.copy_from_slice(&from[..k]);
            }
        }
    }
}

/// Divides B by its largest row or column sum, which it answers, so that σ ≤ 1.
fn normalise(d: &mut [f64], e: &mut [f64]) -> f64 {
    let k = d.len();
    let at = |e: &[f64], i: Option<usize>| i.and_then(|i| e.get(i)).map_or(0.0, |e| e.abs());
    let size = (0..k).map(|i| d[i].abs() + at(e, Some(i)).max(at(e, i.checked_sub(1)))).fold(0.0, f64::max);
    d.iter_mut().chain(e.iter_mut()).for_each(|x| *x /= size);
    size
}

vectorised!(fn scaled_rows<T>(isa; w: &[T], columns: usize, scale: T, to: &mut [T], stride: usize) = scaled_rows_by);

/// Rows of `to`, `stride` apart, ← scale·rows of `w`.
#[inline(always)]
unsafe fn scaled_rows_by<L: super::lanes::Lanes>(
    w: &[L::Scalar],
    columns: usize,
    scale: L::Scalar,
    to: &mut [L::Scalar],
    stride: usize,
) {
    for (to, from) in to.chunks_exact_mut(stride).zip(w.chunks_exact(columns)) {
        for (to, x) in to.iter_mut().zip(from) {
            *to = *x * scale;
        }
    }
}
