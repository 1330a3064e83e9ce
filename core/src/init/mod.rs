//! Initial factors `W_1 … W_N`, from the stream `init/layer/j` of the trial's `init_seed`.

mod gaussian;

use crate::error::Result;
use crate::problem::Files;
use crate::registry::Entry;
use crate::trial::Trial;
use ndarray::Array2;

/// Every init.
pub const KNOWN: &[Entry<Build>] = &[gaussian::ENTRY];

/// Makes an init from a checked trial.
pub type Build = fn(&Trial) -> Box<dyn Init>;

/// A way to choose the factors at step 0.
pub trait Init {
    /// Conditions that tie its axes to others (zero needs depth 1).
    ///
    /// # Errors
    /// Names the axes and values, and what is allowed.
    fn check(&self, _trial: &Trial) -> Result<()> {
        Ok(())
    }

    /// The factors. `dims` is `[n2, width, …, n1]`: layer j (from 0) is `dims[j+1] × dims[j]`, and
    /// `W = W_N ⋯ W_1` is n1×n2.
    ///
    /// # Errors
    /// [`crate::error::Error::File`] for malformed content; LAPACK's refusals.
    fn factors(&self, dims: &[usize], seed: i64, files: &dyn Files) -> Result<Vec<Array2<f64>>>;
}
