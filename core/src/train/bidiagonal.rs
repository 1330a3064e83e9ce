//! `A = Q B Zᵀ`: B upper bidiagonal, Q and Z products of reflectors. Householder's method, in two passes a column.
//!
//! A reflector from the left and one from the right change A by `−u yᵀ − x vᵀ`. The change is not made at once: the next
//! column's first pass makes it and, while the entries are in registers, forms `uᵀA` for the next left reflector; the second
//! pass forms `A v`. So A is read twice and written once a column (Howell, Demmel, Fulton, Hammarling, Marmol, *Cache
//! efficient bidiagonalization using BLAS 2.5 operators*, 2008).

use super::lanes::{Aligned, Isa, Lanes, padded, sum, vectorised};
use super::real::{Float, Real};

/// A matrix m×k, m ≥ k, on its way to bidiagonal form, with room for everything.
#[derive(Debug, Clone)]
pub struct Bidiagonal<T> {
    /// Rows m.
    pub m: usize,
    /// Columns k.
    pub k: usize,
    /// Between two columns of `a` and `left`: m padded.
    pub stride: usize,
    /// Between two columns of `right`: k padded.
    pub right_stride: usize,
    /// The matrix, column-major, its padding zero; lost by [`Bidiagonal::reduce`].
    pub a: Aligned<T>,
    /// Column j is u_j of `H_j = I − τ u uᵀ`: zero above row j, 1 there.
    pub left: Aligned<T>,
    /// Column j is v_j of `G_j = I − τ v vᵀ`: zero above row j + 1, 1 there.
    pub right: Aligned<T>,
    /// τ of the left reflectors.
    pub left_tau: Vec<T>,
    /// τ of the right reflectors.
    pub right_tau: Vec<T>,
    /// Diagonal of B.
    pub d: Vec<f64>,
    /// Superdiagonal of B.
    pub e: Vec<f64>,
    x: Aligned<T>,
    y: Aligned<T>,
    /// Stands for u, v of the column before the first.
    zeros: Aligned<T>,
}

impl<T: Real> Bidiagonal<T> {
    /// Room for m×k.
    pub fn new(m: usize, k: usize) -> Bidiagonal<T> {
        let (stride, right_stride) = (padded::<T>(m), padded::<T>(k));
        Bidiagonal {
            m,
            k,
            stride,
            right_stride,
            a: Aligned::zeros(stride * k),
            left: Aligned::zeros(stride * k),
            right: Aligned::zeros(right_stride * k),
            left_tau: vec![T::default(); k],
            right_tau: vec![T::default(); k],
            d: vec![0.0; k],
            e: vec![0.0; k.saturating_sub(1)],
            x: Aligned::zeros(stride),
            y: Aligned::zeros(right_stride),
            zeros: Aligned::zeros(stride),
        }
    }

    /// Reduces what is in `a` (entries of size about 1). Fills `d`, `e` and the reflectors.
    pub fn reduce(&mut self, isa: Isa) {
        self.x.fill(T::default());
        self.y.fill(T::default());
        // Safety: strides and lengths as made in `new`; `isa` is what the CPU has.
        unsafe { reduce(isa, self) }
    }
}

vectorised!(fn reduce<T>(isa; b: &mut Bidiagonal<T>) = reduce_by);

