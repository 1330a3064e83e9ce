//! Ratings in the `u.data` format of MovieLens-100K: user, item, rating, timestamp; tab-separated, counted from 1.
//!
//! The test split is a file (`ratings_test`), or a share of the ratings drawn from the stream `ratings/test` of
//! `mask_seed`, or there is none. Scalings use mean and standard deviation of the training ratings (before the
//! validation split) and are undone before test errors are taken: test values stay in the original units.

use super::text::Input;
use super::triples::{Indices, Triple, entries};
use super::{Build, Data, Files, Measurements, Problem, Scaling, check_area, csv};
use crate::axis::{Axis, Kind};
use crate::error::{Error, Result};
use crate::registry::Entry;
use crate::seed::Stream;
use crate::trial::Trial;
use crate::value::Literal;

/// Users × items.
pub const ENTRY: Entry<Build> = Entry {
    name: "ratings",
    doc: "ratings in the u.data format: user, item, rating, timestamp",
    axes: &[
        Axis::needed("ratings", "tab-separated file of ratings: user, item, rating, timestamp", Kind::File),
        Axis::optional(
            "ratings_test",
            "file of the test ratings, in the same format; empty: see test_share",
            Kind::File,
            Literal::Text(""),
        ),
        Axis::optional(
            "test_share",
            "share of the ratings drawn for the test; 0: none",
            Kind::Below(0.0, 1.0),
            Literal::Float(0.0),
        ),
        Axis::optional(
            "ratings_scaling",
            "training values: as they are, less their mean, or also over their standard deviation",
            Kind::Word(&["raw", "centred", "z_score"]),
            Literal::Text("raw"),
        ),
        csv::N1,
        csv::N2,
    ],
    build: |trial| Box::new(Ratings::of(trial)),
};

struct Ratings {
    ratings: Input,
    given_test: Input,
    test_share: f64,
    scaling: String,
    n1: usize,
    n2: usize,
    mask_seed: i64,
}

impl Ratings {
    fn of(trial: &Trial) -> Ratings {
        Ratings {
            ratings: Input::of(trial, "ratings"),
            given_test: Input::of(trial, "ratings_test"),
            test_share: trial.float("test_share"),
            scaling: trial.text("ratings_scaling").to_owned(),
            n1: trial.size("n1"),
            n2: trial.size("n2"),
            mask_seed: trial.int("mask_seed"),
        }
    }

    /// The ratings of a file, in order; none of them in `train`.
    fn read(&self, indices: &Indices, input: &Input, files: &dyn Files, train: &[Triple]) -> Result<Vec<Triple>> {
        let bytes = input.read(files)?;
        let mut text = input.text(&bytes)?;
        let mut triples = Vec::new();
        while let Some(line) = text.next()? {
            let [user, item, rating, timestamp] = line.fields('\t', ["user", "item", "rating", "timestamp"])?;
            triples.push(indices.triple(line.number, user, item, rating)?);
            timestamp.integer("timestamp", 0, i64::MAX, "")?;
        }
        indices.sort(&text, &mut triples)?;
        indices.disjoint(&text, train, &triples)?;
        Ok(triples)
    }

    /// Divides `all` (in order) into training and test ratings, both in order, at least one of each.
    fn split(&self, all: Vec<Triple>) -> Result<(Vec<Triple>, Vec<Triple>)> {
        let m = all.len();
        if m < 2 {
            let share = self.test_share;
            return Err(Error::Conflict(format!("axis \"test_share\": {share} needs at least 2 ratings, not {m}")));
        }
        let count = ((self.test_share * m as f64) as usize).clamp(1, m - 1);
        let mut drawn = vec![false; m];
        for k in Stream::new("ratings/test", self.mask_seed).permutation(m).into_iter().take(count) {
            drawn[k] = true;
        }
        let mut drawn = drawn.into_iter();
        Ok(all.into_iter().partition(|_| !drawn.next().unwrap_or(false)))
    }

    /// The transform for training ratings.
    fn scaling(&self, train: &[Triple]) -> Result<Scaling> {
        if self.scaling == "raw" {
            return Ok(Scaling::NONE);
        }
        let m = train.len() as f64;
        let mean = train.iter().map(Triple::value).sum::<f64>() / m;
        if self.scaling == "centred" {
            return Ok(Scaling { shift: mean, scale: 1.0 });
        }
        let variance = train.iter().map(|t| (t.value() - mean).powi(2)).sum::<f64>() / m;
        if variance == 0.0 {
            return Err(Error::Conflict(format!(
                "axis \"ratings_scaling\": \"z_score\" needs training ratings that differ; all are {mean}"
            )));
        }
        Ok(Scaling { shift: mean, scale: variance.sqrt() })
    }
}

