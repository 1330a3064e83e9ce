//! What must hold in any database, whatever happened to its coordinator and workers: `sweep fsck`.
//!
//! One rule: a check looks and changes nothing. All of them see one state of the database ([`Store::snapshot`]), so they can
//! run beside a coordinator that writes. A check is a statement that finds what breaks its claim; what SQL cannot say
//! (content hashes, what tuning chose) is in `contents` and `chosen`.
//!
//! A cell that is trained once more after it was done (`ready` again) leaves its earlier outcome without a cell until `gc`:
//! that is no mistake. An outcome that no attempt accounts for is one.

use super::database::{Datum, Row, Transaction, args};
use super::error::{Error, Result};
use super::{Store, statements as sql};
use std::collections::BTreeMap;
use sweep_core::sweep::Sweep;

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// Its name; `I1` to `I7` are the invariants of docs/operations.md.
    pub name: &'static str,
    /// What holds where nothing was found.
    pub claim: &'static str,
    /// How often it does not.
    pub violations: u64,
    /// The first of these.
    pub examples: Vec<Violation>,
}

/// Something that must not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The sweep, where it concerns one.
    pub sweep: Option<String>,
    /// The cell, where it concerns one.
    pub cell: Option<u64>,
    /// What is wrong.
    pub what: String,
}

/// Most violations of one check that are told one by one.
pub const MOST_EXAMPLES: usize = 20;

/// One state of the database, for checks.
pub struct Snapshot {
    transaction: Transaction,
}

impl Store {
    /// The state of the database now. What is written later is not seen; whoever holds back the writers until this
    /// returns sees no change half made.
    ///
    /// # Errors
    /// What the database says.
    pub async fn snapshot(&self) -> Result<Snapshot> {
        let mut transaction = self.database.read().await?;
        // Both databases take the snapshot with the first statement.
        transaction.rows(sql::FIRST_LOOK, &[]).await?;
        Ok(Snapshot { transaction })
    }

    /// Runs every check; see [`Snapshot::check`].
    ///
    /// # Errors
    /// What the database says.
    pub async fn check(&self) -> Result<Vec<Checked>> {
        self.snapshot().await?.check().await
    }
}

impl Snapshot {
    /// Runs every check.
    ///
    /// # Errors
    /// Where the database does not answer. What it cannot read of itself is an answer.
    pub async fn check(mut self) -> Result<Vec<Checked>> {
        let transaction = &mut self.transaction;
        let sqlite = matches!(transaction, Transaction::Sqlite(_));
        let mut all = Vec::new();
        for check in CHECKS {
            let mut checked = Checked::new(check.name, check.claim);
            for text in check.statements(sqlite) {
                let run = transaction.each(text, &[], |row| {
                    checked.add(violation(row));
                    Ok(())
                });
                let ended = run.await;
                checked.end(ended)?;
            }
            all.push(checked);
        }
        let mut checked = Checked::new(
            "contents",
            "inputs and checkpoints have the bytes that their hash says, in chunks without a gap",
        );
        let ended = contents(transaction, &mut checked).await;
        checked.end(ended)?;
        all.push(checked);
        let mut checked = Checked::new(
            "selections",
            "tuning chose the candidate with the least median validation error, and each refit is of a group that has one",
        );
        let ended = chosen(transaction, &mut checked).await;
        checked.end(ended)?;
        all.push(checked);
        Ok(all)
    }
}

impl Checked {
    fn new(name: &'static str, claim: &'static str) -> Checked {
        Checked { name, claim, violations: 0, examples: Vec::new() }
    }

    fn add(&mut self, violation: Violation) {
        self.violations += 1;
        if self.examples.len() < MOST_EXAMPLES {
            self.examples.push(violation);
        }
    }

    /// A check that came upon something unreadable has found it.
    fn end(&mut self, ended: Result<()>) -> Result<()> {
        let unreadable = match ended {
            Err(Error::Corrupt(what)) => what,
            Err(Error::Database(sqlx::Error::Database(said))) => said.to_string(),
            other => return other,
        };
        self.add(Violation { sweep: None, cell: None, what: format!("this cannot be checked: {unreadable}") });
        Ok(())
    }
}

impl std::fmt::Display for Violation {
    /// `SWEEP/CELL: what`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.sweep, self.cell) {
            (Some(sweep), Some(cell)) => write!(f, "{sweep}/{cell}: {}", self.what),
            (Some(sweep), None) => write!(f, "{sweep}: {}", self.what),
            (None, _) => write!(f, "{}", self.what),
        }
    }
}

