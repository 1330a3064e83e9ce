//! One number of every cell of a sweep, for pictures: read once, then only what has changed.
//!
//! Outcomes are numbered in the order of their commits, so those above a number that was read before the first page are
//! the ones that a reader of all pages may have missed.

use super::cells::{CellState, named};
use super::database::{Row, args};
use super::error::{Error, Result};
use super::{Store, statements as sql};
use sweep_core::outcome::{COLUMNS, Status};

/// A point of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum At {
    /// Step 0.
    Initial,
    /// The last point.
    Last,
    /// The point with the least test error, which nothing may be selected by.
    Oracle,
    /// The point with the least validation error.
    Validated,
    /// No point: the run as a whole.
    Run,
}

impl At {
    /// The points, by the names of their columns in the view `results`.
    pub const POINTS: [(At, &'static str); 4] =
        [(At::Last, ""), (At::Oracle, "oracle_"), (At::Validated, "validated_"), (At::Initial, "initial_")];
}

/// A recorded scalar at a point of the run, or a number of the run as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Measure {
    /// Where.
    pub at: At,
    /// Which: an index into `sweep_core::outcome::COLUMNS`; at [`At::Run`] into [`Measure::OF_RUN`].
    pub column: usize,
}

impl Measure {
    /// What is measured of a run as a whole, by the names of its columns in `outcomes` and in the view `results`.
    pub const OF_RUN: [&str; 1] = ["steps_taken"];

    /// Every measure.
    pub fn all() -> impl Iterator<Item = Measure> {
        let points = At::POINTS.iter().flat_map(|(at, _)| (0..COLUMNS.len()).map(|column| Measure { at: *at, column }));
        points.chain((0..Self::OF_RUN.len()).map(|column| Measure { at: At::Run, column }))
    }

    /// The names of what is measured at the end of a run: recorded scalars, then [`Measure::OF_RUN`].
    pub fn of_the_end() -> impl Iterator<Item = &'static str> {
        COLUMNS.iter().map(|column| column.name).chain(Self::OF_RUN)
    }

    /// The measure of this name: one of [`Measure::OF_RUN`], a recorded column, or one with `oracle_`, `validated_` or `initial_` before it.
    pub fn named(name: &str) -> Option<Measure> {
        if let Some(column) = Self::OF_RUN.iter().position(|known| *known == name) {
            return Some(Measure { at: At::Run, column });
        }
        let (at, rest) = At::POINTS.iter().rev().find_map(|(at, prefix)| Some((*at, name.strip_prefix(prefix)?)))?;
        let column = COLUMNS.iter().position(|column| column.name == rest)?;
        Some(Measure { at, column })
    }

    /// Its name.
    pub fn name(self) -> String {
        let prefix = At::POINTS.iter().find(|(at, _)| *at == self.at).map_or("", |(_, prefix)| prefix);
        format!("{prefix}{}", self.scalar())
    }

    /// The name of the scalar, wherever it is taken.
    pub fn scalar(self) -> &'static str {
        if self.at == At::Run { Self::OF_RUN[self.column] } else { COLUMNS[self.column].name }
    }
}

/// What a done cell says of one measure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// Index of the cell.
    pub cell: u64,
    /// The row in `outcomes`.
    pub outcome: i64,
    /// How the run ended.
    pub status: Status,
    /// Whether its matrix has grown beyond the data's.
    pub inflated: bool,
    /// The number, where it has one.
    pub value: Option<f64>,
}

/// How far a reader is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// The number of the last outcome of any sweep.
    pub outcome: i64,
    /// Linked cells of the sweep.
    pub linked: u64,
}

/// Which readings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// From a cell on, at most so many, by cell.
    From(u64, u64),
    /// Of outcomes above a number that the cell recorded itself.
    Since(i64),
    /// Of cells that are linked to the outcome of an equal trial.
    Linked,
}

