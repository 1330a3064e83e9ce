//! Figures: the numbers behind a picture are those of the SQL that is shown with it, nothing is left out, and what was read
//! follows what changes.

mod support;

use std::collections::BTreeMap;
use std::time::Duration;
use support::{Kind, Scene, diverged, outcome};
use sweep_coordinator::figure::{self, Ask, Figure, kind};
use sweep_coordinator::store::{Datum, Limits, Measure, NewCell, NewSweep, Recorded, Stage};
use sweep_core::outcome::Outcome;
use sweep_core::sweep::{Cell, Sweep};
use sweep_core::value::Value;

const FILE: &str = r#"
name = "seen"
description = "A test."
[problem]
n = 10
rank = [1, 2]
samples = [30, 40, 60]
[train]
steps = 10
depth = [1, 3]
init_scale = 0.1
[[optimizer]]
name = "gd"
lr = [0.1, 1.0]
[[optimizer]]
name = "adam"
lr = [0.01]
[[penalty]]
name = "none"
[[penalty]]
name = "ratio"
lambda = [0.001, 0.1]
[[baseline]]
name = "zero_fill"
[replicate]
count = 3
"#;

/// A stored sweep, and how to end its cells.
struct Stored {
    scene: Scene,
    sweep: Sweep,
    id: String,
}

impl Stored {
    async fn new(kind: Kind, file: &str) -> Stored {
        let scene = Scene::new(kind).await;
        let sweep = Sweep::parse(file.as_bytes(), 100_000).unwrap_or_else(|found| panic!("{}", found[0]));
        let inputs = BTreeMap::new();
        let new = NewSweep {
            name: &sweep.name,
            description: &sweep.description,
            source: file,
            digest: "d",
            cells: sweep.len(),
            inputs: &inputs,
            fresh: false,
        };
        let id = scene.store.submit(&new, 10).await.unwrap();
        Stored { scene, sweep, id }
    }

    fn cell(&self, index: u64) -> NewCell {
        let Some(Cell::Fixed(known)) = self.sweep.cell(index) else { panic!("cell {index}") };
        let trial = self.sweep.trial(&known, &BTreeMap::new()).unwrap();
        let mut coordinates: BTreeMap<String, Value> =
            trial.values().map(|(name, value)| (name.to_owned(), value.clone())).collect();
        coordinates.insert("replicate".to_owned(), known["replicate"].clone());
        NewCell { cell: index, stage: Stage::Grid, coordinates, trial_digest: format!("trial {index}") }
    }

    async fn end(&self, index: u64, outcome: &Outcome) {
        let lease = self.scene.lease(&self.id, self.cell(index)).await;
        assert!(matches!(self.scene.record(&lease, outcome).await, Recorded::Accepted(_)));
    }

    /// Two thirds of the cells end, some of them badly; the rest is pending, two are running.
    async fn filled(kind: Kind) -> Stored {
        let stored = Stored::new(kind, FILE).await;
        for index in (0..stored.sweep.len()).filter(|index| index % 3 != 2) {
            // Errors over some decades, in no order.
            let error = 10f64.powi(-((index * 7 % 5) as i32)) * (1.0 + index as f64 / 300.0);
            let run = Outcome { steps: 100 + index, ..outcome(error, error) };
            let o = match index % 11 {
                3 => diverged(error),
                5 => Outcome { inflated: true, ..run },
                _ => run,
            };
            stored.end(index, &o).await;
        }
        for index in [2, 5] {
            stored.scene.lease(&stored.id, stored.cell(index)).await;
        }
        stored
    }

    async fn draw(&self, pairs: &[(&str, &str)]) -> Result<Figure, figure::Error> {
        let boards = figure::Boards::new(self.scene.store.clone());
        let stored = self.scene.store.find_sweep(&self.id).await.unwrap();
        let ask = Ask::parse(pairs.iter().copied())?;
        figure::draw(&boards, &stored, &ask, Some("/sweeps/x")).await
    }
}

