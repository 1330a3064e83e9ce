//! Optimizers: how a gradient becomes a step.
//!
//! An optimizer is a pure rule; everything that it carries between steps lives in [`State`], which the trainer
//! owns and checkpoints, so a run resumes bit for bit whatever the rule. Rules and defaults follow `torch.optim`
//! where it has them, and the source equation elsewhere; only `adamw` decays weights.
//!
//! In the equations w is an entry of a weight, g its gradient, η the learning rate after the schedule, t = 1, 2, …
//! the step. A rule that looks at one entry at a time is written as one `State::walk`. An entry whose gradient
//! has always been 0 keeps its bits, also at ε = 0 (see `over`), so without a penalty a depth-1 run never moves
//! an unobserved entry.

mod adadelta;
mod adagrad;
mod adam;
mod adamax;
mod adamw;
mod amsgrad;
mod gd;
mod group_rmsprop;
mod momentum;
mod muon;
mod nadam;
mod nesterov;
mod normalised_gd;
mod radam;
mod rmsprop;
mod sign_gd;

use crate::axis::{Axis, Kind};
use crate::error::Result;
use crate::penalty::sum_of;
use crate::registry::Entry;
use crate::train::real::Real;
use crate::trial::Trial;
use crate::value::Literal;
use ndarray::{Array2, ArrayView2};
use serde::{Deserialize, Serialize};

/// Every optimizer.
pub const KNOWN: &[Entry<Build>] = &[
    gd::ENTRY,
    momentum::ENTRY,
    nesterov::ENTRY,
    rmsprop::ENTRY,
    adagrad::ENTRY,
    adadelta::ENTRY,
    adam::ENTRY,
    amsgrad::ENTRY,
    adamw::ENTRY,
    nadam::ENTRY,
    radam::ENTRY,
    adamax::ENTRY,
    sign_gd::ENTRY,
    normalised_gd::ENTRY,
    group_rmsprop::ENTRY,
    muon::ENTRY,
];

/// Makes an optimizer from a checked trial.
pub type Build = fn(&Trial) -> Box<dyn Optimizer>;

/// The learning rate η, which every optimizer has.
pub(crate) const LR: Axis = Axis::needed("lr", "learning rate η before the schedule", Kind::Above(0.0, 1e12));

// 0.9 and 0.999: Kingma & Ba (2015), Algorithm 1.
const BETA1: Axis = Axis::optional("beta1", "decay β₁ of the first moment", Kind::Below(0.0, 1.0), Literal::Float(0.9));
const BETA2: Axis =
    Axis::optional("beta2", "decay β₂ of the second moment", Kind::Below(0.0, 1.0), Literal::Float(0.999));

/// The guard ε of the denominator.
const fn epsilon(default: f64) -> Axis {
    let doc = "ε of the denominator, added outside the square root (inside for adadelta)";
    Axis::optional("epsilon", doc, Kind::Float(0.0, 1e6), Literal::Float(default))
}

/// The momentum μ.
const fn momentum(default: f64) -> Axis {
    Axis::optional(
        "momentum",
        "momentum μ, the decay of past gradients",
        Kind::Below(0.0, 1.0),
        Literal::Float(default),
    )
}

/// The decay α of RMSprop and GroupRMSprop. 0.99: Tieleman & Hinton's lecture uses 0.9; torch and Arora et al. 0.99.
const ALPHA: Axis =
    Axis::optional("alpha", "decay α of the mean squared gradient", Kind::Below(0.0, 1.0), Literal::Float(0.99));

/// What an optimizer carries from step to step.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// Steps done.
    pub t: u64,
    /// `buffers[b][layer]`, each flat and as long as that layer, zero at the start.
    pub buffers: Vec<Vec<Vec<f64>>>,
    /// Numbers that belong to no layer, zero at the start.
    pub scalars: Vec<f64>,
}

