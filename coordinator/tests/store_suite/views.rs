//! What users see: the views, and their own queries.

use crate::support::{Kind, Scene, cell, diverged, outcome, point, replicate};
use crate::{close, count, rows, text};
use std::time::Duration;
use sweep_coordinator::store::{Datum, Error, Limits, Location, Stage, Store};
use sweep_core::outcome::Outcome;
use sweep_core::value::Value;

on_both! {
    tuning_reads_its_scores
    medians_and_quartiles_by_hand
    extreme_numbers_do_not_spoil_a_view
    the_best_setting_is_chosen_by_validation_and_marked_at_an_edge
    paired_differences_by_hand
    a_baseline_is_paired_with_every_initialisation
    result_values_hold_numbers_only_in_a_fixed_order
    queries_are_answered_within_limits
    queries_cannot_write
    queries_see_this_database_and_nothing_of_its_server
    a_point_query_uses_an_index
}

async fn tuning_reads_its_scores(scene: Scene) {
    let sweep = scene.sweep("s").await;
    // It was better on the way: what counts is the end, as of refits.
    let mut early = outcome(0.1, 0.25);
    early.validated.as_mut().unwrap().set(sweep_core::outcome::VALIDATION_MSE, 0.125);
    scene.done(&sweep, cell(2, &[]), &early).await;
    scene.done(&sweep, cell(3, &[]), &diverged(0.5)).await;
    scene.done(&sweep, cell(9, &[]), &outcome(0.1, 0.5)).await;
    let inflated = Outcome { inflated: true, validated: None, ..outcome(0.1, 0.5) };
    scene.done(&sweep, cell(4, &[]), &inflated).await;
    scene.lease(&sweep, cell(5, &[])).await;
    let scores = scene.store.scores(&sweep, 2..9).await.unwrap();
    let seen: Vec<_> = scores.iter().map(|s| (s.cell, s.failed, s.validation_mse)).collect();
    assert_eq!(seen, [(2, false, Some(0.25)), (3, true, Some(0.5)), (4, true, Some(0.5))]);
    assert_eq!(scene.store.scores(&sweep, 9..9).await.unwrap(), []);
}

async fn medians_and_quartiles_by_hand(scene: Scene) {
    let (s, t) = (scene.sweep("s").await, scene.sweep("t").await);
    // Four replicates with errors .1 .2 .4 .8: quartiles at positions .75, 1.5, 2.25 of 0…3:
    // .1 + .75·.1 = .175, (.2 + .4)/2 = .3, .4 + .25·.4 = .5.
    for (r, error) in [(0, 0.4), (1, 0.1), (2, 0.8), (3, 0.2)] {
        scene.done(&s, cell(r, &replicate(r as i64)), &outcome(error, error)).await;
    }
    // Five of another setting, two of them diverged: sorted .1 .2 .3 ∞ ∞, median .3, upper quartile on a failure.
    // One more is inflated: a failure too, but its number counts.
    for (r, error) in [(0, 0.3), (1, 0.1), (2, 0.2)] {
        let o = Outcome { inflated: r == 2, ..outcome(error, error) };
        let lr = [("lr", Value::Float(0.5))];
        scene.done(&s, cell(10 + r, &[&replicate(r as i64)[..], &lr].concat()), &o).await;
    }
    for r in [3, 4] {
        let lr = [("lr", Value::Float(0.5))];
        scene.done(&s, cell(10 + r, &[&replicate(r as i64)[..], &lr].concat()), &diverged(1e-9)).await;
    }
    // Another sweep, one run without a truth: no errors, no median.
    let blind = Outcome { last: point(5, f64::NAN), oracle: None, validated: None, ..outcome(0.1, 0.1) };
    scene.done(&t, cell(0, &[]), &blind).await;

    let medians = rows(
        &scene.store,
        "SELECT sweep, lr, optimizer, n, failures, failure_share, test_rel_q25, test_rel_median, test_rel_q75,
         reconstruction_mse_median FROM medians ORDER BY sweep, lr",
    )
    .await;
    assert_eq!(medians.len(), 3);
    let head = |i: usize| medians[i][..5].to_vec();
    assert_eq!(head(0), [text("s"), Datum::Float(0.01), text("adam"), Datum::Int(4), Datum::Int(0)]);
    for (column, expected) in [(5, 0.0), (6, 0.175), (7, 0.3), (8, 0.5), (9, (0.04 + 0.16) / 2.0)] {
        close(&medians[0][column], expected);
    }
    assert_eq!(head(1), [text("s"), Datum::Float(0.5), text("adam"), Datum::Int(5), Datum::Int(3)]);
    for (column, expected) in [(5, 0.6), (6, 0.2), (7, 0.3)] {
        close(&medians[1][column], expected);
    }
    assert_eq!(medians[1][8], Datum::Null, "the upper quartile falls on a diverged run");
    assert_eq!(medians[2][6..], [Datum::Null, Datum::Null, Datum::Null, Datum::Null]);
}

