//! What a sweep answers with: its reported runs, and the cells that were given up.

use super::cells::{coordinates, named};
use super::database::{Row, args};
use super::error::Result;
use super::keys::Coordinates;
use super::{Store, statements as sql};
use sweep_core::outcome::Status;

/// A reported run: of a plain grid, or a refit. Numbers are those of its last point.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Index of the cell.
    pub cell: u64,
    /// Its coordinates.
    pub coordinates: Coordinates,
    /// How it ended.
    pub status: Status,
    /// Whether its matrix has grown beyond the data's.
    pub inflated: bool,
    /// ‖(W−W*)_unobs‖_F / ‖W*_unobs‖_F.
    pub test_rel: Option<f64>,
    /// Root mean square error over the unobserved entries.
    pub test_rmse: Option<f64>,
    /// exp(−Σ p ln p), p = σ/Σσ.
    pub effective_rank: Option<f64>,
}

impl Run {
    /// Whether it counts as a failure: diverged or inflated.
    pub fn failed(&self) -> bool {
        self.status == Status::Diverged || self.inflated
    }
}

impl Store {
    /// The reported runs of a sweep by cell, from cell `from` on and at most `most`; tuning runs are not among them.
    ///
    /// # Errors
    /// What the database says.
    pub async fn runs(&self, sweep: &str, from: u64, most: u64) -> Result<Vec<Run>> {
        let rows = self.database.read().await?.rows(sql::RUNS, args![sweep, from, most]).await?;
        let run = |mut row: Row| {
            Ok(Run {
                cell: row.count()?,
                coordinates: coordinates(&row.text()?)?,
                status: named(&Status::ALL, &row.text()?)?,
                inflated: row.int()? == 1,
                test_rel: row.maybe_float()?,
                test_rmse: row.maybe_float()?,
                effective_rank: row.maybe_float()?,
            })
        };
        rows.into_iter().map(run).collect()
    }

    /// The cells of a sweep that were given up, with what was said, at most `most`.
    ///
    /// # Errors
    /// What the database says.
    pub async fn given_up(&self, sweep: &str, most: u64) -> Result<Vec<(u64, String)>> {
        let rows = self.database.read().await?.rows(sql::GIVEN_UP, args![sweep, most]).await?;
        rows.into_iter().map(|mut row| Ok((row.count()?, row.maybe_text()?.unwrap_or_default()))).collect()
    }
}
