//! Truncated nuclear norm, `T_k(W) = Σ_{i>k} σ_i`: the nuclear norm without the k largest singular values.
//!
//! Hu, Zhang, Ye, Li, He, *Fast and Accurate Matrix Completion via Truncated Nuclear Norm Regularization*, TPAMI
//! 2013. The derivative is 1 for i > k, else 0. Zero exactly at rank ≤ k; k = 0 is the nuclear norm; k ≥ min(n1, n2)
//! would be no penalty, and is refused. Kinks: at σ_k = σ_{k+1} the order of the SVD decides; where σ_i ≤ 1e-12·σ_1 the derivative is 0.

use super::{Build, Form, LAMBDA, Penalty, Spectral, resolved};
use crate::axis::{Axis, Kind};
use crate::error::{Error, Result};
use crate::registry::Entry;
use crate::value::Literal;

const TRUNCATION: Axis = Axis::optional(
    "truncation",
    "number k of leading singular values that go free",
    Kind::Int(0, 100_000),
    Literal::Int(1),
);

/// The truncated nuclear norm.
pub const ENTRY: Entry<Build> = Entry {
    name: "truncated_nuclear",
    doc: "truncated nuclear norm, the sum of σ_i over i > k: of degree 1, zero at rank k",
    axes: &[LAMBDA, TRUNCATION],
    build: |trial| Penalty::Spectral(Box::new(TruncatedNuclear { free: trial.size("truncation") })),
};

struct TruncatedNuclear {
    free: usize,
}

impl Spectral for TruncatedNuclear {
    fn degree(&self) -> Option<f64> {
        Some(1.0)
    }

    fn check(&self, k: usize) -> Result<()> {
        if self.free < k {
            return Ok(());
        }
        Err(Error::Range {
            axis: TRUNCATION.name.to_owned(),
            value: self.free.to_string(),
            allowed: format!("0..={} (below min(n1, n2): from there on nothing is penalised)", k - 1),
        })
    }

    fn value(&self, singular_values: &[f64], derivative: &mut [f64]) -> Result<f64> {
        for (i, (d, &s)) in derivative.iter_mut().zip(singular_values).enumerate() {
            *d = if i >= self.free && resolved(s, singular_values[0]) { 1.0 } else { 0.0 };
        }
        Ok(singular_values.iter().skip(self.free).sum())
    }

    fn form(&self, _: &[f64], _: f64) -> Form {
        Form { polar: 1.0, leading: self.free, ..Form::default() }
    }
}
