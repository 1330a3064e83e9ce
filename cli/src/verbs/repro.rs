//! `sweep repro SWEEP/CELL`: trains a cell again, always, and compares bit for bit with what was recorded.

use crate::args::Remote;
use crate::failure::{Failure, Result};
use crate::output::{self, Format, Part, Table, span};
use crate::remote::{Access, Cell, Coordinator};
use crate::session::cell_of;
use crate::threads;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;
use sweep_coordinator::store::{Datum, Stored};
use sweep_core::outcome::{COLUMNS, Outcome, Point, Status};
use sweep_core::problem::Files;
use sweep_core::train::{self, Control, Ended, Monitor};
use sweep_core::trial::{REVISION, Trial};
use sweep_worker::machine;

/// Trains the cell called `key` again.
///
/// # Errors
/// [`Failure::Differs`] where a bit differs, [`Failure::CellFailed`], cells that were not begun.
pub async fn run(db: &str, of: &Remote, key: &str, blas_threads: Option<usize>, format: Format) -> Result {
    let Some((name, cell)) = cell_of(key) else {
        return Err(Failure::Mistake(format!("\"{key}\" is no cell; write SWEEP/CELL")));
    };
    let mut coordinator = Coordinator::reach(db, of, Access::Read).await?;
    let Cell { detail, coordinates, stored: recorded, .. } = coordinator.cell(name, cell, true).await?;
    if detail.record.is_none() {
        return Err(Failure::Mistake(format!("cell {cell} of \"{}\" was not begun", detail.name)));
    }
    if recorded.as_ref().is_some_and(|recorded| recorded.outcome.status == Status::OutOfTime) {
        return Err(Failure::Mistake(format!("cell {cell} ran out of time: how far it came is not to be repeated")));
    }
    let mut given = coordinates;
    given.remove("replicate");
    let wrong = |e| Failure::Mistake(format!("cell {cell}: {e}"));
    let trial = Trial::new(&given, &detail.inputs.into_iter().collect()).map_err(wrong)?;
    let digest = trial.digest().map_err(wrong)?;
    let contents = contents(&mut coordinator, &trial).await?;
    let threads_then = recorded.as_ref().map_or(1, |recorded| recorded.provenance.blas_threads.max(1) as usize);
    threads::set_blas(blas_threads.unwrap_or(threads_then))?;
    if let Some(recorded) = &recorded {
        warn(recorded, &digest);
    }
    let started = Instant::now();
    let again = match train::run(&trial, &contents, None, &mut Watch(started)) {
        Ok(Ended::Outcome(outcome)) => outcome,
        Ok(Ended::HandedBack(_)) => unreachable!("nobody asked for it"),
        Err(error) => return Err(Failure::CellFailed(error.to_string())),
    };
    let seconds = started.elapsed().as_secs_f64();
    let Some(recorded) = recorded else {
        let (name, state) = (&detail.name, &detail.state);
        return output::note(
            format,
            format!(
                "cell {cell} of \"{name}\" ({state}) ended {}; nothing was recorded to compare with",
                again.status.word()
            ),
        );
    };
    let differences = compare(&recorded.outcome, &again);
    let same = differences.rows.is_empty();
    if same && format == Format::Table {
        let (points, steps) = (again.trajectory.len(), again.steps);
        return output::note(
            format,
            format!("the same, bit for bit: {points} points, {steps} steps, {}", span(seconds)),
        );
    }
    let record = vec![
        ("sweep", Datum::Text(detail.name)),
        ("cell", Datum::Int(cell as i64)),
        ("same", Datum::Text(if same { "yes" } else { "no" }.to_owned())),
        ("points", Datum::Int(again.trajectory.len() as i64)),
        ("steps", Datum::Int(again.steps as i64)),
        ("seconds", Datum::Float(seconds)),
    ];
    output::print(format, &[Part::Record("repro", record), Part::Table("differences", differences)])?;
    if same { Ok(()) } else { Err(Failure::Differs) }
}

