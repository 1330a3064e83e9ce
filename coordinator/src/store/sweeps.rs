//! Sweeps: what users submitted, how they are found again, and how they go.

use super::blobs::Gone;
use super::database::{Row, Transaction, args};
use super::error::{Error, Result};
use super::keys::Coordinates;
use super::{Store, statements as sql};
use sweep_core::trial::Inputs;

/// What a user submits.
#[derive(Debug, Clone, Copy)]
pub struct NewSweep<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it is for.
    pub description: &'a str,
    /// The sweep file, as it was.
    pub source: &'a str,
    /// Hash of its meaning: two files with one digest have the same cells.
    pub digest: &'a str,
    /// Number of cells.
    pub cells: u64,
    /// Content hash by path; the content is stored first, see [`Store::save_blob`].
    pub inputs: &'a Inputs,
    /// Whether every cell is trained even where an equal trial has an outcome.
    pub fresh: bool,
}

/// A sweep's own state (its cells have theirs).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SweepState {
    /// Cells are handed out.
    Running,
    /// No cell is handed out for now.
    Paused,
    /// Every cell is final.
    Finished,
    /// No cell will be handed out.
    Cancelled,
}

impl SweepState {
    const ALL: [(SweepState, &'static str); 4] = [
        (SweepState::Running, "running"),
        (SweepState::Paused, "paused"),
        (SweepState::Finished, "finished"),
        (SweepState::Cancelled, "cancelled"),
    ];

    /// The word in SQL.
    pub fn word(self) -> &'static str {
        super::cells::word(&SweepState::ALL, self)
    }
}

/// A stored sweep.
#[derive(Debug, Clone, PartialEq)]
pub struct Sweep {
    /// Twelve hex digits.
    pub id: String,
    /// As submitted.
    pub name: String,
    /// As submitted.
    pub description: String,
    /// The sweep file, as it was submitted.
    pub source: String,
    /// The longer files that extended it since, in order.
    pub extensions: Vec<String>,
    /// Hash of the meaning of the file as it was submitted.
    pub digest: String,
    /// Number of cells, those of extensions included.
    pub cells: u64,
    /// Its state.
    pub state: SweepState,
    /// Its rank: higher ones are worked on first.
    pub priority: i64,
    /// Whether every cell is trained even where an equal trial has an outcome.
    pub fresh: bool,
    /// When it was submitted.
    pub created_at_ms: i64,
    /// Content hash by path.
    pub inputs: Inputs,
    /// In alphabetical order.
    pub tags: Vec<String>,
}

/// Most characters of a tag.
const MOST_OF_TAG: usize = 100;

/// Checks a tag.
///
/// # Errors
/// [`Error::Tag`].
pub fn check_tag(tag: &str) -> Result<()> {
    let fits = (1..=MOST_OF_TAG).contains(&tag.chars().count()) && !tag.chars().any(char::is_control);
    if fits { Ok(()) } else { Err(Error::Tag(tag.escape_debug().to_string())) }
}

/// What tuning chose for one group (problem and method).
#[derive(Debug, Clone, PartialEq)]
pub struct Selection {
    /// Number of the group.
    pub group: u64,
    /// Number of the chosen candidate among them.
    pub candidate: u64,
    /// How many were compared.
    pub candidates: u64,
    /// The chosen values.
    pub coordinates: Coordinates,
    /// Median validation error; `None` where every candidate failed.
    pub validation_error: Option<f64>,
    /// Axes whose chosen value is at an end of its list (`lr max`); empty: none.
    pub at_edge: String,
}

