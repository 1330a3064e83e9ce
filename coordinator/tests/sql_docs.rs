//! `docs/sql.md`: its reference is the schema's own description, and its queries give the rows that it shows.
//!
//! `SWEEP_WRITE_DOCS=1 cargo nextest run --release -p sweep-coordinator --test sql_docs` writes both anew; read the
//! difference before committing it.

mod support;

use std::path::PathBuf;
use support::{Kind, Scene, cell, diverged, outcome, point};
use sweep_coordinator::store::{CellState, Datum, Ending, Finished, Limits, NewCell, Stage, Table, document};
use sweep_core::outcome::{EFFECTIVE_RANK, Outcome, TRAIN_LOSS};
use sweep_core::value::Value;

const MARK: &str = "<!-- reference -->\n";

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/sql.md")
}

/// The sweep `demo` of the docs.
async fn demo(kind: Kind) -> Scene {
    let scene = Scene::new(kind).await;
    let sweep = scene.sweep("demo").await;
    let mut index = 0;
    let mut next = |stage: Stage, samples: i64, r: i64, changes: &[(&'static str, Value)]| -> NewCell {
        let seeds = support::replicate(if stage == Stage::Tuning { 100 + r } else { r });
        let validation = if stage == Stage::Tuning { 0.1 } else { 0.0 };
        let common = [("samples", Value::Int(samples)), ("validation", Value::Float(validation))];
        let mut new = cell(index, &[&seeds[..], &common, changes].concat());
        new.stage = stage;
        index += 1;
        new
    };
    let method = |optimizer: &str, penalty: &str, lr: f64| {
        let mut changes = vec![("optimizer", Value::from(optimizer)), ("lr", Value::Float(lr))];
        changes.push(("penalty", Value::from(penalty)));
        if penalty != "none" {
            changes.push(("lambda", Value::Float(0.01)));
        }
        changes
    };
    // Tuning at both sample counts: three learning rates each. Adam with the ratio is best in the middle of its list,
    // gradient descent at the end of its own, where one more step up diverges for 500 samples.
    for samples in [300, 500] {
        let harder = if samples == 300 { 2.0 } else { 1.0 };
        for (optimizer, penalty, lr, validation) in [
            ("adam", "ratio", 0.001, 0.25),
            ("adam", "ratio", 0.01, 0.0625),
            ("adam", "ratio", 0.1, 0.5),
            ("gd", "none", 0.1, 0.9),
            ("gd", "none", 1.0, 0.8),
            ("gd", "none", 10.0, 0.7),
        ] {
            let new = next(Stage::Tuning, samples, 0, &method(optimizer, penalty, lr));
            let error = validation * harder;
            let failed = samples == 500 && lr == 10.0;
            let o = if failed { diverged(error) } else { outcome(error, error) };
            scene.done(&sweep, new, &o).await;
        }
    }
    // Refits: three replicates each.
    let mut leases = Vec::new();
    let mut outcomes: Vec<Outcome> = Vec::new();
    for (samples, optimizer, penalty, lr, errors) in [
        (300, "adam", "ratio", 0.01, [0.5, 0.25, 0.125]),
        (300, "adam", "none", 0.01, [1.0, 1.0, 1.0]),
        (500, "adam", "ratio", 0.01, [0.02, 0.01, 0.04]),
        (500, "adam", "none", 0.01, [1.0, 1.0, 0.5]),
        (500, "gd", "ratio", 1.0, [0.9, 0.8, 1.0]),
        (500, "gd", "none", 1.0, [1.0, 1.0, 1.0]),
    ] {
        for (r, error) in (0..).zip(errors) {
            leases.push(scene.lease(&sweep, next(Stage::Refit, samples, r, &method(optimizer, penalty, lr))).await);
            let mut o = outcome(error, 1.0);
            // One run of gradient descent with the ratio grows without bound.
            o.inflated = optimizer == "gd" && penalty == "ratio" && r == 2;
            o.trajectory = [(0, 4.0, 30.0), (10, 1.0, 12.0), (1000, 0.0, 2.0)]
                .map(|(step, loss, rank)| {
                    let mut p = point(step, 1.0);
                    p.set(TRAIN_LOSS, loss);
                    p.set(EFFECTIVE_RANK, rank);
                    p
                })
                .to_vec();
            outcomes.push(o);
        }
    }
    let finished: Vec<Finished> = leases
        .iter()
        .zip(&outcomes)
        .map(|(lease, outcome)| Finished { lease, outcome, provenance: &scene.provenance })
        .collect();
    scene.store.record(&finished, 200).await.unwrap();
    for samples in [300, 500] {
        for r in 0..3 {
            let absent =
                ["optimizer", "lr", "init", "init_scale", "init_seed", "schedule", "penalty", "depth", "steps"];
            let mut changes: Vec<(&'static str, Value)> = absent.map(|name| (name, Value::from("-"))).to_vec();
            changes.push(("baseline", Value::from("zero_fill")));
            scene.done(&sweep, next(Stage::Refit, samples, r, &changes), &outcome(1.0, 1.0)).await;
        }
    }
    // Two cells that give trouble: one failed twice, one was given back and is ready.
    let poison = next(Stage::Refit, 500, 7, &method("gd", "none", 1.0));
    for state in [CellState::Ready, CellState::Quarantined] {
        let lease = scene.lease(&sweep, poison.clone()).await;
        let error = Some("lapack dgesdd returned info = 3");
        assert!(scene.store.end_attempt(&lease, Ending::Failed, error, state, 300).await.unwrap());
    }
    let lease = scene.lease(&sweep, next(Stage::Refit, 500, 8, &method("gd", "none", 1.0))).await;
    assert!(scene.store.end_attempt(&lease, Ending::Returned, None, CellState::Ready, 300).await.unwrap());
    scene
}

/// A query of the docs: its heading, its text, and the rows shown below it.
struct Worked<'a> {
    heading: &'a str,
    sql: &'a str,
    shown: &'a str,
}

fn worked(docs: &str) -> Vec<Worked<'_>> {
    let part = docs.split("\n## Ten queries\n").nth(1).and_then(|rest| rest.split("\n## ").next()).unwrap();
    let one = |section| -> Worked<'_> {
        let section: &str = section;
        let (heading, rest) = section.split_once('\n').unwrap();
        let (_, rest) = rest.split_once("```sql\n").unwrap_or_else(|| panic!("{heading}: no query"));
        let (sql, shown) = rest.split_once("```\n").unwrap();
        Worked { heading, sql, shown: shown.trim() }
    };
    part.split("\n### ").skip(1).map(one).collect()
}

