//! `A = Q·R` of a matrix much taller than wide, by reflectors in blocks: what is then brought to bidiagonal form is R, and so
//! small that it is read from a cache (Chan, *An improved algorithm for computing the singular value decomposition*, 1982).

use super::lanes::{Aligned, Isa, Lanes, padded, sum, transpose, vectorised};
use super::real::Real;
use super::reflectors::{self, BLOCK, Reflectors};

/// Rows a column from which this pays.
const TALL: f64 = 1.5;

/// Room for m×k matrices, m ≥ k.
#[derive(Debug, Clone)]
pub struct Qr<T> {
    m: usize,
    k: usize,
    /// Between two columns of the reflectors: m padded.
    stride: usize,
    /// Column j is u_j of `H_j = I − τ u uᵀ`: zero above row j, 1 there.
    u: Aligned<T>,
    tau: Vec<T>,
    /// The matrix on its way to R: row-major, padded rows.
    pub a: Aligned<T>,
}

impl<T: Real> Qr<T> {
    /// Whether an m×k matrix is reduced by way of R. A function of the shape alone.
    pub fn pays(m: usize, k: usize) -> bool {
        k >= 4 * BLOCK && m as f64 >= TALL * k as f64
    }

    /// For m×k.
    pub fn new(m: usize, k: usize) -> Qr<T> {
        let stride = padded::<T>(m);
        Qr {
            m,
            k,
            stride,
            u: Aligned::zeros(stride * k),
            tau: vec![T::default(); k],
            a: Aligned::zeros(m * padded::<T>(k)),
        }
    }

    /// Numbers held for m×k.
    pub fn numbers(m: usize, k: usize) -> usize {
        padded::<T>(m) * k + m * padded::<T>(k)
    }

    /// Replaces what is in `a` by R (below whose diagonal stands what is of no use).
    pub fn reduce(&mut self, isa: Isa, work: &mut reflectors::Workspace<T>) {
        let width = padded::<T>(self.k);
        for from in (0..self.k).step_by(BLOCK) {
            let to = (from + BLOCK).min(self.k);
            let (m, stride) = (self.m, self.stride);
            let panel = &mut self.u[from * stride..to * stride];
            panel.fill(T::default());
            transpose(isa, (&self.a[from * width + from..], width), (&mut panel[from..], stride), m - from, to - from);
            // Safety: `to − from` columns of `stride` numbers; `isa` is what the CPU has.
            unsafe {
                factor_panel(isa, panel, stride, from, &mut self.tau[from..to], &mut self.a, width);
            }
            if to < self.k {
                let block = Reflectors {
                    columns: &self.u[from * stride..to * stride],
                    stride,
                    count: to - from,
                    offset: from,
                    tau: &self.tau[from..to],
                };
                // Columns before a whole number of lanes are done with.
                reflectors::apply_transposed(isa, block, &mut self.a, m, (to, width), work);
            }
        }
    }

    /// `c ← Q·c`, m rows of `width` numbers.
    pub fn apply(&self, isa: Isa, c: &mut [T], width: usize, work: &mut reflectors::Workspace<T>) {
        let h = Reflectors { columns: &self.u, stride: self.stride, count: self.k, offset: 0, tau: &self.tau };
        reflectors::apply(isa, h, c, self.m, width, work);
    }
}

vectorised!(fn factor_panel<T>(
    isa; panel: &mut [T], stride: usize, first: usize, tau: &mut [T], a: &mut [T], width: usize
) = factor_panel_by);

/// Makes each column of the panel a reflector, whose entries from row `first` on are there, and writes R's part to `a`.
#[inline(always)]
unsafe fn factor_panel_by<L: Lanes>(
    panel: &mut [L::Scalar],
    stride: usize,
    first: usize,
    tau: &mut [L::Scalar],
    a: &mut [L::Scalar],
    width: usize,
) {
    let zero = L::Scalar::default();
    let columns = tau.len();
    for j in 0..columns {
        let row = first + j;
        let (done, rest) = panel.split_at_mut((j + 1) * stride);
        let u = &mut done[j * stride..];
        // What stands above is R's; the reflector is zero there.
        for r in first..row {
            a[r * width + row] = u[r];
            u[r] = zero;
        }
        // Safety: `stride` numbers, whole lanes, zero above `row`.
        let (entry, t) = unsafe { super::bidiagonal::reflector::<L>(u.as_mut_ptr(), row, stride) };
        a[row * width + row] = entry;
        tau[j] = t;
        let from = row / L::COUNT * L::COUNT;
        for column in rest.chunks_exact_mut(stride) {
            // Safety: as above; lanes above `row` meet zeros of u.
            unsafe {
                let mut inner = L::splat(zero);
                for r in (from..stride).step_by(L::COUNT) {
                    inner = inner.add_product(L::load(u.as_ptr().add(r)), L::load(column.as_ptr().add(r)));
                }
                let by = L::splat(t * sum(inner));
                for r in (from..stride).step_by(L::COUNT) {
                    let to = column.as_mut_ptr().add(r);
                    L::load(to).subtract_product(L::load(u.as_ptr().add(r)), by).store(to);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Stream;

    #[test]
    fn the_factors_multiply_to_the_matrix() {
        for (m, k) in [(3, 2), (40, 16), (50, 17), (100, 33), (131, 80)] {
            let mut stream = Stream::new("test", 1);
            let mut qr = Qr::<f64>::new(m, k);
            let width = padded::<f64>(k);
            let mut work = reflectors::Workspace::new(m, width);
            let original: Vec<f64> = (0..m * k).map(|_| stream.normal()).collect();
            // Twice: nothing of the first may be left.
            for _ in 0..2 {
                for (to, from) in qr.a.chunks_exact_mut(width).zip(original.chunks_exact(k)) {
                    to[..k].copy_from_slice(from);
                }
                qr.reduce(Isa::detect(), &mut work);
            }
            let mut back = vec![0.0; m * width];
            for r in 0..k {
                back[r * width + r..][..k - r].copy_from_slice(&qr.a[r * width + r..][..k - r]);
            }
            qr.apply(Isa::detect(), &mut back, width, &mut work);
            for (found, expected) in back.chunks_exact(width).zip(original.chunks_exact(k)) {
                for (x, y) in found.iter().zip(expected) {
                    assert!((x - y).abs() < 1e-12, "{m}×{k}: {x} {y}");
                }
            }
        }
    }
}
