//! Slots as child processes, with real ends: the same bits as threads, and what ends a child ends one attempt only.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use sweep_coordinator::dispatch::Progress;
use sweep_tests::embedded::{How, rows, run};
use sweep_worker::{Children, Isolation};

const PROGRAM: &str = env!("CARGO_BIN_EXE_isolated");
const VALUES: &str = "SELECT * FROM result_values";
const ATTEMPTS: &str = "SELECT cell, fence, ending, error FROM attempts ORDER BY cell, fence";

/// Steps that take long enough to be struck in the middle on a machine that has other things to do.
const LONG: usize = 400_000;

/// A sweep of replicates, each of so many steps of about 5 µs.
fn sweep(cells: usize, steps: usize, more: &str) -> String {
    format!(
        r#"
name = "children"
[problem]
n = 12
rank = 1
samples = 80
[train]
steps = {steps}
depth = 3
[init]
init_scale = 0.1
[[optimizer]]
name = "adam"
lr = 0.001
[replicate]
count = {cells}
[record]
points = 8
{more}
"#
    )
}

fn children() -> Children {
    Children {
        program: PathBuf::from(PROGRAM),
        arguments: vec!["slot".to_owned()],
        memory: None,
        grace: Duration::from_secs(60),
    }
}

fn isolated(children: Children) -> How {
    How { isolation: Isolation::Children(children), ..How::default() }
}

async fn database(source: &str, contents: &BTreeMap<String, Vec<u8>>, how: &How) -> (tempfile::TempDir, Progress) {
    let folder = tempfile::tempdir().unwrap();
    let (_, progress) = run(&folder.path().join("sweep.db"), source, contents, how).await;
    (folder, progress)
}

async fn ask(folder: &tempfile::TempDir, sql: &str) -> Vec<String> {
    rows(&folder.path().join("sweep.db"), sql).await
}

/// The fields of `/proc/PID/stat` after the name: state, parent, …; none where it has gone.
fn stat(pid: i32) -> Option<Vec<String>> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    Some(text.rsplit_once(')')?.1.split_whitespace().map(str::to_owned).collect())
}

fn lives(pid: i32) -> bool {
    stat(pid).is_some_and(|stat| stat[0] != "Z")
}

/// The living children of a process that have used CPU time (in ticks of 10 ms), by what they used.
fn busy(parent: u32, ticks: u64) -> Vec<i32> {
    let mut busy = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else { continue };
        let Some(stat) = stat(pid).filter(|stat| stat[0] != "Z" && stat[1] == parent.to_string()) else { continue };
        let used: u64 = stat[11..13].iter().map(|ticks| ticks.parse::<u64>().unwrap()).sum();
        if used >= ticks {
            busy.push((used, pid));
        }
    }
    busy.sort_unstable();
    busy.into_iter().rev().map(|(_, pid)| pid).collect()
}

