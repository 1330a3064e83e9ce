//! Adadelta.

use super::{Build, LR, Layers, Optimizer, State, blend, epsilon, over};
use crate::axis::{Axis, Kind};
use crate::error::Result;
use crate::registry::Entry;
use crate::value::Literal;

// 0.9: torch.optim.Adadelta; Zeiler (2012) uses 0.95 in the experiments.
const RHO: Axis = Axis::optional(
    "rho",
    "decay ρ of the mean squares of gradients and steps",
    Kind::Below(0.0, 1.0),
    Literal::Float(0.9),
);

/// Adadelta.
pub const ENTRY: Entry<Build> = Entry {
    name: "adadelta",
    doc: "Adadelta: v ← ρv + (1−ρ)g², d = g·√(u + ε)/√(v + ε), u ← ρu + (1−ρ)d², w ← w − η d",
    axes: &[LR, RHO, epsilon(1e-6)],
    build: |trial| Box::new(AdaDelta { rho: trial.float("rho"), epsilon: trial.float("epsilon") }),
};

/// Zeiler (2012), Algorithm 1, with the learning rate of `torch.optim.Adadelta` (the paper has η = 1):
/// `v ← ρv + (1−ρ)g²`, `d = g·√(u + ε)/√(v + ε)`, `u ← ρu + (1−ρ)d²`, `w ← w − η d`. It starts from steps of
/// size √ε, so at ε = 0 it never moves.
struct AdaDelta {
    rho: f64,
    epsilon: f64,
}

impl Optimizer for AdaDelta {
    fn buffers(&self) -> usize {
        2
    }

    fn step(&mut self, lr: f64, layers: &mut Layers, state: &mut State) -> Result<()> {
        let &mut AdaDelta { rho, epsilon } = self;
        state.walk(layers, |w, g, [v, u]| {
            let v = blend(rho, v, g * g);
            let d = over(g * (u + epsilon).sqrt(), (v + epsilon).sqrt());
            (w - lr * d, [v, blend(rho, u, d * d)])
        });
        Ok(())
    }
}
