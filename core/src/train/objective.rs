//! The objective: data loss plus λ times the penalty, and its gradient with respect to the end-to-end matrix.

use super::blas::{Op, gemv};
use super::network::Network;
use super::spectrum::Spectrum;
use crate::error::Result;
use crate::optimizer::{flat, flat_mut};
use crate::penalty::Penalty;
use crate::problem::Measurements;
use ndarray::Array2;

/// Normalisation of the squared residuals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// `(1/m) Σ (W−Y)²`.
    Mean,
    /// `Σ (W−Y)²`.
    Sum,
    /// `½ Σ (W−Y)²`.
    HalfSum,
}

impl Loss {
    /// By its word in the axis `loss`.
    pub fn named(word: &str) -> Loss {
        match word {
            "mean" => Loss::Mean,
            "sum" => Loss::Sum,
            _ => Loss::HalfSum,
        }
    }

    /// `(a, b)`: the loss is `a·Σr²` and its gradient `b·r` for `m` residuals.
    fn factors(self, m: usize) -> (f64, f64) {
        match self {
            Loss::Mean => (1.0 / m as f64, 2.0 / m as f64),
            Loss::Sum => (1.0, 2.0),
            Loss::HalfSum => (0.5, 1.0),
        }
    }
}

/// What the objective is at the current weights.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Value {
    /// Data loss over the training measurements.
    pub loss: f64,
    /// P(W), or Σ_j P(W_j) where it acts on the layers; `None` without a penalty.
    pub penalty: Option<f64>,
    /// `loss + λ·penalty`.
    pub objective: f64,
}

/// The objective with its workspace.
pub struct Objective<'d> {
    measurements: &'d Measurements,
    loss: Loss,
    penalty: Penalty,
    lambda: f64,
    /// Residuals, one per measurement.
    residual: Vec<f64>,
    /// ∇ with respect to W of the data loss and of a penalty on W, n1×n2.
    pub gradient: Array2<f64>,
    /// λ∇P(W_j) where the penalty acts on the layers; empty otherwise.
    layer_gradients: Vec<Array2<f64>>,
    /// A workspace for each matrix that the penalty acts on, where it needs one.
    spectra: Vec<Spectrum>,
    derivative: Vec<f64>,
    /// Steps that fell back to gesdd.
    pub fallbacks: u64,
    /// Most unresolved directions in any step.
    pub unresolved: u64,
}