impl Store {
    /// Adds a sweep in state `running`; its id.
    ///
    /// # Errors
    /// Fails if the content of an input is not stored.
    pub async fn submit(&self, new: &NewSweep<'_>, now_ms: i64) -> Result<String> {
        let mut transaction = self.database.write().await?;
        // The id follows from the meaning and from how often it was submitted, so it is the same on every machine.
        for again in 0u64.. {
            let id = &blake3::hash(format!("sweep {again} {}", new.digest).as_bytes()).to_hex()[..12];
            let NewSweep { name, description, source, digest, cells, inputs: _, fresh } = *new;
            let row = args![id, name, description, source, digest, cells, fresh, now_ms];
            // A worker that was away may still have a result for the fences of one that is gone.
            if transaction.row(sql::WAS_REMOVED, args![removed(id)]).await?.is_some() {
                continue;
            }
            if transaction.execute(sql::ADD_SWEEP, row).await? == 1 {
                for (path, hash) in new.inputs {
                    transaction.execute(sql::ADD_INPUT, args![id, path, hash]).await?;
                }
                transaction.commit().await?;
                return Ok(id.to_owned());
            }
        }
        unreachable!("some id is free")
    }

    /// Every sweep, latest first.
    ///
    /// # Errors
    /// What the database says.
    pub async fn sweeps(&self) -> Result<Vec<Sweep>> {
        let mut transaction = self.database.read().await?;
        let rows = transaction.rows(sql::SWEEPS, &[]).await?;
        complete(&mut transaction, rows).await
    }

    /// Sweeps with this digest, as submitted or by an extension, latest first: the ones that running the same file may go
    /// on with.
    ///
    /// # Errors
    /// What the database says.
    pub async fn sweeps_with_digest(&self, digest: &str) -> Result<Vec<Sweep>> {
        let mut transaction = self.database.read().await?;
        let rows = transaction.rows(sql::SWEEPS_BY_DIGEST, args![digest]).await?;
        complete(&mut transaction, rows).await
    }

    /// The sweep that `key` names: an id, a name (the latest so called), a tag (the latest so tagged), or the start of
    /// exactly one id (four characters or more).
    ///
    /// # Errors
    /// [`Error::UnknownSweep`] with the names of the latest ten.
    pub async fn find_sweep(&self, key: &str) -> Result<Sweep> {
        let mut transaction = self.database.read().await?;
        let rows = transaction.rows(sql::SWEEPS_BY_KEY, args![key]).await?;
        if let Some(sweep) = complete(&mut transaction, rows).await?.into_iter().next() {
            return Ok(sweep);
        }
        let rows = transaction.rows(sql::SWEEPS, &[]).await?;
        let mut all = complete(&mut transaction, rows).await?;
        let mut begins = all.iter().enumerate().filter(|(_, s)| key.len() >= 4 && s.id.starts_with(key));
        match (begins.next(), begins.next()) {
            (Some((i, _)), None) => Ok(all.swap_remove(i)),
            _ => {
                let mut known: Vec<String> = Vec::new();
                for sweep in &all {
                    if known.len() < 10 && !known.contains(&sweep.name) {
                        known.push(sweep.name.clone());
                    }
                }
                Err(Error::UnknownSweep { key: key.to_owned(), known })
            }
        }
    }

    /// Changes a sweep's state.
    ///
    /// # Errors
    /// [`Error::UnknownSweep`].
    pub async fn set_sweep_state(&self, sweep: &str, state: SweepState) -> Result<()> {
        let mut transaction = self.database.write().await?;
        if transaction.execute(sql::SET_STATE, args![sweep, state.word()]).await? != 1 {
            return Err(Error::UnknownSweep { key: sweep.to_owned(), known: Vec::new() });
        }
        transaction.commit().await
    }

    /// Adds (`on`) or takes away a tag.
    ///
    /// # Errors
    /// What the database says, as of a sweep that is not there.
    pub async fn tag(&self, sweep: &str, tag: &str, on: bool) -> Result<()> {
        let mut transaction = self.database.write().await?;
        transaction.execute(if on { sql::ADD_TAG } else { sql::DROP_TAG }, args![sweep, tag]).await?;
        transaction.commit().await
    }

