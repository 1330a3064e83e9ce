//! `W·r(WᵀW)` of a matrix for a rational function r, without its singular vectors: `W = Q B Zᵀ`, and
//! `W·r(WᵀW) = Q·(B·r(BᵀB))·Zᵀ`. With `r(x) ≈ x^{-1/2}` it is the polar factor `P = UVᵀ`.
//!
//! 8/3·k³ flops to the bidiagonal form, 4·k³ back (for k×k), nothing iterates, no state is kept from call to call.

use super::bidiagonal::Bidiagonal;
use super::lanes::{Aligned, Isa, padded, transpose, vectorised};
use super::poles::{self, Poles};
use super::qr::Qr;
use super::real::Real;
use super::reflectors::{self, Reflectors};
use crate::error::{Error, Result};
use crate::penalty::Form;
use std::ffi::{c_char, c_int};

/// Largest error of a gradient, relative to its norm.
const TOLERANCE: f64 = 1e-4;

/// Room for matrices of one shape.
#[derive(Debug, Clone)]
pub struct Polar<T> {
    rows: usize,
    columns: usize,
    isa: Isa,
    /// Of A = W or, where it is wide, Wᵀ, m×k with m ≥ k; of its R, where A is tall.
    bidiagonal: Bidiagonal<T>,
    /// A = Q'·R, where A is tall.
    qr: Option<Qr<T>>,
    poles: poles::Workspace,
    polar: Poles,
    /// `Z·(B·r(BᵀB))ᵀ`, k×k row-major, padded rows.
    inner: Aligned<T>,
    /// `Q·(B·r(BᵀB))·Zᵀ`, m×k row-major, padded rows.
    product: Aligned<T>,
    blocks: reflectors::Workspace<T>,
    /// Largest row or column sum of the last bidiagonal form, in the units of W.
    unit: f64,
    extra: Extra,
}

/// What functions other than the polar factor take; made when first asked for.
#[derive(Debug, Clone, Default)]
struct Extra {
    poles: Poles,
    /// For LAPACK to overwrite.
    diagonal: Vec<f64>,
    superdiagonal: Vec<f64>,
    /// Leading singular vectors of B, 2k numbers each: of U, then of V.
    vectors: Vec<f64>,
    values: Vec<f64>,
    work: Vec<f64>,
    integers: Vec<c_int>,
}

impl<T: Real> Polar<T> {
    /// For `rows` × `columns`, both at least 1.
    pub fn new(rows: usize, columns: usize) -> Polar<T> {
        let (m, k) = (rows.max(columns), rows.min(columns));
        let tall = Qr::<T>::pays(m, k);
        Polar {
            rows,
            columns,
            isa: Isa::detect(),
            bidiagonal: Bidiagonal::new(if tall { k } else { m }, k),
            qr: tall.then(|| Qr::new(m, k)),
            poles: poles::Workspace::new(k),
            polar: Poles::polar(),
            inner: Aligned::zeros(k * padded::<T>(k)),
            product: Aligned::zeros(m * padded::<T>(k)),
            blocks: reflectors::Workspace::new(m, padded::<T>(k)),
            unit: 1.0,
            extra: Extra { superdiagonal: vec![0.0; k - 1], ..Extra::default() },
        }
    }

