//! Penalties P(W) and their gradients.
//!
//! A penalty says what it needs of W, and is given just that: the entries, the polar factor (an order of magnitude
//! cheaper than an SVD, see `train/spectrum`), or the whole spectrum. Each knows its degree of homogeneity: the
//! penalties of degree 0 are the normalised partners of the others, and are undefined at W = 0.
//!
//! Throughout, W is n1×n2 with singular values σ_1 ≥ … ≥ σ_k, k = min(n1, n2), `‖W‖_* = Σ σ_i` is the nuclear and
//! `‖W‖_F = √Σ σ_i²` the Frobenius norm. All numbers here are of 64 bits, whatever the run's are.

mod effective_rank;
mod form;
mod frobenius;
mod frobenius_squared;
mod l1;
mod l1_over_l2;
mod log_det;
mod none;
mod nuclear;
mod nuclear_minus_frobenius;
mod nuclear_over_spectral;
mod ratio;
mod ratio_squared;
mod schatten;
mod schatten_ratio;
mod stable_rank;
mod truncated_nuclear;

pub use form::{Form, Power};

use crate::axis::{Axis, Kind};
use crate::error::Result;
use crate::registry::{self, Entry};
use crate::train::dimensions;
use crate::train::real::Real;
use crate::trial::Trial;
use crate::value::Literal;

/// Every penalty.
pub const KNOWN: &[Entry<Build>] = &[
    none::ENTRY,
    nuclear::ENTRY,
    frobenius::ENTRY,
    frobenius_squared::ENTRY,
    ratio::ENTRY,
    ratio_squared::ENTRY,
    nuclear_minus_frobenius::ENTRY,
    schatten::ENTRY,
    schatten_ratio::ENTRY,
    stable_rank::ENTRY,
    nuclear_over_spectral::ENTRY,
    log_det::ENTRY,
    effective_rank::ENTRY,
    truncated_nuclear::ENTRY,
    l1::ENTRY,
    l1_over_l2::ENTRY,
];

/// Makes a penalty from a checked trial.
pub type Build = fn(&Trial) -> Penalty;

/// The weight λ, which every penalty but `none` has.
pub(crate) const LAMBDA: Axis =
    Axis::needed("lambda", "weight λ of the penalty in the objective", Kind::Float(0.0, 1e12));

/// The exponent of the Schatten penalties.
const SCHATTEN_P: Axis =
    Axis::optional("schatten_p", "Schatten exponent p", Kind::Above(0.0, 1.0), Literal::Float(0.5));

/// The smoothing length δ. With entries of RMS 1, σ_1 is of the order √(n1·n2/rank), so the default is below
/// 1e-4·σ_1 from 50×50 on; it bounds the gradient where σ → 0.
const SMOOTHING: Axis = Axis::optional(
    "smoothing",
    "smoothing δ of the singular values, in their own units",
    Kind::Above(0.0, 1e6),
    Literal::Float(1e-3),
);

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

/// Conditions that tie a penalty's axes to the sizes of what it acts on, for an end-to-end matrix of n1×n2.
///
/// # Errors
/// Names the axis and value, and what is allowed.
pub fn check(trial: &Trial, n1: usize, n2: usize) -> Result<()> {
    let penalty = (registry::find("penalty", KNOWN, trial.text("penalty"))?.build)(trial);
    let Penalty::Spectral(penalty) = penalty else { return Ok(()) };
    let rank = if trial.text("penalty_on") == "layers" {
        let dims = dimensions(n1, n2, trial.size("depth"), trial.size("width"));
        dims.windows(2).map(|d| d[0].min(d[1])).max().unwrap_or(0)
    } else {
        n1.min(n2)
    };
    penalty.check(rank)
}

impl Penalty {
    /// The degree d of homogeneity: `P(cW) = |c|^d·P(W)` for every c ≠ 0, hence `⟨∇P(W), W⟩ = d·P(W)`.
    /// `Some(0.0)` is scale-free; `None`: no such d (or no penalty).
    pub fn degree(&self) -> Option<f64> {
        match self {
            Penalty::None => None,
            Penalty::Entrywise(p) => p.degree(),
            Penalty::Norms(p) => p.degree(),
            Penalty::Spectral(p) => p.degree(),
        }
    }
}

/// A penalty of the entries of W (l1, Frobenius, …).
pub trait Entrywise: Send {
    /// See [`Penalty::degree`].
    fn degree(&self) -> Option<f64>;

    /// P(W), and `gradient += weight·∇P(W)`. `w` and `gradient` are row-major and of one length.
    ///
    /// # Errors
    /// [`crate::error::Error::ZeroMatrix`] where P is undefined at W = 0.
    fn add(&self, w: &[f64], weight: f64, gradient: &mut [f64]) -> Result<f64>;
}

/// A penalty f(‖W‖_*, ‖W‖_F). With the polar factor `P = UVᵀ` and `W`: `∇ = f₁·P + (f₂/‖W‖_F)·W`.
pub trait Norms: Send {
    /// See [`Penalty::degree`].
    fn degree(&self) -> Option<f64>;

    /// `(f, a, b)` such that `∇P(W) = a·UVᵀ + b·W`.
    ///
    /// # Errors
    /// [`crate::error::Error::ZeroMatrix`] where f is undefined at W = 0.
    fn value(&self, nuclear: f64, frobenius: f64) -> Result<(f64, f64, f64)>;
}

/// A penalty f(σ_1 ≥ … ≥ σ_k). With the thin SVD: `∇ = U diag(∂f/∂σ) Vᵀ`.
pub trait Spectral: Send {
    /// See [`Penalty::degree`].
    fn degree(&self) -> Option<f64>;

    /// Conditions on its axes where the largest matrix that it acts on has k singular values.
    ///
    /// # Errors
    /// Names the axis and value, and what is allowed.
    fn check(&self, _k: usize) -> Result<()> {
        Ok(())
    }

    /// f(σ), and `derivative[i] = ∂f/∂σ_i` (at a kink: one subgradient, bounded). Both slices have length k.
    ///
    /// # Errors
    /// [`crate::error::Error::ZeroMatrix`] where f is undefined at σ = 0.
    fn value(&self, singular_values: &[f64], derivative: &mut [f64]) -> Result<f64>;

    /// ∂f/∂σ as a function of σ, at these singular values, where f is `value`: what [`Spectral::value`] answers, but for the
    /// leading ones and those that are not resolved.
    fn form(&self, singular_values: &[f64], value: f64) -> Form;
}

/// Whether the direction of σ is resolved beside σ_1. Where it is not, penalties with a kink at σ = 0 take the
/// derivative 0 there, as the polar factor does.
fn resolved(sigma: f64, largest: f64) -> bool {
    sigma > 1e-12 * largest
}

/// `Σ f(x_i)` in eight running sums, so that the additions need not wait for each other.
pub(crate) fn sum_of<T: Real>(x: &[T], f: impl Fn(f64) -> f64) -> f64 {
    let (chunks, rest) = x.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for chunk in chunks {
        for (sum, &x) in sums.iter_mut().zip(chunk) {
            *sum += f(x.wide());
        }
    }
    sums.iter().sum::<f64>() + rest.iter().map(|&x| f(x.wide())).sum::<f64>()
}
