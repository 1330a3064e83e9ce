//! GroupRMSprop: one adaptive learning rate for all entries.

use super::{ALPHA, Build, LR, Layers, Optimizer, State, blend, epsilon, gathered, over};
use crate::error::Result;
use crate::registry::Entry;

/// GroupRMSprop.
pub const ENTRY: Entry<Build> = Entry {
    name: "group_rmsprop",
    doc: "GroupRMSprop: w ← w − η g/(√v̂ + ε), v the moving average of ‖g‖² over all layers, bias-corrected",
    axes: &[LR, ALPHA, epsilon(1e-4)],
    build: |trial| Box::new(GroupRmsProp { alpha: trial.float("alpha"), epsilon: trial.float("epsilon") }),
};

/// Arora, Cohen, Hu, Luo (2019), their code's optimizer: one number `v ← αv + (1−α)‖g‖²`, the norm over the entries of
/// all layers, and `w ← w − η g/(√(v/(1−αᵗ)) + ε)`. α and ε as there. It scales gradient descent, and turns no step.
struct GroupRmsProp {
    alpha: f64,
    epsilon: f64,
}

impl Optimizer for GroupRmsProp {
    fn scalars(&self) -> usize {
        1
    }

    fn step(&mut self, lr: f64, layers: &mut Layers, state: &mut State) -> Result<()> {
        let &mut GroupRmsProp { alpha, epsilon } = self;
        let mean_square = blend(alpha, state.scalars[0], layers.squared_norm());
        state.scalars[0] = mean_square;
        let denominator = (mean_square / gathered(alpha, state.t)).sqrt() + epsilon;
        state.walk(layers, |w, g, []| (w - over(lr * g, denominator), []));
        Ok(())
    }
}
