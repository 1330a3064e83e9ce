//! `sweep extend`: what is there stays, and only what is new is trained.

use crate::scene::{SMALL, Scene, at};

#[test]
fn more_values_of_an_axis_cost_their_own_cells_only() {
    let scene = Scene::with_run("small", SMALL);
    let before = scene.rows("SELECT cell, trial_digest, outcome_id FROM cells ORDER BY cell");

    let plan = scene.json(&["extend", "small", "optimizer.adam.lr=0.03", "--dry-run"]);
    assert_eq!(["before", "added", "cells"].map(|name| plan[name].as_i64().unwrap_or(-1)), [52, 16, 68], "{plan}");
    assert_eq!(scene.rows("SELECT cells FROM sweeps"), ["52"]);

    let said = scene.sweep(&["extend", "small", "optimizer.adam.lr=0.03"]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(said.err.contains("16 cells on top of 52"), "{}", said.err);
    assert_eq!(scene.rows("SELECT state, cells FROM sweeps"), ["running,68"]);

    // The file as it was finds the whole.
    let run = scene.sweep(&["run", "small.toml"]);
    assert_eq!(run.code, Some(0), "{}", run.err);
    assert!(run.err.contains("this sweep was extended since: 16 cells on top of the file's"), "{}", run.err);
    assert!(run.err.contains("trained 16 cells"), "{}", run.err);
    assert_eq!(scene.rows("SELECT cell, trial_digest, outcome_id FROM cells WHERE cell < 52 ORDER BY cell"), before);
    // 26 rows before; 2 ranks × 2 depths × 2 penalties more.
    assert_eq!(run.out.lines().filter(|line| line.ends_with(" 0/2")).count(), 26 + 8, "{}", run.out);
    let new = "SELECT COUNT(*), MIN(cell), MAX(cell), MIN(lr), MAX(lr) FROM results WHERE cell >= 52";
    assert_eq!(scene.rows(new), ["16,52,67,0.03,0.03"]);
    let answer = scene.json(&["show", "small"])["answer"].clone();
    let of = |lr: f64| answer.as_array().unwrap().iter().filter(|row| row["lr"].as_f64() == Some(lr)).count();
    assert_eq!((of(0.03), of(0.01)), (8, 8));

    // So does the longer one, and then nothing is left to do.
    scene.write("longer.toml", &SMALL.replace("lr = 0.01", "lr = [0.01, 0.03]"));
    let again = scene.sweep(&["run", "longer.toml"]);
    assert!(again.err.contains("nothing left to train · 68/68 done"), "{}", again.err);
    assert!(!again.err.contains("was extended since"), "{}", again.err);
    // Fresh is the file alone.
    let fresh = scene.sweep(&["run", "small.toml", "--fresh"]);
    assert!(fresh.err.contains("trained 52 cells"), "{}", fresh.err);
}

#[test]
fn a_whole_file_extends_and_cells_of_the_extension_are_shown_and_reproduced() {
    let scene = Scene::with_run("small", SMALL);
    let longer = SMALL.replace("rank = [1, 2]", "rank = [1, 2, 3]").replace("count = 2", "count = 3");
    scene.write("longer.toml", &longer);
    let added = scene.json(&["extend", "small", "--file", "longer.toml"]);
    assert_eq!(added["cells"], 117, "{added}");
    let waiting = scene.json(&["show", "small/116"]);
    assert_eq!(waiting["cell"]["state"], "not begun", "{waiting}");
    scene.ok(&["run", "longer.toml"]);
    assert_eq!(scene.rows("SELECT COUNT(*), COUNT(DISTINCT outcome_id) FROM cells WHERE state = 'done'"), ["117,117"]);
    // Bit for bit what a sweep of the longer file would have given, but for the numbers of its cells.
    scene.ok(&["run", "longer.toml", "--db", "alone.db"]);
    let values = "SELECT trial_digest, fingerprint FROM outcomes ORDER BY trial_digest";
    assert_eq!(scene.rows(values), scene.rows_of("alone.db", values));
    scene.ok(&["repro", "small/116"]);
}

#[test]
fn a_winner_at_the_edge_of_its_list_is_tuned_on() {
    let scene = Scene::new();
    let file = SMALL.replace("depth = [1, 2]", "depth = 2").replace("rank = [1, 2]", "rank = 1");
    let file = file.replace("lr = [0.1, 1.0]", "lr = [1e-6, 1e-5]").replace("lr = 0.01", "lr = [1e-6, 1e-5]");
    let tune = "[tune]\nover = [\"lr\"]\nreplicates = 2\nvalidation = 0.2\nrefit = 3\n";
    scene.write("tune.toml", &file.replace("[replicate]\ncount = 2\n", tune));
    scene.ok(&["run", "tune.toml"]);
    let edges = "SELECT COUNT(*) FROM selections WHERE at_edge = 'lr'";
    assert_eq!(scene.rows(edges), ["4"]);
    let added = scene.json(&["extend", "small", "optimizer.gd.lr=1,2"]);
    assert_eq!((&added["added"], &added["tuned_again"]), (&8.into(), &2.into()), "{added}");
    let run = scene.sweep(&["run", "tune.toml"]);
    // 2 groups × 2 candidates × 2 replicates, and their refits once more.
    assert!(run.err.contains("trained 14 cells"), "{}", run.err);
    assert_eq!(scene.rows("SELECT COUNT(*) FROM cells WHERE state <> 'done'"), ["0"]);
    let answer = scene.json(&["show", "small"])["answer"].clone();
    for row in answer.as_array().unwrap().iter().filter(|row| row["method"] == "gd") {
        assert!(row["lr"].as_f64().unwrap() >= 1.0, "{row}");
    }
    assert_eq!(scene.rows("SELECT COUNT(*) FROM selections WHERE candidates = 4"), ["2"]);
    let twice = "SELECT COUNT(*) FROM (SELECT cell FROM attempts WHERE ending = 'recorded' GROUP BY cell HAVING COUNT(*) = 2) AS t";
    assert_eq!(scene.rows(twice), ["6"]);
}

#[test]
fn what_cannot_be_added_is_refused_with_what_can() {
    let scene = Scene::with_run("small", SMALL);
    scene.write("other.toml", &SMALL.replace("steps = 60", "steps = 70"));
    for (args, said) in [
        (&["lr=3"][..], "optimizer.gd.lr, optimizer.adam.lr"),
        (&["dpeth=3"], "axis \"dpeth\" is not known (nearest: \"depth\")"),
        (&["depth=2"], "train.depth: 2 is in the list already: 1, 2"),
        (&["depth=9"], "axis \"depth\": 9 is outside 1..=8"),
        (&["rank=20"], "rank"),
        (&["replicate.count=2"], "replicate.count: 2 is not allowed; it is 2"),
        (&["--file", "other.toml"], "cell 0 of the sweep is not in the file"),
        (&["--file", "small.toml"], "the sweep has every cell of the file"),
        (&["depth=3", "--max-cells", "60"], "more than the 60 allowed"),
    ] {
        let error = scene.error(2, &[&["extend", "small"], args].concat());
        assert!(error.contains(said), "{args:?}: {error}");
    }
    assert!(scene.error(2, &["extend", "smal", "depth=3"]).contains("known"));
    assert!(scene.error(2, &["extend", "small"]).contains("AXIS=VALUE"));
    assert_eq!(scene.rows("SELECT COUNT(*) FROM extensions"), ["0"]);
    assert_eq!(at(&scene.json(&["list"]), 0, "cells").as_i64(), Some(52));
}
