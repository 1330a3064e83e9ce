//! The training loop.

pub mod spectrum;

use crate::error::Result;
use crate::outcome::Outcome;
use crate::problem::Files;
use crate::trial::Trial;

/// What a run asks of its surroundings: the time, and whether to go on. Nothing that it answers can change a
/// number of the outcome, except to end the run.
pub trait Monitor {
    /// Wall and CPU seconds of this thread, from any origin. Display and limits only.
    fn seconds(&self) -> (f64, f64);
    /// Asked after every step (every iteration of a baseline). Cheap.
    fn control(&mut self, step: u64) -> Control;
    /// Takes a checkpoint that was asked for.
    fn checkpoint(&mut self, step: u64, bytes: Vec<u8>);
}

/// What to do after a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// Take the next step.
    Continue,
    /// Hand a checkpoint to [`Monitor::checkpoint`], then take the next step.
    Checkpoint,
    /// End now and return [`Ended::HandedBack`].
    HandBack,
    /// The time limit is over: end with status `out_of_time`.
    OutOfTime,
}

/// How a call of [`run`] ended.
#[derive(Debug)]
pub enum Ended {
    /// The run is over.
    Outcome(Box<Outcome>),
    /// The run was asked to hand back; these bytes go on from there, bit for bit. (Empty for a baseline: it starts anew.)
    HandedBack(Vec<u8>),
}

/// Runs `trial` from its start or from a checkpoint of it.
///
/// # Errors
/// Data files that cannot be read, LAPACK's refusals, a checkpoint of another trial. Divergence is an outcome.
pub fn run(_trial: &Trial, _files: &dyn Files, _resume: Option<&[u8]>, _monitor: &mut dyn Monitor) -> Result<Ended> {
    todo!()
}
