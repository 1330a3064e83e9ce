//! Every statement of the store, by name, with what it guarantees. One text serves both databases.
//!
//! The few that are made of the list of recorded scalars (inserts of many rows) are at the end; user queries are in
//! `query.rs`, views in `views.rs`.

use super::database::Bulk;
use super::readings::{At, Measure};
use std::collections::BTreeMap;
use std::sync::LazyLock;
use sweep_core::outcome::COLUMNS;

macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        $($(#[$doc])* pub const $name: &str = $text;)*
        /// All of the above, for the test that prepares each on both databases.
        #[cfg(test)]
        pub const ALL: &[&str] = &[$($text),*];
    };
}

statements! {
    // Sweeps.

    /// A new sweep; its id is new, or the primary key refuses it.
    ADD_SWEEP = "INSERT INTO sweeps (id, name, description, source, digest, cells, state, fresh, created_at_ms)
        VALUES ($1, $2, $3, $4, $5, $6, 'running', $7, $8) ON CONFLICT (id) DO NOTHING";
    /// Notes that a sweep of this id (`removed ID`) was removed; no other gets it.
    NOTE_REMOVED = "INSERT INTO counters (name, value) VALUES ($1, 1) ON CONFLICT (name) DO NOTHING";
    /// Whether a sweep of this id was removed.
    WAS_REMOVED = "SELECT value FROM counters WHERE name = $1";
    /// A file that a sweep names; its bytes are there already, or the foreign key refuses it.
    ADD_INPUT = "INSERT INTO inputs (sweep_id, path, hash) VALUES ($1, $2, $3)";
    /// All sweeps, latest first.
    SWEEPS = "SELECT id, name, description, source, digest, cells, state, priority, fresh, created_at_ms FROM sweeps
        ORDER BY created_at_ms DESC, id";
    /// Sweeps that mean the same, or did so before or after an extension, latest first.
    SWEEPS_BY_DIGEST = "SELECT id, name, description, source, digest, cells, state, priority, fresh, created_at_ms FROM sweeps
        WHERE digest = $1 OR EXISTS (SELECT 1 FROM extensions WHERE extensions.sweep_id = sweeps.id
        AND extensions.digest = $1) ORDER BY created_at_ms DESC, id";
    /// Sweeps that a person may mean by $1: an id, a name, or a tag, in this order, latest first.
    SWEEPS_BY_KEY = "SELECT id, name, description, source, digest, cells, state, priority, fresh, created_at_ms FROM sweeps
        WHERE id = $1 OR name = $1 OR EXISTS (SELECT 1 FROM tags WHERE tags.sweep_id = sweeps.id AND tags.tag = $1)
        ORDER BY CASE WHEN id = $1 THEN 0 WHEN name = $1 THEN 1 ELSE 2 END, created_at_ms DESC, id";
    /// The inputs of a sweep.
    INPUTS = "SELECT path, hash FROM inputs WHERE sweep_id = $1 ORDER BY path";
    /// The tags of a sweep.
    TAGS = "SELECT tag FROM tags WHERE sweep_id = $1 ORDER BY tag";
    /// A tag is there once.
    ADD_TAG = "INSERT INTO tags (sweep_id, tag) VALUES ($1, $2) ON CONFLICT (sweep_id, tag) DO NOTHING";
    /// Takes a tag away.
    DROP_TAG = "DELETE FROM tags WHERE sweep_id = $1 AND tag = $2";
    /// The state of a sweep; one row or no such sweep.
    SET_STATE = "UPDATE sweeps SET state = $2 WHERE id = $1";
    /// The rank of a sweep; one row or no such sweep.
    SET_PRIORITY = "UPDATE sweeps SET priority = $2 WHERE id = $1";
    /// A sweep that gets more cells; one row or no such sweep.
    EXTEND_SWEEP = "UPDATE sweeps SET cells = $2, description = $3,
        state = CASE WHEN state = 'finished' THEN 'running' ELSE state END WHERE id = $1";
    /// The file that gave them.
    ADD_EXTENSION = "INSERT INTO extensions (sweep_id, seq, source, digest, cells, extended_at_ms)
        VALUES ($1, $2, $3, $4, $5, $6)";
    /// The files that gave a sweep more cells, in order.
    EXTENSIONS = "SELECT source FROM extensions WHERE sweep_id = $1 ORDER BY seq";
    /// A file that an extension names, unless the sweep has it; its bytes are there already, or the foreign key refuses it.
    MERGE_INPUT = "INSERT INTO inputs (sweep_id, path, hash) VALUES ($1, $2, $3) ON CONFLICT (sweep_id, path) DO NOTHING";
    /// Takes away what tuning chose for a range of groups.
    FORGET_SELECTIONS = "DELETE FROM selections WHERE sweep_id = $1 AND group_index BETWEEN $2 AND $3";
    /// A sweep with its cells, attempts, tags, inputs, extensions, checkpoints and selections; outcomes stay.
    DROP_SWEEP = "DELETE FROM sweeps WHERE id = $1";
    /// What tuning chose for a group; choosing again replaces it.
    SELECT_CANDIDATE = "INSERT INTO selections
        (sweep_id, group_index, candidate, candidates, coordinates, validation_error, at_edge, selected_at_ms)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (sweep_id, group_index) DO UPDATE SET
        candidate = $3, candidates = $4, coordinates = $5, validation_error = $6, at_edge = $7, selected_at_ms = $8";
    /// Forgets what tuning chose for a group: it is chosen anew.
    UNSELECT = "DELETE FROM selections WHERE sweep_id = $1 AND group_index = $2";
    /// What tuning chose, by group.
    SELECTIONS = "SELECT group_index, candidate, candidates, coordinates, validation_error, at_edge FROM selections
        WHERE sweep_id = $1 ORDER BY group_index";

    // Cells and attempts.

    /// Ends a lease without an outcome: one row changes exactly if the cell is still leased under this very fence.
    END_LEASE = "UPDATE cells SET state = $4 WHERE sweep_id = $1 AND cell = $2 AND fence = $3 AND state = 'leased'";
    /// How an attempt ended; only an attempt that has not ended.
    END_ATTEMPT = "UPDATE attempts SET ended_at_ms = $4, ending = $5, error = $6
        WHERE sweep_id = $1 AND cell = $2 AND fence = $3 AND ended_at_ms IS NULL";
    /// A result that came after its lease had ended: the attempt keeps its end, and says so. A recorded or linked
    /// attempt is never touched.
    MARK_LATE = "UPDATE attempts SET ending = 'late', fingerprint = $4, error = $5
        WHERE sweep_id = $1 AND cell = $2 AND fence = $3 AND ending IN ('failed', 'suspected', 'lost', 'returned', 'late')";
    /// The end of an attempt and its result's fingerprint, with the fingerprint of the cell's accepted outcome.
    ATTEMPT_AND_ACCEPTED = "SELECT attempts.ending, attempts.fingerprint, outcomes.fingerprint
        FROM attempts JOIN cells ON cells.sweep_id = attempts.sweep_id AND cells.cell = attempts.cell
        LEFT JOIN outcomes ON outcomes.id = cells.outcome_id
        WHERE attempts.sweep_id = $1 AND attempts.cell = $2 AND attempts.fence = $3";
    /// The greatest cell of a range that was ever leased; one look at the end of an index.
    LAST_TOUCHED = "SELECT MAX(cell) FROM cells WHERE sweep_id = $1 AND cell BETWEEN $2 AND $3";
    /// Cells that came back, with how often they failed and were suspected since they were last forgiven.
    READY = "SELECT cell, stage,
        (SELECT COUNT(*) FROM attempts a WHERE a.sweep_id = cells.sweep_id AND a.cell = cells.cell
            AND a.fence > cells.forgiven AND a.ending = 'failed'),
        (SELECT COUNT(*) FROM attempts a WHERE a.sweep_id = cells.sweep_id AND a.cell = cells.cell
            AND a.fence > cells.forgiven AND a.ending = 'suspected')
        FROM cells WHERE sweep_id = $1 AND state = 'ready' ORDER BY cell";
    /// Cells out on lease, of every sweep; sweep by sweep (SQLite keeps the order of a CROSS JOIN), so that an index finds them.
    LEASED = "SELECT c.sweep_id, c.cell, c.fence, a.worker_id, a.leased_at_ms,
        (SELECT COUNT(*) FROM attempts b WHERE b.sweep_id = c.sweep_id AND b.cell = c.cell
            AND b.fence > c.forgiven AND b.ending = 'suspected')
        FROM sweeps s CROSS JOIN cells c CROSS JOIN attempts a
        WHERE c.sweep_id = s.id AND c.state = 'leased'
        AND a.sweep_id = c.sweep_id AND a.cell = c.cell AND a.fence = c.fence ORDER BY c.sweep_id, c.cell";
    /// Cells by state.
    COUNTS = "SELECT state, linked, COUNT(*) FROM cells WHERE sweep_id = $1 GROUP BY state, linked";
    /// One cell.
    CELL = "SELECT stage, coordinates, trial_digest, state, fence, forgiven, outcome_id, linked FROM cells
        WHERE sweep_id = $1 AND cell = $2";
    /// Its attempts, in order.
    ATTEMPTS = "SELECT fence, worker_id, leased_at_ms, ended_at_ms, ending, error FROM attempts
        WHERE sweep_id = $1 AND cell = $2 ORDER BY fence";
    /// What tuning judges by: the done cells of a range, with the validation error of the last point, as refits are reported.
    SCORES = "SELECT c.cell, o.status, o.inflated, o.last_validation_mse, o.wall_seconds FROM cells c
        JOIN outcomes o ON o.id = c.outcome_id
        WHERE c.sweep_id = $1 AND c.cell BETWEEN $2 AND $3 ORDER BY c.cell";
    /// The cells of a range that are final, whatever their end.
    FINAL = "SELECT cell FROM cells WHERE sweep_id = $1 AND cell BETWEEN $2 AND $3
        AND state IN ('done', 'failed', 'cancelled', 'quarantined') ORDER BY cell";

    /// The done cells that are reported (those of tuning are not), with what an answer is made of.
    RUNS = "SELECT c.cell, c.coordinates, o.status, o.inflated, o.last_test_rel, o.last_test_rmse,
        o.last_effective_rank FROM cells c JOIN outcomes o ON o.id = c.outcome_id
        WHERE c.sweep_id = $1 AND c.stage <> 'tuning' AND c.cell >= $2 ORDER BY c.cell LIMIT $3";
    /// The cells that were given up, with what their latest failed attempt said; state by state, and not by the order of the
    /// primary key (hence +), so that the index on states finds them.
    GIVEN_UP = "SELECT c.cell, (SELECT a.error FROM attempts a WHERE a.sweep_id = $1 AND a.cell = c.cell
        AND a.error IS NOT NULL ORDER BY a.fence DESC LIMIT 1) FROM (
        SELECT cell FROM cells WHERE sweep_id = $1 AND state = 'failed'
        UNION ALL SELECT cell FROM cells WHERE sweep_id = $1 AND state = 'quarantined') AS c
        ORDER BY +c.cell LIMIT $2";

    // Pictures.

    /// The last number given to an outcome, and how many cells of a sweep are linked.
    MARK = "SELECT value, (SELECT COUNT(*) FROM cells WHERE sweep_id = $1 AND state = 'done' AND linked = 1)
        FROM counters WHERE name = 'outcomes'";
    /// Cells that were leased and have no outcome; state by state and in no order, so that the index on states finds them.
    UNFINISHED = "SELECT cell, state FROM cells WHERE sweep_id = $1 AND state = 'ready'
        UNION ALL SELECT cell, state FROM cells WHERE sweep_id = $1 AND state = 'leased'
        UNION ALL SELECT cell, state FROM cells WHERE sweep_id = $1 AND state = 'failed'
        UNION ALL SELECT cell, state FROM cells WHERE sweep_id = $1 AND state = 'cancelled'
        UNION ALL SELECT cell, state FROM cells WHERE sweep_id = $1 AND state = 'quarantined'";
    /// The leading singular values along a run.
    SINGULAR_VALUES = "SELECT step, singular_values FROM points WHERE outcome_id = $1 ORDER BY step";
    /// What was spent since an outcome, sweep by sweep.
    CPU_SECONDS = "SELECT sweep_id, CAST(SUM(cpu_seconds) AS DOUBLE PRECISION), MAX(id) FROM outcomes WHERE id > $1
        GROUP BY sweep_id";

    // What users say about them later.

    /// Ends every attempt of a sweep that runs.
    CANCEL_ATTEMPTS = "UPDATE attempts SET ended_at_ms = $2, ending = 'returned', error = 'the sweep was cancelled'
        WHERE sweep_id = $1 AND ended_at_ms IS NULL";
    /// Cancels the cells of a sweep that are not final: no fence of theirs counts from now on.
    CANCEL_CELLS = "UPDATE cells SET state = 'cancelled' WHERE sweep_id = $1 AND state IN ('ready', 'leased')";
    /// Makes the cancelled cells of a sweep ready again.
    UNCANCEL_CELLS = "UPDATE cells SET state = 'ready' WHERE sweep_id = $1 AND state = 'cancelled'";
    /// Outcomes that a sweep recorded and no cell refers to any more.
    DROP_ORPHANS_OF = "DELETE FROM outcomes WHERE sweep_id = $1
        AND NOT EXISTS (SELECT 1 FROM cells WHERE cells.outcome_id = outcomes.id)";
    /// Cells with their outcome and their latest attempt, by index, from $2 on.
    TOUCHED = "SELECT c.cell, c.stage, c.coordinates, c.state, c.linked, o.status, o.inflated, o.last_test_rel,
        o.last_train_loss, o.wall_seconds,
        (SELECT COUNT(*) FROM attempts n WHERE n.sweep_id = c.sweep_id AND n.cell = c.cell), a.worker_id, a.error
        FROM cells c LEFT JOIN outcomes o ON o.id = c.outcome_id
        LEFT JOIN attempts a ON a.sweep_id = c.sweep_id AND a.cell = c.cell AND a.fence = c.fence
        WHERE c.sweep_id = $1 AND c.cell > $2 ORDER BY c.cell LIMIT $3";

    // Outcomes.

    /// Takes $1 numbers for outcomes; the row is locked until the transaction ends, so no number is given twice.
    TAKE_NUMBERS = "UPDATE counters SET value = value + $1 WHERE name = 'outcomes' RETURNING value";
    /// The latest outcome of a trial that may be linked (not out of time); found by index.
    OUTCOME_FOR = "SELECT MAX(id) FROM outcomes WHERE trial_digest = $1 AND revision = $2 AND status <> 'out_of_time'";
    /// Matrices recorded with an outcome.
    MATRICES = "SELECT step, layer, row_count, column_count, data FROM matrices WHERE outcome_id = $1
        ORDER BY step, layer";
    /// An outcome that no cell refers to goes, with its points and matrices.
    DROP_ORPHANS = "DELETE FROM outcomes WHERE NOT EXISTS (SELECT 1 FROM cells WHERE cells.outcome_id = outcomes.id)";

    // Workers.

    /// A machine and what it computes with, once.
    ADD_PROVENANCE = "INSERT INTO provenance (id, trainer_version, revision, git_commit, host, cpu, blas_library,
        blas_kernel, blas_threads, dtype) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (id) DO NOTHING";
    /// One provenance.
    PROVENANCE = "SELECT trainer_version, revision, git_commit, host, cpu, blas_library, blas_kernel, blas_threads, dtype
        FROM provenance WHERE id = $1";
    /// A worker, new or seen again.
    SEE_WORKER = "INSERT INTO workers (id, provenance_id, cores, slots, first_seen_at_ms, last_seen_at_ms)
        VALUES ($1, $2, $3, $4, $5, $5) ON CONFLICT (id) DO UPDATE SET
        provenance_id = $2, cores = $3, slots = $4, last_seen_at_ms = $5";

    /// Workers that were seen since, latest first, each with its provenance.
    WORKERS = "SELECT id, provenance_id, cores, slots, last_seen_at_ms FROM workers WHERE last_seen_at_ms >= $1
        ORDER BY last_seen_at_ms DESC, id";

    // Tokens.

    /// A new token; zero rows changed means that its name is taken.
    ADD_TOKEN = "INSERT INTO tokens (hash, name, role, created_at_ms, expires_at_ms) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (name) DO NOTHING";
    /// The token with this hash.
    TOKEN = "SELECT hash, name, role, created_at_ms, expires_at_ms, revoked_at_ms FROM tokens WHERE hash = $1";
    /// All tokens, latest first.
    TOKENS = "SELECT hash, name, role, created_at_ms, expires_at_ms, revoked_at_ms FROM tokens
        ORDER BY created_at_ms DESC, name";
    /// Ends a token; one that was ended before keeps its time.
    REVOKE_TOKEN = "UPDATE tokens SET revoked_at_ms = COALESCE(revoked_at_ms, $2) WHERE name = $1";

    // Blobs and checkpoints.

    /// A blob's entry, once; zero rows changed means that the content is there.
    ADD_BLOB = "INSERT INTO blobs (hash, size) VALUES ($1, $2) ON CONFLICT (hash) DO NOTHING";
    /// One chunk of it.
    ADD_CHUNK = "INSERT INTO blob_chunks (hash, seq, data) VALUES ($1, $2, $3)";
    /// Size of a blob.
    BLOB = "SELECT size FROM blobs WHERE hash = $1";
    /// Its chunks, in order.
    CHUNKS = "SELECT data FROM blob_chunks WHERE hash = $1 ORDER BY seq";
    /// Blobs that neither a sweep nor a checkpoint names.
    DROP_BLOBS = "DELETE FROM blobs WHERE NOT EXISTS (SELECT 1 FROM inputs WHERE inputs.hash = blobs.hash)
        AND NOT EXISTS (SELECT 1 FROM checkpoints WHERE checkpoints.hash = blobs.hash)";
    /// One blob, if neither a sweep nor a checkpoint names it.
    DROP_BLOB = "DELETE FROM blobs WHERE hash = $1
        AND NOT EXISTS (SELECT 1 FROM inputs WHERE inputs.hash = blobs.hash)
        AND NOT EXISTS (SELECT 1 FROM checkpoints WHERE checkpoints.hash = blobs.hash)";
    /// Whether a lease still holds; on Postgres the row stays as it is until the transaction ends.
    HOLDS = "UPDATE cells SET fence = fence WHERE sweep_id = $1 AND cell = $2 AND fence = $3 AND state = 'leased'";
    /// The latest checkpoint of a cell takes the place of the one before.
    SAVE_CHECKPOINT = "INSERT INTO checkpoints (sweep_id, cell, step, hash, saved_at_ms) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (sweep_id, cell) DO UPDATE SET step = $3, hash = $4, saved_at_ms = $5";
    /// Bytes of every checkpoint but that of one cell, and the quota where one was set.
    CHECKPOINT_ROOM = "SELECT CAST(COALESCE((SELECT SUM(b.size) FROM checkpoints k JOIN blobs b ON b.hash = k.hash
        WHERE NOT (k.sweep_id = $1 AND k.cell = $2)), 0) AS BIGINT),
        (SELECT value FROM counters WHERE name = 'checkpoint_quota')";
    /// The quota from now on.
    SET_CHECKPOINT_QUOTA = "INSERT INTO counters (name, value) VALUES ('checkpoint_quota', $1)
        ON CONFLICT (name) DO UPDATE SET value = $1";
    /// Where a cell can go on from.
    CHECKPOINT = "SELECT step, hash FROM checkpoints WHERE sweep_id = $1 AND cell = $2";
    /// Checkpoints of cells that will not go on.
    DROP_CHECKPOINTS = "DELETE FROM checkpoints WHERE EXISTS (SELECT 1 FROM cells WHERE cells.sweep_id = checkpoints.sweep_id
        AND cells.cell = checkpoints.cell AND cells.state NOT IN ('ready', 'leased')) RETURNING hash";
    /// How much is stored.
    SIZES = "SELECT (SELECT COUNT(*) FROM sweeps), (SELECT COUNT(*) FROM cells), (SELECT COUNT(*) FROM outcomes),
        (SELECT COUNT(*) FROM points), (SELECT CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM blobs),
        (SELECT COUNT(*) FROM checkpoints), (SELECT CAST(COALESCE(SUM(b.size), 0) AS BIGINT) FROM checkpoints k
        JOIN blobs b ON b.hash = k.hash), (SELECT value FROM counters WHERE name = 'checkpoint_quota')";

    // Checks; those that are one statement are in `check.rs`.

    /// Anything short: a snapshot begins with the first statement.
    FIRST_LOOK = "SELECT COUNT(*) FROM counters";
    /// Blobs with their sizes.
    BLOBS = "SELECT hash, size FROM blobs";
    /// The chunks of every blob, blob after blob, each in order.
    ALL_CHUNKS = "SELECT hash, data FROM blob_chunks ORDER BY hash, seq";
    /// Who names a blob: sweeps, and cells.
    BLOB_USERS = "SELECT sweep_id, CAST(NULL AS BIGINT) FROM inputs WHERE hash = $1
        UNION ALL SELECT sweep_id, cell FROM checkpoints WHERE hash = $1";
    /// Refits that were ever leased.
    CELLS_OF_REFITS = "SELECT cell FROM cells WHERE sweep_id = $1 AND stage = 'refit' ORDER BY cell";

    // Exports.

    /// The view `results` of one sweep, in the order of cells, from one cell on.
    RESULTS = "SELECT * FROM results WHERE sweep_id = $1 AND cell >= $2 ORDER BY cell LIMIT $3";
}

