//! `sweep show`: a sweep with its answer, or a cell with everything that is known of it.

use crate::answer;
use crate::args::Remote;
use crate::failure::{Failure, Result};
use crate::output::{self, Format, Part, Table};
use crate::remote::{Access, Cell, Coordinator, Shown};
use crate::session::{self, cell_of};
use std::collections::BTreeMap;
use std::path::Path;
use sweep_coordinator::answer::{Answer, MOST_RUNS, datum};
use sweep_coordinator::plot::terminal::{self, Characters, Style};
use sweep_coordinator::plot::{self, Spread};
use sweep_coordinator::store::{Coordinates, Datum, Stored};
use sweep_core::outcome::{COLUMNS, Outcome, Point, TEST_REL, TEST_RMSE, TRAIN_LOSS};
use sweep_core::sweep::Sweep;
use sweep_proto::v1;

/// Most rows of an answer that people are shown.
const MOST_ROWS: usize = 60;

/// Most of them that are drawn in characters.
const MOST_DRAWN: usize = 30;

/// Shows what is called `key`.
///
/// # Errors
/// Names that are not known.
pub async fn run(db: &str, of: &Remote, key: &str, picture: Option<&Path>, format: Format) -> Result {
    if let (Some(_), Some((sweep, _))) = (picture, cell_of(key)) {
        return Err(Failure::Mistake(format!("--picture draws the answer of a sweep, not a cell; write \"{sweep}\"")));
    }
    let mut coordinator = Coordinator::reach(db, of, Access::Read).await?;
    match cell_of(key) {
        Some((sweep, index)) => cell(&coordinator.cell(sweep, index, false).await?, index, format),
        None => {
            let id = coordinator.sweep(key).await?.id;
            let shown = coordinator.show(&id, MOST_RUNS).await?;
            let at = if coordinator.location().is_some() { session::option(db) } else { String::new() };
            whole(shown, &at, picture, format)
        }
    }
}

fn text(text: impl Into<String>) -> Datum {
    Datum::Text(text.into())
}

fn count(n: u64) -> Datum {
    Datum::Int(n as i64)
}

