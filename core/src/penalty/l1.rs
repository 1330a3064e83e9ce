//! Sum of magnitudes, `‖W‖_1 = Σ |w_ij|`; `∇ = sign(W)` with sign(0) = 0.

use super::{Build, Entrywise, LAMBDA, Penalty, sum_of};
use crate::error::Result;
use crate::registry::Entry;

/// The entrywise l1 norm.
pub const ENTRY: Entry<Build> = Entry {
    name: "l1",
    doc: "entrywise l1 norm Σ |w_ij|: convex, of degree 1; normalised: l1_over_l2",
    axes: &[LAMBDA],
    build: |_| Penalty::Entrywise(Box::new(L1)),
};

struct L1;

impl Entrywise for L1 {
    fn degree(&self) -> Option<f64> {
        Some(1.0)
    }

    fn add(&self, w: &[f64], weight: f64, gradient: &mut [f64]) -> Result<f64> {
        for (g, &w) in gradient.iter_mut().zip(w) {
            *g += weight * sign(w);
        }
        Ok(sum_of(w, f64::abs))
    }
}

/// The sign with sign(±0) = 0: `f64::signum(0.0)` is 1.
pub(super) fn sign(w: f64) -> f64 {
    if w == 0.0 { 0.0 } else { w.signum() }
}
