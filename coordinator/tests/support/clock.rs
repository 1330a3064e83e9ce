//! A clock that is moved by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use sweep_coordinator::clock::Clock;

/// A clock that stands still between two moves. Clones are the same clock.
#[derive(Debug, Clone)]
pub struct Hand(Arc<(AtomicI64, AtomicU64)>);

impl Hand {
    /// At this many milliseconds since 1970, and the same since some moment.
    pub fn at(ms: u64) -> Hand {
        Hand(Arc::new((AtomicI64::new(ms as i64), AtomicU64::new(ms))))
    }

    /// Time passes.
    pub fn forward(&self, ms: u64) {
        self.jump(ms as i64);
        self.0.1.fetch_add(ms, Ordering::SeqCst);
    }

    /// Somebody sets the system's clock.
    pub fn jump(&self, ms: i64) {
        self.0.0.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for Hand {
    fn now_ms(&self) -> i64 {
        self.0.0.load(Ordering::SeqCst)
    }

    fn monotonic_ms(&self) -> u64 {
        self.0.1.load(Ordering::SeqCst)
    }
}
