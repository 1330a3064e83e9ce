//! AdaGrad.

use super::{Build, LR, Layers, Optimizer, State, epsilon, over};
use crate::error::Result;
use crate::registry::Entry;

/// AdaGrad.
pub const ENTRY: Entry<Build> = Entry {
    name: "adagrad",
    doc: "AdaGrad: v ← v + g², w ← w − η g/(√v + ε)",
    axes: &[LR, epsilon(1e-10)],
    build: |trial| Box::new(AdaGrad { epsilon: trial.float("epsilon") }),
};

/// Duchi, Hazan, Singer (2011), diagonal form: `v ← v + g²`, `w ← w − η g/(√v + ε)`. ε as in `torch.optim.Adagrad`.
struct AdaGrad {
    epsilon: f64,
}

impl Optimizer for AdaGrad {
    fn buffers(&self) -> usize {
        1
    }

    fn step(&mut self, lr: f64, layers: &mut Layers, state: &mut State) -> Result<()> {
        let &mut AdaGrad { epsilon } = self;
        state.walk(layers, |w, g, [v]| {
            let v = v + g * g;
            (w - lr * over(g, v.sqrt() + epsilon), [v])
        });
        Ok(())
    }
}
