//! Outcomes: recorded once per cell, found again by the digest of their trial.
//!
//! Several outcomes are recorded in one transaction (group commit): the flush to the disk is what costs. Each is
//! accepted only if its lease still holds; the others are kept as late attempts, compared, and said so.

use super::database::{Arg, Row, Transaction, args};
use super::error::{Error, Result};
use super::{Ending, Lease, Provenance, Store, blobs, statements as sql};
use std::collections::BTreeMap;
use sweep_core::outcome::{COLUMNS, Matrix, Outcome, Point, Status, TEST_REL};
use sweep_core::trial::REVISION;

/// An outcome that a worker delivers.
#[derive(Debug, Clone, Copy)]
pub struct Finished<'a> {
    /// The lease under which it was trained.
    pub lease: &'a Lease,
    /// The outcome.
    pub outcome: &'a Outcome,
    /// Id of a provenance that is stored, see [`Store::add_provenance`].
    pub provenance: &'a str,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recorded {
    /// It is the cell's outcome, under this number.
    Accepted(i64),
    /// The same delivery was recorded before; nothing changed.
    Again,
    /// Its lease had ended. The attempt is marked late; `differs` says whether its numbers are other than those of
    /// the outcome that the cell has, where it has one.
    Late {
        /// Whether the numbers differ.
        differs: Option<bool>,
    },
    /// No such attempt: the sweep is gone, or the lease was never given.
    Unknown,
}

/// A stored outcome.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// The outcome. Its trajectory also holds the last, oracle and validated points.
    pub outcome: Outcome,
    /// Digest of its trial.
    pub trial_digest: String,
    /// Revision of the trainer.
    pub revision: u32,
    /// Sweep that recorded it (which may be gone).
    pub sweep: String,
    /// Cell that recorded it.
    pub cell: u64,
    /// Hash of its numbers, times apart: equal for two runs that agree bit for bit.
    pub fingerprint: String,
    /// Where it was computed.
    pub provenance: Provenance,
    /// When it was recorded.
    pub recorded_at_ms: i64,
}

