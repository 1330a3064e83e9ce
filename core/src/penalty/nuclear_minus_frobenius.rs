//! Nuclear minus Frobenius norm, `‖W‖_* − ‖W‖_F ≥ 0`, zero exactly at rank ≤ 1; `∇ = UVᵀ − W/‖W‖_F`.
//!
//! The matrix form of l1 − l2 (Yin, Lou, He, Xin 2015; Ma, Lou, Huang 2017). At W = 0 the gradient is taken as 0.

use super::{Build, LAMBDA, Norms, Penalty};
use crate::error::Result;
use crate::registry::Entry;

/// The difference of the two norms.
pub const ENTRY: Entry<Build> = Entry {
    name: "nuclear_minus_frobenius",
    doc: "difference ‖W‖_* − ‖W‖_F: of degree 1, zero at rank 1; normalised: ratio",
    axes: &[LAMBDA],
    build: |_| Penalty::Norms(Box::new(NuclearMinusFrobenius)),
};

struct NuclearMinusFrobenius;

impl Norms for NuclearMinusFrobenius {
    fn degree(&self) -> Option<f64> {
        Some(1.0)
    }

    fn value(&self, nuclear: f64, frobenius: f64) -> Result<(f64, f64, f64)> {
        let b = if frobenius == 0.0 { 0.0 } else { -1.0 / frobenius };
        Ok((nuclear - frobenius, 1.0, b))
    }
}
