//! The numbers that a run is computed in: of 64 or of 32 bits (the axis `dtype`).
//!
//! Weights, products and gradients are of the run's own type; everything that is measured, carried by an optimizer or
//! compared is of 64 bits.

use super::lanes::{self, Lanes};
use crate::optimizer::Layers;
use ndarray::{Array2, NdFloat};
pub use num_traits::Float;
use std::borrow::Cow;
use std::ffi::{c_char, c_int};

/// `f64` or `f32`.
pub trait Real: NdFloat + Default {
    /// Its word in the axis `dtype`.
    const NAME: &'static str;
    /// Largest power of two to scale by.
    const EXPONENTS: f64;
    /// Numbers in 64 bytes.
    const LANES: usize;
    /// 64 bytes of it on a CPU with AVX-512.
    type Avx512: Lanes<Scalar = Self>;
    /// On a CPU with AVX2 and FMA.
    type Avx2: Lanes<Scalar = Self>;
    /// On any CPU.
    type Portable: Lanes<Scalar = Self>;

    /// Rounded to this type.
    fn of(x: f64) -> Self;
    /// Exactly.
    fn wide(self) -> f64;
    /// The matrix in 64 bits, copied only where that is another type.
    fn widened(matrix: &Array2<Self>) -> Cow<'_, Array2<f64>>;
    /// The matrix rounded to this type, copied only where that is another type.
    fn narrowed(matrix: &Array2<f64>) -> Cow<'_, Array2<Self>>;
    /// `f(w, out)` in 64 bits, by way of `scratch` where this is another type.
    fn widely<R>(w: &[Self], out: &mut [Self], scratch: &mut Vec<f64>, f: impl FnOnce(&[f64], &mut [f64]) -> R) -> R;
    /// Weights and gradients, for an optimizer.
    fn layers<'a>(weights: &'a mut [Array2<Self>], gradients: &'a [Array2<Self>]) -> Layers<'a>;

    /// `?gemm`, row-major.
    ///
    /// # Safety
    /// As CBLAS documents.
    #[allow(clippy::too_many_arguments, reason = "the arguments of BLAS")]
    unsafe fn gemm(
        op_a: cblas_sys::CBLAS_TRANSPOSE,
        op_b: cblas_sys::CBLAS_TRANSPOSE,
        shape: [c_int; 3],
        alpha: f64,
        a: (*const Self, c_int),
        b: (*const Self, c_int),
        beta: f64,
        c: (*mut Self, c_int),
    );
    /// `?gemv`, row-major.
    ///
    /// # Safety
    /// As CBLAS documents.
    #[allow(clippy::too_many_arguments, reason = "the arguments of BLAS")]
    unsafe fn gemv(
        op: cblas_sys::CBLAS_TRANSPOSE,
        shape: [c_int; 2],
        alpha: f64,
        a: (*const Self, c_int),
        x: *const Self,
        beta: f64,
        y: *mut Self,
    );
    /// `?gesdd` with jobz = 'S' for column-major m×n; answers its info.
    ///
    /// # Safety
    /// As LAPACK documents.
    #[allow(clippy::too_many_arguments, reason = "the arguments of LAPACK")]
    unsafe fn gesdd(
        shape: [c_int; 2],
        a: *mut Self,
        s: *mut Self,
        u: *mut Self,
        vt: *mut Self,
        work: (*mut Self, c_int),
        integers: *mut c_int,
    ) -> c_int;
}

