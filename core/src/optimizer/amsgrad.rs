//! AMSGrad.

use super::{BETA1, BETA2, Build, LR, Layers, Optimizer, State, blend, epsilon, gathered, over};
use crate::error::Result;
use crate::registry::Entry;

/// AMSGrad.
pub const ENTRY: Entry<Build> = Entry {
    name: "amsgrad",
    doc: "AMSGrad, Adam with the largest v so far: x ← max(x, v), w ← w − η m̂/(√x̂ + ε)",
    axes: &[LR, BETA1, BETA2, epsilon(1e-8)],
    build: |trial| {
        Box::new(AmsGrad { beta1: trial.float("beta1"), beta2: trial.float("beta2"), epsilon: trial.float("epsilon") })
    },
};

/// Reddi, Kale, Kumar (2018) as in `torch.optim.Adam(amsgrad=True)`: m and v as in Adam, `x ← max(x, v)`,
/// `w ← w − η m̂/(√(x/(1−β₂ᵗ)) + ε)`.
///
/// # Departures
/// The paper has no bias corrections; torch, and so this, has both, with the maximum taken before the correction.
struct AmsGrad {
    beta1: f64,
    beta2: f64,
    epsilon: f64,
}

impl Optimizer for AmsGrad {
    fn buffers(&self) -> usize {
        3
    }

    fn step(&mut self, lr: f64, layers: &mut Layers, state: &mut State) -> Result<()> {
        let &mut AmsGrad { beta1, beta2, epsilon } = self;
        let lr = lr / gathered(beta1, state.t);
        let correct = 1.0 / gathered(beta2, state.t).sqrt();
        state.walk(layers, |w, g, [m, v, x]| {
            let m = blend(beta1, m, g);
            let v = blend(beta2, v, g * g);
            let x = if x > v { x } else { v };
            (w - lr * over(m, x.sqrt() * correct + epsilon), [m, v, x])
        });
        Ok(())
    }
}
