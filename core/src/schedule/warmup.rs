//! Linear warm-up, which every schedule can start with.

use super::Schedule;
use crate::axis::{Axis, Kind};
use crate::trial::Trial;
use crate::value::Literal;

/// Steps until the schedule holds in full.
pub(super) const WARMUP: Axis = Axis::optional(
    "warmup",
    "steps w of linear warm-up: the schedule's factor times min(1, t/w); 0: none",
    Kind::Int(0, 1_000_000_000),
    Literal::Int(0),
);

/// `schedule` with the trial's warm-up in front of it.
pub(super) fn warmed(trial: &Trial, schedule: impl Schedule + 'static) -> Box<dyn Schedule> {
    match trial.int("warmup") {
        0 => Box::new(schedule),
        steps => Box::new(Warmed { steps: steps as f64, schedule }),
    }
}

struct Warmed<S> {
    steps: f64,
    schedule: S,
}

impl<S: Schedule> Schedule for Warmed<S> {
    fn scalars(&self) -> usize {
        self.schedule.scalars()
    }

    fn factor(&self, t: u64, total: u64, objective: f64, scalars: &mut [f64]) -> f64 {
        (t as f64 / self.steps).min(1.0) * self.schedule.factor(t, total, objective, scalars)
    }
}
