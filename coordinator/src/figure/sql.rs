//! The statement that gives the numbers of a picture, for people to copy: over the documented views, the same on both
//! databases. It is shown and never run by this program; tests run it and compare.

use super::Scene;
use super::lattice::Part;
use crate::filter::literal;
use crate::store::{At, Measure};
use sweep_core::value::Value;

/// What stands for no result: a diverged run is the worst of its replicates.
/// Not larger: the average of Postgres squares it.
const WORST: &str = "1e150";

/// `"a", "b"`.
fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ")
}

/// The condition on rows of a view.
fn condition(scene: &Scene<'_>) -> String {
    let id = literal(&Value::Text(scene.stored.id.clone()));
    let stage = match scene.plan.part {
        Part::Tuning => "stage = 'tuning'",
        Part::Reported => "stage <> 'tuning'",
    };
    let filter = scene.ask.filter.sql().map_or(String::new(), |filter| format!("\n      AND {filter}"));
    format!("sweep_id = {id} AND {stage}{filter}")
}

/// The median of a measure over the done cells that share the values of `axes`, with their number.
pub fn medians(scene: &Scene<'_>, measure: Measure, axes: &[String]) -> String {
    let of = quoted(axes);
    let (by, group) = match axes {
        [] => (String::new(), "n".to_owned()),
        _ => (format!("PARTITION BY {of} "), format!("{of}, n")),
    };
    let (select, order) = match axes {
        [] => (String::new(), String::new()),
        _ => (format!("{of}, "), format!("\nORDER BY {of}")),
    };
    let name = measure.name();
    let (value, view, also) = match measure.at {
        At::Initial => (name.trim_start_matches("initial_").to_owned(), "trajectory", "\n      AND step = 0"),
        _ => (format!("CASE WHEN status = 'diverged' OR {name} IS NULL THEN {WORST} ELSE {name} END"), "results", ""),
    };
    format!(
        "WITH runs AS (\n    SELECT {select}{value} AS value\n    FROM {view}\n    WHERE {}{also}\n), ranked AS (\n    SELECT \
         runs.*, ROW_NUMBER() OVER ({by}ORDER BY value) AS place,\n        COUNT(*) OVER ({}) AS n\n    FROM runs\n)\nSELECT \
         {select}CASE WHEN AVG(value) < 1e140 THEN AVG(value) END AS median, n\nFROM ranked WHERE place IN ((n + 1) / 2, (n + \
         2) / 2)\nGROUP BY {group}{order}",
        condition(scene),
        by.trim_end(),
    )
}

/// The share of done cells at most at the level of success, neither diverged nor inflated.
pub fn shares(scene: &Scene<'_>, axes: &[String]) -> String {
    let of = quoted(axes);
    let (select, group) = match axes {
        [] => (String::new(), String::new()),
        _ => (format!("{of}, "), format!("\nGROUP BY {of}\nORDER BY {of}")),
    };
    let name = scene.plan.metrics[0].name();
    format!(
        "SELECT {select}AVG(CASE WHEN status <> 'diverged' AND inflated = 0 AND {name} <= {:?} THEN 1.0 ELSE 0.0 END) AS \
         success, COUNT(*) AS n\nFROM results\nWHERE {}{group}",
        scene.ask.success,
        condition(scene),
    )
}

/// Columns of every recorded point.
pub fn course(scene: &Scene<'_>, axes: &[String], columns: &[&str]) -> String {
    // The view of points has the axes that courses are most often told apart by.
    let select: Vec<String> = axes.iter().map(|name| format!("r.\"{name}\"")).collect();
    let select = if select.is_empty() { String::new() } else { format!("{}, ", select.join(", ")) };
    let columns: Vec<String> = columns.iter().map(|name| format!("t.{name}")).collect();
    let id = literal(&Value::Text(scene.stored.id.clone()));
    format!(
        "SELECT {select}r.cell, t.step, {}\nFROM (\n    SELECT * FROM results\n    WHERE {}\n) AS r JOIN trajectory t ON \
         t.sweep_id = {id} AND t.cell = r.cell\nORDER BY r.cell, t.step",
        columns.join(", "),
        condition(scene),
    )
}

/// The medians of the answer.
pub fn methods(scene: &Scene<'_>) -> String {
    format!("SELECT *\nFROM medians\nWHERE {}\nORDER BY test_rel_median", condition(scene))
}
