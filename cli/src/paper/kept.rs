//! The result rows of a sweep as a file that lasts: what is published, and what the findings are made of again.
//!
//! `NAME.parquet` has one row for every done cell: coordinates, how it ended, every number of its last point (of a tuning cell the
//! validation and test errors alone). `NAME.points.parquet` has the recorded points, of the columns that a claim draws. Their
//! metadata holds the sweep file, a hash of every trial, and the machine.

use super::runs::{is_coordinate, place, rows};
use super::{Course, Paper};
use crate::failure::{Failure, Result};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use sweep_coordinator::store::{self, ColumnType, Coordinates, Datum, Provenance, Store, result_columns};
use sweep_coordinator::tables::{self, Writer};
use sweep_core::outcome::{COLUMNS, CPU_SECONDS, Outcome, Point, Status};
use sweep_core::sweep::{Cell, Sweep};
use sweep_core::trial::Inputs;

/// Rows of a row group.
const GROUP: usize = 65_536;
/// Numbers of a tuning cell that are kept: what selection used, and what it did not.
const OF_TUNING: [&str; 2] = ["validation_mse", "test_rel"];
/// What is kept beside coordinates and recorded scalars.
const OF_RUN: [&str; 8] =
    ["cell", "stage", "status", "inflated", "steps_taken", "measurements", "fallbacks", "unresolved_directions"];

/// What is kept of a sweep.
#[derive(Debug, Default)]
pub struct Kept {
    /// Outcomes by cell.
    pub outcomes: BTreeMap<u64, Outcome>,
    /// The sweep file.
    pub source: String,
    /// Hash of its trials, cell by cell.
    pub trials: String,
    /// Where they were computed.
    pub provenance: Option<Provenance>,
}

/// The files of a sweep called `name` in `directory`: its rows, its points.
pub fn paths(directory: &Path, name: &str) -> (PathBuf, PathBuf) {
    (directory.join(format!("{name}.parquet")), directory.join(format!("{name}.points.parquet")))
}

/// The hash of trials, told cell by cell. Revisions of the trainer aside: rows say by which they were made.
#[derive(Default)]
pub struct Trials(blake3::Hasher);

impl Trials {
    /// The next cell.
    ///
    /// # Errors
    /// [`Failure::Internal`] where its files are not known.
    pub fn tell(&mut self, cell: u64, trial: &sweep_core::trial::Trial) -> Result {
        let canonical = trial.canonical().map_err(|error| Failure::Internal(anyhow::Error::new(error)))?;
        self.0.update(format!("{cell} {canonical}\n").as_bytes());
        Ok(())
    }

    /// The hash.
    pub fn hash(&self) -> String {
        self.0.finalize().to_hex().to_string()
    }
}

/// Writes what is kept of the stored sweep of `paper` to `directory`.
///
/// # Errors
/// What the database says; files that cannot be written.
pub async fn write(store: &Store, stored: &store::Sweep, paper: &Paper, directory: &Path) -> Result {
    let sweep = crate::session::parsed(&stored.name, &stored.source, &stored.extensions)?;
    let all = rows(store, &stored.id).await?;
    let columns = result_columns();
    let stage = place("stage");
    let scalar = |name: &str| COLUMNS.iter().any(|column| column.result && column.name == name);
    let wanted = |name: &str| is_coordinate(name) || OF_RUN.contains(&name) || scalar(name) || name == "cpu_seconds";
    let kept: Vec<usize> = (0..columns.len())
        .filter(|&i| wanted(&columns[i].name) && all.iter().any(|row| row[i] != Datum::Null))
        .collect();
    let value = |row: &Vec<Datum>, i: usize| {
        let name = columns[i].name.as_str();
        let tuning = row[stage] == Datum::Text("tuning".to_owned());
        let dropped = tuning && scalar(name) && !OF_TUNING.contains(&name);
        if dropped { Datum::Null } else { row[i].clone() }
    };
    let (cell, outcome) = (place("cell"), place("outcome_id"));
    let chosen: BTreeMap<u64, u64> = store
        .selections(&stored.id)
        .await?
        .into_iter()
        .map(|selection| (selection.group, selection.candidate))
        .collect();
    let mut trials = Trials::default();
    for row in &all {
        let Datum::Int(index) = row[cell] else { continue };
        let coordinates = coordinates(&sweep, index as u64, &chosen)
            .ok_or_else(|| Failure::Internal(anyhow::anyhow!("cell {index} of {} is not of its sweep", paper.name)))?;
        trials.tell(index as u64, &trial(&sweep, &coordinates, &stored.inputs)?)?;
    }
    // The file of today: the stored one has the same meaning, and maybe other comments.
    let mut facts = vec![("sweep", paper.file.to_owned()), ("trials", trials.hash())];
    if let Some(Datum::Int(id)) = all.first().map(|row| &row[outcome]) {
        let machine = store.outcome(*id).await?.map(|found| found.provenance);
        facts.extend(machine.iter().flat_map(described));
    }
    let schema = kept.iter().map(|&i| (columns[i].name.clone(), columns[i].kind)).collect();
    let table: Vec<Vec<Datum>> = all.iter().map(|row| kept.iter().map(|&i| value(row, i)).collect()).collect();
    let (rows_path, points_path) = paths(directory, paper.name);
    put(&rows_path, schema, &facts, &table)?;
    let Some(course) = &paper.course else { return Ok(()) };
    let (schema, table) = points(store, &all, course).await?;
    put(&points_path, schema, &[], &table)
}

