//! Soft-impute: nuclear-norm regularised completion (Mazumder, Hastie, Tibshirani 2010), along a path of λ.
//!
//! Minimises `F(W) = (1/m) Σ_Ω (W − Y)² + λ‖W‖_*`, the objective of a run with mean loss and penalty `nuclear`. Times
//! m/2 that is `½‖P_Ω(W − Y)‖² + τ‖W‖_*` with τ = mλ/2, for which soft-impute's step `W ← S_τ(P_Ω Y + P_Ω^⊥ W)` is a
//! proximal gradient step of length 1. Steps are accelerated (Beck, Teboulle 2009) with restarts (O'Donoghue, Candès
//! 2015, gradient scheme).
//!
//! The stop rule is a certificate: with the residual `R = P_Ω(Y − W)` scaled to `‖R‖_2 ≤ τ`, `½‖Y‖² − ½‖Y − R‖²` bounds
//! F·m/2 from below (Fenchel dual). Converged: the gap is at most 1e-8·F (1e-5·F on a path).
//!
//! Axis `soft_lambda` 0 is a path of 30 λ from λ_max = 2‖P_Ω Y‖_2/m, where W = 0, down to 1e-3·λ_max, each started from
//! the one before. Its member of least validation error is taken, or without a validation split the last.
//! `converged` means all of the path.

use super::{
    Baseline, Build, Solution, distance, flat, flat_mut, iterations, observed, shrink, square_error, zero_filled,
};
use crate::axis::{Axis, Kind};
use crate::error::Result;
use crate::problem::{Data, Entries, Measurements};
use crate::registry::Entry;
use crate::train::spectrum;
use crate::value::Literal;
use ndarray::Array2;

/// Relative duality gap at which one λ is converged.
const GAP: f64 = 1e-8;
/// Iterations between two looks at the gap, which costs one more SVD.
const LOOK: u64 = 10;
/// Members of the path, and the ratio of its ends.
const PATH: (i32, f64) = (30, 1e-3);
/// Relative duality gap at which a member of the path is converged.
const PATH_GAP: f64 = 1e-5;

/// Nuclear-norm regularised completion.
pub const ENTRY: Entry<Build> = Entry {
    name: "soft_impute",
    doc: "min (1/m) Σ_Ω (W−Y)² + λ‖W‖_*, for one λ or along a path",
    axes: &[
        Axis::optional(
            "soft_lambda",
            "weight λ of ‖W‖_*; 0: a path, its member of least validation error (without a split: the last)",
            Kind::Float(0.0, 1e12),
            Literal::Float(0.0),
        ),
        iterations(50_000),
    ],
    build: |trial| {
        Box::new(SoftImpute { lambda: trial.float("soft_lambda"), iterations: trial.int("iterations") as u64 })
    },
};

struct SoftImpute {
    lambda: f64,
    iterations: u64,
}

impl Baseline for SoftImpute {
    fn typical_svds(&self) -> f64 {
        4500.0
    }

    fn solve(&self, data: &Data, go_on: &mut dyn FnMut() -> bool) -> Result<Solution> {
        let entries = observed("soft_impute", data)?;
        let mut w = Array2::zeros((data.n1, data.n2));
        let mut left = self.iterations;
        let mut step = |w: &mut Array2<f64>, lambda: f64, gap: f64| {
            let one = minimise(w, entries, lambda, gap, left, go_on)?;
            left -= one.iterations;
            Ok(one)
        };
        if self.lambda > 0.0 {
            let one = step(&mut w, self.lambda, GAP)?;
            let (iterations, converged) = (one.iterations, one.converged);
            return Ok(Solution { w, iterations, converged, objective: Some(one.objective) });
        }
        let largest = 2.0 * spectrum::svd(&zero_filled(data, entries))?.1[0] / entries.value.len() as f64;
        let mut best = Solution { w: w.clone(), iterations: 0, converged: true, objective: None };
        let (mut least, mut iterations, mut converged) = (f64::INFINITY, 0, true);
        for k in 0..PATH.0 {
            let lambda = largest * PATH.1.powf(f64::from(k) / f64::from(PATH.0 - 1));
            let one = step(&mut w, lambda, PATH_GAP)?;
            iterations += one.iterations;
            converged &= one.converged;
            // Without a split every error is 0, and the last member is taken.
            let error = match &data.validation {
                Measurements::Entries(held_out) => square_error(&w, held_out),
                Measurements::Sensing { .. } => 0.0,
            };
            if error <= least {
                least = error;
                best = Solution { w: w.clone(), objective: Some(one.objective), ..best };
            }
            if !converged {
                break;
            }
        }
        Ok(Solution { iterations, converged, ..best })
    }
}

