//! `sweep show`: a sweep with its answer, or a cell with everything that is known of it.

use crate::answer::{Answer, datum};
use crate::failure::Result;
use crate::output::{self, Format, Part, Table};
use crate::session::{self, cell_of};
use sweep_coordinator::plot::Spread;
use sweep_coordinator::plot::terminal::{self, Characters, Style};
use sweep_coordinator::store::{Cell, Coordinates, Datum, Store, Stored, Sweep};
use sweep_core::outcome::{COLUMNS, Outcome, Point, TEST_REL, TEST_RMSE, TRAIN_LOSS};
use sweep_core::sweep;

/// Most rows of an answer that people are shown.
const MOST_ROWS: usize = 60;
/// Most runs that an answer is made of.
pub const MOST_RUNS: u64 = 200_000;
/// Most cells that were given up and are listed.
const MOST_GIVEN_UP: u64 = 20;

/// Shows what is called `key`.
///
/// # Errors
/// Names that are not known.
pub async fn run(db: &str, key: &str, format: Format) -> Result {
    let store = session::reading(db).await?;
    match cell_of(key) {
        Some((sweep, index)) => cell(&store, &store.find_sweep(sweep).await?, index, format).await,
        None => whole(db, &store, &session::sweep(&store, key).await?, format).await,
    }
}

fn text(text: impl Into<String>) -> Datum {
    Datum::Text(text.into())
}

fn count(n: u64) -> Datum {
    Datum::Int(n as i64)
}

async fn whole(db: &str, store: &Store, stored: &Sweep, format: Format) -> Result {
    let counts = store.counts(&stored.id).await?;
    let sweep = session::parsed(stored)?;
    let record = vec![
        ("name", text(&stored.name)),
        ("id", text(&stored.id)),
        ("description", text(&stored.description)),
        ("state", text(stored.state.word())),
        ("tags", text(stored.tags.join(" "))),
        ("submitted", text(output::date(stored.created_at_ms))),
        ("cells", count(stored.cells)),
        ("done", count(counts.done)),
        ("linked", count(counts.linked)),
        ("failed", count(counts.failed + counts.quarantined)),
        ("running", count(counts.leased)),
    ];
    let answer = answer(store, &stored.id, &sweep).await?;
    let mut parts = vec![Part::Record("sweep", record)];
    if !stored.inputs.is_empty() {
        let mut table = Table::new(&["file", "content"]);
        table.rows = stored.inputs.iter().map(|(path, hash)| vec![text(path), text(&hash[..12])]).collect();
        parts.push(Part::Table("files", table));
    }
    let is_silent = answer.rows.is_empty() && format == Format::Table;
    if !is_silent {
        parts.insert(1, Part::Table("answer", answer.in_form(format, MOST_ROWS)));
    }
    let given_up = store.given_up(&stored.id, MOST_GIVEN_UP).await?;
    if !given_up.is_empty() {
        let mut table = Table::new(&["cell", "error", "again"]);
        for (cell, error) in given_up {
            let again = format!("sweep repro{} {}/{cell}", session::option(db), stored.id);
            table.rows.push(vec![count(cell), text(error), text(again)]);
        }
        parts.push(Part::Table("failed", table));
    }
    if format == Format::Csv {
        // What a program wants as rows is the answer.
        parts.swap(0, 1);
    }
    output::print(format, &parts)?;
    if is_silent {
        output::note(format, "no answer yet: none of the runs that it is made of has ended")?;
    }
    if answer.rows.len() > MOST_ROWS {
        output::note(format, format!("… {} more rows: --output csv shows all", answer.rows.len() - MOST_ROWS))?;
    }
    Ok(())
}

/// The answer of a stored sweep.
///
/// # Errors
/// What the database says.
pub async fn answer(store: &Store, id: &str, sweep: &sweep::Sweep) -> Result<Answer> {
    let runs = store.runs(id, MOST_RUNS).await?;
    if runs.len() as u64 == MOST_RUNS {
        crate::say!("warning: the answer is made of the first {MOST_RUNS} runs; `sweep sql` asks all of them");
    }
    Ok(Answer::new(sweep, runs, &store.selections(id).await?))
}

async fn cell(store: &Store, stored: &Sweep, index: u64, format: Format) -> Result {
    session::inside(stored, index)?;
    let Some(known) = store.cell(&stored.id, index).await? else { return untouched(stored, index, format) };
    let outcome = match known.outcome {
        Some(id) => store.outcome(id).await?,
        None => None,
    };
    let mut record = vec![
        ("sweep", text(&stored.name)),
        ("cell", count(index)),
        ("stage", text(known.stage.word())),
        ("state", text(known.state.word())),
        ("trial_digest", text(&known.trial_digest)),
    ];
    if let Some(found) = &outcome {
        record.extend(ended(&known, found));
    }
    let mut parts = vec![Part::Record("cell", record), Part::Table("recipe", recipe(&known.coordinates))];
    parts.push(Part::Table("attempts", attempts(&known)));
    if let Some(found) = &outcome {
        parts.push(Part::Record("provenance", provenance(found)));
        parts.push(Part::Table("metrics", metrics(&found.outcome)));
        if format == Format::Json {
            parts.push(Part::Table("trajectory", trajectory(&found.outcome)));
        }
    }
    if format == Format::Csv {
        parts = vec![outcome.as_ref().map_or_else(
            || Part::Table("recipe", recipe(&known.coordinates)),
            |found| Part::Table("trajectory", trajectory(&found.outcome)),
        )];
    }
    output::print(format, &parts)?;
    match outcome {
        Some(found) => drawn(&found.outcome, format),
        None => Ok(()),
    }
}

