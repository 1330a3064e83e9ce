//! Gradient descent with Nesterov's momentum.

use super::{Build, LR, Layers, Optimizer, State, momentum};
use crate::error::Result;
use crate::registry::Entry;

/// Nesterov's accelerated gradient.
pub const ENTRY: Entry<Build> = Entry {
    name: "nesterov",
    doc: "Nesterov momentum: b ← μb + g, w ← w − η (g + μb)",
    axes: &[LR, momentum(0.9)],
    build: |trial| Box::new(Nesterov { momentum: trial.float("momentum") }),
};

/// `b ← μb + g`, `w ← w − η (g + μb)`: Nesterov (1983) in the form of Sutskever et al. (2013), in the variables of
/// `torch.optim.SGD(nesterov=True)`: the gradient is taken at w itself.
struct Nesterov {
    momentum: f64,
}

impl Optimizer for Nesterov {
    fn buffers(&self) -> usize {
        1
    }

    fn step(&mut self, lr: f64, layers: &mut Layers, state: &mut State) -> Result<()> {
        let &mut Nesterov { momentum } = self;
        state.walk(layers, |w, g, [b]| {
            let b = momentum * b + g;
            (w - lr * (g + momentum * b), [b])
        });
        Ok(())
    }
}
