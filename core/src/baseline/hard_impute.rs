//! Hard-impute: completion of fixed rank by iterated truncation (Mazumder, Hastie, Tibshirani 2010; the same as
//! singular value projection with step 1, Jain, Meka, Dhillon 2010).
//!
//! `W ← H_r(P_Ω Y + P_Ω^⊥ W)` from W = 0. The squared error over Ω never grows; the limit is a fixed point, which need not be
//! the global minimum. Converged: ‖ΔW‖_F ≤ 1e-9·‖W‖_F.

use super::{Baseline, Build, RANK, Solution, distance, iterations, norm, observed, rank, shrink, square_error, write};
use crate::error::Result;
use crate::problem::Data;
use crate::registry::Entry;
use ndarray::Array2;

/// Iterated truncation.
pub const ENTRY: Entry<Build> = Entry {
    name: "hard_impute",
    doc: "rank-r completion by iterated truncation of the SVD; r of the truth unless given",
    axes: &[RANK, iterations(20_000)],
    build: |trial| {
        Box::new(HardImpute { rank: trial.size("baseline_rank"), iterations: trial.int("iterations") as u64 })
    },
};

/// Relative change at which it is converged.
const CHANGE: f64 = 1e-9;

struct HardImpute {
    rank: usize,
    iterations: u64,
}

impl Baseline for HardImpute {
    fn typical_svds(&self) -> f64 {
        2000.0
    }

    fn solve(&self, data: &Data, go_on: &mut dyn FnMut() -> bool) -> Result<Solution> {
        let entries = observed("hard_impute", data)?;
        let rank = rank(self.rank, data)?;
        let mut w = Array2::zeros((data.n1, data.n2));
        let (mut done, mut converged) = (0, false);
        while done < self.iterations && !converged && go_on() {
            done += 1;
            let mut filled = w.clone();
            write(&mut filled, entries);
            let next = shrink::hard(&filled, rank)?;
            converged = distance(&next, &w) <= CHANGE * norm(&next);
            w = next;
        }
        let objective = Some(square_error(&w, entries) / entries.value.len() as f64);
        Ok(Solution { w, iterations: done, converged, objective })
    }
}
