//! Alternating least squares with the oracle rank (Koren, Bell, Volinsky 2009; started as by Jain, Netrapalli,
//! Sanghavi 2013).
//!
//! `W = A Bᵀ` (A: n1×r, B: n2×r). With B fixed each row of A solves
//! `min_a Σ_{j ∈ Ω_i} (⟨a, B_j⟩ − Y_ij)² + μ‖a‖²`, then B likewise with A fixed: `Σ_Ω (W − Y)² + μ(‖A‖_F² + ‖B‖_F²)` never
//! grows. B starts as the r leading right singular vectors of the zero fill, times √n2. μ > 0 keeps the normal
//! equations positive definite where a row has fewer than r entries. Converged: ‖ΔW‖_F ≤ 1e-9·‖W‖_F.

use super::{Baseline, Build, RANK, Solution, distance, iterations, norm, observed, rank, square_error, zero_filled};
use crate::axis::{Axis, Kind};
use crate::error::Result;
use crate::problem::{Data, Entries};
use crate::registry::Entry;
use crate::train::spectrum;
use crate::value::Literal;
use ndarray::{Array2, s};

/// Alternating least squares.
pub const ENTRY: Entry<Build> = Entry {
    name: "als",
    doc: "alternating least squares for W = A Bᵀ of rank r, that of the truth unless given (oracle)",
    axes: &[
        RANK,
        Axis::optional(
            "ridge",
            "weight μ of ‖A‖_F² + ‖B‖_F² beside the sum of squared errors",
            Kind::Above(0.0, 1e12),
            Literal::Float(1e-6),
        ),
        iterations(5_000),
    ],
    build: |trial| {
        Box::new(Als {
            rank: trial.size("baseline_rank"),
            ridge: trial.float("ridge"),
            iterations: trial.int("iterations") as u64,
        })
    },
};

/// Relative change at which it is converged.
const CHANGE: f64 = 1e-9;

struct Als {
    rank: usize,
    ridge: f64,
    iterations: u64,
}

impl Baseline for Als {
    fn typical_svds(&self) -> f64 {
        20.0
    }

    fn solve(&self, data: &Data, go_on: &mut dyn FnMut() -> bool) -> Result<Solution> {
        let entries = observed("als", data)?;
        let rank = rank(self.rank, data)?;
        let rows = lines(entries, data.n1, |i| (i / data.n2, i % data.n2));
        let columns = lines(entries, data.n2, |i| (i % data.n2, i / data.n2));
        let (_, _, vt) = spectrum::svd(&zero_filled(data, entries))?;
        let mut b = vt.slice(s![..rank, ..]).t().to_owned() * (data.n2 as f64).sqrt();
        let mut a = Array2::zeros((data.n1, rank));
        let mut w = Array2::zeros((data.n1, data.n2));
        let (mut done, mut converged) = (0, false);
        while done < self.iterations && !converged && go_on() {
            done += 1;
            a = self.regress(&rows, &b)?;
            b = self.regress(&columns, &a)?;
            let mut next = Array2::zeros(w.dim());
            ndarray::linalg::general_mat_mul(1.0, &a, &b.t(), 0.0, &mut next);
            converged = distance(&next, &w) <= CHANGE * norm(&next);
            w = next;
        }
        let size: f64 = a.iter().chain(&b).map(|x| x * x).sum();
        let objective = Some(square_error(&w, entries) + self.ridge * size);
        Ok(Solution { w, iterations: done, converged, objective })
    }
}

impl Als {
    /// The rows of one factor, each by ridge regression of its observed entries on the other factor.
    fn regress(&self, lines: &[Vec<(usize, f64)>], other: &Array2<f64>) -> Result<Array2<f64>> {
        let rank = other.ncols();
        let mut factor = Array2::zeros((lines.len(), rank));
        for (line, mut row) in lines.iter().zip(factor.rows_mut()) {
            let mut normal = Array2::eye(rank) * self.ridge;
            let mut right = Array2::zeros((rank, 1));
            for &(j, y) in line {
                let b = other.row(j);
                for p in 0..rank {
                    right[[p, 0]] += b[p] * y;
                    for q in 0..rank {
                        normal[[p, q]] += b[p] * b[q];
                    }
                }
            }
            row.assign(&spectrum::solve_spd(&normal, &right)?.column(0));
        }
        Ok(factor)
    }
}

/// The observed entries by row or by column: `(index in the line, value)`.
fn lines(entries: &Entries, count: usize, place: impl Fn(usize) -> (usize, usize)) -> Vec<Vec<(usize, f64)>> {
    let mut lines = vec![Vec::new(); count];
    for (&i, &y) in entries.index.iter().zip(&entries.value) {
        let (line, at) = place(i as usize);
        lines[line].push((at, y));
    }
    lines
}