async fn extreme_numbers_do_not_spoil_a_view(scene: Scene) {
    let sweep = scene.sweep("s").await;
    for (r, error) in (0..).zip([5e-324, 1e-310, f64::MAX, 0.0]) {
        scene.done(&sweep, cell(r, &replicate(r as i64)), &outcome(error, error)).await;
        let gd = [&replicate(r as i64)[..], &[("optimizer", Value::from("gd"))]].concat();
        scene.done(&sweep, cell(10 + r, &gd), &outcome(1.0, 1.0)).await;
    }
    let medians = "SELECT test_rel_q25, test_rel_median, test_rel_q75 FROM medians WHERE optimizer = 'adam'";
    // Sorted 0 0 0 MAX: the upper quartile is a quarter of what counts as no number.
    assert_eq!(rows(&scene.store, medians).await, [[Datum::Float(0.0), Datum::Float(0.0), Datum::Null]]);
    for view in ["results", "result_values", "medians", "best", "paired_differences", "trajectory"] {
        assert!(!rows(&scene.store, &format!("SELECT * FROM {view}")).await.is_empty(), "{view}");
    }
}

async fn the_best_setting_is_chosen_by_validation_and_marked_at_an_edge(scene: Scene) {
    let sweep = scene.sweep("s").await;
    let mut index = 0;
    // Validation errors by (optimizer, lr); the test error would choose otherwise. adam: the middle lr wins. gd: the
    // greatest lr wins. A third optimizer has one lr only: no edge to be at.
    for (optimizer, lr, validation, test) in [
        ("adam", 0.001, 0.9, 0.1),
        ("adam", 0.01, 0.2, 0.5),
        ("adam", 0.1, 0.6, 0.01),
        ("gd", 0.1, 0.8, 0.3),
        ("gd", 1.0, 0.7, 0.4),
        ("muon", 1.0, 0.5, 0.5),
    ] {
        for r in 0..3 {
            let changes = [("optimizer", Value::from(optimizer)), ("lr", Value::Float(lr))];
            let o = outcome(test, validation + 0.01 * f64::from(r));
            scene.done(&sweep, cell(index, &[&replicate(r.into())[..], &changes].concat()), &o).await;
            index += 1;
        }
    }
    // A setting that always diverges is never best, however good it looks.
    let changes = [("optimizer", Value::from("gd")), ("lr", Value::Float(10.0))];
    scene.done(&sweep, cell(index, &changes), &diverged(0.0)).await;
    // A baseline: no optimizer, no validation needed to be told apart by absence.
    let baseline: Vec<(&str, Value)> = ["optimizer", "lr", "init", "init_scale", "schedule", "penalty", "depth"]
        .map(|name| (name, Value::from("-")))
        .into_iter()
        .chain([("baseline", Value::from("zero_fill"))])
        .collect();
    scene.done(&sweep, cell(index + 1, &baseline), &outcome(0.9, 0.95)).await;
    let best = rows(
        &scene.store,
        "SELECT COALESCE(optimizer, baseline), lr, n, validation_mse_median, test_rel_median, candidates, at_edge
         FROM best WHERE sweep = 's' ORDER BY 1",
    )
    .await;
    let expected = [
        ("adam", Some(0.01), 3, 0.21, 0.5, 3, ""),
        ("gd", Some(1.0), 3, 0.71, 0.4, 3, ""),
        ("muon", Some(1.0), 3, 0.51, 0.5, 1, ""),
        ("zero_fill", None, 1, 0.95, 0.9, 1, ""),
    ];
    assert_eq!(best.len(), expected.len());
    for (row, (method, lr, n, validation, test, candidates, edge)) in best.iter().zip(expected) {
        assert_eq!((&row[0], &row[2], &row[5]), (&text(method), &Datum::Int(n), &Datum::Int(candidates)));
        assert_eq!((&row[1], &row[6]), (&lr.map_or(Datum::Null, Datum::Float), &text(edge)), "{method}");
        close(&row[3], validation);
        close(&row[4], test);
    }

    // A second sweep where the winner is at the greatest lr and the least λ.
    let edge = scene.sweep("edge").await;
    for (i, (lr, lambda, validation)) in
        [(0.1, 0.1, 0.5), (0.1, 1.0, 0.6), (1.0, 0.1, 0.1), (1.0, 1.0, 0.3)].into_iter().enumerate()
    {
        let changes = [("penalty", Value::from("ratio")), ("lr", Value::Float(lr)), ("lambda", Value::Float(lambda))];
        scene.done(&edge, cell(i as u64, &changes), &outcome(0.5, validation)).await;
    }
    assert_eq!(
        rows(&scene.store, "SELECT lr, lambda, at_edge FROM best WHERE sweep = 'edge'").await,
        [[Datum::Float(1.0), Datum::Float(0.1), text("lr max, lambda min")]]
    );

    // A third where nothing depends on λ: a tie is no edge.
    let tied = scene.sweep("tied").await;
    for (i, (lr, lambda, validation)) in
        [(0.1, 0.1, 0.1), (0.1, 1.0, 0.1), (1.0, 0.1, 0.3), (1.0, 1.0, 0.3)].into_iter().enumerate()
    {
        let changes = [("penalty", Value::from("ratio")), ("lr", Value::Float(lr)), ("lambda", Value::Float(lambda))];
        scene.done(&tied, cell(i as u64, &changes), &outcome(0.5, validation)).await;
    }
    assert_eq!(
        rows(&scene.store, "SELECT lr, at_edge FROM best WHERE sweep = 'tied'").await,
        [[Datum::Float(0.1), text("lr min")]]
    );
}

