//! AdaMax: Adam with the infinity norm.

use super::{BETA1, BETA2, Build, LR, Layers, Optimizer, State, blend, epsilon, gathered, over};
use crate::error::Result;
use crate::registry::Entry;

/// AdaMax.
pub const ENTRY: Entry<Build> = Entry {
    name: "adamax",
    doc: "AdaMax, Adam with the infinity norm: u ← max(β₂u, |g| + ε), w ← w − η m̂/u",
    axes: &[LR, BETA1, BETA2, epsilon(1e-8)],
    build: |trial| {
        Box::new(AdaMax { beta1: trial.float("beta1"), beta2: trial.float("beta2"), epsilon: trial.float("epsilon") })
    },
};

/// Kingma, Ba (2015), Algorithm 2, with the ε of `torch.optim.Adamax`: `m ← β₁m + (1−β₁)g`, `u ← max(β₂u, |g| + ε)`,
/// `w ← w − η/(1−β₁ᵗ)·m/u`.
struct AdaMax {
    beta1: f64,
    beta2: f64,
    epsilon: f64,
}

impl Optimizer for AdaMax {
    fn buffers(&self) -> usize {
        2
    }

    fn step(&mut self, lr: f64, layers: &mut Layers, state: &mut State) -> Result<()> {
        let &mut AdaMax { beta1, beta2, epsilon } = self;
        let lr = lr / gathered(beta1, state.t);
        state.walk(layers, |w, g, [m, u]| {
            let m = blend(beta1, m, g);
            let (decayed, seen) = (beta2 * u, g.abs() + epsilon);
            let u = if decayed > seen { decayed } else { seen };
            (w - lr * over(m, u), [m, u])
        });
        Ok(())
    }
}
