//! Nuclear over spectral norm, `‖W‖_*/‖W‖_2 = Σ σ_i/σ_1`.
//!
//! With `N` its value, the derivative is `1/σ_1` for i > 1 and `(1 − N)/σ_1` for i = 1. Scale-free,
//! `1 ≤ N ≤ rank(W)`. Kinks: at σ_1 = σ_2 the first of the two is taken as the largest; where σ_i ≤ 1e-12·σ_1 the
//! derivative is 0.

use super::{Build, Form, LAMBDA, Penalty, Spectral, resolved};
use crate::error::{Error, Result};
use crate::registry::Entry;

/// Nuclear over spectral norm.
pub const ENTRY: Entry<Build> = Entry {
    name: "nuclear_over_spectral",
    doc: "nuclear over spectral norm ‖W‖_*/‖W‖_2 = Σ σ_i/σ_1: scale-free, between 1 and the rank; undefined at W = 0",
    axes: &[LAMBDA],
    build: |_| Penalty::Spectral(Box::new(NuclearOverSpectral)),
};

struct NuclearOverSpectral;

impl Spectral for NuclearOverSpectral {
    fn degree(&self) -> Option<f64> {
        Some(0.0)
    }

    fn value(&self, singular_values: &[f64], derivative: &mut [f64]) -> Result<f64> {
        let largest = singular_values[0];
        if largest == 0.0 {
            return Err(Error::ZeroMatrix);
        }
        let value = singular_values.iter().map(|s| s / largest).sum::<f64>();
        for (d, &s) in derivative.iter_mut().zip(singular_values) {
            *d = if resolved(s, largest) { 1.0 / largest } else { 0.0 };
        }
        derivative[0] = (1.0 - value) / largest;
        Ok(value)
    }

    fn form(&self, singular_values: &[f64], _: f64) -> Form {
        Form { polar: 1.0 / singular_values[0], leading: 1, ..Form::default() }
    }
}
