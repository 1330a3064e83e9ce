//! All zeros, at depth 1: deeper, every gradient would stay 0.

use super::{Build, Entry, Init};
use crate::error::{Error, Result};
use crate::problem::Files;
use crate::trial::Trial;
use ndarray::Array2;

/// W = 0.
pub const ENTRY: Entry<Build> =
    Entry { name: "zero", doc: "W = 0; depth 1 only", axes: &[], build: |_| Box::new(Zero) };

struct Zero;

impl Init for Zero {
    fn check(&self, trial: &Trial) -> Result<()> {
        match trial.int("depth") {
            1 => Ok(()),
            depth => Err(Error::Range {
                axis: "depth".to_owned(),
                value: depth.to_string(),
                allowed: "1..=1 (init \"zero\": deeper, every gradient is 0)".to_owned(),
            }),
        }
    }

    fn factors(&self, dims: &[usize], _: i64, _: &dyn Files) -> Result<Vec<Array2<f64>>> {
        Ok((1..dims.len()).map(|j| Array2::zeros((dims[j], dims[j - 1]))).collect())
    }
}