async fn paired_differences_by_hand(scene: Scene) {
    let sweep = scene.sweep("s").await;
    // adam against gd on four shared instances. log10 ratios: −1, −2, +1, and gd alone diverged (adam wins).
    // In order: −∞, −2, −1, 1: median (−2 − 1)/2 = −1.5.
    let adam = [0.01, 0.001, 1.0, 0.5];
    let gd = [0.1, 0.1, 0.1, 1e-9];
    for r in 0..4u64 {
        let with = |optimizer: &str| [&replicate(r as i64)[..], &[("optimizer", Value::from(optimizer))]].concat();
        scene.done(&sweep, cell(r, &with("adam")), &outcome(adam[r as usize], 1.0)).await;
        let o = if r == 3 { diverged(gd[3]) } else { outcome(gd[r as usize], 1.0) };
        scene.done(&sweep, cell(10 + r, &with("gd")), &o).await;
    }
    // An instance that only one of them saw, and a tuning run, pair with nothing.
    scene.done(&sweep, cell(20, &replicate(9)), &outcome(0.5, 0.5)).await;
    let mut tuning = cell(21, &replicate(0));
    tuning.stage = Stage::Tuning;
    scene.done(&sweep, tuning, &outcome(0.5, 0.5)).await;

    let pairs = rows(
        &scene.store,
        "SELECT a_optimizer, b_optimizer, n, wins, losses, ties, log10_ratio_median, rank FROM paired_differences
         WHERE sweep = 's' ORDER BY a_optimizer",
    )
    .await;
    assert_eq!(pairs.len(), 2);
    let ints = |row: &[Datum]| row[2..6].to_vec();
    assert_eq!((&pairs[0][0], &pairs[0][1], &pairs[0][7]), (&text("adam"), &text("gd"), &Datum::Int(2)));
    assert_eq!(ints(&pairs[0]), [4, 3, 1, 0].map(Datum::Int));
    close(&pairs[0][6], -1.5);
    assert_eq!(ints(&pairs[1]), [4, 1, 3, 0].map(Datum::Int));
    close(&pairs[1][6], 1.5);
}

