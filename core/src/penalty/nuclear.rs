//! Nuclear norm `‖W‖_* = Σ σ_i`, convex; `∇ = UVᵀ`.

use super::{Build, LAMBDA, Norms, Penalty};
use crate::error::Result;
use crate::registry::Entry;

/// The nuclear norm.
pub const ENTRY: Entry<Build> = Entry {
    name: "nuclear",
    doc: "nuclear norm ‖W‖_* = Σ σ_i: convex, of degree 1; normalised: ratio, nuclear_over_spectral",
    axes: &[LAMBDA],
    build: |_| Penalty::Norms(Box::new(Nuclear)),
};

struct Nuclear;

impl Norms for Nuclear {
    fn degree(&self) -> Option<f64> {
        Some(1.0)
    }

    fn value(&self, nuclear: f64, _: f64) -> Result<(f64, f64, f64)> {
        Ok((nuclear, 1.0, 0.0))
    }
}
