//! Matrix sensing: `y_k = ⟨A_k, W*⟩ + noise`, k = 1 … m.
//!
//! `A_k = X_k/√(n1·n2)` with independent standard normal entries of `X_k` (`X/n` for a square matrix, as in the code of
//! Arora et al. 2019), so that noiseless measurements have RMS ‖W*‖_F/√(n1·n2) = 1. Operators are drawn one after
//! the other from the stream `sensing/operators` of `mask_seed`, noise from `problem/noise` of `problem_seed`: more
//! measurements add some and change none. The test error is taken over all entries.

use super::truth::*;
use super::{Build, Data, Entries, Files, Measurements, Problem, Scaling};
use crate::error::{Error, Result};
use crate::registry::Entry;
use crate::seed::Stream;
use ndarray::Array2;

/// The operators hold at most this many numbers (8 GiB).
const MOST: u64 = 1 << 30;

/// Gaussian measurements of a random matrix.
pub const ENTRY: Entry<Build> = Entry {
    name: "sensing",
    doc: "a random rank-r matrix W* seen through m gaussian operators, y = ⟨X/√(n1·n2), W*⟩",
    axes: &[N1, N2, RANK, SPECTRUM, CONDITION, SYMMETRY, SAMPLES, SAMPLES_DOF, NOISE],
    build: |trial| Box::new(Sensing { truth: Truth::of(trial), operators_seed: trial.int("mask_seed") }),
};

struct Sensing {
    truth: Truth,
    operators_seed: i64,
}

impl Problem for Sensing {
    fn check(&self) -> Result<()> {
        self.truth.check()?;
        let (n1, n2, m) = (self.truth.n1, self.truth.n2, self.truth.measurements());
        // m ≤ n1·n2 ≤ u32::MAX here, so the product fits.
        if m as u64 * (n1 * n2) as u64 > MOST {
            return Err(Error::Conflict(format!(
                "axes \"samples\", \"n1\", \"n2\": {m} operators of {n1}×{n2} entries are more than the {MOST} numbers allowed"
            )));
        }
        Ok(())
    }

    fn size(&self) -> Option<(usize, usize, usize)> {
        Some((self.truth.n1, self.truth.n2, self.truth.measurements()))
    }

    fn is_sensing(&self) -> bool {
        true
    }

    fn has_rank(&self) -> bool {
        true
    }

    fn data(&self, _: &dyn Files) -> Result<Data> {
        let Truth { n1, n2, rank, noise, seed, .. } = self.truth;
        let w = self.truth.matrix()?;
        let m = self.truth.measurements();
        let mut stream = Stream::new("sensing/operators", self.operators_seed);
        let deviation = 1.0 / ((n1 * n2) as f64).sqrt();
        let operators = Array2::from_shape_simple_fn((m, n1 * n2), || deviation * stream.normal());
        let mut stream = Stream::new("problem/noise", seed);
        let value = operators
            .rows()
            .into_iter()
            // Row by row, so that a measurement does not depend on how many there are.
            .map(|a| a.iter().zip(&w).map(|(a, w)| a * w).sum::<f64>() + noise * stream.normal())
            .collect();
        let train = Measurements::Sensing { operators, value };
        let test = Some(Entries::of(&w, |_| true));
        Ok(Data {
            n1,
            n2,
            validation: train.none(),
            train,
            test,
            truth: Some(w),
            rank: Some(rank),
            scaling: Scaling::NONE,
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::problem::Measurements;
    use crate::problem::fixture::{load, refused};
    use ndarray::s;

    #[test]
    fn measurements_are_nested_and_have_rms_one() {
        let at = |m: usize| load(&format!("problem=sensing n1=8 n2=6 rank=2 noise=0.1 samples={m}"));
        let (few, many) = (at(10), at(48));
        let (Measurements::Sensing { operators: a, value: y }, Measurements::Sensing { operators: b, value: z }) =
            (&few.train, &many.train)
        else {
            panic!("sensing")
        };
        assert_eq!(a, b.slice(s![..10, ..]));
        assert_eq!(y[..], z[..10]);
        assert_eq!(few.test.unwrap().index.len(), 48);
        let clean = load("problem=sensing n1=30 n2=20 rank=2 samples=600");
        let mean = clean.train.values().iter().map(|y| y * y).sum::<f64>() / 600.0;
        // ⟨X, W*⟩/√(n1·n2) is standard normal: five standard errors of the mean square are 5·√(2/600) = 0.29.
        assert!((mean - 1.0).abs() < 0.29, "{mean}");
    }

    #[test]
    fn a_measurement_is_the_inner_product_with_the_truth() {
        let data = load("problem=sensing n1=4 n2=3 rank=1 samples=5");
        let Measurements::Sensing { operators, value } = &data.train else { panic!("sensing") };
        let truth = data.truth.unwrap();
        for k in 0..5 {
            let mut inner = 0.0;
            for i in 0..4 {
                for j in 0..3 {
                    inner += operators[[k, 3 * i + j]] * truth[[i, j]];
                }
            }
            assert!((inner - value[k]).abs() < 1e-14, "{inner} {}", value[k]);
        }
    }

    #[test]
    fn operators_that_fill_the_memory_are_refused() {
        assert_eq!(
            refused("problem=sensing n1=1000 n2=1000 rank=1 samples=2000"),
            "axes \"samples\", \"n1\", \"n2\": 2000 operators of 1000×1000 entries are more than the 1073741824 numbers allowed"
        );
    }
}
