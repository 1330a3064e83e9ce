//! Ratio of nuclear to Frobenius norm, `R(W) = ‖W‖_*/‖W‖_F` (the note's penalty).
//!
//! With the thin SVD `W = U diag(σ) Vᵀ`, `∇R(W) = UVᵀ/‖W‖_F − (‖W‖_*/‖W‖_F³)·W`. Scale-free: `R(cW) = R(W)` for
//! c ≠ 0, so `⟨∇R(W), W⟩ = 0`, and `1 ≤ R(W) ≤ √rank(W)`.

use super::{Build, LAMBDA, Norms, Penalty};
use crate::error::{Error, Result};
use crate::registry::Entry;

/// Nuclear over Frobenius.
pub const ENTRY: Entry<Build> = Entry {
    name: "ratio",
    doc: "ratio ‖W‖_*/‖W‖_F: scale-free, between 1 and √rank; undefined at W = 0",
    axes: &[LAMBDA],
    build: |_| Penalty::Norms(Box::new(Ratio)),
};

struct Ratio;

impl Norms for Ratio {
    fn degree(&self) -> Option<f64> {
        Some(0.0)
    }

    fn value(&self, nuclear: f64, frobenius: f64) -> Result<(f64, f64, f64)> {
        if frobenius == 0.0 {
            return Err(Error::ZeroMatrix);
        }
        let ratio = nuclear / frobenius;
        Ok((ratio, 1.0 / frobenius, -ratio / frobenius / frobenius))
    }
}
