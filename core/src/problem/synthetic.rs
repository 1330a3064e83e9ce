//! Completion of a random low-rank matrix.
//!
//! The truth comes from `problem_seed` alone (see `truth`), the mask from `mask_seed` alone (see `mask`). The noise of
//! an entry is drawn for every entry, observed or not, so it does not depend on the mask.

use super::mask::{Mask, PER_ROW, SAMPLING, SAMPLING_EXPONENT};
use super::truth::*;
use super::{Build, Data, Entries, Files, Problem, completion};
use crate::error::Result;
use crate::registry::Entry;
use crate::seed::Stream;

/// A random matrix, some entries observed.
pub const ENTRY: Entry<Build> = Entry {
    name: "synthetic",
    doc: "a random rank-r matrix W* with ‖W*‖_F = √(n1·n2), m of its entries observed",
    axes: &[
        N1,
        N2,
        RANK,
        SPECTRUM,
        CONDITION,
        SYMMETRY,
        SAMPLES,
        SAMPLES_DOF,
        NOISE,
        SAMPLING,
        SAMPLING_EXPONENT,
        PER_ROW,
    ],
    build: |trial| Box::new(Synthetic { truth: Truth::of(trial), mask: Mask::of(trial) }),
};

struct Synthetic {
    truth: Truth,
    mask: Mask,
}

impl Problem for Synthetic {
    fn check(&self) -> Result<()> {
        self.truth.check()?;
        self.mask.check(self.truth.n1, self.truth.n2, self.truth.measurements())
    }

    fn size(&self) -> Option<(usize, usize, usize)> {
        Some((self.truth.n1, self.truth.n2, self.truth.measurements()))
    }

    fn has_rank(&self) -> bool {
        true
    }

    fn data(&self, _: &dyn Files) -> Result<Data> {
        let Truth { n1, n2, rank, noise, seed, .. } = self.truth;
        let w = self.truth.matrix()?;
        let m = self.truth.measurements();
        let index = self.mask.observed(n1, n2, m);
        let mut measured: Vec<f64> = w.iter().copied().collect();
        if noise > 0.0 {
            let mut stream = Stream::new("problem/noise", seed);
            measured.iter_mut().for_each(|y| *y += noise * stream.normal());
        }
        let value = index.iter().map(|&i| measured[i as usize]).collect();
        Ok(completion(n1, n2, Entries { index, value }, Some(w), Some(rank)))
    }
}

#[cfg(test)]
mod tests {
    use crate::problem::fixture::{load, refused};
    use crate::problem::{Data, Measurements};

    fn entries(data: &Data) -> Vec<(u32, f64)> {
        let Measurements::Entries(e) = &data.train else { panic!("completion") };
        e.index.iter().copied().zip(e.value.iter().copied()).collect()
    }

    #[test]
    fn more_samples_add_entries_and_change_none_even_with_noise() {
        for sampling in ["uniform", "bernoulli", "power_law", "per_row per_row=2"] {
            let at = |m: usize| load(&format!("n1=20 n2=12 rank=2 noise=0.5 sampling={sampling} samples={m}"));
            let (few, many) = (at(60), at(200));
            assert_eq!(few.truth, many.truth);
            let many = entries(&many);
            assert!(entries(&few).iter().all(|e| many.contains(e)), "{sampling}");
            assert!(entries(&few).len() < many.len());
        }
    }

    #[test]
    fn seeds_move_what_they_name_and_nothing_else() {
        let data = |more: &str| load(&format!("n1=10 n2=12 rank=2 samples=60 {more}"));
        let (base, mask, problem) = (data(""), data("mask_seed=1"), data("problem_seed=1"));
        assert_eq!(base.truth, mask.truth);
        assert_ne!(base.truth, problem.truth);
        let index = |d: &Data| entries(d).iter().map(|e| e.0).collect::<Vec<_>>();
        assert_eq!(index(&base), index(&problem));
        assert_ne!(index(&base), index(&mask));
    }

