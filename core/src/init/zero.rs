//! All zeros, at depth 1: deeper, every gradient would stay 0.

use super::{Build, Entry, Init};
use crate::error::{Error, Result};
use crate::penalty;
use crate::problem::Files;
use crate::registry;
use crate::trial::Trial;
use ndarray::Array2;

/// W = 0.
pub const ENTRY: Entry<Build> =
    Entry { name: "zero", doc: "W = 0; depth 1 only", axes: &[], build: |_| Box::new(Zero) };

struct Zero;

impl Init for Zero {
    fn check(&self, trial: &Trial) -> Result<()> {
        let depth = trial.int("depth");
        if depth != 1 {
            return Err(Error::Range {
                axis: "depth".to_owned(),
                value: depth.to_string(),
                allowed: "1..=1 (init \"zero\": deeper, every gradient is 0)".to_owned(),
            });
        }
        let name = trial.text("penalty");
        let penalty = (registry::find("penalty", penalty::KNOWN, name)?.build)(trial);
        if penalty.degree() == Some(0.0) {
            return Err(Error::Conflict(format!(
                "init \"zero\": penalty \"{name}\" is scale-free, and so undefined at W = 0; take another init, or a \
                 penalty that is not scale-free"
            )));
        }
        Ok(())
    }

    fn factors(&self, dims: &[usize], _: i64, _: &dyn Files) -> Result<Vec<Array2<f64>>> {
        Ok((1..dims.len()).map(|j| Array2::zeros((dims[j], dims[j - 1]))).collect())
    }
}
