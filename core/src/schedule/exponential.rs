//! Exponential decay.

use super::{Build, Schedule, WARMUP, warmed};
use crate::axis::{Axis, Kind};
use crate::registry::Entry;
use crate::value::Literal;

const DECAY: Axis =
    Axis::optional("decay", "factor γ on the learning rate per step", Kind::Above(0.0, 1.0), Literal::Float(0.999));

/// `η_t = η·γ^(t−1)`.
pub const ENTRY: Entry<Build> = Entry {
    name: "exponential",
    doc: "η_t = η·γ^(t−1), γ per step",
    axes: &[DECAY, WARMUP],
    build: |trial| warmed(trial, Exponential { decay: trial.float("decay") }),
};

/// As `torch.optim.lr_scheduler.ExponentialLR` called once a step: γ does not depend on the step budget.
struct Exponential {
    decay: f64,
}

impl Schedule for Exponential {
    fn factor(&self, t: u64, _: u64, _: f64, _: &mut [f64]) -> f64 {
        self.decay.powf((t - 1) as f64)
    }
}