impl Problem for Ratings {
    fn check(&self) -> Result<()> {
        if self.given_test.is_given() && self.test_share > 0.0 {
            return Err(Error::Conflict(format!(
                "axes \"ratings_test\" and \"test_share\": a given split and a share of {} exclude each other",
                self.test_share
            )));
        }
        check_area(self.n1, self.n2)
    }

    fn size(&self) -> Option<(usize, usize, usize)> {
        None
    }

    fn has_rank(&self) -> bool {
        false
    }

    fn data(&self, files: &dyn Files) -> Result<Data> {
        let indices =
            Indices { names: ["user", "item"], first: 1, bounds: [self.n1, self.n2], source: " (axes n1, n2)" };
        let all = self.read(&indices, &self.ratings, files, &[])?;
        let (train, test) = if self.given_test.is_given() {
            let test = self.read(&indices, &self.given_test, files, &all)?;
            (all, Some(test))
        } else if self.test_share > 0.0 {
            let (train, test) = self.split(all)?;
            (train, Some(test))
        } else {
            (all, None)
        };
        let (n1, n2) = indices.shape(train.iter().chain(test.iter().flatten()))?;
        let scaling = self.scaling(&train)?;
        let scaled = entries(train.iter(), n2, |y| (y - scaling.shift) / scaling.scale);
        let train = Measurements::Entries(scaled);
        let test = test.map(|test| entries(test.iter(), n2, |y| y));
        Ok(Data { n1, n2, validation: train.none(), train, test, truth: None, rank: None, scaling })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Entries;
    use crate::problem::fixture::{Memory, load_with};

    const U_DATA: &str = "1\t1\t5\t881250949\n1\t3\t3\t0\n2\t2\t4\t881250950\n2\t1\t1\t881250951\n";

    fn of(more: &str) -> Result<Data> {
        let mut files = Memory::default();
        files.add("u.data", U_DATA.as_bytes());
        files.add("u.test", b"1\t2\t2\t9\r\n3\t1\t5\t9\r\n");
        files.add("u.leak", b"1\t2\t2\t9\n2\t1\t5\t9\n");
        files.add("u.same", b"1\t2\t2\t9\n2\t1\t2\t9\n");
        load_with(&format!("problem=ratings {more}"), &files)
    }

    #[test]
    fn a_given_split_by_hand() {
        let data = of("ratings=u.data ratings_test=u.test").unwrap();
        assert_eq!((data.n1, data.n2), (3, 3));
        let train = Entries { index: vec![0, 2, 3, 4], value: vec![5.0, 3.0, 1.0, 4.0] };
        assert_eq!(data.train, Measurements::Entries(train));
        assert_eq!(data.test, Some(Entries { index: vec![1, 6], value: vec![2.0, 5.0] }));
    }

    #[test]
    fn scalings_are_of_the_training_ratings_and_leave_the_test_as_it_is() {
        // 5, 3, 1, 4: mean 13/4, variance 51/4 − (13/4)² = 35/16.
        for (word, scale) in [("centred", 1.0), ("z_score", 35f64.sqrt() / 4.0)] {
            let data = of(&format!("ratings=u.data ratings_test=u.test ratings_scaling={word}")).unwrap();
            assert!((data.scaling.shift - 3.25).abs() < 1e-15 && (data.scaling.scale - scale).abs() < 1e-15);
            assert!((data.train.values()[0] - 1.75 / scale).abs() < 1e-15);
            assert_eq!(data.test.unwrap().value, [2.0, 5.0]);
        }
        let refused = of("ratings=u.same ratings_scaling=z_score").unwrap_err().to_string();
        assert_eq!(refused, "axis \"ratings_scaling\": \"z_score\" needs training ratings that differ; all are 2");
    }

    #[test]
    fn a_random_split_divides_the_ratings_and_follows_its_seed() {
        let split = |seed: i64| {
            let data = of(&format!("ratings=u.data test_share=0.25 mask_seed={seed}")).unwrap();
            let Measurements::Entries(train) = data.train else { panic!("completion") };
            (train.index, data.test.unwrap().index)
        };
        let (train, test) = split(0);
        let mut all = [train.clone(), test.clone()].concat();
        all.sort_unstable();
        assert_eq!((all, test.len()), (vec![0, 2, 3, 4], 1));
        assert!((1..20).any(|seed| split(seed).1 != test));
    }

    #[test]
    fn no_split_means_no_test() {
        assert_eq!(of("ratings=u.data").unwrap().test, None);
    }

    #[test]
    fn a_rating_in_both_files_is_refused() {
        let refused = of("ratings=u.data ratings_test=u.leak").unwrap_err().to_string();
        assert_eq!(refused, "u.leak:2:1: user 2, item 1 is a training entry too, on line 4 of that file");
        let refused = of("ratings=u.data ratings_test=u.test test_share=0.1").unwrap_err().to_string();
        assert!(refused.ends_with("a given split and a share of 0.1 exclude each other"), "{refused}");
    }
}
