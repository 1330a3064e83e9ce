//! The objective: data loss plus λ times the penalty, and its gradient with respect to the end-to-end matrix.

use super::blas::{Op, gemv};
use super::network::{Gradient, Network};
use super::real::Real;
use super::spectrum::{Decomposition, Spectrum};
use crate::error::Result;
use crate::optimizer::{flat, flat_mut};
use crate::penalty::{Penalty, sum_of};
use crate::problem::Measurements;
use ndarray::Array2;
use std::borrow::Cow;

/// How residuals make a loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// `(1/m) Σ (W−Y)²`.
    Mean,
    /// `Σ (W−Y)²`.
    Sum,
    /// `½ Σ (W−Y)²`.
    HalfSum,
    /// `(1/m) Σ (W−Y)⁴`: ℓ_4 as in Arora, Cohen, Hazan (2018), §5.
    MeanFourth,
}

impl Loss {
    /// By its word in the axis `loss`.
    pub fn named(word: &str) -> Loss {
        match word {
            "mean" => Loss::Mean,
            "sum" => Loss::Sum,
            "mean_fourth" => Loss::MeanFourth,
            _ => Loss::HalfSum,
        }
    }

    /// The loss of residuals r, which become its derivatives ∂loss/∂r.
    fn differentiate<T: Real>(self, r: &mut [T]) -> f64 {
        let m = r.len() as f64;
        let (a, b) = match self {
            Loss::Mean => (1.0 / m, 2.0 / m),
            Loss::Sum => (1.0, 2.0),
            Loss::HalfSum => (0.5, 1.0),
            Loss::MeanFourth => (1.0 / m, 4.0 / m),
        };
        let b = T::of(b);
        if self == Loss::MeanFourth {
            let loss = a * sum_of(r, |r| (r * r) * (r * r));
            r.iter_mut().for_each(|r| *r = b * (*r * *r * *r));
            return loss;
        }
        let loss = a * sum_of(r, |r| r * r);
        r.iter_mut().for_each(|r| *r *= b);
        loss
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
pub struct Objective<'d, T: Real> {
    measured: Measured<'d, T>,
    loss: Loss,
    penalty: Penalty,
    lambda: f64,
    /// Residuals, one per measurement; after [`Objective::evaluate`] the derivatives of the loss with respect to them.
    residual: Vec<T>,
    /// ∇ with respect to W of the data loss and of a penalty on W, n1×n2; the network's part where it takes entries.
    gradient: Array2<T>,
    /// λ∇P(W_j) where the penalty acts on the layers; empty otherwise.
    layer_gradients: Vec<Array2<T>>,
    /// A workspace for each matrix that the penalty acts on, where it needs one.
    spectra: Vec<Spectrum<T>>,
    derivative: Vec<f64>,
    scratch: Vec<f64>,
    /// Steps that fell back to gesdd.
    pub fallbacks: u64,
    /// Most unresolved directions in any step.
    pub unresolved: u64,
}

/// The training measurements in the type of the run.
enum Measured<'d, T: Real> {
    Entries { index: &'d [u32], value: Vec<T> },
    Sensing { operators: Cow<'d, Array2<T>>, value: Vec<T> },
}

impl<'d, T: Real> Objective<'d, T> {
    /// For a network of this shape. `penalty` weighs `lambda`, on the layers if `on_layers`.
    pub fn new(
        measurements: &'d Measurements,
        loss: Loss,
        penalty: Penalty,
        lambda: f64,
        on_layers: bool,
        decomposition: Decomposition,
        network: &Network<T>,
    ) -> Objective<'d, T> {
        let (n1, n2) = network.end_to_end().dim();
        let on_layers = on_layers && !matches!(penalty, Penalty::None);
        let layers: Vec<_> = network.layers.iter().map(Array2::dim).collect();
        let shapes = if on_layers { &layers[..] } else { &[(n1, n2)] };
        let spectral = matches!(penalty, Penalty::Norms(_) | Penalty::Spectral(_));
        let value = measurements.values().iter().map(|&y| T::of(y)).collect();
        let measured = match measurements {
            Measurements::Entries(entries) => Measured::Entries { index: &entries.index, value },
            Measurements::Sensing { operators, .. } => Measured::Sensing { operators: T::narrowed(operators), value },
        };
        Objective {
            measured,
            loss,
            penalty,
            lambda,
            residual: vec![T::default(); measurements.values().len()],
            gradient: Array2::zeros((n1, n2)),
            layer_gradients: layers.iter().filter(|_| on_layers).map(|&shape| Array2::zeros(shape)).collect(),
            spectra: shapes.iter().filter(|_| spectral).map(|&(r, c)| Spectrum::new(r, c).by(decomposition)).collect(),
            derivative: vec![0.0; shapes.iter().map(|&(r, c)| r.min(c)).max().unwrap_or(0)],
            scratch: Vec::new(),
            fallbacks: 0,
            unresolved: 0,
        }
    }

    /// Evaluates at the network's current products; leaves `∇_W` for [`Objective::backward`].
    ///
    /// # Errors
    /// [`crate::error::Error::NotFinite`] where W has overflowed, [`crate::error::Error::ZeroMatrix`], LAPACK's refusals.
    pub fn evaluate(&mut self, network: &Network<T>) -> Result<Value> {
        let w = network.end_to_end();
        let mut penalty = None;
        if network.observed().is_some() {
            // Nothing but the observed entries is there, and no other has a gradient.
        } else if self.layer_gradients.is_empty() && !matches!(self.penalty, Penalty::None) {
            let mut gradient = std::mem::take(&mut self.gradient);
            penalty = Some(self.penalise(0, w, &mut gradient));
            self.gradient = gradient;
        } else {
            flat_mut(&mut self.gradient).fill(T::default());
        }
        let mut penalty = penalty.transpose()?;
        for (j, layer) in network.layers.iter().enumerate().take(self.layer_gradients.len()) {
            let mut gradient = std::mem::take(&mut self.layer_gradients[j]);
            let value = self.penalise(j, layer, &mut gradient);
            self.layer_gradients[j] = gradient;
            penalty = Some(penalty.unwrap_or(0.0) + value?);
        }
        match network.observed() {
            Some(observed) => self.measured.differences(observed, &mut self.residual),
            None => self.measured.residuals(w, &mut self.residual),
        }
        let loss = self.loss.differentiate(&mut self.residual);
        if network.observed().is_none() {
            self.measured.add_adjoint(&self.residual, &mut self.gradient);
        }
        Ok(Value { loss, penalty, objective: loss + self.lambda * penalty.unwrap_or(0.0) })
    }

    /// Fills the gradients of the layers, at the W of the last [`Objective::evaluate`].
    pub fn backward(&self, network: &mut Network<T>) {
        network.backward(match network.observed() {
            Some(_) => Gradient::Entries(&self.residual),
            None => Gradient::Dense(&self.gradient),
        });
        for (to, from) in network.gradients.iter_mut().zip(&self.layer_gradients) {
            *to += from;
        }
    }

    /// `out ← λ∇P(w)`, answers P(w); with the `which`-th workspace.
    fn penalise(&mut self, which: usize, w: &Array2<T>, out: &mut Array2<T>) -> Result<f64> {
        match &self.penalty {
            Penalty::None => unreachable!("the caller has looked"),
            Penalty::Entrywise(penalty) => {
                flat_mut(out).fill(T::default());
                T::widely(flat(w), flat_mut(out), &mut self.scratch, |w, out| penalty.add(w, self.lambda, out))
            }
            Penalty::Norms(penalty) => {
                let polar = self.spectra[which].polar(w, out)?;
                self.fallbacks += u64::from(polar.fell_back);
                self.unresolved = self.unresolved.max(polar.unresolved);
                let (value, a, b) = penalty.value(polar.nuclear, polar.frobenius)?;
                let (a, b) = (T::of(self.lambda * a), T::of(self.lambda * b));
                for (p, &w) in flat_mut(out).iter_mut().zip(flat(w)) {
                    *p = a * *p + b * w;
                }
                Ok(value)
            }
            Penalty::Spectral(penalty) => {
                let spectrum = &mut self.spectra[which];
                let derivative = &mut self.derivative[..spectrum.s.len()];
                let (value, fell_back) = spectrum.gradient(&**penalty, w, self.lambda, derivative, out)?;
                self.fallbacks += u64::from(fell_back);
                Ok(value)
            }
        }
    }

    /// `out ← ∇_W` of the data loss and of a penalty on W, at the W of the last [`Objective::evaluate`]; for metrics.
    pub fn end_to_end_gradient(&self, entries_alone: bool, out: &mut Array2<f64>) {
        if entries_alone {
            self.data_gradient(out);
        } else {
            out.zip_mut_with(&self.gradient, |to, from| *to = from.wide());
        }
    }

    /// `out ← ∇ data loss` alone, at the W of the last [`Objective::evaluate`]; for metrics.
    pub fn data_gradient(&self, out: &mut Array2<f64>) {
        out.fill(0.0);
        match &self.measured {
            Measured::Entries { index, .. } => {
                for (r, &i) in self.residual.iter().zip(*index) {
                    flat_mut(out)[i as usize] += r.wide();
                }
            }
            Measured::Sensing { .. } => {
                let mut gradient = Array2::zeros(out.dim());
                self.measured.add_adjoint(&self.residual, &mut gradient);
                out.zip_mut_with(&gradient, |to, from: &T| *to = from.wide());
            }
        }
    }
}

impl<T: Real> Measured<'_, T> {
    fn value(&self) -> &[T] {
        match self {
            Measured::Entries { value, .. } | Measured::Sensing { value, .. } => value,
        }
    }

