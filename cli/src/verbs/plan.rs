//! `sweep plan`: what a file asks for, and what that will take.

use crate::args::Plan;
use crate::failure::Result;
use crate::forecast::Forecast;
use crate::output::{self, Format, Part, Table};
use crate::session;
use crate::threads::Use;
use std::collections::BTreeMap;
use sweep_coordinator::store::Datum;
use sweep_core::sweep::{AxisSummary, Sweep};
use sweep_core::value::Value;
use sweep_worker::machine;

/// Most values of an axis that are shown.
const MOST_VALUES: usize = 12;
/// Most kinds of cells whose cost is shown.
const MOST_KINDS: usize = 10;

/// Shows axes, cells and the forecast; trains nothing.
///
/// # Errors
/// Mistakes in the file; more memory or threads than there are.
pub fn run(asked: &Plan, format: Format) -> Result {
    let checked = session::check(&asked.file)?;
    let sweep = &checked.sweep;
    let forecast = Forecast::new(&checked)?;
    let cores = machine::cores();
    let used = Use::decide(&asked.use_of, cores, sweep.len(), forecast.side)?;
    let memory = forecast.fit(used.slots, machine::memory_bytes())?;
    for warning in sweep.warnings() {
        crate::say!("warning: {warning}");
    }
    let people = format == Format::Table;
    let size = |n: f64| if people { Datum::Text(output::bytes(n)) } else { Datum::Float(n) };
    let time = |n: f64| if people { Datum::Text(output::span(n)) } else { Datum::Float(n) };
    let mut plan = vec![("name", Datum::Text(sweep.name.clone())), ("cells", Datum::Int(sweep.len() as i64))];
    if let Some(tune) = &sweep.tune {
        let tuning: u64 = sweep.tuning_ranges().iter().map(|range| range.end - range.start).sum();
        plan.push(("tuning_cells", Datum::Int(tuning as i64)));
        plan.push(("refit_cells", Datum::Int((sweep.len() - tuning) as i64)));
        plan.push(("groups", Datum::Int(tune.len() as i64)));
    }
    plan.extend([
        ("slots", Datum::Int(used.slots as i64)),
        ("blas_threads", Datum::Int(used.blas_threads as i64)),
        (if people { "core_time" } else { "core_seconds" }, time(forecast.core_seconds())),
        (if people { "wall_time" } else { "wall_seconds" }, time(forecast.wall_seconds(used.slots))),
        ("memory", size(memory)),
    ]);
    let parts = [
        Part::Record("plan", plan),
        Part::Table("axes", axes(sweep, people)),
        Part::Table("cost", costs(&forecast, people)),
    ];
    output::print(format, &parts)
}

fn axes(sweep: &Sweep, people: bool) -> Table {
    let mut table = Table::new(&["axis", "where", "values", "list"]);
    for AxisSummary { axis, of, values } in sweep.axes() {
        let of: Vec<String> = of.iter().map(|(choice, name)| format!("{choice} {name}")).collect();
        let shown = if people { MOST_VALUES } else { usize::MAX };
        let mut list: Vec<String> = values.iter().take(shown).map(Value::to_string).collect();
        if values.len() > shown {
            list.push("…".to_owned());
        }
        let count = Datum::Int(values.len() as i64);
        table.rows.push(vec![Datum::Text(axis), Datum::Text(of.join(", ")), count, Datum::Text(list.join(", "))]);
    }
    let replicates = Datum::Int(sweep.replicates as i64);
    let numbers = format!("{}..={}", sweep.first, sweep.first + sweep.replicates as i64 - 1);
    table.rows.push(vec![
        Datum::Text("replicate".to_owned()),
        Datum::Text(String::new()),
        replicates,
        Datum::Text(numbers),
    ]);
    table
}

/// The kinds of cells that take most of the time, tuning and refits together.
fn costs(forecast: &Forecast, people: bool) -> Table {
    let columns = if people {
        ["cells", "each", "all", "share", "of"]
    } else {
        ["cells", "seconds_each", "seconds", "share", "of"]
    };
    let total = forecast.core_seconds();
    let row = |cells: u64, seconds: f64, of: String| {
        let time = |n: f64| if people { Datum::Text(output::span(n)) } else { Datum::Float(n) };
        let share = seconds / total;
        let share = if people { Datum::Text(format!("{:.1} %", 100.0 * share)) } else { Datum::Float(share) };
        vec![Datum::Int(cells as i64), time(seconds / cells as f64), time(seconds), share, Datum::Text(of)]
    };
    // A baseline says its name; other axes are shown where they differ.
    let shown = |axis: &str, value: &Value| {
        axis == "baseline" || forecast.classes.iter().any(|c| c.coordinates.get(axis).is_some_and(|v| v != value))
    };
    let mut kinds: BTreeMap<String, (u64, f64)> = BTreeMap::new();
    for class in &forecast.classes {
        let own = class.coordinates.iter().filter(|(axis, value)| shown(axis, value));
        let of: Vec<String> = own.map(|(axis, value)| format!("{axis} {value}")).collect();
        let (cells, seconds) = kinds.entry(of.join(", ")).or_default();
        *cells += class.cells;
        *seconds += class.cells as f64 * class.seconds;
    }
    let mut kinds: Vec<_> = kinds.into_iter().map(|(of, (cells, seconds))| (cells, seconds, of)).collect();
    kinds.sort_by(|a, b| b.1.total_cmp(&a.1));
    let rest = kinds.split_off(if people { MOST_KINDS.min(kinds.len()) } else { kinds.len() });
    let mut table = Table::new(&columns);
    table.rows = kinds.into_iter().map(|(cells, seconds, of)| row(cells, seconds, of)).collect();
    if !rest.is_empty() {
        let (cells, seconds) = (rest.iter().map(|kind| kind.0).sum(), rest.iter().map(|kind| kind.1).sum());
        table.rows.push(row(cells, seconds, format!("{} other kinds", rest.len())));
    }
    table
}
