//! The only caller of LAPACK.

use crate::error::{Error, Result};
use ndarray::Array2;
use ndarray_linalg::{JobSvd, SVDDC};

/// `UVᵀ` of `w`, by gesdd.
///
/// # Errors
/// [`Error::NotFinite`], [`Error::Lapack`].
pub fn polar_factor(w: &Array2<f64>) -> Result<Array2<f64>> {
    if w.iter().any(|x| !x.is_finite()) {
        return Err(Error::NotFinite);
    }
    let (u, s, vt) = w.svddc(JobSvd::Some).map_err(|_| Error::Lapack { routine: "gesdd", info: -1 })?;
    let (mut u, vt) = (u.expect("asked for"), vt.expect("asked for"));
    for (j, &sigma) in s.iter().enumerate() {
        if sigma <= 1e-12 * s[0] {
            u.column_mut(j).fill(0.0);
        }
    }
    Ok(u.dot(&vt))
}
