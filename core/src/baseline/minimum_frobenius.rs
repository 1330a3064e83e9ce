//! The matrix of least Frobenius norm among those that meet the measurements.
//!
//! For observed entries that is the zero fill. For sensing, with the m operators as rows of A (m×n1n2, of full rank m),
//! `vec(W) = Aᵀ(AAᵀ)⁻¹y`: what gradient descent from 0 finds at depth 1.

use super::{Baseline, Build, Solution, norm, zero_filled};
use crate::error::Result;
use crate::problem::{Data, Measurements};
use crate::registry::Entry;
use crate::train::spectrum;
use ndarray::{Array2, Axis};

/// Least Frobenius norm.
pub const ENTRY: Entry<Build> = Entry {
    name: "minimum_frobenius",
    doc: "min ‖W‖_F subject to the measurements: zero fill, or Aᵀ(AAᵀ)⁻¹y for sensing",
    axes: &[],
    build: |_| Box::new(MinimumFrobenius),
};

struct MinimumFrobenius;

impl Baseline for MinimumFrobenius {
    fn treats_sensing(&self) -> bool {
        true
    }

    fn solve(&self, data: &Data, _: &mut dyn FnMut() -> bool) -> Result<Solution> {
        let w = least_norm(data)?;
        let objective = Some(norm(&w));
        Ok(Solution { w, iterations: 1, converged: true, objective })
    }
}

/// The solution of least Frobenius norm, n1×n2.
pub(super) fn least_norm(data: &Data) -> Result<Array2<f64>> {
    match &data.train {
        Measurements::Entries(entries) => Ok(zero_filled(data, entries)),
        Measurements::Sensing { operators, value } => {
            let y = Array2::from_shape_fn((value.len(), 1), |(k, _)| value[k]);
            let c = spectrum::solve_spd(&operators.dot(&operators.t()), &y)?;
            let w = operators.t().dot(&c.index_axis(Axis(1), 0));
            Ok(Array2::from_shape_vec((data.n1, data.n2), w.to_vec()).expect("a row of A has n1·n2 numbers"))
        }
    }
}