impl<'d> Objective<'d> {
    /// For a network of this shape. `penalty` weighs `lambda`, on the layers if `on_layers`.
    pub fn new(
        measurements: &'d Measurements,
        loss: Loss,
        penalty: Penalty,
        lambda: f64,
        on_layers: bool,
        network: &Network,
    ) -> Objective<'d> {
        let (n1, n2) = network.end_to_end().dim();
        let on_layers = on_layers && !matches!(penalty, Penalty::None);
        let layers: Vec<_> = network.layers.iter().map(Array2::dim).collect();
        let shapes = if on_layers { &layers[..] } else { &[(n1, n2)] };
        let spectral = matches!(penalty, Penalty::Norms(_) | Penalty::Spectral(_));
        Objective {
            measurements,
            loss,
            penalty,
            lambda,
            residual: vec![0.0; measurements.values().len()],
            gradient: Array2::zeros((n1, n2)),
            layer_gradients: layers.iter().filter(|_| on_layers).map(|&shape| Array2::zeros(shape)).collect(),
            spectra: shapes.iter().filter(|_| spectral).map(|&(r, c)| Spectrum::new(r, c)).collect(),
            derivative: vec![0.0; shapes.iter().map(|&(r, c)| r.min(c)).max().unwrap_or(0)],
            fallbacks: 0,
            unresolved: 0,
        }
    }

    /// Evaluates at the network's current products; leaves `∇_W` in `gradient`.
    ///
    /// # Errors
    /// [`crate::error::Error::NotFinite`] where W has overflowed, [`crate::error::Error::ZeroMatrix`], LAPACK's refusals.
    pub fn evaluate(&mut self, network: &Network) -> Result<Value> {
        let w = network.end_to_end();
        let mut penalty = None;
        if self.layer_gradients.is_empty() && !matches!(self.penalty, Penalty::None) {
            let mut gradient = std::mem::take(&mut self.gradient);
            penalty = Some(self.penalise(0, w, &mut gradient));
            self.gradient = gradient;
        } else {
            flat_mut(&mut self.gradient).fill(0.0);
        }
        let mut penalty = penalty.transpose()?;
        for (j, layer) in network.layers.iter().enumerate().take(self.layer_gradients.len()) {
            let mut gradient = std::mem::take(&mut self.layer_gradients[j]);
            let value = self.penalise(j, layer, &mut gradient);
            self.layer_gradients[j] = gradient;
            penalty = Some(penalty.unwrap_or(0.0) + value?);
        }
        let (a, b) = self.loss.factors(self.residual.len());
        residuals(self.measurements, w, &mut self.residual);
        add_adjoint(self.measurements, b, &self.residual, &mut self.gradient);
        let loss = a * self.residual.iter().map(|r| r * r).sum::<f64>();
        Ok(Value { loss, penalty, objective: loss + self.lambda * penalty.unwrap_or(0.0) })
    }

    /// `out ← λ∇P(w)`, answers P(w); with the `which`-th workspace.
    fn penalise(&mut self, which: usize, w: &Array2<f64>, out: &mut Array2<f64>) -> Result<f64> {
        match &self.penalty {
            Penalty::None => unreachable!("the caller has looked"),
            Penalty::Entrywise(penalty) => {
                flat_mut(out).fill(0.0);
                penalty.add(flat(w), self.lambda, flat_mut(out))
            }
            Penalty::Norms(penalty) => {
                let polar = self.spectra[which].polar(w, out)?;
                self.fallbacks += u64::from(polar.fell_back);
                self.unresolved = self.unresolved.max(polar.unresolved);
                let (value, a, b) = penalty.value(polar.nuclear, polar.frobenius)?;
                let (a, b) = (self.lambda * a, self.lambda * b);
                for (p, w) in flat_mut(out).iter_mut().zip(flat(w)) {
                    *p = a * *p + b * w;
                }
                Ok(value)
            }
            Penalty::Spectral(penalty) => {
                let spectrum = &mut self.spectra[which];
                spectrum.svd(w)?;
                let derivative = &mut self.derivative[..spectrum.s.len()];
                let value = penalty.value(&spectrum.s, derivative)?;
                spectrum.recompose(derivative, self.lambda, 0.0, out);
                Ok(value)
            }
        }
    }

    /// Adds `λ∇P(W_j)` to each layer's gradient, where the penalty acts on the layers.
    pub fn add_layer_gradients(&self, network: &mut Network) {
        for (to, from) in network.gradients.iter_mut().zip(&self.layer_gradients) {
            *to += from;
        }
    }

    /// `out ← ∇ data loss` alone, at the W of the last [`Objective::evaluate`]; for metrics.
    pub fn data_gradient(&self, out: &mut Array2<f64>) {
        out.fill(0.0);
        add_adjoint(self.measurements, self.loss.factors(self.residual.len()).1, &self.residual, out);
    }
}

/// `(1/m) Σ (A(W) − y)²`; NaN without measurements.
pub(super) fn mean_square(measurements: &Measurements, w: &Array2<f64>) -> f64 {
    let mut residual = vec![0.0; measurements.values().len()];
    residuals(measurements, w, &mut residual);
    residual.iter().map(|r| r * r).sum::<f64>() / residual.len() as f64
}

/// `r ← A(W) − y`.
fn residuals(measurements: &Measurements, w: &Array2<f64>, r: &mut [f64]) {
    let w = flat(w);
    match measurements {
        Measurements::Entries(entries) => {
            for ((r, &i), y) in r.iter_mut().zip(&entries.index).zip(&entries.value) {
                *r = w[i as usize] - y;
            }
        }
        Measurements::Sensing { operators, value } => {
            r.copy_from_slice(value);
            gemv(1.0, (Op::Plain, operators), w, -1.0, r);
        }
    }
}

/// `out += b·A*(r)`.
fn add_adjoint(measurements: &Measurements, b: f64, r: &[f64], out: &mut Array2<f64>) {
    let out = flat_mut(out);
    match measurements {
        Measurements::Entries(entries) => {
            for (r, &i) in r.iter().zip(&entries.index) {
                out[i as usize] += b * r;
            }
        }
        Measurements::Sensing { operators, .. } => gemv(b, (Op::Transposed, operators), r, 1.0, out),
    }
}