async fn a_baseline_is_paired_with_every_initialisation(scene: Scene) {
    let sweep = scene.sweep("s").await;
    for seed in 0..3 {
        let o = outcome(0.01, 1.0);
        scene.done(&sweep, cell(seed, &[("init_seed", Value::Int(seed as i64))]), &o).await;
    }
    let baseline: Vec<(&str, Value)> =
        ["optimizer", "lr", "init", "init_scale", "init_seed", "schedule", "penalty", "depth"]
            .map(|name| (name, Value::from("-")))
            .into_iter()
            .chain([("baseline", Value::from("zero_fill"))])
            .collect();
    scene.done(&sweep, cell(9, &baseline), &outcome(1.0, 1.0)).await;
    let pairs = rows(
        &scene.store,
        "SELECT a_optimizer, b_baseline, n, log10_ratio_median FROM paired_differences WHERE a_optimizer IS NOT NULL",
    )
    .await;
    assert_eq!(pairs.len(), 1);
    assert_eq!(pairs[0][..3], [text("adam"), text("zero_fill"), Datum::Int(3)]);
    close(&pairs[0][3], -2.0);
}

async fn result_values_hold_numbers_only_in_a_fixed_order(scene: Scene) {
    let (b, a) = (scene.sweep("b").await, scene.sweep("B").await);
    for (sweep, index) in [(&b, 11), (&a, 7), (&b, 2), (&a, 30)] {
        scene.done(sweep, cell(index, &[]), &outcome(0.5, 0.5)).await;
    }
    let table = scene.store.query("SELECT * FROM result_values", &Limits::default()).await.unwrap();
    let column = |name: &str| table.columns.iter().position(|c| c == name).unwrap_or_else(|| panic!("{name}"));
    let (sweep, index) = (column("sweep"), column("cell"));
    let order: Vec<_> = table.rows.iter().map(|row| (row[sweep].clone(), row[index].clone())).collect();
    let expected = [("B", 7), ("B", 30), ("b", 2), ("b", 11)].map(|(s, i)| (text(s), Datum::Int(i)));
    assert_eq!(order, expected);
    for name in
        ["lr", "depth", "status", "inflated", "steps_taken", "test_rel", "oracle_step", "validated_validation_mse"]
    {
        column(name);
    }
    for c in &table.columns {
        let banned = c.contains("seconds") || c.ends_with("_id") || c.ends_with("_at_ms") || c.contains("host");
        assert!(!banned && c != "linked" && c != "trial_digest", "{c}");
    }
}

async fn queries_are_answered_within_limits(scene: Scene) {
    let sweep = scene.sweep("s").await;
    for index in 0..5 {
        scene.done(&sweep, cell(index, &[]), &outcome(0.5, 0.5)).await;
    }
    let few = Limits { rows: 3, ..Limits::default() };
    let table = scene.store.query("SELECT cell FROM results ORDER BY cell", &few).await.unwrap();
    assert_eq!((table.rows.len(), table.truncated), (3, true));
    let table = scene.store.query("SELECT cell FROM results WHERE cell < 3", &few).await.unwrap();
    assert_eq!((table.rows.len(), table.truncated), (3, false));
    let none = scene.store.query("SELECT cell AS c, lr FROM results WHERE cell < 0", &few).await.unwrap();
    assert_eq!((none.columns, none.rows.len()), (vec!["c".to_owned(), "lr".to_owned()], 0));
    // Sums and averages of integers come in a type of their own on Postgres.
    assert_eq!(
        rows(&scene.store, "SELECT COUNT(*), SUM(cell), CAST(AVG(cell) AS DOUBLE PRECISION), MAX(lr) FROM results")
            .await,
        [[Datum::Int(5), Datum::Int(10), Datum::Float(2.0), Datum::Float(0.01)]]
    );

    let brief = Limits { time: Duration::from_millis(200), ..Limits::default() };
    let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n";
    let began = std::time::Instant::now();
    let stopped = scene.store.query(endless, &brief).await.unwrap_err();
    assert!(matches!(stopped, Error::TooSlow { .. }), "{stopped}");
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert_eq!(count(&scene.store, "SELECT COUNT(*) FROM results").await, 5, "the connection is fine afterwards");

    let unknown = scene.store.query("SELECT nonsense FROM results", &few).await.unwrap_err().to_string();
    assert!(unknown.contains("nonsense"), "{unknown}");
}

