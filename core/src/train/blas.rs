//! Matrix products, and what is asked of and told to OpenBLAS.

use super::lanes::{self, Isa};
use super::real::Real;
use crate::optimizer::{flat, flat_mut};
use ndarray::Array2;
use std::ffi::{CStr, c_char, c_int};

unsafe extern "C" {
    fn openblas_set_num_threads(threads: c_int);
    fn openblas_get_num_threads() -> c_int;
    fn openblas_get_config() -> *const c_char;
    fn openblas_get_corename() -> *const c_char;
}

/// Whether a factor is taken as it is stored or transposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// A.
    Plain,
    /// Aᵀ.
    Transposed,
}

impl Op {
    fn code(self) -> cblas_sys::CBLAS_TRANSPOSE {
        if self == Op::Plain { cblas_sys::CblasNoTrans } else { cblas_sys::CblasTrans }
    }
}

/// `c ← alpha·op(a)·op(b) + beta·c`, all row-major; `op(a)`: m×k, `op(b)`: k×n, `c`: m×n. Never allocates.
///
/// # Panics
/// If the shapes do not fit.
pub fn gemm<T: Real>(
    alpha: f64,
    (op_a, a): (Op, &Array2<T>),
    (op_b, b): (Op, &Array2<T>),
    beta: f64,
    c: &mut Array2<T>,
) {
    let shape = |op, x: &Array2<T>| if op == Op::Plain { x.dim() } else { (x.ncols(), x.nrows()) };
    let ((m, k), (k_b, n)) = (shape(op_a, a), shape(op_b, b));
    assert!(k == k_b && c.dim() == (m, n), "{m}×{k} · {k_b}×{n} into {:?}", c.dim());
    let (lda, ldb) = (a.ncols().max(1) as c_int, b.ncols().max(1) as c_int);
    // Safety: the slices cover the shapes just checked, row-major with these leading dimensions.
    unsafe {
        T::gemm(
            op_a.code(),
            op_b.code(),
            [m as c_int, n as c_int, k as c_int],
            alpha,
            (a.as_slice().expect("row-major").as_ptr(), lda),
            (b.as_slice().expect("row-major").as_ptr(), ldb),
            beta,
            (c.as_slice_mut().expect("row-major").as_mut_ptr(), n.max(1) as c_int),
        );
    }
}

/// Room for the transpose of a factor.
///
/// OpenBLAS's kernels for small matrices are half as fast again for `A·B` as for `A·Bᵀ` (docs/performance.md), and a transpose costs
/// less than that. Larger products are packed anyway.
pub struct Transposed<T>(Option<Array2<T>>);

impl<T: Real> Transposed<T> {
    /// `m·n·k` up to which OpenBLAS takes its kernels for small matrices.
    const SMALL: usize = 1_000_000;

    /// For the product of an m×k matrix and the transpose of one of `shape` n×k.
    pub fn new(m: usize, (n, k): (usize, usize)) -> Transposed<T> {
        Transposed((m * n * k <= Transposed::<T>::SMALL).then(|| Array2::zeros((k, n))))
    }

    /// `c ← a·bᵀ`.
    ///
    /// # Panics
    /// If the shapes do not fit.
    pub fn product(&mut self, a: &Array2<T>, b: &Array2<T>, c: &mut Array2<T>) {
        match &mut self.0 {
            None => gemm(1.0, (Op::Plain, a), (Op::Transposed, b), 0.0, c),
            Some(bt) => {
                let (n, k) = b.dim();
                lanes::transpose(Isa::detect(), (flat(b), k), (flat_mut(bt), n), n, k);
                gemm(1.0, (Op::Plain, a), (Op::Plain, bt), 0.0, c);
            }
        }
    }
}

/// `y ← alpha·op(a)·x + beta·y`, `a` row-major. Never allocates.
///
/// # Panics
/// If the shapes do not fit.
pub fn gemv<T: Real>(alpha: f64, (op, a): (Op, &Array2<T>), x: &[T], beta: f64, y: &mut [T]) {
    let (rows, columns) = a.dim();
    let (inputs, outputs) = if op == Op::Plain { (columns, rows) } else { (rows, columns) };
    assert!(x.len() == inputs && y.len() == outputs, "{rows}×{columns} with {} and {}", x.len(), y.len());
    // Safety: the slices cover the shapes just checked.
    unsafe {
        T::gemv(
            op.code(),
            [rows as c_int, columns as c_int],
            alpha,
            (a.as_slice().expect("row-major").as_ptr(), columns.max(1) as c_int),
            x.as_ptr(),
            beta,
            y.as_mut_ptr(),
        );
    }
}

/// Sets the number of threads of every BLAS call of this process, and answers how many OpenBLAS then says it uses.
/// To be called before the first BLAS call; the number moves the last bits of results.
pub fn set_threads(threads: usize) -> usize {
    // Safety: plain setters and getters of a number.
    unsafe {
        openblas_set_num_threads(threads as c_int);
        openblas_get_num_threads() as usize
    }
}

/// Lets OpenBLAS take its buffers now: where memory is limited later, and used up, it would try for ever.
pub fn warm_up() {
    let (a, mut c) = (Array2::<f64>::ones((256, 256)), Array2::zeros((256, 256)));
    gemm(1.0, (Op::Plain, &a), (Op::Plain, &a), 0.0, &mut c);
}

/// How many threads OpenBLAS says it uses.
pub fn threads() -> usize {
    // Safety: a plain getter.
    unsafe { openblas_get_num_threads() as usize }
}

/// OpenBLAS's own description: `OpenBLAS 0.3.21 …`.
pub fn library() -> String {
    // Safety: OpenBLAS returns a static, terminated string.
    unsafe { CStr::from_ptr(openblas_get_config()) }.to_string_lossy().trim().to_owned()
}

/// The kernel that OpenBLAS chose for this CPU: `SkylakeX`, `Haswell`, ….
pub fn kernel() -> String {
    // Safety: OpenBLAS returns a static, terminated string.
    unsafe { CStr::from_ptr(openblas_get_corename()) }.to_string_lossy().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn products_are_right_in_every_orientation() {
        let a = array![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]];
        let b = array![[1.0, 0.0], [2.0, 1.0], [0.0, -1.0]];
        let (at, bt) = (a.t().as_standard_layout().to_owned(), b.t().as_standard_layout().to_owned());
        // a·b: row 1: 1+4+0 = 5, 0+2−3 = −1; row 2: 4+10+0 = 14, 0+5−6 = −1.
        let expected = array![[5.0, -1.0], [14.0, -1.0]];
        use Op::{Plain, Transposed};
        for (x, y) in [
            ((Plain, &a), (Plain, &b)),
            ((Transposed, &at), (Plain, &b)),
            ((Plain, &a), (Transposed, &bt)),
            ((Transposed, &at), (Transposed, &bt)),
        ] {
            let mut c = Array2::ones((2, 2));
            gemm(2.0, x, y, 1.0, &mut c);
            assert_eq!(c, &expected * 2.0 + 1.0);
        }
        let mut y = [1.0, 1.0];
        gemv(1.0, (Plain, &a), &[1.0, 1.0, 1.0], 0.0, &mut y);
        assert_eq!(y, [6.0, 15.0]);
    }
}
