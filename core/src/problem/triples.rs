//! Lists of (row, column, value) as files give them: bounds, duplicates, order.

use super::text::{Field, MAX_SIDE, Text};
use super::{Entries, check_area};
use crate::error::Result;

/// One entry and the line that gave it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Triple {
    row: u32,
    column: u32,
    line: u32,
    value: f64,
}

/// What the two indices of a file are called and from where they count.
pub(super) struct Indices {
    pub(super) names: [&'static str; 2],
    /// 0 or 1.
    pub(super) first: usize,
    /// Rows and columns where they are known before the file is read; otherwise 0.
    pub(super) bounds: [usize; 2],
    /// Where the bounds come from, in words.
    pub(super) source: &'static str,
}

impl Indices {
    /// One entry from its three fields.
    pub(super) fn triple(&self, line: usize, row: Field, column: Field, value: Field) -> Result<Triple> {
        let index = |which: usize, field: Field| -> Result<u32> {
            let (sides, source) = match self.bounds[which] {
                0 => (MAX_SIDE, ""),
                known => (known, self.source),
            };
            let last = sides + self.first - 1;
            let i = field.integer(self.names[which], self.first as i64, last as i64, source)?;
            // Inside first..=MAX_SIDE by now.
            Ok((i as usize - self.first) as u32)
        };
        Ok(Triple { row: index(0, row)?, column: index(1, column)?, line: line as u32, value: value.number()? })
    }

    /// Orders `triples` by row and column.
    ///
    /// # Errors
    /// [`crate::error::Error::File`] at the second of two lines that give one entry.
    pub(super) fn sort(&self, text: &Text, triples: &mut [Triple]) -> Result<()> {
        triples.sort_unstable_by_key(|t| (t.row, t.column, t.line));
        let same = |pair: &&[Triple]| (pair[0].row, pair[0].column) == (pair[1].row, pair[1].column);
        // The first fault of the file, as everywhere else.
        match triples.windows(2).filter(same).min_by_key(|pair| pair[1].line) {
            None => Ok(()),
            Some(pair) => Err(text.error_at(
                pair[1].line as usize,
                format!("{} is given a second time, first on line {}", self.name(&pair[1]), pair[0].line),
            )),
        }
    }

    /// Refuses an entry of `test` that `train` has too; both are in order.
    pub(super) fn disjoint(&self, text: &Text, train: &[Triple], test: &[Triple]) -> Result<()> {
        let twice = test
            .iter()
            .filter_map(|t| train.binary_search_by_key(&(t.row, t.column), |s| (s.row, s.column)).ok().map(|k| (t, k)))
            .min_by_key(|(t, _)| t.line);
        match twice {
            None => Ok(()),
            Some((t, k)) => Err(text.error_at(
                t.line as usize,
                format!("{} is a training entry too, on line {} of that file", self.name(t), train[k].line),
            )),
        }
    }

    fn name(&self, t: &Triple) -> String {
        let [row, column] = self.names;
        format!("{row} {}, {column} {}", t.row as usize + self.first, t.column as usize + self.first)
    }

    /// Rows and columns: the bounds, or else the largest indices.
    ///
    /// # Errors
    /// [`crate::error::Error::Conflict`] where the matrix would have too many entries.
    pub(super) fn shape<'t>(&self, triples: impl Iterator<Item = &'t Triple>) -> Result<(usize, usize)> {
        let largest = triples.fold([0, 0], |[r, c], t| [r.max(t.row as usize + 1), c.max(t.column as usize + 1)]);
        let side = |which: usize| if self.bounds[which] == 0 { largest[which] } else { self.bounds[which] };
        check_area(side(0), side(1))?;
        Ok((side(0), side(1)))
    }
}

/// Ordered triples as entries of a matrix with `n2` columns, `value` applied to each value.
pub(super) fn entries<'t>(triples: impl Iterator<Item = &'t Triple>, n2: usize, value: impl Fn(f64) -> f64) -> Entries {
    let (index, value) = triples.map(|t| (t.row * n2 as u32 + t.column, value(t.value))).unzip();
    Entries { index, value }
}

impl Triple {
    pub(super) fn value(&self) -> f64 {
        self.value
    }
}