    #[test]
    fn observed_and_test_entries_are_the_matrix() {
        let data = load("n1=10 n2=12 rank=2 samples=60");
        let test = data.test.as_ref().unwrap();
        let mut all = entries(&data);
        all.extend(test.index.iter().copied().zip(test.value.iter().copied()));
        all.sort_unstable_by_key(|e| e.0);
        let truth = data.truth.as_ref().unwrap();
        assert!(all.iter().map(|e| e.1).eq(truth.iter().copied()), "noiseless");
        assert_eq!((data.rank, test.index.len()), (Some(2), 60));
    }

    #[test]
    fn noise_has_its_standard_deviation_and_spares_the_truth() {
        let (clean, noisy) =
            (load("n1=80 n2=50 rank=2 samples=4000"), load("n1=80 n2=50 rank=2 samples=4000 noise=0.3"));
        assert_eq!(clean.truth, noisy.truth);
        let square = |(a, b): (&(u32, f64), &(u32, f64))| (a.1 - b.1) * (a.1 - b.1);
        let mean = entries(&clean).iter().zip(&entries(&noisy)).map(square).sum::<f64>() / 4000.0;
        // Five standard errors of the variance: 5·√(2/4000) = 11 %.
        assert!((mean / 0.09 - 1.0).abs() < 0.11, "{mean}");
    }

    #[test]
    fn values_that_do_not_fit_together_are_refused_with_what_is_allowed() {
        for (given, message) in [
            ("n1=50 n2=60 rank=60 samples=9", "axis \"rank\": 60 is outside 1..=50 (min(n1, n2))"),
            ("n1=5 n2=6 rank=2 samples=31", "axis \"samples\": 31 is outside 1..=30 (n1·n2)"),
            (
                "n1=5 n2=6 rank=2",
                "axis \"samples\" needs a value for problem \"synthetic\": 1..=30 (n1·n2), or samples_dof above 0",
            ),
            (
                "n1=5 n2=6 rank=2 samples=9 samples_dof=1.0",
                "axes \"samples\" and \"samples_dof\": 9 and 1 exclude each other; give one of them",
            ),
            (
                "n1=5 n2=6 rank=2 samples_dof=2.0",
                "axis \"samples_dof\": 2 (m = 36) is outside what gives 1..=30 measurements (n1·n2)",
            ),
            ("n1=5 n2=6 rank=2 samples=9 symmetry=psd", "axis \"symmetry\": \"psd\" needs n1 = n2, not 5 and 6"),
            (
                "n1=5 n2=6 rank=2 samples=9 condition=2.0",
                "axis \"condition\": 2 needs spectrum \"geometric\", not \"gaussian\"",
            ),
            ("n1=5 n2=6 rank=2 samples=9 per_row=2", "axis \"per_row\": 2 needs sampling \"per_row\", not \"uniform\""),
            (
                "n1=5 n2=6 rank=2 samples=14 sampling=per_row per_row=3",
                "axis \"per_row\": 3 is outside 1..=2 (min(n2, samples/n1))",
            ),
            (
                "n1=5 n2=6 rank=2 samples=14 sampling=per_row",
                "axis \"per_row\": 0 is outside 1..=2 (min(n2, samples/n1))",
            ),
            (
                "n1=5 n2=6 rank=2 samples=4 sampling=per_row per_row=1",
                "axis \"per_row\": 1 in each of 5 rows needs at least 5 samples, not 4",
            ),
            (
                "n1=5 n2=6 rank=2 samples=9 sampling_exponent=2.0",
                "axis \"sampling_exponent\": 2 needs sampling \"power_law\", not \"uniform\"",
            ),
            (
                "n1=100000 n2=100000 rank=2 samples=9",
                "axes \"n1\", \"n2\": 100000×100000 entries are more than the 4294967295 allowed",
            ),
        ] {
            assert_eq!(refused(given), message);
        }
    }
}
