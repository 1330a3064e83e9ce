//! Independent normal entries.

use super::{Build, Entry, Init};
use crate::axis::{Axis, Kind};
use crate::error::Result;
use crate::problem::Files;
use crate::seed::Stream;
use crate::value::Literal;
use ndarray::Array2;

/// Axis shared by the random inits: the end-to-end scale `a`.
pub(super) const SCALE: Axis = Axis::optional(
    "init_scale",
    "end-to-end scale a of the initial factors",
    Kind::Above(0.0, 1e6),
    Literal::Float(1e-3),
);

/// Normal entries.
pub const ENTRY: Entry<Build> = Entry {
    name: "gaussian",
    doc: "each layer normal with standard deviation a^(1/N)/√fan_in, so ‖W‖_F ≈ a√n1",
    axes: &[SCALE],
    build: |trial| Box::new(Gaussian { scale: trial.float("init_scale") }),
};

/// Layer j has independent entries `N(0, (a^(1/N)/√dims[j])²)` (Arora et al. 2019, §4).
struct Gaussian {
    scale: f64,
}

impl Init for Gaussian {
    fn factors(&self, dims: &[usize], seed: i64, _: &dyn Files) -> Result<Vec<Array2<f64>>> {
        let layers = dims.len() - 1;
        let per_layer = self.scale.powf(1.0 / layers as f64);
        Ok((0..layers)
            .map(|j| {
                let mut stream = Stream::new(&format!("init/layer/{}", j + 1), seed);
                let deviation = per_layer / (dims[j] as f64).sqrt();
                Array2::from_shape_simple_fn((dims[j + 1], dims[j]), || deviation * stream.normal())
            })
            .collect())
    }
}
