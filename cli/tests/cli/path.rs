//! One path: a verb says the same on a database file and at a coordinator that serves it.

use crate::scene::{SMALL, Said, Scene, said};
use sqlx::Connection;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

/// Cells of two depths with their matrices, tuned, and one that is never begun.
const TUNED: &str = r#"
name = "tuned"
tags = ["first"]
[problem]
n = 10
rank = 1
samples = 60
[train]
steps = 40
init_scale = 0.1
depth = [1, 2]
[[optimizer]]
name = "gd"
lr = [0.1, 1.0]
[[penalty]]
name = "ratio"
lambda = 0.01
[tune]
over = ["lr"]
replicates = 2
validation = 0.2
refit = 2
[record]
points = 6
matrices = "final"
"#;

/// A coordinator of this test's own on `db`, in plain text on this machine.
struct Coordinator {
    process: Child,
    url: String,
}

impl Coordinator {
    fn start(scene: &Scene, db: &str) -> Coordinator {
        let listen = ["--listen", "127.0.0.1:0", "--data", "secrets"];
        let mut command = scene.command(&[&["coordinator", "--db", db], &listen[..]].concat());
        let mut process = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(process.stderr.take().unwrap()).lines();
        let url = log.find_map(|line| {
            let line = line.unwrap();
            let at = line.find("http://")?;
            Some(line[at..].split(',').next().unwrap().to_owned())
        });
        // What it says later is of no concern, but has to go somewhere.
        std::thread::spawn(move || log.for_each(drop));
        Coordinator { process, url: url.expect("it serves") }
    }

    /// What a verb says at this coordinator.
    fn sweep(&self, scene: &Scene, token: &str, args: &[&str]) -> Said {
        let at = ["--coordinator", &self.url, "--token-file", token];
        said(scene.command(&[args, &at[..]].concat()).stdin(Stdio::null()).output().unwrap())
    }
}