/// The coordinates of a done cell, from the sweep itself: a view may round what a file says in the last bit. `chosen`: the
/// candidates that tuning chose, by group.
fn coordinates(sweep: &Sweep, index: u64, chosen: &BTreeMap<u64, u64>) -> Option<Coordinates> {
    match sweep.cell(index)? {
        Cell::Fixed(coordinates) => Some(coordinates),
        Cell::Refit { group, .. } => sweep.refit_coordinates(index, *chosen.get(&group)?),
    }
}

fn trial(sweep: &Sweep, coordinates: &Coordinates, inputs: &Inputs) -> Result<sweep_core::trial::Trial> {
    sweep.trial(coordinates, inputs).map_err(|error| Failure::Internal(anyhow::Error::new(error)))
}

/// A machine, as facts.
fn described(p: &Provenance) -> Vec<(&'static str, String)> {
    vec![
        ("trainer_version", p.trainer_version.clone()),
        ("revision", p.revision.to_string()),
        ("git_commit", p.git_commit.clone()),
        ("cpu", p.cpu.clone()),
        ("blas_library", p.blas_library.clone()),
        ("blas_kernel", p.blas_kernel.clone()),
        ("blas_threads", p.blas_threads.to_string()),
    ]
}

type Table = (Vec<(String, ColumnType)>, Vec<Vec<Datum>>);

/// The recorded points of the cells in `all`: those columns that `course` names.
async fn points(store: &Store, all: &[Vec<Datum>], course: &Course) -> Result<Table> {
    let (cell, outcome) = (place("cell"), place("outcome_id"));
    let columns: Vec<usize> =
        course.columns.iter().filter_map(|name| COLUMNS.iter().position(|column| column.name == *name)).collect();
    let mut schema = vec![("cell".to_owned(), ColumnType::Int), ("step".to_owned(), ColumnType::Int)];
    schema.extend(columns.iter().map(|&i| (COLUMNS[i].name.to_owned(), ColumnType::Float)));
    schema.extend((1..=course.singular_values).map(|k| (format!("sigma_{k}"), ColumnType::Float)));
    let mut table = Vec::new();
    for row in all {
        let (Datum::Int(index), Datum::Int(id)) = (&row[cell], &row[outcome]) else { continue };
        let points = store.course(*id, &columns).await?;
        let spectra = if course.singular_values > 0 { store.singular_values(*id).await? } else { Vec::new() };
        let most = if course.first_alone { 1 } else { points.len() };
        for (k, (step, values)) in points.into_iter().enumerate().take(most) {
            let sigma = |i: usize| spectra.get(k).and_then(|(_, sigma)| sigma.get(i)).copied();
            let number = |x: Option<f64>| x.map_or(Datum::Null, Datum::Float);
            let mut line = vec![Datum::Int(*index), Datum::Int(step as i64)];
            line.extend(values.into_iter().map(number));
            line.extend((0..course.singular_values).map(|i| number(sigma(i))));
            table.push(line);
        }
    }
    Ok((schema, table))
}

fn put(path: &Path, schema: Vec<(String, ColumnType)>, facts: &[(&str, String)], table: &[Vec<Datum>]) -> Result {
    let mut writer = Writer::new(schema, facts)?;
    for group in table.chunks(GROUP) {
        writer.group(group)?;
    }
    writer.finish()?;
    crate::verbs::plot::write(path, &writer.take())
}

/// Whether there are rows of a sweep in `directory`.
pub fn is_kept(paper: &Paper, directory: &Path) -> bool {
    paths(directory, paper.name).0.exists()
}

