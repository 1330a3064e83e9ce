//! The matrix of least nuclear norm among those that meet the measurements (Candès, Recht 2009), by ADMM.
//!
//! With `f(X) = ‖X‖_*` and g the indicator of the affine set of W that meet the measurements, in scaled form (Boyd et
//! al. 2011, *Distributed Optimization … via ADMM*, §3.1.1 and §5):
//!
//! - `X ← S_{1/ρ}(Z − U)`, singular value thresholding;
//! - `Z ← Π(X + U)`, the projection on the affine set: observed values written in, or `V − Aᵀ(AAᵀ)⁻¹(AV − y)`;
//! - `U ← U + X − Z`.
//!
//! ρ starts at 1/σ_1 of the solution of least Frobenius norm and follows the residuals for a while (§3.4.1). The result
//! is Z, which meets the measurements.
//!
//! The stop rule is a certificate: `Λ = −ρU` lies in the range of the measurements' adjoint, so `⟨Λ, Z⟩/max(1, ‖Λ‖_2)`
//! bounds every feasible nuclear norm from below. Converged: the gap to ‖Z‖_* is at most 1e-7·‖Z‖_*.

use super::minimum_frobenius::least_norm;
use super::{Baseline, Build, Solution, distance, flat, flat_mut, iterations, shrink, write};
use crate::error::Result;
use crate::problem::{Data, Entries, Measurements};
use crate::registry::Entry;
use crate::train::spectrum;
use ndarray::{Array2, ArrayView1};

/// Relative gap at which it is converged.
const GAP: f64 = 1e-7;
/// Iterations between two looks at the gap, which costs two more SVDs.
const LOOK: u64 = 20;
/// Iterations after which ρ is fixed.
const BALANCE: u64 = 1000;

/// Least nuclear norm.
pub const ENTRY: Entry<Build> = Entry {
    name: "minimum_nuclear",
    doc: "min ‖W‖_* subject to the measurements (ADMM)",
    axes: &[iterations(20_000)],
    build: |trial| Box::new(MinimumNuclear { iterations: trial.int("iterations") as u64 }),
};

struct MinimumNuclear {
    iterations: u64,
}

impl Baseline for MinimumNuclear {
    fn typical_svds(&self) -> f64 {
        2000.0
    }

    fn treats_sensing(&self) -> bool {
        true
    }

    fn solve(&self, data: &Data, go_on: &mut dyn FnMut() -> bool) -> Result<Solution> {
        let affine = Affine::of(&data.train)?;
        let mut z = least_norm(data)?;
        let mut u = Array2::<f64>::zeros(z.dim());
        let largest = spectrum::svd(&z)?.1[0];
        if largest == 0.0 {
            // All measurements are 0, and so is the solution.
            return Ok(Solution { w: z, iterations: 0, converged: true, objective: Some(0.0) });
        }
        let mut rho = 1.0 / largest;
        let (mut done, mut converged) = (0, false);
        while done < self.iterations && go_on() {
            done += 1;
            let (x, _) = shrink::soft(&(&z - &u), 1.0 / rho)?;
            let before = z;
            z = &x + &u;
            affine.project(&mut z);
            u += &x;
            u -= &z;
            if done % LOOK == 0 {
                if gap(&z, &u, rho)? <= GAP {
                    converged = true;
                    break;
                }
                // Residual balancing, eq. (3.13) with μ = 10 and τ = 2. It ends, since convergence is proven for a
                // fixed ρ.
                let (primal, dual) = (distance(&x, &z), rho * distance(&z, &before));
                if done <= BALANCE && (primal > 10.0 * dual || dual > 10.0 * primal) {
                    let factor = if primal > dual { 2.0 } else { 0.5 };
                    rho *= factor;
                    u /= factor;
                }
            }
        }
        let objective = Some(spectrum::svd(&z)?.1.iter().sum());
        Ok(Solution { w: z, iterations: done, converged, objective })
    }
}

/// `(‖Z‖_* − lower bound)/‖Z‖_*`.
fn gap(z: &Array2<f64>, u: &Array2<f64>, rho: f64) -> Result<f64> {
    let nuclear: f64 = spectrum::svd(z)?.1.iter().sum();
    let spectral = rho * spectrum::svd(u)?.1[0];
    let inner: f64 = -rho * flat(z).iter().zip(flat(u)).map(|(z, u)| z * u).sum::<f64>();
    Ok((nuclear - inner / spectral.max(1.0)) / nuclear)
}

/// The set of W that meet the measurements.
enum Affine<'d> {
    Entries(&'d Entries),
    /// A, `(AAᵀ)⁻¹A` and y.
    Sensing(&'d Array2<f64>, Array2<f64>, &'d [f64]),
}

impl<'d> Affine<'d> {
    fn of(measurements: &'d Measurements) -> Result<Affine<'d>> {
        match measurements {
            Measurements::Entries(entries) => Ok(Affine::Entries(entries)),
            Measurements::Sensing { operators, value } => {
                let inverse = spectrum::solve_spd(&operators.dot(&operators.t()), operators)?;
                Ok(Affine::Sensing(operators, inverse, value))
            }
        }
    }

    /// The nearest W of the set, in place.
    fn project(&self, w: &mut Array2<f64>) {
        match self {
            Affine::Entries(entries) => write(w, entries),
            Affine::Sensing(operators, inverse, value) => {
                let excess = operators.dot(&ArrayView1::from(flat(w))) - ArrayView1::from(*value);
                let step = inverse.t().dot(&excess);
                flat_mut(w).iter_mut().zip(&step).for_each(|(x, s)| *x -= s);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn the_gap_is_a_bound_whatever_the_size_of_the_multiplier() {
        // Z = diag(1, 0) and Λ = −ρU = diag(c, 0): the bound is c/max(1, c).
        let z = array![[1.0, 0.0], [0.0, 0.0]];
        for (c, expected) in [(0.25, 0.75), (1.0, 0.0), (2.0, 0.0)] {
            let found = gap(&z, &(&z * (-c / 4.0)), 4.0).unwrap();
            assert!((found - expected).abs() < 1e-15, "{c}: {found}");
        }
    }
}
