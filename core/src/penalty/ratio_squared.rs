//! Square of the ratio, `R(W)² = ‖W‖_*²/‖W‖_F²`; `∇ = 2R·∇R = (2R/‖W‖_F)·UVᵀ − (2R²/‖W‖_F²)·W`.
//!
//! Scale-free, and `1 ≤ R² ≤ rank(W)`: a rank in its own units.

use super::{Build, LAMBDA, Norms, Penalty};
use crate::error::{Error, Result};
use crate::registry::Entry;

/// The squared ratio.
pub const ENTRY: Entry<Build> = Entry {
    name: "ratio_squared",
    doc: "squared ratio ‖W‖_*²/‖W‖_F²: scale-free, between 1 and the rank; undefined at W = 0",
    axes: &[LAMBDA],
    build: |_| Penalty::Norms(Box::new(RatioSquared)),
};

struct RatioSquared;

impl Norms for RatioSquared {
    fn degree(&self) -> Option<f64> {
        Some(0.0)
    }

    fn value(&self, nuclear: f64, frobenius: f64) -> Result<(f64, f64, f64)> {
        if frobenius == 0.0 {
            return Err(Error::ZeroMatrix);
        }
        let ratio = nuclear / frobenius;
        let slope = 2.0 * ratio / frobenius;
        Ok((ratio * ratio, slope, -slope * ratio / frobenius))
    }
}
