//! Products of Householder reflectors, applied to a matrix from the left in blocks: `H_1 ⋯ H_b = I − U T Uᵀ`.
//!
//! Schreiber and Van Loan, *A storage-efficient WY representation for products of Householder transformations* (1989).
//! The matrix is row-major, so that lanes run along its rows, and the reflectors' entries are spread over lanes: no
//! packing, no sums across lanes.

use super::lanes::{Aligned, Isa, Lanes, padded, sum, vectorised};
use super::real::Real;

/// Reflectors of a block.
pub const BLOCK: usize = 16;
/// Rows of a tile of [`multiply`].
const TILE: usize = 8;

/// Reflectors, each a column: zero above its first entry, which is 1.
#[derive(Clone, Copy)]
pub struct Reflectors<'a, T> {
    /// Column-major, whole lanes a column, padding zero.
    pub columns: &'a [T],
    /// Between two columns.
    pub stride: usize,
    /// How many.
    pub count: usize,
    /// Column j begins at row `j + offset`.
    pub offset: usize,
    /// τ of each.
    pub tau: &'a [T],
}

/// Room for a block on matrices of some width.
#[derive(Debug, Clone)]
pub struct Workspace<T> {
    /// T, upper, row-major BLOCK×BLOCK.
    t: Aligned<T>,
    /// U·T, row-major, BLOCK a row.
    ut: Aligned<T>,
    /// Uᵀ·C, row-major, BLOCK rows.
    product: Aligned<T>,
}

impl<T: Real> Workspace<T> {
    /// For reflectors of up to `rows` entries and matrices of up to `columns` columns.
    pub fn new(rows: usize, columns: usize) -> Workspace<T> {
        Workspace {
            t: Aligned::zeros(BLOCK * BLOCK),
            ut: Aligned::zeros(padded::<T>(rows) * BLOCK),
            product: Aligned::zeros(BLOCK * padded::<T>(columns)),
        }
    }
}

/// `c ← H_1 H_2 ⋯ H_count·c` for the `rows` × `width` matrix `c`, row-major, `width` a whole number of lanes.
pub fn apply<T: Real>(isa: Isa, h: Reflectors<T>, c: &mut [T], rows: usize, width: usize, work: &mut Workspace<T>) {
    assert!(width.is_multiple_of(T::LANES) && c.len() >= rows * width && rows <= h.stride);
    assert!(h.columns.len() >= h.stride * h.count && h.tau.len() >= h.count);
    assert!(work.ut.len() >= padded::<T>(rows) * BLOCK && work.product.len() >= BLOCK * width);
    // Safety: the lengths just checked; `isa` is what the CPU has.
    unsafe { apply_blocks(isa, h, c.as_mut_ptr(), rows, width, work) };
}

/// `c ← H_countᵀ ⋯ H_1ᵀ·c` for at most [`BLOCK`] reflectors and the columns `from..width` of c, `rows` rows of `width` numbers;
/// `from` is a whole number of lanes.
pub fn apply_transposed<T: Real>(
    isa: Isa,
    h: Reflectors<T>,
    c: &mut [T],
    rows: usize,
    (from, width): (usize, usize),
    work: &mut Workspace<T>,
) {
    assert!(width.is_multiple_of(T::LANES) && from.is_multiple_of(T::LANES) && from <= width);
    assert!(c.len() >= rows * width && rows <= h.stride && h.count <= BLOCK);
    assert!(h.columns.len() >= h.stride * h.count && h.tau.len() >= h.count);
    assert!(work.ut.len() >= padded::<T>(rows) * BLOCK && work.product.len() >= BLOCK * width);
    // Safety: the lengths just checked; `isa` is what the CPU has.
    unsafe { apply_one_transposed(isa, h, c.as_mut_ptr(), rows, from, width, work) };
}

vectorised!(fn apply_one_transposed<T>(
    isa; h: Reflectors<T>, c: *mut T, rows: usize, from: usize, width: usize, work: &mut Workspace<T>
) = apply_one_transposed_by);

#[inline(always)]
unsafe fn apply_one_transposed_by<L: Lanes>(
    h: Reflectors<L::Scalar>,
    c: *mut L::Scalar,
    rows: usize,
    from: usize,
    width: usize,
    work: &mut Workspace<L::Scalar>,
) {
    // Safety: the caller's lengths.
    unsafe { apply_block::<L, true>(h, 0..h.count, c.add(from), rows, (width - from, width), work) }
}

vectorised!(fn apply_blocks<T>(
    isa; h: Reflectors<T>, c: *mut T, rows: usize, width: usize, work: &mut Workspace<T>
) = apply_by);

