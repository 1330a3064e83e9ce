//! Gradient descent with heavy-ball momentum.

use super::{Build, LR, Layers, Optimizer, State, momentum};
use crate::error::Result;
use crate::registry::Entry;

/// Momentum.
pub const ENTRY: Entry<Build> = Entry {
    name: "momentum",
    doc: "momentum: b ← μb + g, w ← w − η b",
    axes: &[LR, momentum(0.9)],
    build: |trial| Box::new(Momentum { momentum: trial.float("momentum") }),
};

/// `b ← μb + g`, `w ← w − η b`: Polyak (1964), as `torch.optim.SGD` writes it (no dampening).
struct Momentum {
    momentum: f64,
}

impl Optimizer for Momentum {
    fn buffers(&self) -> usize {
        1
    }

    fn step(&mut self, lr: f64, layers: &mut Layers, state: &mut State) -> Result<()> {
        let &mut Momentum { momentum } = self;
        state.walk(layers, |w, g, [b]| {
            let b = momentum * b + g;
            (w - lr * b, [b])
        });
        Ok(())
    }
}