/// Says what may make a difference: another trainer, CPU kernel or BLAS.
fn warn(recorded: &Stored, digest: &str) {
    if digest != recorded.trial_digest {
        crate::say!(
            "warning: recorded by revision {} of the trainer, this program is revision {REVISION}; numbers may differ",
            recorded.revision
        );
    }
    let (here, there) = (machine::provenance(crate::COMMIT), &recorded.provenance);
    for (what, here, there) in [
        ("CPU kernel", &here.blas_kernel, &there.blas_kernel),
        ("BLAS library", &here.blas_library, &there.blas_library),
        ("BLAS threads", &here.blas_threads.to_string(), &there.blas_threads.to_string()),
    ] {
        if here != there {
            crate::say!("warning: {what}: {there} when it was recorded, {here} now; the last bits may differ");
        }
    }
}

/// A clock, and no wish to stop.
struct Watch(Instant);

impl Monitor for Watch {
    fn seconds(&self) -> (f64, f64) {
        let wall = self.0.elapsed().as_secs_f64();
        (wall, wall)
    }
    fn control(&mut self, _: u64) -> Control {
        Control::Continue
    }
    fn checkpoint(&mut self, _: u64, _: Vec<u8>) {}
}

/// Files by content hash.
struct Contents(BTreeMap<String, Arc<[u8]>>);

impl Files for Contents {
    fn content(&self, hash: &str) -> Option<Arc<[u8]>> {
        self.0.get(hash).cloned()
    }
}

/// The files that a trial names, as the coordinator keeps them.
async fn contents(coordinator: &mut Coordinator, trial: &Trial) -> Result<Contents> {
    let mut contents = BTreeMap::new();
    for hash in trial.contents().map_err(|e| Failure::Mistake(e.to_string()))? {
        contents.insert(hash.to_owned(), Arc::from(coordinator.input(hash).await?));
    }
    Ok(Contents(contents))
}

/// Every column that differs: at how many points, at which first, and both values there.
fn compare(recorded: &Outcome, again: &Outcome) -> Table {
    let mut found = Differences::default();
    let mut whole = |what: &str, recorded: String, again: String| {
        if recorded != again {
            found.add(what, None, recorded, again);
        }
    };
    whole("status", recorded.status.word().to_owned(), again.status.word().to_owned());
    for (what, recorded, again) in [
        ("inflated", u64::from(recorded.inflated), u64::from(again.inflated)),
        ("steps_taken", recorded.steps, again.steps),
        ("measurements", recorded.measurements, again.measurements),
        ("fallbacks", recorded.fallbacks, again.fallbacks),
        ("unresolved_directions", recorded.unresolved_directions, again.unresolved_directions),
        ("matrices", recorded.matrices.len() as u64, again.matrices.len() as u64),
    ] {
        whole(what, recorded.to_string(), again.to_string());
    }
    // What is stored also holds the last, oracle and validated points.
    let ends = |outcome: &Outcome| -> BTreeMap<u64, Point> {
        let ends = [Some(&outcome.last), outcome.oracle.as_ref(), outcome.validated.as_ref()];
        let points = ends.into_iter().flatten().chain(&outcome.trajectory);
        points.map(|point| (point.step, point.clone())).collect()
    };
    let (recorded_points, again_points) = (ends(recorded), ends(again));
    let steps: BTreeSet<u64> = recorded_points.keys().chain(again_points.keys()).copied().collect();
    for step in steps {
        let (Some(a), Some(b)) = (recorded_points.get(&step), again_points.get(&step)) else {
            let there = |points: &BTreeMap<u64, Point>| if points.contains_key(&step) { "there" } else { "missing" };
            found.add("point", Some(step), there(&recorded_points).into(), there(&again_points).into());
            continue;
        };
        for (i, column) in COLUMNS.iter().enumerate().filter(|(_, column)| column.result) {
            found.number(column.name, step, a.get(i), b.get(i));
        }
        for (what, a, b) in [
            ("singular_values", &a.singular_values, &b.singular_values),
            ("layer_norms", &a.layer_norms, &b.layer_norms),
        ] {
            for i in 0..a.len().max(b.len()) {
                found.number(&format!("{what}[{i}]"), step, a.get(i).copied(), b.get(i).copied());
            }
        }
    }
    for (which, end) in
        [("oracle", [&recorded.oracle, &again.oracle]), ("validated", [&recorded.validated, &again.validated])]
    {
        let [a, b] = end.map(|point| point.as_ref().map(|point| point.step as f64));
        found.number(&format!("{which}_step"), recorded.steps, a, b);
    }
    for (a, b) in recorded.matrices.iter().zip(&again.matrices) {
        let what = format!("matrix of layer {}", a.layer);
        let differs = a.values.iter().zip(&b.values).position(|(a, b)| a.to_bits() != b.to_bits());
        if let Some(i) = differs {
            found.number(&what, a.step, Some(a.values[i]), Some(b.values[i]));
        } else if (a.step, a.layer, a.values.len()) != (b.step, b.layer, b.values.len()) {
            found.add(&what, Some(a.step), "there".to_owned(), "of another shape".to_owned());
        }
    }
    found.table
}

