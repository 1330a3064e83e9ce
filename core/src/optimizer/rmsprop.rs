//! RMSprop.

use super::{ALPHA, Build, LR, Layers, Optimizer, State, blend, epsilon, over};
use crate::error::Result;
use crate::registry::Entry;

/// RMSprop.
pub const ENTRY: Entry<Build> = Entry {
    name: "rmsprop",
    doc: "RMSprop: v ← αv + (1−α)g², w ← w − η g/(√v + ε)",
    axes: &[LR, ALPHA, epsilon(1e-8)],
    build: |trial| Box::new(RmsProp { alpha: trial.float("alpha"), epsilon: trial.float("epsilon") }),
};

/// Tieleman, Hinton (2012, lecture 6e): `v ← αv + (1−α)g²`, `w ← w − η g/(√v + ε)`, no bias correction; with the
/// defaults of `torch.optim.RMSprop`, neither centred nor with momentum.
struct RmsProp {
    alpha: f64,
    epsilon: f64,
}

impl Optimizer for RmsProp {
    fn buffers(&self) -> usize {
        1
    }

    fn step(&mut self, lr: f64, layers: &mut Layers, state: &mut State) -> Result<()> {
        let &mut RmsProp { alpha, epsilon } = self;
        state.walk(layers, |w, g, [v]| {
            let v = blend(alpha, v, g * g);
            (w - lr * over(g, v.sqrt() + epsilon), [v])
        });
        Ok(())
    }
}
