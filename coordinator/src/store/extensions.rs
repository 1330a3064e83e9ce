//! Extensions: files that gave a sweep more cells after it was submitted.
//!
//! A sweep is its file as it was submitted, and each longer file in turn; its cells follow from these by arithmetic, so
//! that an index means the same for ever.

use super::database::{Transaction, args};
use super::error::{Error, Result};
use super::sweeps::Sweep;
use super::{Store, statements as sql};
use std::ops::Range;
use sweep_core::sweep;
use sweep_core::trial::Inputs;

/// What gives a sweep more cells.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NewExtension<'a> {
    /// The whole longer file.
    pub source: &'a str,
    /// Hash of its meaning.
    pub digest: &'a str,
    /// What the sweep is for, as it says.
    pub description: &'a str,
    /// Cells of the sweep from then on.
    pub cells: u64,
    /// Content hash of every file that it names, by path; the content is stored first.
    pub inputs: &'a Inputs,
    /// Groups that get more tuning cells: what was chosen for them is forgotten.
    pub retuned: &'a [Range<u64>],
}

impl Sweep {
    /// Its file as it is now: the latest that was given.
    pub fn latest(&self) -> &str {
        self.extensions.last().unwrap_or(&self.source)
    }

    /// Its cells, those of its extensions included.
    ///
    /// # Errors
    /// Why this version of the program does not accept one of its files.
    pub fn parsed(&self) -> std::result::Result<sweep::Sweep, String> {
        whole(&self.source, &self.extensions)
    }
}

/// What the file of a sweep and the longer files after it ask for together.
///
/// # Errors
/// Why this version of the program does not accept one of them.
pub fn whole(source: &str, extensions: &[String]) -> std::result::Result<sweep::Sweep, String> {
    let parse = |source: &str| {
        sweep::Sweep::parse(source.as_bytes(), u64::MAX)
            .map_err(|found| found.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
    };
    extensions
        .iter()
        .try_fold(parse(source)?, |whole, source| whole.extended(&parse(source)?).map_err(|unfit| unfit.to_string()))
}

impl Store {
    /// Gives a sweep more cells; one that was finished is running again.
    ///
    /// # Errors
    /// [`Error::UnknownSweep`]; fails if the content of an input is not stored.
    pub async fn extend(&self, sweep: &str, new: &NewExtension<'_>, now_ms: i64) -> Result<()> {
        let mut transaction = self.database.write().await?;
        if transaction.execute(sql::EXTEND_SWEEP, args![sweep, new.cells, new.description]).await? != 1 {
            return Err(Error::UnknownSweep { key: sweep.to_owned(), known: Vec::new() });
        }
        let seq = sources(&mut transaction, sweep).await?.len() as u64 + 1;
        let row = args![sweep, seq, new.source, new.digest, new.cells, now_ms];
        transaction.execute(sql::ADD_EXTENSION, row).await?;
        for (path, hash) in new.inputs {
            transaction.execute(sql::MERGE_INPUT, args![sweep, path, hash]).await?;
        }
        for groups in new.retuned.iter().filter(|groups| !groups.is_empty()) {
            transaction.execute(sql::FORGET_SELECTIONS, args![sweep, groups.start, groups.end - 1]).await?;
        }
        transaction.commit().await
    }
}

/// The longer files of a sweep, in order.
pub(super) async fn sources(transaction: &mut Transaction, sweep: &str) -> Result<Vec<String>> {
    transaction.rows(sql::EXTENSIONS, args![sweep]).await?.into_iter().map(|mut row| row.text()).collect()
}
