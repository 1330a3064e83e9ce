//! Gradient descent.

use super::{Build, LR, Layers, Optimizer, State};
use crate::error::Result;
use crate::registry::Entry;

/// `w ← w − η g`.
pub const ENTRY: Entry<Build> =
    Entry { name: "gd", doc: "gradient descent: w ← w − η g", axes: &[LR], build: |_| Box::new(Gd) };

struct Gd;

impl Optimizer for Gd {
    fn step(&mut self, lr: f64, layers: &mut Layers, state: &mut State) -> Result<()> {
        state.walk(layers, |w, g, []| (w - lr * g, []));
        Ok(())
    }
}