#[inline(always)]
unsafe fn apply_by<L: Lanes>(
    h: Reflectors<L::Scalar>,
    c: *mut L::Scalar,
    rows: usize,
    width: usize,
    work: &mut Workspace<L::Scalar>,
) {
    // Safety: the caller's lengths; a block's rows are `first..rows`.
    unsafe {
        for block in (0..h.count.div_ceil(BLOCK)).rev() {
            let (from, to) = (block * BLOCK, ((block + 1) * BLOCK).min(h.count));
            if from + h.offset < rows {
                apply_block::<L, false>(h, from..to, c, rows, (width, width), work);
            }
        }
    }
}

/// `c ← c − U·T·Uᵀ·c` for one block of reflectors (Tᵀ if `TRANSPOSED`) and `width` columns of c, whose rows are `c_stride`
/// apart.
#[inline(always)]
unsafe fn apply_block<L: Lanes, const TRANSPOSED: bool>(
    h: Reflectors<L::Scalar>,
    block: std::ops::Range<usize>,
    c: *mut L::Scalar,
    rows: usize,
    (width, c_stride): (usize, usize),
    work: &mut Workspace<L::Scalar>,
) {
    let one = L::Scalar::of(1.0);
    let first = block.start + h.offset;
    let (count, height) = (block.len(), rows - first);
    // Safety: the caller's lengths.
    unsafe {
        let u = h.columns.as_ptr().add(block.start * h.stride);
        triangle::<L>(u, h.stride, first, count, &h.tau[block], &mut work.t);
        if TRANSPOSED {
            for i in 0..BLOCK {
                for j in 0..i {
                    work.t.swap(i * BLOCK + j, j * BLOCK + i);
                }
            }
        }
        let (t, ut, product) = (work.t.as_ptr(), work.ut.as_mut_ptr(), work.product.as_mut_ptr());
        let u = u.add(first);
        // U·T: rows of U are `height`, T is count×BLOCK.
        ut.write_bytes(0, height * BLOCK);
        let by_row = Spread { at: u, row: 1, column: h.stride };
        multiply::<L>(one, by_row, height, count, t, BLOCK, ut, BLOCK, BLOCK);
        // Uᵀ·C.
        let c = c.add(first * c_stride);
        product.write_bytes(0, count * width);
        let by_column = Spread { at: u, row: h.stride, column: 1 };
        multiply::<L>(one, by_column, count, height, c, c_stride, product, width, width);
        // C ← C − (U·T)(Uᵀ·C).
        let ut = Spread { at: ut, row: BLOCK, column: 1 };
        multiply::<L>(-one, ut, height, count, product, width, c, c_stride, width);
    }
}

/// T of `count` reflectors from row `first` on: `T_jj = τ_j`, `T[..j, j] = −τ_j·T[..j, ..j]·(Uᵀu_j)[..j]`.
#[inline(always)]
unsafe fn triangle<L: Lanes>(
    u: *const L::Scalar,
    stride: usize,
    first: usize,
    count: usize,
    tau: &[L::Scalar],
    t: &mut [L::Scalar],
) {
    // Safety: the caller's: `count` columns of `stride` numbers.
    unsafe {
        t.fill(L::Scalar::default());
        for j in 0..count {
            let u_j = u.add(j * stride);
            let from = (first + j) / L::COUNT * L::COUNT;
            // −τ_j·Uᵀu_j; u_j is zero above its first row.
            let mut inner = [L::Scalar::default(); BLOCK];
            for i in 0..j {
                let u_i = u.add(i * stride);
                let mut product = L::splat(L::Scalar::default());
                for r in (from..stride).step_by(L::COUNT) {
                    product = product.add_product(L::load(u_i.add(r)), L::load(u_j.add(r)));
                }
                inner[i] = -tau[j] * sum(product);
            }
            for i in 0..j {
                let mut entry = L::Scalar::default();
                for l in i..j {
                    entry += t[i * BLOCK + l] * inner[l];
                }
                t[i * BLOCK + j] = entry;
            }
            t[j * BLOCK + j] = tau[j];
        }
    }
}

/// A matrix whose entries are spread over lanes one at a time.
#[derive(Clone, Copy)]
struct Spread<T> {
    at: *const T,
    /// Between two rows.
    row: usize,
    /// Between two columns.
    column: usize,
}

/// `c ← c + sign·a·b`: a is m×k, b and c have `width` columns (whole lanes).
#[inline(always)]
unsafe fn multiply<L: Lanes>(
    sign: L::Scalar,
    a: Spread<L::Scalar>,
    m: usize,
    k: usize,
    b: *const L::Scalar,
    b_stride: usize,
    c: *mut L::Scalar,
    c_stride: usize,
    width: usize,
) {
    // Safety: the caller's.
    unsafe {
        let mut column = 0;
        while column < width {
            let lanes = (width - column) / L::COUNT;
            let (b, c) = (b.add(column), c.add(column));
            column += L::COUNT
                * match lanes {
                    1 => panel::<L, 1>(sign, a, m, k, b, b_stride, c, c_stride),
                    2 | 4 => panel::<L, 2>(sign, a, m, k, b, b_stride, c, c_stride),
                    _ => panel::<L, 3>(sign, a, m, k, b, b_stride, c, c_stride),
                };
        }
    }
}

