//! A Postgres of one's own: one temporary cluster per test process, one database per test.
//!
//! The cluster lives in a temporary directory and listens on a socket there. A small shell script keeps it: when the
//! test process ends, however it ends, the script's standard input closes, and it stops the server and removes the
//! directory.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

struct Cluster {
    programs: PathBuf,
    directory: PathBuf,
    /// Its standard input is what keeps the server alive.
    _keeper: Child,
}

/// The URL of a new, empty database.
///
/// # Panics
/// Where Postgres is not installed, naming the package.
pub fn fresh_database() -> String {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let cluster = CLUSTER.get_or_init(start);
    let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let made = Command::new(cluster.programs.join("createdb"))
        .arg("-h")
        .arg(&cluster.directory)
        .args(["-U", "postgres", &name])
        .status()
        .expect("createdb runs");
    assert!(made.success(), "createdb failed");
    format!("postgres://postgres@localhost/{name}?host={}", cluster.directory.display())
}

/// Where initdb and postgres are.
fn programs() -> PathBuf {
    let needed = |p: &PathBuf| ["initdb", "postgres", "createdb", "pg_isready"].iter().all(|n| p.join(n).is_file());
    let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = debian.map(|e| e.path().join("bin")).filter(needed).collect();
    found.sort();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let elsewhere = std::env::split_paths(&path).find(needed);
    found.pop().or(elsewhere).expect(
        "these tests need Postgres, and no initdb was found in /usr/lib/postgresql/*/bin or PATH; \
         install it: apt-get install postgresql (macOS: brew install postgresql)",
    )
}

fn start() -> Cluster {
    let programs = programs();
    let directory = std::env::temp_dir().join(format!("sweep-postgres-{}", std::process::id()));
    std::fs::create_dir_all(&directory).expect("a temporary directory");
    // Postgres refuses to run as root; Debian's package brings a user for it.
    let root = Command::new("id").arg("-u").output().is_ok_and(|out| out.stdout == b"0\n");
    if root {
        let owned = Command::new("chown").arg("postgres").arg(&directory).status().expect("chown runs");
        assert!(owned.success(), "the user \"postgres\" is missing; apt-get install postgresql makes it");
    }
    let script = r#"
        cd "$2" || exit 1
        if "$1/initdb" -D data --no-sync -A trust -E UTF8 --locale=C -U postgres >initdb.log 2>&1; then
            "$1/postgres" -D data -k "$2" -c listen_addresses= -c fsync=off -c full_page_writes=off \
                -c shared_buffers=16MB -c max_connections=60 >server.log 2>&1 &
        fi
        cat >/dev/null
        [ -z "$!" ] || kill -QUIT $!
        wait; cd /; rm -rf "$2"
    "#;
    let mut command = if root {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "sh"]);
        command
    } else {
        Command::new("sh")
    };
    let keeper = command
        .args(["-c", script, "keeper"])
        .args([&programs, &directory])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("sh runs");
    let cluster = Cluster { programs, directory, _keeper: keeper };
    wait_until_ready(&cluster.programs, &cluster.directory);
    cluster
}

fn wait_until_ready(programs: &Path, directory: &Path) {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let ready = Command::new(programs.join("pg_isready"))
            .args(["-q", "-U", "postgres", "-h"])
            .arg(directory)
            .status()
            .expect("pg_isready runs");
        if ready.success() {
            return;
        }
        let log = |name: &str| std::fs::read_to_string(directory.join(name)).unwrap_or_default();
        assert!(Instant::now() < deadline, "Postgres did not start:\n{}\n{}", log("initdb.log"), log("server.log"));
        std::thread::sleep(Duration::from_millis(20));
    }
}
