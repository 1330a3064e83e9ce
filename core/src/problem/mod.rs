//! Problems: what is to be recovered, and what is seen of it.
//!
//! A [`Problem`] turns seeds (or the bytes of files handed to it) into [`Data`]; [`load`] does it for a trial. No I/O
//! here. What several problems share: `truth` (the random matrix), `mask` (which entries are observed), `text` and
//! `triples` (strict reading of data files).

mod csv;
#[cfg(test)]
pub(crate) mod fixture;
mod mask;
mod ratings;
mod sensing;
mod synthetic;
pub(crate) mod text;
mod triples;
mod truth;

use crate::error::{Error, Result};
use crate::registry::{self, Entry};
use crate::seed::Stream;
use crate::trial::Trial;
use ndarray::{Array2, Axis};
use std::sync::Arc;

/// Every problem.
pub const KNOWN: &[Entry<Build>] = &[synthetic::ENTRY, sensing::ENTRY, csv::ENTRY, ratings::ENTRY];

/// Makes a problem from a checked trial.
pub type Build = fn(&Trial) -> Box<dyn Problem>;

/// The bytes of the files that a sweep names, by content hash.
pub trait Files: Sync {
    /// The content, or `None` where it is not at hand.
    fn content(&self, hash: &str) -> Option<Arc<[u8]>>;
}

/// No files at all.
pub struct NoFiles;
impl Files for NoFiles {
    fn content(&self, _: &str) -> Option<Arc<[u8]>> {
        None
    }
}

/// The problem of `trial`.
///
/// # Errors
/// [`Error::Unknown`].
pub fn build(trial: &Trial) -> Result<Box<dyn Problem>> {
    Ok((registry::find("problem", KNOWN, trial.text("problem"))?.build)(trial))
}

/// The data of `trial`, its validation split taken off.
///
/// # Errors
/// [`Error::File`] for malformed content, [`Error::Conflict`] for content that is not at hand, [`Error::Range`] for what
/// the content of a file rules out.
pub fn load(trial: &Trial, files: &dyn Files) -> Result<Data> {
    let data = build(trial)?.data(files)?;
    let (share, m) = (trial.float("validation"), data.train.values().len());
    if share > 0.0 && m < 2 {
        return Err(Error::Conflict(format!("axis \"validation\": {share} needs at least 2 measurements, not {m}")));
    }
    Ok(data.hold_out(share, trial.int("validation_seed")))
}

/// A source of data.
pub trait Problem {
    /// Conditions that tie its axes together, without making any data: rank ≤ min(n1, n2), m ≤ n1·n2, ….
    ///
    /// # Errors
    /// Names the axes and values, and what is allowed.
    fn check(&self) -> Result<()>;

    /// Rows and columns of the ground truth and number of measurements, where known without reading a file.
    fn size(&self) -> Option<(usize, usize, usize)>;

    /// Whether it measures `⟨A_k, W*⟩` rather than entries, which not every solver can treat.
    fn is_sensing(&self) -> bool {
        false
    }

    /// Whether its data come with the rank of `W*`, which solvers labelled *oracle* need.
    fn has_rank(&self) -> bool;

    /// Makes the data. The validation split is taken off afterwards, see [`Data::hold_out`].
    ///
    /// # Errors
    /// [`crate::error::Error::File`] for malformed content, with line and column.
    fn data(&self, files: &dyn Files) -> Result<Data>;
}

/// Entries of an n1×n2 matrix: row-major flat indices, ascending and unique, with their values.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Entries {
    /// `row·n2 + column`.
    pub index: Vec<u32>,
    /// As many values.
    pub value: Vec<f64>,
}

/// What was measured.
#[derive(Debug, Clone, PartialEq)]
pub enum Measurements {
    /// Matrix completion: the observed entries Ω.
    Entries(Entries),
    /// Matrix sensing: `y_k = ⟨A_k, W*⟩ + noise`.
    Sensing {
        /// m × (n1·n2): row k is `A_k`, row-major.
        operators: Array2<f64>,
        /// m values.
        value: Vec<f64>,
    },
}

impl Measurements {
    /// The measured values `Y`.
    pub fn values(&self) -> &[f64] {
        match self {
            Measurements::Entries(entries) => &entries.value,
            Measurements::Sensing { value, .. } => value,
        }
    }
}

