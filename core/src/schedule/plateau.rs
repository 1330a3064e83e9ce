//! Decay when the training objective stops falling.

use super::{Build, Schedule, WARMUP, warmed};
use crate::axis::{Axis, Kind};
use crate::registry::Entry;
use crate::value::Literal;

const PATIENCE: Axis = Axis::optional(
    "patience",
    "steps without a better training objective that are borne before the learning rate drops",
    Kind::Int(0, 1_000_000_000),
    Literal::Int(100),
);
// 0.1 and 1e-4: torch.optim.lr_scheduler.ReduceLROnPlateau.
const PLATEAU_FACTOR: Axis = Axis::optional(
    "plateau_factor",
    "factor f on the learning rate per drop",
    Kind::Above(0.0, 1.0),
    Literal::Float(0.1),
);
const PLATEAU_THRESHOLD: Axis = Axis::optional(
    "plateau_threshold",
    "relative gain by which an objective must be below the best one to count as better",
    Kind::Below(0.0, 1.0),
    Literal::Float(1e-4),
);

/// Drop on a plateau.
pub const ENTRY: Entry<Build> = Entry {
    name: "plateau",
    doc: "η times f after each `patience` + 1 steps in a row without a training objective below (1 − threshold)·best",
    axes: &[PATIENCE, PLATEAU_FACTOR, PLATEAU_THRESHOLD, WARMUP],
    build: |trial| {
        let (patience, factor) = (trial.int("patience") as f64, trial.float("plateau_factor"));
        warmed(trial, Plateau { patience, factor, threshold: trial.float("plateau_threshold") })
    },
};

/// `torch.optim.lr_scheduler.ReduceLROnPlateau` (relative, no cooldown), fed the training objective before every
/// step; a drop takes effect in that step. Scalars: the best objective, the steps since, the factor so far.
struct Plateau {
    patience: f64,
    factor: f64,
    threshold: f64,
}

impl Schedule for Plateau {
    fn scalars(&self) -> usize {
        3
    }

    fn factor(&self, t: u64, _: u64, objective: f64, scalars: &mut [f64]) -> f64 {
        if t == 1 {
            scalars.copy_from_slice(&[objective, 0.0, 1.0]);
        }
        let [best, since, factor] = scalars else { unreachable!("three scalars") };
        if objective < *best * (1.0 - self.threshold) {
            (*best, *since) = (objective, 0.0);
        } else if t > 1 {
            *since += 1.0;
        }
        if *since > self.patience {
            *factor *= self.factor;
            *since = 0.0;
        }
        *factor
    }
}