/// How the minimisation for one λ ended.
struct One {
    iterations: u64,
    converged: bool,
    /// F(W).
    objective: f64,
}

/// Brings `w` to the minimum of F.
fn minimise(
    w: &mut Array2<f64>,
    entries: &Entries,
    lambda: f64,
    least_gap: f64,
    iterations: u64,
    go_on: &mut dyn FnMut() -> bool,
) -> Result<One> {
    let m = entries.value.len() as f64;
    let tau = 0.5 * m * lambda;
    let mut ahead = w.clone();
    let mut momentum = 1.0f64;
    let (mut done, mut converged) = (0, false);
    let mut nuclear: f64 = spectrum::svd(w)?.1.iter().sum();
    while done < iterations && go_on() {
        done += 1;
        // The gradient step of length 1 puts the observed values in place of W's.
        let mut filled = ahead.clone();
        super::write(&mut filled, entries);
        let (next, sigma) = shrink::soft(&filled, tau)?;
        nuclear = sigma.iter().sum();
        // Restart where the momentum points uphill: ⟨ahead − next, next − w⟩ > 0.
        let uphill: f64 = flat(&ahead).iter().zip(flat(&next)).zip(flat(w)).map(|((a, n), w)| (a - n) * (n - w)).sum();
        let following = if uphill > 0.0 { 1.0 } else { 0.5 * (1.0 + (1.0 + 4.0 * momentum * momentum).sqrt()) };
        let push = if uphill > 0.0 { 0.0 } else { (momentum - 1.0) / following };
        ahead.assign(&next);
        flat_mut(&mut ahead).iter_mut().zip(flat(w)).for_each(|(a, w)| *a += push * (*a - w));
        momentum = following;
        let moved = distance(&next, w);
        *w = next;
        if (done % LOOK == 0 || moved == 0.0) && gap(w, nuclear, entries, tau)? <= least_gap {
            converged = true;
            break;
        }
    }
    Ok(One { iterations: done, converged, objective: square_error(w, entries) / m + lambda * nuclear })
}

/// `(P − D)/P` for the primal value P and the dual bound D, both times m/2.
fn gap(w: &Array2<f64>, nuclear: f64, entries: &Entries, tau: f64) -> Result<f64> {
    let mut residual = Array2::zeros(w.dim());
    for (&i, &y) in entries.index.iter().zip(&entries.value) {
        flat_mut(&mut residual)[i as usize] = y - flat(w)[i as usize];
    }
    let scale = (tau / spectrum::svd(&residual)?.1[0]).min(1.0);
    let primal = 0.5 * square_error(w, entries) + tau * nuclear;
    // ½y² − ½(y − r)² = r·(y − r/2), summed without cancellation.
    let r = |i: u32| scale * flat(&residual)[i as usize];
    let dual: f64 = entries.index.iter().zip(&entries.value).map(|(&i, &y)| r(i) * (y - 0.5 * r(i))).sum();
    Ok(if primal > 0.0 { (primal - dual) / primal } else { 0.0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gap_by_hand() {
        // One entry y = 3, τ = 1: ½(w − 3)² + |w| is least, 2.5, at w = 2. At w = 1 it is 3, and the residual 2, scaled to 1,
        // gives the bound ½·3² − ½·(3 − 1)² = 2.5.
        let entries = Entries { index: vec![0], value: vec![3.0] };
        for (w, expected) in [(1.0, 0.5 / 3.0), (2.0, 0.0)] {
            let found = gap(&Array2::from_elem((1, 1), w), w, &entries, 1.0).unwrap();
            assert!((found - expected).abs() < 1e-15, "{w}: {found}");
        }
    }
}
