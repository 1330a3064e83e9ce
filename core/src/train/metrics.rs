//! What is measured at a point (`outcome::COLUMNS` says what each number is).

use super::blas::{Op, gemm};
use super::network::Network;
use super::objective::{Objective, Value, mean_square};
use super::real::Real;
use super::spectrum::{self, Spectrum};
use crate::error::Result;
use crate::optimizer::flat;
use crate::outcome::{self as column, Point};
use crate::problem::{Data, Measurements};
use ndarray::{Array2, s};
use std::borrow::Cow;

/// Everything of an instance that metrics need, prepared once.
pub struct Metrics<'d> {
    data: &'d Data,
    top_k: usize,
    spectrum: Spectrum,
    /// Leading singular spaces of the truth: U_r (n1×r), V_rᵀ (r×n2).
    truth: Option<(Array2<f64>, Array2<f64>)>,
    /// Which entries are observed (training and validation), where entries are what is observed.
    observed: Option<Vec<bool>>,
    gradient: Array2<f64>,
    product: Array2<f64>,
    aligned: Array2<f64>,
}

/// The root of a sum of squares.
fn norm<'a>(values: impl Iterator<Item = &'a f64>) -> f64 {
    values.map(|x| x * x).sum::<f64>().sqrt()
}

impl<'d> Metrics<'d> {
    /// For `data`, with `top_k` singular values a point.
    ///
    /// # Errors
    /// LAPACK's refusals on the truth.
    pub fn new(data: &'d Data, top_k: usize) -> Result<Metrics<'d>> {
        let (n1, n2, k) = (data.n1, data.n2, data.n1.min(data.n2));
        let truth = match &data.truth {
            None => None,
            Some(truth) => {
                let (u, s, vt) = spectrum::svd(truth)?;
                let rank = data.rank.unwrap_or(k).min(s.iter().filter(|&&x| x > 1e-6 * s[0]).count());
                let own = |x: ndarray::ArrayView2<f64>| x.as_standard_layout().into_owned();
                (rank > 0).then(|| (own(u.slice(s![.., ..rank])), own(vt.slice(s![..rank, ..]))))
            }
        };
        let observed = match (&data.train, &data.validation) {
            (Measurements::Entries(train), Measurements::Entries(validation)) => {
                let mut observed = vec![false; n1 * n2];
                train.index.iter().chain(&validation.index).for_each(|&i| observed[i as usize] = true);
                Some(observed)
            }
            _ => None,
        };
        Ok(Metrics {
            data,
            top_k,
            spectrum: Spectrum::new(n1, n2),
            truth,
            observed,
            gradient: Array2::zeros((n1, n2)),
            product: Array2::zeros((k, n2)),
            aligned: Array2::zeros((k, k)),
        })
    }

    /// What a matrix is by itself and against validation, test and truth: every column that needs no objective.
    ///
    /// # Errors
    /// [`crate::error::Error::NotFinite`], LAPACK's refusals.
    pub fn of_matrix(&mut self, step: u64, w: &Array2<f64>) -> Result<Point> {
        let mut point = Point { step, ..Point::empty() };
        self.errors(w, &mut point);
        self.spectrum.svd(w)?;
        let s = &self.spectrum.s;
        let (nuclear, frobenius, largest) = (s.iter().sum::<f64>(), norm(s.iter()), s[0]);
        point.set(column::NUCLEAR, nuclear);
        point.set(column::FROBENIUS, frobenius);
        point.set(column::SPECTRAL, largest);
        point.set(column::RATIO, nuclear / frobenius);
        let entropy: f64 = s.iter().map(|x| x / nuclear).filter(|&p| p > 0.0).map(|p| -p * p.ln()).sum();
        point.set(column::EFFECTIVE_RANK, if nuclear > 0.0 { entropy.exp() } else { f64::NAN });
        point.set(column::STABLE_RANK, (frobenius / largest).powi(2));
        let above = |cut: f64| s.iter().filter(|&&x| x > cut * largest).count() as f64;
        point.set(column::RANK_1E2, above(1e-2));
        point.set(column::RANK_1E6, above(1e-6));
        point.singular_values = s.iter().take(self.top_k).copied().collect();
        point.set(column::TAIL, s.get(self.top_k).copied().unwrap_or(f64::NAN));
        if let Some(observed) = &self.observed {
            let unobserved = flat(w).iter().zip(observed).filter(|(_, observed)| !**observed);
            let max = unobserved.map(|(w, _)| w.abs()).reduce(f64::max);
            point.set(column::UNOBSERVED_MAX, max.unwrap_or(f64::NAN));
        }
        if largest > 0.0 {
            point.set(column::SUBSPACE_ANGLE, self.subspace_angle()?);
        }
        Ok(point)
    }

    /// [`Metrics::of_matrix`], with what belongs to a training run: objective, gradients, layers. All of W must have been made.
    ///
    /// # Errors
    /// As [`Metrics::of_matrix`].
    pub fn of_training<T: Real>(
        &mut self,
        step: u64,
        network: &Network<T>,
        value: Value,
        objective: &Objective<T>,
    ) -> Result<Point> {
        let entries_alone = network.observed().is_some();
        let mut point = self.of_matrix(step, &T::widened(network.end_to_end()))?;
        let layers: Vec<_> = network.layers.iter().map(T::widened).collect();
        point.set(column::TRAIN_LOSS, value.loss);
        point.set(column::PENALTY, value.penalty.unwrap_or(f64::NAN));
        point.set(column::OBJECTIVE, value.objective);
        point.layer_norms = layers.iter().map(|w| norm(w.iter())).collect();
        point.set(column::BALANCEDNESS, balancedness(&layers));
        objective.end_to_end_gradient(entries_alone, &mut self.gradient);
        let total = norm(self.gradient.iter());
        match &self.observed {
            Some(observed) => {
                let part = |which: bool| {
                    norm(flat(&self.gradient).iter().zip(observed).filter(|(_, o)| **o == which).map(|(g, _)| g))
                };
                point.set(column::GRADIENT_OBSERVED, part(true));
                point.set(column::GRADIENT_UNOBSERVED, part(false));
            }
            None => point.set(column::GRADIENT_UNOBSERVED, total),
        }
        objective.data_gradient(&mut self.gradient);
        gemm(1.0, (Op::Transposed, &self.spectrum.u), (Op::Plain, &self.gradient), 0.0, &mut self.product);
        gemm(1.0, (Op::Plain, &self.product), (Op::Transposed, &self.spectrum.vt), 0.0, &mut self.aligned);
        let diagonal = self.aligned.diag().to_owned();
        self.aligned.diag_mut().fill(0.0);
        point.set(column::ALIGNMENT_DIAGONAL, norm(diagonal.iter()));
        point.set(column::ALIGNMENT_OFF, norm(self.aligned.iter()));
        if let Some((left, _)) = &self.truth {
            let r = left.ncols();
            point.set(column::LEADING_DIAGONAL, norm(diagonal.iter().take(r)));
            point.set(column::LEADING_OFF, norm(self.aligned.slice(s![..r, ..r]).iter()));
        }
        Ok(point)
    }

    /// Validation, test and reconstruction errors.
    fn errors(&self, w: &Array2<f64>, point: &mut Point) {
        let entries = flat(w);
        let mean = |sum: f64, n: usize| if n > 0 { sum / n as f64 } else { f64::NAN };
        point.set(column::VALIDATION_MSE, mean_square(&self.data.validation, w));
        if let Some(test) = &self.data.test {
            let scaling = &self.data.scaling;
            let (mut error, mut size) = (0.0, 0.0);
            for (&i, &y) in test.index.iter().zip(&test.value) {
                let predicted = scaling.shift + scaling.scale * entries[i as usize];
                error += (predicted - y).powi(2);
                size += y * y;
            }
            let mse = mean(error, test.index.len());
            point.set(column::TEST_MSE, mse);
            point.set(column::TEST_RMSE, mse.sqrt());
            point.set(column::TEST_REL, (error / size).sqrt());
        }
        if let Some(truth) = &self.data.truth {
            let error: f64 = flat(truth).iter().zip(entries).map(|(y, w)| (w - y).powi(2)).sum();
            point.set(column::RECONSTRUCTION_MSE, mean(error, truth.len()));
        }
    }

    /// The larger of the largest principal angles between the leading r left, and right, singular spaces of W and W*:
    /// `arccos σ_min(U_rᵀ U*_r)`.
    fn subspace_angle(&self) -> Result<f64> {
        let Some((left, right)) = &self.truth else { return Ok(f64::NAN) };
        let rank = left.ncols();
        let angle = |overlap: Array2<f64>| -> Result<f64> {
            let (_, s, _) = spectrum::svd(&overlap.as_standard_layout().into_owned())?;
            Ok(s[rank - 1].min(1.0).acos())
        };
        let u = self.spectrum.u.slice(s![.., ..rank]);
        let vt = self.spectrum.vt.slice(s![..rank, ..]);
        Ok(angle(u.t().dot(left))?.max(angle(vt.dot(&right.t()))?))
    }
}

/// `max_j ‖W_{j+1}ᵀ W_{j+1} − W_j W_jᵀ‖_F`; NaN (no value) at depth 1.
pub fn balancedness(layers: &[Cow<Array2<f64>>]) -> f64 {
    layers
        .windows(2)
        .map(|pair| norm((pair[1].t().dot(&*pair[1]) - pair[0].dot(&pair[0].t())).iter()))
        .reduce(f64::max)
        .unwrap_or(f64::NAN)
}
