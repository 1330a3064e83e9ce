//! The step that W has just taken, beside those that others would have taken from the same W (the axis `probe`).
//!
//! Gradient descent, momentum and Adam on W itself see the end-to-end gradients `G = ∇f(W)` of this very run, and carry their
//! moments along it. The end-to-end flow is that of a balanced network of N layers under gradient descent (Arora, Cohen,
//! Hazan 2018, Theorem 1), from whose equation follows that of the singular values (Arora et al. 2019, Theorem 3):
//!
//! ```text
//! Ẇ = −Σ_{j=1..N} [W Wᵀ]^((N−j)/N) · G · [Wᵀ W]^((j−1)/N)        σ̇_r = −N·σ_r^(2−2/N)·⟨G, u_r v_rᵀ⟩
//! ```

use super::network::Network;
use super::objective::Objective;
use super::real::Real;
use super::spectrum;
use crate::error::Result;
use crate::optimizer::{self, Layers, Optimizer, State, flat};
use crate::outcome::{self as column, Point};
use crate::penalty::sum_of;
use crate::registry;
use crate::trial::{Inputs, Trial};
use crate::value::Value;
use ndarray::Array2;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Whom the step is compared with, and where the cosine stands.
const OTHERS: [(&str, usize); 3] =
    [("gd", column::STEP_COSINE_GD), ("momentum", column::STEP_COSINE_MOMENTUM), ("adam", column::STEP_COSINE_ADAM)];

/// What is carried from step to step.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Carried {
    /// The moments of each of [`OTHERS`].
    states: Vec<State>,
    /// What was found of the last step, as pairs of column and number.
    found: Vec<(usize, f64)>,
}

/// Workspace for one run.
pub(super) struct Probe {
    depth: f64,
    top_k: usize,
    others: Vec<Box<dyn Optimizer>>,
    gradient: [Array2<f64>; 1],
    /// The steps of [`OTHERS`] at learning rate 1, n1×n2.
    steps: Vec<[Array2<f64>; 1]>,
    aim: Option<Aim>,
}

/// W before the step, and what the flow says of it.
struct Aim {
    w: Array2<f64>,
    flow: Array2<f64>,
    sigma: Vec<f64>,
    rates: Vec<f64>,
}

impl Probe {
    /// For n1×n2 matrices made of `depth` factors.
    ///
    /// # Errors
    /// None that a user could cause.
    pub fn new(n1: usize, n2: usize, depth: usize, top_k: usize, carried: &mut Carried) -> Result<Probe> {
        let others = OTHERS.iter().map(|(name, _)| by_default(name)).collect::<Result<Vec<_>>>()?;
        let zeros = || [Array2::zeros((n1, n2))];
        if carried.states.is_empty() {
            carried.states = others.iter().map(|other| State::new(&**other, &zeros())).collect();
        }
        let steps = others.iter().map(|_| zeros()).collect();
        Ok(Probe { depth: depth as f64, top_k, others, gradient: zeros(), steps, aim: None })
    }

    /// Shows the gradient at the W of the last evaluation to the others.
    ///
    /// # Errors
    /// None that these optimizers have.
    pub fn follow<T: Real>(
        &mut self,
        objective: &Objective<T>,
        entries_alone: bool,
        carried: &mut Carried,
    ) -> Result<()> {
        objective.end_to_end_gradient(entries_alone, &mut self.gradient[0]);
        for ((other, step), state) in self.others.iter_mut().zip(&mut self.steps).zip(&mut carried.states) {
            // From 0 with learning rate 1 what is left is the step itself: none of these rules looks at the weights.
            step[0].fill(0.0);
            state.t += 1;
            other.step(1.0, &mut Layers::F64(step, &self.gradient), state)?;
        }
        Ok(())
    }

