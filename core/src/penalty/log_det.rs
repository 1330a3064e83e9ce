//! Log-determinant, `L(W) = Σ_i ln(1 + σ_i²/δ²) = ln det(I + WᵀW/δ²)`.
//!
//! The smooth stand-in for the rank of Fazel, Hindi, Boyd, *Log-det Heuristic for Matrix Rank Minimization*, ACC
//! 2003, in the form `ln det(WᵀW + δ²I)` of Mohan, Fazel 2012 for matrices that need not be positive definite,
//! shifted so that L(0) = 0. `∂L/∂σ_i = 2σ_i/(σ_i² + δ²)`, at most 1/δ.

use super::{Build, Form, LAMBDA, Penalty, Power, SMOOTHING, Spectral};
use crate::error::Result;
use crate::registry::Entry;

/// The log-determinant.
pub const ENTRY: Entry<Build> = Entry {
    name: "log_det",
    doc: "log-determinant ln det(I + WᵀW/δ²) = Σ ln(1 + σ_i²/δ²): bounded slope at σ = 0, of no degree",
    axes: &[LAMBDA, SMOOTHING],
    build: |trial| Penalty::Spectral(Box::new(LogDet { smoothing: trial.float("smoothing") })),
};

struct LogDet {
    smoothing: f64,
}

impl Spectral for LogDet {
    fn degree(&self) -> Option<f64> {
        None
    }

    fn value(&self, singular_values: &[f64], derivative: &mut [f64]) -> Result<f64> {
        let mut sum = 0.0;
        for (d, &s) in derivative.iter_mut().zip(singular_values) {
            let x = s / self.smoothing;
            sum += (x * x).ln_1p();
            *d = 2.0 * s / (s * s + self.smoothing * self.smoothing);
        }
        Ok(sum)
    }

    fn form(&self, _: &[f64], _: f64) -> Form {
        // A single pole.
        let power = Power { weight: 2.0, exponent: 1.0, smoothing: self.smoothing };
        Form { power: Some(power), ..Form::default() }
    }
}
