//! Which entries are observed.
//!
//! One rule: for one seed, the mask of m entries contains the mask of every smaller m (nested), so that a curve over
//! sample counts adds data and never exchanges them. All schemes draw from the stream `mask` of the mask's seed:
//!
//! - `uniform`: the first m of a random permutation of the entries;
//! - `bernoulli`: entry (i, j) where u_ij < m/(n1·n2), so the count is m on average; the entry of least u always;
//! - `power_law`: the m least `−ln(u_ij)/w_ij`, a sample without replacement by the weights `w_ij = (i·j)^(−e)`
//!   (Efraimidis and Spirakis 2006, algorithm A);
//! - `per_row`: the first k of each row in a random permutation, then the permutation's other entries in order.

use crate::axis::{Axis, Kind};
use crate::error::{Error, Result};
use crate::seed::Stream;
use crate::trial::Trial;
use crate::value::{Literal, Value};

pub(super) const SAMPLING: Axis = Axis::optional(
    "sampling",
    "how entries are observed: m without replacement, each with probability m/(n1·n2), \
     more often in leading rows and columns, or at least per_row in each row",
    Kind::Word(&["uniform", "bernoulli", "power_law", "per_row"]),
    Literal::Text("uniform"),
);
pub(super) const SAMPLING_EXPONENT: Axis = Axis::optional(
    "sampling_exponent",
    "exponent e of power_law sampling: entry (i, j) has weight (i·j)^(−e), i and j from 1",
    Kind::Float(0.0, 10.0),
    Literal::Float(1.0),
);
pub(super) const PER_ROW: Axis = Axis::optional(
    "per_row",
    "entries observed in every row at least, for per_row sampling",
    Kind::Int(0, 100_000),
    Literal::Int(0),
);

/// A sampling scheme and its seed.
pub(super) struct Mask {
    scheme: String,
    exponent: f64,
    per_row: usize,
    seed: i64,
}

impl Mask {
    pub(super) fn of(trial: &Trial) -> Mask {
        Mask {
            scheme: trial.text("sampling").to_owned(),
            exponent: trial.float("sampling_exponent"),
            per_row: trial.size("per_row"),
            seed: trial.int("mask_seed"),
        }
    }

    /// Conditions between the axes of sampling, for m entries of n1×n2.
    ///
    /// # Errors
    /// [`Error::Conflict`], [`Error::Range`].
    pub(super) fn check(&self, n1: usize, n2: usize, m: usize) -> Result<()> {
        let given = [
            (SAMPLING_EXPONENT, Value::Float(self.exponent), "power_law"),
            (PER_ROW, Value::Int(self.per_row as i64), "per_row"),
        ];
        for (axis, value, needs) in given {
            if self.scheme != needs && axis.default.map(Value::from).as_ref() != Some(&value) {
                let (name, scheme) = (axis.name, &self.scheme);
                return Err(Error::Conflict(format!(
                    "axis \"{name}\": {value} needs sampling \"{needs}\", not \"{scheme}\""
                )));
            }
        }
        if self.scheme == "per_row" {
            let (k, most) = (self.per_row, n2.min(m / n1));
            if most == 0 {
                return Err(Error::Conflict(format!(
                    "axis \"per_row\": {k} in each of {n1} rows needs at least {n1} samples, not {m}"
                )));
            }
            if !(1..=most).contains(&k) {
                let allowed = format!("1..={most} (min(n2, samples/n1))");
                return Err(Error::Range { axis: PER_ROW.name.to_owned(), value: k.to_string(), allowed });
            }
        }
        Ok(())
    }

