//! A coordinator and a worker as processes, from what `sweep init` makes.

use crate::scene::{LONG, Scene, signal};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// A process whose log is read; it ends with the test.
struct Process {
    child: Child,
    log: Receiver<String>,
}

impl Process {
    fn start(mut command: Command) -> Process {
        let mut child = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let (lines, log) = channel();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        // It ends with the process, or with who listens.
        std::thread::spawn(move || stderr.lines().map_while(Result::ok).try_for_each(|line| lines.send(line)));
        Process { child, log }
    }

    /// The first line of the log from now on that holds `text`.
    fn says(&self, text: &str) -> String {
        let mut heard = Vec::new();
        while let Ok(line) = self.log.recv_timeout(Duration::from_secs(30)) {
            if line.contains(text) {
                return line;
            }
            heard.push(line);
        }
        panic!("never said {text:?}: {heard:#?}")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const COORDINATOR: [&str; 7] =
    ["coordinator", "--listen", "127.0.0.1:0", "--tls-dir", "secrets/coordinator", "--data", "secrets/coordinator"];

/// A coordinator and its address.
fn coordinator(scene: &Scene) -> (Process, String) {
    let process = Process::start(scene.command(&COORDINATOR));
    let line = process.says("serving on https://");
    let (_, rest) = line.split_once("serving on ").unwrap();
    let url = rest.split(',').next().unwrap().replace("127.0.0.1", "localhost");
    (process, url)
}

fn until(what: &str, condition: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !condition() {
        assert!(Instant::now() < end, "in vain waited for: {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn what_init_makes_is_all_that_a_cluster_needs() {
    let scene = Scene::new();
    scene.ok(&["init", "localhost"]);
    let (coordinator, url) = coordinator(&scene);
    let user = ["--coordinator", &url, "--ca", "secrets/user/ca.pem", "--token-file", "secrets/user/token"];
    let worker = ["--coordinator", &url, "--ca", "secrets/worker/ca.pem", "--token-file", "secrets/worker/token"];
    let as_user = |verb: &[&str]| scene.sweep(&[verb, &user].concat());
    let tokens = as_user(&["token", "list", "--output", "csv"]);
    let roles: Vec<&str> = tokens.out.lines().skip(1).filter_map(|line| line.split(',').nth(1)).collect();
    assert!(roles.len() == 2 && roles.contains(&"admin") && roles.contains(&"worker"), "{}", tokens.out);

    let alive = ["health", "--alive", "alive"];
    assert!(scene.error(3, &alive).contains("has not written alive yet"));
    let process =
        Process::start(scene.command(&[&["worker", "--slots", "1", "--alive", "alive"], &worker[..]].concat()));
    until("the worker's sign of life", || scene.sweep(&alive).code == Some(0));
    scene.write("long.toml", &LONG.replace("STEPS", "200"));
    assert_eq!(as_user(&["submit", "long.toml", "--watch"]).code, Some(0));
    let rows = as_user(&["sql", "SELECT count(*) FROM results", "--output", "csv"]);
    assert_eq!(rows.out.lines().nth(1), Some("2"), "{}{}", rows.out, rows.err);

    // A database that is new takes the same tokens; one that is not takes them once.
    let text = |file: &str| std::fs::read_to_string(scene.path(file)).unwrap();
    let before = text("secrets/coordinator/admin.token");
    scene.ok(&["init", "localhost", "127.0.0.1"]);
    signal(&coordinator.child, libc::SIGTERM);
    coordinator.says("stopped");
    drop(coordinator);
    let again = Process::start(scene.command(&COORDINATOR));
    again.says("serving on");
    let tokens = scene.ok(&["token", "list", "--output", "csv"]);
    assert_eq!((tokens.lines().count(), text("secrets/coordinator/admin.token")), (3, before));
    drop(process);
}

#[test]
fn a_coordinator_is_well_while_it_serves() {
    let scene = Scene::new();
    scene.ok(&["init", "localhost"]);
    let (process, url) = coordinator(&scene);
    let health = ["health", "--coordinator", &url, "--ca", "secrets/user/ca.pem"];
    scene.ok(&health);
    drop(process);
    assert!(scene.error(3, &health).contains("is not reachable"));
    assert!(scene.error(2, &["health"]).contains("SWEEP_COORDINATOR"));
}

#[test]
fn a_worker_that_has_lost_its_coordinator_is_not_well() {
    let scene = Scene::new();
    scene.write("alive", "");
    scene.ok(&["health", "--alive", "alive"]);
    let file = std::fs::File::options().write(true).open(scene.path("alive")).unwrap();
    file.set_modified(std::time::SystemTime::now() - Duration::from_secs(20)).unwrap();
    assert!(scene.error(3, &["health", "--alive", "alive"]).contains("20 s ago"));
}