/// Names of the recorded scalars with a prefix: `last_train_loss`, ….
fn scalars(prefix: &str) -> impl Iterator<Item = String> {
    COLUMNS.iter().map(move |column| format!("{prefix}{}", column.name))
}

fn owned<const N: usize>(names: [&str; N]) -> Vec<String> {
    names.map(str::to_owned).to_vec()
}

/// Columns of `outcomes`, in the order in which they are written and read.
pub static OUTCOME_COLUMNS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let mut columns = owned([
        "id",
        "trial_digest",
        "revision",
        "sweep_id",
        "cell",
        "status",
        "inflated",
        "steps_taken",
        "measurements",
    ]);
    for prefix in ["last_", "oracle_", "validated_"] {
        columns.push(format!("{prefix}step"));
        columns.extend(scalars(prefix));
    }
    columns.extend(owned([
        "log10_test_rel",
        "fallbacks",
        "unresolved_directions",
        "wall_seconds",
        "cpu_seconds",
        "recording_seconds",
        "fingerprint",
        "provenance_id",
        "recorded_at_ms",
    ]));
    columns
});

/// Columns of `points`, likewise.
pub static POINT_COLUMNS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let mut columns = owned(["outcome_id", "step"]);
    columns.extend(scalars(""));
    columns.extend(owned(["singular_values", "layer_norms"]));
    columns
});