/// [`multiply`] for N lanes of columns; answers N.
#[inline(always)]
unsafe fn panel<L: Lanes, const N: usize>(
    sign: L::Scalar,
    a: Spread<L::Scalar>,
    m: usize,
    k: usize,
    b: *const L::Scalar,
    b_stride: usize,
    c: *mut L::Scalar,
    c_stride: usize,
) -> usize {
    // Safety: the caller's.
    unsafe {
        let mut row = 0;
        while row + TILE <= m {
            let a = Spread { at: a.at.add(row * a.row), ..a };
            tile::<L, TILE, N>(sign, a, k, b, b_stride, c.add(row * c_stride), c_stride);
            row += TILE;
        }
        while row < m {
            let (a, c) = (Spread { at: a.at.add(row * a.row), ..a }, c.add(row * c_stride));
            row += match m - row {
                4.. => {
                    tile::<L, 4, N>(sign, a, k, b, b_stride, c, c_stride);
                    4
                }
                2.. => {
                    tile::<L, 2, N>(sign, a, k, b, b_stride, c, c_stride);
                    2
                }
                _ => {
                    tile::<L, 1, N>(sign, a, k, b, b_stride, c, c_stride);
                    1
                }
            };
        }
        N
    }
}

/// [`multiply`] for M rows and N lanes of columns, which stay in registers.
#[inline(always)]
unsafe fn tile<L: Lanes, const M: usize, const N: usize>(
    sign: L::Scalar,
    a: Spread<L::Scalar>,
    k: usize,
    b: *const L::Scalar,
    b_stride: usize,
    c: *mut L::Scalar,
    c_stride: usize,
) {
    // Safety: the caller's.
    unsafe {
        let mut tile = [[L::splat(L::Scalar::default()); N]; M];
        for l in 0..k {
            let mut right = [L::splat(L::Scalar::default()); N];
            for n in 0..N {
                right[n] = L::load(b.add(l * b_stride + n * L::COUNT));
            }
            for m in 0..M {
                let left = L::splat(*a.at.add(m * a.row + l * a.column));
                for n in 0..N {
                    tile[m][n] = tile[m][n].add_product(left, right[n]);
                }
            }
        }
        let sign = L::splat(sign);
        for m in 0..M {
            for n in 0..N {
                let at = c.add(m * c_stride + n * L::COUNT);
                L::load(at).add_product(tile[m][n], sign).store(at);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Stream;

    #[test]
    fn blocks_are_the_same_as_one_reflector_after_the_other() {
        for (rows, count, offset, columns) in
            [(1, 1, 0, 1), (5, 5, 0, 3), (5, 4, 1, 8), (33, 33, 0, 20), (50, 49, 1, 41), (70, 33, 0, 33)]
        {
            let mut stream = Stream::new("test", 1);
            let (stride, width) = (padded::<f64>(rows), padded::<f64>(columns));
            let mut u = vec![0.0; stride * count];
            let mut tau = vec![0.0; count];
            for j in 0..count {
                u[j * stride + j + offset] = 1.0;
                (j + offset + 1..rows).for_each(|r| u[j * stride + r] = stream.normal());
                // H orthogonal: τ = 2/‖u‖²; one that is no reflection at all among them.
                let square: f64 = u[j * stride..][..rows].iter().map(|x| x * x).sum();
                tau[j] = if j == 2 { 0.0 } else { 2.0 / square };
            }
            let mut c = vec![0.0; rows * width];
            (0..rows).for_each(|r| (0..columns).for_each(|i| c[r * width + i] = stream.normal()));
            let mut expected = c.clone();
            for j in (0..count).rev() {
                let u = &u[j * stride..];
                for i in 0..columns {
                    let inner: f64 = (0..rows).map(|r| u[r] * expected[r * width + i]).sum();
                    (0..rows).for_each(|r| expected[r * width + i] -= tau[j] * inner * u[r]);
                }
            }
            let h = Reflectors { columns: &u, stride, count, offset, tau: &tau };
            let mut work = Workspace::new(rows, columns);
            let mut portable = c.clone();
            apply(Isa::detect(), h, &mut c, rows, width, &mut work);
            apply(Isa::Portable, h, &mut portable, rows, width, &mut work);
            let worst = c.iter().zip(&expected).map(|(x, y)| (x - y).abs()).fold(0.0, f64::max);
            assert!(worst < 1e-12, "{rows}×{columns}: {worst:e}");
            assert!(c.iter().zip(&portable).all(|(x, y)| x.to_bits() == y.to_bits()));
        }
    }
}
