//! Penalties P(W) and their gradients.
//!
//! A penalty says what it needs of W, and is given just that: the entries, the polar factor (an order of magnitude
//! cheaper than an SVD, see `train/spectrum`), or the whole spectrum.

mod none;
mod nuclear;
mod ratio;

use crate::axis::{Axis, Kind};
use crate::error::Result;
use crate::registry::Entry;
use crate::trial::Trial;

/// Every penalty.
pub const KNOWN: &[Entry<Build>] = &[none::ENTRY, nuclear::ENTRY, ratio::ENTRY];

/// Makes a penalty from a checked trial.
pub type Build = fn(&Trial) -> Penalty;

/// The weight λ, which every penalty but `none` has.
pub(crate) const LAMBDA: Axis =
    Axis::needed("lambda", "weight λ of the penalty in the objective", Kind::Float(0.0, 1e12));

/// A penalty, by what it needs.
pub enum Penalty {
    /// No penalty: the objective is the data loss.
    None,
    /// A function of the entries.
    Entrywise(Box<dyn Entrywise>),
    /// A function of ‖W‖_* and ‖W‖_F.
    Norms(Box<dyn Norms>),
    /// A function of the singular values.
    Spectral(Box<dyn Spectral>),
}

/// A penalty of the entries of W (l1, Frobenius, …).
pub trait Entrywise: Send {
    /// P(W), and `gradient += weight·∇P(W)`. `w` and `gradient` are row-major and of one length.
    ///
    /// # Errors
    /// [`crate::error::Error::ZeroMatrix`] where P is undefined at W = 0.
    fn add(&self, w: &[f64], weight: f64, gradient: &mut [f64]) -> Result<f64>;
}

/// A penalty f(‖W‖_*, ‖W‖_F). With the polar factor `P = UVᵀ` and `W`: `∇ = f₁·P + (f₂/‖W‖_F)·W`.
pub trait Norms: Send {
    /// `(f, a, b)` such that `∇P(W) = a·UVᵀ + b·W`.
    ///
    /// # Errors
    /// [`crate::error::Error::ZeroMatrix`] where f is undefined at W = 0.
    fn value(&self, nuclear: f64, frobenius: f64) -> Result<(f64, f64, f64)>;
}

/// A penalty f(σ_1 ≥ … ≥ σ_k). With the thin SVD: `∇ = U diag(∂f/∂σ) Vᵀ`.
pub trait Spectral: Send {
    /// f(σ), and `derivative[i] = ∂f/∂σ_i` (at a kink: one subgradient, bounded).
    ///
    /// # Errors
    /// [`crate::error::Error::ZeroMatrix`] where f is undefined at σ = 0.
    fn value(&self, singular_values: &[f64], derivative: &mut [f64]) -> Result<f64>;
}
