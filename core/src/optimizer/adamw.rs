//! AdamW: Adam with decoupled weight decay.

use super::{BETA1, BETA2, Build, LR, Layers, Optimizer, State, blend, epsilon, gathered, over};
use crate::axis::{Axis, Kind};
use crate::error::Result;
use crate::registry::Entry;
use crate::value::Literal;

// 0.01: torch.optim.AdamW.
const WEIGHT_DECAY: Axis = Axis::optional(
    "weight_decay",
    "share of the weight taken off per step, in units of η",
    Kind::Float(0.0, 1e6),
    Literal::Float(0.01),
);

/// AdamW.
pub const ENTRY: Entry<Build> = Entry {
    name: "adamw",
    doc: "AdamW: w ← (1 − η·weight_decay) w − η m̂/(√v̂ + ε)",
    axes: &[LR, BETA1, BETA2, epsilon(1e-8), WEIGHT_DECAY],
    build: |trial| {
        Box::new(AdamW {
            beta1: trial.float("beta1"),
            beta2: trial.float("beta2"),
            epsilon: trial.float("epsilon"),
            weight_decay: trial.float("weight_decay"),
        })
    },
};

/// Loshchilov, Hutter (2019), Algorithm 2, with the decay times η as in `torch.optim.AdamW`:
/// `w ← (1 − η·weight_decay)·w`, then Adam's step.
struct AdamW {
    beta1: f64,
    beta2: f64,
    epsilon: f64,
    weight_decay: f64,
}

impl Optimizer for AdamW {
    fn buffers(&self) -> usize {
        2
    }

    fn step(&mut self, lr: f64, layers: &mut Layers, state: &mut State) -> Result<()> {
        let &mut AdamW { beta1, beta2, epsilon, weight_decay } = self;
        let keep = 1.0 - lr * weight_decay;
        let lr = lr / gathered(beta1, state.t);
        let correct = 1.0 / gathered(beta2, state.t).sqrt();
        state.walk(layers, |w, g, [m, v]| {
            let m = blend(beta1, m, g);
            let v = blend(beta2, v, g * g);
            (keep * w - lr * over(m, v.sqrt() * correct + epsilon), [m, v])
        });
        Ok(())
    }
}