impl Store {
    /// Records outcomes in one transaction; durable when this returns. Answers in the order of `finished`.
    ///
    /// # Errors
    /// What the database says, as of a provenance that is not stored; nothing is recorded then.
    pub async fn record(&self, finished: &[Finished<'_>], now_ms: i64) -> Result<Vec<Recorded>> {
        if finished.is_empty() {
            return Ok(Vec::new());
        }
        let mut transaction = self.database.write().await?;
        let taken = transaction.row(sql::TAKE_NUMBERS, args![finished.len() as u64]).await?;
        let last = taken.map(|mut row| row.int()).transpose()?.unwrap_or_default();
        let first = last - finished.len() as i64 + 1;

        let leases: Vec<Arg> = (first..)
            .zip(finished)
            .flat_map(|(id, f)| args![&f.lease.sweep, f.lease.cell, f.lease.fence, id].to_vec())
            .collect();
        let mut accepted: BTreeMap<i64, String> = BTreeMap::new();
        for mut row in sql::ACCEPT.run(&mut transaction, &leases).await? {
            accepted.insert(row.int()?, row.text()?);
        }

        let prints: Vec<String> = finished.iter().map(|f| fingerprint(f.outcome)).collect();
        let (mut ends, mut outcomes, mut points, mut matrices) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for ((id, f), print) in (first..).zip(finished).zip(&prints) {
            let Some(digest) = accepted.get(&id) else { continue };
            ends.extend_from_slice(args![&f.lease.sweep, f.lease.cell, f.lease.fence, now_ms, print]);
            push_points(&mut points, id, f.outcome);
            push_matrices(&mut matrices, id, f.outcome);
            push_outcome(&mut outcomes, id, digest, f, print, now_ms);
        }
        sql::END_RECORDED.run(&mut transaction, &ends).await?;
        sql::ADD_OUTCOMES.run(&mut transaction, &outcomes).await?;
        sql::ADD_POINTS.run(&mut transaction, &points).await?;
        let matrices: Vec<Arg> = matrices.iter().flat_map(MatrixRow::args).collect();
        sql::ADD_MATRICES.run(&mut transaction, &matrices).await?;
        let mut answers = Vec::with_capacity(finished.len());
        for ((id, f), print) in (first..).zip(finished).zip(&prints) {
            answers.push(match accepted.contains_key(&id) {
                true => Recorded::Accepted(id),
                false => late(&mut transaction, f.lease, print).await?,
            });
        }
        blobs::drop_checkpoints(&mut transaction).await?;
        transaction.commit().await?;
        Ok(answers)
    }

    /// The outcome that a trial with this digest may be linked to: of this revision of the trainer, not out of time.
    ///
    /// # Errors
    /// What the database says.
    pub async fn outcome_for(&self, trial_digest: &str) -> Result<Option<i64>> {
        let found = self.database.read().await?.row(sql::OUTCOME_FOR, args![trial_digest, REVISION]).await?;
        Ok(found.map(|mut row| row.maybe_int()).transpose()?.flatten())
    }

    /// The outcome of this number, with trajectory and matrices.
    ///
    /// # Errors
    /// What the database says.
    pub async fn outcome(&self, id: i64) -> Result<Option<Stored>> {
        let mut transaction = self.database.read().await?;
        let Some(mut row) = transaction.row(*sql::OUTCOME, args![id]).await? else { return Ok(None) };
        let mut trajectory = Vec::new();
        for mut row in transaction.rows(*sql::POINTS, args![id]).await? {
            row.int()?; // outcome_id
            let (step, values) = (row.count()?, scalars(&mut row)?);
            let (singular_values, layer_norms) = (numbers(&row.text()?)?, numbers(&row.text()?)?);
            trajectory.push(Point { step, values, singular_values, layer_norms });
        }
        let mut matrices = Vec::new();
        for mut row in transaction.rows(sql::MATRICES, args![id]).await? {
            matrices.push(Matrix {
                step: row.count()?,
                layer: small(row.int()?)?,
                rows: small(row.int()?)?,
                columns: small(row.int()?)?,
                values: from_bytes(&row.bytes()?),
            });
        }
        row.int()?; // id
        let (trial_digest, revision) = (row.text()?, small(row.int()?)?);
        let (sweep, cell) = (row.text()?, row.count()?);
        let status = super::cells::named(&Status::ALL, &row.text()?)?;
        let (inflated, steps, measurements) = (row.int()? == 1, row.count()?, row.count()?);
        let [last, oracle, validated] =
            [point(&mut row, &trajectory)?, point(&mut row, &trajectory)?, point(&mut row, &trajectory)?];
        row.maybe_float()?; // log10_test_rel
        let outcome = Outcome {
            status,
            inflated,
            steps,
            measurements,
            last: last.ok_or_else(|| Error::Corrupt(format!("outcome {id} has no last point")))?,
            oracle,
            validated,
            trajectory,
            matrices,
            fallbacks: row.count()?,
            unresolved_directions: row.count()?,
            wall_seconds: row.maybe_float()?.unwrap_or(f64::NAN),
            cpu_seconds: row.maybe_float()?.unwrap_or(f64::NAN),
            recording_seconds: row.maybe_float()?.unwrap_or(f64::NAN),
        };
        let (fingerprint, provenance) = (row.text()?, row.text()?);
        Ok(Some(Stored {
            outcome,
            trial_digest,
            revision,
            sweep,
            cell,
            fingerprint,
            provenance: super::workers::provenance(&mut transaction, &provenance).await?,
            recorded_at_ms: row.int()?,
        }))
    }
}

/// What to say of an outcome whose lease no longer holds; its attempt is marked.
async fn late(transaction: &mut Transaction, lease: &Lease, fingerprint: &str) -> Result<Recorded> {
    let Lease { sweep, cell, fence } = lease;
    let Some(mut row) = transaction.row(sql::ATTEMPT_AND_ACCEPTED, args![sweep, *cell, *fence]).await? else {
        return Ok(Recorded::Unknown);
    };
    let (ending, own, accepted) = (row.maybe_text()?, row.maybe_text()?, row.maybe_text()?);
    if ending.as_deref() == Some(Ending::Recorded.word()) && own.as_deref() == Some(fingerprint) {
        return Ok(Recorded::Again);
    }
    let differs = accepted.map(|accepted| accepted != fingerprint);
    let compared = match differs {
        None => "the cell has no outcome yet",
        Some(false) => "its numbers equal those of the accepted outcome",
        Some(true) => "its numbers differ from those of the accepted outcome",
    };
    let before = ending.unwrap_or_else(|| "running".to_owned());
    let error = format!("a result came after the lease had ended ({before}); {compared}");
    transaction.execute(sql::MARK_LATE, args![sweep, *cell, *fence, fingerprint, error]).await?;
    Ok(Recorded::Late { differs })
}

/// Hash of everything that two runs of one trial on one machine must agree on: all but the times.
fn fingerprint(outcome: &Outcome) -> String {
    let mut bytes: Vec<u8> = Vec::with_capacity(4096);
    let mut number = |x: u64| bytes.extend_from_slice(&x.to_le_bytes());
    number(outcome.status as u64);
    number(u64::from(outcome.inflated));
    for count in [outcome.steps, outcome.measurements, outcome.fallbacks, outcome.unresolved_directions] {
        number(count);
    }
    let ends = [Some(&outcome.last), outcome.oracle.as_ref(), outcome.validated.as_ref()];
    for point in ends.into_iter().chain(outcome.trajectory.iter().map(Some)) {
        let Some(point) = point else {
            number(u64::MAX);
            continue;
        };
        number(point.step);
        for (i, _) in COLUMNS.iter().enumerate().filter(|(_, column)| column.result) {
            number(point.get(i).map_or(u64::MAX, f64::to_bits));
        }
        point.singular_values.iter().chain(&point.layer_norms).for_each(|x| number(x.to_bits()));
    }
    for matrix in &outcome.matrices {
        number(matrix.step);
        matrix.values.iter().for_each(|x| number(x.to_bits()));
    }
    blake3::hash(&bytes).to_hex().to_string()
}

/// Step and scalars of a point; NULLs where there is none.
fn push_scalars(row: &mut Vec<Arg<'_>>, point: Option<&Point>) {
    row.push(point.map(|p| p.step).map_or(Arg::Int(None), Arg::from));
    row.extend((0..COLUMNS.len()).map(|i| Arg::from(point.and_then(|p| p.get(i)))));
}

fn push_outcome<'a>(
    values: &mut Vec<Arg<'a>>,
    id: i64,
    trial_digest: &'a str,
    finished: &Finished<'a>,
    fingerprint: &'a str,
    now_ms: i64,
) {
    let (lease, o) = (finished.lease, finished.outcome);
    values.extend_from_slice(args![
        id,
        trial_digest,
        REVISION,
        &lease.sweep,
        lease.cell,
        o.status.word(),
        o.inflated,
        o.steps,
        o.measurements,
    ]);
    for point in [Some(&o.last), o.oracle.as_ref(), o.validated.as_ref()] {
        push_scalars(values, point);
    }
    // SQLite has no logarithm of its own. An error of 0 stands at the bottom, not nowhere.
    let log10 = o.last.get(TEST_REL).map(|x| x.max(1e-300).log10());
    values.extend_from_slice(args![
        log10,
        o.fallbacks,
        o.unresolved_directions,
        o.wall_seconds,
        o.cpu_seconds,
        o.recording_seconds,
        fingerprint,
        finished.provenance,
        now_ms,
    ]);
}