/// Ends leases with their outcomes: a row changes, and its outcome comes back, exactly if the cell is still leased under
/// this very fence. The casts tell Postgres the types of a list of parameters, which it cannot infer.
pub static ACCEPT: LazyLock<Bulk> = LazyLock::new(|| {
    Bulk::around(
        "UPDATE cells SET state = 'done', outcome_id = CAST(v.column4 AS BIGINT) FROM (VALUES ".to_owned(),
        4,
        ") AS v WHERE cells.sweep_id = v.column1 AND cells.cell = CAST(v.column2 AS BIGINT)
         AND cells.fence = CAST(v.column3 AS BIGINT)
         AND cells.state = 'leased' RETURNING outcome_id, trial_digest",
    )
});

/// Ends the attempts of accepted outcomes.
pub static END_RECORDED: LazyLock<Bulk> = LazyLock::new(|| {
    Bulk::around(
        "UPDATE attempts SET ending = 'recorded', ended_at_ms = CAST(v.column4 AS BIGINT), fingerprint = v.column5
         FROM (VALUES "
            .to_owned(),
        5,
        ") AS v WHERE attempts.sweep_id = v.column1 AND attempts.cell = CAST(v.column2 AS BIGINT)
         AND attempts.fence = CAST(v.column3 AS BIGINT)
         AND attempts.ended_at_ms IS NULL",
    )
});

/// Accepted outcomes.
pub static ADD_OUTCOMES: LazyLock<Bulk> = LazyLock::new(|| Bulk::new("outcomes", &OUTCOME_COLUMNS, ""));

/// Their trajectories.
pub static ADD_POINTS: LazyLock<Bulk> = LazyLock::new(|| Bulk::new("points", &POINT_COLUMNS, ""));

/// Their matrices.
pub static ADD_MATRICES: LazyLock<Bulk> = LazyLock::new(|| {
    Bulk::new("matrices", &owned(["outcome_id", "step", "layer", "row_count", "column_count", "data"]), "")
});

/// An outcome.
pub static OUTCOME: LazyLock<&'static str> = LazyLock::new(|| {
    let text = format!("SELECT {} FROM outcomes WHERE id = $1", OUTCOME_COLUMNS.join(", "));
    Box::leak(text.into_boxed_str())
});

