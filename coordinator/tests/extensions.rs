//! A stored sweep gets more cells, on both databases: while it runs and after it, with tuning and without. Outcomes are
//! made up here: nothing is trained.

mod support;

use std::collections::BTreeMap;
use std::sync::Arc;
use support::{Kind, Scene, outcome, provenance};
use sweep_coordinator::clock::SystemClock;
use sweep_coordinator::dispatch::presence::{self, Order, Seat};
use sweep_coordinator::dispatch::{Dispatcher, Error, Orphans, Settings, Submission, Verdict};
use sweep_coordinator::store::{CellState, Datum, Ending, Limits, Store, SweepState};
use sweep_core::job::{self, Lease, Report};
use sweep_core::sweep::{MAX_CELLS, Sweep, lengthened};

macro_rules! on_both {
    ($($name:ident)*) => {
        mod sqlite { $(#[tokio::test] async fn $name() { super::$name(super::Scene::new(super::Kind::Sqlite).await).await; })* }
        mod postgres { $(#[tokio::test] async fn $name() { super::$name(super::Scene::new(super::Kind::Postgres).await).await; })* }
    };
}

on_both! {
    a_running_sweep_gets_more_cells_and_loses_nothing
    a_finished_sweep_runs_again_and_is_found_by_each_of_its_files
    what_is_no_extension_stores_nothing
    data_files_of_an_extension_are_merged_and_never_replaced
    a_new_winner_is_refitted_and_an_old_one_stays
    a_refit_that_runs_for_the_old_winner_is_taken_back
    a_group_with_one_candidate_is_tuned_once_it_has_two
}

const PLAIN: &str = r#"
name = "plain"
problem = { n = 12, rank = [1, 2], samples = 80 }
train = { steps = 300 }
[[optimizer]]
name = "gd"
lr = [0.1, 1]
"#;

const TUNED: &str = r#"
name = "tuned"
problem = { n = 12, rank = [1, 2], samples = 90 }
train = { steps = 400 }
[[optimizer]]
name = "gd"
lr = [0.1, 1]
[[baseline]]
name = "zero_fill"
[tune]
over = ["lr"]
replicates = 2
refit = 3
"#;

/// A dispatcher that gives as many leases as are asked for, and one worker.
struct Desk {
    dispatcher: Dispatcher,
    seat: Seat,
    orders: tokio::sync::mpsc::UnboundedReceiver<Order>,
}

impl Desk {
    async fn open(store: Store) -> Desk {
        let presence = presence::Settings::default();
        let settings = Settings { presence, bundle_seconds: 0.0, orphans: Orphans::Wait };
        let dispatcher = Dispatcher::open_with(store, Arc::new(SystemClock), settings).await.unwrap();
        assert!(dispatcher.resume().await.unwrap().is_empty());
        let held: Vec<_> = dispatcher.store().outstanding().await.unwrap().into_iter().map(|o| o.lease).collect();
        let arrival = dispatcher.arrive("w", &provenance(), 2, 2, &held).await.unwrap();
        Desk { dispatcher, seat: arrival.seat, orders: arrival.orders }
    }

    async fn submit(&self, source: &str) -> String {
        let sweep = Sweep::parse(source.as_bytes(), MAX_CELLS).unwrap_or_else(|found| panic!("{found:?}"));
        self.dispatcher.submit(sweep, source, &BTreeMap::new(), &Submission::default()).await.unwrap()
    }

    /// Extends by what is typed; the longer file.
    async fn extend(&self, id: &str, additions: &[&str]) -> String {
        let stored = self.store().find_sweep(id).await.unwrap();
        let source = lengthened(stored.latest(), additions).unwrap();
        self.dispatcher.extend(id, &source, &BTreeMap::new(), MAX_CELLS, false).await.unwrap();
        source
    }

    fn store(&self) -> &Store {
        self.dispatcher.store()
    }

    async fn lease(&self, most: usize) -> Vec<Lease> {
        self.dispatcher.lease(&self.seat, most).await.unwrap()
    }

    /// Reports an outcome for each lease, with the validation error that its learning rate gives.
    async fn report(&self, leases: &[Lease], error: impl Fn(f64) -> f64) -> Vec<Verdict> {
        let report = |lease: &Lease| {
            let rate = lease.trial.get("lr").and_then(sweep_core::value::Value::number).unwrap_or(0.0);
            let outcome = outcome(error(rate), error(rate));
            let ending = job::Ending::Outcome(Box::new(outcome));
            Report { sweep: lease.sweep.clone(), cell: lease.cell, fence: lease.fence, ending }
        };
        self.dispatcher.deliver(&self.seat, leases.iter().map(report).collect()).await.unwrap()
    }

    /// Works until nothing is left; the cells that were leased.
    async fn work(&self, error: impl Fn(f64) -> f64) -> Vec<u64> {
        let mut cells = Vec::new();
        loop {
            let leases = self.lease(3).await;
            if leases.is_empty() {
                cells.sort_unstable();
                return cells;
            }
            cells.extend(leases.iter().map(|lease| lease.cell));
            let verdicts = self.report(&leases, &error).await;
            assert!(verdicts.iter().all(|verdict| *verdict == Verdict::Taken), "{verdicts:?}");
        }
    }

    async fn is_finished(&self, id: &str, cells: u64) {
        let sweep = self.store().find_sweep(id).await.unwrap();
        let progress = self.dispatcher.progress(id).await;
        assert_eq!(
            (sweep.state, sweep.cells, progress.cells, progress.done),
            (SweepState::Finished, cells, cells, cells)
        );
        // Every cell has what its index says, and one outcome.
        let whole = sweep.parsed().unwrap();
        for index in 0..whole.len() {
            let cell = self.store().cell(id, index).await.unwrap().unwrap();
            assert_eq!(cell.state, CellState::Done, "cell {index}");
            let Some(sweep_core::sweep::Cell::Fixed(at) | sweep_core::sweep::Cell::Refit { coordinates: at, .. }) =
                whole.cell(index)
            else {
                panic!("no cell {index}")
            };
            assert!(at.iter().all(|(axis, value)| cell.coordinates[axis] == *value), "cell {index}: {at:?}");
        }
    }

    async fn rows(&self, query: &str) -> Vec<Vec<Datum>> {
        self.store().query(query, &Limits::default()).await.unwrap().rows
    }
}

async fn a_running_sweep_gets_more_cells_and_loses_nothing(scene: Scene) {
    let desk = Desk::open(scene.store.clone()).await;
    let id = desk.submit(PLAIN).await;
    let first = desk.lease(1).await;
    desk.report(&first, |rate| rate).await;
    let running = desk.lease(2).await;
    assert_eq!(running.len(), 2);
    let news = desk.dispatcher.news();
    desk.extend(&id, &["rank=3", "lr=10"]).await;
    assert!(news.has_changed().unwrap(), "workers that wait hear of it");
    let progress = desk.dispatcher.progress(&id).await;
    assert_eq!((progress.cells, progress.done, progress.trained, progress.running), (9, 1, 1, 2));
    // What was out counts as before.
    assert_eq!(desk.report(&running, |rate| rate).await, [Verdict::Taken, Verdict::Taken]);
    let next = desk.lease(2).await;

    // A coordinator that is started again finds the cells of both files, and the leases that are out.
    let Desk { dispatcher, .. } = desk;
    drop(dispatcher);
    let desk = Desk::open(scene.store.clone()).await;
    assert_eq!(desk.dispatcher.progress(&id).await.cells, 9);
    assert_eq!(desk.report(&next, |rate| rate).await, [Verdict::Taken, Verdict::Taken]);
    let mut cells = desk.work(|rate| rate).await;
    cells.extend([&first[..], &running, &next].concat().iter().map(|lease| lease.cell));
    cells.sort_unstable();
    assert_eq!(cells, (0..9).collect::<Vec<_>>(), "each once");
    desk.is_finished(&id, 9).await;
}

async fn a_finished_sweep_runs_again_and_is_found_by_each_of_its_files(scene: Scene) {
    let desk = Desk::open(scene.store.clone()).await;
    let id = desk.submit(PLAIN).await;
    assert_eq!(desk.work(|rate| rate).await, [0, 1, 2, 3]);
    desk.is_finished(&id, 4).await;
    let longer = desk.extend(&id, &["samples=100"]).await;
    assert_eq!(desk.store().find_sweep(&id).await.unwrap().state, SweepState::Running);
    assert_eq!(desk.work(|rate| rate).await, [4, 5, 6, 7]);
    let longest = desk.extend(&id, &["replicate.count=2"]).await;
    for file in [PLAIN, &longer, &longest] {
        assert_eq!(desk.submit(file).await, id);
        assert_eq!(desk.dispatcher.progress(&id).await.cells, 16);
    }
    assert_eq!(desk.work(|rate| rate).await, (8..16).collect::<Vec<_>>());
    desk.is_finished(&id, 16).await;
    assert_eq!(
        desk.rows("SELECT seq, cells FROM extensions ORDER BY seq").await,
        [[Datum::Int(1), Datum::Int(8)], [Datum::Int(2), Datum::Int(16)]]
    );
    scene.store.remove_sweep(&id).await.unwrap();
    assert!(desk.rows("SELECT seq FROM extensions").await.is_empty());
}

async fn what_is_no_extension_stores_nothing(scene: Scene) {
    let desk = Desk::open(scene.store.clone()).await;
    let id = desk.submit(PLAIN).await;
    let extend = async |source: &str, most: u64, dry: bool| {
        desk.dispatcher.extend("plain", source, &BTreeMap::new(), most, dry).await
    };
    for (source, most, said) in [
        (PLAIN.to_owned(), 100, "sweep \"plain\" cannot be extended: the sweep has every cell of the file"),
        (PLAIN.replace("[0.1, 1]", "[1, 10]"), 100, "lr = 0.1"),
        (PLAIN.replace("[1, 2]", "[1, 2, 3]"), 5, "6 cells are more than the 5 allowed"),
        (PLAIN.replace("[1, 2]", "[1, 20]"), 100, "the file is not accepted"),
    ] {
        let refused = extend(&source, most, false).await.unwrap_err();
        assert!(matches!(refused, Error::Unfit { .. }) && refused.to_string().contains(said), "{refused}");
    }
    let longer = PLAIN.replace("[1, 2]", "[1, 2, 3]");
    let dry = extend(&longer, 100, true).await.unwrap();
    assert_eq!((dry.before, dry.cells, dry.retuned), (4, 6, 0));
    let stored = scene.store.find_sweep(&id).await.unwrap();
    assert_eq!((stored.cells, stored.extensions.len()), (4, 0));
    scene.store.set_sweep_state(&id, SweepState::Cancelled).await.unwrap();
    assert!(extend(&longer, 100, false).await.unwrap_err().to_string().contains("was cancelled"));
    // One that is paused stays so.
    scene.store.set_sweep_state(&id, SweepState::Paused).await.unwrap();
    extend(&longer, 100, false).await.unwrap();
    assert_eq!(scene.store.find_sweep(&id).await.unwrap().state, SweepState::Paused);
}

async fn data_files_of_an_extension_are_merged_and_never_replaced(scene: Scene) {
    let desk = Desk::open(scene.store.clone()).await;
    let file = PLAIN.replace(
        "problem = { n = 12, rank = [1, 2], samples = 80 }",
        "problem = { name = \"csv\", observed = \"a.csv\", truth = \"\", n1 = 3, n2 = 3 }",
    );
    let file = file.replace(", truth = \"\"", "");
    let bytes = |text: &str| text.as_bytes().to_vec();
    let one = BTreeMap::from([("a.csv".to_owned(), bytes("row,col,value\n0,0,1\n"))]);
    let sweep = Sweep::parse(file.as_bytes(), MAX_CELLS).unwrap_or_else(|found| panic!("{found:?}"));
    let id = desk.dispatcher.submit(sweep, &file, &one, &Submission::default()).await.unwrap();
    let longer = lengthened(&file, &["observed=b.csv"]).unwrap();
    let extend = async |contents: &BTreeMap<String, Vec<u8>>| {
        desk.dispatcher.extend(&id, &longer, contents, MAX_CELLS, false).await
    };
    let refused = extend(&BTreeMap::new()).await.unwrap_err().to_string();
    assert!(refused.ends_with("the file \"b.csv\" was given no content"), "{refused}");
    let edited = BTreeMap::from([("a.csv".to_owned(), bytes("edited")), ("b.csv".to_owned(), bytes("b"))]);
    let refused = extend(&edited).await.unwrap_err().to_string();
    assert!(refused.contains("the content of \"a.csv\" is not what it was"), "{refused}");
    extend(&BTreeMap::from([("b.csv".to_owned(), bytes("b"))])).await.unwrap();
    let stored = scene.store.find_sweep(&id).await.unwrap();
    let hash = |text: &str| blake3::hash(text.as_bytes()).to_hex().to_string();
    assert_eq!(stored.inputs["a.csv"], hash("row,col,value\n0,0,1\n"));
    assert_eq!(stored.inputs["b.csv"], hash("b"));
    let trials: Vec<_> = desk.lease(8).await;
    assert_eq!(trials.len(), 4, "each file with each learning rate has its trial");
}

async fn a_new_winner_is_refitted_and_an_old_one_stays(scene: Scene) {
    let desk = Desk::open(scene.store.clone()).await;
    let id = desk.submit(TUNED).await;
    // The larger the better, up to 10.
    let error = |rate: f64| if rate <= 10.0 { 1.0 / (1.0 + rate) } else { 5.0 };
    // 2 ranks × 2 rates × 2 replicates, and (2 + 2) groups × 3 refits.
    assert_eq!(desk.work(error).await.len(), 8 + 12);
    desk.is_finished(&id, 20).await;
    let chosen =
        "SELECT group_index, candidate, candidates, at_edge FROM selections WHERE candidates > 1 ORDER BY group_index";
    let row = |g: i64, c: i64, of: i64, edge: &str| {
        vec![Datum::Int(g), Datum::Int(c), Datum::Int(of), Datum::Text(edge.to_owned())]
    };
    let groups: Vec<i64> =
        desk.rows(chosen).await.iter().map(|row| if let Datum::Int(g) = row[0] { g } else { -1 }).collect();
    assert_eq!(groups.len(), 2);
    assert_eq!(desk.rows(chosen).await, groups.iter().map(|&g| row(g, 1, 2, "lr")).collect::<Vec<_>>());

    desk.extend(&id, &["lr=10"]).await;
    let progress = desk.dispatcher.progress(&id).await;
    assert_eq!((progress.cells, progress.done), (24, 20));
    assert!(desk.rows(chosen).await.is_empty(), "nothing is chosen while it is tuned");
    // The new candidates, then the refits of the two groups once more.
    let worked = desk.work(error).await;
    let refits = desk
        .rows("SELECT cell FROM cells WHERE stage = 'refit' AND coordinates LIKE '%\"optimizer\"%' ORDER BY cell")
        .await;
    let refits: Vec<u64> =
        refits.iter().map(|row| if let Datum::Int(cell) = row[0] { cell as u64 } else { 0 }).collect();
    assert_eq!(worked, [&refits[..], &[20, 21, 22, 23]].concat());
    desk.is_finished(&id, 24).await;
    assert_eq!(desk.rows(chosen).await, groups.iter().map(|&g| row(g, 2, 3, "lr")).collect::<Vec<_>>());
    let rates = "SELECT DISTINCT lr FROM results WHERE stage = 'refit' AND optimizer = 'gd'";
    assert_eq!(desk.rows(rates).await, [[Datum::Float(10.0)]]);
    // Their earlier attempts stay as history.
    let refit = scene.store.cell(&id, refits[0]).await.unwrap().unwrap();
    assert_eq!(refit.attempts.iter().map(|a| a.ending).collect::<Vec<_>>(), [Some(Ending::Recorded); 2]);

    // A candidate that does not win costs its own cells only, and takes the mark of the edge away.
    desk.extend(&id, &["lr=100"]).await;
    assert_eq!(desk.work(error).await, [24, 25, 26, 27]);
    desk.is_finished(&id, 28).await;
    assert_eq!(desk.rows(chosen).await, groups.iter().map(|&g| row(g, 2, 4, "")).collect::<Vec<_>>());
    // More of everything else makes groups, replicates and refits of their own.
    desk.extend(&id, &["rank=3"]).await;
    assert_eq!(desk.work(error).await.len(), 4 * 2 + 2 * 3);
    desk.extend(&id, &["tune.refit=4"]).await;
    assert_eq!(desk.work(error).await.len(), 6);
    desk.extend(&id, &["tune.replicates=3"]).await;
    assert_eq!(desk.work(error).await.len(), 3 * 4);
    desk.is_finished(&id, 28 + 14 + 6 + 12).await;
    assert_eq!(desk.rows(rates).await, [[Datum::Float(10.0)]]);
}

async fn a_refit_that_runs_for_the_old_winner_is_taken_back(scene: Scene) {
    let mut desk = Desk::open(scene.store.clone()).await;
    let file = TUNED.replace("rank = [1, 2]", "rank = 1").replace("[[baseline]]\nname = \"zero_fill\"\n", "");
    let id = desk.submit(&file).await;
    let error = |rate: f64| 1.0 / (1.0 + rate);
    for _ in 0..2 {
        let tuning = desk.lease(2).await;
        desk.report(&tuning, error).await;
    }
    // One refit is done and two run when the list gets longer.
    let refits = desk.lease(3).await;
    assert_eq!(refits.iter().map(|lease| lease.cell).collect::<Vec<_>>(), [4, 5, 6]);
    desk.report(&refits[..1], error).await;
    desk.extend(&id, &["lr=10"]).await;
    let tuning = desk.lease(5).await;
    assert_eq!(tuning.iter().map(|lease| lease.cell).collect::<Vec<_>>(), [7, 8], "refits wait for their group");
    // The last of the tuning and a refit in one delivery.
    desk.report(&tuning[..1], error).await;
    let both = [tuning[1].clone(), refits[1].clone()];
    assert_eq!(desk.report(&both, error).await, [Verdict::Taken, Verdict::Taken]);
    assert_ne!(scene.store.find_sweep(&id).await.unwrap().state, SweepState::Finished);
    // The one that still runs is dropped, and what it brings counts for nothing.
    let told = desk.orders.try_recv().unwrap();
    assert!(matches!(&told, Order::Cancel(leases) if leases.len() == 1 && leases[0].cell == 6), "{told:?}");
    assert!(matches!(&desk.report(&refits[2..], error).await[..], [Verdict::Refused(_)]));
    assert_eq!(desk.work(error).await, [4, 5, 6]);
    desk.is_finished(&id, 9).await;
    let rates = "SELECT DISTINCT lr FROM results WHERE stage = 'refit'";
    assert_eq!(desk.rows(rates).await, [[Datum::Float(10.0)]]);
}

async fn a_group_with_one_candidate_is_tuned_once_it_has_two(scene: Scene) {
    let desk = Desk::open(scene.store.clone()).await;
    let id = desk.submit(&TUNED.replace("lr = [0.1, 1]", "lr = 0.1")).await;
    assert_eq!(desk.work(|rate| rate).await.len(), 12);
    desk.extend(&id, &["lr=1"]).await;
    // Both candidates of both ranks on two replicates; the first stays the best, so no refit is run again.
    assert_eq!(desk.work(|rate| rate).await, (12..20).collect::<Vec<_>>());
    desk.is_finished(&id, 20).await;
}