    /// `r ← observed − y`.
    fn differences(&self, observed: &[T], r: &mut [T]) {
        for ((r, &w), &y) in r.iter_mut().zip(observed).zip(self.value()) {
            *r = w - y;
        }
    }

    /// `r ← A(W) − y`.
    fn residuals(&self, w: &Array2<T>, r: &mut [T]) {
        let w = flat(w);
        match self {
            Measured::Entries { index, value } => {
                for ((r, &i), &y) in r.iter_mut().zip(*index).zip(value) {
                    *r = w[i as usize] - y;
                }
            }
            Measured::Sensing { operators, value } => {
                r.copy_from_slice(value);
                gemv(1.0, (Op::Plain, &**operators), w, -1.0, r);
            }
        }
    }

    /// `out += A*(r)`.
    fn add_adjoint(&self, r: &[T], out: &mut Array2<T>) {
        let out = flat_mut(out);
        match self {
            Measured::Entries { index, .. } => {
                for (&r, &i) in r.iter().zip(*index) {
                    out[i as usize] += r;
                }
            }
            Measured::Sensing { operators, .. } => gemv(1.0, (Op::Transposed, &**operators), r, 1.0, out),
        }
    }
}

/// `(1/m) Σ (A(W) − y)²`; NaN without measurements.
pub(super) fn mean_square(measurements: &Measurements, w: &Array2<f64>) -> f64 {
    let w = flat(w);
    let sum: f64 = match measurements {
        Measurements::Entries(entries) => {
            entries.index.iter().zip(&entries.value).map(|(&i, y)| (w[i as usize] - y).powi(2)).sum()
        }
        Measurements::Sensing { operators, value } => {
            let mut r = value.clone();
            gemv(1.0, (Op::Plain, operators), w, -1.0, &mut r);
            r.iter().map(|r| r * r).sum()
        }
    };
    sum / measurements.values().len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_loss_has_its_derivative() {
        let r = [0.5, -2.0, 0.0, 1.5];
        for (word, value) in [("mean", 6.5 / 4.0), ("sum", 6.5), ("half_sum", 3.25), ("mean_fourth", 21.125 / 4.0)] {
            let loss = Loss::named(word);
            let of = |r: [f64; 4]| loss.differentiate(&mut r.clone());
            assert!((of(r) - value).abs() < 1e-14, "{word}");
            let mut derivative = r;
            loss.differentiate(&mut derivative);
            for k in 0..r.len() {
                let moved = |by: f64| {
                    let mut r = r;
                    r[k] += by;
                    of(r)
                };
                let central = (moved(1e-5) - moved(-1e-5)) / 2e-5;
                assert!((central - derivative[k]).abs() < 1e-8, "{word}: {central} {}", derivative[k]);
            }
        }
    }
}
