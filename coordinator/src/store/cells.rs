//! Cells, leases and attempts: who may work on what, and how it ended.
//!
//! A cell has a row once it was leased. Its fence rises with every lease and link, and never falls; whoever ends an
//! attempt names the fence, and only the current one counts.

use super::database::{Arg, Row, Transaction, args};
use super::error::{Error, Result};
use super::keys::{self, Coordinates, Keys};
use super::{Store, statements as sql};
use std::collections::BTreeMap;
use std::ops::Range;
use sweep_core::trial::REVISION;
use sweep_core::value::Value;

/// What a cell is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// A plain grid.
    Grid,
    /// A candidate of a sweep that tunes.
    Tuning,
    /// A winner, trained again on all observed entries and fresh seeds.
    Refit,
}

impl Stage {
    /// All, with the word that stands in SQL.
    pub const ALL: [(Stage, &'static str); 3] =
        [(Stage::Grid, "grid"), (Stage::Tuning, "tuning"), (Stage::Refit, "refit")];

    /// The word in SQL.
    pub fn word(self) -> &'static str {
        word(&Stage::ALL, self)
    }
}

/// The state of a cell that was ever leased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CellState {
    /// Came back; may be leased again.
    Ready,
    /// A worker has it.
    Leased,
    /// Has its outcome.
    Done,
    /// Given up.
    Failed,
    /// Its sweep was cancelled.
    Cancelled,
    /// Fails or kills workers again and again; set aside.
    Quarantined,
}

impl CellState {
    /// All, with the word that stands in SQL.
    pub const ALL: [(CellState, &'static str); 6] = [
        (CellState::Ready, "ready"),
        (CellState::Leased, "leased"),
        (CellState::Done, "done"),
        (CellState::Failed, "failed"),
        (CellState::Cancelled, "cancelled"),
        (CellState::Quarantined, "quarantined"),
    ];

    /// The word in SQL.
    pub fn word(self) -> &'static str {
        word(&CellState::ALL, self)
    }
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ending {
    /// Its outcome was accepted.
    Recorded,
    /// No attempt: an outcome of the same trial was there.
    Linked,
    /// It said that it failed (an error, a panic).
    Failed,
    /// The process that trained this cell died.
    Suspected,
    /// Its worker was not heard any more, which says nothing of the cell.
    Lost,
    /// Given back.
    Returned,
    /// Its result came after the lease had ended.
    Late,
}

impl Ending {
    const ALL: [(Ending, &'static str); 7] = [
        (Ending::Recorded, "recorded"),
        (Ending::Linked, "linked"),
        (Ending::Failed, "failed"),
        (Ending::Suspected, "suspected"),
        (Ending::Lost, "lost"),
        (Ending::Returned, "returned"),
        (Ending::Late, "late"),
    ];

    /// The word in SQL.
    pub fn word(self) -> &'static str {
        word(&Ending::ALL, self)
    }
}

/// The word of a value.
pub(super) fn word<T: PartialEq>(all: &[(T, &'static str)], value: T) -> &'static str {
    all.iter().find(|(known, _)| *known == value).expect("ALL holds every value").1
}

/// The value of a word.
pub(super) fn named<T: Copy>(all: &[(T, &'static str)], name: &str) -> Result<T> {
    let found = all.iter().find(|(_, word)| *word == name);
    found.map(|(value, _)| *value).ok_or_else(|| Error::Corrupt(format!("\"{name}\" is no known state")))
}

/// Coordinates from their JSON.
pub(super) fn coordinates(json: &str) -> Result<Coordinates> {
    serde_json::from_str(json).map_err(|e| Error::Corrupt(format!("coordinates: {e}")))
}

/// A cell to be leased or linked.
#[derive(Debug, Clone, PartialEq)]
pub struct NewCell {
    /// Its index in the sweep.
    pub cell: u64,
    /// What it is part of.
    pub stage: Stage,
    /// Every axis and choice that applies, defaults included, and `replicate`.
    pub coordinates: Coordinates,
    /// Digest of its trial.
    pub trial_digest: String,
}

/// The right to a cell: everything that a worker must show to end its attempt.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Lease {
    /// Id of the sweep.
    pub sweep: String,
    /// Index of the cell.
    pub cell: u64,
    /// Tells this lease from earlier and later ones of the same cell.
    pub fence: i64,
}

/// What became of a cell that was to be handed out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Granted {
    /// It is leased.
    Leased(Lease),
    /// It has the outcome of an equal trial.
    Linked,
}

/// A cell that came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CameBack {
    /// Index of the cell.
    pub cell: u64,
    /// What it is part of.
    pub stage: Stage,
    /// Attempts that failed.
    pub failed: u64,
    /// Attempts whose worker died.
    pub suspected: u64,
}

/// A lease that is out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outstanding {
    /// The lease.
    pub lease: Lease,
    /// Who has it.
    pub worker: String,
    /// Since when.
    pub leased_at_ms: i64,
    /// Earlier attempts at the cell whose worker died.
    pub suspected: u64,
}

/// Cells of a sweep by state. Cells that were never leased are in none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Came back.
    pub ready: u64,
    /// Out on lease.
    pub leased: u64,
    /// Done, linked ones included.
    pub done: u64,
    /// Done by a link.
    pub linked: u64,
    /// Given up.
    pub failed: u64,
    /// Cancelled.
    pub cancelled: u64,
    /// Set aside.
    pub quarantined: u64,
}

/// A cell that was ever leased.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// What it is part of.
    pub stage: Stage,
    /// Its coordinates.
    pub coordinates: Coordinates,
    /// Digest of its trial.
    pub trial_digest: String,
    /// Its state.
    pub state: CellState,
    /// Fence of its latest attempt.
    pub fence: i64,
    /// Attempts up to this fence no longer count against it.
    pub forgiven: i64,
    /// Its outcome, where it is done.
    pub outcome: Option<i64>,
    /// Whether that outcome was recorded by another cell.
    pub linked: bool,
    /// Its attempts, in order.
    pub attempts: Vec<Attempt>,
}

