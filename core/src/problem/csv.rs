//! An instance from files: its observed entries, and the truth where there is one.
//!
//! `observed` has the header `row,col,value` and one entry a line, indices from 0. `truth` has no header: n1 lines of
//! n2 numbers. Without a truth there are no test errors, and n1 and n2 are the axes' or else the largest indices + 1.
//! The truth's numerical rank (σ > 1e-6·σ_1) stands for its rank.

use super::text::{Input, MAX_SIDE, Text};
use super::triples::{Indices, entries};
use super::{Build, Data, Files, Problem, check_area, completion};
use crate::axis::{Axis, Kind};
use crate::error::{Error, Result};
use crate::registry::Entry;
use crate::seed::Stream;
use crate::train::spectrum;
use crate::value::Literal;
use ndarray::Array2;

pub(super) const N1: Axis =
    Axis::optional("n1", "rows n1; 0: as the files say", Kind::Int(0, 100_000), Literal::Int(0)).costly();
pub(super) const N2: Axis =
    Axis::optional("n2", "columns n2; 0: as the files say", Kind::Int(0, 100_000), Literal::Int(0)).costly();
const SAMPLES: Axis = Axis::optional(
    "samples",
    "observed entries used, a random subset nested in its size; 0: all of the file",
    Kind::Int(0, i64::MAX),
    Literal::Int(0),
)
.costly();

/// Observed entries and truth from files.
pub const ENTRY: Entry<Build> = Entry {
    name: "csv",
    doc: "observed entries (row,col,value) and, where known, the true matrix, from CSV files",
    axes: &[
        Axis::needed("observed", "CSV file of the observed entries: row,col,value", Kind::File),
        Axis::optional("truth", "CSV file of the true matrix; empty: none", Kind::File, Literal::Text("")),
        N1,
        N2,
        SAMPLES,
    ],
    build: |trial| {
        Box::new(Csv {
            observed: Input::of(trial, "observed"),
            truth: Input::of(trial, "truth"),
            n1: trial.size("n1"),
            n2: trial.size("n2"),
            samples: trial.size("samples"),
            mask_seed: trial.int("mask_seed"),
        })
    },
};

struct Csv {
    observed: Input,
    truth: Input,
    n1: usize,
    n2: usize,
    samples: usize,
    mask_seed: i64,
}

impl Problem for Csv {
    fn check(&self) -> Result<()> {
        check_area(self.n1, self.n2)
    }

    fn size(&self) -> Option<(usize, usize, usize)> {
        (self.n1 > 0 && self.n2 > 0 && self.samples > 0).then_some((self.n1, self.n2, self.samples))
    }

    fn has_rank(&self) -> bool {
        self.truth.is_given()
    }

    fn data(&self, files: &dyn Files) -> Result<Data> {
        let mut indices =
            Indices { names: ["row", "col"], first: 0, bounds: [self.n1, self.n2], source: " (axes n1, n2)" };
        let truth = if self.truth.is_given() {
            let bytes = self.truth.read(files)?;
            let w = matrix(self.truth.text(&bytes)?)?;
            for (axis, given, found) in [("n1", self.n1, w.nrows()), ("n2", self.n2, w.ncols())] {
                if given != 0 && given != found {
                    let allowed = format!("{found} (the shape of the truth), or 0");
                    return Err(Error::Range { axis: axis.to_owned(), value: given.to_string(), allowed });
                }
            }
            indices.bounds = [w.nrows(), w.ncols()];
            indices.source = " (the shape of the truth)";
            Some(w)
        } else {
            None
        };

        let bytes = self.observed.read(files)?;
        let mut text = self.observed.text(&bytes)?;
        let header = text.next()?.expect("a file that is not empty has a line");
        if header.text != "row,col,value" {
            return Err(header.fault("the header is not row,col,value".to_owned()));
        }
        let mut triples = Vec::new();
        while let Some(line) = text.next()? {
            let [row, column, value] = line.fields(',', ["row", "col", "value"])?;
            triples.push(indices.triple(line.number, row, column, value)?);
        }
        if triples.is_empty() {
            return Err(text.error_at(1, "no entry follows the header".to_owned()));
        }
        indices.sort(&text, &mut triples)?;
        let (n1, n2) = indices.shape(triples.iter())?;
        if self.samples > triples.len() {
            let allowed = format!("0..={} (the observed entries of the file)", triples.len());
            return Err(Error::Range { axis: "samples".to_owned(), value: self.samples.to_string(), allowed });
        }
        if self.samples > 0 {
            let order = Stream::new("mask", self.mask_seed).permutation(triples.len());
            let mut kept = order[..self.samples].to_vec();
            kept.sort_unstable();
            triples = kept.into_iter().map(|k| triples[k]).collect();
        }
        let rank = truth.as_ref().map(numerical_rank).transpose()?;
        Ok(completion(n1, n2, entries(triples.iter(), n2, |y| y), truth, rank))
    }
}

