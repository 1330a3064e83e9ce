//! Normalised gradient descent.

use super::{Build, LR, Optimizer, State, over, squared_norm};
use crate::error::Result;
use crate::registry::Entry;
use ndarray::Array2;

/// Normalised gradient descent.
pub const ENTRY: Entry<Build> = Entry {
    name: "normalised_gd",
    doc: "normalised gradient descent: w ← w − η g/‖g‖, the norm over all layers",
    axes: &[LR],
    build: |_| Box::new(NormalisedGd),
};

/// `w ← w − η g/‖g‖₂` with the norm over the entries of all layers together: every step has length η. Nesterov (1984);
/// Hazan, Levy, Shalev-Shwartz (2015). No step where the whole gradient is 0.
struct NormalisedGd;

impl Optimizer for NormalisedGd {
    fn step(
        &mut self,
        lr: f64,
        weights: &mut [Array2<f64>],
        gradients: &[Array2<f64>],
        state: &mut State,
    ) -> Result<()> {
        let norm = squared_norm(gradients).sqrt();
        state.walk(weights, gradients, |w, g, []| (w - over(lr * g, norm), []));
        Ok(())
    }
}