/// One try at a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Its fence.
    pub fence: i64,
    /// Who made it; `None` for a link.
    pub worker: Option<String>,
    /// When it began.
    pub leased_at_ms: i64,
    /// When it ended.
    pub ended_at_ms: Option<i64>,
    /// How it ended; `None` while it runs.
    pub ending: Option<Ending>,
    /// Why, where it failed or came late.
    pub error: Option<String>,
}

/// What tuning judges a done cell by.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    /// Index of the cell.
    pub cell: u64,
    /// Whether it diverged or is inflated.
    pub failed: bool,
    /// Validation error of its best point by validation.
    pub validation_mse: Option<f64>,
    /// Wall seconds of training.
    pub wall_seconds: Option<f64>,
}

/// An attempt that ended without an outcome.
#[derive(Debug, Clone, Copy)]
pub struct Ended<'a> {
    /// Whose.
    pub lease: &'a Lease,
    /// How.
    pub ending: Ending,
    /// Why, where that can be said.
    pub error: Option<&'a str>,
    /// The cell's state from now on.
    pub next: CellState,
}

impl Store {
    /// Gives each of `cells` (each named once) to `worker`, which is known from [`Store::see_worker`]; with `link`, those
    /// whose trial has an outcome (of this revision, not out of time) get that instead. Answers in the order of `cells`.
    /// One that is leased to another or final is left alone.
    ///
    /// # Errors
    /// [`Error::Coordinate`]; nothing is given then.
    pub async fn grant(
        &self,
        sweep: &str,
        cells: &[NewCell],
        link: bool,
        worker: &str,
        now_ms: i64,
    ) -> Result<Vec<Option<Granted>>> {
        self.give(sweep, cells, link, Some(worker), now_ms).await
    }