    /// The observed entries of an n1×n2 matrix: flat indices `row·n2 + column`, ascending.
    pub(super) fn observed(&self, n1: usize, n2: usize, m: usize) -> Vec<u32> {
        let all = n1 * n2;
        let mut stream = Stream::new("mask", self.seed);
        let mut chosen: Vec<usize> = match self.scheme.as_str() {
            "bernoulli" => {
                let u: Vec<f64> = (0..all).map(|_| stream.uniform()).collect();
                let p = m as f64 / all as f64;
                let least = u.iter().copied().fold(1.0, f64::min);
                (0..all).filter(|&i| u[i] < p || u[i] == least).collect()
            }
            "power_law" => {
                let mut keyed: Vec<(f64, usize)> = (0..all)
                    .map(|i| {
                        let inverse_weight = ((i / n2 + 1) as f64 * (i % n2 + 1) as f64).powf(self.exponent);
                        (-stream.uniform().ln() * inverse_weight, i)
                    })
                    .collect();
                keyed.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
                keyed.into_iter().take(m).map(|(_, i)| i).collect()
            }
            "per_row" => {
                let mut in_row = vec![0; n1];
                let (first, rest): (Vec<usize>, Vec<usize>) = stream.permutation(all).into_iter().partition(|i| {
                    in_row[i / n2] += 1;
                    in_row[i / n2] <= self.per_row
                });
                first.into_iter().chain(rest).take(m).collect()
            }
            _ => stream.permutation(all).into_iter().take(m).collect(),
        };
        chosen.sort_unstable();
        chosen.into_iter().map(|i| i as u32).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(scheme: &str, seed: i64) -> Mask {
        Mask { scheme: scheme.to_owned(), exponent: 0.7, per_row: 3, seed }
    }

    #[test]
    fn masks_are_nested_ascending_and_of_their_size() {
        for scheme in ["uniform", "bernoulli", "power_law", "per_row"] {
            let mut smaller: Vec<u32> = Vec::new();
            for m in [60, 61, 100, 150, 239, 240] {
                let larger = mask(scheme, 5).observed(20, 12, m);
                assert!(larger.windows(2).all(|w| w[0] < w[1]) && larger.iter().all(|&i| i < 240), "{scheme}");
                assert!(smaller.iter().all(|i| larger.binary_search(i).is_ok()), "{scheme} {m}");
                if scheme != "bernoulli" {
                    assert_eq!(larger.len(), m, "{scheme}");
                }
                smaller = larger;
            }
            assert_eq!(smaller.len(), 240, "{scheme}: m = n1·n2 observes everything");
            assert_ne!(mask(scheme, 5).observed(20, 12, 60), mask(scheme, 6).observed(20, 12, 60));
        }
    }

    #[test]
    fn per_row_observes_at_least_k_in_every_row_even_with_no_sample_to_spare() {
        for (m, most) in [(60, 3), (80, 12)] {
            let mut rows = [0; 20];
            mask("per_row", 1).observed(20, 12, m).iter().for_each(|i| rows[*i as usize / 12] += 1);
            assert!(rows.iter().all(|n| (3..=most).contains(n)), "{rows:?}");
        }
    }

    #[test]
    fn bernoulli_has_the_mean_count_and_never_none() {
        let count = |seed: i64| mask("bernoulli", seed).observed(20, 12, 60).len();
        let counts: Vec<usize> = (0..200).map(count).collect();
        // Mean of 200 counts with variance 240·¼·¾ = 45: five standard errors are 5·√(45/200) = 2.4.
        let mean = counts.iter().sum::<usize>() as f64 / 200.0;
        assert!((mean - 60.0).abs() < 2.4, "{mean}");
        assert!(counts.iter().any(|&c| c != 60));
        assert!((0..50).all(|seed| !mask("bernoulli", seed).observed(3, 3, 1).is_empty()));
    }

    #[test]
    fn power_law_draws_the_first_entry_as_often_as_its_weight_says() {
        // One draw from a 2×2 matrix with e = 1: weights 1, ½, ½, ¼, so P(first) = 4/9, P(last) = 1/9.
        let mut counts = [0.0; 4];
        for seed in 0..9000 {
            let first = Mask { exponent: 1.0, ..mask("power_law", seed) }.observed(2, 2, 1)[0];
            counts[first as usize] += 1.0;
        }
        // Five standard errors of 9000 draws: 5·√(9000·4/9·5/9) = 236.
        for (count, expected) in counts.iter().zip([4000.0f64, 2000.0, 2000.0, 1000.0]) {
            assert!((count - expected).abs() < 236.0, "{counts:?}");
        }
    }
}
