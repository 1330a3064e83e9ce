//! Adam.

use super::{Build, LR, Optimizer, State, flat, flat_mut};
use crate::axis::{Axis, Kind};
use crate::error::Result;
use crate::registry::Entry;
use crate::value::Literal;
use ndarray::Array2;

// 0.9, 0.999, 1e-8: Kingma & Ba (2015), Algorithm 1.
pub(super) const BETA1: Axis =
    Axis::optional("beta1", "decay of the first moment", Kind::Below(0.0, 1.0), Literal::Float(0.9));
pub(super) const BETA2: Axis =
    Axis::optional("beta2", "decay of the second moment", Kind::Below(0.0, 1.0), Literal::Float(0.999));
pub(super) const EPSILON: Axis = Axis::optional(
    "epsilon",
    "ε added to the denominator, outside the square root",
    Kind::Float(0.0, 1e6),
    Literal::Float(1e-8),
);

/// Adam, Algorithm 1.
pub const ENTRY: Entry<Build> = Entry {
    name: "adam",
    doc: "Adam: w ← w − η m̂/(√v̂ + ε), both moments bias-corrected",
    axes: &[LR, BETA1, BETA2, EPSILON],
    build: |trial| {
        Box::new(Adam { beta1: trial.float("beta1"), beta2: trial.float("beta2"), epsilon: trial.float("epsilon") })
    },
};

/// Kingma & Ba (2015), Algorithm 1: `m ← β₁m + (1−β₁)g`, `v ← β₂v + (1−β₂)g²`,
/// `w ← w − η · (m/(1−β₁ᵗ)) / (√(v/(1−β₂ᵗ)) + ε)`. Where g has always been 0, w does not move, whatever ε.
struct Adam {
    beta1: f64,
    beta2: f64,
    epsilon: f64,
}

impl Optimizer for Adam {
    fn buffers(&self) -> usize {
        2
    }

    fn step(
        &mut self,
        lr: f64,
        weights: &mut [Array2<f64>],
        gradients: &[Array2<f64>],
        state: &mut State,
    ) -> Result<()> {
        let correct1 = 1.0 - self.beta1.powf(state.t as f64);
        let correct2 = 1.0 - self.beta2.powf(state.t as f64);
        let [first, second] = &mut state.buffers[..] else { unreachable!("two buffers") };
        for (layer, (w, g)) in weights.iter_mut().zip(gradients).enumerate() {
            let moments = first[layer].iter_mut().zip(&mut second[layer]);
            for ((w, &g), (m, v)) in flat_mut(w).iter_mut().zip(flat(g)).zip(moments) {
                *m = self.beta1 * *m + (1.0 - self.beta1) * g;
                *v = self.beta2 * *v + (1.0 - self.beta2) * g * g;
                // An entry that never saw a gradient stays where it is even at ε = 0, where 0/0 is NaN.
                if *m != 0.0 {
                    *w -= lr * (*m / correct1) / ((*v / correct2).sqrt() + self.epsilon);
                }
            }
        }
        Ok(())
    }
}
