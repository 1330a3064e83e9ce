//! A folder with a database, and the verbs run in it.

use serde_json::Value as Json;
use sqlx::Connection;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// 2 ranks × 2 depths × (2 + 1 learning rates) × 2 penalties × 2 replicates, and 2 ranks × 2 replicates of the baseline.
pub const SMALL_CELLS: i64 = 52;
pub const SMALL: &str = r#"
name = "small"
tags = ["first"]
[problem]
n = 12
rank = [1, 2]
samples = 80
[train]
steps = 60
depth = [1, 2]
init_scale = 0.1
[[optimizer]]
name = "gd"
lr = [0.1, 1.0]
[[optimizer]]
name = "adam"
lr = 0.01
[[penalty]]
name = "none"
[[penalty]]
name = "ratio"
lambda = 0.01
[[baseline]]
name = "minimum_nuclear"
[replicate]
count = 2
[record]
points = 8
"#;

/// Two cells, each of which trains for a second or so; with `STEPS` in place of a number.
pub const LONG: &str = r#"
name = "long"
[problem]
n = 40
rank = 2
samples = 500
[train]
steps = STEPS
depth = 2
init_scale = 0.1
[[optimizer]]
name = "adam"
lr = [0.003, 0.01]
[[penalty]]
name = "ratio"
lambda = 0.01
[record]
points = 20
"#;

pub struct Scene {
    pub folder: tempfile::TempDir,
}

/// What a verb printed.
pub struct Said {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Scene {
    /// An empty folder.
    pub fn new() -> Scene {
        Scene { folder: tempfile::tempdir().unwrap() }
    }

    /// A folder in which `file` was run to its end as `name.toml`.
    pub fn with_run(name: &str, file: &str) -> Scene {
        let scene = Scene::new();
        scene.write(&format!("{name}.toml"), file);
        scene.ok(&["run", &format!("{name}.toml")]);
        scene
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("sweep"));
        command.args(args).current_dir(self.folder.path());
        clean(&mut command);
        command
    }

    pub fn sweep(&self, args: &[&str]) -> Said {
        said(self.command(args).stdin(Stdio::null()).output().unwrap())
    }

    /// What a verb that succeeds prints.
    pub fn ok(&self, args: &[&str]) -> String {
        let said = self.sweep(args);
        assert_eq!(said.code, Some(0), "{args:?}\n{}{}", said.out, said.err);
        said.out
    }

    /// The error of a verb that ends with `code`; it prints nothing else.
    pub fn error(&self, code: i32, args: &[&str]) -> String {
        let said = self.sweep(args);
        assert_eq!(said.code, Some(code), "{args:?}\n{}{}", said.out, said.err);
        assert_eq!(said.out, "", "{args:?}");
        said.err
    }

    /// The JSON of a verb that succeeds.
    pub fn json(&self, args: &[&str]) -> Json {
        serde_json::from_str(&self.ok(&[args, &["--output", "json"]].concat())).unwrap()
    }

    /// The rows of a query as CSV, without the header.
    pub fn rows(&self, query: &str) -> Vec<String> {
        self.rows_of("results/sweep.db", query)
    }

    pub fn rows_of(&self, db: &str, query: &str) -> Vec<String> {
        let text = self.ok(&["sql", "--db", db, query, "--output", "csv"]);
        text.lines().skip(1).map(str::to_owned).collect()
    }

    /// Everything that must not depend on how a sweep was run, of a database in which all is as it must be.
    pub fn values(&self, db: &str) -> Vec<String> {
        self.ok(&["fsck", "--db", db]);
        self.rows_of(db, "SELECT * FROM result_values")
    }

    /// Changes one row of the database behind the program's back.
    pub fn doctor(&self, statement: &'static str) {
        let url = format!("sqlite://{}", self.path("results/sweep.db").display());
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
            let done = sqlx::query(statement).execute(&mut connection).await.unwrap();
            assert_eq!(done.rows_affected(), 1);
            connection.close().await.unwrap();
        });
    }

    /// Starts `sweep run` and waits until something is leased.
    pub fn start(&self, db: &str, args: &[&str]) -> Child {
        let mut command = self.command(&[&["run", "--db", db], args].concat());
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let deadline = Instant::now() + Duration::from_secs(60);
        let running = "SELECT COUNT(*) > 0 FROM attempts WHERE ended_at_ms IS NULL";
        while self.sweep(&["sql", "--db", db, running, "--output", "csv"]).out.lines().nth(1) != Some("1") {
            assert!(Instant::now() < deadline, "nothing was ever leased");
            std::thread::sleep(Duration::from_millis(20));
        }
        // Into the middle of the training.
        std::thread::sleep(Duration::from_millis(150));
        child
    }
}

pub fn said(output: Output) -> Said {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Said { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// Takes away what the surroundings say to the program.
pub fn clean(command: &mut Command) {
    for name in ["SWEEP_DB", "SWEEP_COORDINATOR", "SWEEP_TOKEN_FILE", "SWEEP_CA"] {
        command.env_remove(name);
    }
    command.env("LC_ALL", "C.UTF-8");
}

/// Sends a signal to a process that this test has started.
pub fn signal(child: &Child, signal: i32) {
    // Safety: the child has not been waited for, so its id is still its own.
    assert_eq!(unsafe { libc::kill(child.id() as libc::pid_t, signal) }, 0);
}

/// The value of a column of the one row of a table in JSON.
pub fn at<'j>(rows: &'j Json, row: usize, column: &str) -> &'j Json {
    rows.get(row).and_then(|row| row.get(column)).unwrap_or_else(|| panic!("no {column} in row {row} of {rows}"))
}

/// The instance `name` of tests/instances, copied into `folder`.
pub fn instance(folder: &Path, name: &str) {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/instances");
    for end in ["obs.csv", "gt.csv"] {
        std::fs::copy(from.join(format!("{name}.{end}")), folder.join(format!("{name}.{end}"))).unwrap();
    }
}
