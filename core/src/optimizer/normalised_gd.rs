//! Normalised gradient descent.

use super::{Build, LR, Layers, Optimizer, State, over};
use crate::error::Result;
use crate::registry::Entry;

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
    fn step(&mut self, lr: f64, layers: &mut Layers, state: &mut State) -> Result<()> {
        let norm = layers.squared_norm().sqrt();
        state.walk(layers, |w, g, []| (w - over(lr * g, norm), []));
        Ok(())
    }
}