    /// The same; without a worker, what is not linked is left alone.
    async fn give(
        &self,
        sweep: &str,
        cells: &[NewCell],
        link: bool,
        worker: Option<&str>,
        now_ms: i64,
    ) -> Result<Vec<Option<Granted>>> {
        let prepared = prepare(cells)?;
        let mut transaction = self.database.write().await?;
        let known = if link { outcomes_for(&mut transaction, cells).await? } else { BTreeMap::new() };
        let (mut links, mut leases) = (Vec::new(), Vec::with_capacity(14 * cells.len()));
        for (cell, (json, keys)) in cells.iter().zip(&prepared) {
            match known.get(&cell.trial_digest) {
                Some(&outcome) => push_cell(&mut links, sweep, cell, json, keys, "done", Some(outcome)),
                None => push_cell(&mut leases, sweep, cell, json, keys, "leased", None),
            }
        }
        let linked = fences(sql::LINK.run(&mut transaction, &links).await?)?;
        if worker.is_none() {
            leases.clear();
        }
        // What may not be linked is leased all the same.
        for (cell, (json, keys)) in cells.iter().zip(&prepared) {
            if worker.is_some() && known.contains_key(&cell.trial_digest) && !linked.contains_key(&cell.cell) {
                push_cell(&mut leases, sweep, cell, json, keys, "leased", None);
            }
        }
        let leased = fences(sql::LEASE.run(&mut transaction, &leases).await?)?;
        let mut attempts = Vec::with_capacity(7 * cells.len());
        for (&cell, &fence) in &linked {
            attempts.extend_from_slice(args![sweep, cell, fence, None::<&str>, now_ms, now_ms, "linked"]);
        }
        for (&cell, &fence) in &leased {
            attempts.extend_from_slice(args![sweep, cell, fence, worker, now_ms, None::<i64>, None::<&str>]);
        }
        sql::ADD_ATTEMPTS.run(&mut transaction, &attempts).await?;
        transaction.commit().await?;
        let granted = |cell: &NewCell| match leased.get(&cell.cell) {
            Some(&fence) => Some(Granted::Leased(Lease { sweep: sweep.to_owned(), cell: cell.cell, fence })),
            None => linked.contains_key(&cell.cell).then_some(Granted::Linked),
        };
        Ok(cells.iter().map(granted).collect())
    }

    /// Gives each of `cells` (each named once) the outcome of its trial, where one is there that may be linked. Answers in
    /// the order of `cells` whether it is now linked; the rest is left alone.
    ///
    /// # Errors
    /// As [`Store::grant`].
    pub async fn link(&self, sweep: &str, cells: &[NewCell], now_ms: i64) -> Result<Vec<bool>> {
        let given = self.give(sweep, cells, true, None, now_ms).await?;
        Ok(given.into_iter().map(|given| given == Some(Granted::Linked)).collect())
    }

    /// [`Store::grant`] without links.
    ///
    /// # Errors
    /// As there.
    pub async fn lease(&self, sweep: &str, cells: &[NewCell], worker: &str, now_ms: i64) -> Result<Vec<Option<Lease>>> {
        let granted = self.grant(sweep, cells, false, worker, now_ms).await?;
        let leased = |granted: Option<Granted>| match granted {
            Some(Granted::Leased(lease)) => Some(lease),
            Some(Granted::Linked) | None => None,
        };
        Ok(granted.into_iter().map(leased).collect())
    }

    /// Ends an attempt that brought no outcome; the cell's state is `next`. False if the lease no longer holds, and
    /// then nothing changes.
    ///
    /// # Errors
    /// What the database says: as [`CellState::Done`] without an outcome.
    pub async fn end_attempt(
        &self,
        lease: &Lease,
        ending: Ending,
        error: Option<&str>,
        next: CellState,
        now_ms: i64,
    ) -> Result<bool> {
        let held = self.end_attempts(&[Ended { lease, ending, error, next }], now_ms).await?;
        Ok(held == [true])
    }

