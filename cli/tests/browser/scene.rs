//! A folder with a database, the program at work in it, and plain requests to its dashboard.

use sqlx::Connection;
use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub struct Scene {
    folder: tempfile::TempDir,
}

impl Scene {
    /// An empty folder.
    pub fn new() -> Scene {
        Scene { folder: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("sweep"));
        command.args(args).current_dir(self.folder.path()).stdin(Stdio::null()).env("LC_ALL", "C.UTF-8");
        for name in ["SWEEP_DB", "SWEEP_COORDINATOR", "SWEEP_TOKEN_FILE", "SWEEP_CA", "SWEEP_UI", "SWEEP_LOG"] {
            command.env_remove(name);
        }
        command
    }

    /// Code, standard output and standard error of a verb.
    pub fn sweep(&self, args: &[&str]) -> (Option<i32>, String, String) {
        let output = self.command(args).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    }

    /// What a verb that succeeds prints.
    pub fn ok(&self, args: &[&str]) -> String {
        let (code, out, err) = self.sweep(args);
        assert_eq!(code, Some(0), "{args:?}\n{out}{err}");
        out
    }

    /// The rows of a query as CSV, without the header.
    pub fn rows(&self, query: &str) -> Vec<String> {
        self.ok(&["sql", query, "--output", "csv"]).lines().skip(1).map(str::to_owned).collect()
    }

    /// Changes the database behind the program's back: each statement one row, with `text` for `?1`.
    pub fn doctor(&self, statements: &[&'static str], text: &str) {
        let url = format!("sqlite://{}", self.path("results/sweep.db").display());
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
            for statement in statements {
                let done = sqlx::query(*statement).bind(text).execute(&mut connection).await.unwrap();
                assert_eq!(done.rows_affected(), 1, "{statement}");
            }
            connection.close().await.unwrap();
        });
    }

    /// Starts a verb; it ends with the answer at the latest.
    pub fn start(&self, args: &[&str]) -> Running {
        let log = self.path(&format!("{}.log", args[0]));
        let err = File::create(&log).unwrap();
        Running { process: self.command(args).stdout(Stdio::null()).stderr(err).spawn().unwrap(), log }
    }

    /// Serves the database to browsers.
    pub fn serve(&self) -> Running {
        self.start(&["ui", "--listen", "127.0.0.1:0"])
    }
}

/// The program at work.
pub struct Running {
    process: Child,
    log: PathBuf,
}

impl Running {
    /// The address that it prints, which lets one in.
    pub fn dashboard(&mut self) -> String {
        let end = Instant::now() + Duration::from_secs(60);
        loop {
            let log = std::fs::read_to_string(&self.log).unwrap();
            if let Some((_, rest)) = log.split_once("dashboard ")
                && let Some((address, _)) = rest.split_once('\n')
            {
                return address.to_owned();
            }
            assert!(
                self.process.try_wait().unwrap().is_none() && Instant::now() < end,
                "no dashboard is served:\n{log}"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Tells it to end as Ctrl-C does; its exit code.
    pub fn interrupt(mut self) -> Option<i32> {
        assert_eq!(self.process.try_wait().unwrap(), None, "it has ended by itself: {:?}", self.log);
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
        self.process.wait().unwrap().code()
    }

    /// Ends it as a loss of power would.
    pub fn kill(mut self) {
        assert_eq!(self.process.try_wait().unwrap(), None, "it has ended by itself: {:?}", self.log);
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Whatever has ended is no further trouble.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// `http://HOST:PORT` of an address.
pub fn origin(address: &str) -> String {
    let end = address.match_indices('/').nth(2).map_or(address.len(), |(end, _)| end);
    address[..end].to_owned()
}

/// An answer to a plain request.
pub struct Answer {
    pub code: u16,
    pub head: String,
    pub body: String,
}

/// Sends a request as a program would that is no browser; `headers` end with a line break each.
pub fn request(origin: &str, line: &str, headers: &str, body: &str) -> Answer {
    let host = origin.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    let length = body.len();
    // Of version 1.0, so that the answer comes in one piece.
    let head = format!("{line} HTTP/1.0\r\nHost: {host}\r\nContent-Length: {length}\r\n{headers}\r\n");
    stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let code = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
    Answer { code, head: head.to_owned(), body: body.to_owned() }
}
