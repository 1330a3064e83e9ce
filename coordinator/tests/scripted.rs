//! Workers that say exactly what a script says, and a clock that is moved by hand: who keeps a lease, who loses it, and
//! what becomes of what is said too late, twice or not at all. On both databases, each with the checks of `sweep fsck` at its
//! end.

mod support;

use std::collections::BTreeMap;
use std::sync::Arc;
use support::clock::Hand;
use support::{Kind, Scene, outcome, provenance};
use sweep_coordinator::dispatch::presence::Seat;
use sweep_coordinator::dispatch::{Dispatcher, Notice, Orphans, Settings, Submission, Verdict, presence};
use sweep_coordinator::store::{self, CellState, Ending, SweepState};
use sweep_core::job::{self, Lease, Report};
use sweep_core::sweep::Sweep;

/// `DEPTHS` cells.
const SWEEP: &str = r#"
name = "scripted"
[problem]
n = 8
rank = 1
samples = 40
[train]
steps = 20
depth = DEPTHS
[[optimizer]]
name = "gd"
lr = 0.1
"#;

/// Each behaviour becomes one test per database.
macro_rules! on_both {
    ($($name:ident)*) => {
        mod sqlite { $(#[tokio::test] async fn $name() { super::$name(super::Kind::Sqlite).await; })* }
        mod postgres { $(#[tokio::test] async fn $name() { super::$name(super::Kind::Postgres).await; })* }
    };
}

on_both! {
    a_worker_that_is_not_heard_loses_its_lease_at_the_deadline_and_not_before
    a_late_result_is_kept_compared_and_told
    who_comes_back_within_the_grace_goes_on_under_the_same_fence
    a_restart_gives_every_lease_one_fresh_period
    a_sweep_whose_end_was_not_written_is_finished_by_the_next_start
    a_system_clock_that_jumps_takes_no_lease
    a_cell_that_fails_on_two_workers_is_set_aside
    a_suspected_cell_runs_alone_and_the_third_time_is_set_aside
    what_is_handed_back_counts_as_nothing_and_goes_on
    a_result_that_is_delivered_again_is_taken_and_makes_one_row
    a_run_whose_checkpoint_has_no_room_goes_on
}

/// A lease is 1 s, the grace 0.1 s, and leases come one by one.
const SETTINGS: Settings = Settings {
    presence: presence::Settings { lease_ms: 1_000, heartbeat_ms: 200, grace_ms: 100 },
    bundle_seconds: 0.0,
    orphans: Orphans::Wait,
};
/// Between two looks at deadlines.
const TICK_MS: u64 = 1;

struct Script {
    scene: Scene,
    clock: Hand,
    dispatcher: Arc<Dispatcher>,
    sweep: String,
}

impl Script {
    async fn new(kind: Kind, depths: &str) -> Script {
        let scene = Scene::new(kind).await;
        let clock = Hand::at(1_000_000);
        let dispatcher = Dispatcher::open_with(scene.store.clone(), Arc::new(clock.clone()), SETTINGS).await.unwrap();
        let source = SWEEP.replace("DEPTHS", depths);
        let sweep = Sweep::parse(source.as_bytes(), 100).unwrap();
        let sweep = dispatcher.submit(sweep, &source, &BTreeMap::new(), &Submission::default()).await.unwrap();
        Script { scene, clock, dispatcher: Arc::new(dispatcher), sweep }
    }

    /// The coordinator is killed, and another one starts.
    async fn restart(&mut self) {
        let store = self.scene.store.clone();
        let next = Dispatcher::open_with(store, Arc::new(self.clock.clone()), SETTINGS).await.unwrap();
        assert!(next.resume().await.unwrap().is_empty());
        self.dispatcher = Arc::new(next);
    }

    async fn comes(&self, worker: &str, holds: &[&Lease]) -> (Seat, usize) {
        let holds: Vec<store::Lease> = holds.iter().map(|lease| stored(lease)).collect();
        let arrival = self.dispatcher.arrive(worker, &provenance(), 1, 1, &holds).await.unwrap();
        (arrival.seat, arrival.kept.len())
    }

    async fn worker(&self, name: &str) -> Seat {
        self.comes(name, &[]).await.0
    }

    async fn lease(&self, seat: &Seat) -> Option<Lease> {
        let mut leases = self.dispatcher.lease(seat, 1).await.unwrap();
        assert!(leases.len() <= 1);
        leases.pop()
    }

    async fn says(&self, seat: &Seat, lease: &Lease, ending: job::Ending) -> Verdict {
        let report = Report { sweep: lease.sweep.clone(), cell: lease.cell, fence: lease.fence, ending };
        self.dispatcher.deliver(seat, vec![report]).await.unwrap().remove(0)
    }

    /// Time passes, in which deadlines are looked at and these are heard.
    async fn pass(&self, ms: u64, heard: &[&Seat]) {
        for _ in 0..ms / TICK_MS {
            self.clock.forward(TICK_MS);
            heard.iter().for_each(|seat| self.dispatcher.hear(seat).unwrap());
            self.dispatcher.expire().await.unwrap();
        }
    }

    async fn state(&self, cell: u64) -> CellState {
        self.scene.store.cell(&self.sweep, cell).await.unwrap().unwrap().state
    }

    /// How each attempt at a cell ended, in order.
    async fn endings(&self, cell: u64) -> Vec<Option<Ending>> {
        let cell = self.scene.store.cell(&self.sweep, cell).await.unwrap().unwrap();
        assert!(cell.attempts.iter().zip(1..).all(|(attempt, fence)| attempt.fence == fence), "{:?}", cell.attempts);
        cell.attempts.iter().map(|attempt| attempt.ending).collect()
    }

    async fn end(self) {
        let found = self.dispatcher.check().await.unwrap();
        let wrong: Vec<_> = found.iter().flat_map(|check| &check.examples).map(ToString::to_string).collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}

fn stored(lease: &Lease) -> store::Lease {
    store::Lease { sweep: lease.sweep.clone(), cell: lease.cell, fence: lease.fence }
}

fn result(test_rel: f64) -> job::Ending {
    job::Ending::Outcome(Box::new(outcome(test_rel, 0.5)))
}

async fn a_worker_that_is_not_heard_loses_its_lease_at_the_deadline_and_not_before(kind: Kind) {
    let script = Script::new(kind, "1").await;
    let (silent, other) = (script.worker("silent").await, script.worker("other").await);
    let lease = script.lease(&silent).await.unwrap();
    let mut notices = script.dispatcher.notices();
    script.pass(600, &[&silent, &other]).await;
    script.pass(999, &[&other]).await;
    assert_eq!(script.state(0).await, CellState::Leased, "999 ms after it was heard");
    assert!(script.lease(&other).await.is_none());
    script.pass(1, &[&other]).await;
    assert_eq!((script.state(0).await, lease.fence), (CellState::Ready, 1), "1000 ms after it was heard");
    assert_eq!(notices.try_recv().unwrap(), Notice::Lost { worker: "silent".to_owned(), leases: 1, hangs: true });
    let again = script.lease(&other).await.unwrap();
    assert_eq!((again.cell, again.fence), (0, 2));
    assert!(script.dispatcher.hear(&silent).is_err(), "it must come anew");
    assert_eq!(script.comes("silent", &[&lease]).await.1, 0, "and does not have it any more");
    script.end().await;
}

async fn a_late_result_is_kept_compared_and_told(kind: Kind) {
    let script = Script::new(kind, "[1, 2, 3]").await;
    let (late, other) = (script.worker("late").await, script.worker("other").await);
    let mut leases = Vec::new();
    for _ in 0..3 {
        leases.push(script.lease(&late).await.unwrap());
    }
    script.pass(1_000, &[&other]).await;
    let mut notices = script.dispatcher.notices();
    let mut told = async |lease: &Lease, test_rel: f64| {
        let Verdict::Refused(why) = script.says(&late, lease, result(test_rel)).await else { panic!("it was taken") };
        let Ok(Notice::Late { cell, differs, .. }) = notices.try_recv() else { panic!("nobody was told") };
        assert_eq!(cell, lease.cell);
        (differs, why)
    };
    // Nothing there yet; then the same numbers; then others.
    let (differs, why) = told(&leases[0], 0.5).await;
    assert!(differs.is_none() && why.contains("kept as a late attempt; the cell has no result yet"), "{why}");
    for _ in 0..3 {
        let lease = script.lease(&other).await.unwrap();
        assert_eq!(script.says(&other, &lease, result(0.5)).await, Verdict::Taken);
    }
    let (differs, why) = told(&leases[1], 0.5).await;
    assert!(differs == Some(false) && why.contains("its numbers equal those of the accepted result"), "{why}");
    let (differs, why) = told(&leases[2], 0.25).await;
    assert!(differs == Some(true) && why.contains("its numbers differ from those of the accepted result"), "{why}");
    for lease in &leases {
        assert_eq!(script.endings(lease.cell).await, [Some(Ending::Late), Some(Ending::Recorded)]);
        let cell = script.scene.store.cell(&script.sweep, lease.cell).await.unwrap().unwrap();
        let recorded = script.scene.store.outcome(cell.outcome.unwrap()).await.unwrap().unwrap();
        assert_eq!(recorded.outcome, outcome(0.5, 0.5), "what was accepted is unchanged");
    }
    script.end().await;
}

async fn who_comes_back_within_the_grace_goes_on_under_the_same_fence(kind: Kind) {
    let script = Script::new(kind, "[1, 2]").await;
    let (one, two) = (script.worker("one").await, script.worker("two").await);
    let (kept, lost) = (script.lease(&one).await.unwrap(), script.lease(&two).await.unwrap());
    script.dispatcher.leave(&one);
    script.dispatcher.leave(&two);
    script.pass(99, &[]).await;
    let (back, keeps) = script.comes("one", &[&kept]).await;
    assert_eq!(keeps, 1);
    script.pass(1, &[&back]).await;
    assert_eq!(script.state(lost.cell).await, CellState::Ready, "100 ms after its connection dropped");
    assert_eq!(script.comes("two", &[&lost]).await.1, 0);
    script.pass(5_000, &[&back]).await;
    assert_eq!(script.says(&back, &kept, result(0.5)).await, Verdict::Taken);
    assert_eq!(script.endings(kept.cell).await, [Some(Ending::Recorded)]);
    assert_eq!(script.endings(lost.cell).await, [Some(Ending::Lost)]);
    script.end().await;
}

async fn a_restart_gives_every_lease_one_fresh_period(kind: Kind) {
    let mut script = Script::new(kind, "[1, 2, 3]").await;
    let (here, gone) = (script.worker("here").await, script.worker("gone").await);
    let (kept, lost) = (script.lease(&here).await.unwrap(), script.lease(&gone).await.unwrap());
    script.pass(900, &[]).await;
    // It is down for hours: whoever held a lease could not be heard.
    script.clock.forward(36_000_000);
    script.restart().await;
    let other = script.worker("other").await;
    let third = script.lease(&other).await.unwrap();
    assert!(third.cell != kept.cell && third.cell != lost.cell);
    script.pass(999, &[&other]).await;
    assert_eq!((script.state(kept.cell).await, script.state(lost.cell).await), (CellState::Leased, CellState::Leased));
    let (back, keeps) = script.comes("here", &[&kept]).await;
    assert_eq!(keeps, 1);
    script.pass(1, &[&other]).await;
    assert_eq!((script.state(kept.cell).await, script.state(lost.cell).await), (CellState::Leased, CellState::Ready));
    assert_eq!(script.says(&back, &kept, result(0.5)).await, Verdict::Taken);
    assert_eq!(script.endings(kept.cell).await, [Some(Ending::Recorded)], "under the fence of the process before");
    assert_eq!(script.lease(&back).await.map(|lease| (lease.cell, lease.fence)), Some((lost.cell, 2)));
    script.end().await;
}

async fn a_sweep_whose_end_was_not_written_is_finished_by_the_next_start(kind: Kind) {
    let mut script = Script::new(kind, "1").await;
    let worker = script.worker("w").await;
    let lease = script.lease(&worker).await.unwrap();
    assert_eq!(script.says(&worker, &lease, result(0.5)).await, Verdict::Taken);
    // As if it had been killed after the commit of the last result.
    script.scene.store.set_sweep_state(&script.sweep, SweepState::Running).await.unwrap();
    script.restart().await;
    assert_eq!(script.scene.store.find_sweep(&script.sweep).await.unwrap().state, SweepState::Finished);
    script.end().await;
}

async fn a_system_clock_that_jumps_takes_no_lease(kind: Kind) {
    let script = Script::new(kind, "1").await;
    let worker = script.worker("w").await;
    let lease = script.lease(&worker).await.unwrap();
    for hours in [1, -2, 1] {
        script.clock.jump(hours * 3_600_000);
        script.pass(500, &[&worker]).await;
        assert_eq!(script.state(0).await, CellState::Leased);
    }
    script.clock.jump(-3_600_000);
    assert_eq!(script.says(&worker, &lease, result(0.5)).await, Verdict::Taken);
    script.end().await;
}

async fn a_cell_that_fails_on_two_workers_is_set_aside(kind: Kind) {
    let script = Script::new(kind, "1").await;
    let (one, two) = (script.worker("one").await, script.worker("two").await);
    let mut notices = script.dispatcher.notices();
    let failed = |why: &str| job::Ending::Failed(why.to_owned());
    let lease = script.lease(&one).await.unwrap();
    assert_eq!(script.says(&one, &lease, failed("once")).await, Verdict::Taken);
    assert!(script.lease(&one).await.is_none(), "it goes to another worker where there is one");
    let lease = script.lease(&two).await.unwrap();
    assert_eq!((lease.fence, script.says(&two, &lease, failed("twice")).await), (2, Verdict::Taken));
    assert_eq!(script.state(0).await, CellState::Quarantined);
    assert_eq!(script.endings(0).await, [Some(Ending::Failed); 2]);
    assert!(script.lease(&one).await.is_none() && script.lease(&two).await.is_none());
    let mut heard = Vec::new();
    while let Ok(Notice::Failed { error, quarantined, .. }) = notices.try_recv() {
        heard.push((error, quarantined));
    }
    assert_eq!(heard, [("once".to_owned(), false), ("twice".to_owned(), true)]);
    assert_eq!(script.scene.store.find_sweep(&script.sweep).await.unwrap().state, SweepState::Finished);
    script.end().await;
}

async fn a_suspected_cell_runs_alone_and_the_third_time_is_set_aside(kind: Kind) {
    let script = Script::new(kind, "[1, 2]").await;
    let worker = script.worker("w").await;
    let died = || job::Ending::Died("signal 9".to_owned());
    let poison = script.lease(&worker).await.unwrap();
    assert_eq!(script.says(&worker, &poison, died()).await, Verdict::Taken);
    let second = script.lease(&worker).await.unwrap();
    assert_eq!((second.cell, second.fence), (poison.cell, 2), "what came back goes first");
    assert_eq!(script.says(&worker, &second, died()).await, Verdict::Taken);
    assert_eq!(script.state(poison.cell).await, CellState::Ready);
    // Not beside another cell: a worker that has one gets none of this kind.
    let busy = script.worker("busy").await;
    let arrival = script.dispatcher.arrive("wide", &provenance(), 2, 2, &[]).await.unwrap().seat;
    let third = script.dispatcher.lease(&arrival, 2).await.unwrap();
    assert_eq!(third.len(), 1, "alone, though there are two slots and another cell is ready");
    assert_eq!((third[0].cell, third[0].fence), (poison.cell, 3));
    assert!(script.dispatcher.lease(&arrival, 1).await.unwrap().is_empty(), "nothing beside it");
    let other = script.lease(&busy).await.unwrap();
    assert_ne!(other.cell, poison.cell);
    assert_eq!(script.says(&arrival, &third[0], died()).await, Verdict::Taken);
    assert_eq!(script.state(poison.cell).await, CellState::Quarantined);
    assert_eq!(script.endings(poison.cell).await, [Some(Ending::Suspected); 3]);
    // The other goes on.
    assert_eq!(script.says(&busy, &other, result(0.5)).await, Verdict::Taken);
    assert_eq!(script.scene.store.find_sweep(&script.sweep).await.unwrap().state, SweepState::Finished);
    script.end().await;
}

async fn what_is_handed_back_counts_as_nothing_and_goes_on(kind: Kind) {
    let script = Script::new(kind, "1").await;
    let (one, two) = (script.worker("one").await, script.worker("two").await);
    for fence in 1..=5 {
        let lease = script.lease(&one).await.unwrap();
        assert_eq!(lease.fence, fence);
        let state = job::Ending::HandedBack(vec![fence as u8; 3]);
        assert_eq!(script.says(&one, &lease, state).await, Verdict::Taken);
        assert_eq!(script.dispatcher.checkpoint(&script.sweep, 0).await.unwrap(), Some(vec![fence as u8; 3]));
    }
    assert_eq!(script.endings(0).await, [Some(Ending::Returned); 5]);
    let lease = script.lease(&two).await.unwrap();
    // One that begins anew keeps what was saved before.
    assert_eq!(script.says(&two, &lease, job::Ending::HandedBack(Vec::new())).await, Verdict::Taken);
    assert_eq!(script.dispatcher.checkpoint(&script.sweep, 0).await.unwrap(), Some(vec![5; 3]));
    let lease = script.lease(&one).await.unwrap();
    assert_eq!(script.says(&one, &lease, result(0.5)).await, Verdict::Taken);
    assert_eq!(script.dispatcher.checkpoint(&script.sweep, 0).await.unwrap(), None);
    script.end().await;
}

async fn a_result_that_is_delivered_again_is_taken_and_makes_one_row(kind: Kind) {
    let mut script = Script::new(kind, "1").await;
    let worker = script.worker("w").await;
    let lease = script.lease(&worker).await.unwrap();
    let report = || Report { sweep: lease.sweep.clone(), cell: lease.cell, fence: lease.fence, ending: result(0.5) };
    let twice = script.dispatcher.deliver(&worker, vec![report(), report()]).await.unwrap();
    assert_eq!(twice, [Verdict::Taken, Verdict::Taken]);
    let (back, _) = script.comes("w", &[&lease]).await;
    assert_eq!(script.dispatcher.deliver(&back, vec![report()]).await.unwrap(), [Verdict::Taken]);
    script.restart().await;
    let (back, keeps) = script.comes("w", &[&lease]).await;
    assert_eq!((keeps, script.dispatcher.deliver(&back, vec![report()]).await.unwrap()), (0, vec![Verdict::Taken]));
    let limits = store::Limits::default();
    let rows = script.scene.store.query("SELECT count(*) FROM outcomes", &limits).await.unwrap().rows;
    assert_eq!(rows, [[store::Datum::Int(1)]]);
    assert_eq!(script.endings(0).await, [Some(Ending::Recorded)]);
    script.end().await;
}

async fn a_run_whose_checkpoint_has_no_room_goes_on(kind: Kind) {
    let script = Script::new(kind, "1").await;
    script.scene.store.set_checkpoint_quota(10).await.unwrap();
    let worker = script.worker("w").await;
    let lease = script.lease(&worker).await.unwrap();
    let keep = async |bytes: usize, step| {
        let Lease { sweep, cell, fence, .. } = lease.clone();
        script.dispatcher.keep(job::Checkpoint { sweep, cell, fence, step, bytes: vec![7; bytes] }).await.unwrap()
    };
    assert!(keep(10, 1).await && !keep(11, 2).await);
    // Handed back without room for its state, a later attempt begins where the last one stands that was kept.
    assert_eq!(script.says(&worker, &lease, job::Ending::HandedBack(vec![8; 11])).await, Verdict::Taken);
    assert_eq!(script.dispatcher.checkpoint(&script.sweep, 0).await.unwrap(), Some(vec![7; 10]));
    let lease = script.lease(&worker).await.unwrap();
    assert_eq!(script.says(&worker, &lease, result(0.5)).await, Verdict::Taken);
    script.end().await;
}
