//! Sign gradient descent.

use super::{Build, LR, Layers, Optimizer, State};
use crate::error::Result;
use crate::registry::Entry;

/// Sign gradient descent.
pub const ENTRY: Entry<Build> = Entry {
    name: "sign_gd",
    doc: "sign descent: w ← w − η sign(g), sign(0) = 0",
    axes: &[LR],
    build: |_| Box::new(SignGd),
};

/// `w ← w − η sign(g)` with sign(0) = 0 (`f64::signum(0.0)` is 1): signSGD of Bernstein et al. (2018), and the limit of
/// Adam for β₁ = β₂ = ε = 0.
struct SignGd;

impl Optimizer for SignGd {
    fn step(&mut self, lr: f64, layers: &mut Layers, state: &mut State) -> Result<()> {
        state.walk(layers, |w, g, []| (w - if g == 0.0 { 0.0 } else { lr * g.signum() }, []));
        Ok(())
    }
}