/// Reads what is kept of a sweep in `directory`.
///
/// # Errors
/// [`Failure::Mistake`] naming the file.
pub fn read(paper: &Paper, directory: &Path) -> Result<Kept> {
    let (rows_path, points_path) = paths(directory, paper.name);
    let wrong = |path: &Path, why: String| Failure::Mistake(format!("{} cannot be read: {why}", path.display()));
    let open = |path: &Path| {
        let file = std::fs::File::open(path).map_err(|error| wrong(path, error.to_string()))?;
        tables::read(file).map_err(|error| wrong(path, error.to_string()))
    };
    let table = open(&rows_path)?;
    let mut kept = Kept {
        source: table.facts.get("sweep").cloned().unwrap_or_default(),
        trials: table.facts.get("trials").cloned().unwrap_or_default(),
        provenance: provenance(&table.facts),
        outcomes: BTreeMap::new(),
    };
    for row in &table.rows {
        let (cell, outcome) =
            outcome(&table.columns, row).ok_or_else(|| wrong(&rows_path, "a row is no result".to_owned()))?;
        kept.outcomes.insert(cell, outcome);
    }
    if paper.course.is_some() {
        let table = open(&points_path)?;
        for row in &table.rows {
            let Some((cell, point)) = point(&table.columns, row) else { continue };
            if let Some(outcome) = kept.outcomes.get_mut(&cell) {
                outcome.trajectory.push(point);
            }
        }
    }
    Ok(kept)
}

fn provenance(facts: &BTreeMap<String, String>) -> Option<Provenance> {
    let fact = |name: &str| facts.get(name).cloned();
    Some(Provenance {
        trainer_version: fact("trainer_version")?,
        revision: fact("revision")?.parse().ok()?,
        git_commit: fact("git_commit")?,
        host: String::new(),
        cpu: fact("cpu")?,
        blas_library: fact("blas_library")?,
        blas_kernel: fact("blas_kernel")?,
        blas_threads: fact("blas_threads")?.parse().ok()?,
        dtype: "f64".to_owned(),
    })
}

/// A row as the outcome of its cell.
fn outcome(columns: &[String], row: &[Datum]) -> Option<(u64, Outcome)> {
    let mut last = Point::empty();
    let (mut cell, mut status, mut inflated, mut cpu) = (None, None, false, 0.0);
    let (mut steps, mut measurements, mut fallbacks, mut unresolved) = (0, 0, 0, 0);
    for (name, datum) in columns.iter().zip(row) {
        match (name.as_str(), datum) {
            ("cell", Datum::Int(x)) => cell = Some(*x as u64),
            ("status", Datum::Text(word)) => {
                status = Status::ALL.iter().find(|(_, known)| known == word).map(|(s, _)| *s)
            }
            ("inflated", Datum::Int(x)) => inflated = *x == 1,
            ("steps_taken", Datum::Int(x)) => steps = *x as u64,
            ("measurements", Datum::Int(x)) => measurements = *x as u64,
            ("fallbacks", Datum::Int(x)) => fallbacks = *x as u64,
            ("unresolved_directions", Datum::Int(x)) => unresolved = *x as u64,
            ("cpu_seconds", Datum::Float(x)) => cpu = *x,
            (name, Datum::Float(x)) if !is_coordinate(name) => {
                last.set(COLUMNS.iter().position(|column| column.name == name)?, *x);
            }
            _ => {}
        }
    }
    last.step = steps;
    last.set(CPU_SECONDS, cpu);
    let outcome = Outcome {
        status: status?,
        inflated,
        steps,
        measurements,
        last,
        oracle: None,
        validated: None,
        trajectory: Vec::new(),
        matrices: Vec::new(),
        fallbacks,
        unresolved_directions: unresolved,
        wall_seconds: cpu,
        cpu_seconds: cpu,
        recording_seconds: 0.0,
    };
    Some((cell?, outcome))
}

/// A row of points, with its cell.
fn point(columns: &[String], row: &[Datum]) -> Option<(u64, Point)> {
    let mut point = Point::empty();
    let mut cell = None;
    for (name, datum) in columns.iter().zip(row) {
        match (name.as_str(), datum) {
            ("cell", Datum::Int(x)) => cell = Some(*x as u64),
            ("step", Datum::Int(x)) => point.step = *x as u64,
            (name, Datum::Float(x)) => match COLUMNS.iter().position(|column| column.name == name) {
                Some(column) => point.set(column, *x),
                // sigma_1, sigma_2, …
                None => point.singular_values.push(*x),
            },
            _ => {}
        }
    }
    Some((cell?, point))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sweep_core::outcome::SIGMA_RATE_ERROR;

    #[test]
    fn a_point_has_its_scalars_and_its_singular_values_apart() {
        let columns = ["cell", "step", "sigma_rate_error", "sigma_1", "sigma_2"].map(str::to_owned);
        let row = [Datum::Int(7), Datum::Int(3), Datum::Float(0.5), Datum::Float(9.0), Datum::Null];
        let (cell, point) = point(&columns, &row).unwrap();
        assert_eq!((cell, point.step), (7, 3));
        assert_eq!((point.get(SIGMA_RATE_ERROR), &point.singular_values[..]), (Some(0.5), &[9.0][..]));
    }
}
