//! `sweep run`: what is trained, what is linked, and what is said.

use crate::scene::{LONG, SMALL, SMALL_CELLS, Scene, at};

#[test]
fn a_sweep_is_trained_once_and_its_answer_query_and_picture_are_there() {
    let scene = Scene::new();
    scene.write("small.toml", SMALL);
    let first = scene.sweep(&["run", "small.toml"]);
    assert_eq!(first.code, Some(0), "{}", first.err);
    assert!(first.err.contains("52 cells, ") && first.err.contains("trained 52 cells in "), "{}", first.err);
    assert!(
        first.err.contains("slots × 1 BLAS thread,") || first.err.contains("1 slot × 1 BLAS thread,"),
        "{}",
        first.err
    );
    let heading = first.out.lines().find(|line| line.contains("test_rel")).unwrap();
    let words: Vec<&str> = heading.split("  ").map(str::trim).filter(|word| !word.is_empty()).collect();
    let expected = ["rank", "depth", "method", "penalty", "lr", "test_rel", "[q25, q75]", "eff. rank", "failed"];
    assert_eq!(words, expected);
    assert!(heading.chars().count() <= 100, "{heading}");
    // 2 ranks × (2 depths × 3 learning rates × 2 penalties + the baseline).
    let rows = first.out.lines().filter(|line| line.ends_with(" 0/2")).count();
    assert_eq!(rows, 26, "{}", first.out);

    // The query that is printed runs as it is printed.
    let query = first.out.lines().find_map(|line| line.strip_prefix("query     ")).unwrap();
    let text = query.split('"').nth(1).unwrap();
    assert_eq!(scene.json(&["sql", text]).as_array().unwrap().len(), 26);

    let picture = first.out.lines().find_map(|line| line.strip_prefix("picture   ")).unwrap();
    let (svg, png) = picture.split_once(", ").unwrap();
    let svg = std::fs::read_to_string(scene.path(svg)).unwrap();
    assert!(
        svg.starts_with("<svg") && svg.contains("minimum nuclear") && svg.contains("λ") == SMALL.contains("lambda = [")
    );
    assert_eq!(std::fs::read(scene.path(png)).unwrap()[..8], *b"\x89PNG\r\n\x1a\n");

    let before = scene.rows("SELECT COUNT(*), MAX(recorded_at_ms) FROM outcomes");
    let again = scene.sweep(&["run", "small.toml"]);
    assert_eq!(again.code, Some(0));
    assert!(again.err.contains("nothing left to train · 52/52 done"), "{}", again.err);
    assert_eq!(again.out, first.out);
    assert_eq!(scene.rows("SELECT COUNT(*), MAX(recorded_at_ms) FROM outcomes"), before);
    assert!(before[0].starts_with("52,"));
}

#[test]
fn programs_get_one_value_per_column() {
    let scene = Scene::with_run("small", SMALL);
    let answer = scene.json(&["run", "small.toml"]);
    assert_eq!(answer.as_array().unwrap().len(), 26);
    for row in answer.as_array().unwrap() {
        let quartiles = ["test_rel_q25", "test_rel", "test_rel_q75"].map(|name| row[name].as_f64().unwrap());
        assert!(quartiles.is_sorted(), "{row}");
        assert_eq!((row["n"].as_i64(), row["failed"].as_f64()), (Some(2), Some(0.0)), "{row}");
    }
    // The median over replicates is what the view says.
    let sql = scene.json(&["sql", "SELECT test_rel_median AS m FROM medians WHERE baseline IS NOT NULL ORDER BY rank"]);
    let baseline: Vec<_> = answer.as_array().unwrap().iter().filter(|row| row["method"] == "minimum_nuclear").collect();
    assert_eq!([&baseline[0]["test_rel"], &baseline[1]["test_rel"]], [at(&sql, 0, "m"), at(&sql, 1, "m")]);
    let csv = scene.ok(&["run", "small.toml", "--output", "csv"]);
    assert_eq!(
        csv.lines().next().unwrap(),
        "rank,depth,method,penalty,lr,lambda,test_rel,test_rel_q25,test_rel_q75,effective_rank,failed,n,at_edge"
            .replace(",lambda", "")
    );
    assert_eq!(csv.lines().count(), 27);
}

