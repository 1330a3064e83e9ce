//! The polar factor `P = UVᵀ` of a matrix, without its singular vectors: `W = Q B Zᵀ`, `P = Q·polar(B)·Zᵀ`.
//!
//! 8/3·k³ flops to the bidiagonal form, 4·k³ back (for k×k), nothing iterates, no state is kept from call to call.

use super::bidiagonal::Bidiagonal;
use super::lanes::{Aligned, Isa, padded};
use super::poles;
use super::reflectors::{self, Reflectors};

/// Side of the squares in which a matrix is transposed.
const SQUARE: usize = 8;

/// Room for matrices of one shape.
#[derive(Debug, Clone)]
pub struct PolarFactor {
    rows: usize,
    columns: usize,
    isa: Isa,
    /// Of W or, where it is wide, Wᵀ: m×k, m ≥ k.
    bidiagonal: Bidiagonal,
    poles: poles::Workspace,
    /// `Z·polar(B)ᵀ`, k×k row-major, padded rows.
    inner: Aligned,
    /// `Q·polar(B)·Zᵀ`, m×k row-major, padded rows.
    product: Aligned,
    blocks: reflectors::Workspace,
}

impl PolarFactor {
    /// For `rows` × `columns`, both at least 1.
    pub fn new(rows: usize, columns: usize) -> PolarFactor {
        let (m, k) = (rows.max(columns), rows.min(columns));
        PolarFactor {
            rows,
            columns,
            isa: Isa::detect(),
            bidiagonal: Bidiagonal::new(m, k),
            poles: poles::Workspace::new(k),
            inner: Aligned::zeros(k * padded(k)),
            product: Aligned::zeros(m * padded(k)),
            blocks: reflectors::Workspace::new(m, padded(k)),
        }
    }

    /// Bytes held for this shape.
    pub fn bytes(rows: usize, columns: usize) -> usize {
        let (m, k) = (padded(rows.max(columns)), padded(rows.min(columns)));
        8 * (3 * m * k + 3 * k * k + 2 * poles::POLES * k + 16 * (m + k))
    }

    /// `p ← polar(scale·w)`, both row-major. The entries of scale·w are at most about 1 and not all 0. Directions whose
    /// singular value is below [`poles::RANGE`] of the largest shrink smoothly to 0.
    pub fn of(&mut self, w: &[f64], scale: f64, p: &mut [f64]) {
        let (rows, columns) = (self.rows, self.columns);
        let wide = columns >= rows;
        let Bidiagonal { m, k, stride, .. } = self.bidiagonal;
        if wide {
            // Rows of W are columns of Wᵀ.
            for (to, from) in self.bidiagonal.a.chunks_exact_mut(stride).zip(w.chunks_exact(columns)) {
                for (to, x) in to.iter_mut().zip(from) {
                    *to = x * scale;
                }
            }
        } else {
            transpose(w, columns, &mut self.bidiagonal.a, stride, rows, columns);
            self.bidiagonal.a.iter_mut().for_each(|x| *x *= scale);
        }
        self.bidiagonal.reduce(self.isa);
        let b = &mut self.bidiagonal;
        let width = padded(k);
        // polar(B) column-major is polar(B)ᵀ row-major.
        self.poles.polar(self.isa, &mut b.d, &mut b.e, &mut self.inner, width);
        let right =
            Reflectors { columns: &b.right, stride: b.right_stride, count: k - 1, offset: 1, tau: &b.right_tau };
        reflectors::apply(self.isa, right, &mut self.inner, k, width, &mut self.blocks);
        transpose(&self.inner, width, &mut self.product, width, k, k);
        self.product[k * width..].fill(0.0);
        let left = Reflectors { columns: &b.left, stride, count: k, offset: 0, tau: &b.left_tau };
        reflectors::apply(self.isa, left, &mut self.product, m, width, &mut self.blocks);
        if wide {
            transpose(&self.product, width, p, columns, m, k);
        } else {
            for (to, from) in p.chunks_exact_mut(columns).zip(self.product.chunks_exact(width)) {
                to.copy_from_slice(&from[..k]);
            }
        }
    }
}

/// `to ← fromᵀ`, `from` rows×columns; rows are `from_stride` and `to_stride` apart.
fn transpose(from: &[f64], from_stride: usize, to: &mut [f64], to_stride: usize, rows: usize, columns: usize) {
    for i0 in (0..rows).step_by(SQUARE) {
        for j0 in (0..columns).step_by(SQUARE) {
            for j in j0..(j0 + SQUARE).min(columns) {
                for i in i0..(i0 + SQUARE).min(rows) {
                    to[j * to_stride + i] = from[i * from_stride + j];
                }
            }
        }
    }
}
