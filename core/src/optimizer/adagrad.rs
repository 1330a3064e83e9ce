//! AdaGrad.

use super::{Build, LR, Optimizer, State, epsilon, over};
use crate::error::Result;
use crate::registry::Entry;
use ndarray::Array2;

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

    fn step(
        &mut self,
        lr: f64,
        weights: &mut [Array2<f64>],
        gradients: &[Array2<f64>],
        state: &mut State,
    ) -> Result<()> {
        let &mut AdaGrad { epsilon } = self;
        state.walk(weights, gradients, |w, g, [v]| {
            let v = v + g * g;
            (w - lr * over(g, v.sqrt() + epsilon), [v])
        });
        Ok(())
    }
}
