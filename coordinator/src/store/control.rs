//! What users say about a sweep after it was submitted: its rank among others, its end, its cells once more.
//!
//! One rule: whoever takes a lease away here knows that its worker was told, or hears it with its next word; a fence that
//! no longer counts changes nothing either way.

use super::cells::{self, CellState, Stage};
use super::database::{Row, args};
use super::error::{Error, Result};
use super::{Coordinates, Store, statements as sql};

/// A cell that was ever leased, in one line.
#[derive(Debug, Clone, PartialEq)]
pub struct Touched {
    /// Index of the cell.
    pub cell: u64,
    /// What it is part of.
    pub stage: Stage,
    /// Its coordinates.
    pub coordinates: Coordinates,
    /// Its state.
    pub state: CellState,
    /// Whether its outcome was recorded by another cell.
    pub linked: bool,
    /// Status of its outcome, where it has one.
    pub status: Option<String>,
    /// Whether that outcome is inflated.
    pub inflated: bool,
    /// Relative test error at the end.
    pub test_rel: Option<f64>,
    /// Training loss at the end.
    pub train_loss: Option<f64>,
    /// Wall seconds of training.
    pub wall_seconds: Option<f64>,
    /// Its attempts, links included.
    pub attempts: u64,
    /// Who made the latest.
    pub worker: Option<String>,
    /// Why the latest ended, where it ended badly.
    pub error: Option<String>,
}

impl Store {
    /// Changes a sweep's rank: those of a higher priority are worked on first.
    ///
    /// # Errors
    /// [`Error::UnknownSweep`].
    pub async fn set_priority(&self, sweep: &str, priority: i64) -> Result<()> {
        let mut transaction = self.database.write().await?;
        if transaction.execute(sql::SET_PRIORITY, args![sweep, priority]).await? != 1 {
            return Err(Error::UnknownSweep { key: sweep.to_owned(), known: Vec::new() });
        }
        transaction.commit().await
    }

    /// Ends a sweep: leases are taken away, and cells that came back or were out are cancelled. Those that are final stay
    /// as they are.
    ///
    /// # Errors
    /// [`Error::UnknownSweep`].
    pub async fn cancel(&self, sweep: &str, now_ms: i64) -> Result<()> {
        let mut transaction = self.database.write().await?;
        if transaction.execute(sql::SET_STATE, args![sweep, "cancelled"]).await? != 1 {
            return Err(Error::UnknownSweep { key: sweep.to_owned(), known: Vec::new() });
        }
        transaction.execute(sql::CANCEL_ATTEMPTS, args![sweep, now_ms]).await?;
        transaction.execute(sql::CANCEL_CELLS, args![sweep]).await?;
        super::blobs::drop_checkpoints(&mut transaction).await?;
        transaction.commit().await
    }

    /// Goes on with a sweep that was paused or cancelled: it is running, and its cancelled cells are ready again.
    ///
    /// # Errors
    /// [`Error::UnknownSweep`].
    pub async fn go_on(&self, sweep: &str) -> Result<()> {
        let mut transaction = self.database.write().await?;
        if transaction.execute(sql::SET_STATE, args![sweep, "running"]).await? != 1 {
            return Err(Error::UnknownSweep { key: sweep.to_owned(), known: Vec::new() });
        }
        transaction.execute(sql::UNCANCEL_CELLS, args![sweep]).await?;
        transaction.commit().await
    }

    /// Makes cells ready again as if they had never been run, those out on lease apart: earlier failures no longer count,
    /// checkpoints are dropped, and an accepted outcome goes, unless another cell is linked to it. It is not linked again:
    /// the cell is trained. Attempts stay as history, and the fence goes on rising. Answers how many cells changed.
    ///
    /// # Errors
    /// What the database says.
    pub async fn reopen(&self, sweep: &str, cells: &[u64]) -> Result<u64> {
        let mut values = Vec::with_capacity(2 * cells.len());
        for &cell in cells {
            values.extend_from_slice(args![sweep, cell]);
        }
        let mut transaction = self.database.write().await?;
        let reopened = sql::REOPEN.run(&mut transaction, &values).await?.len() as u64;
        for mut row in sql::FORGET_CHECKPOINTS.run(&mut transaction, &values).await? {
            transaction.execute(sql::DROP_BLOB, args![row.text()?]).await?;
        }
        if reopened > 0 {
            transaction.execute(sql::DROP_ORPHANS_OF, args![sweep]).await?;
        }
        transaction.commit().await?;
        Ok(reopened)
    }

    /// Up to `most` of the cells that were ever leased, by index, those after `after`.
    ///
    /// # Errors
    /// What the database says.
    pub async fn touched(&self, sweep: &str, after: Option<u64>, most: u64) -> Result<Vec<Touched>> {
        let after = after.map_or(-1, |cell| i64::try_from(cell).unwrap_or(i64::MAX));
        let rows = self.database.read().await?.rows(sql::TOUCHED, args![sweep, after, most]).await?;
        let touched = |mut row: Row| {
            Ok(Touched {
                cell: row.count()?,
                stage: cells::named(&Stage::ALL, &row.text()?)?,
                coordinates: cells::coordinates(&row.text()?)?,
                state: cells::named(&CellState::ALL, &row.text()?)?,
                linked: row.int()? == 1,
                status: row.maybe_text()?,
                inflated: row.maybe_int()? == Some(1),
                test_rel: row.maybe_float()?,
                train_loss: row.maybe_float()?,
                wall_seconds: row.maybe_float()?,
                attempts: row.count()?,
                worker: row.maybe_text()?,
                error: row.maybe_text()?,
            })
        };
        rows.into_iter().map(touched).collect()
    }
}
