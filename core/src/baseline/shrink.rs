//! Singular value thresholding, the proximal map of τ‖·‖_* (Cai, Candès, Shen 2010, Theorem 2.1), and its hard sibling.

use crate::error::Result;
use crate::train::spectrum;
use ndarray::{Array2, s};

/// `S_τ(W) = U diag(max(σ − τ, 0)) Vᵀ` and its singular values that are not 0.
pub(super) fn soft(w: &Array2<f64>, tau: f64) -> Result<(Array2<f64>, Vec<f64>)> {
    let (u, mut sigma, vt) = spectrum::svd(w)?;
    sigma.retain(|&x| x > tau);
    sigma.iter_mut().for_each(|x| *x -= tau);
    Ok((product(&u, &sigma, &vt), sigma))
}

/// `H_r(W)`: the r leading triplets, the nearest matrix of rank r (Eckart, Young 1936).
pub(super) fn hard(w: &Array2<f64>, rank: usize) -> Result<Array2<f64>> {
    let (u, mut sigma, vt) = spectrum::svd(w)?;
    sigma.truncate(rank);
    Ok(product(&u, &sigma, &vt))
}

/// `U diag(σ) Vᵀ` over the leading triplets given, row-major.
fn product(u: &Array2<f64>, sigma: &[f64], vt: &Array2<f64>) -> Array2<f64> {
    let k = sigma.len();
    let mut scaled = vt.slice(s![..k, ..]).to_owned();
    scaled.rows_mut().into_iter().zip(sigma).for_each(|(mut row, &x)| row *= x);
    let mut w = Array2::zeros((u.nrows(), vt.ncols()));
    ndarray::linalg::general_mat_mul(1.0, &u.slice(s![.., ..k]), &scaled, 0.0, &mut w);
    w
}
