//! Products of which only some entries count: `W = A·B` at the observed entries, and `G·Bᵀ`, `Aᵀ·G` for a G that is 0 elsewhere.
//!
//! B is used transposed, so that every entry of W is an inner product of two rows, and the gradients are sums of rows. Entries
//! are taken in bands of columns of W, so that the rows of Bᵀ of a band stay in the second-level cache.

use super::lanes::{Isa, Lanes, transpose, vectorised};
use super::real::{Float, Real};
use crate::optimizer::{flat, flat_mut};
use crate::problem::Entries;
use ndarray::Array2;

/// Bytes of Bᵀ in a band: half of a common second-level cache.
const BAND: usize = 512 << 10;

/// The largest share of observed entries at which three sparse products take less time than three dense ones
/// (docs/performance.md). Not a timing of this run: the same trial must compute the same bits.
const SPARSE: f64 = 0.08;

/// Whether the sparse products are taken for `m` of n1×n2 entries.
pub fn pays(m: usize, n1: usize, n2: usize) -> bool {
    (m as f64) < SPARSE * (n1 * n2) as f64
}

/// The observed entries of A·B, and room.
pub struct Sparse<T> {
    isa: Isa,
    /// Runs of entries of one row within a band of columns, band by band.
    runs: Vec<Run>,
    /// Column of each entry, in the order of the runs.
    column: Vec<u32>,
    /// Where each of them stands in the order of the problem's entries.
    place: Vec<u32>,
    /// The entries of W in the order of the problem's.
    values: Vec<T>,
    /// The gradient in the order of the runs.
    gradient: Vec<T>,
    /// Bᵀ, n2×h.
    bt: Array2<T>,
    /// (Aᵀ·G)ᵀ, n2×h.
    of_bt: Array2<T>,
}

/// Entries `from..to` are in `row`.
#[derive(Clone, Copy)]
struct Run {
    row: u32,
    from: u32,
    to: u32,
}

impl<T: Real> Sparse<T> {
    /// For `entries` of W, n1×n2, with A n1×`inner`.
    pub fn new(entries: &Entries, n1: usize, n2: usize, inner: usize) -> Sparse<T> {
        let width = (BAND / (inner * std::mem::size_of::<T>()).max(1)).clamp(1, n2);
        let at =
            |place: u32| (entries.index[place as usize] as usize / n2, entries.index[place as usize] as usize % n2);
        let mut place: Vec<u32> = (0..entries.index.len() as u32).collect();
        // Entries are ascending, so this keeps rows in order within a band, and columns within a row.
        place.sort_by_key(|&place| (at(place).1 / width, at(place).0));
        let mut runs: Vec<Run> = Vec::new();
        let mut band = usize::MAX;
        for (i, &place) in place.iter().enumerate() {
            let (row, column) = at(place);
            match runs.last_mut() {
                Some(run) if run.row as usize == row && band == column / width => run.to += 1,
                _ => runs.push(Run { row: row as u32, from: i as u32, to: i as u32 + 1 }),
            }
            band = column / width;
        }
        debug_assert!(runs.iter().all(|run| (run.row as usize) < n1));
        Sparse {
            isa: Isa::detect(),
            runs,
            column: place.iter().map(|&place| at(place).1 as u32).collect(),
            values: vec![T::default(); place.len()],
            gradient: vec![T::default(); place.len()],
            place,
            bt: Array2::zeros((n2, inner)),
            of_bt: Array2::zeros((n2, inner)),
        }
    }

    /// The entries of the last [`Sparse::product`].
    pub fn values(&self) -> &[T] {
        &self.values
    }

    /// Computes the observed entries of a·b.
    pub fn product(&mut self, a: &Array2<T>, b: &Array2<T>) {
        let (n2, inner) = self.bt.dim();
        assert!(a.ncols() == inner && b.dim() == (inner, n2), "A {:?}, B {:?}", a.dim(), b.dim());
        transpose(self.isa, (flat(b), n2), (flat_mut(&mut self.bt), inner), inner, n2);
        // Safety: rows and columns of the entries are those of A and Bᵀ.
        unsafe { dots(self.isa, self, flat(a)) };
    }

    /// `of_a ← G·Bᵀ` and `of_b ← Aᵀ·G`, `g` the entries of G and B that of the last [`Sparse::product`].
    pub fn gradients(&mut self, g: &[T], a: &Array2<T>, of_a: &mut Array2<T>, of_b: &mut Array2<T>) {
        let (n2, inner) = self.bt.dim();
        assert!(g.len() == self.place.len() && of_a.dim() == a.dim() && of_b.dim() == (inner, n2));
        for (to, &place) in self.gradient.iter_mut().zip(&self.place) {
            *to = g[place as usize];
        }
        flat_mut(of_a).fill(T::default());
        flat_mut(&mut self.of_bt).fill(T::default());
        // Safety: as above.
        unsafe { sums(self.isa, self, flat(a), flat_mut(of_a)) };
        transpose(self.isa, (flat(&self.of_bt), inner), (flat_mut(of_b), n2), n2, inner);
    }
}

