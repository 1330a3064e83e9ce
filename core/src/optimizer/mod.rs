//! Optimizers: how a gradient becomes a step.
//!
//! An optimizer is a pure rule; everything that it carries between steps lives in [`State`], which the trainer
//! owns and checkpoints, so a run resumes bit for bit whatever the rule.

mod adam;
mod gd;

use crate::axis::{Axis, Kind};
use crate::error::Result;
use crate::registry::Entry;
use crate::trial::Trial;
use ndarray::Array2;
use serde::{Deserialize, Serialize};

/// Every optimizer.
pub const KNOWN: &[Entry<Build>] = &[gd::ENTRY, adam::ENTRY];

/// Makes an optimizer from a checked trial.
pub type Build = fn(&Trial) -> Box<dyn Optimizer>;

/// The learning rate η, which every optimizer has.
pub(crate) const LR: Axis = Axis::needed("lr", "learning rate η before the schedule", Kind::Above(0.0, 1e12));

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
    fn step(
        &mut self,
        lr: f64,
        weights: &mut [Array2<f64>],
        gradients: &[Array2<f64>],
        state: &mut State,
    ) -> Result<()>;
}

impl State {
    /// Zeros for `optimizer` on layers of these shapes.
    pub fn new(optimizer: &dyn Optimizer, weights: &[Array2<f64>]) -> State {
        let zeros = || weights.iter().map(|w| vec![0.0; w.len()]).collect();
        State {
            t: 0,
            buffers: (0..optimizer.buffers()).map(|_| zeros()).collect(),
            scalars: vec![0.0; optimizer.scalars()],
        }
    }
}

/// The entries of a row-major matrix as one slice.
pub(crate) fn flat(matrix: &Array2<f64>) -> &[f64] {
    matrix.as_slice().expect("weights and gradients are row-major")
}
/// The same, to be changed.
pub(crate) fn flat_mut(matrix: &mut Array2<f64>) -> &mut [f64] {
    matrix.as_slice_mut().expect("weights and gradients are row-major")
}
