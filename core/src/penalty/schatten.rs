//! Schatten-p quasi-norm to the power p, smoothed: `S(W) = Σ_i (σ_i² + δ²)^{p/2} = tr (WᵀW + δ²I)^{p/2}` (the trace
//! over k = min(n1, n2) eigenvalues), 0 < p ≤ 1.
//!
//! `∂S/∂σ_i = p·σ_i·(σ_i² + δ²)^{p/2−1}`, which vanishes at σ = 0 and never exceeds p·δ^{p−1}. Mohan, Fazel,
//! *Iterative Reweighted Algorithms for Matrix Rank Minimization*, JMLR 2012, with γ = δ².
//! p = 1 and δ → 0 give the nuclear norm; p → 0 the rank.

use super::{Build, Form, LAMBDA, Penalty, Power, SCHATTEN_P, SMOOTHING, Spectral};
use crate::error::Result;
use crate::registry::Entry;

/// Schatten-p^p.
pub const ENTRY: Entry<Build> = Entry {
    name: "schatten",
    doc: "smoothed Schatten-p^p, Σ (σ_i² + δ²)^(p/2): of degree p but for the smoothing; normalised: schatten_ratio",
    axes: &[LAMBDA, SCHATTEN_P, SMOOTHING],
    build: |trial| {
        Penalty::Spectral(Box::new(Schatten { p: trial.float("schatten_p"), smoothing: trial.float("smoothing") }))
    },
};

struct Schatten {
    p: f64,
    smoothing: f64,
}

impl Spectral for Schatten {
    fn degree(&self) -> Option<f64> {
        None
    }

    fn value(&self, singular_values: &[f64], derivative: &mut [f64]) -> Result<f64> {
        let mut sum = 0.0;
        for (d, &s) in derivative.iter_mut().zip(singular_values) {
            let square = s * s + self.smoothing * self.smoothing;
            let term = square.powf(0.5 * self.p);
            sum += term;
            *d = self.p * s * term / square;
        }
        Ok(sum)
    }

    fn form(&self, _: &[f64], _: f64) -> Form {
        let power = Power { weight: self.p, exponent: 1.0 - 0.5 * self.p, smoothing: self.smoothing };
        Form { power: Some(power), ..Form::default() }
    }
}
