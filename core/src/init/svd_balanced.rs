//! The gaussian init's end-to-end matrix, its factors balanced (Arora, Cohen, Golowich, Hu 2019, *A Convergence
//! Analysis of Gradient Descent for Deep Linear Neural Networks*, Procedure 1).
//!
//! With the thin SVD `W = U diag(σ) Vᵀ` of the gaussian init at the same depth, scale and seed, cut to the least side k
//! (W has no more rank): `W_1 = E Σ^(1/N) Vᵀ`, `W_j = E Σ^(1/N) Eᵀ`, `W_N = U Σ^(1/N) Eᵀ`, where `E` is the first k
//! columns of an identity. So `W_{j+1}ᵀ W_{j+1} = W_j W_jᵀ` exactly, and a pair of runs differs in balance alone.

use super::gaussian::Gaussian;
use super::{Build, Entry, Init, SCALE, per_layer};
use crate::error::Result;
use crate::problem::Files;
use crate::train::spectrum;
use ndarray::Array2;

/// Balanced factors of the gaussian matrix.
pub const ENTRY: Entry<Build> = Entry {
    name: "svd_balanced",
    doc: "the gaussian W with its factors split by σ^(1/N), balanced exactly; ‖W‖_F ≈ a√n1",
    axes: &[SCALE],
    build: |trial| Box::new(SvdBalanced(Gaussian { scale: trial.float("init_scale") })),
};

struct SvdBalanced(Gaussian);

impl Init for SvdBalanced {
    fn factors(&self, dims: &[usize], seed: i64, files: &dyn Files) -> Result<Vec<Array2<f64>>> {
        let gaussian = self.0.factors(dims, seed, files)?;
        let w = gaussian[1..].iter().fold(gaussian[0].clone(), |w, layer| layer.dot(&w));
        let last = dims.len() - 1;
        if last == 1 {
            return Ok(vec![w]);
        }
        let (u, sigma, vt) = spectrum::svd(&w)?;
        let least = *dims.iter().min().expect("a network has sides");
        let mut factors: Vec<Array2<f64>> = (1..=last).map(|j| Array2::zeros((dims[j], dims[j - 1]))).collect();
        for i in 0..least {
            let share = per_layer(sigma[i], dims);
            factors[0].row_mut(i).assign(&(&vt.row(i) * share));
            factors[1..last - 1].iter_mut().for_each(|layer| layer[[i, i]] = share);
            factors[last - 1].column_mut(i).assign(&(&u.column(i) * share));
        }
        Ok(factors)
    }
}