/// The statements that read one measure of many cells.
#[derive(Debug, Clone, Copy)]
pub struct Readings {
    /// From cell $2 on, at most $3.
    pub from: &'static str,
    /// Of outcomes above the number $2.
    pub since: &'static str,
    /// Of linked cells.
    pub linked: &'static str,
}

/// One for each measure.
static READINGS: LazyLock<BTreeMap<Measure, Readings>> = LazyLock::new(|| {
    let texts = |measure: Measure| {
        let name = measure.scalar();
        let (value, join) = match measure.at {
            At::Run => (format!("CAST(o.{name} AS DOUBLE PRECISION)"), ""),
            At::Last => (format!("o.last_{name}"), ""),
            At::Oracle => (format!("o.oracle_{name}"), ""),
            At::Validated => (format!("o.validated_{name}"), ""),
            At::Initial => (format!("p.{name}"), " LEFT JOIN points p ON p.outcome_id = o.id AND p.step = 0"),
        };
        let make = |condition: &str| -> &'static str {
            let text = format!(
                "SELECT c.cell, o.id, o.status, o.inflated, {value} FROM cells c JOIN outcomes o ON o.id = c.outcome_id{join}
                 WHERE c.sweep_id = $1 AND {condition}"
            );
            Box::leak(text.into_boxed_str())
        };
        Readings {
            from: make("c.cell >= $2 ORDER BY c.cell LIMIT $3"),
            since: make("c.outcome_id > $2 AND c.linked = 0"),
            linked: make("c.state = 'done' AND c.linked = 1"),
        }
    };
    Measure::all().map(|measure| (measure, texts(measure))).collect()
});

