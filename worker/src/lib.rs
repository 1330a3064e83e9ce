//! Slots that train cells: a worker keeps no state.
//!
//! Async code moves messages; training runs on threads of its own, one per slot, never on the runtime's. A slot takes
//! a lease, runs its trial and reports; a panic in a run ends that attempt only. [`run`] is the whole worker: it keeps
//! the slots busy, carries reports and checkpoints to the coordinator through a [`Link`], and drains when told.

pub mod machine;
mod monitor;
pub mod remote;
mod slot;

use slot::{Event, Slot};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use sweep_core::job::{Answer, Call, Ending, Key, Lease, Link, Report};
use tokio::sync::{mpsc, watch};

/// How a worker runs.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Attempts at a time.
    pub slots: usize,
    /// Seconds of training between two checkpoints of one run.
    pub checkpoint_seconds: f64,
    /// Wait between two questions for work when there was none.
    pub poll: Duration,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { slots: 1, checkpoint_seconds: 30.0, poll: Duration::from_millis(20) }
    }
}

/// Works until the coordinator has nothing more, or until `drain` turns true: then every running attempt is handed back
/// with a checkpoint, and leases not yet begun are handed back as they are.
///
/// # Errors
/// What the link says; everything that was running is dropped then, and its leases will expire.
pub async fn run<L: Link>(link: L, settings: Settings, mut drain: watch::Receiver<bool>) -> Result<(), L::Error> {
    let (events, mut inbox) = mpsc::unbounded_channel();
    let slots: Vec<Slot> =
        (0..settings.slots).map(|index| Slot::start(index, settings.checkpoint_seconds, events.clone())).collect();
    let mut idle: Vec<usize> = (0..settings.slots).rev().collect();
    let mut queue: VecDeque<Lease> = VecDeque::new();
    let mut contents: BTreeMap<String, Arc<[u8]>> = BTreeMap::new();
    // What each slot runs, and what of it nobody wants any more.
    let mut running: BTreeMap<usize, Key> = BTreeMap::new();
    let mut dropped: BTreeSet<Key> = BTreeSet::new();
    let mut reports: Vec<Report> = Vec::new();
    let (mut finished, mut called_back) = (false, false);
    loop {
        let draining = called_back || *drain.borrow();
        if draining {
            slots.iter().for_each(Slot::hand_back);
            // No more is wanted, and what is on the way goes back, too.
            if let Answer::Leases(leases) = link.lease(0).await? {
                queue.extend(leases);
            }
            reports.extend(queue.drain(..).map(slot::not_begun));
        } else if queue.len() < idle.len() && !finished {
            match link.lease(idle.len() - queue.len()).await? {
                Answer::Leases(leases) => queue.extend(leases),
                Answer::Wait => {}
                Answer::Finished => finished = true,
            }
        }
        while !draining && !idle.is_empty() && !queue.is_empty() {
            let (Some(index), Some(lease)) = (idle.pop(), queue.pop_front()) else { break };
            for hash in lease.trial.contents().unwrap_or_default() {
                if !contents.contains_key(hash) {
                    contents.insert(hash.to_owned(), link.content(hash).await?);
                }
            }
            running.insert(index, lease.key());
            slots[index].begin(lease, contents.clone());
        }
        // After the idle slots have work: they do not wait for the commit.
        if !reports.is_empty() {
            link.report(std::mem::take(&mut reports)).await?;
            finished = false;
        }
        if idle.len() == slots.len() && (draining || finished) {
            return Ok(());
        }
        // Whatever has happened, or time to ask again; a change of `drain` wakes too.
        let first = tokio::select! {
            event = inbox.recv() => event,
            () = tokio::time::sleep(settings.poll), if !finished && !draining && queue.len() < idle.len() => None,
            changed = drain.changed(), if !draining => {
                // A dropped sender can never ask to drain: go on without it.
                if changed.is_err() {
                    drain = watch::channel(false).1;
                }
                None
            }
            call = link.called() => {
                match call {
                    Call::Leases => {}
                    Call::Drain => called_back = true,
                    Call::GiveBack(keys) => {
                        reports.extend(take(&mut queue, &keys).into_iter().map(slot::not_begun));
                    }
                    Call::Cancel(keys) => {
                        take(&mut queue, &keys);
                        for (&index, key) in running.iter().filter(|(_, key)| keys.contains(key)) {
                            slots[index].hand_back();
                            dropped.insert(key.clone());
                        }
                    }
                }
                None
            }
        };
        for event in first.into_iter().chain(std::iter::from_fn(|| inbox.try_recv().ok())) {
            match event {
                Event::Ended(index, report) => {
                    idle.push(index);
                    let unwanted = running.remove(&index).is_some_and(|key| dropped.remove(&key));
                    // A result that came about all the same is told: it may be compared.
                    if !(unwanted && matches!(report.ending, Ending::HandedBack(_))) {
                        reports.push(report);
                    }
                }
                Event::Checkpoint(checkpoint) => link.checkpoint(checkpoint).await?,
            }
        }
    }
}

/// Takes the leases of these names out of `queue`.
fn take(queue: &mut VecDeque<Lease>, keys: &[Key]) -> Vec<Lease> {
    let (taken, left) = queue.drain(..).partition(|lease| keys.contains(&lease.key()));
    *queue = Vec::into(left);
    taken
}
