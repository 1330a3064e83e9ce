//! Half a cosine, from η to nearly 0.

use super::{Build, Schedule, WARMUP, warmed};
use crate::axis::{Axis, Kind};
use crate::registry::Entry;
use crate::value::Literal;

const FLOOR: Axis = Axis::optional(
    "floor",
    "share φ of the learning rate that is left at the end; 1: a constant rate",
    Kind::Float(0.0, 1.0),
    Literal::Float(0.0),
);

/// `η_t = η·(φ + (1 − φ)/2·(1 + cos(π(t−1)/T)))`.
pub const ENTRY: Entry<Build> = Entry {
    name: "cosine",
    doc: "η_t = η/2·(1 + cos(π(t−1)/T)), t = 1 … T; or down to a floor above 0",
    axes: &[FLOOR, WARMUP],
    build: |trial| warmed(trial, Cosine { floor: trial.float("floor") }),
};

/// Loshchilov, Hutter (2017), Eq. 5, without restarts.
struct Cosine {
    floor: f64,
}

impl Schedule for Cosine {
    fn factor(&self, t: u64, total: u64, _: f64, _: &mut [f64]) -> f64 {
        let cosine = 0.5 * (1.0 + (std::f64::consts::PI * (t - 1) as f64 / total as f64).cos());
        self.floor + (1.0 - self.floor) * cosine
    }
}
