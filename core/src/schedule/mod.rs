//! Schedules: the learning rate of step t = 1 … T, as a factor on η.
//!
//! A schedule sees the step and the training objective, never anything of the test set. Every schedule takes a
//! linear `warmup` beside its own axes.

mod constant;
mod cosine;
mod exponential;
mod plateau;
mod step;
mod warmup;

use crate::registry::Entry;
use crate::trial::Trial;
use warmup::{WARMUP, warmed};

/// Every schedule.
pub const KNOWN: &[Entry<Build>] = &[constant::ENTRY, cosine::ENTRY, exponential::ENTRY, step::ENTRY, plateau::ENTRY];

/// Makes a schedule from a checked trial.
pub type Build = fn(&Trial) -> Box<dyn Schedule>;

/// A factor on the learning rate.
pub trait Schedule: Send {
    /// Numbers carried between steps (checkpointed), zero at the start.
    fn scalars(&self) -> usize {
        0
    }
    /// The factor for step `t` (1-based) of `total`. `objective` is the training objective at the weights that
    /// this step starts from: data loss plus penalty over the training entries, never anything of the test set.
    fn factor(&self, t: u64, total: u64, objective: f64, scalars: &mut [f64]) -> f64;
}