#[test]
fn equal_trials_are_linked_unless_fresh() {
    let scene = Scene::with_run("small", SMALL);
    scene.write("wide.toml", &SMALL.replace("\"small\"", "\"wide\"").replace("count = 2", "count = 3"));
    let wide = scene.sweep(&["run", "wide.toml"]);
    assert!(wide.err.contains("trained 26 cells") && wide.err.contains("52 linked"), "{}", wide.err);
    let list = scene.json(&["list"]);
    assert_eq!(
        (at(&list, 0, "name"), at(&list, 0, "linked"), at(&list, 0, "done")),
        (&"wide".into(), &52.into(), &78.into())
    );
    let shown = scene.json(&["show", "wide/0"]);
    assert!(shown["cell"]["linked_to"].as_str().unwrap().ends_with("/0"), "{}", shown["cell"]);

    let fresh = scene.sweep(&["run", "small.toml", "--fresh"]);
    assert!(fresh.err.contains("trained 52 cells") && !fresh.err.contains("linked"), "{}", fresh.err);
    assert_eq!(scene.rows("SELECT COUNT(*) FROM sweeps WHERE name = 'small'"), ["2"]);
    // Trained again, and the same bits.
    let twice = "SELECT COUNT(*), COUNT(DISTINCT fingerprint) FROM outcomes WHERE trial_digest IN (SELECT trial_digest \
                 FROM cells WHERE cell = 5) GROUP BY trial_digest ORDER BY 1 DESC LIMIT 1";
    assert_eq!(scene.rows(twice), ["2,1"]);
}

#[test]
fn slots_and_order_change_no_value() {
    let scene = Scene::new();
    scene.write("small.toml", SMALL);
    scene.write("other.toml", &format!("order = \"replicates-first\"\n{SMALL}"));
    scene.ok(&["run", "small.toml", "--db", "one.db", "--slots", "1"]);
    scene.ok(&["run", "other.toml", "--db", "three.db", "--slots", "3", "--oversubscribe"]);
    let one = scene.values("one.db");
    assert_eq!(one.len() as i64, SMALL_CELLS);
    assert_eq!(one, scene.values("three.db"));
}

#[test]
fn threads_are_recorded_and_more_than_there_are_cores_refused() {
    let scene = Scene::new();
    scene.write("small.toml", SMALL);
    let refused = scene.error(2, &["run", "small.toml", "--slots", "1024"]);
    assert!(refused.starts_with("error: 1024 slots × 1 BLAS thread are more than the "), "{refused}");
    assert!(refused.contains("--oversubscribe"), "{refused}");
    assert!(!scene.path("results").exists(), "a refused run leaves nothing behind");
    scene.ok(&["run", "small.toml", "--slots", "1", "--blas-threads", "2", "--oversubscribe"]);
    assert_eq!(scene.rows("SELECT DISTINCT blas_threads FROM provenance"), ["2"]);
    for (option, value, allowed) in
        [("--slots", "0", "1..=1024"), ("--blas-threads", "none", "1..=256, auto"), ("--for", "0.5s", "2h or 1h30m")]
    {
        let refused = scene.error(2, &["run", "small.toml", option, value]);
        assert!(refused.contains(value) && refused.contains(allowed), "{refused}");
    }
}

#[test]
fn diverged_runs_are_results_and_cells_without_one_end_with_code_4() {
    let scene = Scene::new();
    let file =
        SMALL.replace("lr = [0.1, 1.0]", "lr = [1, 1e9]").replace("[[baseline]]\nname = \"minimum_nuclear\"\n", "");
    scene.write("div.toml", &file);
    let run = scene.sweep(&["run", "div.toml"]);
    assert_eq!(run.code, Some(0), "{}", run.err);
    let diverged = "SELECT DISTINCT lr, status FROM results WHERE optimizer = 'gd' AND depth = 2 ORDER BY lr";
    assert_eq!(scene.rows(diverged), ["1.0,budget", "1000000000.0,diverged"]);
    assert!(run.out.lines().any(|line| line.contains("1e9") && line.ends_with(" 2/2")), "{}", run.out);

    // Initial factors from a file, which happen to be W = 0, where the ratio is undefined: an error, not an outcome.
    scene.write("zero.csv", &format!("{}\n", ["0"; 12].join(",")).repeat(12));
    let from_file = "[init]\nname = \"file\"\ninit_file = \"zero.csv\"\n[[optimizer]]";
    let file = SMALL.replace("init_scale = 0.1\n", "").replacen("[[optimizer]]", from_file, 1);
    scene.write("zero.toml", &file.replace("depth = [1, 2]", "depth = 1").replace("\"small\"", "\"zero\""));
    let run = scene.sweep(&["run", "zero.toml", "--db", "zero.db"]);
    assert_eq!(run.code, Some(4), "{}", run.err);
    // 2 ranks × 3 learning rates × 2 replicates with the ratio.
    assert!(run.err.ends_with("error: 12 cells failed\n"), "{}", run.err);
    let failed =
        scene.rows_of("zero.db", "SELECT cell, MAX(error) FROM attempts WHERE ending = 'failed' GROUP BY cell");
    assert_eq!(failed.len(), 12);
    assert!(failed[0].ends_with("failed to train: the penalty is undefined at W = 0"), "{failed:?}");
    let cell = format!("zero/{}", failed[0].split(',').next().unwrap());
    let again = scene.error(4, &["repro", &cell, "--db", "zero.db"]);
    assert_eq!(again, "error: the cell failed: the penalty is undefined at W = 0\n");
}

