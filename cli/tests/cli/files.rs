//! Problems from files: known answers, and mistakes at their place.

use crate::scene::{Scene, instance};

const INSTANCE: &str = r#"
name = "instance"
[problem]
name = "csv"
instance = "n50_r2_m500_s0"
[[baseline]]
name = "minimum_nuclear"
"#;

#[test]
fn an_instance_has_its_known_answer_and_without_a_truth_no_test_error() {
    let scene = Scene::new();
    instance(scene.folder.path(), "n50_r2_m500_s0");
    scene.write("with.toml", INSTANCE);
    scene.write(
        "without.toml",
        &INSTANCE.replace("instance = \"n50_r2_m500_s0\"", "observed = \"n50_r2_m500_s0.obs.csv\""),
    );
    scene.ok(&["run", "with.toml"]);
    let without = scene.ok(&["run", "without.toml"]);
    assert!(without.contains("no truth") && !without.contains("test_rel"), "{without}");
    assert!(!without.contains("picture"), "{without}");
    let found = scene.json(&["sql", "SELECT nuclear_norm, test_rel, test_rmse FROM results ORDER BY test_rel IS NULL"]);
    let [with, without] = &found.as_array().unwrap()[..] else { panic!("{found}") };
    // Case A1 of the reference implementation.
    assert!((with["nuclear_norm"].as_f64().unwrap() - 68.881).abs() <= 0.02, "{with}");
    assert!((with["test_rel"].as_f64().unwrap() - 0.1769).abs() <= 0.003, "{with}");
    assert_eq!((&without["nuclear_norm"], &without["test_rel"]), (&with["nuclear_norm"], &serde_json::Value::Null));

    // Another file of the same content is the same trial.
    for end in ["obs.csv", "gt.csv"] {
        std::fs::rename(scene.path(&format!("n50_r2_m500_s0.{end}")), scene.path(&format!("renamed.{end}"))).unwrap();
    }
    scene.write("renamed.toml", &INSTANCE.replace("n50_r2_m500_s0", "renamed"));
    let linked = scene.sweep(&["run", "renamed.toml"]);
    assert!(linked.err.contains("nothing left to train · 1 linked · 1/1 done"), "{}", linked.err);
}

#[test]
fn a_plan_takes_the_size_of_a_problem_from_its_file() {
    let scene = Scene::new();
    instance(scene.folder.path(), "n50_r2_m500_s0");
    instance(scene.folder.path(), "n100_r5_m2000_s0");
    scene.write("file.toml", INSTANCE);
    scene.write("both.toml", &INSTANCE.replace("\"n50_r2_m500_s0\"", "[\"n50_r2_m500_s0\", \"n100_r5_m2000_s0\"]"));
    let synthetic = |n: usize, rank: usize, m: usize| {
        format!(
            "name = \"s\"\n[problem]\nn = {n}\nrank = {rank}\nsamples = {m}\n[[baseline]]\nname = \"minimum_nuclear\"\n"
        )
    };
    scene.write("small.toml", &synthetic(50, 2, 500));
    scene.write("large.toml", &synthetic(100, 5, 2000));
    let plan = |file: &str| scene.json(&["plan", file, "--slots", "1"])["plan"].clone();
    let (small, large) = (plan("small.toml"), plan("large.toml"));
    for field in ["core_seconds", "memory"] {
        assert_eq!(plan("file.toml")[field], small[field]);
    }
    assert_eq!(plan("both.toml")["memory"], large["memory"]);
    let sum = small["core_seconds"].as_f64().unwrap() + large["core_seconds"].as_f64().unwrap();
    assert!((plan("both.toml")["core_seconds"].as_f64().unwrap() - sum).abs() < 1e-12 * sum);
}

#[test]
fn ratings_are_split_scaled_and_compared_in_their_own_units() {
    let scene = Scene::new();
    // Every rating is 3 or 5 and none is missing from the split: the mean is known.
    let lines = (1..=20).flat_map(|user| (1..=15).map(move |item| (user, item)));
    let line =
        |(user, item): (u32, u32)| format!("{user}\t{item}\t{}\t88\n", if (user + item) % 2 == 0 { 3 } else { 5 });
    scene.write("u.data", &lines.map(line).collect::<String>());
    scene.write(
        "u.toml",
        "name = \"u\"\n[problem]\nname = \"ratings\"\nratings = \"u.data\"\ntest_share = 0.2\n\
        ratings_scaling = [\"raw\", \"centred\", \"z_score\"]\n[[baseline]]\nname = [\"zero_fill\", \"row_means\"]\n",
    );
    scene.ok(&["run", "u.toml"]);
    let of = |scaling: &str, baseline: &str| -> f64 {
        let query =
            format!("SELECT test_rmse FROM results WHERE ratings_scaling = '{scaling}' AND baseline = '{baseline}'");
        scene.rows(&query)[0].parse().unwrap()
    };
    // Zero in training units is zero, or the mean of about 4: off by 3 or 5, or by about 1.
    assert!((3.0..=5.0).contains(&of("raw", "zero_fill")));
    for scaling in ["centred", "z_score"] {
        assert!((0.9..1.1).contains(&of(scaling, "zero_fill")), "{}", of(scaling, "zero_fill"));
    }
    assert!((of("centred", "zero_fill") - of("z_score", "zero_fill")).abs() < 1e-12);
    assert!((0.9..1.2).contains(&of("raw", "row_means")));
    assert_eq!(scene.rows("SELECT DISTINCT measurements FROM outcomes"), ["240"]);
}

