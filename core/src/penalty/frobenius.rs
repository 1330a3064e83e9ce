//! Frobenius norm `‖W‖_F = √Σ w_ij²`; `∇ = W/‖W‖_F`, and 0 (a subgradient) at W = 0.

use super::{Build, Entrywise, LAMBDA, Penalty, sum_of};
use crate::error::Result;
use crate::registry::Entry;

/// The Frobenius norm.
pub const ENTRY: Entry<Build> = Entry {
    name: "frobenius",
    doc: "Frobenius norm ‖W‖_F = √Σ w_ij²: convex, of degree 1",
    axes: &[LAMBDA],
    build: |_| Penalty::Entrywise(Box::new(Frobenius)),
};

struct Frobenius;

impl Entrywise for Frobenius {
    fn degree(&self) -> Option<f64> {
        Some(1.0)
    }

    fn add(&self, w: &[f64], weight: f64, gradient: &mut [f64]) -> Result<f64> {
        let norm = sum_of(w, |w| w * w).sqrt();
        if norm != 0.0 {
            let scale = weight / norm;
            gradient.iter_mut().zip(w).for_each(|(g, &w)| *g += scale * w);
        }
        Ok(norm)
    }
}
