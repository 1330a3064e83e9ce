//! What users say of a sweep after it was submitted, against scripted workers, on both databases.

mod support;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use support::{Kind, Scene, outcome, provenance};
use sweep_coordinator::clock::Clock;
use sweep_coordinator::dispatch::presence::{Arrival, Order};
use sweep_coordinator::dispatch::{Dispatcher, Error, Settings, Submission, Verdict};
use sweep_coordinator::filter::Filter;
use sweep_coordinator::store::{CellState, Ending, Limits, SweepState};
use sweep_core::job::{self, Lease, Report};
use sweep_core::sweep::{MAX_CELLS, Sweep};

/// Each behaviour becomes one test per database.
macro_rules! on_both {
    ($($name:ident)*) => {
        mod sqlite { $(#[tokio::test] async fn $name() { super::$name(super::Bench::new(super::Kind::Sqlite).await).await; })* }
        mod postgres { $(#[tokio::test] async fn $name() { super::$name(super::Bench::new(super::Kind::Postgres).await).await; })* }
    };
}

on_both! {
    a_paused_sweep_gives_nothing_out_and_takes_what_runs
    a_cancelled_sweep_drops_its_runs_and_can_go_on
    what_is_over_cannot_be_paused_resumed_or_cancelled
    a_cell_that_is_tried_again_has_all_its_tries_again
    a_result_that_is_tried_again_is_replaced_and_not_linked
    the_higher_priority_goes_first_also_after_a_restart
    a_fresh_sweep_links_nothing_also_after_a_restart
    another_winner_has_its_refits_trained_again
    the_same_winner_keeps_its_refits
    a_refit_that_comes_back_while_its_group_is_tuned_waits
    a_paused_sweep_whose_last_cell_ends_is_finished_also_after_a_restart
    the_id_of_a_sweep_that_was_removed_is_given_to_no_other
}

const PLAIN: &str = "problem = { n = 6, rank = 1, samples = 20 }\ntrain = { depth = 1, steps = 10 }
[optimizer]\nname = \"gd\"\nlr = [0.1, 0.2, 0.3]\n";
const TUNED: &str = "problem = { n = 6, rank = 1, samples = 20 }\ntrain = { depth = 1, steps = 10 }
[optimizer]\nname = \"gd\"\nlr = [0.1, 0.2]\n[tune]\nover = [\"lr\"]\nreplicates = 1\nrefit = 2\n";

/// A clock that stands still.
struct Still(AtomicU64);

impl Clock for Still {
    fn now_ms(&self) -> i64 {
        self.0.fetch_add(1, Ordering::Relaxed) as i64
    }
    fn monotonic_ms(&self) -> u64 {
        1_000
    }
}

struct Bench {
    scene: Scene,
    dispatcher: Dispatcher,
}

impl Bench {
    async fn new(kind: Kind) -> Bench {
        let scene = Scene::new(kind).await;
        let dispatcher = open(&scene).await;
        Bench { scene, dispatcher }
    }

    /// Another dispatcher takes the database over.
    async fn restart(&mut self) {
        self.dispatcher = open(&self.scene).await;
        assert!(self.dispatcher.resume().await.unwrap().is_empty());
    }

    async fn submit(&self, name: &str, text: &str, fresh: bool) -> String {
        let source = format!("name = \"{name}\"\n{text}");
        let sweep = Sweep::parse(source.as_bytes(), MAX_CELLS).unwrap();
        let how = Submission { fresh, tags: Vec::new() };
        self.dispatcher.submit(sweep, &source, &BTreeMap::new(), &how).await.unwrap()
    }

    async fn worker(&self, name: &str) -> Arrival {
        self.dispatcher.arrive(name, &provenance(), 2, 1, &[]).await.unwrap()
    }

    /// Nothing that is stored contradicts itself.
    async fn assert_sound(&self) {
        for checked in self.scene.store.check().await.unwrap() {
            assert_eq!(checked.violations, 0, "{checked:?}");
        }
    }

    /// Leases one cell.
    async fn one(&self, worker: &Arrival) -> Option<Lease> {
        let mut leases = self.dispatcher.lease(&worker.seat, 1).await.unwrap();
        assert!(leases.len() <= 1);
        leases.pop()
    }

    async fn report(&self, worker: &Arrival, lease: &Lease, ending: job::Ending) -> Verdict {
        let report = Report { sweep: lease.sweep.clone(), cell: lease.cell, fence: lease.fence, ending };
        self.dispatcher.deliver(&worker.seat, vec![report]).await.unwrap().remove(0)
    }

    /// Delivers an outcome with these errors.
    async fn done(&self, worker: &Arrival, lease: &Lease, test_rel: f64, validation: f64) -> Verdict {
        self.report(worker, lease, job::Ending::Outcome(Box::new(outcome(test_rel, validation)))).await
    }

    /// Trains everything; the error of a cell is `error` of its learning rate. The cells that were trained.
    async fn train(&self, worker: &Arrival, error: impl Fn(f64) -> f64) -> Vec<(u64, f64)> {
        let mut trained = Vec::new();
        while let Some(lease) = self.one(worker).await {
            let lr = lease.trial.float("lr");
            assert_eq!(self.done(worker, &lease, error(lr), error(lr)).await, Verdict::Taken);
            trained.push((lease.cell, lr));
        }
        trained
    }

    async fn state(&self, sweep: &str) -> SweepState {
        self.scene.store.find_sweep(sweep).await.unwrap().state
    }

    async fn count(&self, text: &str) -> u64 {
        let table = self.scene.store.query(text, &Limits::default()).await.unwrap();
        match table.rows[0][0] {
            sweep_coordinator::store::Datum::Int(n) => n as u64,
            ref other => panic!("{other:?}"),
        }
    }
}

async fn open(scene: &Scene) -> Dispatcher {
    let settings = Settings { bundle_seconds: 0.0, ..Settings::cluster() };
    Dispatcher::open_with(scene.store.clone(), Arc::new(Still(AtomicU64::new(1_000))), settings).await.unwrap()
}

fn filter(text: &str) -> Filter {
    Filter::parse(text).unwrap()
}

fn key(lease: &Lease) -> (String, u64, i64) {
    (lease.sweep.clone(), lease.cell, lease.fence)
}

fn keys(leases: &[sweep_coordinator::store::Lease]) -> Vec<(String, u64, i64)> {
    leases.iter().map(|lease| (lease.sweep.clone(), lease.cell, lease.fence)).collect()
}

async fn a_paused_sweep_gives_nothing_out_and_takes_what_runs(mut bench: Bench) {
    let sweep = bench.submit("a", PLAIN, false).await;
    let mut worker = bench.worker("w1").await;
    let lease = bench.one(&worker).await.unwrap();
    bench.dispatcher.pause(&sweep).await.unwrap();
    assert_eq!(bench.state(&sweep).await, SweepState::Paused);
    let Ok(Order::GiveBack(wanted)) = worker.orders.try_recv() else { panic!("nothing is asked back") };
    assert_eq!(keys(&wanted), [key(&lease)]);
    assert!(bench.one(&worker).await.is_none());
    assert_eq!(bench.done(&worker, &lease, 0.5, 0.5).await, Verdict::Taken);
    // Paused it stays: told again, and over a restart.
    bench.dispatcher.pause(&sweep).await.unwrap();
    bench.restart().await;
    let worker = bench.worker("w1").await;
    assert!(bench.one(&worker).await.is_none());
    bench.dispatcher.go_on(&sweep).await.unwrap();
    assert_eq!(bench.train(&worker, |lr| lr).await.len(), 2);
    assert_eq!(bench.state(&sweep).await, SweepState::Finished);
}

async fn a_cancelled_sweep_drops_its_runs_and_can_go_on(bench: Bench) {
    let sweep = bench.submit("a", PLAIN, false).await;
    let mut worker = bench.worker("w1").await;
    let first = bench.one(&worker).await.unwrap();
    assert_eq!(bench.done(&worker, &first, 0.5, 0.5).await, Verdict::Taken);
    let lease = bench.one(&worker).await.unwrap();
    bench.dispatcher.cancel(&sweep).await.unwrap();
    bench.dispatcher.cancel(&sweep).await.unwrap();
    let Ok(Order::Cancel(taken)) = worker.orders.try_recv() else { panic!("the run is not dropped") };
    assert_eq!(keys(&taken), [key(&lease)]);
    assert!(bench.one(&worker).await.is_none());
    // A worker that had finished before it heard.
    let Verdict::Refused(_) = bench.done(&worker, &lease, 0.5, 0.5).await else { panic!("the run counts") };
    let counts = bench.scene.store.counts(&sweep).await.unwrap();
    assert_eq!((counts.done, counts.cancelled, counts.leased), (1, 1, 0));
    assert_eq!(bench.state(&sweep).await, SweepState::Cancelled);
    bench.dispatcher.go_on(&sweep).await.unwrap();
    let again = bench.one(&worker).await.unwrap();
    assert_eq!((again.cell, again.fence), (lease.cell, lease.fence + 1));
    assert_eq!(bench.done(&worker, &again, 0.5, 0.5).await, Verdict::Taken);
    assert_eq!(bench.train(&worker, |lr| lr).await.len(), 1);
    assert_eq!(bench.state(&sweep).await, SweepState::Finished);
}

async fn what_is_over_cannot_be_paused_resumed_or_cancelled(bench: Bench) {
    let sweep = bench.submit("a", PLAIN, false).await;
    let worker = bench.worker("w1").await;
    bench.train(&worker, |lr| lr).await;
    let (pause, go_on, cancel) = (
        bench.dispatcher.pause(&sweep).await,
        bench.dispatcher.go_on(&sweep).await,
        bench.dispatcher.cancel(&sweep).await,
    );
    for (refused, wanted) in [(pause, "paused"), (go_on, "resumed"), (cancel, "cancelled")] {
        let Err(error @ Error::State { .. }) = refused else { panic!("{wanted}") };
        assert_eq!(error.to_string(), format!("sweep {sweep} is finished, and cannot be {wanted}"));
    }
    let second = bench.submit("b", PLAIN, true).await;
    bench.dispatcher.cancel(&second).await.unwrap();
    let Err(Error::State { .. }) = bench.dispatcher.pause(&second).await else { panic!("a cancelled one was paused") };
    assert!(matches!(bench.dispatcher.prioritise(&sweep, 1001).await, Err(Error::Priority(1001))));
}

async fn a_cell_that_is_tried_again_has_all_its_tries_again(mut bench: Bench) {
    let sweep = bench.submit("a", PLAIN, false).await;
    let worker = bench.worker("w1").await;
    let mut cell = None;
    for _ in 0..2 {
        let lease = bench.one(&worker).await.unwrap();
        assert_eq!(*cell.get_or_insert(lease.cell), lease.cell);
        bench.report(&worker, &lease, job::Ending::Failed("no memory".to_owned())).await;
    }
    let cell = cell.unwrap();
    let stored = |bench: &Bench| {
        let (store, sweep) = (bench.scene.store.clone(), sweep.clone());
        async move { store.cell(&sweep, cell).await.unwrap().unwrap() }
    };
    assert_eq!(stored(&bench).await.state, CellState::Quarantined);
    bench.train(&worker, |lr| lr).await;
    assert_eq!(bench.state(&sweep).await, SweepState::Finished);
    // What does not fit stays; what fits has two tries again, also after a restart.
    assert_eq!(bench.dispatcher.retry(&sweep, &filter("state = failed")).await.unwrap(), 0);
    assert_eq!(bench.dispatcher.retry(&sweep, &filter("state = quarantined")).await.unwrap(), 1);
    assert_eq!(bench.state(&sweep).await, SweepState::Running);
    bench.restart().await;
    let worker = bench.worker("w1").await;
    let lease = bench.one(&worker).await.unwrap();
    assert_eq!((lease.cell, lease.fence), (cell, 3));
    bench.report(&worker, &lease, job::Ending::Failed("no memory".to_owned())).await;
    assert_eq!(stored(&bench).await.state, CellState::Ready);
    let lease = bench.one(&worker).await.unwrap();
    assert_eq!(bench.done(&worker, &lease, 0.5, 0.5).await, Verdict::Taken);
    assert_eq!(bench.state(&sweep).await, SweepState::Finished);
    let endings: Vec<_> = stored(&bench).await.attempts.into_iter().map(|attempt| attempt.ending.unwrap()).collect();
    assert_eq!(endings, [Ending::Failed, Ending::Failed, Ending::Failed, Ending::Recorded]);
}

async fn a_result_that_is_tried_again_is_replaced_and_not_linked(bench: Bench) {
    let sweep = bench.submit("a", PLAIN, false).await;
    let worker = bench.worker("w1").await;
    bench.train(&worker, |lr| lr).await;
    // Another sweep is linked to what the first has.
    let other = bench.submit("b", PLAIN, false).await;
    assert!(bench.one(&worker).await.is_none());
    assert_eq!(bench.scene.store.counts(&other).await.unwrap().linked, 3);
    let before = bench.scene.store.cell(&sweep, 1).await.unwrap().unwrap();
    assert_eq!(bench.dispatcher.retry(&sweep, &filter("lr = 0.2 and status = budget")).await.unwrap(), 1);
    assert_eq!(bench.scene.store.cell(&sweep, 1).await.unwrap().unwrap().outcome, None);
    assert_eq!(bench.train(&worker, |_| 0.125).await, [(1, 0.2)]);
    let after = bench.scene.store.cell(&sweep, 1).await.unwrap().unwrap();
    assert!(after.outcome != before.outcome && after.fence == before.fence + 1 && !after.linked);
    assert_eq!(bench.count("SELECT count(*) FROM outcomes").await, 4, "the other sweep keeps its result");
    assert_eq!(bench.state(&sweep).await, SweepState::Finished);
    // One that nobody else refers to goes.
    assert_eq!(bench.dispatcher.retry(&sweep, &filter("cell = 1")).await.unwrap(), 1);
    assert_eq!(bench.count("SELECT count(*) FROM outcomes").await, 3);
}

async fn the_higher_priority_goes_first_also_after_a_restart(mut bench: Bench) {
    let first = bench.submit("a", PLAIN, true).await;
    let second = bench.submit("b", PLAIN, true).await;
    let worker = bench.worker("w1").await;
    let lease = bench.one(&worker).await.unwrap();
    assert_eq!(lease.sweep, first);
    bench.done(&worker, &lease, 0.5, 0.5).await;
    bench.dispatcher.prioritise(&second, 10).await.unwrap();
    let lease = bench.one(&worker).await.unwrap();
    assert_eq!(lease.sweep, second);
    bench.done(&worker, &lease, 0.5, 0.5).await;
    bench.restart().await;
    let worker = bench.worker("w1").await;
    let lease = bench.one(&worker).await.unwrap();
    assert_eq!(lease.sweep, second);
    bench.done(&worker, &lease, 0.5, 0.5).await;
    bench.dispatcher.prioritise(&second, -1).await.unwrap();
    assert_eq!(bench.one(&worker).await.unwrap().sweep, first);
}

async fn a_fresh_sweep_links_nothing_also_after_a_restart(mut bench: Bench) {
    bench.submit("a", PLAIN, false).await;
    let worker = bench.worker("w1").await;
    bench.train(&worker, |lr| lr).await;
    let fresh = bench.submit("a", PLAIN, true).await;
    let lease = bench.one(&worker).await.unwrap();
    bench.done(&worker, &lease, 0.5, 0.5).await;
    bench.restart().await;
    let worker = bench.worker("w1").await;
    assert_eq!(bench.train(&worker, |lr| lr).await.len(), 2);
    assert_eq!(bench.scene.store.counts(&fresh).await.unwrap().linked, 0);
}

/// Trains a tuned sweep in which the first learning rate wins; its id. Cells 0 and 1 tune, 2 and 3 are refits.
async fn tuned(bench: &Bench, worker: &Arrival) -> String {
    let sweep = bench.submit("a", TUNED, false).await;
    assert_eq!(bench.train(worker, |lr| lr).await, [(0, 0.1), (1, 0.2), (2, 0.1), (3, 0.1)]);
    assert_eq!(bench.state(&sweep).await, SweepState::Finished);
    sweep
}

async fn another_winner_has_its_refits_trained_again(bench: Bench) {
    let worker = bench.worker("w1").await;
    let sweep = tuned(&bench, &worker).await;
    assert_eq!(bench.dispatcher.retry(&sweep, &filter("stage = tuning and lr = 0.2")).await.unwrap(), 1);
    assert_eq!(bench.state(&sweep).await, SweepState::Running);
    bench.assert_sound().await;
    assert_eq!(bench.train(&worker, |_| 0.01).await, [(1, 0.2), (2, 0.2), (3, 0.2)]);
    bench.assert_sound().await;
    assert_eq!(bench.state(&sweep).await, SweepState::Finished);
    assert_eq!(bench.count("SELECT count(*) FROM results WHERE stage = 'refit' AND lr = 0.2").await, 2);
    assert_eq!(bench.count("SELECT count(*) FROM results").await, 4);
}

async fn the_same_winner_keeps_its_refits(mut bench: Bench) {
    let worker = bench.worker("w1").await;
    let sweep = tuned(&bench, &worker).await;
    assert_eq!(bench.dispatcher.retry(&sweep, &filter("stage = tuning")).await.unwrap(), 2);
    bench.restart().await;
    let worker = bench.worker("w1").await;
    assert_eq!(bench.train(&worker, |lr| lr).await, [(0, 0.1), (1, 0.2)]);
    assert_eq!(bench.state(&sweep).await, SweepState::Finished);
    assert_eq!(bench.scene.store.cell(&sweep, 2).await.unwrap().unwrap().fence, 1);
}

async fn a_refit_that_comes_back_while_its_group_is_tuned_waits(bench: Bench) {
    let worker = bench.worker("w1").await;
    let sweep = bench.submit("a", TUNED, false).await;
    for error in [0.1, 0.2] {
        let lease = bench.one(&worker).await.unwrap();
        bench.done(&worker, &lease, error, error).await;
    }
    let refit = bench.one(&worker).await.unwrap();
    assert_eq!((refit.cell, refit.trial.float("lr")), (2, 0.1));
    assert_eq!(bench.dispatcher.retry(&sweep, &filter("cell = 1")).await.unwrap(), 1);
    bench.report(&worker, &refit, job::Ending::HandedBack(b"the winner's state".to_vec())).await;
    // The tuning cell alone; then the refits with what wins, and without the state of another trial.
    let tuning = bench.one(&worker).await.unwrap();
    assert_eq!(tuning.cell, 1);
    assert!(bench.one(&worker).await.is_none());
    bench.done(&worker, &tuning, 0.01, 0.01).await;
    assert_eq!(bench.train(&worker, |_| 0.01).await, [(2, 0.2), (3, 0.2)]);
    assert_eq!(bench.state(&sweep).await, SweepState::Finished);
    bench.assert_sound().await;
}

async fn a_paused_sweep_whose_last_cell_ends_is_finished_also_after_a_restart(mut bench: Bench) {
    let sweep = bench.submit("a", PLAIN, false).await;
    let worker = bench.worker("w1").await;
    for _ in 0..2 {
        let lease = bench.one(&worker).await.unwrap();
        bench.done(&worker, &lease, 0.5, 0.5).await;
    }
    let last = bench.one(&worker).await.unwrap();
    bench.dispatcher.pause(&sweep).await.unwrap();
    bench.restart().await;
    let holds = [sweep_coordinator::store::Lease { sweep: sweep.clone(), cell: last.cell, fence: last.fence }];
    let worker = bench.dispatcher.arrive("w1", &provenance(), 2, 1, &holds).await.unwrap();
    assert_eq!(keys(&worker.kept), [key(&last)]);
    assert_eq!(bench.done(&worker, &last, 0.5, 0.5).await, Verdict::Taken);
    assert_eq!(bench.state(&sweep).await, SweepState::Finished);
    bench.assert_sound().await;
}

async fn the_id_of_a_sweep_that_was_removed_is_given_to_no_other(bench: Bench) {
    let first = bench.submit("a", PLAIN, false).await;
    let worker = bench.worker("w1").await;
    let lease = bench.one(&worker).await.unwrap();
    bench.dispatcher.remove(&first).await.unwrap();
    let second = bench.submit("a", PLAIN, false).await;
    assert_ne!(first, second);
    // A result that was on its way when its sweep was removed.
    let again = bench.one(&worker).await.unwrap();
    assert_eq!((again.cell, again.fence), (lease.cell, lease.fence));
    let Verdict::Refused(_) = bench.done(&worker, &lease, 0.5, 0.5).await else { panic!("a result of another sweep") };
    assert_eq!(bench.train(&worker, |lr| lr).await.len(), 2);
    bench.assert_sound().await;
}
