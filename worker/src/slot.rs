//! One slot: a thread that runs one attempt at a time.

use crate::monitor::{CONTINUE, HAND_BACK, SlotMonitor};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc;
use sweep_core::job::{Checkpoint, Ending, Lease, Report};
use sweep_core::problem::Files;
use sweep_core::train::{self, Ended};
use tokio::sync::mpsc::UnboundedSender;

/// What a slot says.
pub enum Event {
    /// The slot of this index is free again.
    Ended(usize, Report),
    /// A run in the middle.
    Checkpoint(Checkpoint),
}

/// The handle of a slot's thread; the thread ends when it is dropped.
pub struct Slot {
    work: mpsc::Sender<(Lease, Contents)>,
    ask: Arc<AtomicU8>,
}

/// The files at hand, by content hash.
pub struct Contents(BTreeMap<String, Arc<[u8]>>);

impl Files for Contents {
    fn content(&self, hash: &str) -> Option<Arc<[u8]>> {
        self.0.get(hash).cloned()
    }
}

impl Slot {
    /// Starts the thread of slot `index`.
    pub fn start(index: usize, checkpoint_seconds: f64, events: UnboundedSender<Event>) -> Slot {
        let (work, inbox) = mpsc::channel::<(Lease, Contents)>();
        let ask = Arc::new(AtomicU8::new(CONTINUE));
        let heard = Arc::clone(&ask);
        let body = move || {
            while let Ok((lease, contents)) = inbox.recv() {
                let report = attempt(&lease, &contents, &heard, checkpoint_seconds, &events);
                if events.send(Event::Ended(index, report)).is_err() {
                    break;
                }
            }
        };
        // LAPACK keeps large arrays on the stack of the thread that calls it.
        let builder = std::thread::Builder::new().name(format!("slot-{index}")).stack_size(16 << 20);
        builder.spawn(body).expect("the system lets a process start a few threads");
        Slot { work, ask }
    }

    /// Gives the slot, which must be idle, an attempt.
    pub fn begin(&self, lease: Lease, contents: BTreeMap<String, Arc<[u8]>>) {
        self.ask.store(CONTINUE, Ordering::Relaxed);
        self.work.send((lease, Contents(contents))).expect("the thread lives as long as its slot");
    }

    /// Asks for what is running to be handed back after its current step.
    pub fn hand_back(&self) {
        self.ask.store(HAND_BACK, Ordering::Relaxed);
    }
}

/// A lease that was never begun, handed back with what it came with.
pub fn not_begun(lease: Lease) -> Report {
    Report { sweep: lease.sweep, cell: lease.cell, fence: lease.fence, ending: Ending::HandedBack(Vec::new()) }
}

fn attempt(
    lease: &Lease,
    contents: &Contents,
    ask: &Arc<AtomicU8>,
    checkpoint_seconds: f64,
    events: &UnboundedSender<Event>,
) -> Report {
    let keep = |step, bytes| {
        let Lease { sweep, cell, fence, .. } = lease;
        let checkpoint = Checkpoint { sweep: sweep.clone(), cell: *cell, fence: *fence, step, bytes };
        // A worker that is going away no longer listens; the run ends soon.
        let _ = events.send(Event::Checkpoint(checkpoint));
    };
    let mut monitor = SlotMonitor::new(Arc::clone(ask), lease.seconds_limit, checkpoint_seconds, keep);
    let run = || train::run(&lease.trial, contents, lease.checkpoint.as_deref(), &mut monitor);
    // Unwind safety: everything that the run touches is dropped with it.
    let ending = match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(Ended::Outcome(outcome))) => Ending::Outcome(outcome),
        Ok(Ok(Ended::HandedBack(bytes))) => Ending::HandedBack(bytes),
        Ok(Err(error)) => Ending::Failed(format!("failed to train: {error}")),
        Err(panic) => Ending::Failed(format!("panicked: {}", message(&*panic))),
    };
    Report { sweep: lease.sweep.clone(), cell: lease.cell, fence: lease.fence, ending }
}

fn message(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message")
}
