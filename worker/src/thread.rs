//! A slot that is a thread of this process. A panic ends its attempt only; what ends a process ends this one.

use crate::monitor::{CONTINUE, HAND_BACK, SlotMonitor};
use crate::slot::{Event, Slot, Work, report};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc;
use sweep_core::job::{Checkpoint, Ending, Lease};
use sweep_core::train::{self, Ended};

/// The handle of a slot's thread; the thread ends when it is dropped.
pub struct ThreadSlot {
    work: mpsc::Sender<Work>,
    ask: Arc<AtomicU8>,
}

impl ThreadSlot {
    /// Starts the thread of slot `index`. It calls `tell` with every event; a false answer ends it.
    pub fn start(
        index: usize,
        checkpoint_seconds: f64,
        mut tell: impl FnMut(Event) -> bool + Send + 'static,
    ) -> ThreadSlot {
        let (work, inbox) = mpsc::channel::<Work>();
        let ask = Arc::new(AtomicU8::new(CONTINUE));
        let heard = Arc::clone(&ask);
        let body = move || {
            while let Ok(work) = inbox.recv() {
                let ending = attempt(&work, &heard, checkpoint_seconds, &mut tell);
                if !tell(Event::Ended(index, report(work.lease, ending))) {
                    break;
                }
            }
        };
        // LAPACK keeps large arrays on the stack of the thread that calls it.
        let builder = std::thread::Builder::new().name(format!("slot-{index}")).stack_size(16 << 20);
        builder.spawn(body).expect("the system lets a process start a few threads");
        ThreadSlot { work, ask }
    }
}

impl Slot for ThreadSlot {
    fn begin(&self, work: Work) {
        // An earlier wish may have come when there was nothing to hand back any more.
        self.ask.store(CONTINUE, Ordering::Relaxed);
        self.work.send(work).expect("the thread lives as long as its slot");
    }

    fn hand_back(&self) {
        self.ask.store(HAND_BACK, Ordering::Relaxed);
    }
}

fn attempt(work: &Work, ask: &Arc<AtomicU8>, checkpoint_seconds: f64, tell: &mut impl FnMut(Event) -> bool) -> Ending {
    let Lease { sweep, cell, fence, trial, seconds_limit, checkpoint } = &work.lease;
    let keep = |step, bytes| {
        let checkpoint = Checkpoint { sweep: sweep.clone(), cell: *cell, fence: *fence, step, bytes };
        // A worker that is going away no longer listens; the run ends soon.
        tell(Event::Checkpoint(checkpoint));
    };
    let mut monitor = SlotMonitor::new(Arc::clone(ask), *seconds_limit, checkpoint_seconds, keep);
    let run = || train::run(trial, &work.files, checkpoint.as_deref(), &mut monitor);
    // Unwind safety: everything that the run touches is dropped with it.
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(Ended::Outcome(outcome))) => Ending::Outcome(outcome),
        Ok(Ok(Ended::HandedBack(bytes))) => Ending::HandedBack(bytes),
        Ok(Err(error)) => Ending::Failed(format!("failed to train: {error}")),
        Err(panic) => Ending::Failed(format!("panicked: {}", message(&*panic))),
    }
}

fn message(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message")
}