    /// Bytes held for this shape.
    pub fn bytes(rows: usize, columns: usize) -> usize {
        let (m, k) = (padded::<T>(rows.max(columns)), padded::<T>(rows.min(columns)));
        let qr = if Qr::<T>::pays(m, k) { Qr::<T>::numbers(m, k) } else { 0 };
        std::mem::size_of::<T>() * (3 * m * k + 2 * k * k + 16 * (m + k) + qr) + poles::Workspace::bytes(k)
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

    /// Fills `s` with the singular values of `w`, descending, and keeps its bidiagonal form for [`Polar::function`].
    ///
    /// # Errors
    /// LAPACK's refusals.
    pub fn singular_values(&mut self, w: &[T], scale: T, s: &mut [f64]) -> Result<()> {
        self.reduce(w, scale);
        let b = &mut self.bidiagonal;
        self.unit = normalise(&mut b.d, &mut b.e) / scale.wide();
        s.copy_from_slice(&b.d);
        self.extra.superdiagonal.copy_from_slice(&b.e);
        singular_values(s, &mut self.extra)?;
        s.iter_mut().for_each(|s| *s *= self.unit);
        Ok(())
    }

    /// `out ← factor·U diag(g) Vᵀ` of the matrix of the last [`Polar::singular_values`], whose singular values are `s` and
    /// `derivative` the values g; `form` is what they are as a function. Answers whether it was made: not, where the
    /// partial fractions miss g by more than [`TOLERANCE`], which is where its terms cancel.
    ///
    /// # Errors
    /// LAPACK's refusals.
    pub fn function(&mut self, form: &Form, factor: f64, s: &[f64], derivative: &[f64], out: &mut [T]) -> Result<bool> {
        let b = &self.bidiagonal;
        let (k, width) = (b.k, padded::<T>(b.k));
        let form = form.scaled(factor, self.unit);
        Poles::of(&form, &self.polar, &mut self.extra.poles);
        let resolved = s.iter().filter(|&&s| s / self.unit > poles::RANGE).count();
        // Leading ones that are not resolved have shrunk to 0, like all such.
        let leading = form.leading.min(resolved);
        let (mut error, mut size) = (0.0, 0.0);
        for (i, (s, g)) in s.iter().zip(derivative).enumerate() {
            let (x, g) = (s / self.unit, factor * g);
            size += g * g;
            if (leading..resolved).contains(&i) {
                error += (x * self.extra.poles.at(x * x) - g).powi(2);
            }
        }
        if size == 0.0 {
            out.fill(T::default());
            return Ok(true);
        }
        // NaN is not within the bound either.
        let sound = error <= TOLERANCE * TOLERANCE * size;
        // Of equal singular values none is the last that leads: any of their vectors is as good, and LAPACK gives all.
        let apart = leading == 0 || leading == k || s[leading - 1] - s[leading] > 1e-12 * s[0];
        if !(sound && apart) {
            return Ok(false);
        }
        self.poles.apply(self.isa, &self.extra.poles, (&b.d, &b.e), &mut self.inner, width);
        if leading > 0 {
            leading_vectors(&b.d, &b.e, leading, &mut self.extra)?;
            for i in 0..leading {
                let x = s[i] / self.unit;
                let missing = factor * derivative[i] - x * self.extra.poles.at(x * x);
                // Rows: of U first, then of V.
                let (u, v) = self.extra.vectors[2 * k * i..2 * k * (i + 1)].split_at(k);
                for (row, &v) in self.inner.chunks_exact_mut(width).zip(v) {
                    for (to, &u) in row.iter_mut().zip(u) {
                        *to += T::of(missing * v * u);
                    }
                }
            }
        }
        self.back(out);
        Ok(true)
    }

    /// `scale·w = Q B Zᵀ`.
    fn reduce(&mut self, w: &[T], scale: T) {
        let (rows, columns, isa) = (self.rows, self.columns, self.isa);
        let wide = columns >= rows;
        let Bidiagonal { a, k, stride, .. } = &mut self.bidiagonal;
        let (k, stride) = (*k, *stride);
        if let Some(qr) = &mut self.qr {
            // Row-major A, then the columns of R.
            let width = padded::<T>(k);
            if wide {
                transpose(isa, (w, columns), (&mut qr.a, width), rows, columns);
                qr.a.iter_mut().for_each(|x| *x *= scale);
            } else {
                // Safety: `isa` is what the CPU has.
                unsafe { scaled_rows(isa, w, columns, scale, &mut qr.a, width) };
            }
            qr.reduce(isa, &mut self.blocks);
            transpose(isa, (&qr.a, width), (a, stride), k, k);
            for j in 0..k {
                a[j * stride + j + 1..(j + 1) * stride].fill(T::default());
            }
        } else if wide {
            // Rows of W are columns of Wᵀ.
            // Safety: as above.
            unsafe { scaled_rows(isa, w, columns, scale, a, stride) };
        } else {
            transpose(isa, (w, columns), (a, stride), rows, columns);
            a.iter_mut().for_each(|x| *x *= scale);
        }
        self.bidiagonal.reduce(isa);
    }

    /// `p ← Q·innerᵀ·Zᵀ`, where `inner` is what stands between, transposed.
    fn back(&mut self, p: &mut [T]) {
        let b = &self.bidiagonal;
        let (m, k, stride, width) = (self.rows.max(self.columns), b.k, b.stride, padded::<T>(b.k));
        let right =
            Reflectors { columns: &b.right, stride: b.right_stride, count: k - 1, offset: 1, tau: &b.right_tau };
        reflectors::apply(self.isa, right, &mut self.inner, k, width, &mut self.blocks);
        transpose(self.isa, (&self.inner, width), (&mut self.product, width), k, k);
        self.product[k * width..].fill(T::default());
        let left = Reflectors { columns: &b.left, stride, count: k, offset: 0, tau: &b.left_tau };
        reflectors::apply(self.isa, left, &mut self.product, b.m, width, &mut self.blocks);
        if let Some(qr) = &self.qr {
            qr.apply(self.isa, &mut self.product, width, &mut self.blocks);
        }
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

/// Replaces `d` by the singular values, descending, of the upper bidiagonal matrix with this diagonal and `extra.superdiagonal`.
fn singular_values(d: &mut [f64], extra: &mut Extra) -> Result<()> {
    let (k, one, none, mut info) = (d.len() as c_int, 1, 0, 0);
    extra.work.resize(extra.work.len().max(4 * d.len()), 0.0);
    let nothing = std::ptr::null_mut();
    // Safety: d has k numbers, the superdiagonal k − 1, work 4k; no vectors are asked for.
    unsafe {
        lapack_sys::dbdsqr_(
            &(b'U' as c_char),
            &k,
            &none,
            &none,
            &none,
            d.as_mut_ptr(),
            extra.superdiagonal.as_mut_ptr(),
            nothing,
            &one,
            nothing,
            &one,
            nothing,
            &one,
            extra.work.as_mut_ptr(),
            &mut info,
        );
    }
    if info == 0 { Ok(()) } else { Err(Error::Lapack { routine: "dbdsqr", info }) }
}

/// Fills `extra.vectors` with the `count` leading singular vectors of the upper bidiagonal matrix.
fn leading_vectors(d: &[f64], e: &[f64], count: usize, extra: &mut Extra) -> Result<()> {
    let k = d.len();
    extra.work.resize(extra.work.len().max(14 * k), 0.0);
    extra.integers.resize(12 * k, 0);
    // As many as there can be: within, LAPACK takes an interval of values for the range of indices, a little wider, and
    // counts at the end.
    extra.values.resize(2 * k, 0.0);
    extra.vectors.resize(2 * k * (k + 1), 0.0);
    extra.diagonal.resize(k, 0.0);
    extra.diagonal.copy_from_slice(d);
    extra.superdiagonal.copy_from_slice(e);
    let (order, height, first, last) = (k as c_int, 2 * k as c_int, 1, count as c_int);
    let (mut found, mut info, unused) = (0, 0, 0.0);
    // Safety: the lengths that dbdsvdx documents, as made above.
    unsafe {
        lapack_sys::dbdsvdx_(
            &(b'U' as c_char),
            &(b'V' as c_char),
            &(b'I' as c_char),
            &order,
            extra.diagonal.as_mut_ptr(),
            extra.superdiagonal.as_mut_ptr(),
            &unused,
            &unused,
            &first,
            &last,
            &mut found,
            extra.values.as_mut_ptr(),
            extra.vectors.as_mut_ptr(),
            &height,
            extra.work.as_mut_ptr(),
            extra.integers.as_mut_ptr(),
            &mut info,
        );
    }
    if info == 0 && found == last { Ok(()) } else { Err(Error::Lapack { routine: "dbdsvdx", info }) }
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
