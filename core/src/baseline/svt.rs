//! SVT: singular value thresholding for completion (Cai, Candès, Shen 2010).
//!
//! `W ← S_τ(D)`, `D ← D + δ·P_Ω(Y − W)` from D = 0, Uzawa's iteration for `min τ‖W‖_* + ½‖W‖_F²` subject to
//! `P_Ω W = P_Ω Y`. For large τ the solution comes near minimum nuclear norm. Started at `D = k_0·δ·P_Ω Y`, the first
//! iterate that is not 0. Converged: `‖P_Ω(W − Y)‖_F ≤ 1e-4·‖P_Ω Y‖_F`. Both are the paper's (§5), as is τ = 5n, here
//! 5√(n1·n2) times the RMS of Y.
//!
//! # Departures
//! The paper's step δ = 1.2·n1·n2/m is not covered by its proof (0 < δ < 2) and does not converge on scarce data (20 % of
//! a 50×50 matrix of rank 2); steps that are covered take 10⁴ iterations and more there. Uzawa's iteration is gradient ascent
//! on the dual, whose gradient has Lipschitz constant 1, so it is accelerated, with step 1: Huang, Ma, Goldfarb, *Accelerated
//! linearized Bregman method* (2013), with restarts (O'Donoghue, Candès 2015, gradient scheme). The solution is the same.

use super::{Baseline, Build, Solution, flat, flat_mut, iterations, norm, observed, shrink, square_error, zero_filled};
use crate::axis::{Axis, Kind};
use crate::error::Result;
use crate::problem::Data;
use crate::registry::Entry;
use crate::train::spectrum;
use crate::value::Literal;
use ndarray::Array2;

/// Singular value thresholding.
pub const ENTRY: Entry<Build> = Entry {
    name: "svt",
    doc: "singular value thresholding: min τ‖W‖_* + ½‖W‖_F² subject to the observed entries",
    axes: &[
        Axis::optional(
            "svt_tau",
            "threshold τ; 0: 5√(n1·n2) times the RMS of the observed values",
            Kind::Float(0.0, 1e12),
            Literal::Float(0.0),
        ),
        Axis::optional("svt_step", "step δ; proven to converge up to 1", Kind::Above(0.0, 1e6), Literal::Float(1.0)),
        iterations(5_000),
    ],
    build: |trial| {
        Box::new(Svt {
            tau: trial.float("svt_tau"),
            step: trial.float("svt_step"),
            iterations: trial.int("iterations") as u64,
        })
    },
};

/// Relative residual at which it is converged.
const RESIDUAL: f64 = 1e-4;

struct Svt {
    tau: f64,
    step: f64,
    iterations: u64,
}

impl Baseline for Svt {
    fn typical_svds(&self) -> f64 {
        900.0
    }

    fn solve(&self, data: &Data, go_on: &mut dyn FnMut() -> bool) -> Result<Solution> {
        let entries = observed("svt", data)?;
        let y = zero_filled(data, entries);
        let size = norm(&y);
        let mut w = Array2::zeros((data.n1, data.n2));
        if size == 0.0 {
            return Ok(Solution { w, iterations: 0, converged: true, objective: Some(0.0) });
        }
        let rms = size / (entries.value.len() as f64).sqrt();
        let tau = if self.tau > 0.0 { self.tau } else { 5.0 * rms * ((data.n1 * data.n2) as f64).sqrt() };
        let start = (tau / (self.step * spectrum::svd(&y)?.1[0])).ceil();
        let mut dual = y * (start * self.step);
        // The dual pushed on in the direction of its last change.
        let mut ahead = dual.clone();
        let mut momentum = 1.0f64;
        let (mut done, mut converged, mut objective) = (0, false, 0.0);
        while done < self.iterations && go_on() {
            done += 1;
            let (next, sigma) = shrink::soft(&ahead, tau)?;
            w = next;
            objective = sigma.iter().map(|s| tau * s + 0.5 * s * s).sum();
            let residual = square_error(&w, entries).sqrt();
            if residual <= RESIDUAL * size {
                converged = true;
                break;
            }
            // The iteration of a step that is too long grows without bound; W stays the last finite one.
            if residual > 1e6 * size {
                break;
            }
            let residual = |i: u32, y: f64| y - flat(&w)[i as usize];
            let observed = || entries.index.iter().zip(&entries.value);
            // Restart where the momentum points downhill: ⟨residual, next − dual⟩ < 0.
            let next = |i: u32, y: f64| flat(&ahead)[i as usize] + self.step * residual(i, y);
            let uphill: f64 = observed().map(|(&i, &y)| residual(i, y) * (next(i, y) - flat(&dual)[i as usize])).sum();
            let following = if uphill < 0.0 { 1.0 } else { 0.5 * (1.0 + (1.0 + 4.0 * momentum * momentum).sqrt()) };
            let push = if uphill < 0.0 { 0.0 } else { (momentum - 1.0) / following };
            momentum = following;
            for (&i, &y) in observed() {
                let next = flat(&ahead)[i as usize] + self.step * residual(i, y);
                let before = std::mem::replace(&mut flat_mut(&mut dual)[i as usize], next);
                flat_mut(&mut ahead)[i as usize] = next + push * (next - before);
            }
        }
        Ok(Solution { w, iterations: done, converged, objective: Some(objective) })
    }
}