/// A rule for one step. It allocates only when built (or in its first step).
pub trait Optimizer: Send {
    /// Arrays kept per layer.
    fn buffers(&self) -> usize {
        0
    }
    /// Numbers kept for the whole.
    fn scalars(&self) -> usize {
        0
    }
    /// Changes `weights` by one step of size `lr` (already scheduled). `state.t` has been raised to this
    /// step's number t ≥ 1. Weights and gradients are row-major, layer by layer.
    ///
    /// # Errors
    /// LAPACK's refusals, for the rules that need it.
    fn step(&mut self, lr: f64, layers: &mut Layers, state: &mut State) -> Result<()>;
}

impl State {
    /// Zeros for `optimizer` on layers of these shapes.
    pub fn new<T>(optimizer: &dyn Optimizer, weights: &[Array2<T>]) -> State {
        let zeros = || weights.iter().map(|w| vec![0.0; w.len()]).collect();
        State {
            t: 0,
            buffers: (0..optimizer.buffers()).map(|_| zeros()).collect(),
            scalars: vec![0.0; optimizer.scalars()],
        }
    }

    /// Replaces `(w, [b₁ … b_B])` by `rule(w, g, [b₁ … b_B])` at every entry of every layer, in one pass and without
    /// allocating. `B` is the optimizer's number of buffers. Rule and buffers are of 64 bits whatever the weights are.
    fn walk<const B: usize>(&mut self, layers: &mut Layers, rule: impl Fn(f64, f64, [f64; B]) -> (f64, [f64; B])) {
        match layers {
            Layers::F64(weights, gradients) => self.walk_in(weights, gradients, rule),
            Layers::F32(weights, gradients) => self.walk_in(weights, gradients, rule),
        }
    }

    fn walk_in<T: Real, const B: usize>(
        &mut self,
        weights: &mut [Array2<T>],
        gradients: &[Array2<T>],
        rule: impl Fn(f64, f64, [f64; B]) -> (f64, [f64; B]),
    ) {
        for (layer, (w, g)) in weights.iter_mut().zip(gradients).enumerate() {
            let mut rest = self.buffers.iter_mut();
            let buffers = std::array::from_fn(|_| &mut rest.next().expect("B buffers")[layer][..]);
            each_fast(flat_mut(w), flat(g), buffers, &rule);
        }
    }
}

/// The weights and their gradients, layer by layer and row-major, in the type of the run.
pub enum Layers<'a> {
    /// Of 64 bits.
    F64(&'a mut [Array2<f64>], &'a [Array2<f64>]),
    /// Of 32 bits.
    F32(&'a mut [Array2<f32>], &'a [Array2<f32>]),
}

impl Layers<'_> {
    /// `Σ g²` over all layers.
    fn squared_norm(&self) -> f64 {
        match self {
            Layers::F64(_, gradients) => gradients.iter().map(|g| sum_of(flat(g), |g| g * g)).sum(),
            Layers::F32(_, gradients) => gradients.iter().map(|g| sum_of(flat(g), |g| g * g)).sum(),
        }
    }

    /// Rows and columns of each layer.
    fn shapes(&self) -> Vec<(usize, usize)> {
        match self {
            Layers::F64(weights, _) => weights.iter().map(Array2::dim).collect(),
            Layers::F32(weights, _) => weights.iter().map(Array2::dim).collect(),
        }
    }

    /// `f(i, g_i)` for every entry of the gradient of a layer.
    fn each_gradient(&self, layer: usize, mut f: impl FnMut(usize, f64)) {
        match self {
            Layers::F64(_, gradients) => flat(&gradients[layer]).iter().enumerate().for_each(|(i, &g)| f(i, g)),
            Layers::F32(_, gradients) => {
                flat(&gradients[layer]).iter().enumerate().for_each(|(i, &g)| f(i, f64::from(g)));
            }
        }
    }

    /// `w ← w + scale·direction` for a layer.
    fn add(&mut self, layer: usize, scale: f64, direction: ArrayView2<f64>) {
        match self {
            Layers::F64(weights, _) => weights[layer].scaled_add(scale, &direction),
            Layers::F32(weights, _) => {
                weights[layer].zip_mut_with(&direction, |w, d| *w = (f64::from(*w) + scale * d) as f32);
            }
        }
    }
}