/// Differences by column, in the order in which they were met.
struct Differences {
    table: Table,
}

impl Default for Differences {
    fn default() -> Differences {
        Differences { table: Table::new(&["column", "points", "first_step", "recorded", "again"]) }
    }
}

impl Differences {
    fn number(&mut self, what: &str, step: u64, recorded: Option<f64>, again: Option<f64>) {
        if recorded.map(f64::to_bits) != again.map(f64::to_bits) {
            let shown = |x: Option<f64>| x.map_or("NULL".to_owned(), |x| format!("{x:?}"));
            self.add(what, Some(step), shown(recorded), shown(again));
        }
    }

    fn add(&mut self, what: &str, step: Option<u64>, recorded: String, again: String) {
        let what = Datum::Text(what.to_owned());
        match self.table.rows.iter_mut().find(|row| row[0] == what) {
            Some(row) => {
                if let Datum::Int(points) = &mut row[1] {
                    *points += 1;
                }
            }
            None => {
                let step = step.map_or(Datum::Null, |step| Datum::Int(step as i64));
                self.table.rows.push(vec![what, Datum::Int(1), step, Datum::Text(recorded), Datum::Text(again)]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sweep_core::outcome::TEST_REL;

    fn outcome() -> Outcome {
        let point = |step, test_rel| {
            let mut point = Point::empty();
            point.step = step;
            point.set(TEST_REL, test_rel);
            point
        };
        let trajectory = vec![point(0, 1.0), point(5, 0.5), point(9, 0.25)];
        Outcome {
            status: Status::Budget,
            inflated: false,
            steps: 9,
            measurements: 4,
            last: trajectory[2].clone(),
            oracle: Some(trajectory[2].clone()),
            validated: None,
            trajectory,
            matrices: Vec::new(),
            fallbacks: 0,
            unresolved_directions: 0,
            wall_seconds: 1.0,
            cpu_seconds: 1.0,
            recording_seconds: 0.0,
        }
    }

    #[test]
    fn times_are_not_compared() {
        let again = Outcome { wall_seconds: 2.0, cpu_seconds: 3.0, recording_seconds: 4.0, ..outcome() };
        assert_eq!(compare(&outcome(), &again).rows, Vec::<Vec<Datum>>::new());
    }

    #[test]
    fn one_bit_is_a_difference_and_is_shown_with_its_first_step() {
        let mut again = outcome();
        for point in &mut again.trajectory[1..] {
            let x = point.get(TEST_REL).unwrap();
            point.set(TEST_REL, f64::from_bits(x.to_bits() + 1));
        }
        again.last = again.trajectory[2].clone();
        again.oracle = Some(again.trajectory[2].clone());
        let found = compare(&outcome(), &again).rows;
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0][..3], [Datum::Text("test_rel".to_owned()), Datum::Int(2), Datum::Int(5)]);
        assert_eq!(found[0][3], Datum::Text("0.5".to_owned()));
    }

    #[test]
    fn a_missing_point_and_another_status_are_differences() {
        let mut again = Outcome { status: Status::Converged, ..outcome() };
        again.trajectory.remove(1);
        let found: Vec<Datum> = compare(&outcome(), &again).rows.into_iter().map(|mut row| row.remove(0)).collect();
        assert_eq!(found, [Datum::Text("status".to_owned()), Datum::Text("point".to_owned())]);
    }
}