#[inline(always)]
unsafe fn reduce_by<L: Lanes>(b: &mut Bidiagonal<L::Scalar>) {
    let (k, stride) = (b.k, b.stride);
    let (a, left, right) = (b.a.as_mut_ptr(), b.left.as_mut_ptr(), b.right.as_mut_ptr());
    let (x, y, zeros) = (b.x.as_mut_ptr(), b.y.as_mut_ptr(), b.zeros.as_ptr());
    let zero = L::Scalar::default();
    // Safety: every offset below is within what `new` made: columns < k of `stride` rows, vectors of `stride` (x, zeros) and
    // `right_stride` (y) entries. What lies above a reflector's first entry is zero, so whole lanes may be
    // used from the lane of row j on: dead rows are changed by finite numbers that are never read.
    unsafe {
        for j in 0..k {
            let from = j / L::COUNT * L::COUNT;
            let column = a.add(j * stride);
            let u = left.add(j * stride);
            // The change that the last column left behind, here and in `pass`: a ← a − u_{j−1} y − x v.
            let (u_last, v_last): (*const L::Scalar, *const L::Scalar) =
                if j > 0 { (left.add((j - 1) * stride), right.add((j - 1) * b.right_stride)) } else { (zeros, zeros) };
            let (y_j, v_j) = (L::splat(*y.add(j)), L::splat(*v_last.add(j)));
            for r in (from..stride).step_by(L::COUNT) {
                let entry = L::load(column.add(r));
                entry
                    .subtract_product(L::load(u_last.add(r)), y_j)
                    .subtract_product(L::load(x.add(r)), v_j)
                    .store(column.add(r));
            }
            // H_j makes column j zero below row j.
            for r in 0..j {
                *u.add(r) = zero;
            }
            for r in j..stride {
                *u.add(r) = *column.add(r);
            }
            let (entry, tau) = reflector::<L>(u, j, stride);
            (b.d[j], b.left_tau[j]) = (entry.wide(), tau);
            // uᵀA, and y = τ uᵀA.
            if j + 1 == k {
                break;
            }
            let tau = b.left_tau[j];
            let mut c = j + 1;
            while c + 4 <= k {
                let products = pass::<L, 4>(a.add(c * stride), stride, from, u_last, x, u, |i| {
                    (*y.add(c + i), *v_last.add(c + i))
                });
                for (i, product) in products.into_iter().enumerate() {
                    *y.add(c + i) = tau * product;
                }
                c += 4;
            }
            while c < k {
                let [product] =
                    pass::<L, 1>(a.add(c * stride), stride, from, u_last, x, u, |_| (*y.add(c), *v_last.add(c)));
                *y.add(c) = tau * product;
                c += 1;
            }
            // Row j after H_j, and G_j, which makes it zero right of column j + 1.
            let v = right.add(j * b.right_stride);
            for c in 0..=j {
                *v.add(c) = zero;
            }
            for c in j + 1..k {
                *v.add(c) = *a.add(c * stride + j) - *y.add(c);
            }
            let (entry, tau) = reflector::<L>(v, j + 1, b.right_stride);
            (b.e[j], b.right_tau[j]) = (entry.wide(), tau);
            // x = τ (A − u yᵀ) v.
            let mut inner = L::splat(zero);
            for c in (from..b.right_stride).step_by(L::COUNT) {
                inner = inner.add_product(L::load(y.add(c)), L::load(v.add(c)));
            }
            let inner = sum(inner);
            let (tau, first) = (b.right_tau[j], j + 1);
            let mut r = first / L::COUNT * L::COUNT;
            while r < stride {
                let lanes = ((stride - r) / L::COUNT).min(8);
                let at = Block { a: a.add(r), stride, u: u.add(r), x: x.add(r) };
                r += L::COUNT
                    * match lanes {
                        8 => times::<L, 8>(at, v, first, k, tau, inner),
                        4..8 => times::<L, 4>(at, v, first, k, tau, inner),
                        2..4 => times::<L, 2>(at, v, first, k, tau, inner),
                        _ => times::<L, 1>(at, v, first, k, tau, inner),
                    };
            }
        }
    }
}

/// Turns the vector whose entries from `first` on are in `u` into a reflector with `u[first] = 1`; answers the entry that
/// it leaves, and τ.
///
/// # Safety
/// `u` has `len` numbers, whole lanes, zero above `first`.
#[inline(always)]
pub unsafe fn reflector<L: Lanes>(u: *mut L::Scalar, first: usize, len: usize) -> (L::Scalar, L::Scalar) {
    let (zero, one) = (L::Scalar::default(), L::Scalar::of(1.0));
    // Safety: the caller's: `len` numbers, whole lanes, zero above `first`.
    unsafe {
        let alpha = *u.add(first);
        *u.add(first) = zero;
        let mut square = L::splat(zero);
        let from = first / L::COUNT * L::COUNT;
        for r in (from..len).step_by(L::COUNT) {
            let x = L::load(u.add(r));
            square = square.add_product(x, x);
        }
        let below = sum(square);
        *u.add(first) = one;
        if below == zero {
            return (alpha, zero);
        }
        let beta = -alpha.mul_add(alpha, below).sqrt().copysign(alpha);
        let scale = L::splat(one / (alpha - beta));
        for r in (from..len).step_by(L::COUNT) {
            L::load(u.add(r)).mul(scale).store(u.add(r));
        }
        *u.add(first) = one;
        (beta, (beta - alpha) / beta)
    }
}

/// `a_c ← a_c − u_last·y_c − x·v_c` for C columns, and `uᵀ a_c` of each.
#[inline(always)]
unsafe fn pass<L: Lanes, const C: usize>(
    a: *mut L::Scalar,
    stride: usize,
    from: usize,
    u_last: *const L::Scalar,
    x: *const L::Scalar,
    u: *const L::Scalar,
    factors: impl Fn(usize) -> (L::Scalar, L::Scalar),
) -> [L::Scalar; C] {
    // Safety: the caller's: C columns of `stride` numbers, vectors of as many.
    unsafe {
        let mut ys = [L::splat(L::Scalar::default()); C];
        let mut vs = ys;
        for i in 0..C {
            let (y, v) = factors(i);
            (ys[i], vs[i]) = (L::splat(y), L::splat(v));
        }
        let mut products = [L::splat(L::Scalar::default()); C];
        for r in (from..stride).step_by(L::COUNT) {
            let (u_last, x, u) = (L::load(u_last.add(r)), L::load(x.add(r)), L::load(u.add(r)));
            for i in 0..C {
                let at = a.add(i * stride + r);
                let entry = L::load(at).subtract_product(u_last, ys[i]).subtract_product(x, vs[i]);
                entry.store(at);
                products[i] = products[i].add_product(u, entry);
            }
        }
        let mut sums = [L::Scalar::default(); C];
        for i in 0..C {
            sums[i] = sum(products[i]);
        }
        sums
    }
}

