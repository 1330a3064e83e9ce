//! The database that remembers: sweeps, cells that were ever leased, attempts, outcomes, checkpoints.
//!
//! One rule: what is answered is durable. Every write is one transaction, committed before the call returns, and a
//! write that ends an attempt names its fence: a fence that is no longer current changes zero rows. Time is an
//! argument. Numbers in SQL are finite or NULL.
//!
//! | file | idea |
//! |---|---|
//! | [`database`](self) | SQLite and Postgres behind one transaction type: the only file that knows which it is |
//! | `location` | where the database is, who owns the file, which file systems are refused |
//! | `migrate`, `views`, `describe` | schema, views made from the axis list, what each column means |
//! | `statements` | every statement, named |
//! | `sweeps`, `extensions`, `cells`, `outcomes`, `control`, `blobs`, `workers`, `tokens` | the methods of [`Store`] by subject |
//! | `answer` | the runs that a sweep reports, and what was given up; `readings`: one number of every cell, for pictures |
//! | `check` | what must hold, whatever happened |
//! | `facts` | version, durability, place |
//! | `keys` | what statistics group by |
//! | `query`, `asker` | a user's SQL, read-only, with limits, as a role that sees no more |
//!
//! `docs/sql.md` explains the schema to users.

mod answer;
mod asker;
mod blobs;
mod cells;
mod check;
mod control;
mod database;
mod describe;
mod error;
mod extensions;
mod facts;
mod hint;
mod keys;
mod location;
mod migrate;
mod outcomes;
mod query;
mod readings;
mod statements;
mod sweeps;
mod tokens;
mod views;
mod workers;

pub use answer::Run;
pub use blobs::{CHECKPOINT_QUOTA, Gone, Usage};
pub use cells::{
    Attempt, CameBack, Cell, CellState, Counts, Ended, Ending, Granted, Lease, NewCell, Outstanding, Score, Stage,
};
pub use check::{Checked, Snapshot, Violation};
pub use control::Touched;
pub use database::Datum;
pub use describe::{Relation, document, relations};
pub use error::{Error, Result};
pub use extensions::{NewExtension, whole};
pub use facts::Facts;
pub use keys::Coordinates;
pub use location::Location;
pub use outcomes::{Finished, Recorded, Stored};
pub use query::{Limits, Table};
pub use readings::{At, Mark, Measure, Reading, Which};
pub use sweep_core::job::Provenance;
pub use sweeps::{NewSweep, Selection, Sweep, SweepState, check_tag};
pub use tokens::{Role, Token, secret, token_hash};
pub use views::{Column, ColumnType, result_columns};
pub use workers::{SeenWorker, Worker};

use database::Database;
use location::Owner;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// An open database. Clones share it.
#[derive(Debug, Clone)]
pub struct Store {
    database: Database,
    location: Location,
    /// Held while any clone lives.
    owner: Option<Arc<Owner>>,
}

impl Store {
    /// Opens `location` for writing: makes a SQLite file where there is none, brings the schema up to date, and owns
    /// the file until the last clone is dropped.
    ///
    /// # Errors
    /// [`Error::Locked`], [`Error::NetworkFileSystem`], [`Error::Unwritable`], [`Error::Newer`], [`Error::NotDurable`].
    pub async fn open(location: &Location, now_ms: i64) -> Result<Store> {
        let owner = Some(Arc::new(Owner::take(location).await?));
        let mut database = Database::open(location, true).await?;
        durable(&database).await?;
        migrate::migrate(&database, migrate::MIGRATIONS, now_ms).await?;
        database.separate_asker().await;
        Ok(Store { database, location: location.clone(), owner })
    }

    /// Opens `location` for reading, also while another process writes.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::Older`], [`Error::Newer`].
    pub async fn read(location: &Location) -> Result<Store> {
        if let Location::Sqlite(path) = location
            && !path.is_file()
        {
            return Err(Error::Missing(path.clone()));
        }
        let database = Database::open(location, false).await?;
        migrate::check(&database).await?;
        Ok(Store { database, location: location.clone(), owner: None })
    }

    /// Where it is.
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// Asserts that this process still has the right to write; a coordinator asks now and then.
    ///
    /// # Errors
    /// [`Error::Locked`] where another process has it now: this one must stop. Anything else may pass.
    pub async fn assert_owner(&self) -> Result<()> {
        match &self.owner {
            Some(owner) => owner.assert().await,
            None => Err(Error::ReadOnly),
        }
    }

    /// Writes one consistent, compact copy of a SQLite database to the new file `to`, also while another process
    /// writes; the copy is on the disk when this returns.
    ///
    /// # Errors
    /// [`Error::Unwritable`], where `to` is there already too; [`Error::Server`] for Postgres.
    pub async fn back_up(&self, to: &Path) -> Result<()> {
        let unwritable = |reason: String| Error::Unwritable { path: to.to_owned(), reason };
        if to.exists() {
            return Err(unwritable("it is there already".to_owned()));
        }
        let mut part = to.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        // What an interrupted backup left.
        let _ = std::fs::remove_file(&part);
        self.database.copy(&part).await.map_err(|error| match error {
            Error::Server => Error::Server,
            error => unwritable(error.to_string()),
        })?;
        let kept = std::fs::File::open(&part).and_then(|file| file.sync_all());
        kept.and_then(|()| std::fs::rename(&part, to)).map_err(|error| unwritable(error.to_string()))
    }

    /// Closes the connections; on SQLite the log is folded into the file.
    pub async fn close(self) {
        self.database.close().await;
    }
}

/// Asserts that a commit reaches the disk before it is answered.
async fn durable(database: &Database) -> Result<()> {
    let mut transaction = database.write().await?;
    let settings = if database.is_sqlite() { facts::SQLITE } else { facts::POSTGRES };
    for &(setting, ask, needed) in settings {
        let value = facts::shown(transaction.row(ask, &[]).await?.map(|mut row| row.any()));
        if value != needed {
            return Err(Error::NotDurable { setting, value, needed });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
