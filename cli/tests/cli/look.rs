//! What can be looked at and tidied up: plan, check, known, list, show, diff, tag, rm, gc, du.

use crate::scene::{SMALL, SMALL_CELLS, Scene, at};
use serde_json::json;

#[test]
fn a_plan_counts_the_cells_exactly_and_trains_nothing() {
    let scene = Scene::new();
    scene.write("small.toml", SMALL);
    let zipped = format!("{SMALL}[[zip]]\naxes = [\"depth\", \"init_scale\"]\n")
        .replace("init_scale = 0.1", "init_scale = [1, 0.1]");
    scene.write("zipped.toml", &zipped);
    scene.write("excluded.toml", &format!("{SMALL}[[exclude]]\ndepth = 2\nlr = 1.0\npenalty = \"ratio\"\n"));
    scene.write(
        "when.toml",
        &format!("{SMALL}[[when]]\noptimizer = \"adam\"\ndepth = 2\nset = {{ lr = [1e-3, 1e-2, 0.1] }}\n"),
    );
    // Zipped axes add no cell; 2 ranks × 2 replicates are left out; 2 rates more for 2 ranks × 2 penalties × 2.
    for (file, cells) in
        [("small", SMALL_CELLS), ("zipped", SMALL_CELLS), ("excluded", SMALL_CELLS - 4), ("when", SMALL_CELLS + 16)]
    {
        let plan = scene.json(&["plan", &format!("{file}.toml")]);
        assert_eq!(plan["plan"]["cells"], cells, "{file}");
        let classes = plan["cost"].as_array().unwrap();
        assert_eq!(classes.iter().map(|class| class["cells"].as_i64().unwrap()).sum::<i64>(), cells, "{file}");
        assert_eq!(scene.json(&["check", &format!("{file}.toml")])["cells"], cells, "{file}");
    }
    let lr = scene.json(&["plan", "small.toml"])["axes"].clone();
    let lr: Vec<_> = lr.as_array().unwrap().iter().filter(|axis| axis["axis"] == "lr").collect();
    assert_eq!((lr[0]["where"].as_str(), lr[0]["list"].as_str()), (Some("optimizer gd"), Some("0.1, 1")));
    assert_eq!(lr[1]["where"], "optimizer adam");
    let refused = scene.error(2, &["plan", "small.toml", "--max-cells", "51"]);
    assert!(refused.contains("52 cells are more than the 51 allowed") && refused.contains("--max-cells"), "{refused}");
    assert!(!scene.path("results").exists());
}

#[test]
fn known_lists_name_everything_that_can_be_asked_for() {
    let scene = Scene::new();
    for (list, some) in [
        ("penalties", &["none", "nuclear", "ratio", "schatten", "effective_rank", "l1_over_l2"][..]),
        ("optimizers", &["gd", "momentum", "adam", "group_rmsprop", "muon"]),
        ("baselines", &["minimum_nuclear", "soft_impute", "als", "row_means"]),
        ("inits", &["gaussian", "orthogonal", "zero", "file"]),
        ("problems", &["synthetic", "sensing", "csv", "ratings"]),
        ("schedules", &["constant", "cosine", "plateau"]),
        ("axes", &["lr", "lambda", "depth", "samples_dof", "ratings_scaling", "matrices"]),
    ] {
        let known = scene.json(&["known", list]);
        let names: Vec<&str> = known.as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap()).collect();
        assert!(some.iter().all(|name| names.contains(name)), "{list}: {names:?}");
        assert!(known.as_array().unwrap().iter().all(|row| !row["what"].as_str().unwrap().is_empty()), "{list}");
    }
    let axes = scene.json(&["known", "axes"]);
    let depth = axes.as_array().unwrap().iter().find(|row| row["name"] == "depth").unwrap();
    assert_eq!(
        (&depth["allowed"], &depth["default"], &depth["of"]),
        (&json!("1..=8"), &json!("1"), &json!("training"))
    );
    let all = scene.ok(&["known"]);
    assert_eq!(all.lines().count(), 7, "{all}");
    assert!(scene.error(2, &["known", "penaltys"]).contains("penalties"));
}

#[test]
fn a_sweep_is_shown_by_name_id_and_tag_and_a_cell_with_its_recipe() {
    let scene = Scene::with_run("small", SMALL);
    let shown = scene.json(&["show", "small"]);
    let id = shown["sweep"]["id"].as_str().unwrap();
    for key in [id, &id[..4], "first"] {
        assert_eq!(scene.json(&["show", key]), shown, "{key}");
    }
    assert_eq!((&shown["sweep"]["state"], &shown["sweep"]["done"]), (&json!("finished"), &json!(52)));
    let cell = scene.json(&["show", "small/7"]);
    let recipe: Vec<_> =
        cell["recipe"].as_array().unwrap().iter().map(|row| (row["axis"].as_str().unwrap(), &row["value"])).collect();
    assert!(recipe.contains(&("n1", &json!("12"))) && recipe.contains(&("init_scale", &json!("0.1"))), "{recipe:?}");
    assert_eq!((&cell["cell"]["steps"], &cell["cell"]["status"]), (&json!(60), &json!("budget")));
    let trajectory = cell["trajectory"].as_array().unwrap();
    assert_eq!((&trajectory[0]["step"], &trajectory.last().unwrap()["step"]), (&json!(0), &json!(60)));
    let last = cell["metrics"].as_array().unwrap().iter().find(|row| row["metric"] == "test_rel").unwrap();
    assert_eq!(last["last"], trajectory.last().unwrap()["test_rel"]);
    for field in ["git_commit", "host", "cpu", "blas_library", "blas_kernel", "recorded_dtype"] {
        assert!(cell["provenance"][field].is_string(), "{field}");
    }
    // A plot in braille for people, in plain characters where the terminal knows no better.
    assert!(scene.ok(&["show", "small/7"]).contains("test_rel  last"));
    let plain = scene.command(&["show", "small/7"]).env("LC_ALL", "C").output().unwrap();
    let plain = String::from_utf8(plain.stdout).unwrap();
    let plot = &plain[plain.find("test_rel  last").unwrap()..];
    assert!(plot.is_ascii(), "{plot}");

    assert_eq!(scene.error(2, &["show", "small/52"]), "error: cell 52 is outside 0..52 of \"small\"\n");
    assert_eq!(
        scene.error(2, &["show", "small/x"]),
        "error: \"x\" is no cell of \"small\"; allowed: a number in 0..52\n"
    );
    assert_eq!(scene.error(2, &["show", "smal"]), "error: sweep \"smal\" is not known; known: small\n");
}

