//! `sweep bench`: this program measured on this machine.
//!
//! One rule: what is measured is what users run: the coordinator is a process of this binary, workers are those of
//! `sweep worker` but for the training, which is answered on the spot. Every number is measured in the run that prints it.
//!
//! | file | idea |
//! |---|---|
//! | `stage` | a database of one's own, and where it lies |
//! | `process` | a coordinator process, and what the system says of it |
//! | `crew` | workers whose cells take no time, and what they are told to be durable |
//! | `train` | one run of the trainer, beside other libraries |
//! | `dispatch`, `scale`, `page`, `eta`, `start` | the sub-verbs |

mod crew;
mod dispatch;
mod eta;
mod page;
mod process;
mod scale;
mod stage;
mod start;
mod train;

use crate::args::Bench;
use crate::failure::{Failure, Result};
use crate::output::{Format, Table};
use crate::remote::Coordinator;
use sweep_coordinator::store::Datum;

/// Measures what is asked for.
///
/// # Errors
/// [`Failure::Mistake`] for a database of no use; [`Failure::Internal`] where what was measured is not as it must be.
pub async fn run(db: &str, what: &Bench, format: Format) -> Result {
    match what {
        Bench::Train(asked) => train::run(asked),
        Bench::Dispatch(asked) => dispatch::run(db, asked, format).await,
        Bench::Scale(asked) => scale::run(db, asked, format).await,
        Bench::Page(asked) => page::run(db, asked, format).await,
        Bench::Eta(asked) => eta::run(asked, format).await,
        Bench::Start(asked) => start::run(asked, format).await,
    }
}

/// The sweep that is handed out: `cells` cells, no two of them alike, that are forecast to train `steps` steps.
fn sweep(name: &str, cells: u64, steps: u64) -> String {
    // Lists of ten where that comes out even; the replicates are the rest.
    let list = |of: f64| -> (u64, String) {
        let values: Vec<String> = (1..=10).map(|i| format!("{:e}", of * f64::from(i))).collect();
        if cells.is_multiple_of(100) { (10, values.join(", ")) } else { (1, values[0].clone()) }
    };
    let ((rates, lr), (weights, lambda)) = (list(1e-3), list(1e-4));
    let count = cells / (rates * weights);
    format!(
        "name = \"{name}\"\n[problem]\nn = 50\nrank = 2\nsamples = 500\n[train]\nsteps = {steps}\ndepth = 3\n\
         [[optimizer]]\nname = \"adam\"\nlr = [{lr}]\n[[penalty]]\nname = \"ratio\"\nlambda = [{lambda}]\n\
         [replicate]\ncount = {count}\n[record]\npoints = 2\n"
    )
}

/// The value below which the share `p` of `sorted` lies (nearest rank); `None` of nothing.
fn percentile(sorted: &[f64], p: f64) -> Option<f64> {
    let rank = (p * sorted.len() as f64).ceil().max(1.0) as usize;
    sorted.get(rank - 1).copied()
}

/// A row of a table of latencies: median, 90th and 99th percentile, in ms of `seconds`.
fn latency(what: &str, mut seconds: Vec<f64>) -> Vec<Datum> {
    seconds.sort_by(f64::total_cmp);
    let ms = |p| number(percentile(&seconds, p).map(|s| 1e3 * s));
    vec![Datum::Text(what.to_owned()), ms(0.5), ms(0.9), ms(0.99)]
}

fn number(x: Option<f64>) -> Datum {
    x.map_or(Datum::Null, Datum::Float)
}

/// Whether what is stored agrees with itself, as the coordinator says: the checks, and how many things are wrong.
async fn check(users: &mut Coordinator) -> Result<(Table, u64)> {
    let mut table = Table::new(&["check", "wrong"]);
    let mut wrong = 0;
    for check in users.check().await? {
        wrong += check.violations;
        table.rows.push(vec![Datum::Text(check.name), Datum::Int(check.violations as i64)]);
    }
    Ok((table, wrong))
}

/// What was measured is out of its bounds, or what was stored is not sound.
fn missed(why: String) -> Failure {
    Failure::Internal(anyhow::anyhow!(why))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sweep_core::sweep::Sweep;

    #[test]
    fn a_percentile_is_the_value_of_its_rank() {
        let hundred: Vec<f64> = (1..=100).map(f64::from).collect();
        let of = |p| percentile(&hundred, p);
        assert_eq!(
            (of(0.5), of(0.9), of(0.99), of(1.0), of(0.0)),
            (Some(50.0), Some(90.0), Some(99.0), Some(100.0), Some(1.0))
        );
        assert_eq!(
            (percentile(&[7.0], 0.01), percentile(&[7.0], 0.99), percentile(&[], 0.5)),
            (Some(7.0), Some(7.0), None)
        );
        assert_eq!(percentile(&[1.0, 2.0, 3.0], 0.5), Some(2.0));
    }

    #[test]
    fn latencies_are_sorted_and_in_milliseconds() {
        let row = latency("x", vec![0.003, 0.001, 0.002]);
        assert_eq!(row, vec![Datum::Text("x".into()), Datum::Float(2.0), Datum::Float(3.0), Datum::Float(3.0)]);
        assert_eq!(latency("x", Vec::new())[1], Datum::Null);
    }

    #[test]
    fn the_sweep_has_as_many_cells_as_asked_for() {
        for cells in [1, 7, 100, 500, 1_000_000] {
            let parsed = Sweep::parse(sweep("bench", cells, 10).as_bytes(), cells).unwrap();
            assert_eq!(parsed.len(), cells);
            assert_eq!(parsed.classes().len(), 1);
        }
    }
}
