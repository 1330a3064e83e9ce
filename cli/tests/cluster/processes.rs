//! A folder with a database, the coordinator that owns it, and its workers.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Which database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Sqlite,
    Postgres,
}

pub struct Cluster {
    folder: tempfile::TempDir,
    db: String,
    port: u16,
    starts: u32,
    coordinator: Option<Child>,
    workers: Vec<Child>,
    workers_made: u32,
}

impl Cluster {
    /// An empty database; nothing runs.
    pub fn new(kind: Kind) -> Cluster {
        let folder = tempfile::tempdir().unwrap();
        let db = match kind {
            Kind::Sqlite => folder.path().join("sweep.db").display().to_string(),
            Kind::Postgres => super::postgres::fresh_database(),
        };
        Cluster { folder, db, port: 0, starts: 0, coordinator: None, workers: Vec::new(), workers_made: 0 }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("sweep"));
        command.args(args).current_dir(self.folder.path()).stdin(Stdio::null()).env("LC_ALL", "C.UTF-8");
        for name in ["SWEEP_COORDINATOR", "SWEEP_TOKEN_FILE", "SWEEP_CA", "SWEEP_LISTEN", "SWEEP_TLS_DIR", "SWEEP_DATA"]
        {
            command.env_remove(name);
        }
        command.env("SWEEP_DB", &self.db);
        command
    }

    /// What a verb prints on the database itself; it must succeed.
    pub fn ok(&self, args: &[&str]) -> String {
        told(self.command(args).output().unwrap(), args)
    }

    /// The same at the coordinator.
    pub fn ask(&self, args: &[&str]) -> String {
        told(self.at_coordinator(args), args)
    }

    /// Code, standard output and standard error of a verb at the coordinator.
    pub fn asked(&self, args: &[&str]) -> (Option<i32>, String, String) {
        let output = self.at_coordinator(args);
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    }

    fn at_coordinator(&self, args: &[&str]) -> Output {
        let mut command = self.command(args);
        command
            .env("SWEEP_COORDINATOR", format!("http://127.0.0.1:{}", self.port))
            .env("SWEEP_TOKEN_FILE", "admin.token");
        command.output().unwrap()
    }

    /// Rows of a query on the database itself, as CSV.
    pub fn rows(&self, query: &str) -> Vec<String> {
        self.ok(&["sql", query, "--output", "csv"]).lines().skip(1).map(str::to_owned).collect()
    }

    /// Starts the coordinator, on the port that it had before; the time until it serves.
    pub fn start(&mut self) -> Duration {
        self.starts += 1;
        let path = self.path(&format!("coordinator-{}.log", self.starts));
        let listen = format!("127.0.0.1:{}", self.port);
        let began = Instant::now();
        let mut command = self.command(&["coordinator", "--listen", &listen, "--data", "."]);
        self.coordinator = Some(command.stderr(File::create(&path).unwrap()).spawn().unwrap());
        loop {
            let log = std::fs::read_to_string(&path).unwrap();
            if let Some((_, rest)) = log.split_once("serving on http://127.0.0.1:") {
                self.port = rest.split(',').next().unwrap().parse().unwrap();
                std::net::TcpStream::connect(("127.0.0.1", self.port)).unwrap();
                let took = began.elapsed();
                if self.starts == 1 {
                    self.ask(&["token", "create", "workers", "--role", "worker", "--out", "worker.token"]);
                }
                return took;
            }
            assert!(began.elapsed() < Duration::from_secs(60), "the coordinator does not serve:\n{log}");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Ends the coordinator as a loss of power would.
    pub fn kill_coordinator(&mut self) {
        let mut child = self.coordinator.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Starts one more worker of one slot; its acknowledgements are in its log.
    pub fn work(&mut self) {
        self.workers_made += 1;
        let log = File::create(self.path(&format!("worker-{}.log", self.workers_made))).unwrap();
        let url = format!("http://127.0.0.1:{}", self.port);
        let mut command =
            self.command(&["worker", "--coordinator", &url, "--token-file", "worker.token", "--slots", "1"]);
        self.workers.push(command.env("SWEEP_LOG", "info,sweep_worker=debug").stderr(log).spawn().unwrap());
    }

    /// Ends a worker without a word.
    pub fn kill_worker(&mut self, which: usize) {
        let mut child = self.workers.remove(which);
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Waits until the sweep is finished, looking at the database; `meanwhile` is done between two looks.
    pub fn finish(&mut self, patience: Duration, mut meanwhile: impl FnMut(&mut Cluster)) {
        let end = Instant::now() + patience;
        while self.rows("SELECT state FROM sweeps") != ["finished"] {
            assert!(
                Instant::now() < end,
                "not finished: {:?}",
                self.rows("SELECT state, count(*) FROM cells GROUP BY state")
            );
            meanwhile(self);
        }
    }

    /// Tells everything to end, and waits for it; every process must end in peace.
    pub fn stop(&mut self) {
        let workers = self.workers.drain(..).collect::<Vec<_>>();
        for mut child in workers.into_iter().chain(self.coordinator.take()) {
            // Safety: the child has not been waited for, so its id is still its own.
            assert_eq!(unsafe { libc::kill(child.id() as libc::pid_t, libc::SIGTERM) }, 0);
            let status = child.wait().unwrap();
            assert!(status.success(), "{status}: {}", self.logs());
        }
    }

    /// `SWEEP/CELL fence F` of every result that a worker was told to be durable.
    pub fn acknowledged(&self) -> Vec<String> {
        let logs =
            (1..=self.workers_made).map(|n| std::fs::read_to_string(self.path(&format!("worker-{n}.log"))).unwrap());
        let of = |log: String| -> Vec<String> {
            log.lines().filter_map(|line| Some(line.split_once("acknowledged ")?.1.to_owned())).collect()
        };
        logs.flat_map(of).collect()
    }

    /// The last lines of every log.
    pub fn logs(&self) -> String {
        let mut text = String::new();
        for entry in std::fs::read_dir(self.folder.path()).unwrap().flatten() {
            if entry.path().extension().is_some_and(|end| end == "log") {
                let log = std::fs::read_to_string(entry.path()).unwrap();
                let last: Vec<&str> = log.lines().rev().take(5).collect();
                text += &format!("{}: {last:#?}\n", entry.path().display());
            }
        }
        text
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for mut child in self.workers.drain(..).chain(self.coordinator.take()) {
            // A test that failed: whatever has ended by itself is no further trouble.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn told(output: Output, args: &[&str]) -> String {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let (code, out, err) = (output.status.code(), text(output.stdout), text(output.stderr));
    assert_eq!(code, Some(0), "{args:?}\n{out}{err}");
    out
}

/// Numbers by chance, the same for the same seed (SplitMix64: Steele, Lea & Flood, 2014).
pub struct Chance(pub u64);

impl Chance {
    /// A whole number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }

    /// A length of time between these milliseconds.
    pub fn between(&mut self, least: u64, most: u64) -> Duration {
        Duration::from_millis(least + self.below(most - least))
    }
}