    /// Looks at all of W before a step that is to be compared.
    ///
    /// # Errors
    /// [`crate::error::Error::NotFinite`], LAPACK's refusals.
    pub fn aim<T: Real>(&mut self, network: &Network<T>) -> Result<()> {
        let w = T::widened(network.end_to_end()).into_owned();
        let (u, sigma, vt) = spectrum::svd(&w)?;
        let g = &self.gradient[0];
        let n = self.depth;
        let power = |x: f64, p: f64| if p == 0.0 { 1.0 } else { x.powf(p) };
        let left = u.t().dot(g);
        let mut core = left.dot(&vt.t());
        let top = self.top_k.min(sigma.len());
        let rates = (0..top).map(|r| -n * power(sigma[r], 2.0 - 2.0 / n) * core[[r, r]]).collect();
        // What of G lies beyond the left singular vectors, or the right: there only the first or the last term of the sum acts.
        let end = |x: &f64| power(*x, 2.0 - 2.0 / n);
        let (mut below, mut beside) = (g - &u.dot(&left), left - core.dot(&vt));
        for (a, mut row) in core.rows_mut().into_iter().enumerate() {
            for (b, entry) in row.iter_mut().enumerate() {
                let terms = (1..=self.depth as u64).map(|j| {
                    let j = j as f64;
                    power(sigma[a], 2.0 * (n - j) / n) * power(sigma[b], 2.0 * (j - 1.0) / n)
                });
                *entry *= terms.sum::<f64>();
            }
        }
        let mut flow = u.dot(&core).dot(&vt);
        if w.nrows() > w.ncols() {
            let mut along = below.dot(&vt.t());
            along.columns_mut().into_iter().zip(&sigma).for_each(|(mut column, x)| column *= end(x));
            below = along.dot(&vt);
            flow += &below;
        } else if w.ncols() > w.nrows() {
            beside.rows_mut().into_iter().zip(&sigma).for_each(|(mut row, x)| row *= end(x));
            flow += &u.dot(&beside);
        }
        flow.mapv_inplace(|x| -x);
        self.aim = Some(Aim { w, flow, sigma, rates });
        Ok(())
    }

    /// Whether [`Probe::measure`] waits for the step.
    pub fn is_aimed(&self) -> bool {
        self.aim.is_some()
    }

    /// Compares the step that led to the network's present W, at learning rate `lr`.
    ///
    /// # Errors
    /// As [`Probe::aim`].
    pub fn measure<T: Real>(&mut self, network: &Network<T>, lr: f64, carried: &mut Carried) -> Result<()> {
        let Some(aim) = self.aim.take() else { return Ok(()) };
        let now = T::widened(network.end_to_end());
        let (_, sigma, _) = spectrum::svd(&now)?;
        let step = &*now - &aim.w;
        let step = flat(&step);
        let size = length(step);
        carried.found = vec![(column::STEP_SIZE, size)];
        let cosine = |other: &Array2<f64>| dot(step, flat(other)) / (size * length(flat(other)));
        for ((_, column), other) in OTHERS.iter().zip(&self.steps) {
            carried.found.push((*column, cosine(&other[0])));
        }
        carried.found.push((column::STEP_COSINE_FLOW, cosine(&aim.flow)));
        let root = |f: &dyn Fn(usize) -> f64| (0..aim.rates.len()).map(|r| f(r).powi(2)).sum::<f64>().sqrt();
        let error = root(&|r| (sigma[r] - aim.sigma[r]) / lr - aim.rates[r]);
        carried.found.push((column::SIGMA_RATE_ERROR, error / root(&|r| aim.rates[r])));
        Ok(())
    }
}

impl Carried {
    /// Hands what was found to a point.
    pub fn tell(&mut self, point: &mut Point) {
        self.found.drain(..).for_each(|(column, value)| point.set(column, value));
    }
}