async fn queries_cannot_write(scene: Scene) {
    scene.sweep("s").await;
    for attack in [
        "DELETE FROM sweeps",
        "SELECT 1; DELETE FROM sweeps",
        "WITH gone AS (DELETE FROM sweeps RETURNING id) SELECT * FROM gone",
        "EXPLAIN ANALYZE DELETE FROM sweeps",
        "WITH x AS (SELECT 1) DELETE FROM sweeps",
        "WITH x AS (SELECT 1) INSERT INTO tags (sweep_id, tag) SELECT id, 'x' FROM sweeps",
    ] {
        let refused = scene.store.query(attack, &Limits::default()).await;
        assert!(refused.is_err(), "{attack}: {refused:?}");
    }
    assert_eq!(count(&scene.store, "SELECT COUNT(*) FROM sweeps").await, 1);

    let reader = Store::read(&scene.location).await.unwrap();
    assert_eq!(count(&reader, "SELECT COUNT(*) FROM sweeps").await, 1);
    assert!(matches!(reader.tag("s", "x", true).await, Err(Error::ReadOnly)));
    assert!(matches!(reader.gc().await, Err(Error::ReadOnly)));
}

async fn a_point_query_uses_an_index(scene: Scene) {
    let sweep = scene.sweep("s").await;
    scene.done(&sweep, cell(0, &[]), &outcome(0.5, 0.5)).await;
    let explain = match scene.location {
        sweep_coordinator::store::Location::Sqlite(_) => "EXPLAIN QUERY PLAN",
        // Tiny tables are scanned whatever the indices: the planner is asked what it would do to large ones.
        sweep_coordinator::store::Location::Postgres(_) => "EXPLAIN",
    };
    let sqlite = explain.ends_with("PLAN");
    for query in [
        "SELECT test_rel FROM results WHERE sweep = 's' AND cell = 0",
        "SELECT step, train_loss FROM trajectory WHERE sweep = 's' AND cell = 0",
        "SELECT MIN(id) FROM outcomes WHERE trial_digest = 'x' AND revision = 1",
    ] {
        let plan = rows(&scene.store, &format!("{explain} {query}")).await;
        let plan: Vec<String> = plan.iter().map(|row| format!("{:?}", row.last())).collect();
        if sqlite {
            assert!(plan.iter().all(|line| !line.contains("SCAN")), "{query}: {plan:#?}");
        } else {
            assert!(!plan.is_empty());
        }
    }
}

/// The same operations leave the same `result_values`, row for row, whichever the database.
#[tokio::test]
async fn both_databases_show_the_same_result_values() {
    let mut tables = Vec::new();
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let scene = Scene::new(kind).await;
        let sweep = scene.sweep("s").await;
        for index in 0..6 {
            let o = if index == 4 { diverged(0.7) } else { outcome(0.1 * index as f64 + 1e-17, 1.0 / 3.0) };
            scene.done(&sweep, cell(index, &replicate(index as i64)), &o).await;
        }
        for view in ["result_values", "medians", "best", "paired_differences"] {
            tables.push((
                kind,
                view,
                scene.store.query(&format!("SELECT * FROM {view}"), &Limits::default()).await.unwrap(),
            ));
        }
    }
    for i in 0..4 {
        assert_eq!(tables[i].2, tables[i + 4].2, "{}", tables[i].1);
    }
    assert_eq!(tables[0].2.rows.len(), 6);
}

/// Whatever the coordinator's own role may: that of the tests is a superuser's.
async fn queries_see_this_database_and_nothing_of_its_server(scene: Scene) {
    let ask = async |text: &str| scene.store.query(text, &Limits::default()).await;
    ask("SELECT count(*) FROM results").await.unwrap();
    ask("SELECT count(*) FROM sweeps").await.unwrap();
    if matches!(scene.location, Location::Sqlite(_)) {
        return;
    }
    for text in [
        "SELECT hash FROM tokens",
        "SELECT pg_read_file('/etc/hostname')",
        "SELECT rolpassword FROM pg_authid",
        "SELECT set_config('role', 'postgres', true)",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename <> current_user",
    ] {
        let refused = ask(text).await.map(|table| table.rows).unwrap_err();
        let denied = ["permission denied", "must be a superuser"].iter().any(|why| refused.to_string().contains(why));
        assert!(denied, "{text}: {refused}");
    }
}