#[test]
fn tuning_refits_the_winner_and_marks_the_end_of_its_list() {
    let scene = Scene::new();
    let file = SMALL.replace("depth = [1, 2]", "depth = 2").replace("rank = [1, 2]", "rank = 1");
    let file = file.replace("lr = [0.1, 1.0]", "lr = [1e-6, 1e-5, 1]").replace("lr = 0.01", "lr = [1e-6, 1e-5, 0.01]");
    let tune = "[tune]\nover = [\"lr\"]\nreplicates = 2\nvalidation = 0.2\nrefit = 3\n";
    scene.write("tune.toml", &file.replace("[replicate]\ncount = 2\n", tune));
    scene.ok(&["run", "tune.toml"]);
    // 4 groups × 3 candidates × 2, and 5 groups with the baseline × 3.
    assert_eq!(
        scene.rows("SELECT stage, COUNT(*) FROM cells GROUP BY stage ORDER BY stage"),
        ["refit,15", "tuning,24"]
    );
    let answer = scene.json(&["show", "small"])["answer"].clone();
    assert_eq!(answer.as_array().unwrap().len(), 5);
    for row in answer.as_array().unwrap().iter().filter(|row| row["method"] != "minimum_nuclear") {
        assert!(row["lr"].as_f64().unwrap() > 1e-3 && row["at_edge"] == "lr max", "{row}");
    }
    assert_eq!(scene.rows("SELECT MIN(replicate), MAX(validation) FROM results WHERE stage = 'refit'"), ["1000,0.0"]);
    let shown = scene.ok(&["show", "small"]);
    assert!(shown.contains("lr max"), "{shown}");
    // λ has its letter in the table and in the picture, and its name for programs.
    let file =
        std::fs::read_to_string(scene.path("tune.toml")).unwrap().replace("lambda = 0.01", "lambda = [0.01, 0.1]");
    scene.write(
        "tune.toml",
        &file.replace("over = [\"lr\"]", "over = [\"lr\", \"lambda\"]").replace("\"small\"", "\"both\""),
    );
    let run = scene.ok(&["run", "tune.toml"]);
    assert!(
        run.contains("  λ  ") && !run.lines().any(|line| line.starts_with("depth") && line.contains("lambda")),
        "{run}"
    );
    let id = scene.json(&["show", "both"])["sweep"]["id"].as_str().unwrap().to_owned();
    let svg = std::fs::read_to_string(scene.path(&format!("results/both-{id}.svg"))).unwrap();
    assert!(svg.contains("λ "), "{}", svg.len());
    assert!(!svg.contains("lambda"));
    assert!(scene.json(&["show", "both"])["answer"][0].get("lambda").is_some());
}

#[test]
fn a_limit_on_time_ends_well_and_is_kept() {
    let scene = Scene::new();
    let file = LONG.replace("STEPS", "20000").replace("[record]", "[replicate]\ncount = 40\n[record]");
    scene.write("long.toml", &file);
    let run = scene.sweep(&["run", "long.toml", "--for", "1s"]);
    assert_eq!(run.code, Some(0), "{}", run.err);
    assert!(run.err.contains("time is up"), "{}", run.err);
    let done: u64 = scene.rows("SELECT COUNT(*) FROM results")[0].parse().unwrap();
    assert!(
        run.err.ends_with(&format!("stopped with {} cells left; to go on: sweep run long.toml\n", 80 - done)),
        "{}",
        run.err
    );
    assert!(done < 80);
    // Nothing is left running, and what ran is kept.
    assert_eq!(scene.rows("SELECT COUNT(*) FROM cells WHERE state = 'leased'"), ["0"]);
    let kept = scene.rows("SELECT COUNT(*) FROM checkpoints c JOIN blobs b ON b.hash = c.hash WHERE b.size > 1000");
    assert_ne!(kept, ["0"]);
}
