//! Schatten-p quasi-norm over Frobenius norm, smoothed on the normalised spectrum: with `x_i = σ_i/‖W‖_F`,
//! `Q(W) = (Σ_i (x_i² + ε²)^{p/2})^{1/p}`, 0 < p ≤ 1.
//!
//! The smoothing length is relative (ε in units of ‖W‖_F), so Q is exactly scale-free: `Q(cW) = Q(W)`. With
//! `q_i = ∂Q/∂x_i = Q^{1−p}·x_i·(x_i² + ε²)^{p/2−1}`, the chain rule gives
//! `∂Q/∂σ_i = (q_i − x_i Σ_j q_j x_j)/‖W‖_F`. For ε → 0, `1 ≤ Q ≤ rank^{1/p − 1/2}`; p = 1 gives the ratio.

use super::{Build, Form, LAMBDA, Penalty, Power, SCHATTEN_P, Spectral};
use crate::axis::{Axis, Kind};
use crate::error::{Error, Result};
use crate::registry::Entry;
use crate::value::Literal;

/// Small enough that k zero singular values hardly count: alone they would give k^{1/p}·ε, 0.01 at p = ½ and k = 100.
const RELATIVE_SMOOTHING: Axis = Axis::optional(
    "relative_smoothing",
    "smoothing of the singular values, in units of ‖W‖_F",
    Kind::Above(0.0, 1.0),
    Literal::Float(1e-6),
);

/// Schatten-p over Frobenius.
pub const ENTRY: Entry<Build> = Entry {
    name: "schatten_ratio",
    doc: "Schatten-p quasi-norm over ‖W‖_F, (Σ (x_i² + ε²)^(p/2))^(1/p) with x_i = σ_i/‖W‖_F: scale-free; \
          undefined at W = 0",
    axes: &[LAMBDA, SCHATTEN_P, RELATIVE_SMOOTHING],
    build: |trial| {
        let (p, smoothing) = (trial.float("schatten_p"), trial.float("relative_smoothing"));
        Penalty::Spectral(Box::new(SchattenRatio { p, smoothing }))
    },
};

struct SchattenRatio {
    p: f64,
    smoothing: f64,
}

impl Spectral for SchattenRatio {
    fn degree(&self) -> Option<f64> {
        Some(0.0)
    }

    fn value(&self, singular_values: &[f64], derivative: &mut [f64]) -> Result<f64> {
        let frobenius = singular_values.iter().map(|s| s * s).sum::<f64>().sqrt();
        if frobenius == 0.0 {
            return Err(Error::ZeroMatrix);
        }
        // First pass: d_i = x_i·(x_i² + ε²)^{p/2−1}, still without the factor Q^{1−p}.
        let (mut sum, mut radial) = (0.0, 0.0);
        for (d, &s) in derivative.iter_mut().zip(singular_values) {
            let x = s / frobenius;
            let square = x * x + self.smoothing * self.smoothing;
            let term = square.powf(0.5 * self.p);
            sum += term;
            *d = x * term / square;
            radial += *d * x;
        }
        let value = sum.powf(1.0 / self.p);
        let slope = value / sum / frobenius;
        for (d, &s) in derivative.iter_mut().zip(singular_values) {
            *d = slope * (*d - radial * (s / frobenius));
        }
        Ok(value)
    }

    fn form(&self, singular_values: &[f64], value: f64) -> Form {
        // As in `value`: the derivative is slope·(x·(x² + ε²)^{p/2−1} − radial·x), x = σ/‖W‖_F.
        let frobenius = singular_values.iter().map(|s| s * s).sum::<f64>().sqrt();
        let exponent = 1.0 - 0.5 * self.p;
        let (mut sum, mut radial) = (0.0, 0.0);
        for s in singular_values {
            let x = s / frobenius;
            let square = x * x + self.smoothing * self.smoothing;
            let term = square.powf(0.5 * self.p);
            sum += term;
            radial += x * x * term / square;
        }
        let slope = value / sum / frobenius;
        let weight = slope * frobenius.powf(2.0 * exponent - 1.0);
        let power = Power { weight, exponent, smoothing: self.smoothing * frobenius };
        Form { linear: -slope * radial / frobenius, power: Some(power), ..Form::default() }
    }
}
