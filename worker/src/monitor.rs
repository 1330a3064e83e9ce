//! The surroundings of a run: its clock, its limits, and the wish to have it back.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Instant;
use sweep_core::train::{Control, Monitor};

/// Go on.
pub const CONTINUE: u8 = 0;
/// Hand back after the current step.
pub const HAND_BACK: u8 = 1;

/// The monitor of one attempt in a slot.
pub struct SlotMonitor<F> {
    started: Instant,
    ask: Arc<AtomicU8>,
    seconds_limit: f64,
    checkpoint_seconds: f64,
    next_checkpoint: f64,
    keep: F,
}

impl<F: FnMut(u64, Vec<u8>)> SlotMonitor<F> {
    /// `keep` takes checkpoints.
    pub fn new(ask: Arc<AtomicU8>, seconds_limit: Option<f64>, checkpoint_seconds: f64, keep: F) -> SlotMonitor<F> {
        let seconds_limit = seconds_limit.unwrap_or(f64::INFINITY);
        SlotMonitor {
            started: Instant::now(),
            ask,
            seconds_limit,
            checkpoint_seconds,
            next_checkpoint: checkpoint_seconds,
            keep,
        }
    }
}

impl<F: FnMut(u64, Vec<u8>)> Monitor for SlotMonitor<F> {
    fn seconds(&self) -> (f64, f64) {
        (self.started.elapsed().as_secs_f64(), thread_cpu_seconds())
    }

    fn control(&mut self, _: u64) -> Control {
        if self.ask.load(Ordering::Relaxed) == HAND_BACK {
            return Control::HandBack;
        }
        let elapsed = self.started.elapsed().as_secs_f64();
        if elapsed >= self.seconds_limit {
            return Control::OutOfTime;
        }
        if elapsed >= self.next_checkpoint {
            self.next_checkpoint = elapsed + self.checkpoint_seconds;
            return Control::Checkpoint;
        }
        Control::Continue
    }

    fn checkpoint(&mut self, step: u64, bytes: Vec<u8>) {
        (self.keep)(step, bytes);
    }
}

/// CPU seconds of the calling thread since it started.
fn thread_cpu_seconds() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // Safety: the call only writes the struct it is given.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    time.tv_sec as f64 + 1e-9 * time.tv_nsec as f64
}