#[test]
fn two_files_differ_in_what_they_ask_for() {
    let scene = Scene::new();
    scene.write("a.toml", SMALL);
    scene.write("b.toml", &format!("# a comment\n{}", SMALL.replace("lr = 0.01", "lr = [0.01]")));
    scene.write("c.toml", &SMALL.replace("lr = [0.1, 1.0]", "lr = [0.1, 10]").replace("count = 2", "count = 5"));
    assert_eq!(scene.ok(&["diff", "a.toml", "b.toml"]), "the files ask for the same cells\n");
    assert_eq!(scene.json(&["diff", "a.toml", "b.toml"]), json!([]));
    let found = scene.json(&["diff", "a.toml", "c.toml"]);
    let of = |what: &str| {
        found.as_array().unwrap().iter().find(|row| row["what"].as_str().unwrap().contains(what)).unwrap().clone()
    };
    assert_eq!((&of("lr")["only_in_a"], &of("lr")["only_in_b"]), (&json!("1"), &json!("10")), "{found}");
    assert_eq!((&of("cells")["only_in_a"], &of("cells")["only_in_b"]), (&json!("52"), &json!("130")), "{found}");
    assert_eq!(of("replicates")["only_in_b"], "5");
    assert_eq!(found.as_array().unwrap().len(), 3, "{found}");
    assert!(scene.error(2, &["diff", "a.toml", "none.toml"]).contains("none.toml cannot be read"));
}

#[test]
fn tags_come_and_go_and_what_is_removed_is_gone() {
    let scene = Scene::with_run("small", SMALL);
    scene.write("wide.toml", &SMALL.replace("\"small\"", "\"wide\"").replace("count = 2", "count = 3"));
    scene.ok(&["run", "wide.toml", "--tag", "paper"]);
    assert_eq!(scene.json(&["tag", "wide", "draft", "--remove", "first"]), json!([{"tag": "draft"}, {"tag": "paper"}]));
    assert_eq!(scene.json(&["show", "paper"])["sweep"]["name"], "wide");
    assert!(scene.error(2, &["tag", "wide", ""]).contains("1 to 100 printable characters"));

    let usage = scene.json(&["du"]);
    assert_eq!((&usage["sweeps"], &usage["cells"], &usage["outcomes"]), (&json!(2), &json!(130), &json!(78)));
    assert!(scene.error(2, &["rm", "small"]).contains("removing \"small\" (52 results) needs --yes"));
    let pictures = || {
        std::fs::read_dir(scene.path("results"))
            .unwrap()
            .filter(|f| f.as_ref().unwrap().path().extension().is_some_and(|e| e == "svg" || e == "png"))
            .count()
    };
    assert_eq!(pictures(), 4);
    // What the other sweep is linked to stays.
    let removed = scene.ok(&["rm", "small", "--yes"]);
    assert!(removed.contains(", 0 outcomes; "), "{removed}");
    assert_eq!(pictures(), 2);
    let list = scene.json(&["list"]);
    assert_eq!(
        (list.as_array().unwrap().len(), at(&list, 0, "name"), at(&list, 0, "done")),
        (1, &json!("wide"), &json!(78))
    );
    scene.ok(&["repro", "wide/0"]);
    assert!(scene.ok(&["rm", "paper", "--yes"]).contains(", 78 outcomes; "));
    let gone = scene.json(&["gc"]);
    assert!(gone["bytes_after"].as_i64() < gone["bytes_before"].as_i64(), "{gone}");
    let usage = scene.json(&["du"]);
    assert_eq!((&usage["sweeps"], &usage["outcomes"], &usage["points"]), (&json!(0), &json!(0), &json!(0)));
    assert_eq!(scene.error(2, &["rm", "wide", "--yes"]), "error: sweep \"wide\" is not known; known: none\n");
}

#[test]
fn what_is_not_there_is_said_so() {
    let scene = Scene::new();
    for args in
        [&["list"][..], &["show", "x"], &["sql", "SELECT 1"], &["du"], &["gc"], &["rm", "x", "--yes"], &["export", "x"]]
    {
        assert_eq!(scene.error(2, args), "error: there is no database at results/sweep.db\n", "{args:?}");
    }
    scene.write("text", "not a database\n");
    assert_eq!(scene.error(2, &["list", "--db", "text"]), "error: text is not a database of sweeps\n");
    let refused = scene.error(2, &["list", "--db", "mysql://x/y"]);
    assert!(refused.contains("allowed: a path, sqlite://PATH, postgres://USER@HOST/NAME"), "{refused}");
    assert!(scene.sweep(&["frob"]).err.contains("unrecognized subcommand 'frob'"));
    // Somewhere else by the environment.
    let run = scene.command(&["list"]).env("SWEEP_DB", "else.db").output().unwrap();
    assert_eq!(String::from_utf8(run.stderr).unwrap(), "error: there is no database at else.db\n");
}