/// Some rows: of A, of u and of x.
#[derive(Clone, Copy)]
struct Block<T> {
    a: *const T,
    stride: usize,
    u: *const T,
    x: *mut T,
}

/// `x ← τ (A v − inner·u)` for R lanes of rows, columns `first..k`; answers R.
#[inline(always)]
unsafe fn times<L: Lanes, const R: usize>(
    at: Block<L::Scalar>,
    v: *const L::Scalar,
    first: usize,
    k: usize,
    tau: L::Scalar,
    inner: L::Scalar,
) -> usize {
    // Safety: the caller's.
    unsafe {
        let mut x = [L::splat(L::Scalar::default()); R];
        for c in first..k {
            let (v, column) = (L::splat(*v.add(c)), at.a.add(c * at.stride));
            for i in 0..R {
                x[i] = x[i].add_product(L::load(column.add(i * L::COUNT)), v);
            }
        }
        let (tau, inner) = (L::splat(tau), L::splat(inner));
        for i in 0..R {
            let u = L::load(at.u.add(i * L::COUNT));
            x[i].subtract_product(u, inner).mul(tau).store(at.x.add(i * L::COUNT));
        }
        R
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Stream;

    /// Q·B·Zᵀ, row-major m×k.
    fn product(b: &Bidiagonal<f64>) -> Vec<f64> {
        let (m, k) = (b.m, b.k);
        let mut a = vec![0.0; m * k];
        for j in 0..k {
            a[j * k + j] = b.d[j];
            if j + 1 < k {
                a[j * k + j + 1] = b.e[j];
            }
        }
        for j in (0..k).rev() {
            let u = &b.left[j * b.stride..];
            for c in 0..k {
                let inner: f64 = (0..m).map(|r| u[r] * a[r * k + c]).sum();
                (0..m).for_each(|r| a[r * k + c] -= b.left_tau[j] * inner * u[r]);
            }
            let v = &b.right[j * b.right_stride..];
            for r in 0..m {
                let inner: f64 = (0..k).map(|c| v[c] * a[r * k + c]).sum();
                (0..k).for_each(|c| a[r * k + c] -= b.right_tau[j] * inner * v[c]);
            }
        }
        a
    }

    fn filled(m: usize, k: usize, seed: i64) -> (Bidiagonal<f64>, Vec<f64>) {
        let mut stream = Stream::new("test", seed);
        let mut b = Bidiagonal::new(m, k);
        let mut a = vec![0.0; m * k];
        for j in 0..k {
            for r in 0..m {
                let x = stream.normal();
                a[r * k + j] = x;
                b.a[j * b.stride + r] = x;
            }
        }
        (b, a)
    }

    #[test]
    fn the_factors_multiply_to_the_matrix_for_every_shape() {
        for (m, k) in [(1, 1), (2, 1), (2, 2), (3, 2), (7, 7), (8, 8), (9, 8), (17, 9), (40, 33), (64, 64), (100, 71)] {
            let (mut b, a) = filled(m, k, 1);
            // Twice: nothing of the first matrix may be left in the second.
            b.reduce(Isa::detect());
            let (again, _) = filled(m, k, 1);
            b.a.copy_from_slice(&again.a);
            b.reduce(Isa::detect());
            let worst = product(&b).iter().zip(&a).map(|(x, y)| (x - y).abs()).fold(0.0, f64::max);
            assert!(worst < 1e-12, "{m}×{k}: {worst:e}");
        }
    }

    #[test]
    fn every_instruction_set_gives_the_same_bits() {
        let (b, _) = filled(37, 29, 2);
        let reduced = |isa| {
            let mut b = b.clone();
            b.reduce(isa);
            let bits = |x: &[f64]| x.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
            [bits(&b.d), bits(&b.e), bits(&b.left), bits(&b.right)]
        };
        let portable = reduced(Isa::Portable);
        assert_eq!(portable, reduced(Isa::detect()));
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
            assert_eq!(portable, reduced(Isa::Avx2));
        }
    }

    #[test]
    fn zeros_and_tiny_entries_are_no_trouble() {
        let mut b = Bidiagonal::<f64>::new(9, 5);
        b.reduce(Isa::detect());
        assert!(b.d.iter().chain(&b.e).all(|&x| x == 0.0));
        b.a[0] = 1.0;
        b.a[b.stride + 3] = 1e-200;
        b.reduce(Isa::detect());
        assert!(b.d.iter().chain(&b.e).chain(&b.left_tau).all(|x| x.is_finite()));
    }
}
