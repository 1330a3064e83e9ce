//! Independent uniform entries, of the same variance as the gaussian init.

use super::{Build, Entry, Init, SCALE, independent};
use crate::error::Result;
use crate::problem::Files;
use ndarray::Array2;

/// Uniform entries.
pub const ENTRY: Entry<Build> = Entry {
    name: "uniform",
    doc: "each layer uniform in ±√3·a^(1/N)/√fan_in, so ‖W‖_F ≈ a√n1",
    axes: &[SCALE],
    build: |trial| Box::new(Uniform { scale: trial.float("init_scale") }),
};

struct Uniform {
    scale: f64,
}

impl Init for Uniform {
    fn factors(&self, dims: &[usize], seed: i64, _: &dyn Files) -> Result<Vec<Array2<f64>>> {
        // Uniform in ±√3 has variance 1.
        Ok(independent(self.scale, dims, seed, |stream| 3f64.sqrt() * (2.0 * stream.uniform() - 1.0)))
    }
}