    /// Removes a sweep with all that is its own, and outcomes and blobs that nothing refers to any more. An outcome
    /// that a cell of another sweep is linked to stays.
    ///
    /// # Errors
    /// [`Error::UnknownSweep`].
    pub async fn remove_sweep(&self, sweep: &str) -> Result<Gone> {
        let mut transaction = self.database.write().await?;
        if transaction.execute(sql::DROP_SWEEP, args![sweep]).await? != 1 {
            return Err(Error::UnknownSweep { key: sweep.to_owned(), known: Vec::new() });
        }
        transaction.execute(sql::NOTE_REMOVED, args![removed(sweep)]).await?;
        let outcomes = transaction.execute(sql::DROP_ORPHANS, &[]).await?;
        let blobs = transaction.execute(sql::DROP_BLOBS, &[]).await?;
        transaction.commit().await?;
        Ok(Gone { outcomes, blobs })
    }

    /// Records what tuning chose; choosing again for a group replaces it.
    ///
    /// # Errors
    /// What the database says.
    pub async fn select(&self, sweep: &str, selections: &[Selection], now_ms: i64) -> Result<()> {
        let mut transaction = self.database.write().await?;
        for s in selections {
            let coordinates =
                serde_json::to_string(&s.coordinates).expect("text keys and finite numbers always serialise");
            let row =
                args![sweep, s.group, s.candidate, s.candidates, coordinates, s.validation_error, &s.at_edge, now_ms];
            transaction.execute(sql::SELECT_CANDIDATE, row).await?;
        }
        transaction.commit().await
    }

    /// Forgets what tuning chose for these groups: they are to be tuned again.
    ///
    /// # Errors
    /// What the database says.
    pub async fn unselect(&self, sweep: &str, groups: &[u64]) -> Result<()> {
        let mut transaction = self.database.write().await?;
        for &group in groups {
            transaction.execute(sql::UNSELECT, args![sweep, group]).await?;
        }
        transaction.commit().await
    }

    /// What tuning chose, by group.
    ///
    /// # Errors
    /// What the database says.
    pub async fn selections(&self, sweep: &str) -> Result<Vec<Selection>> {
        let rows = self.database.read().await?.rows(sql::SELECTIONS, args![sweep]).await?;
        let selection = |mut row: Row| {
            Ok(Selection {
                group: row.count()?,
                candidate: row.count()?,
                candidates: row.count()?,
                coordinates: super::cells::coordinates(&row.text()?)?,
                validation_error: row.maybe_float()?,
                at_edge: row.text()?,
            })
        };
        rows.into_iter().map(selection).collect()
    }
}

/// The counter that says that a sweep was removed.
fn removed(id: &str) -> String {
    format!("removed {id}")
}

/// Rows of `sweeps` with their inputs and tags.
async fn complete(transaction: &mut Transaction, rows: Vec<Row>) -> Result<Vec<Sweep>> {
    let mut sweeps = Vec::new();
    for mut row in rows {
        let id = row.text()?;
        let mut inputs = Inputs::new();
        for mut input in transaction.rows(sql::INPUTS, args![&id]).await? {
            inputs.insert(input.text()?, input.text()?);
        }
        let mut tags = Vec::new();
        for mut tag in transaction.rows(sql::TAGS, args![&id]).await? {
            tags.push(tag.text()?);
        }
        let extensions = super::extensions::sources(transaction, &id).await?;
        sweeps.push(Sweep {
            id,
            name: row.text()?,
            description: row.text()?,
            source: row.text()?,
            extensions,
            digest: row.text()?,
            cells: row.count()?,
            state: super::cells::named(&SweepState::ALL, &row.text()?)?,
            priority: row.int()?,
            fresh: row.int()? == 1,
            created_at_ms: row.int()?,
            inputs,
            tags,
        });
    }
    Ok(sweeps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_a_short_printable_text() {
        for fine in ["paper", "-draft", "α β", &"x".repeat(100)] {
            check_tag(fine).unwrap();
        }
        for bad in ["", "a\u{1b}b", &"x".repeat(101)] {
            assert!(check_tag(bad).unwrap_err().to_string().contains("1 to 100 printable"), "{bad}");
        }
    }
}