/// A cell that was not begun: its recipe alone.
fn untouched(stored: &Sweep, index: u64, format: Format) -> Result {
    let (state, coordinates) = match session::parsed(stored)?.cell(index) {
        Some(sweep::Cell::Fixed(coordinates)) => ("not begun", coordinates),
        Some(sweep::Cell::Refit { coordinates, .. }) => ("waits for the tuning of its group", coordinates),
        None => ("not begun", Coordinates::new()),
    };
    let record = vec![("sweep", text(&stored.name)), ("cell", count(index)), ("state", text(state))];
    output::print(format, &[Part::Record("cell", record), Part::Table("recipe", recipe(&coordinates))])
}

fn ended(known: &Cell, found: &Stored) -> Vec<(&'static str, Datum)> {
    let outcome = &found.outcome;
    let mut record = vec![
        ("status", text(outcome.status.word())),
        ("inflated", text(if outcome.inflated { "yes" } else { "no" })),
        ("steps", count(outcome.steps)),
        ("measurements", count(outcome.measurements)),
        ("wall_seconds", Datum::Float(outcome.wall_seconds)),
        ("cpu_seconds", Datum::Float(outcome.cpu_seconds)),
        ("recording_seconds", Datum::Float(outcome.recording_seconds)),
        ("recorded", text(output::date(found.recorded_at_ms))),
        ("matrices", count(outcome.matrices.len() as u64)),
        ("fingerprint", text(&found.fingerprint)),
    ];
    if known.linked {
        record.push(("linked_to", text(format!("{}/{}", found.sweep, found.cell))));
    }
    record
}

fn recipe(coordinates: &Coordinates) -> Table {
    let mut table = Table::new(&["axis", "value"]);
    let value = |value| match datum(value) {
        // One column for numbers and words: as text, so that every digit is there.
        Datum::Int(i) => text(i.to_string()),
        Datum::Float(x) => text(format!("{x:?}")),
        other => other,
    };
    table.rows = coordinates.iter().map(|(axis, x)| vec![text(axis), value(x)]).collect();
    table
}

fn attempts(known: &Cell) -> Table {
    let mut table = Table::new(&["fence", "worker", "begun", "ended", "ending", "error"]);
    let date = |at: Option<i64>| at.map_or(Datum::Null, |at| text(output::date(at)));
    for attempt in &known.attempts {
        table.rows.push(vec![
            Datum::Int(attempt.fence),
            attempt.worker.as_ref().map_or(Datum::Null, text),
            date(Some(attempt.leased_at_ms)),
            date(attempt.ended_at_ms),
            text(attempt.ending.map_or("running", |ending| ending.word())),
            attempt.error.as_ref().map_or(Datum::Null, text),
        ]);
    }
    table
}

fn provenance(found: &Stored) -> Vec<(&'static str, Datum)> {
    let p = &found.provenance;
    vec![
        ("trainer_version", text(&p.trainer_version)),
        ("revision", count(p.revision.into())),
        ("git_commit", text(&p.git_commit)),
        ("host", text(&p.host)),
        ("cpu", text(&p.cpu)),
        ("blas_library", text(&p.blas_library)),
        ("blas_kernel", text(&p.blas_kernel)),
        ("blas_threads", count(p.blas_threads.into())),
        ("dtype", text(&p.dtype)),
    ]
}

fn number(point: Option<&Point>, column: usize) -> Datum {
    point.and_then(|point| point.get(column)).map_or(Datum::Null, Datum::Float)
}

fn metrics(outcome: &Outcome) -> Table {
    let mut table = Table::new(&["metric", "last", "oracle", "validated"]);
    let points = [Some(&outcome.last), outcome.oracle.as_ref(), outcome.validated.as_ref()];
    let steps = points.map(|point| point.map_or(Datum::Null, |point| count(point.step)));
    table.rows.push([text("step")].into_iter().chain(steps).collect());
    for (i, column) in COLUMNS.iter().enumerate() {
        table.rows.push([text(column.name)].into_iter().chain(points.map(|point| number(point, i))).collect());
    }
    table
}

fn trajectory(outcome: &Outcome) -> Table {
    let columns: Vec<&str> = ["step"].into_iter().chain(COLUMNS.iter().map(|column| column.name)).collect();
    let mut table = Table::new(&columns);
    for point in &outcome.trajectory {
        let values = (0..COLUMNS.len()).map(|i| number(Some(point), i));
        table.rows.push([count(point.step)].into_iter().chain(values).collect());
    }
    table
}

/// The error, or without a truth the loss, against steps.
fn drawn(outcome: &Outcome, format: Format) -> Result {
    let has = |column: &usize| outcome.trajectory.iter().any(|point| point.get(*column).is_some());
    let Some(column) = [TEST_REL, TEST_RMSE, TRAIN_LOSS].into_iter().find(has) else { return Ok(()) };
    if outcome.trajectory.len() < 2 {
        return Ok(());
    }
    let points: Vec<(u64, Option<f64>)> =
        outcome.trajectory.iter().map(|point| (point.step, point.get(column))).collect();
    let locale =
        ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(|name| std::env::var(name).ok().filter(|v| !v.is_empty()));
    let utf8 = locale.is_none_or(|locale| locale.to_lowercase().replace('-', "").contains("utf8"));
    let style = Style {
        width: 76,
        height: 14,
        steps: Spread::Log,
        values: Spread::Log,
        characters: if utf8 { Characters::Unicode } else { Characters::Ascii },
    };
    output::note(format, format!("\n{}", terminal::plot(COLUMNS[column].name, &points, style).trim_end()))
}
