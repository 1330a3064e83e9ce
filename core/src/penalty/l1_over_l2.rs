//! l1 over l2 norm of the entries, `Σ|w_ij|/‖W‖_F`.
//!
//! `∇ = sign(W)/‖W‖_F − (Σ|w_ij|/‖W‖_F³)·W`, with sign(0) = 0. Scale-free, between 1 and √(n1·n2): the entries'
//! counterpart of the ratio.

use super::l1::sign;
use super::{Build, Entrywise, LAMBDA, Penalty, sum_of};
use crate::error::{Error, Result};
use crate::registry::Entry;

/// The entrywise l1/l2.
pub const ENTRY: Entry<Build> = Entry {
    name: "l1_over_l2",
    doc: "entrywise l1 over l2 norm, Σ |w_ij|/‖W‖_F: scale-free, at least 1; undefined at W = 0",
    axes: &[LAMBDA],
    build: |_| Penalty::Entrywise(Box::new(L1OverL2)),
};

struct L1OverL2;

impl Entrywise for L1OverL2 {
    fn degree(&self) -> Option<f64> {
        Some(0.0)
    }

    fn add(&self, w: &[f64], weight: f64, gradient: &mut [f64]) -> Result<f64> {
        let norm = sum_of(w, |w| w * w).sqrt();
        if norm == 0.0 {
            return Err(Error::ZeroMatrix);
        }
        let value = sum_of(w, f64::abs) / norm;
        let (a, b) = (weight / norm, -weight * value / norm / norm);
        for (g, &w) in gradient.iter_mut().zip(w) {
            *g += a * sign(w) + b * w;
        }
        Ok(value)
    }
}
