//! The only caller of LAPACK.

use crate::error::{Error, Result};
use ndarray::{Array2, Axis};
use ndarray_linalg::error::LinalgError;
use ndarray_linalg::{FactorizeC, JobSvd, QR, SVDDC, SolveC, UPLO};

/// Thin SVD `W = U diag(σ) Vᵀ` (gesdd): `U` m×k, σ descending, `Vᵀ` k×n, k = min(m, n).
///
/// # Errors
/// [`Error::NotFinite`], [`Error::Lapack`].
pub fn svd(w: &Array2<f64>) -> Result<(Array2<f64>, Vec<f64>, Array2<f64>)> {
    finite(w)?;
    let (u, s, vt) = w.svddc(JobSvd::Some).map_err(|e| refused("gesdd", &e))?;
    Ok((u.expect("asked for U"), s.to_vec(), vt.expect("asked for Vᵀ")))
}

/// The thin Q (m×n) of `A = QR` (geqrf), m ≥ n, with the signs that make R's diagonal positive, so that a gaussian
/// A gives a Q that is uniform over the orthonormal frames (Mezzadri 2007).
///
/// # Errors
/// [`Error::NotFinite`], [`Error::Lapack`].
pub fn orthonormal(a: &Array2<f64>) -> Result<Array2<f64>> {
    finite(a)?;
    let (mut q, r) = a.qr().map_err(|e| refused("geqrf", &e))?;
    for (j, mut column) in q.axis_iter_mut(Axis(1)).enumerate() {
        if r[[j, j]] < 0.0 {
            column.mapv_inplace(|x| -x);
        }
    }
    Ok(q)
}

/// `A⁻¹B` for symmetric positive definite A (n×n, potrf) and B (n×k).
///
/// # Errors
/// [`Error::NotFinite`]; [`Error::Lapack`] where A is not positive definite.
pub fn solve_spd(a: &Array2<f64>, b: &Array2<f64>) -> Result<Array2<f64>> {
    finite(a)?;
    finite(b)?;
    let factor = a.factorizec(UPLO::Lower).map_err(|e| refused("potrf", &e))?;
    let mut x = b.clone();
    for mut column in x.axis_iter_mut(Axis(1)) {
        let solved = factor.solvec(&column).map_err(|e| refused("potrs", &e))?;
        column.assign(&solved);
    }
    Ok(x)
}

fn finite(w: &Array2<f64>) -> Result<()> {
    // LAPACK can hide a NaN.
    if w.iter().all(|x| x.is_finite()) { Ok(()) } else { Err(Error::NotFinite) }
}

fn refused(routine: &'static str, _: &LinalgError) -> Error {
    // The code lies in a crate that is not a direct dependency; 1 stands for "some failure of the computation".
    Error::Lapack { routine, info: 1 }
}