/// An optimizer with its defaults.
fn by_default(name: &str) -> Result<Box<dyn Optimizer>> {
    let given: BTreeMap<String, Value> = [
        ("problem", Value::from("synthetic")),
        ("n1", 1.into()),
        ("n2", 1.into()),
        ("rank", 1.into()),
        ("samples", 1.into()),
        ("steps", 1.into()),
        ("init", "gaussian".into()),
        ("schedule", "constant".into()),
        ("penalty", "none".into()),
        ("optimizer", name.into()),
        ("lr", 1.0.into()),
    ]
    .into_iter()
    .map(|(axis, value)| (axis.to_owned(), value))
    .collect();
    let trial = Trial::new(&given, &Inputs::new())?;
    Ok((registry::find("optimizer", optimizer::KNOWN, name)?.build)(&trial))
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn length(a: &[f64]) -> f64 {
    sum_of(a, |x| x * x).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Stream;
    use crate::train::network::Gradient;

    /// Balanced factors of a matrix, and a gradient: one small step of gradient descent on the factors.
    fn probed(shape: (usize, usize), depth: usize, lr: f64) -> BTreeMap<usize, f64> {
        let mut stream = Stream::new("test/probe", depth as i64);
        let (n1, n2) = shape;
        let k = n1.min(n2);
        let mut random = |r, c| Array2::from_shape_simple_fn((r, c), || stream.normal());
        let (u, sigma, vt) = spectrum::svd(&random(n1, n2)).unwrap();
        let g = random(n1, n2);
        let root = |x: &f64| x.powf(1.0 / depth as f64);
        // W_1 = Σ^(1/N) Vᵀ, W_j = Σ^(1/N), W_N = U Σ^(1/N).
        let mut layers = vec![Array2::from_diag(&ndarray::Array1::from_iter(sigma.iter().map(root))); depth];
        layers[0] = layers[0].dot(&vt);
        layers[depth - 1] = u.dot(&layers[depth - 1]);
        if depth == 1 {
            layers[0] = random(n1, n2);
        }
        let mut network = Network::new(layers, None);
        network.forward();
        let mut carried = Carried::default();
        let mut probe = Probe::new(n1, n2, depth, k, &mut carried).unwrap();
        probe.gradient[0].assign(&g);
        for (step, sign) in probe.steps.iter_mut().zip([1.0, 2.0, -1.0]) {
            step[0] = &g * -sign;
        }
        probe.aim(&network).unwrap();
        network.backward(Gradient::Dense(&g));
        for (w, g) in network.layers.iter_mut().zip(&network.gradients) {
            w.scaled_add(-lr, g);
        }
        network.forward();
        probe.measure(&network, lr, &mut carried).unwrap();
        carried.found.into_iter().collect()
    }

    #[test]
    fn small_steps_of_balanced_factors_follow_the_flow_at_every_depth_and_shape() {
        for shape in [(6, 6), (9, 5), (4, 7)] {
            for depth in 1..=4 {
                let found = probed(shape, depth, 1e-7);
                let cosine = found[&column::STEP_COSINE_FLOW];
                assert!((cosine - 1.0).abs() < 1e-9, "{shape:?} {depth}: {cosine}");
                let error = found[&column::SIGMA_RATE_ERROR];
                assert!(error < 1e-4, "{shape:?} {depth}: {error}");
            }
        }
    }

    #[test]
    fn at_depth_1_the_flow_is_gradient_descent_and_deeper_it_is_not() {
        let found = probed((6, 6), 1, 1e-3);
        assert!((found[&column::STEP_COSINE_GD] - 1.0).abs() < 1e-12);
        assert!((found[&column::STEP_COSINE_ADAM] + 1.0).abs() < 1e-12);
        let deep = probed((6, 6), 3, 1e-7);
        assert!(deep[&column::STEP_COSINE_GD] < 0.95 && deep[&column::STEP_COSINE_GD] > 0.0);
    }

    #[test]
    fn others_take_their_own_first_steps() {
        let mut carried = Carried::default();
        let mut probe = Probe::new(1, 2, 1, 1, &mut carried).unwrap();
        let g = Array2::from_shape_vec((1, 2), vec![3.0, -0.5]).unwrap();
        probe.gradient[0].assign(&g);
        for ((other, step), state) in probe.others.iter_mut().zip(&mut probe.steps).zip(&mut carried.states) {
            state.t = 1;
            other.step(1.0, &mut Layers::F64(step, &probe.gradient), state).unwrap();
        }
        let steps: Vec<&[f64]> = probe.steps.iter().map(|step| flat(&step[0])).collect();
        assert_eq!((steps[0], steps[1]), (&[-3.0, 0.5][..], &[-3.0, 0.5][..]));
        // Adam's first step is the sign.
        assert!((steps[2][0] + 1.0).abs() < 1e-7 && (steps[2][1] - 1.0).abs() < 1e-7);
    }
}
