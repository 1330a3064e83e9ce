//! What every relation and column means: the source of the reference part of `docs/sql.md`.
//!
//! A test holds this list and the schema to each other, in both directions, on both databases.

use super::views::{self, Dialect};
use std::fmt::Write;
use sweep_core::outcome::COLUMNS;

/// A table or view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation {
    /// Name.
    pub name: String,
    /// Whether it is a view.
    pub view: bool,
    /// What one row is.
    pub doc: String,
    /// Name, type in SQL, meaning; in order.
    pub columns: Vec<(String, &'static str, String)>,
}

/// A table's name, what one row is, and its columns. `@last_` stands for the recorded scalars with that prefix.
type Described = (&'static str, &'static str, &'static [(&'static str, &'static str, &'static str)]);

const INT: &str = "BIGINT";
const FLOAT: &str = "DOUBLE PRECISION";
const TEXT: &str = "TEXT";
const BYTES: &str = "BYTEA";

const TABLES: &[Described] = &[
    (
        "sweeps",
        "What a user submitted.",
        &[
            ("id", TEXT, "twelve hex digits, from the digest and how often it was submitted"),
            ("name", TEXT, "name in the sweep file"),
            ("description", TEXT, "description in the sweep file"),
            ("source", TEXT, "the sweep file, as it was submitted"),
            ("digest", TEXT, "hash of its meaning: equal digests, equal cells"),
            ("cells", INT, "number of cells, those of extensions included"),
            ("state", TEXT, "running, paused, finished or cancelled"),
            ("created_at_ms", INT, "when it was submitted"),
            ("priority", INT, "its rank: sweeps of a higher one are worked on first"),
            ("fresh", INT, "1: no cell is linked to the outcome of an equal trial"),
        ],
    ),
    (
        "extensions",
        "A longer file that gave a sweep more cells.",
        &[
            ("sweep_id", TEXT, "the sweep"),
            ("seq", INT, "1 for the first extension, and so on"),
            ("source", TEXT, "the whole longer file"),
            ("digest", TEXT, "hash of its meaning"),
            ("cells", INT, "number of cells of the sweep from then on"),
            ("extended_at_ms", INT, "when it was given"),
        ],
    ),
    ("tags", "A word that a user put on a sweep.", &[("sweep_id", TEXT, "the sweep"), ("tag", TEXT, "the word")]),
    (
        "cells",
        "A cell that was ever leased or linked. Cells without a row have not been handed out yet.",
        &[
            ("sweep_id", TEXT, "the sweep"),
            ("cell", INT, "index in the sweep"),
            ("stage", TEXT, "grid; or tuning, refit where the sweep tunes"),
            ("coordinates", TEXT, "JSON: the value of every axis that applies, defaults included, and `replicate`"),
            ("setting_key", TEXT, "hash of the coordinates without replicate and seeds"),
            ("problem_key", TEXT, "hash of the problem's axes"),
            ("instance_key", TEXT, "hash of the problem's axes, its seeds and the validation split"),
            ("method_key", TEXT, "hash of optimizer, penalty, depth and baseline"),
            ("init_seed", INT, "seed of the initial factors; NULL for a baseline"),
            ("trial_digest", TEXT, "identity of the trial: equal digests, equal numbers"),
            ("state", TEXT, "ready (came back), leased, done, failed, cancelled or quarantined"),
            ("fence", INT, "number of its latest lease; only rises"),
            ("outcome_id", INT, "its outcome; there exactly if it is done"),
            ("linked", INT, "1: the outcome was recorded by another cell with the same trial"),
            ("forgiven", INT, "attempts up to this fence no longer count against it: a user asked for it again"),
        ],
    ),
    (
        "attempts",
        "One try at a cell.",
        &[
            ("sweep_id", TEXT, "the sweep"),
            ("cell", INT, "the cell"),
            ("fence", INT, "the fence of its lease"),
            ("worker_id", TEXT, "who tried; NULL for a link"),
            ("leased_at_ms", INT, "when it began"),
            ("ended_at_ms", INT, "when it ended; NULL while it runs"),
            (
                "ending",
                TEXT,
                "recorded, linked, failed (said so), suspected (the process that trained it died), lost (its worker was \
                 not heard any more), returned (given back), late (a result came after the end); NULL while it runs",
            ),
            ("error", TEXT, "why it failed or what came late"),
            ("fingerprint", TEXT, "hash of the numbers that it delivered"),
        ],
    ),
    (
        "outcomes",
        "What a finished run left. At most one per cell; it stays as long as a cell refers to it.",
        &[
            ("id", INT, "its number"),
            ("trial_digest", TEXT, "identity of the trial"),
            ("revision", INT, "revision of the trainer; outcomes of another revision are not linked"),
            ("sweep_id", TEXT, "the sweep that recorded it (which may be gone)"),
            ("cell", INT, "the cell that recorded it"),
            ("status", TEXT, "converged, budget, out_of_time or diverged"),
            ("inflated", INT, "1: ‖W‖_F > 1.5·√(n1·n2·mean Y_obs²) at the end"),
            ("steps_taken", INT, "steps done (iterations of a baseline)"),
            ("measurements", INT, "training measurements used"),
            ("last_step", INT, "step of the last point (of a diverged run: the last with a finite W)"),
            ("@last_", FLOAT, ""),
            ("oracle_step", INT, "step of the point with the least test error"),
            ("@oracle_", FLOAT, ""),
            ("validated_step", INT, "step of the point with the least validation error"),
            ("@validated_", FLOAT, ""),
            ("log10_test_rel", FLOAT, "log10 of last_test_rel, at least −300"),
            ("fallbacks", INT, "times that a gradient of singular values fell back to a full decomposition (gesdd)"),
            ("unresolved_directions", INT, "most directions in any step below the resolution of the polar factor"),
            ("wall_seconds", FLOAT, "wall seconds of training, recording excluded"),
            ("cpu_seconds", FLOAT, "CPU seconds of the training thread, recording excluded"),
            ("recording_seconds", FLOAT, "wall seconds spent on recording"),
            ("fingerprint", TEXT, "hash of its numbers, times apart: equal where two runs agree bit for bit"),
            ("provenance_id", TEXT, "where it was computed"),
            ("recorded_at_ms", INT, "when it was recorded"),
        ],
    ),
    (
        "points",
        "One point of a trajectory.",
        &[
            ("outcome_id", INT, "the outcome"),
            ("step", INT, "steps done; 0 is the initialisation"),
            ("@", FLOAT, ""),
            ("singular_values", TEXT, "JSON list of the leading singular values"),
            ("layer_norms", TEXT, "JSON list of ‖W_j‖_F, j = 1 … N"),
        ],
    ),
    (
        "matrices",
        "A recorded matrix (axis `matrices`).",
        &[
            ("outcome_id", INT, "the outcome"),
            ("step", INT, "steps done when it was taken"),
            ("layer", INT, "0: the end-to-end matrix W; j ≥ 1: the factor W_j"),
            ("row_count", INT, "rows"),
            ("column_count", INT, "columns"),
            ("data", BYTES, "the entries, row after row, eight bytes each (f64, little endian)"),
        ],
    ),
    (
        "selections",
        "What tuning chose for a group of candidates.",
        &[
            ("sweep_id", TEXT, "the sweep"),
            ("group_index", INT, "number of the group (problem and method)"),
            ("candidate", INT, "number of the chosen candidate"),
            ("candidates", INT, "how many were compared"),
            ("coordinates", TEXT, "JSON: the chosen values"),
            ("validation_error", FLOAT, "its median validation error; NULL where every candidate failed"),
            (
                "at_edge",
                TEXT,
                "axes whose chosen value is at an end of its list, none with another value being as good; empty: none",
            ),
            ("selected_at_ms", INT, "when it was chosen"),
        ],
    ),
    (
        "provenance",
        "A machine and a program: what can move the last bits of a result.",
        &[
            ("id", TEXT, "hash of the rest"),
            ("trainer_version", TEXT, "version of the program"),
            ("revision", INT, "revision of the trainer"),
            ("git_commit", TEXT, "commit that the program was built from"),
            ("host", TEXT, "name of the machine"),
            ("cpu", TEXT, "model of its processor"),
            ("blas_library", TEXT, "BLAS library with its version"),
            ("blas_kernel", TEXT, "the kernel that it chose"),
            ("blas_threads", INT, "its threads for one run"),
            ("dtype", TEXT, "type of the recorded numbers (that of the computation is the axis dtype)"),
        ],
    ),
    (
        "workers",
        "A worker that was ever seen.",
        &[
            ("id", TEXT, "its name"),
            ("provenance_id", TEXT, "its machine and program"),
            ("cores", INT, "cores that it may use"),
            ("slots", INT, "cells that it trains at once"),
            ("first_seen_at_ms", INT, "when it was first seen"),
            ("last_seen_at_ms", INT, "when it was last seen"),
        ],
    ),
    (
        "tokens",
        "Who may come, and as what. The tokens themselves are not stored.",
        &[
            ("hash", TEXT, "blake3 of the token"),
            ("name", TEXT, "its name"),
            ("role", TEXT, "admin, worker or viewer"),
            ("created_at_ms", INT, "when it was made"),
            ("expires_at_ms", INT, "when it ends; NULL: never"),
            ("revoked_at_ms", INT, "when it was revoked; NULL: it was not"),
        ],
    ),
    (
        "inputs",
        "A file that a sweep names.",
        &[
            ("sweep_id", TEXT, "the sweep"),
            ("path", TEXT, "the path in the sweep file"),
            ("hash", TEXT, "its content when the sweep was submitted, or extended by a file that names it"),
        ],
    ),
    (
        "checkpoints",
        "Where a running cell can go on from: the latest only, gone when the cell is final.",
        &[
            ("sweep_id", TEXT, "the sweep"),
            ("cell", INT, "the cell"),
            ("step", INT, "steps done"),
            ("hash", TEXT, "its bytes"),
            ("saved_at_ms", INT, "when it was saved"),
        ],
    ),
    (
        "blobs",
        "Bytes stored once by content: inputs and checkpoints.",
        &[("hash", TEXT, "blake3, hex"), ("size", INT, "bytes")],
    ),
    (
        "blob_chunks",
        "A piece of a blob, 1 MiB at most.",
        &[("hash", TEXT, "the blob"), ("seq", INT, "number of the piece, from 0"), ("data", BYTES, "its bytes")],
    ),
    (
        "counters",
        "Numbers that the program keeps.",
        &[
            ("name", TEXT, "outcomes: the last number given; checkpoint_quota: most bytes of all checkpoints together"),
            ("value", INT, "the number"),
        ],
    ),
    (
        "migrations",
        "Changes of the schema that were applied.",
        &[
            ("version", INT, "number of the migration"),
            ("hash", TEXT, "hash of its text"),
            ("applied_at_ms", INT, "when it was applied"),
        ],
    ),
    ("views", "Which definition of the views is in place.", &[("hash", TEXT, "hash of their text")]),
];