/// The trajectory, with the last, oracle and validated points where it lacks them: one row per step.
fn push_points(values: &mut Vec<Arg<'_>>, id: i64, outcome: &Outcome) {
    let ends = [Some(&outcome.last), outcome.oracle.as_ref(), outcome.validated.as_ref()];
    let mut points: Vec<&Point> = outcome.trajectory.iter().chain(ends.into_iter().flatten()).collect();
    points.sort_by_key(|point| point.step); // stable: of two with one step the trajectory's own is first
    points.dedup_by_key(|point| point.step);
    for point in points {
        values.push(Arg::from(id));
        push_scalars(values, Some(point));
        values.push(Arg::from(json(&point.singular_values)));
        values.push(Arg::from(json(&point.layer_norms)));
    }
}

/// A row of `matrices`, owning its bytes.
struct MatrixRow {
    head: [i64; 5],
    data: Vec<u8>,
}

impl MatrixRow {
    fn args(&self) -> Vec<Arg<'_>> {
        self.head.iter().map(|&x| Arg::from(x)).chain([Arg::from(&self.data[..])]).collect()
    }
}

fn push_matrices(rows: &mut Vec<MatrixRow>, id: i64, outcome: &Outcome) {
    for m in &outcome.matrices {
        let head = [id, m.step as i64, i64::from(m.layer), i64::from(m.rows), i64::from(m.columns)];
        rows.push(MatrixRow { head, data: m.values.iter().flat_map(|x| x.to_le_bytes()).collect() });
    }
}

/// A JSON list; what is not finite is null.
fn json(values: &[f64]) -> String {
    serde_json::to_string(values).expect("numbers always serialise")
}

fn numbers(json: &str) -> Result<Vec<f64>> {
    let values: Vec<Option<f64>> =
        serde_json::from_str(json).map_err(|e| Error::Corrupt(format!("list of numbers: {e}")))?;
    Ok(values.into_iter().map(|x| x.unwrap_or(f64::NAN)).collect())
}

fn scalars(row: &mut Row) -> Result<Vec<Option<f64>>> {
    COLUMNS.iter().map(|_| row.maybe_float()).collect()
}

/// Step and scalars from the row, lists from the trajectory's point at that step.
fn point(row: &mut Row, trajectory: &[Point]) -> Result<Option<Point>> {
    let (step, values) = (row.maybe_int()?, scalars(row)?);
    let Some(step) = step.and_then(|step| u64::try_from(step).ok()) else { return Ok(None) };
    let lists = trajectory.iter().find(|point| point.step == step).cloned().unwrap_or_else(Point::empty);
    Ok(Some(Point { step, values, ..lists }))
}

fn small(value: i64) -> Result<u32> {
    u32::try_from(value).map_err(|_| Error::Corrupt(format!("{value} where a small count belongs")))
}

fn from_bytes(bytes: &[u8]) -> Vec<f64> {
    bytes.chunks_exact(8).map(|b| f64::from_le_bytes(b.try_into().expect("eight bytes"))).collect()
}