/// How `measure` is read.
pub fn readings(measure: Measure) -> Readings {
    READINGS[&measure]
}

/// Its trajectory, by step.
pub static POINTS: LazyLock<&'static str> = LazyLock::new(|| {
    let text = format!("SELECT {} FROM points WHERE outcome_id = $1 ORDER BY step", POINT_COLUMNS.join(", "));
    Box::leak(text.into_boxed_str())
});

fn cell_columns() -> Vec<String> {
    owned([
        "sweep_id",
        "cell",
        "stage",
        "coordinates",
        "setting_key",
        "problem_key",
        "instance_key",
        "method_key",
        "init_seed",
        "trial_digest",
        "state",
        "fence",
        "outcome_id",
        "linked",
    ])
}

/// Leases cells: those never leased, and those that came back. A cell in any other state is left alone and does not
/// come back in the answer. The fence of a cell only rises. What a refit trains follows from tuning, and may have changed
/// since it was last leased.
pub static LEASE: LazyLock<Bulk> = LazyLock::new(|| {
    Bulk::new(
        "cells",
        &cell_columns(),
        "ON CONFLICT (sweep_id, cell) DO UPDATE SET state = 'leased', fence = cells.fence + 1,
         coordinates = excluded.coordinates, setting_key = excluded.setting_key, method_key = excluded.method_key,
         problem_key = excluded.problem_key, instance_key = excluded.instance_key, init_seed = excluded.init_seed,
         trial_digest = excluded.trial_digest WHERE cells.state = 'ready' RETURNING cell, fence",
    )
});

