//! Stable rank `‖W‖_F²/‖W‖_2² = Σ σ_i²/σ_1²`.
//!
//! With `S` its value, `∂S/∂σ_i = 2σ_i/σ_1²` for i > 1 and `2(1 − S)/σ_1` for i = 1. Scale-free,
//! `1 ≤ S ≤ rank(W)`. Not differentiable at σ_1 = σ_2; there the first of the two is taken as the largest.

use super::{Build, Form, LAMBDA, Penalty, Spectral};
use crate::error::{Error, Result};
use crate::registry::Entry;

/// The stable rank.
pub const ENTRY: Entry<Build> = Entry {
    name: "stable_rank",
    doc: "stable rank ‖W‖_F²/‖W‖_2² = Σ σ_i²/σ_1²: scale-free, between 1 and the rank; undefined at W = 0",
    axes: &[LAMBDA],
    build: |_| Penalty::Spectral(Box::new(StableRank)),
};

struct StableRank;

impl Spectral for StableRank {
    fn degree(&self) -> Option<f64> {
        Some(0.0)
    }

    fn value(&self, singular_values: &[f64], derivative: &mut [f64]) -> Result<f64> {
        let largest = singular_values[0];
        if largest == 0.0 {
            return Err(Error::ZeroMatrix);
        }
        let mut value = 0.0;
        for (d, &s) in derivative.iter_mut().zip(singular_values) {
            let x = s / largest;
            value += x * x;
            *d = 2.0 * x / largest;
        }
        derivative[0] = 2.0 * (1.0 - value) / largest;
        Ok(value)
    }

    fn form(&self, singular_values: &[f64], _: f64) -> Form {
        Form { linear: 2.0 / singular_values[0] / singular_values[0], leading: 1, ..Form::default() }
    }
}