fn reading(mut row: Row) -> Result<Reading> {
    Ok(Reading {
        cell: row.count()?,
        outcome: row.int()?,
        status: named(&Status::ALL, &row.text()?)?,
        inflated: row.int()? == 1,
        value: row.maybe_float()?,
    })
}

impl Store {
    /// Readings of the done cells of a sweep.
    ///
    /// # Errors
    /// What the database says.
    pub async fn readings(&self, sweep: &str, measure: Measure, which: Which) -> Result<Vec<Reading>> {
        let texts = sql::readings(measure);
        let mut transaction = self.database.read().await?;
        let rows = match which {
            Which::From(cell, most) => transaction.rows(texts.from, args![sweep, cell, most]).await?,
            Which::Since(outcome) => transaction.rows(texts.since, args![sweep, outcome]).await?,
            Which::Linked => transaction.rows(texts.linked, args![sweep]).await?,
        };
        rows.into_iter().map(reading).collect()
    }

    /// Where a reader stands who begins now.
    ///
    /// # Errors
    /// What the database says.
    pub async fn mark(&self, sweep: &str) -> Result<Mark> {
        let row = self.database.read().await?.row(sql::MARK, args![sweep]).await?;
        let Some(mut row) = row else { return Ok(Mark { outcome: 0, linked: 0 }) };
        Ok(Mark { outcome: row.int()?, linked: row.count()? })
    }

    /// The cells of a sweep that were leased and have no outcome now, with their states, by index.
    ///
    /// # Errors
    /// What the database says.
    pub async fn unfinished(&self, sweep: &str) -> Result<Vec<(u64, CellState)>> {
        let rows = self.database.read().await?.rows(sql::UNFINISHED, args![sweep]).await?;
        let cell = |mut row: Row| Ok((row.count()?, named(&CellState::ALL, &row.text()?)?));
        let mut cells = rows.into_iter().map(cell).collect::<Result<Vec<_>>>()?;
        cells.sort_unstable_by_key(|(cell, _)| *cell);
        Ok(cells)
    }

    /// CPU seconds of every recorded outcome above the number `after`, by the sweep that recorded it, and the last number.
    ///
    /// # Errors
    /// What the database says.
    pub async fn cpu_seconds(&self, after: i64) -> Result<(i64, Vec<(String, f64)>)> {
        let mut transaction = self.database.read().await?;
        let rows = transaction.rows(sql::CPU_SECONDS, args![after]).await?;
        let mut last = after;
        let mut sums = Vec::new();
        for mut row in rows {
            let (sweep, sum) = (row.text()?, row.maybe_float()?.unwrap_or_default());
            last = last.max(row.int()?);
            sums.push((sweep, sum));
        }
        Ok((last, sums))
    }

    /// The leading singular values at every point of an outcome, by step.
    ///
    /// # Errors
    /// What the database says.
    pub async fn singular_values(&self, outcome: i64) -> Result<Vec<(u64, Vec<f64>)>> {
        let rows = self.database.read().await?.rows(sql::SINGULAR_VALUES, args![outcome]).await?;
        let point = |mut row: Row| {
            let (step, text) = (row.count()?, row.text()?);
            let values =
                serde_json::from_str(&text).map_err(|_| Error::Corrupt(format!("singular values \"{text}\"")))?;
            Ok((step, values))
        };
        rows.into_iter().map(point).collect()
    }

    /// Some scalars at every point of an outcome, by step.
    ///
    /// # Errors
    /// What the database says.
    pub async fn course(&self, outcome: i64, columns: &[usize]) -> Result<Vec<(u64, Vec<Option<f64>>)>> {
        let rows = self.database.read().await?.rows(*sql::POINTS, args![outcome]).await?;
        let point = |mut row: Row| {
            row.any();
            let step = row.count()?;
            let all = (0..COLUMNS.len()).map(|_| row.maybe_float()).collect::<Result<Vec<_>>>()?;
            Ok((step, columns.iter().map(|column| all[*column]).collect()))
        };
        rows.into_iter().map(point).collect()
    }
}
