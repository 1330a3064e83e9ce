//! The ground truth itself: no solver, but the row of numbers that all others aim at.

use super::{Baseline, Build, Solution};
use crate::error::{Error, Result};
use crate::problem::{Data, Problem};
use crate::registry::Entry;
use crate::trial::Trial;

/// The ground truth (*oracle*).
pub const ENTRY: Entry<Build> = Entry {
    name: "ground_truth",
    doc: "the ground truth itself (oracle): its norms and ranks, for the lines of a picture",
    axes: &[],
    build: |_| Box::new(GroundTruth),
};

struct GroundTruth;

impl Baseline for GroundTruth {
    fn treats_sensing(&self) -> bool {
        true
    }

    fn check(&self, _: &Trial, problem: &dyn Problem) -> Result<()> {
        if problem.has_rank() { Ok(()) } else { Err(unknown()) }
    }

    /// `W = (W* − shift)/scale`: the truth in the units of training.
    fn solve(&self, data: &Data, _: &mut dyn FnMut() -> bool) -> Result<Solution> {
        let truth = data.truth.as_ref().ok_or_else(unknown)?;
        let w = truth.mapv(|x| (x - data.scaling.shift) / data.scaling.scale);
        Ok(Solution { w, iterations: 1, converged: true, objective: None })
    }
}

fn unknown() -> Error {
    Error::Conflict("baseline \"ground_truth\" needs a problem whose truth is known, and not ratings".to_owned())
}
