//! Sign gradient descent.

use super::{Build, LR, Optimizer, State};
use crate::error::Result;
use crate::registry::Entry;
use ndarray::Array2;

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
    fn step(
        &mut self,
        lr: f64,
        weights: &mut [Array2<f64>],
        gradients: &[Array2<f64>],
        state: &mut State,
    ) -> Result<()> {
        state.walk(weights, gradients, |w, g, []| (w - if g == 0.0 { 0.0 } else { lr * g.signum() }, []));
        Ok(())
    }
}
