//! Multiples of the identity.

use super::{Build, Entry, Init, SCALE, per_layer};
use crate::error::Result;
use crate::problem::Files;
use ndarray::Array2;

/// Ones on the main diagonal, scaled.
pub const ENTRY: Entry<Build> = Entry {
    name: "identity",
    doc: "each layer a^(1/N) on the main diagonal, so ‖W‖_F = a√min(n1, n2) (width at least that)",
    axes: &[SCALE],
    build: |trial| Box::new(Identity { scale: trial.float("init_scale") }),
};

/// Layer j is `a^(1/N)` on its main diagonal, rectangular layers too; a width below min(n1, n2) cuts W's diagonal.
struct Identity {
    scale: f64,
}

impl Init for Identity {
    fn factors(&self, dims: &[usize], _: i64, _: &dyn Files) -> Result<Vec<Array2<f64>>> {
        let size = per_layer(self.scale, dims);
        let layer = |j: usize| Array2::from_shape_fn((dims[j], dims[j - 1]), |(a, b)| if a == b { size } else { 0.0 });
        Ok((1..dims.len()).map(layer).collect())
    }
}
