//! Effective rank, `E(W) = exp(H)` with the entropy `H = −Σ p_i ln p_i` of `p = σ/Σσ`, and `0 ln 0 = 0`.
//!
//! Roy, Vetterli, *The effective rank*, EUSIPCO 2007. `∂E/∂σ_i = −E·(ln p_i + H)/Σσ`. Scale-free,
//! `1 ≤ E ≤ rank(W)`. The derivative grows without bound as σ_i → 0, if slowly; where σ_i ≤ 1e-12·σ_1 it is 0.

use super::{Build, Form, LAMBDA, Penalty, Spectral, resolved};
use crate::error::{Error, Result};
use crate::registry::Entry;

/// The exponential of the spectrum's entropy.
pub const ENTRY: Entry<Build> = Entry {
    name: "effective_rank",
    doc: "effective rank exp(−Σ p_i ln p_i), p = σ/Σσ: scale-free, between 1 and the rank; undefined at W = 0",
    axes: &[LAMBDA],
    build: |_| Penalty::Spectral(Box::new(EffectiveRank)),
};

struct EffectiveRank;

impl Spectral for EffectiveRank {
    fn degree(&self) -> Option<f64> {
        Some(0.0)
    }

    fn value(&self, singular_values: &[f64], derivative: &mut [f64]) -> Result<f64> {
        let largest = singular_values[0];
        if largest == 0.0 {
            return Err(Error::ZeroMatrix);
        }
        let nuclear = singular_values.iter().sum::<f64>();
        // First pass: d_i = ln p_i, and 0 where the direction is dropped.
        let mut entropy = 0.0;
        for (d, &s) in derivative.iter_mut().zip(singular_values) {
            let p = s / nuclear;
            *d = if p > 0.0 { p.ln() } else { 0.0 };
            entropy -= p * *d;
        }
        let value = entropy.exp();
        for (d, &s) in derivative.iter_mut().zip(singular_values) {
            *d = if resolved(s, largest) { -value * (*d + entropy) / nuclear } else { 0.0 };
        }
        Ok(value)
    }

    fn form(&self, singular_values: &[f64], value: f64) -> Form {
        // −E·(ln σ − ln Σσ + H)/Σσ, and H = ln E.
        let nuclear = singular_values.iter().sum::<f64>();
        let logarithm = -value / nuclear;
        Form { logarithm, polar: logarithm * (value.ln() - nuclear.ln()), ..Form::default() }
    }
}
