//! Half a cosine, from η to nearly 0.

use super::{Build, Schedule, WARMUP, warmed};
use crate::registry::Entry;

/// `η_t = η/2·(1 + cos(π(t−1)/T))`.
pub const ENTRY: Entry<Build> = Entry {
    name: "cosine",
    doc: "η_t = η/2·(1 + cos(π(t−1)/T)), t = 1 … T",
    axes: &[WARMUP],
    build: |trial| warmed(trial, Cosine),
};

/// Loshchilov, Hutter (2017), without restarts, down to 0.
struct Cosine;

impl Schedule for Cosine {
    fn factor(&self, t: u64, total: u64, _: f64, _: &mut [f64]) -> f64 {
        0.5 * (1.0 + (std::f64::consts::PI * (t - 1) as f64 / total as f64).cos())
    }
}
