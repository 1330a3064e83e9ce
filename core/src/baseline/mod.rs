//! Baselines: solvers that stand where an optimizer stands. They use the training measurements alone, except where their name says *oracle*.

mod zero_fill;

use crate::error::Result;
use crate::problem::Data;
use crate::registry::Entry;
use crate::trial::Trial;
use ndarray::Array2;

/// Every baseline.
pub const KNOWN: &[Entry<Build>] = &[zero_fill::ENTRY];

/// Makes a baseline from a checked trial.
pub type Build = fn(&Trial) -> Box<dyn Baseline>;

/// What a baseline found.
pub struct Solution {
    /// n1×n2.
    pub w: Array2<f64>,
    /// Iterations used.
    pub iterations: u64,
    /// Whether its own stopping rule was met (otherwise the outcome's status is `budget`).
    pub converged: bool,
    /// The value that it minimised, where it minimises one.
    pub objective: Option<f64>,
}

/// A solver.
pub trait Baseline {
    /// Solves. `go_on` is asked once per iteration and answers false when the run must hand back.
    ///
    /// # Errors
    /// [`crate::error::Error::Conflict`] where the solver cannot treat this kind of measurement.
    fn solve(&self, data: &Data, go_on: &mut dyn FnMut() -> bool) -> Result<Solution>;
}
