//! The reported runs of a sweep, with every number that a prediction may ask for.

use std::collections::{BTreeMap, BTreeSet};
use sweep_coordinator::store::{Coordinates, Datum, Store, result_columns};
use sweep_core::axis;
use sweep_core::grid::REPLICATE;
use sweep_core::outcome::COLUMNS;
use sweep_core::value::Value;

/// Rows that are read at a time.
const PAGE: u64 = 4_096;

/// A matrix counts as recovered up to this relative error over unobserved entries. Errors far below it follow the steps and λ of a run:
/// they do not tell whether a method finds the matrix.
pub const RECOVERED: f64 = 1e-3;
/// What else it could have been: answers that change with it are named.
pub const OTHERS: [f64; 2] = [1e-4, 1e-2];

/// A number of a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Quantity {
    /// A column of the view `results`: of the last point, or of the run.
    Last(&'static str),
    /// A recorded scalar at step 0.
    Initial(&'static str),
    /// The mean of a recorded scalar over the points that have it.
    Mean(&'static str),
}

impl Quantity {
    /// The column.
    pub fn column(self) -> &'static str {
        match self {
            Quantity::Last(column) | Quantity::Initial(column) | Quantity::Mean(column) => column,
        }
    }

    /// In words.
    pub fn shown(self) -> String {
        match self {
            Quantity::Last(column) => column.to_owned(),
            Quantity::Initial(column) => format!("{column} at step 0"),
            Quantity::Mean(column) => format!("mean {column}"),
        }
    }

    /// Whether it is the error by which a matrix counts as recovered.
    pub fn tells_recovery(self) -> bool {
        self == Quantity::Last("test_rel")
    }

    /// Whether the greater is the worse, so that a run that diverged is worse than any other.
    pub fn is_of_failure(self) -> bool {
        let column = self.column();
        column.starts_with("test_") || column == "steps_taken"
    }

    /// Whether it is read from the trajectory.
    pub fn is_of_course(self) -> bool {
        !matches!(self, Quantity::Last(_))
    }
}

/// A run that counts: a refit, or a cell of a sweep that does not tune.
#[derive(Debug, Clone, PartialEq)]
pub struct Reported {
    /// Index of the cell.
    pub cell: u64,
    /// Its coordinates.
    pub coordinates: Coordinates,
    /// Whether it diverged.
    pub diverged: bool,
    /// Whether it is inflated.
    pub inflated: bool,
    /// The row in `outcomes`.
    pub outcome: i64,
    /// Its numbers, by column of `results`.
    pub values: BTreeMap<String, f64>,
    /// Recorded scalars at each point, by column, where they were asked for.
    pub course: BTreeMap<&'static str, Vec<Option<f64>>>,
}

impl Reported {
    /// The number of its replicate.
    pub fn replicate(&self) -> i64 {
        match self.coordinates.get(REPLICATE) {
            Some(Value::Int(r)) => *r,
            _ => 0,
        }
    }

    /// Whether it diverged or is inflated.
    pub fn failed(&self) -> bool {
        self.diverged || self.inflated
    }

    /// A number of it; `None` where it has none, as after divergence.
    pub fn value(&self, quantity: Quantity) -> Option<f64> {
        let course = |column| self.course.get(column).into_iter().flatten();
        match quantity {
            Quantity::Last(column) => self.values.get(column).copied().filter(|_| !self.diverged),
            Quantity::Initial(column) => course(column).next().copied().flatten(),
            Quantity::Mean(column) => {
                let known: Vec<f64> = course(column).filter_map(|x| *x).collect();
                let mean = known.iter().sum::<f64>() / known.len() as f64;
                (!known.is_empty() && !self.diverged).then_some(mean)
            }
        }
    }
}

/// Every row of the view `results` of a sweep.
///
/// # Errors
/// What the database says.
pub async fn rows(store: &Store, sweep: &str) -> sweep_coordinator::store::Result<Vec<Vec<Datum>>> {
    let cell = place("cell");
    let (mut all, mut from) = (Vec::new(), 0);
    loop {
        let page = store.results(sweep, from, PAGE).await?;
        let last = (page.len() as u64) < PAGE;
        if let Some(Datum::Int(cell)) = page.last().map(|row| &row[cell]) {
            from = *cell as u64 + 1;
        }
        all.extend(page);
        if last {
            return Ok(all);
        }
    }
}

/// The place of a column of `results`.
///
/// # Panics
/// If there is no such column.
pub fn place(name: &str) -> usize {
    result_columns().iter().position(|column| column.name == name).expect("a column of results")
}

/// Whether a column holds a coordinate.
pub fn is_coordinate(name: &str) -> bool {
    name == REPLICATE || axis::CHOICES.contains(&name) || axis::find(name).is_some()
}

/// The reported runs among `rows`, with the trajectories of `courses`.
///
/// # Errors
/// What the database says.
pub async fn reported(
    store: &Store,
    rows: &[Vec<Datum>],
    courses: &BTreeSet<&'static str>,
) -> sweep_coordinator::store::Result<Vec<Reported>> {
    let columns: Vec<&'static str> = courses.iter().copied().collect();
    let indices: Vec<usize> =
        columns.iter().filter_map(|name| COLUMNS.iter().position(|column| column.name == *name)).collect();
    let names = result_columns();
    let mut all = Vec::new();
    for row in rows {
        let mut run = Reported {
            cell: 0,
            coordinates: Coordinates::new(),
            diverged: false,
            inflated: false,
            outcome: 0,
            values: BTreeMap::new(),
            course: BTreeMap::new(),
        };
        let mut reports = true;
        for (column, datum) in names.iter().zip(row) {
            let name = column.name.as_str();
            match (name, datum) {
                (_, Datum::Null) => {}
                ("cell", Datum::Int(x)) => run.cell = *x as u64,
                ("stage", Datum::Text(stage)) => reports = stage != "tuning",
                ("status", Datum::Text(status)) => run.diverged = status == "diverged",
                ("inflated", Datum::Int(x)) => run.inflated = *x == 1,
                ("outcome_id", Datum::Int(x)) => run.outcome = *x,
                (name, Datum::Int(x)) if is_coordinate(name) => {
                    run.coordinates.insert(name.to_owned(), Value::Int(*x));
                }
                (name, Datum::Float(x)) if is_coordinate(name) => {
                    run.coordinates.insert(name.to_owned(), Value::Float(*x));
                }
                (name, Datum::Text(x)) if is_coordinate(name) => {
                    run.coordinates.insert(name.to_owned(), Value::Text(x.clone()));
                }
                (name, Datum::Int(x)) => drop(run.values.insert(name.to_owned(), *x as f64)),
                (name, Datum::Float(x)) => drop(run.values.insert(name.to_owned(), *x)),
                _ => {}
            }
        }
        if !reports {
            continue;
        }
        if !columns.is_empty() {
            let points = store.course(run.outcome, &indices).await?;
            for (k, column) in columns.iter().enumerate() {
                run.course.insert(column, points.iter().map(|(_, values)| values[k]).collect());
            }
        }
        all.push(run);
    }
    Ok(all)
}