/// A row of (sweep, cell, what), of whatever types it came.
fn violation(row: Vec<Datum>) -> Violation {
    let mut row = row.into_iter();
    let (sweep, cell, what) = (row.next(), row.next(), row.next());
    Violation {
        sweep: if let Some(Datum::Text(sweep)) = sweep { Some(sweep) } else { None },
        cell: if let Some(Datum::Int(cell)) = cell { u64::try_from(cell).ok() } else { None },
        what: match what {
            Some(Datum::Text(what)) => what,
            other => format!("{other:?}"),
        },
    }
}

/// A check that is a statement, or a few.
struct Check {
    name: &'static str,
    claim: &'static str,
    /// Each finds rows of (sweep, cell, what is wrong).
    both: &'static [&'static str],
    sqlite: &'static [&'static str],
    postgres: &'static [&'static str],
}

impl Check {
    const fn of(name: &'static str, claim: &'static str, both: &'static [&'static str]) -> Check {
        Check { name, claim, both, sqlite: &[], postgres: &[] }
    }

    fn statements(&self, sqlite: bool) -> impl Iterator<Item = &'static str> {
        self.both.iter().chain(if sqlite { self.sqlite } else { self.postgres }).copied()
    }
}

const CHECKS: &[Check] = &[
    Check {
        name: "database",
        claim: "the database finds itself whole: pages, indices, references",
        both: &[],
        sqlite: &[
            "SELECT NULL, NULL, integrity_check FROM pragma_integrity_check WHERE integrity_check <> 'ok'",
            "SELECT NULL, NULL, 'a row of ' || \"table\" || ' refers to a row of ' || parent || ' that is not there'
             FROM pragma_foreign_key_check",
        ],
        // A server checks its pages itself; what was made without being checked is marked.
        postgres: &[
            "SELECT NULL, CAST(NULL AS BIGINT), 'the index ' || CAST(indexrelid AS regclass)::text || ' is not valid'
             FROM pg_index WHERE NOT indisvalid",
            "SELECT NULL, CAST(NULL AS BIGINT), 'the constraint ' || CAST(conname AS TEXT) || ' is not enforced'
             FROM pg_constraint WHERE NOT convalidated",
        ],
    },
    Check {
        name: "I1 one outcome",
        claim: "a cell has at most one accepted outcome, and the database itself refuses a second",
        both: &[
            "SELECT MIN(sweep_id), MIN(cell), 'outcome ' || CAST(outcome_id AS TEXT) || ' is the own one of ' ||
             CAST(COUNT(*) AS TEXT) || ' cells' FROM cells WHERE linked = 0 AND outcome_id IS NOT NULL
             GROUP BY outcome_id HAVING COUNT(*) > 1",
            "SELECT o.sweep_id, o.cell, 'outcome ' || CAST(o.id AS TEXT) || ' was recorded and is accepted by no cell'
             FROM outcomes o WHERE NOT EXISTS (SELECT 1 FROM cells c WHERE c.outcome_id = o.id)
             AND NOT EXISTS (SELECT 1 FROM attempts a JOIN cells c ON c.sweep_id = a.sweep_id AND c.cell = a.cell
                 WHERE a.sweep_id = o.sweep_id AND a.cell = o.cell AND a.ending = 'recorded'
                 AND a.fingerprint = o.fingerprint AND a.ended_at_ms = o.recorded_at_ms
                 AND NOT (c.state = 'done' AND c.fence = a.fence))",
        ],
        sqlite: &["SELECT NULL, NULL, 'the index one_cell_records_an_outcome is missing' WHERE NOT EXISTS
             (SELECT 1 FROM sqlite_schema WHERE type = 'index' AND name = 'one_cell_records_an_outcome')"],
        postgres: &[
            "SELECT NULL, CAST(NULL AS BIGINT), 'the index one_cell_records_an_outcome is missing' WHERE NOT EXISTS
             (SELECT 1 FROM pg_indexes WHERE indexname = 'one_cell_records_an_outcome')",
        ],
    },
    Check::of(
        "I2 own fence",
        "an accepted outcome was recorded under the fence that its cell has, for the trial that its cell has",
        &[
            "SELECT c.sweep_id, c.cell, 'its outcome was not recorded under its fence ' || CAST(c.fence AS TEXT)
             FROM cells c LEFT JOIN outcomes o ON o.id = c.outcome_id WHERE c.state = 'done'
             AND NOT EXISTS (SELECT 1 FROM attempts a
                 WHERE a.sweep_id = c.sweep_id AND a.cell = c.cell AND a.fence = c.fence
                 AND (c.linked = 1 AND a.ending = 'linked'
                     OR c.linked = 0 AND a.ending = 'recorded' AND a.fingerprint = o.fingerprint))",
            "SELECT c.sweep_id, c.cell, 'its outcome ' || CAST(o.id AS TEXT) || ' is of another trial'
             FROM cells c JOIN outcomes o ON o.id = c.outcome_id WHERE o.trial_digest <> c.trial_digest",
            "SELECT c.sweep_id, c.cell, 'its outcome ' || CAST(o.id AS TEXT) || ' names ' || o.sweep_id || '/' ||
             CAST(o.cell AS TEXT) FROM cells c JOIN outcomes o ON o.id = c.outcome_id
             WHERE c.linked = 0 AND (o.sweep_id <> c.sweep_id OR o.cell <> c.cell)",
        ],
    ),
    Check::of(
        "I3 all there",
        "what was acknowledged is there: every recorded attempt has its outcome, every outcome its points",
        &[
            "SELECT c.sweep_id, c.cell, 'its outcome ' || CAST(c.outcome_id AS TEXT) || ' is not there'
             FROM cells c LEFT JOIN outcomes o ON o.id = c.outcome_id WHERE c.outcome_id IS NOT NULL AND o.id IS NULL",
            "SELECT a.sweep_id, a.cell, 'the attempt with fence ' || CAST(a.fence AS TEXT) ||
             ' was recorded, and the cell is ' || c.state
             FROM attempts a JOIN cells c ON c.sweep_id = a.sweep_id AND c.cell = a.cell
             WHERE a.ending = 'recorded' AND a.fence = c.fence AND a.fence > c.forgiven AND c.state NOT IN ('done', 'ready')",
            "SELECT o.sweep_id, o.cell, 'outcome ' || CAST(o.id AS TEXT) || ' lacks the point of its last step'
             FROM outcomes o WHERE NOT EXISTS
             (SELECT 1 FROM points p WHERE p.outcome_id = o.id AND p.step = o.last_step)",
        ],
    ),
    Check::of(
        "I4 counts",
        "the states of the cells add up to the sweep, and agree with its own",
        &[
            "SELECT c.sweep_id, c.cell, 'the sweep has the cells 0 to ' || CAST(s.cells - 1 AS TEXT)
             FROM cells c JOIN sweeps s ON s.id = c.sweep_id WHERE c.cell < 0 OR c.cell >= s.cells",
            "SELECT s.id, CAST(NULL AS BIGINT), 'it is finished, with ' || CAST(COALESCE(f.n, 0) AS TEXT) || ' of ' ||
             CAST(s.cells AS TEXT) || ' cells final' FROM sweeps s LEFT JOIN (SELECT sweep_id, COUNT(*) AS n FROM cells
                 WHERE state IN ('done', 'failed', 'cancelled', 'quarantined') GROUP BY sweep_id) f ON f.sweep_id = s.id
             WHERE s.state = 'finished' AND COALESCE(f.n, 0) <> s.cells",
            "SELECT s.id, CAST(NULL AS BIGINT), 'it is ' || s.state || ', and all of its ' || CAST(s.cells AS TEXT) ||
             ' cells are final' FROM sweeps s JOIN (SELECT sweep_id, COUNT(*) AS n FROM cells
                 WHERE state IN ('done', 'failed', 'cancelled', 'quarantined') GROUP BY sweep_id) f ON f.sweep_id = s.id
             WHERE s.state IN ('running', 'paused') AND f.n = s.cells",
        ],
    ),
    Check::of(
        "I5 fences",
        "the fences of a cell rise from attempt to attempt, and its own is the last",
        &[
            "SELECT a.sweep_id, a.cell, 'an attempt has the fence ' || CAST(a.fence AS TEXT) || ', the cell ' ||
             CAST(c.fence AS TEXT) FROM attempts a JOIN cells c ON c.sweep_id = a.sweep_id AND c.cell = a.cell
             WHERE a.fence < 1 OR a.fence > c.fence",
            "SELECT c.sweep_id, c.cell, 'there is no attempt with its fence ' || CAST(c.fence AS TEXT) FROM cells c
             WHERE NOT EXISTS (SELECT 1 FROM attempts a
                 WHERE a.sweep_id = c.sweep_id AND a.cell = c.cell AND a.fence = c.fence)",
        ],
    ),
    Check::of(
        "I6 given up",
        "since a user last asked for it, no cell failed more than twice or was suspected more than three times, and one that did so \
         is final",
        &[
            "SELECT c.sweep_id, c.cell, 'it failed ' || CAST(t.failed AS TEXT) || ' times, was suspected ' ||
             CAST(t.suspected AS TEXT) || ' times, and is ' || c.state FROM cells c JOIN (SELECT a.sweep_id, a.cell,
                 SUM(CASE a.ending WHEN 'failed' THEN 1 ELSE 0 END) AS failed,
                 SUM(CASE a.ending WHEN 'suspected' THEN 1 ELSE 0 END) AS suspected
                 FROM attempts a JOIN cells b ON b.sweep_id = a.sweep_id AND b.cell = a.cell
                 WHERE a.ending IN ('failed', 'suspected') AND a.fence > b.forgiven GROUP BY a.sweep_id, a.cell) t
             ON t.sweep_id = c.sweep_id AND t.cell = c.cell
             WHERE t.failed > 2 OR t.suspected > 3
             OR c.state IN ('ready', 'leased') AND (t.failed = 2 OR t.suspected = 3)",
        ],
    ),
    Check::of(
        "I7 none stuck",
        "a leased cell has one attempt that has not ended, every other attempt has ended",
        &[
            "SELECT c.sweep_id, c.cell, 'it is leased, and the attempt with its fence ' || CAST(c.fence AS TEXT) ||
             ' has ended or has no worker' FROM cells c WHERE c.state = 'leased' AND NOT EXISTS (SELECT 1 FROM attempts a
                 WHERE a.sweep_id = c.sweep_id AND a.cell = c.cell AND a.fence = c.fence AND a.ended_at_ms IS NULL
                 AND a.worker_id IS NOT NULL)",
            "SELECT a.sweep_id, a.cell, 'the attempt with fence ' || CAST(a.fence AS TEXT) || ' has not ended, and the cell is ' ||
             c.state || ' with fence ' || CAST(c.fence AS TEXT)
             FROM attempts a JOIN cells c ON c.sweep_id = a.sweep_id AND c.cell = a.cell
             WHERE a.ended_at_ms IS NULL AND (c.state <> 'leased' OR c.fence <> a.fence)",
            "SELECT sweep_id, cell, 'the attempt with fence ' || CAST(fence AS TEXT) || ' has an end without a time, or a time without an end'
             FROM attempts WHERE (ended_at_ms IS NULL) <> (ending IS NULL)",
        ],
    ),
    Check::of(
        "checkpoints",
        "only cells that go on have a checkpoint",
        &["SELECT k.sweep_id, k.cell, 'it is ' || c.state || ' and has a checkpoint'
             FROM checkpoints k JOIN cells c ON c.sweep_id = k.sweep_id AND c.cell = k.cell
             WHERE c.state NOT IN ('ready', 'leased')"],
    ),
    Check::of(
        "counters",
        "no outcome has a number that is still to be given",
        &["SELECT o.sweep_id, o.cell, 'outcome ' || CAST(o.id AS TEXT) || ' is beyond the counter' FROM outcomes o
             WHERE o.id > COALESCE((SELECT value FROM counters WHERE name = 'outcomes'), 0)"],
    ),
];

/// Every blob, by its content: in one pass, a chunk at a time.
async fn contents(transaction: &mut Transaction, checked: &mut Checked) -> Result<()> {
    let mut sizes = BTreeMap::new();
    for mut row in transaction.rows(sql::BLOBS, &[]).await? {
        sizes.insert(row.text()?, row.int()?);
    }
    // Hash and length of what is there.
    let mut found: BTreeMap<String, (blake3::Hasher, i64)> = BTreeMap::new();
    let mut wrong = BTreeMap::new();
    let mut judge = |hash: String, hasher: &blake3::Hasher, length: i64| {
        if hasher.finalize().to_hex().as_str() != hash || sizes.remove(&hash) != Some(length) {
            wrong.insert(hash, "its bytes are not those that its hash says");
        }
    };
    transaction
        .each(sql::ALL_CHUNKS, &[], |row| {
            let mut row = Row::new(row);
            let (hash, data) = (row.text()?, row.bytes()?);
            if !found.contains_key(&hash) {
                // In the order of hashes: the one before is complete.
                std::mem::take(&mut found)
                    .into_iter()
                    .for_each(|(hash, (hasher, length))| judge(hash, &hasher, length));
            }
            let (hasher, length) = found.entry(hash).or_default();
            hasher.update(&data);
            *length += data.len() as i64;
            Ok(())
        })
        .await?;
    found.into_iter().for_each(|(hash, (hasher, length))| judge(hash, &hasher, length));
    // Nothing has no chunks.
    let nothing = blake3::hash(b"").to_hex();
    for (hash, size) in sizes {
        if size != 0 || hash != nothing.as_str() {
            wrong.entry(hash).or_insert("its bytes are not there");
        }
    }
    for (hash, what) in wrong {
        let users = transaction.rows(sql::BLOB_USERS, args![&hash]).await?;
        let named = users.into_iter().next().map(|mut row| Ok::<_, Error>((row.maybe_text()?, row.maybe_int()?)));
        let (sweep, cell) = named.transpose()?.unwrap_or_default();
        checked.add(Violation {
            sweep,
            cell: cell.and_then(|cell| u64::try_from(cell).ok()),
            what: format!("blob {hash}: {what}"),
        });
    }
    Ok(())
}

/// What tuning chose, against the sweep file and the scores. Sweeps whose file this version does not accept are left out.
async fn chosen(transaction: &mut Transaction, checked: &mut Checked) -> Result<()> {
    let mut sweeps = Vec::new();
    for mut row in transaction.rows(sql::SWEEPS, &[]).await? {
        let (id, _name, _description, source) = (row.text()?, row.text()?, row.text()?, row.text()?);
        sweeps.push((id, source));
    }
    for (id, source) in sweeps {
        let mut wrong = |cell, what| checked.add(Violation { sweep: Some(id.clone()), cell, what });
        let mut selections = BTreeMap::new();
        for mut row in transaction.rows(sql::SELECTIONS, args![&id]).await? {
            let (group, candidate, candidates) = (row.int()?, row.int()?, row.int()?);
            let (_coordinates, error) = (row.any(), row.maybe_float()?);
            if !(0..candidates).contains(&candidate) {
                wrong(None, format!("group {group} chose candidate {candidate} of {candidates}"));
            }
            selections.insert(group as u64, (candidate as u64, error));
        }
        let extensions = super::extensions::sources(transaction, &id).await?;
        let parsed = super::extensions::whole(&source, &extensions).ok();
        let Some((sweep, tune)) = parsed.as_ref().and_then(|sweep| Some((sweep, sweep.tune.as_ref()?))) else {
            continue;
        };
        for mut row in transaction.rows(sql::CELLS_OF_REFITS, args![&id]).await? {
            let cell = row.count()?;
            let group = sweep.group_of(cell);
            // One that is tuned again has no selection, and keeps its refits until it has.
            let retuned = match group {
                Some(group) => is_open(transaction, &id, sweep, group).await?,
                None => false,
            };
            if !retuned && !group.is_some_and(|group| selections.contains_key(&group)) {
                wrong(Some(cell), "it is a refit, and its group has chosen nothing".to_owned());
            }
        }
        for (&group, &(candidate, error)) in &selections {
            let Some(of) = tune.group(group) else {
                wrong(None, format!("group {group} is not one of its {}", tune.len()));
                continue;
            };
            let mut errors = Vec::new();
            for candidate in 0..of.candidates {
                let mut runs = Vec::new();
                for cell in sweep.tuning_cells(group, candidate) {
                    let score = transaction.row(sql::SCORES, args![&id, cell, cell]).await?;
                    runs.push(
                        score
                            .map(super::cells::score)
                            .transpose()?
                            .filter(|s| !s.failed)
                            .and_then(|s| s.validation_mse),
                    );
                }
                errors.push(runs);
            }
            let Some(best) = tune.select(group, &errors) else { continue };
            if (best.candidate, best.median) != (candidate, error) {
                let (now, median) = (best.candidate, best.median);
                wrong(
                    None,
                    format!(
                        "group {group} chose candidate {candidate} ({error:?}), its scores choose {now} ({median:?})"
                    ),
                );
            }
        }
    }
    Ok(())
}

/// Whether some tuning cell of a group is not final.
async fn is_open(transaction: &mut Transaction, id: &str, sweep: &Sweep, group: u64) -> Result<bool> {
    let candidates = sweep.tune.as_ref().and_then(|tune| tune.group(group)).map_or(0, |of| of.candidates);
    for candidate in 0..candidates {
        for cell in sweep.tuning_cells(group, candidate) {
            if transaction.rows(sql::FINAL, args![id, cell, cell]).await?.is_empty() {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// Every statement, for the test that prepares each.
#[cfg(test)]
pub(super) fn statements(sqlite: bool) -> Vec<&'static str> {
    CHECKS.iter().flat_map(|check| check.statements(sqlite)).collect()
}