#[test]
fn a_run_starts_from_the_factors_of_a_file() {
    let scene = Scene::new();
    // W = 2·(2×2 identity, then zeros), 4×4: ‖W‖_F = 2√2, effective rank 2.
    scene.write("w.csv", "2,0,0,0\n0,2,0,0\n0,0,0,0\n0,0,0,0\n");
    let file = "name = \"w\"\n[problem]\nn = 4\nrank = 1\nsamples = 9\n[train]\nsteps = 3\n[init]\nname = \"file\"\n\
                init_file = \"w.csv\"\n[[optimizer]]\nname = \"gd\"\nlr = 0.1\n";
    scene.write("w.toml", file);
    scene.ok(&["run", "w.toml"]);
    let start: Vec<f64> = scene.rows("SELECT frobenius_norm || ',' || effective_rank FROM points WHERE step = 0")[0]
        .trim_matches('"')
        .split(',')
        .map(|x| x.parse().unwrap())
        .collect();
    assert!((start[0] - 8f64.sqrt()).abs() < 1e-12 && (start[1] - 2.0).abs() < 1e-12, "{start:?}");
    // Factors of another shape are found before anything runs.
    scene.write("w.csv", "2,0\n0,2\n");
    let wrong = scene.error(2, &["check", "w.toml"]);
    assert!(wrong.contains("w.csv:1:1: 2 numbers where row 1 of 4×4 layer 1 of 1 is expected"), "{wrong}");
    assert!(wrong.contains("--> w.toml:10:13"), "{wrong}");
}

#[test]
fn mistakes_are_shown_where_they_are_and_nothing_is_run() {
    let scene = Scene::new();
    scene.write("bad.csv", "row,col,value\n0,0,1\n0,x,1\n");
    let csv = |observed: &str| {
        format!("name = \"t\"\n[problem]\nname = \"csv\"\n{observed}\n[[baseline]]\nname = \"zero_fill\"\n")
    };
    let toml = |depth: &str, penalty: &str| {
        format!(
            "name = \"t\"\n[problem]\nn = 20\nrank = 2\nsamples = 200\n[train]\nsteps = 10\ndepth = {depth}\n\
             [[optimizer]]\nname = \"gd\"\nlr = 1\n[[penalty]]\nname = \"{penalty}\"\nlambda = 1\n"
        )
    };
    let cases: [(String, &str, &str, &str); 6] = [
        (csv("observed = \"bad.csv\""), "t.toml:4:12", "^^^^^^^^^", "bad.csv:3:3: col \"x\" is not an integer in 0.."),
        (
            csv("observed = \"none.csv\""),
            "t.toml:4:12",
            "^^^^^^^^^^",
            "the file \"none.csv\" cannot be read: No such file",
        ),
        (csv("instance = [\"bad\"]"), "t.toml:4:13", "^^^^^", "\"bad.gt.csv\" cannot be read"),
        (toml("[1, 0]", "ratio"), "t.toml:8:13", "^", "axis \"depth\": 0 is outside 1..=8"),
        (toml("1", "ratoi"), "t.toml:13:8", "^^^^^^^", "penalty \"ratoi\" is not known (nearest: \"ratio\")"),
        (toml("1", "ratio").replace("samples = 200", "samples = 401"), "t.toml:5:11", "^^^", "401"),
    ];
    for (file, place, carets, message) in cases {
        scene.write("t.toml", &file);
        for verb in ["check", "plan", "run"] {
            let said = scene.error(2, &[verb, "t.toml"]);
            assert!(said.contains(place) && said.contains(message), "{verb}: {place} {message}\n{said}");
            assert!(said.lines().any(|line| line.ends_with(&format!(" {carets}"))), "{carets}\n{said}");
            assert!(said.ends_with("nothing was run\n"), "{said}");
        }
    }
    assert!(!scene.path("results").exists());
    let missing = scene.error(2, &["run", "none.toml"]);
    assert!(missing.starts_with("error: the sweep file none.toml cannot be read: No such file"), "{missing}");
}