fn close(a: &Datum, b: &Datum) -> bool {
    match (a, b) {
        (Datum::Float(a), Datum::Float(b)) => (a - b).abs() <= 1e-12 * a.abs().max(b.abs()),
        (Datum::Int(a), Datum::Float(b)) | (Datum::Float(b), Datum::Int(a)) => *a as f64 == *b,
        (a, b) => a == b,
    }
}

/// Rows as text, in an order of their own, for sets of axes.
fn keyed(columns: &[String], rows: &[Vec<Datum>], axes: usize, names: [&str; 2]) -> BTreeMap<String, [Datum; 2]> {
    let at = names
        .map(|name| columns.iter().position(|column| column == name).unwrap_or_else(|| panic!("{name} {columns:?}")));
    let key = |row: &Vec<Datum>| format!("{:?}", &row[..axes]);
    rows.iter().map(|row| (key(row), at.map(|k| row[k].clone()))).collect()
}

/// Compares what a picture holds with what its statement answers; `drawn` and `asked` name the two columns of each.
async fn agree(stored: &Stored, pairs: &[(&str, &str)], drawn: [&str; 2], asked: [&str; 2]) {
    let figure = stored.draw(pairs).await.unwrap();
    let limits = Limits { rows: 10_000, time: Duration::from_secs(20) };
    let answer = stored.scene.store.query(&figure.sql, &limits).await.unwrap_or_else(|e| panic!("{e}\n{}", figure.sql));
    let axes = answer.columns.len() - 2;
    assert_eq!(figure.table.columns[..axes], answer.columns[..axes], "{pairs:?}");
    let n = figure.table.columns.iter().position(|column| column == "n").unwrap();
    let mut rows = figure.table.rows.clone();
    rows.retain(|row| row[n] != Datum::Int(0));
    assert!(!rows.is_empty(), "{pairs:?}");
    let (ours, theirs) =
        (keyed(&figure.table.columns, &rows, axes, drawn), keyed(&answer.columns, &answer.rows, axes, asked));
    // The picture leaves out what has no place; everything that it has is what the statement says.
    for (key, values) in &ours {
        let other = theirs.get(key).unwrap_or_else(|| panic!("{pairs:?}: {key} is not in\n{theirs:?}"));
        assert!(values.iter().zip(other).all(|(a, b)| close(a, b)), "{pairs:?} {key}: {values:?} {other:?}");
    }
}

#[tokio::test]
async fn the_numbers_behind_a_picture_are_those_of_its_sql() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let stored = Stored::filled(kind).await;
        for pairs in [
            &[][..],
            &[("x", "lr"), ("y", "lambda")],
            &[("x", "depth"), ("y", "method")],
            &[("x", "samples"), ("y", "rank"), ("across", "optimizer"), ("down", "penalty"), ("where", "depth = 3")],
            &[("kind", "optimizer-penalty"), ("where", "not (optimizer = gd and lr > 0.5)")],
            &[("x", "samples"), ("y", "rank"), ("where", "baseline = zero_fill")],
        ] {
            agree(&stored, pairs, ["test_rel_median", "n"], ["median", "n"]).await;
        }
        let other = [("x", "samples"), ("y", "rank"), ("metric", "effective_rank")];
        agree(&stored, &other, ["effective_rank_median", "n"], ["median", "n"]).await;
        let first = [("x", "samples"), ("y", "rank"), ("metric", "initial_frobenius_norm")];
        agree(&stored, &first, ["initial_frobenius_norm_median", "n"], ["median", "n"]).await;
        let whole = [("x", "samples"), ("y", "rank"), ("metric", "steps_taken")];
        agree(&stored, &whole, ["steps_taken_median", "n"], ["median", "n"]).await;
        agree(&stored, &[("kind", "samples")], ["median", "n"], ["median", "n"]).await;
        let phase = [("kind", "phase"), ("success", "0.02")];
        agree(&stored, &phase, ["success", "n"], ["success", "n"]).await;
    }
}

