//! What is said of a sweep after it was submitted: cells, retry, pause, resume, cancel, priority.

use crate::scene::{SMALL, SMALL_CELLS, Scene};

#[test]
fn cells_are_listed_by_a_filter_with_what_they_differ_in() {
    let scene = Scene::with_run("small", SMALL);
    let all = scene.json(&["cells", "small"]);
    assert_eq!(all.as_array().unwrap().len() as i64, SMALL_CELLS);
    let some =
        scene.json(&["cells", "small", "--where", "optimizer = gd and lr >= 1 and depth = 2 and penalty != none"]);
    let some = some.as_array().unwrap();
    // 2 ranks × 2 replicates.
    assert_eq!(some.len(), 4);
    assert!(some.iter().all(|cell| cell["lr"] == 1.0 && cell["depth"] == 2 && cell["penalty"] == "ratio"));
    assert!(some.iter().all(|cell| cell["state"] == "done" && cell["attempts"] == 1));
    // For people the axes that are the same everywhere are left out.
    let table = scene.ok(&["cells", "small", "--where", "baseline = minimum_nuclear"]);
    let header = table.lines().next().unwrap();
    assert!(header.contains("rank") && header.contains("replicate") && !header.contains("samples"), "{table}");
    assert_eq!(scene.json(&["cells", "small", "--most", "3"]).as_array().unwrap().len(), 3);
    let refused = scene.error(2, &["cells", "small", "--where", "optimizer = adm"]);
    assert!(refused.contains("character 13") && refused.contains("adamax"), "{refused}");
}

#[test]
fn retry_trains_what_fits_once_more_and_nothing_else() {
    let scene = Scene::with_run("small", SMALL);
    let before = scene.values("results/sweep.db");
    assert_eq!(scene.json(&["retry", "small", "--failed"])["cells"], 0);
    let retried = scene.json(&["retry", "small", "--where", "optimizer = adam and rank = 2"]);
    assert_eq!(retried["cells"], 8);
    assert_eq!(scene.json(&["status", "small"])["state"], "running");
    assert_eq!(scene.values("results/sweep.db").len() as i64, SMALL_CELLS - 8);
    let run = scene.sweep(&["run", "small.toml"]);
    assert_eq!(run.code, Some(0), "{}", run.err);
    assert_eq!(scene.values("results/sweep.db"), before);
    let attempts = scene.rows("SELECT count(*) FROM attempts WHERE ending = 'recorded'");
    assert_eq!(attempts, [(SMALL_CELLS + 8).to_string()]);
    for (args, told) in [
        (&["retry", "small"][..], "--failed"),
        (&["retry", "small", "--where", " "], "a filter is needed"),
        (&["retry", "smal", "--failed"], "small"),
        (&["retry", "small", "--failed", "--where", "cell = 1"], "cannot be used with"),
    ] {
        let refused = scene.error(2, args);
        assert!(refused.contains(told), "{args:?}: {refused}");
    }
}

#[test]
fn a_sweep_waits_goes_on_and_is_over() {
    let scene = Scene::new();
    scene.write("small.toml", SMALL);
    // Into the database without being run.
    scene.ok(&["submit", "small.toml"]);
    assert_eq!(scene.json(&["pause", "small"])["state"], "paused");
    assert_eq!(scene.json(&["resume", "small"])["state"], "running");
    let ranked = scene.json(&["priority", "small", "-5"]);
    assert_eq!(ranked["priority"], -5);
    assert_eq!(scene.json(&["cancel", "small"])["state"], "cancelled");
    let refused = scene.error(2, &["pause", "small"]);
    assert!(refused.contains("is cancelled, and cannot be paused"), "{refused}");
    let refused = scene.error(2, &["priority", "small", "1001"]);
    assert!(refused.contains("-1000..=1000"), "{refused}");
    // Running the file takes it up again.
    scene.ok(&["run", "small.toml"]);
    assert_eq!(scene.json(&["status", "small"])["state"], "finished");
    assert_eq!(scene.rows("SELECT count(*) FROM results"), [SMALL_CELLS.to_string()]);
    let refused = scene.error(2, &["cancel", "small"]);
    assert!(refused.contains("is finished, and cannot be cancelled"), "{refused}");
}