/// A matrix of one line per row, without a header.
fn matrix(mut text: Text) -> Result<Array2<f64>> {
    let (mut values, mut rows, mut columns) = (Vec::new(), 0, 0);
    while let Some(line) = text.next()? {
        if line.text.is_empty() {
            return Err(line.fault("an empty line where a row of numbers is expected".to_owned()));
        }
        let found = line.numbers(&mut values)?;
        if rows == 0 {
            columns = found;
        }
        if found != columns {
            return Err(line.fault(format!("{found} numbers in a matrix of {columns} columns")));
        }
        rows += 1;
        if rows > MAX_SIDE || columns > MAX_SIDE {
            return Err(line.fault(format!("a matrix of more than {MAX_SIDE} rows or columns")));
        }
    }
    Ok(Array2::from_shape_vec((rows, columns), values).expect("every row has as many numbers"))
}

/// Number of σ > 1e-6·σ_1.
fn numerical_rank(w: &Array2<f64>) -> Result<usize> {
    let (_, s, _) = spectrum::svd(w)?;
    Ok(s.iter().filter(|&&x| x > 1e-6 * s[0]).count())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::fixture::{Memory, instance, load_with};
    use crate::problem::{Entries, Measurements, Scaling};

    fn of(observed: &str, truth: &str, more: &str) -> Result<Data> {
        let mut files = Memory::default();
        files.add("o.csv", observed.as_bytes());
        let truth = if truth.is_empty() {
            ""
        } else {
            files.add("t.csv", truth.as_bytes());
            "truth=t.csv"
        };
        load_with(&format!("problem=csv observed=o.csv {truth} {more}"), &files)
    }

    #[test]
    fn a_small_instance_by_hand() {
        // Windows line ends, spaces, entries in any order, no last line end.
        let data = of("row,col,value\r\n1,0,-2.5\r\n 0 , 2,3e0", "1,2,3\r\n-2.5,4,5\r\n", "").unwrap();
        let train = Entries { index: vec![2, 3], value: vec![3.0, -2.5] };
        assert_eq!(data.train, Measurements::Entries(train));
        assert_eq!(data.test, Some(Entries { index: vec![0, 1, 4, 5], value: vec![1.0, 2.0, 4.0, 5.0] }));
        assert_eq!((data.n1, data.n2, data.rank, data.scaling), (2, 3, Some(2), Scaling::NONE));
        assert_eq!(data.truth.unwrap()[[1, 2]], 5.0);
    }

    #[test]
    fn without_a_truth_there_is_no_test_and_the_shape_is_the_axes_or_the_indices() {
        let text = "row,col,value\n3,1,2\n";
        let data = of(text, "", "").unwrap();
        assert_eq!((data.n1, data.n2, data.test, data.truth, data.rank), (4, 2, None, None, None));
        let data = of(text, "", "n1=7").unwrap();
        assert_eq!((data.n1, data.n2), (7, 2));
    }

    #[test]
    fn the_instances_are_read_as_they_were_written() {
        let data = instance("n50_r2_m500_s0");
        assert_eq!((data.n1, data.n2, data.rank), (50, 50, Some(2)));
        let truth = data.truth.as_ref().unwrap();
        let norm = truth.iter().map(|x| x * x).sum::<f64>().sqrt();
        assert!((norm - 50.0).abs() < 1e-12, "{norm}");
        let Measurements::Entries(observed) = &data.train else { panic!("completion") };
        assert_eq!((observed.index.len(), data.test.unwrap().index.len()), (500, 2000));
        assert!(observed.index.iter().zip(&observed.value).all(|(&i, y)| truth.as_slice().unwrap()[i as usize] == *y));
    }

    #[test]
    fn a_subset_is_nested_and_the_rest_becomes_test() {
        let observed = "row,col,value\n0,0,1\n0,1,2\n1,0,3\n1,1,4\n2,0,5\n2,1,6\n";
        let at = |m: usize| of(observed, "1,2\n3,4\n5,6\n", &format!("samples={m} mask_seed=4")).unwrap();
        let values = |data: &Data| data.train.values().to_vec();
        let (two, four) = (at(2), at(4));
        assert!(values(&two).iter().all(|y| values(&four).contains(y)));
        assert_eq!((values(&two).len(), values(&four).len(), four.test.unwrap().index.len()), (2, 4, 2));
        let refused = of(observed, "", "samples=7").unwrap_err();
        assert_eq!(refused.to_string(), "axis \"samples\": 7 is outside 0..=6 (the observed entries of the file)");
    }

    #[test]
    fn a_shape_other_than_the_truths_is_refused() {
        let refused = of("row,col,value\n0,0,1\n", "1,2\n3,4\n", "n1=3").unwrap_err();
        assert_eq!(refused.to_string(), "axis \"n1\": 3 is outside 2 (the shape of the truth), or 0");
    }
}
