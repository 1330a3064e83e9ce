//! NAdam: Adam with Nesterov's momentum.

use super::{BETA1, BETA2, Build, LR, Layers, Optimizer, State, blend, epsilon, gathered, over};
use crate::axis::{Axis, Kind};
use crate::error::Result;
use crate::registry::Entry;
use crate::value::Literal;

// 0.004: Dozat (2016) and torch.optim.NAdam.
const MOMENTUM_DECAY: Axis = Axis::optional(
    "momentum_decay",
    "rate ψ at which the momentum warms up to β₁",
    Kind::Float(0.0, 1e6),
    Literal::Float(4e-3),
);

/// NAdam.
pub const ENTRY: Entry<Build> = Entry {
    name: "nadam",
    doc: "NAdam, Adam with Nesterov momentum: w ← w − η [(1−μ_t)/(1−Π_t)·g + μ_{t+1}/(1−Π_{t+1})·m]/(√v̂ + ε), \
          μ_t = β₁(1 − ½·0.96^(tψ))",
    axes: &[LR, BETA1, BETA2, epsilon(1e-8), MOMENTUM_DECAY],
    build: |trial| {
        Box::new(NAdam {
            beta1: trial.float("beta1"),
            beta2: trial.float("beta2"),
            epsilon: trial.float("epsilon"),
            momentum_decay: trial.float("momentum_decay"),
        })
    },
};

/// Dozat (2016) as in `torch.optim.NAdam`: m, v and v̂ as in Adam, `μ_t = β₁(1 − ½·0.96^{tψ})`, `Π_t = μ_1 ⋯ μ_t`,
/// `w ← w − η [(1−μ_t)/(1−Π_t)·g + μ_{t+1}/(1−Π_{t+1})·m]/(√v̂ + ε)`. ψ is the axis `momentum_decay`.
struct NAdam {
    beta1: f64,
    beta2: f64,
    epsilon: f64,
    momentum_decay: f64,
}

impl Optimizer for NAdam {
    fn buffers(&self) -> usize {
        2
    }

    fn scalars(&self) -> usize {
        1
    }

    fn step(&mut self, lr: f64, layers: &mut Layers, state: &mut State) -> Result<()> {
        let &mut NAdam { beta1, beta2, epsilon, momentum_decay } = self;
        let t = state.t as f64;
        let mu = |t: f64| beta1 * (1.0 - 0.5 * 0.96f64.powf(t * momentum_decay));
        let past = if state.t == 1 { 1.0 } else { state.scalars[0] };
        let product = past * mu(t);
        state.scalars[0] = product;
        let on_gradient = lr * (1.0 - mu(t)) / (1.0 - product);
        let on_moment = lr * mu(t + 1.0) / (1.0 - product * mu(t + 1.0));
        let correct = 1.0 / gathered(beta2, state.t).sqrt();
        state.walk(layers, |w, g, [m, v]| {
            let m = blend(beta1, m, g);
            let v = blend(beta2, v, g * g);
            (w - over(on_gradient * g + on_moment * m, v.sqrt() * correct + epsilon), [m, v])
        });
        Ok(())
    }
}