/// Gives cells an outcome that is there already, under the same condition as [`LEASE`], and never one that a user wants
/// trained again.
pub static LINK: LazyLock<Bulk> = LazyLock::new(|| {
    Bulk::new(
        "cells",
        &cell_columns(),
        "ON CONFLICT (sweep_id, cell) DO UPDATE SET state = 'done', fence = cells.fence + 1,
         coordinates = excluded.coordinates, setting_key = excluded.setting_key, method_key = excluded.method_key,
         problem_key = excluded.problem_key, instance_key = excluded.instance_key, init_seed = excluded.init_seed,
         trial_digest = excluded.trial_digest,
         outcome_id = excluded.outcome_id, linked = 1 WHERE cells.state = 'ready' AND cells.forgiven = 0
         RETURNING cell, fence",
    )
});

/// Makes cells ready again, without an outcome, whatever they were; not those out on lease.
pub static REOPEN: LazyLock<Bulk> = LazyLock::new(|| {
    Bulk::around(
        "UPDATE cells SET state = 'ready', outcome_id = NULL, linked = 0, forgiven = fence FROM (VALUES ".to_owned(),
        2,
        ") AS v WHERE cells.sweep_id = v.column1 AND cells.cell = CAST(v.column2 AS BIGINT) AND cells.state <> 'leased'
         RETURNING cell",
    )
});

