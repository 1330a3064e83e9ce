//! One cell: its recipe, every attempt, what it recorded along the way, and how to run it again.

use super::head::Head;
use super::table::{Field, Table};
use super::{In, Lost, Page, find, render};
use crate::figure::names;
use crate::plot::curves::{Curves, Panel, Series, Spot, curves};
use crate::plot::{Axis, Spread};
use crate::store::{self, Attempt, CellState, Coordinates, Stored};
use crate::web::site::{Frame, Site};
use crate::words;
use askama::Template;
use axum::extract::{Path, State};
use std::sync::Arc;
use sweep_core::outcome::{
    ALIGNMENT_DIAGONAL, ALIGNMENT_OFF, BALANCEDNESS, COLUMNS, CPU_SECONDS, EFFECTIVE_RANK, FROBENIUS,
    GRADIENT_OBSERVED, GRADIENT_UNOBSERVED, LEADING_DIAGONAL, LEADING_OFF, LR, NUCLEAR, OBJECTIVE, Outcome, PENALTY,
    RATIO, RECONSTRUCTION_MSE, SPECTRAL, STABLE_RANK, SUBSPACE_ANGLE, TAIL, TEST_REL, TEST_RMSE, TRAIN_LOSS,
    VALIDATION_MSE,
};
use sweep_core::sweep;

/// Most singular values of a picture.
const MOST_SINGULAR: usize = 10;

