//! Independent normal entries.

use super::{Build, Entry, Init, SCALE, independent};
use crate::error::Result;
use crate::problem::Files;
use crate::seed::Stream;
use ndarray::Array2;

/// Normal entries.
pub const ENTRY: Entry<Build> = Entry {
    name: "gaussian",
    doc: "each layer normal with standard deviation a^(1/N)/√fan_in, so ‖W‖_F ≈ a√n1",
    axes: &[SCALE],
    build: |trial| Box::new(Gaussian { scale: trial.float("init_scale") }),
};

/// Layer j has independent entries `N(0, (a^(1/N)/√dims[j−1])²)` (Arora et al. 2019, §4).
pub(super) struct Gaussian {
    pub(super) scale: f64,
}

impl Init for Gaussian {
    fn factors(&self, dims: &[usize], seed: i64, _: &dyn Files) -> Result<Vec<Array2<f64>>> {
        Ok(independent(self.scale, dims, seed, Stream::normal))
    }
}