/// Waits until `count` children of `parent` are in the middle of their work.
fn wait_for(parent: u32, count: usize) -> Vec<i32> {
    let start = Instant::now();
    loop {
        let found = busy(parent, 10);
        if found.len() >= count {
            return found;
        }
        assert!(start.elapsed() < Duration::from_secs(30), "no children at work");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn signal(pid: i32, signal: &str) {
    assert!(Command::new("kill").args([signal, &pid.to_string()]).status().unwrap().success());
}

/// Runs two cells on two children and sends a signal to one in the middle.
async fn struck(with: &'static str, source: &str, children: Children) -> (tempfile::TempDir, Progress) {
    let striker = std::thread::spawn(move || {
        let child = wait_for(std::process::id(), 2)[0];
        signal(child, with);
        // A fault that does not come from faulty code, which would come again, is let pass once; and a second signal that
        // arrives before the first was looked at counts as the same.
        while with == "-SEGV" && lives(child) {
            std::thread::sleep(Duration::from_millis(5));
            let _ = Command::new("kill").args([with, &child.to_string()]).stderr(Stdio::null()).status();
        }
    });
    let ended = database(source, &BTreeMap::new(), &isolated(children)).await;
    striker.join().unwrap();
    ended
}

/// One attempt of three was ended by a signal, and its cell tried again; the other cell saw nothing of it.
async fn one_of_two_dies(with: &'static str, reason: &str) -> (tempfile::TempDir, String) {
    let source = sweep(2, LONG, "");
    let (folder, progress) = struck(with, &source, children()).await;
    assert_eq!((progress.done, progress.quarantined), (2, 0));
    let attempts = ask(&folder, ATTEMPTS).await;
    let died: Vec<_> = attempts.iter().filter(|row| row.contains("suspected")).collect();
    assert_eq!((attempts.len(), died.len()), (3, 1), "{attempts:?}");
    assert!(died[0].contains(reason), "{died:?}");
    assert!(died[0].contains("Int(1),Text(\"suspected"), "the first attempt: {died:?}");
    (folder, source)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_abort_ends_one_attempt_only() {
    let (folder, source) = one_of_two_dies("-ABRT", "its process ended by signal 6 (abort)").await;
    let (threads, _) = database(&source, &BTreeMap::new(), &How::default()).await;
    assert_eq!(ask(&folder, VALUES).await, ask(&threads, VALUES).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_ends_one_attempt_only() {
    one_of_two_dies("-SEGV", "its process ended by signal 11 (segmentation fault)").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_ends_one_attempt_only() {
    one_of_two_dies("-KILL", "its process ended by signal 9 (kill").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_manager_sends_to_all_is_for_the_worker() {
    let (folder, progress) = struck("-TERM", &sweep(2, LONG, ""), children()).await;
    assert_eq!(progress.done, 2);
    assert_eq!(ask(&folder, "SELECT COUNT(*) FROM attempts WHERE ending = 'recorded'").await, ["Int(2)"]);
    assert_eq!(ask(&folder, "SELECT COUNT(*) FROM attempts").await, ["Int(2)"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_does_not_come_back_is_ended_from_outside() {
    let short = Children { grace: Duration::from_millis(500), ..children() };
    let (folder, progress) = struck("-STOP", &sweep(2, LONG, "[stop]\nseconds = 6"), short).await;
    assert_eq!((progress.done, progress.quarantined), (2, 0));
    let failed = ask(&folder, "SELECT error FROM attempts WHERE ending = 'failed'").await;
    assert_eq!(failed, ["Text(\"no step ended within 6.5 s; its process was ended\")"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn out_of_memory_ends_one_attempt_only() {
    let source = sweep(1, 300, "").replace("n = 12", "n = [12, 13, 20000]");
    let small = Children { memory: Some(1 << 30), ..children() };
    let (folder, progress) = database(&source, &BTreeMap::new(), &isolated(small)).await;
    assert_eq!((progress.done, progress.quarantined), (2, 1));
    let died = ask(&folder, "SELECT error FROM attempts WHERE ending = 'suspected'").await;
    assert_eq!(died.len(), 3);
    for why in died {
        assert!(why.contains("signal 6 (abort): memory allocation of 3200000000 bytes failed"), "{why}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_child_hands_back_goes_on_with_the_same_bits() {
    let source = sweep(2, 500_000, "");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sweep.db");
    let mut pieces = 0;
    loop {
        pieces += 1;
        assert!(pieces < 200, "never finished");
        let how = How { drain_after: Some(Duration::from_millis(300)), ..isolated(children()) };
        if run(&path, &source, &BTreeMap::new(), &how).await.1.is_finished() {
            break;
        }
    }
    // The checkpoints arrived, and were gone on from: else no piece would have been long enough.
    assert!(pieces > 1, "too short to be interrupted");
    assert_eq!(
        rows(&path, "SELECT COUNT(*) FROM attempts WHERE ending NOT IN ('recorded', 'returned')").await,
        ["Int(0)"]
    );
    let (threads, _) = database(&source, &BTreeMap::new(), &How::default()).await;
    assert_eq!(rows(&path, VALUES).await, ask(&threads, VALUES).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_travel_to_children() {
    let read = |name: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("instances").join(name);
        (name.to_owned(), std::fs::read(path).unwrap())
    };
    let names: Vec<String> =
        (0..3).flat_map(|s| ["obs", "gt"].map(|kind| format!("n50_r2_m500_s{s}.{kind}.csv"))).collect();
    let contents: BTreeMap<_, _> = names.iter().map(|name| read(name)).collect();
    let instances = "instance = [\"n50_r2_m500_s0\", \"n50_r2_m500_s1\", \"n50_r2_m500_s2\"]";
    let source = sweep(2, 50, "").replace("n = 12\nrank = 1\nsamples = 80", &format!("name = \"csv\"\n{instances}"));
    let (folder, progress) = database(&source, &contents, &isolated(children())).await;
    assert_eq!(progress.done, 6);
    let (threads, _) = database(&source, &contents, &How::default()).await;
    assert_eq!(ask(&folder, VALUES).await, ask(&threads, VALUES).await);
}

#[test]
fn a_child_does_not_outlive_its_worker() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("long.toml"), sweep(1, 100_000_000, "")).unwrap();
    let mut worker = Command::new(PROGRAM).arg("worker").arg(path("sweep.db")).arg(path("long.toml")).spawn().unwrap();
    let child = wait_for(worker.id(), 1)[0];
    worker.kill().unwrap();
    worker.wait().unwrap();
    let start = Instant::now();
    while lives(child) {
        assert!(start.elapsed() < Duration::from_secs(5), "child {child} lives on");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_children_that_start_everything_is_handed_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sweep.db");
    let none = Children { program: PathBuf::from("/nonexistent/sweep"), ..children() };
    let how = How { drain_after: Some(Duration::from_secs(1)), ..isolated(none) };
    let (_, progress) = run(&path, &sweep(1, 10, ""), &BTreeMap::new(), &how).await;
    assert_eq!((progress.done, progress.quarantined), (0, 0));
    let endings = rows(&path, "SELECT DISTINCT ending FROM attempts").await;
    assert_eq!(endings, ["Text(\"returned\")"]);
}