/// Every view and table with its columns, views first.
pub fn relations() -> Vec<Relation> {
    let views = views::all(Dialect::Sqlite).into_iter().map(|view| Relation {
        name: view.name.to_owned(),
        view: true,
        doc: view.doc.to_owned(),
        columns: view.columns.into_iter().map(|c| (c.name, c.kind.sql(), c.doc)).collect(),
    });
    let tables = TABLES.iter().map(|(name, doc, columns)| Relation {
        name: (*name).to_owned(),
        view: false,
        doc: (*doc).to_owned(),
        columns: columns.iter().flat_map(|&(name, kind, doc)| expanded(name, kind, doc)).collect(),
    });
    views.chain(tables).collect()
}

/// A described column, or the recorded scalars that it stands for.
fn expanded(name: &str, kind: &'static str, doc: &str) -> Vec<(String, &'static str, String)> {
    match name.strip_prefix('@') {
        None => vec![(name.to_owned(), kind, doc.to_owned())],
        Some(prefix) => {
            let of = |c: &sweep_core::outcome::Column| match prefix.strip_suffix('_') {
                None => c.doc.to_owned(),
                Some(point) => format!("{} at the {point} point", c.name),
            };
            COLUMNS.iter().map(|c| (format!("{prefix}{}", c.name), kind, of(c))).collect()
        }
    }
}

/// The reference part of `docs/sql.md`: a table of columns for each relation, in Markdown.
pub fn document() -> String {
    let mut text = String::new();
    for relation in relations() {
        let kind = if relation.view { "view" } else { "table" };
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "### `{}` ({kind})\n\n{}\n\n| column | type | meaning |\n|---|---|---|\n",
            relation.name, relation.doc
        );
        for (name, kind, doc) in &relation.columns {
            let _ = writeln!(text, "| `{name}` | {kind} | {} |", doc.replace('|', "\\|"));
        }
        text.push('\n');
    }
    text
}
