//! An embedded run end to end: the same bits whatever the slots, the order and the interruptions; nothing trained twice.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use sweep_coordinator::dispatch::Progress;
use sweep_tests::embedded::{How, rows, run};

const SWEEP: &str = r#"
name = "small"
[problem]
n = 12
rank = [1, 2]
samples = 80
[train]
steps = 300
depth = [1, 2]
[init]
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

/// 2 ranks × 2 depths × (2 + 1 learning rates) × 2 penalties × 2 replicates, and 2 ranks × 2 replicates of the baseline.
const CELLS: u64 = 52;

const VALUES: &str = "SELECT * FROM result_values";

async fn fresh(source: &str, how: &How) -> (Progress, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sweep.db");
    let (_, progress) = run(&path, source, &BTreeMap::new(), how).await;
    (progress, rows(&path, VALUES).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn results_are_the_same_bits_whatever_the_slots_and_the_order() {
    let (progress, one) = fresh(SWEEP, &How { slots: 1, ..How::default() }).await;
    assert_eq!((progress.cells, progress.done, progress.linked, progress.quarantined), (CELLS, CELLS, 0, 0));
    assert_eq!(one.len() as u64, CELLS);
    let (_, three) = fresh(SWEEP, &How { slots: 3, ..How::default() }).await;
    assert_eq!(one, three);
    let (_, other_order) = fresh(&format!("order = \"replicates-first\"\n{SWEEP}"), &How::default()).await;
    assert_eq!(one, other_order);
}

/// Runs again and again, each time for a little longer (a baseline has no checkpoint), until the sweep is finished.
async fn in_pieces(path: &Path, source: &str) -> (Progress, u32) {
    for piece in 0..200 {
        let how = How { drain_after: Some(Duration::from_millis(60 + 20 * u64::from(piece))), ..How::default() };
        let (_, progress) = run(path, source, &BTreeMap::new(), &how).await;
        if progress.is_finished() {
            return (progress, piece);
        }
    }
    panic!("never finished");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_sweep_goes_on_and_gives_the_same_bits() {
    let long = SWEEP.replace("steps = 300", "steps = 6000");
    let (_, straight) = fresh(&long, &How::default()).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sweep.db");
    let (progress, pieces) = in_pieces(&path, &long).await;
    assert!(pieces >= 2, "the sweep was too short to be interrupted");
    assert_eq!((progress.done, progress.quarantined), (CELLS, 0));
    assert_eq!(rows(&path, VALUES).await, straight);
    // Some attempt was handed back in the middle, and its cell recorded once all the same.
    let returned = rows(&path, "SELECT COUNT(*) FROM attempts WHERE ending = 'returned'").await;
    assert_ne!(returned, ["Int(0)"]);
    assert_eq!(rows(&path, "SELECT COUNT(*) FROM attempts WHERE ending = 'recorded'").await, [format!("Int({CELLS})")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finished_sweep_trains_nothing_and_equal_trials_are_linked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sweep.db");
    let (first, _) = run(&path, SWEEP, &BTreeMap::new(), &How::default()).await;
    // The same meaning: the same sweep, and nothing to do.
    let (again, progress) = run(&path, &format!("# a comment\n{SWEEP}"), &BTreeMap::new(), &How::default()).await;
    assert_eq!((first.clone(), progress.trained, progress.done), (again, 0, CELLS));
    // Another sweep that holds all of it and more: only what is new is trained.
    let wider = SWEEP.replace("count = 2", "count = 3").replace("\"small\"", "\"wider\"");
    let (_, progress) = run(&path, &wider, &BTreeMap::new(), &How::default()).await;
    assert_eq!((progress.cells, progress.linked, progress.trained), (78, CELLS, 26));
    // Fresh means fresh.
    let (fresh, progress) = run(&path, SWEEP, &BTreeMap::new(), &How { fresh: true, ..How::default() }).await;
    assert_ne!(fresh, first);
    assert_eq!((progress.linked, progress.trained), (0, CELLS));
}

const TUNED: &str = r#"
name = "tuned"
[problem]
n = 12
rank = 1
samples = 90
[train]
steps = 400
depth = [1, 2]
[init]
init_scale = 0.01
[[optimizer]]
name = "gd"
lr = [0.1, 1.0, 1e7]
[[baseline]]
name = "minimum_nuclear"
[tune]
over = ["lr"]
replicates = 2
validation = 0.1
refit = 3
"#;

#[tokio::test(flavor = "multi_thread")]
async fn tuning_selects_by_validation_and_refits_on_fresh_seeds() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sweep.db");
    let (progress, _) = in_pieces(&path, TUNED).await;
    // Tuning: 2 depths × 3 learning rates × 2 replicates; refits: (2 depths + the baseline) × 3.
    assert_eq!((progress.cells, progress.done), (21, 21));
    let stages = rows(&path, "SELECT stage, COUNT(*) FROM results GROUP BY stage ORDER BY stage").await;
    assert_eq!(stages.len(), 2, "{stages:?}");
    // No refit has the learning rate that diverges, a validation split, or a seed of the tuning.
    let refits = rows(&path, "SELECT COUNT(*), MAX(lr), MAX(validation), MIN(replicate) FROM results WHERE stage = 'refit' AND optimizer = 'gd'").await;
    assert!(
        refits[0].starts_with("Int(6),") && refits[0].ends_with("Int(1000)") && !refits[0].contains("e7"),
        "{refits:?}"
    );
    // The chosen one has the least median validation error of its group.
    let worse = "SELECT COUNT(*) FROM results t JOIN results r ON r.stage = 'refit' AND r.depth = t.depth AND r.lr = t.lr WHERE t.stage = 'tuning' AND t.status = 'diverged'";
    assert_eq!(rows(&path, worse).await, ["Int(0)"]);
    assert_eq!(rows(&path, "SELECT COUNT(*) FROM selections").await, ["Int(3)"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn cells_that_a_dying_process_held_are_leased_without_a_queue_behind_them() {
    use std::sync::Arc;
    use sweep_coordinator::clock::SystemClock;
    use sweep_coordinator::dispatch::{Dispatcher, Submission};
    use sweep_coordinator::store::{Location, Store};
    use sweep_core::job::{Answer, Link};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sweep.db");
    // A process that leases for two slots and dies, its worker's queue with it.
    let leased = async || {
        let store = Store::open(&Location::Sqlite(path.clone()), 0).await.unwrap();
        let dispatcher = Arc::new(Dispatcher::open(store, Arc::new(SystemClock)).await.unwrap());
        let sweep = sweep_core::sweep::Sweep::parse(SWEEP.as_bytes(), 1000).unwrap();
        dispatcher.submit(sweep, SWEEP, &BTreeMap::new(), &Submission::default()).await.unwrap();
        let link = dispatcher.connect("w", &sweep_worker::machine::provenance("test"), 2, 2).await.unwrap();
        let Answer::Leases(leases) = link.lease(2).await.unwrap() else { panic!("there is work") };
        drop(link);
        Arc::into_inner(dispatcher).unwrap().store().clone().close().await;
        leases.len()
    };
    assert!(leased().await > 2, "short cells are leased in bundles");
    // From then on only what runs is at risk; what was suspected twice runs alone, so that one cell and not the bundle is
    // given up after three deaths.
    assert_eq!(leased().await, 2);
    assert_eq!(leased().await, 1);
    let (_, progress) = run(&path, SWEEP, &BTreeMap::new(), &How::default()).await;
    assert_eq!((progress.done, progress.quarantined), (CELLS - 1, 1));
}
