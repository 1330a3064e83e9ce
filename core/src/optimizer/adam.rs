//! Adam.

use super::{BETA1, BETA2, Build, LR, Layers, Optimizer, State, blend, epsilon, gathered, over};
use crate::error::Result;
use crate::registry::Entry;

/// Adam, Algorithm 1.
pub const ENTRY: Entry<Build> = Entry {
    name: "adam",
    doc: "Adam: w ← w − η m̂/(√v̂ + ε), both moments bias-corrected",
    axes: &[LR, BETA1, BETA2, epsilon(1e-8)],
    build: |trial| {
        Box::new(Adam { beta1: trial.float("beta1"), beta2: trial.float("beta2"), epsilon: trial.float("epsilon") })
    },
};

/// Kingma, Ba (2015), Algorithm 1: `m ← β₁m + (1−β₁)g`, `v ← β₂v + (1−β₂)g²`, `m̂ = m/(1−β₁ᵗ)`, `v̂ = v/(1−β₂ᵗ)`,
/// `w ← w − η m̂/(√v̂ + ε)`; ε is outside the square root.
struct Adam {
    beta1: f64,
    beta2: f64,
    epsilon: f64,
}

impl Optimizer for Adam {
    fn buffers(&self) -> usize {
        2
    }

    fn step(&mut self, lr: f64, layers: &mut Layers, state: &mut State) -> Result<()> {
        let &mut Adam { beta1, beta2, epsilon } = self;
        let lr = lr / gathered(beta1, state.t);
        let correct = 1.0 / gathered(beta2, state.t).sqrt();
        state.walk(layers, |w, g, [m, v]| {
            let m = blend(beta1, m, g);
            let v = blend(beta2, v, g * g);
            (w - lr * over(m, v.sqrt() * correct + epsilon), [m, v])
        });
        Ok(())
    }
}
