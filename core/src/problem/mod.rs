//! Problems: what is to be recovered, and what is seen of it.
//!
//! A [`Problem`] turns seeds (or the bytes of files handed to it) into [`Data`]. No I/O here.

mod synthetic;

use crate::error::Result;
use crate::registry::Entry;
use crate::trial::Trial;
use ndarray::Array2;
use std::sync::Arc;

/// Every problem.
pub const KNOWN: &[Entry<Build>] = &[synthetic::ENTRY];

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

/// A source of data.
pub trait Problem {
    /// Conditions that tie its axes together, without making any data: rank ≤ min(n1, n2), m ≤ n1·n2, ….
    ///
    /// # Errors
    /// Names the axes and values, and what is allowed.
    fn check(&self) -> Result<()>;

    /// Rows and columns of the ground truth and number of measurements, where known without reading a file.
    fn size(&self) -> Option<(usize, usize, usize)>;

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
    /// Where the test error is taken: unobserved entries (all entries for sensing), or a given test split. `None` without a truth.
    pub test: Option<Entries>,
    /// The ground truth `W*`, n1×n2, where there is one.
    pub truth: Option<Array2<f64>>,
    /// The rank of `W*` where it is known; for baselines labelled *oracle*.
    pub rank: Option<usize>,
    /// How values were scaled before training; test errors are in the original units.
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
