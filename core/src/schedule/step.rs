//! Decay in steps.

use super::{Build, Schedule, WARMUP, warmed};
use crate::axis::{Axis, Kind};
use crate::registry::Entry;
use crate::value::Literal;

const STEP_EVERY: Axis =
    Axis::optional("step_every", "steps k between two drops", Kind::Int(1, 1_000_000_000), Literal::Int(1000));
// 0.1: torch.optim.lr_scheduler.StepLR.
const STEP_FACTOR: Axis =
    Axis::optional("step_factor", "factor f on the learning rate per drop", Kind::Above(0.0, 1.0), Literal::Float(0.1));

/// `η_t = η·f^⌊(t−1)/k⌋`.
pub const ENTRY: Entry<Build> = Entry {
    name: "step",
    doc: "η_t = η·f^⌊(t−1)/k⌋",
    axes: &[STEP_EVERY, STEP_FACTOR, WARMUP],
    build: |trial| warmed(trial, Step { every: trial.int("step_every") as u64, factor: trial.float("step_factor") }),
};

struct Step {
    every: u64,
    factor: f64,
}

impl Schedule for Step {
    fn factor(&self, t: u64, _: u64, _: f64, _: &mut [f64]) -> f64 {
        self.factor.powf(((t - 1) / self.every) as f64)
    }
}
