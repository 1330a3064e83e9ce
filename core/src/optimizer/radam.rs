//! RAdam: Adam with a rectified variance.

use super::{BETA1, BETA2, Build, LR, Layers, Optimizer, State, blend, epsilon, gathered, over};
use crate::error::Result;
use crate::registry::Entry;

/// RAdam.
pub const ENTRY: Entry<Build> = Entry {
    name: "radam",
    doc: "RAdam: Adam's step times the rectification r_t once ρ_t > 5, before that w ← w − η m̂",
    axes: &[LR, BETA1, BETA2, epsilon(1e-8)],
    build: |trial| {
        Box::new(RAdam { beta1: trial.float("beta1"), beta2: trial.float("beta2"), epsilon: trial.float("epsilon") })
    },
};

/// Liu et al. (2020), Algorithm 2, as in `torch.optim.RAdam`: m and v as in Adam, `ρ_∞ = 2/(1−β₂) − 1`,
/// `ρ_t = ρ_∞ − 2tβ₂ᵗ/(1−β₂ᵗ)`. Where ρ_t > 5, `w ← w − η r_t m̂·√(1−β₂ᵗ)/(√v + ε)` with
/// `r_t² = (ρ_t−4)(ρ_t−2)ρ_∞/((ρ_∞−4)(ρ_∞−2)ρ_t)`; otherwise `w ← w − η m̂`.
///
/// # Departures
/// The paper's threshold is ρ_t > 4; torch's, and so this, is 5. ε is added to √v before the bias correction.
struct RAdam {
    beta1: f64,
    beta2: f64,
    epsilon: f64,
}

impl Optimizer for RAdam {
    fn buffers(&self) -> usize {
        2
    }

    fn step(&mut self, lr: f64, layers: &mut Layers, state: &mut State) -> Result<()> {
        let &mut RAdam { beta1, beta2, epsilon } = self;
        let gathered2 = gathered(beta2, state.t);
        let limit = 2.0 / (1.0 - beta2) - 1.0;
        let rho = limit - 2.0 * state.t as f64 * (1.0 - gathered2) / gathered2;
        let lr = lr / gathered(beta1, state.t);
        if rho > 5.0 {
            let rectified = ((rho - 4.0) * (rho - 2.0) * limit / ((limit - 4.0) * (limit - 2.0) * rho)).sqrt();
            let lr = lr * rectified * gathered2.sqrt();
            state.walk(layers, |w, g, [m, v]| {
                let m = blend(beta1, m, g);
                let v = blend(beta2, v, g * g);
                (w - lr * over(m, v.sqrt() + epsilon), [m, v])
            });
        } else {
            state.walk(layers, |w, g, [m, v]| {
                let m = blend(beta1, m, g);
                (w - lr * m, [m, blend(beta2, v, g * g)])
            });
        }
        Ok(())
    }
}