    /// [`Store::end_attempt`] for several, in one transaction; answers in their order.
    ///
    /// # Errors
    /// As there; nothing has changed then.
    pub async fn end_attempts(&self, ended: &[Ended<'_>], now_ms: i64) -> Result<Vec<bool>> {
        let mut transaction = self.database.write().await?;
        let mut held = Vec::with_capacity(ended.len());
        for &Ended { lease, ending, error, next } in ended {
            let (sweep, cell, fence) = (&lease.sweep, lease.cell, lease.fence);
            let holds = transaction.execute(sql::END_LEASE, args![sweep, cell, fence, next.word()]).await? == 1;
            if holds {
                let row = args![sweep, cell, fence, now_ms, ending.word(), error];
                transaction.execute(sql::END_ATTEMPT, row).await?;
            }
            held.push(holds);
        }
        if held.contains(&true) {
            super::blobs::drop_checkpoints(&mut transaction).await?;
            transaction.commit().await?;
        }
        Ok(held)
    }

    /// The greatest cell in each range that was ever leased; by an index, whatever the size of the range.
    ///
    /// # Errors
    /// What the database says.
    pub async fn last_touched(&self, sweep: &str, ranges: &[Range<u64>]) -> Result<Vec<Option<u64>>> {
        let mut transaction = self.database.read().await?;
        let mut last = Vec::with_capacity(ranges.len());
        for range in ranges {
            let mut greatest = None;
            if !range.is_empty() {
                let row = transaction.row(sql::LAST_TOUCHED, args![sweep, range.start, range.end - 1]).await?;
                greatest = row.map(|mut row| row.maybe_int()).transpose()?.flatten();
            }
            last.push(greatest.and_then(|cell| u64::try_from(cell).ok()));
        }
        Ok(last)
    }

    /// The cells of a sweep that came back, by index.
    ///
    /// # Errors
    /// What the database says.
    pub async fn came_back(&self, sweep: &str) -> Result<Vec<CameBack>> {
        let rows = self.database.read().await?.rows(sql::READY, args![sweep]).await?;
        let came_back = |mut row: Row| {
            Ok(CameBack {
                cell: row.count()?,
                stage: named(&Stage::ALL, &row.text()?)?,
                failed: row.count()?,
                suspected: row.count()?,
            })
        };
        rows.into_iter().map(came_back).collect()
    }

    /// Every lease that is out, of every sweep. At the start of the one process that owns the database these are
    /// orphans of the process before, to be ended with [`Store::end_attempt`].
    ///
    /// # Errors
    /// What the database says.
    pub async fn outstanding(&self) -> Result<Vec<Outstanding>> {
        let rows = self.database.read().await?.rows(sql::LEASED, &[]).await?;
        let outstanding = |mut row: Row| {
            Ok(Outstanding {
                lease: Lease { sweep: row.text()?, cell: row.count()?, fence: row.int()? },
                worker: row.maybe_text()?.unwrap_or_default(),
                leased_at_ms: row.int()?,
                suspected: row.count()?,
            })
        };
        rows.into_iter().map(outstanding).collect()
    }

    /// Cells by state.
    ///
    /// # Errors
    /// What the database says.
    pub async fn counts(&self, sweep: &str) -> Result<Counts> {
        let mut counts = Counts::default();
        for mut row in self.database.read().await?.rows(sql::COUNTS, args![sweep]).await? {
            let (state, linked, n) = (named(&CellState::ALL, &row.text()?)?, row.int()?, row.count()?);
            match state {
                CellState::Ready => counts.ready += n,
                CellState::Leased => counts.leased += n,
                CellState::Done => counts.done += n,
                CellState::Failed => counts.failed += n,
                CellState::Cancelled => counts.cancelled += n,
                CellState::Quarantined => counts.quarantined += n,
            }
            counts.linked += if linked == 1 { n } else { 0 };
        }
        Ok(counts)
    }

    /// One cell with its attempts; `None` if it was never leased.
    ///
    /// # Errors
    /// What the database says.
    pub async fn cell(&self, sweep: &str, cell: u64) -> Result<Option<Cell>> {
        let mut transaction = self.database.read().await?;
        let Some(mut row) = transaction.row(sql::CELL, args![sweep, cell]).await? else { return Ok(None) };
        let attempts = transaction.rows(sql::ATTEMPTS, args![sweep, cell]).await?;
        let attempt = |mut row: Row| {
            Ok(Attempt {
                fence: row.int()?,
                worker: row.maybe_text()?,
                leased_at_ms: row.int()?,
                ended_at_ms: row.maybe_int()?,
                ending: row.maybe_text()?.map(|word| named(&Ending::ALL, &word)).transpose()?,
                error: row.maybe_text()?,
            })
        };
        Ok(Some(Cell {
            stage: named(&Stage::ALL, &row.text()?)?,
            coordinates: coordinates(&row.text()?)?,
            trial_digest: row.text()?,
            state: named(&CellState::ALL, &row.text()?)?,
            fence: row.int()?,
            forgiven: row.int()?,
            outcome: row.maybe_int()?,
            linked: row.int()? == 1,
            attempts: attempts.into_iter().map(attempt).collect::<Result<_>>()?,
        }))
    }

    /// The cells of a range that are final (done, failed, cancelled or set aside), ascending.
    ///
    /// # Errors
    /// What the database says.
    pub async fn final_cells(&self, sweep: &str, range: Range<u64>) -> Result<Vec<u64>> {
        if range.is_empty() {
            return Ok(Vec::new());
        }
        let rows = self.database.read().await?.rows(sql::FINAL, args![sweep, range.start, range.end - 1]).await?;
        rows.into_iter().map(|mut row| row.count()).collect()
    }

    /// The done cells of a range with what tuning judges by.
    ///
    /// # Errors
    /// What the database says.
    pub async fn scores(&self, sweep: &str, range: Range<u64>) -> Result<Vec<Score>> {
        if range.is_empty() {
            return Ok(Vec::new());
        }
        let rows = self.database.read().await?.rows(sql::SCORES, args![sweep, range.start, range.end - 1]).await?;
        rows.into_iter().map(score).collect()
    }
}

/// A row of [`sql::SCORES`].
pub(super) fn score(mut row: Row) -> Result<Score> {
    let (cell, status, inflated) = (row.count()?, row.text()?, row.int()?);
    let failed = status == "diverged" || inflated == 1;
    Ok(Score { cell, failed, validation_mse: row.maybe_float()?, wall_seconds: row.maybe_float()? })
}

/// The outcome of each trial of `cells` that has one which may be linked.
async fn outcomes_for(transaction: &mut Transaction, cells: &[NewCell]) -> Result<BTreeMap<String, i64>> {
    let asked: Vec<Arg> = cells.iter().flat_map(|cell| args![&cell.trial_digest, REVISION].to_vec()).collect();
    let mut known = BTreeMap::new();
    for mut row in sql::OUTCOMES_FOR.run(transaction, &asked).await? {
        let (digest, outcome) = (row.text()?, row.maybe_int()?);
        known.extend(outcome.map(|outcome| (digest, outcome)));
    }
    Ok(known)
}

/// The stored form and the keys of each cell.
fn prepare(cells: &[NewCell]) -> Result<Vec<(String, Keys)>> {
    cells.iter().map(|c| Ok((keys::stored(c.cell, &c.coordinates)?, Keys::new(&c.coordinates)))).collect()
}

/// One row of `cells` with its first fence.
fn push_cell<'a>(
    values: &mut Vec<Arg<'a>>,
    sweep: &'a str,
    cell: &'a NewCell,
    json: &'a str,
    keys: &'a Keys,
    state: &'a str,
    outcome: Option<i64>,
) {
    let (setting, problem, instance, method) = (&keys.setting, &keys.problem, &keys.instance, &keys.method);
    let (stage, digest) = (cell.stage.word(), &cell.trial_digest);
    let init_seed = match cell.coordinates.get("init_seed") {
        Some(Value::Int(seed)) => Some(*seed),
        _ => None,
    };
    values.extend_from_slice(args![
        sweep,
        cell.cell,
        stage,
        json,
        setting,
        problem,
        instance,
        method,
        init_seed,
        digest,
        state,
        1i64,
        outcome,
        outcome.is_some(),
    ]);
}

/// Fence by cell.
fn fences(rows: Vec<Row>) -> Result<BTreeMap<u64, i64>> {
    rows.into_iter().map(|mut row| Ok((row.count()?, row.int()?))).collect()
}
