//! Square of the Frobenius norm, `‖W‖_F² = Σ w_ij²` (weight decay as a penalty); `∇ = 2W`.

use super::{Build, Entrywise, LAMBDA, Penalty, sum_of};
use crate::error::Result;
use crate::registry::Entry;

/// The squared Frobenius norm.
pub const ENTRY: Entry<Build> = Entry {
    name: "frobenius_squared",
    doc: "squared Frobenius norm ‖W‖_F² = Σ w_ij²: convex, of degree 2; normalised: stable_rank",
    axes: &[LAMBDA],
    build: |_| Penalty::Entrywise(Box::new(FrobeniusSquared)),
};

struct FrobeniusSquared;

impl Entrywise for FrobeniusSquared {
    fn degree(&self) -> Option<f64> {
        Some(2.0)
    }

    fn add(&self, w: &[f64], weight: f64, gradient: &mut [f64]) -> Result<f64> {
        gradient.iter_mut().zip(w).for_each(|(g, &w)| *g += 2.0 * weight * w);
        Ok(sum_of(w, |w| w * w))
    }
}