#[tokio::test]
async fn the_statement_of_a_course_gives_its_points() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let stored = Stored::filled(kind).await;
        let pairs = [
            ("kind", "steps"),
            ("where", "depth = 1 and samples = 30 and rank = 1"),
            ("metric", "train_loss,test_rel"),
        ];
        let figure = stored.draw(&pairs).await.unwrap();
        let limits = Limits { rows: 10_000, time: Duration::from_secs(20) };
        let answer =
            stored.scene.store.query(&figure.sql, &limits).await.unwrap_or_else(|e| panic!("{e}\n{}", figure.sql));
        let sorted = |rows: &[Vec<Datum>]| {
            let text = |row: &Vec<Datum>| {
                row.iter()
                    .map(|datum| match datum {
                        Datum::Int(i) => format!("{:?}", *i as f64),
                        Datum::Float(x) => format!("{x:?}"),
                        other => format!("{other:?}"),
                    })
                    .collect::<Vec<_>>()
                    .join(" ")
            };
            let mut rows: Vec<String> = rows.iter().map(text).collect();
            rows.sort();
            rows
        };
        assert!(figure.table.rows.len() > 10);
        assert_eq!(sorted(&figure.table.rows), sorted(&answer.rows), "{}", figure.sql);
    }
}

#[tokio::test]
async fn every_cell_is_in_the_picture_whatever_became_of_it() {
    let stored = Stored::filled(Kind::Sqlite).await;
    let figure = stored.draw(&[("x", "samples"), ("y", "rank")]).await.unwrap();
    let column = |name: &str| figure.table.columns.iter().position(|column| column == name).unwrap();
    let sum = |name: &str| -> u64 {
        let int = |row: &Vec<Datum>| match row[column(name)] {
            Datum::Int(i) => i as u64,
            ref other => panic!("{other:?}"),
        };
        figure.table.rows.iter().map(int).sum()
    };
    let cells = stored.sweep.len();
    assert_eq!(sum("cells"), cells);
    let done = |index: &u64| index % 3 != 2;
    assert_eq!(sum("n"), (0..cells).filter(done).count() as u64);
    assert_eq!(sum("running"), 2);
    assert_eq!(sum("diverged"), (0..cells).filter(|index| done(index) && index % 11 == 3).count() as u64);
    assert_eq!(sum("inflated"), (0..cells).filter(|index| done(index) && index % 11 == 5).count() as u64);
    // What is left out is counted: baselines have no learning rate.
    let figure = stored.draw(&[("x", "lr"), ("y", "lambda")]).await.unwrap();
    let left_out = (0..cells).filter(|index| {
        let Some(Cell::Fixed(cell)) = stored.sweep.cell(*index) else { panic!() };
        !cell.contains_key("lr") || !cell.contains_key("lambda")
    });
    assert!(
        figure.svg.contains(&format!("{} cells without a value of these axes", left_out.count())),
        "{}",
        figure.svg
    );
}

#[tokio::test]
async fn an_inflated_run_did_not_succeed_however_small_its_error() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let stored = Stored::new(kind, FILE).await;
        let inflated = Outcome { inflated: true, ..outcome(1e-9, 1e-9) };
        for (index, o) in [outcome(1e-9, 1e-9), inflated, diverged(1e-9), outcome(0.9, 0.9)].iter().enumerate() {
            stored.end(index as u64, o).await;
        }
        let everything = &[("kind", "phase")][..];
        agree(&stored, everything, ["success", "n"], ["success", "n"]).await;
        let figure = stored.draw(everything).await.unwrap();
        let at = |name: &str| figure.table.columns.iter().position(|column| column == name).unwrap();
        let runs = |row: &Vec<Datum>| match (&row[at("success")], &row[at("n")]) {
            (Datum::Float(share), Datum::Int(n)) => share * *n as f64,
            _ => 0.0,
        };
        // One of the four.
        assert_eq!(figure.table.rows.iter().map(runs).sum::<f64>(), 1.0);
    }
}