/// An instance: what a run sees (training and validation) and what judges it (test, truth).
#[derive(Debug, Clone)]
pub struct Data {
    /// Rows.
    pub n1: usize,
    /// Columns.
    pub n2: usize,
    /// What the run is trained on (less the validation split).
    pub train: Measurements,
    /// Held out of the training measurements for selection; empty unless tuning.
    pub validation: Measurements,
    /// Where the test error is taken: unobserved entries (all entries for sensing), or a test split. `None` where there
    /// is neither. Its values are in the original units: compare them with `shift + scale·W`.
    pub test: Option<Entries>,
    /// The ground truth `W*`, n1×n2 and row-major, where there is one.
    pub truth: Option<Array2<f64>>,
    /// The rank of `W*` where it is known; for baselines labelled *oracle*.
    pub rank: Option<usize>,
    /// How the training and validation values were scaled; test values and truth are in the original units.
    pub scaling: Scaling,
}

/// The inverse of a transform of the values: `original = shift + scale · value`.
#[derive(Debug, Clone, PartialEq)]
pub struct Scaling {
    /// Added last.
    pub shift: f64,
    /// Multiplied first.
    pub scale: f64,
}

impl Scaling {
    /// Values as they are.
    pub const NONE: Scaling = Scaling { shift: 0.0, scale: 1.0 };
}

impl Data {
    /// Moves ⌊share·m⌋ of the m training measurements, but at least one (`share` > 0) and never the last, to the
    /// validation split. They are drawn from the stream `validation` of `seed`; both parts keep their order.
    /// What the test error is taken over does not change.
    pub fn hold_out(mut self, share: f64, seed: i64) -> Data {
        let m = self.train.values().len();
        if share <= 0.0 || m < 2 {
            return self;
        }
        let held = ((share * m as f64) as usize).clamp(1, m - 1);
        let mut chosen = vec![false; m];
        for k in Stream::new("validation", seed).permutation(m).into_iter().take(held) {
            chosen[k] = true;
        }
        self.validation = self.train.part(&chosen, true);
        self.train = self.train.part(&chosen, false);
        self
    }
}

impl Measurements {
    /// The measurements k with `chosen[k] == which`, in order.
    fn part(&self, chosen: &[bool], which: bool) -> Measurements {
        let kept: Vec<usize> = (0..chosen.len()).filter(|&k| chosen[k] == which).collect();
        match self {
            Measurements::Entries(e) => Measurements::Entries(Entries {
                index: kept.iter().map(|&k| e.index[k]).collect(),
                value: kept.iter().map(|&k| e.value[k]).collect(),
            }),
            Measurements::Sensing { operators, value } => Measurements::Sensing {
                operators: operators.select(Axis(0), &kept),
                value: kept.iter().map(|&k| value[k]).collect(),
            },
        }
    }

    /// No measurements, of the kind of `self`.
    fn none(&self) -> Measurements {
        self.part(&vec![false; self.values().len()], true)
    }
}

impl Entries {
    /// The entries of `matrix` where `keep` says so.
    fn of(matrix: &Array2<f64>, keep: impl Fn(u32) -> bool) -> Entries {
        let (index, value) = matrix.iter().enumerate().map(|(i, &x)| (i as u32, x)).filter(|(i, _)| keep(*i)).unzip();
        Entries { index, value }
    }
}

/// Completion data: `observed` entries, tested on all the others of `truth`.
fn completion(n1: usize, n2: usize, observed: Entries, truth: Option<Array2<f64>>, rank: Option<usize>) -> Data {
    let test = truth.as_ref().map(|w| {
        let mut seen = vec![false; n1 * n2];
        observed.index.iter().for_each(|&i| seen[i as usize] = true);
        Entries::of(w, |i| !seen[i as usize])
    });
    let train = Measurements::Entries(observed);
    Data { n1, n2, validation: train.none(), train, test, truth, rank, scaling: Scaling::NONE }
}

/// Refuses a matrix whose entries a `u32` cannot number.
fn check_area(n1: usize, n2: usize) -> Result<()> {
    if n1 as u64 * n2 as u64 <= u64::from(u32::MAX) {
        return Ok(());
    }
    let most = u32::MAX;
    Err(Error::Conflict(format!("axes \"n1\", \"n2\": {n1}×{n2} entries are more than the {most} allowed")))
}

#[cfg(test)]
mod tests;
