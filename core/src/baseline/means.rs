//! Row and column means: every entry of a row (column) is the mean of its observed entries, or of all observed entries
//! where it has none.

use super::{Baseline, Build, Solution, observed};
use crate::error::Result;
use crate::problem::Data;
use crate::registry::Entry;
use ndarray::Array2;

/// Row means.
pub const ROWS: Entry<Build> = Entry {
    name: "row_means",
    doc: "the mean of the observed entries of each row",
    axes: &[],
    build: |_| Box::new(Means { name: "row_means", by_row: true }),
};

/// Column means.
pub const COLUMNS: Entry<Build> = Entry {
    name: "column_means",
    doc: "the mean of the observed entries of each column",
    axes: &[],
    build: |_| Box::new(Means { name: "column_means", by_row: false }),
};

struct Means {
    name: &'static str,
    by_row: bool,
}

impl Baseline for Means {
    fn solve(&self, data: &Data, _: &mut dyn FnMut() -> bool) -> Result<Solution> {
        let entries = observed(self.name, data)?;
        let line = |i: usize| if self.by_row { i / data.n2 } else { i % data.n2 };
        let mut sums = vec![(0.0, 0u32); if self.by_row { data.n1 } else { data.n2 }];
        for (&i, &y) in entries.index.iter().zip(&entries.value) {
            let (sum, count) = &mut sums[line(i as usize)];
            *sum += y;
            *count += 1;
        }
        let overall = entries.value.iter().sum::<f64>() / entries.value.len() as f64;
        let mean = |(sum, count): (f64, u32)| if count == 0 { overall } else { sum / f64::from(count) };
        let w = Array2::from_shape_fn((data.n1, data.n2), |(a, b)| mean(sums[if self.by_row { a } else { b }]));
        Ok(Solution { w, iterations: 1, converged: true, objective: None })
    }
}