#[tokio::test]
async fn what_a_picture_pools_is_said_and_what_follows_from_its_axes_is_not() {
    let stored = Stored::filled(Kind::Sqlite).await;
    let figure =
        stored.draw(&[("x", "samples"), ("y", "rank"), ("across", "penalty"), ("down", "optimizer")]).await.unwrap();
    for pooled in ["Pooled: 2 values of depth.", "Pooled: 2 values of λ.", "Pooled: 3 values of learning rate."] {
        assert!(figure.svg.contains(pooled), "{pooled}");
    }
    let apart = [("x", "samples"), ("y", "depth"), ("where", "optimizer = adam and penalty = none and rank = 1")];
    assert!(!stored.draw(&apart).await.unwrap().svg.contains("Pooled"));
    // The learning rate follows from the optimizer here.
    let file = FILE
        .replace("lr = [0.1, 1.0]", "lr = [0.1]")
        .replace("depth = [1, 3]", "depth = 1")
        .replace("lambda = [0.001, 0.1]", "lambda = 0.1");
    let stored = Stored::new(Kind::Sqlite, &file).await;
    let figure =
        stored.draw(&[("x", "samples"), ("y", "rank"), ("across", "penalty"), ("down", "optimizer")]).await.unwrap();
    assert!(!figure.svg.contains("Pooled"), "{}", figure.svg);
}

#[tokio::test]
async fn a_board_follows_what_changes() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let stored = Stored::new(kind, FILE).await;
        let boards = figure::Boards::new(stored.scene.store.clone());
        let measure = Measure::named("test_rel").unwrap();
        let seen = async || {
            // A board is read again once it is a second old.
            tokio::time::sleep(Duration::from_millis(1_000)).await;
            let board = boards.board(&stored.id, measure).await.unwrap();
            board.entries().map(|entry| (entry.cell, entry.value)).collect::<Vec<_>>()
        };
        stored.end(7, &outcome(0.5, 0.5)).await;
        assert_eq!(seen().await, [(7, 0.5)]);
        // A later outcome of an earlier cell, and one that is linked.
        stored.end(3, &outcome(0.25, 0.5)).await;
        let twin = NewCell { trial_digest: "trial 3".to_owned(), ..stored.cell(9) };
        assert_eq!(stored.scene.store.link(&stored.id, &[twin], 300).await.unwrap(), [true]);
        assert_eq!(seen().await, [(3, 0.25), (7, 0.5), (9, 0.25)]);
        // A cell that is run once more has no result until it has the new one.
        assert_eq!(stored.scene.store.reopen(&stored.id, &[7]).await.unwrap(), 1);
        assert_eq!(seen().await, [(3, 0.25), (9, 0.25)]);
        stored.end(7, &outcome(0.125, 0.5)).await;
        assert_eq!(seen().await, [(3, 0.25), (7, 0.125), (9, 0.25)]);
        // The same as one who reads everything anew.
        let anew = figure::Boards::new(stored.scene.store.clone()).board(&stored.id, measure).await.unwrap();
        assert_eq!(anew.entries().map(|entry| (entry.cell, entry.value)).collect::<Vec<_>>(), seen().await);
    }
}

#[tokio::test]
async fn every_kind_is_drawn_or_says_what_it_needs() {
    let stored = Stored::filled(Kind::Sqlite).await;
    for kind in kind::KNOWN {
        let small = "depth = 1 and rank = 1 and samples = 30 and optimizer = adam and penalty = none and replicate = 0";
        match stored.draw(&[("kind", kind.name), ("where", small)]).await {
            Err(error) if kind.name == "init" => assert!(error.to_string().contains("does not vary \"init_scale\"")),
            Ok(figure) => assert!(figure.svg.starts_with("<svg"), "{}", kind.name),
            Err(error) => panic!("{}: {error}", kind.name),
        }
    }
    let wrong = async |pairs: &[(&str, &str)]| stored.draw(pairs).await.unwrap_err().to_string();
    assert!(wrong(&[("x", "beta1")]).await.contains("the sweep has no axis \"beta1\"; it varies"));
    assert!(wrong(&[("kind", "spectrum"), ("by", "samples,rank,depth,lr")]).await.contains("at most 9"));
}