/// `at`: how a command means the same database.
fn whole(shown: Shown, at: &str, picture: Option<&Path>, format: Format) -> Result {
    let Shown { detail, status, selections, runs } = shown;
    let sweep = session::parsed(&status.name, &detail.source, &detail.extensions)?;
    let record = vec![
        ("name", text(&status.name)),
        ("id", text(&status.id)),
        ("description", text(&detail.description)),
        ("state", text(&status.state)),
        ("tags", text(status.tags.join(" "))),
        ("submitted", text(output::date(status.created_at_ms))),
        ("cells", count(status.cells)),
        ("done", count(status.done)),
        ("linked", count(status.linked)),
        ("failed", count(status.failed)),
        ("running", count(status.running)),
    ];
    let answer = answer::of_most(&sweep, runs, &selections);
    let mut parts = vec![Part::Record("sweep", record)];
    if !detail.inputs.is_empty() {
        let mut table = Table::new(&["file", "content"]);
        let inputs: BTreeMap<&String, &String> = detail.inputs.iter().collect();
        table.rows =
            inputs.into_iter().map(|(path, hash)| vec![text(path), text(hash.get(..12).unwrap_or(hash))]).collect();
        parts.push(Part::Table("files", table));
    }
    let is_silent = answer.rows.is_empty() && format == Format::Table;
    if !is_silent {
        parts.insert(1, Part::Table("answer", answer::in_form(&answer, format, MOST_ROWS)));
    }
    if !detail.given_up.is_empty() {
        let mut table = Table::new(&["cell", "error", "again"]);
        for v1::GivenUp { cell, error } in detail.given_up {
            let again = format!("sweep repro{at} {}/{cell}", status.id);
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
    let rows = answer.strip();
    if answer.is_tested() && rows.len() > 1 && rows.len() <= MOST_DRAWN {
        let drawn = terminal::strip(&rows, style());
        output::note(format, format!("\n{}", drawn.trim_end()))?;
    }
    picture.map_or(Ok(()), |path| draw(path, &sweep, &answer))
}

/// Draws the answer, in the form that the ending of the file names.
fn draw(path: &Path, sweep: &Sweep, answer: &Answer) -> Result {
    let nothing = |why: String| Failure::Mistake(format!("{} is not drawn: {why}", path.display()));
    if !answer.is_tested() {
        return Err(nothing("no run has a test error".to_owned()));
    }
    if answer.rows.len() > MOST_ROWS {
        return Err(nothing(format!("{} rows do not fit into a picture; at most {MOST_ROWS} do", answer.rows.len())));
    }
    let svg = plot::methods::methods(&answer.picture(sweep));
    let bytes = match path.extension() {
        Some(ending) if ending == "png" => {
            plot::render_png(&svg, 2.0).map_err(|error| Failure::Internal(anyhow::Error::new(error)))?
        }
        _ => svg.into_bytes(),
    };
    std::fs::write(path, bytes)
        .map_err(|error| Failure::Mistake(format!("{} cannot be written: {error}", path.display())))?;
    crate::say!("drawn in {}", path.display());
    Ok(())
}

fn cell(cell: &Cell, index: u64, format: Format) -> Result {
    let Cell { detail, coordinates, stored, .. } = cell;
    let recipe = recipe(coordinates);
    let mut record = vec![("sweep", text(&detail.name)), ("cell", count(index))];
    let Some(known) = &detail.record else {
        // It was never leased: what it will be is all there is.
        record.push(("state", text(&detail.state)));
        return output::print(format, &[Part::Record("cell", record), Part::Table("recipe", recipe)]);
    };
    record.extend([
        ("stage", text(&known.stage)),
        ("state", text(&detail.state)),
        ("trial_digest", text(&known.trial_digest)),
    ]);
    if let Some(found) = stored {
        record.extend(ended(known.linked, found, cell.matrices));
    }
    let mut parts = vec![Part::Record("cell", record), Part::Table("recipe", recipe.clone())];
    parts.push(Part::Table("attempts", attempts(&known.attempts)));
    if let Some(found) = stored {
        parts.push(Part::Record("provenance", provenance(found)));
        parts.push(Part::Table("metrics", metrics(&found.outcome)));
        if format == Format::Json {
            parts.push(Part::Table("trajectory", trajectory(&found.outcome)));
        }
    }
    if format == Format::Csv {
        parts = vec![match stored {
            Some(found) => Part::Table("trajectory", trajectory(&found.outcome)),
            None => Part::Table("recipe", recipe),
        }];
    }
    output::print(format, &parts)?;
    match stored {
        Some(found) => drawn(&found.outcome, format),
        None => Ok(()),
    }
}

fn ended(linked: bool, found: &Stored, matrices: u64) -> Vec<(&'static str, Datum)> {
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
        ("matrices", count(matrices)),
        ("fingerprint", text(&found.fingerprint)),
    ];
    if linked {
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

fn attempts(attempts: &[v1::AttemptRecord]) -> Table {
    let mut table = Table::new(&["fence", "worker", "begun", "ended", "ending", "error"]);
    let date = |at: Option<i64>| at.map_or(Datum::Null, |at| text(output::date(at)));
    for attempt in attempts {
        table.rows.push(vec![
            Datum::Int(attempt.fence),
            attempt.worker.as_ref().map_or(Datum::Null, text),
            date(Some(attempt.leased_at_ms)),
            date(attempt.ended_at_ms),
            text(attempt.ending.as_deref().unwrap_or("running")),
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
        ("recorded_dtype", text(&p.dtype)),
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
    output::note(format, format!("\n{}", terminal::plot(COLUMNS[column].name, &points, style()).trim_end()))
}

/// How plots are drawn in this terminal.
fn style() -> Style {
    let locale =
        ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(|name| std::env::var(name).ok().filter(|v| !v.is_empty()));
    let utf8 = locale.is_none_or(|locale| locale.to_lowercase().replace('-', "").contains("utf8"));
    Style {
        width: 76,
        height: 14,
        steps: Spread::Log,
        values: Spread::Log,
        characters: if utf8 { Characters::Unicode } else { Characters::Ascii },
    }
}
