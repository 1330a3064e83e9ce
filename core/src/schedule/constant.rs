//! No change.

use super::{Build, Schedule, WARMUP, warmed};
use crate::registry::Entry;

/// `η_t = η`.
pub const ENTRY: Entry<Build> =
    Entry { name: "constant", doc: "η_t = η", axes: &[WARMUP], build: |trial| warmed(trial, Constant) };

struct Constant;

impl Schedule for Constant {
    fn factor(&self, _: u64, _: u64, _: f64, _: &mut [f64]) -> f64 {
        1.0
    }
}