vectorised!(fn dots<T>(isa; sparse: &mut Sparse<T>, a: &[T]) = dots_by);

/// `W[row, column] = ⟨A[row, :], Bᵀ[column, :]⟩`, four entries of a row at a time.
#[inline(always)]
unsafe fn dots_by<L: Lanes>(sparse: &mut Sparse<L::Scalar>, a: &[L::Scalar]) {
    const TOGETHER: usize = 4;
    let inner = sparse.bt.ncols();
    let bt = flat(&sparse.bt).as_ptr();
    // Safety: the caller's: rows of `inner` numbers.
    unsafe {
        for run in &sparse.runs {
            let row = a.as_ptr().add(run.row as usize * inner);
            let (mut from, to) = (run.from as usize, run.to as usize);
            while from < to {
                let count = (to - from).min(TOGETHER);
                // The last ones again where fewer are left.
                let columns: [usize; TOGETHER] =
                    std::array::from_fn(|i| sparse.column[from + i.min(count - 1)] as usize);
                let rows = columns.map(|column| bt.add(column * inner));
                let mut sums = [[L::splat(L::Scalar::default()); 2]; TOGETHER];
                let mut l = 0;
                while l + 2 * L::COUNT <= inner {
                    for half in 0..2 {
                        let x = L::load(row.add(l + half * L::COUNT));
                        for i in 0..TOGETHER {
                            sums[i][half] = sums[i][half].add_product(x, L::load(rows[i].add(l + half * L::COUNT)));
                        }
                    }
                    l += 2 * L::COUNT;
                }
                for i in 0..count {
                    let mut total = super::lanes::sum(sums[i][0].add(sums[i][1]));
                    for l in l..inner {
                        total = (*row.add(l)).mul_add(*rows[i].add(l), total);
                    }
                    sparse.values[sparse.place[from + i] as usize] = total;
                }
                from += count;
            }
        }
    }
}

vectorised!(fn sums<T>(isa; sparse: &mut Sparse<T>, a: &[T], of_a: &mut [T]) = sums_by);

/// `(G·Bᵀ)[row, :] += g·Bᵀ[column, :]` and `(Aᵀ·G)ᵀ[column, :] += g·A[row, :]` for every entry g.
#[inline(always)]
unsafe fn sums_by<L: Lanes>(sparse: &mut Sparse<L::Scalar>, a: &[L::Scalar], of_a: &mut [L::Scalar]) {
    const TOGETHER: usize = 8;
    let inner = sparse.bt.ncols();
    let (bt, of_bt) = (flat(&sparse.bt).as_ptr(), flat_mut(&mut sparse.of_bt).as_mut_ptr());
    let (column, gradient) = (&sparse.column[..], &sparse.gradient[..]);
    // Safety: the caller's: rows of `inner` numbers.
    unsafe {
        for run in &sparse.runs {
            let at = run.row as usize * inner;
            let (row, of_row) = (a.as_ptr().add(at), of_a.as_mut_ptr().add(at));
            let entries = run.from as usize..run.to as usize;
            let mut l = 0;
            while l + TOGETHER * L::COUNT <= inner {
                let mut sums = [L::splat(L::Scalar::default()); TOGETHER];
                let mut rows = sums;
                for i in 0..TOGETHER {
                    sums[i] = L::load(of_row.add(l + i * L::COUNT));
                    rows[i] = L::load(row.add(l + i * L::COUNT));
                }
                for entry in entries.clone() {
                    let (from, g) = (column[entry] as usize * inner + l, L::splat(gradient[entry]));
                    for i in 0..TOGETHER {
                        sums[i] = sums[i].add_product(g, L::load(bt.add(from + i * L::COUNT)));
                        let to = of_bt.add(from + i * L::COUNT);
                        L::load(to).add_product(g, rows[i]).store(to);
                    }
                }
                for i in 0..TOGETHER {
                    sums[i].store(of_row.add(l + i * L::COUNT));
                }
                l += TOGETHER * L::COUNT;
            }
            for entry in entries {
                let (from, g) = (column[entry] as usize * inner, gradient[entry]);
                for l in l..inner {
                    *of_row.add(l) = g.mul_add(*bt.add(from + l), *of_row.add(l));
                    let to = of_bt.add(from + l);
                    *to = g.mul_add(*row.add(l), *to);
                }
            }
        }
    }
}
