//! Baselines: solvers that stand where an optimizer stands.
//!
//! One rule: they use the training measurements alone, except that soft-impute's path may be judged by the validation
//! split, that a rank not given is the truth's (*oracle*), and that `ground_truth` is the truth. They are deterministic: no random stream.

mod als;
mod ground_truth;
mod hard_impute;
mod means;
mod minimum_frobenius;
mod minimum_nuclear;
mod shrink;
mod soft_impute;
mod svt;
mod zero_fill;

use crate::axis::{Axis, Kind};
use crate::error::{Error, Result};
use crate::problem::{Data, Entries, Measurements, Problem};
use crate::registry::{self, Entry};
use crate::trial::Trial;
use crate::value::Literal;
use ndarray::Array2;

/// Every baseline.
pub const KNOWN: &[Entry<Build>] = &[
    minimum_frobenius::ENTRY,
    minimum_nuclear::ENTRY,
    soft_impute::ENTRY,
    svt::ENTRY,
    hard_impute::ENTRY,
    als::ENTRY,
    zero_fill::ENTRY,
    means::ROWS,
    means::COLUMNS,
    ground_truth::ENTRY,
];

/// Makes a baseline from a checked trial.
pub type Build = fn(&Trial) -> Box<dyn Baseline>;

/// What a baseline found.
#[derive(Debug, Clone)]
pub struct Solution {
    /// n1×n2, row-major.
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
    /// Whether it treats sensing measurements as well as observed entries.
    fn treats_sensing(&self) -> bool {
        false
    }

    /// Conditions between its axes and the problem, without making any data.
    ///
    /// # Errors
    /// Names the axes and values, and what is allowed.
    fn check(&self, trial: &Trial, problem: &dyn Problem) -> Result<()> {
        let name = trial.text("baseline");
        if problem.is_sensing() && !self.treats_sensing() {
            return Err(needs_entries(name));
        }
        let Some(rank) = trial.get(RANK.name).and_then(|v| v.number()) else { return Ok(()) };
        match problem.size() {
            _ if rank == 0.0 && !problem.has_rank() => Err(Error::Conflict(format!(
                "axis \"{}\": 0 (that of the truth) needs a truth, which this problem does not have; give a rank",
                RANK.name
            ))),
            Some((n1, n2, _)) if rank > n1.min(n2) as f64 => Err(rank_outside(rank as usize, n1, n2)),
            _ => Ok(()),
        }
    }

    /// What it usually takes, in singular value decompositions of the whole matrix: for forecasts alone. Measured at
    /// 50×50 and 100×100, rank 2, with three times as many entries as degrees of freedom.
    fn typical_svds(&self) -> f64 {
        1.0
    }

    /// Solves. `go_on` is asked once per iteration; where it answers false the solver ends at once, and what it
    /// returns is not `converged`.
    ///
    /// # Errors
    /// [`Error::Conflict`] where the solver cannot treat the data, LAPACK's refusals.
    fn solve(&self, data: &Data, go_on: &mut dyn FnMut() -> bool) -> Result<Solution>;
}

/// The baseline of `trial`.
///
/// # Errors
/// [`Error::Unknown`].
pub fn build(trial: &Trial) -> Result<Box<dyn Baseline>> {
    Ok((registry::find("baseline", KNOWN, trial.text("baseline"))?.build)(trial))
}

/// The axis `iterations`, with a solver's own default.
const fn iterations(default: i64) -> Axis {
    let kind = Kind::Int(1, 1_000_000_000);
    Axis::optional("iterations", "iterations at most", kind, Literal::Int(default)).costly()
}

/// The axis `baseline_rank`.
const RANK: Axis = Axis::optional(
    "baseline_rank",
    "rank of the solution; 0: that of the truth (oracle)",
    Kind::Int(0, 100_000),
    Literal::Int(0),
)
.costly();

/// `given`, or the truth's rank for 0.
fn rank(given: usize, data: &Data) -> Result<usize> {
    match (given, data.rank) {
        (0, None) => Err(Error::Conflict("the rank of the truth is not known; give axis \"baseline_rank\"".to_owned())),
        // A truth of rank 0 is recovered by rank 1 too.
        (0, Some(r)) => Ok(r.max(1)),
        (r, _) if r > data.n1.min(data.n2) => Err(rank_outside(r, data.n1, data.n2)),
        (r, _) => Ok(r),
    }
}

fn rank_outside(rank: usize, n1: usize, n2: usize) -> Error {
    let allowed = format!("1..={} (min(n1, n2)), or 0", n1.min(n2));
    Error::Range { axis: RANK.name.to_owned(), value: rank.to_string(), allowed }
}

fn needs_entries(name: &str) -> Error {
    Error::Conflict(format!("baseline \"{name}\" needs observed entries, not problem \"sensing\""))
}

/// The training entries, for a solver that treats no others.
fn observed<'d>(name: &str, data: &'d Data) -> Result<&'d Entries> {
    match &data.train {
        Measurements::Entries(entries) => Ok(entries),
        Measurements::Sensing { .. } => Err(needs_entries(name)),
    }
}

/// The observed values, zero elsewhere.
fn zero_filled(data: &Data, entries: &Entries) -> Array2<f64> {
    let mut w = Array2::zeros((data.n1, data.n2));
    write(&mut w, entries);
    w
}

/// Writes the observed values into `w`.
fn write(w: &mut Array2<f64>, entries: &Entries) {
    let flat = flat_mut(w);
    for (&i, &y) in entries.index.iter().zip(&entries.value) {
        flat[i as usize] = y;
    }
}

/// A row-major matrix as one slice.
fn flat(w: &Array2<f64>) -> &[f64] {
    w.as_slice().expect("solvers keep their matrices row-major")
}

/// The same, to be changed.
fn flat_mut(w: &mut Array2<f64>) -> &mut [f64] {
    w.as_slice_mut().expect("solvers keep their matrices row-major")
}

/// `Σ (W − Y)²` over the observed entries.
fn square_error(w: &Array2<f64>, entries: &Entries) -> f64 {
    let w = flat(w);
    entries.index.iter().zip(&entries.value).map(|(&i, &y)| (w[i as usize] - y).powi(2)).sum()
}

/// `‖W‖_F`.
fn norm(w: &Array2<f64>) -> f64 {
    flat(w).iter().map(|x| x * x).sum::<f64>().sqrt()
}

/// `‖A − B‖_F`.
fn distance(a: &Array2<f64>, b: &Array2<f64>) -> f64 {
    flat(a).iter().zip(flat(b)).map(|(x, y)| (x - y).powi(2)).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests;