/// Drops the checkpoints of cells that are not out on lease.
pub static FORGET_CHECKPOINTS: LazyLock<Bulk> = LazyLock::new(|| {
    Bulk::around(
        "DELETE FROM checkpoints WHERE EXISTS (SELECT 1 FROM cells JOIN (VALUES ".to_owned(),
        2,
        ") AS v ON cells.sweep_id = v.column1 AND cells.cell = CAST(v.column2 AS BIGINT)
         WHERE cells.sweep_id = checkpoints.sweep_id AND cells.cell = checkpoints.cell AND cells.state <> 'leased')
         RETURNING hash",
    )
});

/// The latest outcome of each trial (digest, revision) that may be linked, as [`OUTCOME_FOR`]; NULL where there is none.
pub static OUTCOMES_FOR: LazyLock<Bulk> = LazyLock::new(|| {
    Bulk::around(
        "SELECT v.column1, (SELECT MAX(o.id) FROM outcomes o WHERE o.trial_digest = v.column1
         AND o.revision = CAST(v.column2 AS BIGINT) AND o.status <> 'out_of_time') FROM (VALUES "
            .to_owned(),
        2,
        ") AS v",
    )
});

/// Attempts that begin (or, for a link, begin and end).
pub static ADD_ATTEMPTS: LazyLock<Bulk> = LazyLock::new(|| {
    let columns = ["sweep_id", "cell", "fence", "worker_id", "leased_at_ms", "ended_at_ms", "ending"];
    Bulk::new("attempts", &owned(columns), "")
});

/// Every statement there is.
#[cfg(test)]
pub fn all(sqlite: bool) -> Vec<&'static str> {
    let bulks = [
        &ACCEPT,
        &END_RECORDED,
        &ADD_OUTCOMES,
        &ADD_POINTS,
        &ADD_MATRICES,
        &LEASE,
        &LINK,
        &ADD_ATTEMPTS,
        &REOPEN,
        &FORGET_CHECKPOINTS,
        &OUTCOMES_FOR,
    ];
    let readings = READINGS.values().flat_map(|r| [r.from, r.since, r.linked]);
    let made = [*OUTCOME, *POINTS].into_iter().chain(readings);
    let checks = super::check::statements(sqlite);
    ALL.iter().copied().chain(made).chain(bulks.iter().flat_map(|bulk| bulk.texts(sqlite))).chain(checks).collect()
}