/// A value as the docs show it: floats to nine digits.
fn shown(value: &Datum) -> String {
    match value {
        Datum::Null => "NULL".to_owned(),
        Datum::Int(x) => x.to_string(),
        Datum::Float(x) => format!("{}", format!("{x:.8e}").parse::<f64>().unwrap()),
        Datum::Text(x) => x.clone(),
        Datum::Bytes(x) => format!("{x:?}"),
    }
}

fn markdown(table: &Table) -> String {
    let line = |cells: Vec<String>| format!("| {} |", cells.join(" | "));
    let mut lines = vec![line(table.columns.clone()), format!("|{}", "---|".repeat(table.columns.len()))];
    lines.extend(table.rows.iter().map(|row| line(row.iter().map(shown).collect())));
    lines.join("\n")
}

#[tokio::test]
async fn the_docs_show_what_their_ten_queries_give_on_both_databases() {
    let mut docs = std::fs::read_to_string(path()).unwrap();
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let scene = demo(kind).await;
        assert_eq!(worked(&docs).len(), 10);
        let mut answers = Vec::new();
        for query in worked(&docs) {
            let table = scene.store.query(query.sql, &Limits::default()).await;
            let table = table.unwrap_or_else(|e| panic!("{}: {e}", query.heading));
            assert!(!table.rows.is_empty(), "{}", query.heading);
            answers.push((query.sql.to_owned(), query.shown.to_owned(), markdown(&table), query.heading.to_owned()));
        }
        for (sql, before, now, heading) in answers {
            if std::env::var_os("SWEEP_WRITE_DOCS").is_some() {
                let after = format!("{sql}```\n\n{now}\n");
                let old = if before.is_empty() { format!("{sql}```\n") } else { format!("{sql}```\n\n{before}\n") };
                docs = docs.replace(&old, &after);
            } else {
                assert_eq!(before, now, "{heading} on {kind:?}");
            }
        }
    }
    if std::env::var_os("SWEEP_WRITE_DOCS").is_some() {
        let (text, _) = docs.split_once(MARK).unwrap();
        std::fs::write(path(), format!("{text}{MARK}\n{}", document().trim_end().to_owned() + "\n")).unwrap();
    }
}

/// The description is held to both schemas by a unit test; here the docs are held to the description.
#[test]
fn the_docs_describe_every_relation_and_column_and_nothing_else() {
    if std::env::var_os("SWEEP_WRITE_DOCS").is_some() {
        return;
    }
    let docs = std::fs::read_to_string(path()).unwrap();
    let (_, reference) = docs.split_once(MARK).unwrap();
    for (written, made) in reference.trim().lines().zip(document().trim().lines()) {
        assert_eq!(written, made, "write the reference anew: SWEEP_WRITE_DOCS=1, see this file");
    }
    assert_eq!(reference.trim().lines().count(), document().trim().lines().count());
}