impl Drop for Coordinator {
    fn drop(&mut self) {
        // Not waited for yet, so it is still this test's own.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Code, output, errors; files by name.
type Everything = (Option<i32>, String, String, Vec<(String, Vec<u8>)>);

/// Everything that a verb says, and the files that it wrote to `out`, which are taken away.
fn everything(scene: &Scene, said: Said) -> Everything {
    let mut files = Vec::new();
    if let Ok(entries) = std::fs::read_dir(scene.path("out")) {
        for entry in entries {
            let path = entry.unwrap().path();
            files.push((path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(&path).unwrap()));
            std::fs::remove_file(path).unwrap();
        }
    }
    files.sort();
    (said.code, said.out, said.err, files)
}

#[test]
fn every_verb_that_reads_says_the_same_of_a_file_and_at_a_coordinator() {
    let scene = Scene::with_run("tuned", TUNED);
    std::fs::create_dir(scene.path("out")).unwrap();
    // A run answers from the store itself.
    let answer = scene.json(&["run", "tuned.toml"]);
    assert_eq!((answer.as_array().unwrap().len(), &scene.json(&["show", "tuned"])["answer"]), (2, &answer));
    let coordinator = Coordinator::start(&scene, "results/sweep.db");
    let made = coordinator.sweep(&scene, "secrets/admin.token", &["token", "create", "eve", "--role", "viewer"]);
    assert_eq!(made.code, Some(0), "{}", made.err);
    scene.write("viewer.token", &made.out);

    let verbs: &[&[&str]] = &[
        &["list"],
        &["status", "tuned"],
        &["sql", "SELECT * FROM results ORDER BY cell"],
        &["sql", "SELECT cell FROM results", "--rows", "3"],
        &["show", "tuned", "--picture", "out/answer.svg"],
        &["show", "first", "--picture", "out/answer.png"],
        &["show", "tuned/0"],
        &["show", "tuned/9"],
        &["export", "tuned"],
        &["export", "tuned", "-o", "out/x.csv"],
        &["export", "tuned", "-o", "out/x.parquet", "--format", "parquet"],
        &["export", "tuned/1", "--matrices", "csv", "-o", "out"],
        &["export", "tuned/8", "--matrices", "npy", "-o", "out"],
        &["tag", "tuned"],
        // Mistakes.
        &["status", "tunde"],
        &["show", "tuned/12"],
        &["show", "tuned/x"],
        &["show", "tuned/1", "--picture", "out/x.png"],
        &["show", "tuned", "--picture", "out/x.pdf"],
        &["sql", "DELETE FROM sweeps"],
        &["sql", "SELECT lamda FROM results"],
        &["export", "none"],
        &["export", "tuned/3"],
        &["export", "tuned", "--format", "parquet"],
        &["export", "tuned", "--matrices", "npy"],
        &["export", "tuned/12", "--matrices", "npy"],
        &["repro", "tuned"],
        &["repro", "tuned/12"],
        &["tag", "none"],
    ];
    for args in verbs {
        for format in ["table", "json", "csv"] {
            let args = [*args, &["--output", format]].concat();
            let file = everything(&scene, scene.sweep(&args));
            assert!(file.0 == Some(0) || file.0 == Some(2), "{args:?}: {file:?}");
            let network = everything(&scene, coordinator.sweep(&scene, "viewer.token", &args));
            assert_eq!(network, file, "{args:?}");
        }
    }
    // Its seconds are its own.
    for cell in ["tuned/0", "tuned/11"] {
        let again = coordinator.sweep(&scene, "viewer.token", &["repro", cell]);
        assert!(again.out.starts_with("the same, bit for bit: 6 points, 40 steps, "), "{}{}", again.out, again.err);
    }
    // The size of the log beside the file is that of the moment.
    let usage = |said: Said| said.out.lines().filter(|line| !line.starts_with("bytes")).collect::<Vec<_>>().join("\n");
    let (file, network) = (scene.sweep(&["du"]), coordinator.sweep(&scene, "viewer.token", &["du"]));
    assert_eq!((file.code, network.code), (Some(0), Some(0)), "{}", network.err);
    assert_eq!(usage(network), usage(file));
    // A viewer changes nothing.
    for args in [&["tag", "tuned", "x"][..], &["rm", "tuned", "--yes"], &["gc"]] {
        let refused = coordinator.sweep(&scene, "viewer.token", args);
        assert_eq!(refused.code, Some(2), "{args:?}");
        assert!(refused.err.contains("the token \"eve\" is a viewer's; this needs admin"), "{}", refused.err);
    }
}

#[test]
fn every_verb_that_changes_does_the_same_to_a_file_and_at_a_coordinator() {
    let scene = Scene::with_run("small", SMALL);
    scene.write("wide.toml", &SMALL.replace("\"small\"", "\"wide\"").replace("count = 2", "count = 3"));
    scene.ok(&["run", "wide.toml"]);
    scene.ok(&["backup", "copy.db"]);
    let coordinator = Coordinator::start(&scene, "copy.db");
    let verbs: &[&[&str]] = &[
        &["tag", "wide", "draft", "paper", "--remove", "first"],
        &["tag", "wide", ""],
        &["tag", "wide", "--remove", "draft"],
        &["list"],
        &["rm", "small"],
        &["rm", "wide/0", "--yes"],
        // What the other sweep is linked to stays; with that one it goes.
        &["rm", "small", "--yes"],
        &["rm", "small", "--yes"],
        &["rm", "paper", "--yes"],
        &["list"],
        &["sql", "SELECT COUNT(*) FROM attempts"],
    ];
    for args in verbs {
        let file = everything(&scene, scene.sweep(args));
        let network = everything(&scene, coordinator.sweep(&scene, "secrets/admin.token", args));
        assert_eq!(network, file, "{args:?}");
    }
    let gone = coordinator.sweep(&scene, "secrets/admin.token", &["gc", "--output", "json"]);
    let gone: serde_json::Value = serde_json::from_str(&gone.out).unwrap();
    assert!(gone["bytes_after"].as_i64() < gone["bytes_before"].as_i64(), "{gone}");
    let usage = coordinator.sweep(&scene, "secrets/admin.token", &["du", "--output", "json"]);
    let usage: serde_json::Value = serde_json::from_str(&usage.out).unwrap();
    assert_eq!((&usage["sweeps"], &usage["outcomes"], &usage["points"]), (&0.into(), &0.into(), &0.into()));
}

#[test]
fn what_is_typed_stands_above_what_the_environment_names() {
    let scene = Scene::with_run("small", SMALL);
    // Port 1: nobody listens there.
    let nowhere = "http://127.0.0.1:1";
    let with = |args: &[&str], variables: &[(&str, &str)]| {
        let output = scene.command(args).envs(variables.iter().copied()).stdin(Stdio::null()).output();
        said(output.unwrap())
    };
    let named = [("SWEEP_COORDINATOR", nowhere)];
    assert_eq!(with(&["list"], &named).code, Some(3));
    let typed = with(&["list", "--db", "results/sweep.db"], &named);
    assert_eq!((typed.code, typed.out), (Some(0), scene.ok(&["list"])), "{}", typed.err);
    assert_eq!(with(&["list", "--coordinator", nowhere], &[("SWEEP_DB", "results/sweep.db")]).code, Some(3));
    assert_eq!(with(&["list"], &[("SWEEP_DB", "results/sweep.db"), named[0]]).code, Some(3));
    let both = scene.error(2, &["list", "--db", "results/sweep.db", "--coordinator", nowhere]);
    assert!(both.contains("--db and --coordinator name two places; give one of them"), "{both}");
}

#[test]
fn leases_that_are_out_stay_out_when_somebody_looks_or_tidies_up() {
    let scene = Scene::new();
    scene.write("long.toml", &crate::scene::LONG.replace("STEPS", "40000"));
    let mut run = scene.start("results/sweep.db", &["long.toml"]);
    run.kill().unwrap();
    run.wait().unwrap();
    let state = "SELECT cell, state, fence FROM cells ORDER BY cell";
    let before = scene.rows(state);
    assert!(before.iter().any(|row| row.contains("leased")), "{before:?}");
    let status = scene.json(&["status", "long"]);
    assert_eq!(status["running"], before.iter().filter(|row| row.contains("leased")).count());
    scene.ok(&["tag", "long", "later"]);
    scene.ok(&["gc"]);
    assert_eq!(scene.rows(state), before);
}

#[test]
fn the_words_of_a_database_that_does_not_answer_are_shown() {
    let scene = Scene::with_run("small", SMALL);
    let url = format!("sqlite://{}", scene.path("results/sweep.db").display());
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
        sqlx::query("ALTER TABLE tags RENAME TO elsewhere").execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    });
    // A fault of the machine, not of who asks, and not of a network: there is none.
    let said = scene.sweep(&["list"]);
    assert_eq!((said.code, said.out.as_str()), (Some(1), ""), "{}", said.err);
    assert!(said.err.contains("no such table: tags"), "{}", said.err);
    assert!(said.err.ends_with("error: the database does not answer; what it said is above\n"), "{}", said.err);
}