/// The loop of [`State::walk`] over one layer.
#[inline(always)]
fn each<T: Real, const B: usize>(
    w: &mut [T],
    g: &[T],
    buffers: [&mut [f64]; B],
    rule: &impl Fn(f64, f64, [f64; B]) -> (f64, [f64; B]),
) {
    let g = &g[..w.len()];
    let buffers = buffers.map(|b| &mut b[..w.len()]);
    for i in 0..w.len() {
        let (new, carried) = rule(w[i].wide(), g[i].wide(), std::array::from_fn(|b| buffers[b][i]));
        w[i] = T::of(new);
        for b in 0..B {
            buffers[b][i] = carried[b];
        }
    }
}

/// [`each`] with the widest vectors that the processor has: square roots and divisions several times as fast, and the
/// same bits, as each entry is computed alone and multiplications and additions stay apart.
fn each_fast<T: Real, const B: usize>(
    w: &mut [T],
    g: &[T],
    buffers: [&mut [f64]; B],
    rule: &impl Fn(f64, f64, [f64; B]) -> (f64, [f64; B]),
) {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx512f")]
        fn each_avx512<T: Real, const B: usize>(
            w: &mut [T],
            g: &[T],
            buffers: [&mut [f64]; B],
            rule: &impl Fn(f64, f64, [f64; B]) -> (f64, [f64; B]),
        ) {
            each(w, g, buffers, rule);
        }
        #[target_feature(enable = "avx2")]
        fn each_avx2<T: Real, const B: usize>(
            w: &mut [T],
            g: &[T],
            buffers: [&mut [f64]; B],
            rule: &impl Fn(f64, f64, [f64; B]) -> (f64, [f64; B]),
        ) {
            each(w, g, buffers, rule);
        }
        // SAFETY: the processor has what each function asks.
        if is_x86_feature_detected!("avx512f") {
            return unsafe { each_avx512(w, g, buffers, rule) };
        }
        if is_x86_feature_detected!("avx2") {
            return unsafe { each_avx2(w, g, buffers, rule) };
        }
    }
    each(w, g, buffers, rule);
}

/// `a/b` with `0/0 = 0`: where no gradient was ever seen there is no step, also at ε = 0.
fn over(a: f64, b: f64) -> f64 {
    if a == 0.0 { 0.0 } else { a / b }
}

/// The moving average `decay·old + (1 − decay)·new`.
fn blend(decay: f64, old: f64, new: f64) -> f64 {
    decay * old + (1.0 - decay) * new
}

/// `1 − decayᵗ`, the weight that a moving average from zero has gathered after t steps.
fn gathered(decay: f64, t: u64) -> f64 {
    1.0 - decay.powf(t as f64)
}

/// The entries of a row-major matrix as one slice.
pub(crate) fn flat<T>(matrix: &Array2<T>) -> &[T] {
    matrix.as_slice().expect("weights and gradients are row-major")
}
/// The same, to be changed.
pub(crate) fn flat_mut<T>(matrix: &mut Array2<T>) -> &mut [T] {
    matrix.as_slice_mut().expect("weights and gradients are row-major")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Stream;

    #[test]
    fn wide_vectors_change_no_bit() {
        let mut stream = Stream::new("test/walk", 0);
        let mut normals = || (0..1003).map(|_| stream.normal()).collect::<Vec<f64>>();
        let (w, g, m, v) = (normals(), normals(), normals(), normals());
        let rule = |w: f64, g: f64, [m, v]: [f64; 2]| {
            let (m, v) = (blend(0.9, m, g), blend(0.999, v * v, g * g));
            (w - 0.1 * over(m, v.sqrt() * 1.7 + 1e-8), [m, v])
        };
        let mut plain = [w, m, v];
        let mut fast = plain.clone();
        let [w, m, v] = &mut plain;
        each(w, &g, [m, v], &rule);
        let [w, m, v] = &mut fast;
        each_fast(w, &g, [m, v], &rule);
        assert_eq!(plain, fast);
    }
}
