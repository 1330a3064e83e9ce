//! Gradient descent.

use super::{Build, LR, Optimizer, State};
use crate::error::Result;
use crate::registry::Entry;
use ndarray::Array2;

/// `w ← w − η g`.
pub const ENTRY: Entry<Build> =
    Entry { name: "gd", doc: "gradient descent: w ← w − η g", axes: &[LR], build: |_| Box::new(Gd) };

struct Gd;

impl Optimizer for Gd {
    fn step(
        &mut self,
        lr: f64,
        weights: &mut [Array2<f64>],
        gradients: &[Array2<f64>],
        state: &mut State,
    ) -> Result<()> {
        state.walk(weights, gradients, |w, g, []| (w - lr * g, []));
        Ok(())
    }
}