macro_rules! real {
    ($type:ident, $exponents:literal, $lanes:literal, $avx512:ident, $avx2:ident, $portable:ident,
     $gemm:ident, $gemv:ident, $gesdd:ident, $($conversions:tt)*) => {
        impl Real for $type {
            const NAME: &'static str = stringify!($type);
            const EXPONENTS: f64 = $exponents;
            const LANES: usize = $lanes;
            type Avx512 = lanes::$avx512;
            type Avx2 = lanes::$avx2;
            type Portable = lanes::$portable;

            fn of(x: f64) -> $type {
                x as $type
            }
            fn wide(self) -> f64 {
                f64::from(self)
            }
            $($conversions)*

            unsafe fn gemm(
                op_a: cblas_sys::CBLAS_TRANSPOSE,
                op_b: cblas_sys::CBLAS_TRANSPOSE,
                [m, n, k]: [c_int; 3],
                alpha: f64,
                (a, lda): (*const $type, c_int),
                (b, ldb): (*const $type, c_int),
                beta: f64,
                (c, ldc): (*mut $type, c_int),
            ) {
                let (alpha, beta) = (alpha as $type, beta as $type);
                // Safety: the caller's, here and below.
                unsafe {
                    cblas_sys::$gemm(
                        cblas_sys::CblasRowMajor, op_a, op_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc,
                    );
                }
            }
            unsafe fn gemv(
                op: cblas_sys::CBLAS_TRANSPOSE,
                [rows, columns]: [c_int; 2],
                alpha: f64,
                (a, lda): (*const $type, c_int),
                x: *const $type,
                beta: f64,
                y: *mut $type,
            ) {
                let (alpha, beta) = (alpha as $type, beta as $type);
                unsafe {
                    cblas_sys::$gemv(
                        cblas_sys::CblasRowMajor, op, rows, columns, alpha, a, lda, x, 1, beta, y, 1,
                    );
                }
            }
            unsafe fn gesdd(
                [m, n]: [c_int; 2],
                a: *mut $type,
                s: *mut $type,
                u: *mut $type,
                vt: *mut $type,
                (work, lwork): (*mut $type, c_int),
                integers: *mut c_int,
            ) -> c_int {
                let (k, mut info) = (m.min(n), 0);
                unsafe {
                    lapack_sys::$gesdd(
                        &(b'S' as c_char), &m, &n, a, &m, s, u, &m, vt, &k, work, &lwork, integers, &mut info,
                    );
                }
                info
            }
        }
    };
}

real! {
    f64,
    1000.0,
    8,
    Avx512F64,
    Avx2F64,
    PortableF64,
    cblas_dgemm,
    cblas_dgemv,
    dgesdd_,
    fn widened(matrix: &Array2<f64>) -> Cow<'_, Array2<f64>> {
        Cow::Borrowed(matrix)
    }
    fn narrowed(matrix: &Array2<f64>) -> Cow<'_, Array2<f64>> {
        Cow::Borrowed(matrix)
    }
    fn widely<R>(w: &[f64], out: &mut [f64], _: &mut Vec<f64>, f: impl FnOnce(&[f64], &mut [f64]) -> R) -> R {
        f(w, out)
    }
    fn layers<'a>(weights: &'a mut [Array2<f64>], gradients: &'a [Array2<f64>]) -> Layers<'a> {
        Layers::F64(weights, gradients)
    }
}
real! {
    f32,
    120.0,
    16,
    Avx512F32,
    Avx2F32,
    PortableF32,
    cblas_sgemm,
    cblas_sgemv,
    sgesdd_,
    fn widened(matrix: &Array2<f32>) -> Cow<'_, Array2<f64>> {
        Cow::Owned(matrix.mapv(f64::from))
    }
    fn narrowed(matrix: &Array2<f64>) -> Cow<'_, Array2<f32>> {
        Cow::Owned(matrix.mapv(|x| x as f32))
    }
    fn widely<R>(w: &[f32], out: &mut [f32], scratch: &mut Vec<f64>, f: impl FnOnce(&[f64], &mut [f64]) -> R) -> R {
        scratch.clear();
        scratch.extend(w.iter().chain(out.iter()).map(|&x| f64::from(x)));
        let (wide, wide_out) = scratch.split_at_mut(w.len());
        let answer = f(wide, wide_out);
        out.iter_mut().zip(wide_out).for_each(|(x, wide)| *x = *wide as f32);
        answer
    }
    fn layers<'a>(weights: &'a mut [Array2<f32>], gradients: &'a [Array2<f32>]) -> Layers<'a> {
        Layers::F32(weights, gradients)
    }
}