#[derive(Template)]
#[template(path = "cell.html")]
struct Cell {
    frame: Frame,
    head: Head,
    cell: u64,
    state: String,
    state_class: String,
    previous: Option<String>,
    next: Option<String>,
    can_retry: bool,
    facts: Vec<(&'static str, String)>,
    pictures: Vec<(&'static str, String)>,
    attempts: Table,
    recipe: Table,
    metrics: Table,
    provenance: Table,
    repro: String,
    sql: String,
    matrices: usize,
    export: String,
}

/// The page.
pub async fn page(State(site): State<Arc<Site>>, Path((id, cell)): Path<(String, u64)>, who: In) -> Page {
    let stored = find(&site, &id).await?;
    if cell >= stored.cells {
        return Err(Lost::missing(format!("Cell {cell} is outside 0..{} of \"{}\".", stored.cells, stored.name)));
    }
    let head = Head::of(&site, &stored, "Cells").await?;
    let known = site.store().cell(&stored.id, cell).await?;
    let (state, coordinates) = match &known {
        Some(known) => (known.state.word().to_owned(), known.coordinates.clone()),
        None => untouched(&site, &stored, cell)?,
    };
    let found = match known.as_ref().and_then(|known| known.outcome) {
        Some(id) => site.store().outcome(id).await?,
        None => None,
    };
    let mut facts = Vec::new();
    if let Some(known) = &known {
        facts.push(("stage", known.stage.word().to_owned()));
        if let Some(found) = &found {
            facts.extend(ended(found, known.linked));
        }
        facts.push(("trial", known.trial_digest.chars().take(16).collect()));
    }
    let can_retry = known.as_ref().is_some_and(|known| !matches!(known.state, CellState::Ready | CellState::Leased));
    let title = format!("{} · cell {cell}", stored.name);
    let pictures = match found.as_ref() {
        Some(found) if found.outcome.trajectory.len() > 1 => {
            let outcome = found.outcome.clone();
            tokio::task::spawn_blocking(move || pictures(&title, &outcome)).await.map_err(Lost::broken)?
        }
        _ => Vec::new(),
    };
    let link = |cell: u64| format!("/sweeps/{}/cells/{cell}", stored.id);
    let live = format!("/sweeps/{}/live?part_only=progress", stored.id);
    let page = Cell {
        cell,
        state_class: state.clone(),
        state,
        previous: cell.checked_sub(1).map(link),
        next: (cell + 1 < stored.cells).then(|| link(cell + 1)),
        can_retry,
        facts,
        pictures,
        attempts: attempts(known.map_or(Vec::new(), |known| known.attempts)),
        recipe: recipe(&coordinates),
        metrics: found.as_ref().map_or(Table::default(), |found| metrics(&found.outcome)),
        provenance: found.as_ref().map_or(Table::default(), provenance),
        repro: format!("sweep repro{} {}/{cell}", site.option, stored.id),
        sql: format!("SELECT *\nFROM trajectory\nWHERE sweep_id = '{}' AND cell = {cell}\nORDER BY step", stored.id),
        matrices: found.as_ref().map_or(0, |found| found.outcome.matrices.len()),
        export: format!("sweep export{} {}/{cell} --matrices npy --out matrices", site.option, stored.id),
        frame: who.frame(&site, format!("{} · cell {cell}", stored.name), live),
        head,
    };
    Ok(render(&page))
}

/// Why a cell was never leased, and the recipe that it will have.
fn untouched(site: &Site, stored: &store::Sweep, cell: u64) -> Result<(String, Coordinates), Lost> {
    let sweep = site.boards().sweep(stored).map_err(Lost::wrong)?;
    Ok(match sweep.cell(cell) {
        Some(sweep::Cell::Refit { coordinates, .. }) => ("waits for the tuning of its group".to_owned(), coordinates),
        Some(sweep::Cell::Fixed(coordinates)) => ("not begun".to_owned(), coordinates),
        None => ("not begun".to_owned(), Coordinates::new()),
    })
}

fn ended(found: &Stored, linked: bool) -> Vec<(&'static str, String)> {
    let outcome = &found.outcome;
    let mut facts = vec![
        ("status", outcome.status.word().to_owned()),
        ("inflated", if outcome.inflated { "yes" } else { "no" }.to_owned()),
        ("steps", outcome.steps.to_string()),
        ("measurements", outcome.measurements.to_string()),
        ("wall time", words::span(outcome.wall_seconds)),
        ("core time", words::span(outcome.cpu_seconds)),
        ("recording", words::span(outcome.recording_seconds)),
        ("recorded", words::date(found.recorded_at_ms)),
        ("fingerprint", found.fingerprint.chars().take(16).collect()),
    ];
    if outcome.fallbacks > 0 {
        facts.push(("full decompositions", outcome.fallbacks.to_string()));
    }
    if linked {
        facts.push(("linked to", format!("{}/{}", found.sweep, found.cell)));
    }
    facts
}

/// The pictures of a run: its errors, its spectrum, everything else.
fn pictures(title: &str, outcome: &Outcome) -> Vec<(&'static str, String)> {
    let points = &outcome.trajectory;
    let series = |label: String, value: &dyn Fn(usize) -> Option<f64>| {
        let spot = |k: usize| Spot { x: points[k].step as f64, lower: None, median: value(k), upper: None };
        Series { label, points: (0..points.len()).map(spot).collect(), marks: false }
    };
    let has = |column: &usize| points.iter().any(|point| point.get(*column).is_some_and(f64::is_finite));
    let panel = |column: usize| {
        let axis = names::column(column, None);
        let series = vec![series("this run".to_owned(), &|k| points[k].get(column))];
        Panel { title: String::new(), y: axis, references: Vec::new(), series }
    };
    let draw = |what: &str, panels: Vec<Panel>| {
        curves(&Curves {
            title: title.to_owned(),
            subtitle: what.to_owned(),
            caption: format!("One run, {} recorded points.", points.len()),
            x: Axis { name: "step".to_owned(), spread: Spread::Log },
            panels,
        })
    };
    let of = |columns: &[usize]| {
        columns.iter().filter(|column| has(column)).map(|column| panel(*column)).collect::<Vec<_>>()
    };
    let mut pictures = Vec::new();
    let errors = of(&[TRAIN_LOSS, TEST_REL, TEST_RMSE, VALIDATION_MSE, RECONSTRUCTION_MSE, OBJECTIVE]);
    if !errors.is_empty() {
        pictures.push(("Errors", draw("errors against step", errors)));
    }
    let width = points.iter().map(|point| point.singular_values.len()).max().unwrap_or(0).min(MOST_SINGULAR);
    let mut spectrum = Vec::new();
    if width > 0 {
        let one = |j: usize| series(format!("σ_{{{}}}", j + 1), &|k| points[k].singular_values.get(j).copied());
        spectrum.push(Panel {
            title: String::new(),
            y: Axis { name: "leading singular values of W".to_owned(), spread: Spread::Linear },
            references: Vec::new(),
            series: (0..width).map(one).collect(),
        });
    }
    spectrum.extend(of(&[EFFECTIVE_RANK, STABLE_RANK, NUCLEAR, FROBENIUS, SPECTRAL, RATIO, TAIL]));
    if !spectrum.is_empty() {
        pictures.push(("Spectrum", draw("singular values, norms and ranks against step", spectrum)));
    }
    let others = of(&[
        PENALTY,
        ALIGNMENT_DIAGONAL,
        ALIGNMENT_OFF,
        LEADING_DIAGONAL,
        LEADING_OFF,
        BALANCEDNESS,
        GRADIENT_OBSERVED,
        GRADIENT_UNOBSERVED,
        SUBSPACE_ANGLE,
        LR,
        CPU_SECONDS,
    ]);
    if !others.is_empty() {
        pictures.push(("Everything else", draw("penalty, alignment, gradients and time against step", others)));
    }
    pictures
}

fn attempts(attempts: Vec<Attempt>) -> Table {
    let date = |at: Option<i64>| Field::text(at.map_or(String::new(), words::date));
    let row = |attempt: Attempt| {
        let took = attempt.ended_at_ms.map(|end| words::span((end - attempt.leased_at_ms) as f64 / 1e3));
        vec![
            Field { text: attempt.fence.to_string(), numeric: true, href: None },
            Field::text(attempt.worker.unwrap_or_default()),
            date(Some(attempt.leased_at_ms)),
            date(attempt.ended_at_ms),
            Field::text(took.unwrap_or_default()),
            Field::text(attempt.ending.map_or("running", store::Ending::word)),
            Field::text(attempt.error.unwrap_or_default()),
        ]
    };
    Table::new(
        &["fence", "worker", "begun", "ended", "took", "ending", "error"],
        attempts.into_iter().map(row).collect(),
    )
}

fn recipe(coordinates: &Coordinates) -> Table {
    let row =
        |(axis, value): (&String, &sweep_core::value::Value)| vec![Field::text(axis), Field::text(value.to_string())];
    Table::new(&["axis", "value"], coordinates.iter().map(row).collect())
}

fn metrics(outcome: &Outcome) -> Table {
    let points = [Some(&outcome.last), outcome.oracle.as_ref(), outcome.validated.as_ref()];
    let number =
        |x: Option<f64>| Field { text: x.map_or(String::new(), words::short), numeric: x.is_some(), href: None };
    let mut rows = vec![
        std::iter::once(Field::text("step"))
            .chain(points.map(|point| number(point.map(|point| point.step as f64))))
            .collect(),
    ];
    for (k, column) in COLUMNS.iter().enumerate() {
        let values = points.map(|point| number(point.and_then(|point| point.get(k))));
        rows.push(std::iter::once(Field::text(column.name)).chain(values).collect::<Vec<_>>());
    }
    Table::new(&["metric", "last", "oracle", "validated"], rows)
}

fn provenance(found: &Stored) -> Table {
    let p = &found.provenance;
    let rows = [
        ("trainer version", p.trainer_version.clone()),
        ("revision", p.revision.to_string()),
        ("commit", p.git_commit.clone()),
        ("host", p.host.clone()),
        ("CPU", p.cpu.clone()),
        ("BLAS library", p.blas_library.clone()),
        ("BLAS kernel", p.blas_kernel.clone()),
        ("BLAS threads", p.blas_threads.to_string()),
        ("dtype of records", p.dtype.clone()),
    ];
    Table::new(
        &["what", "value"],
        rows.into_iter().map(|(what, value)| vec![Field::text(what), Field::text(value)]).collect(),
    )
}
