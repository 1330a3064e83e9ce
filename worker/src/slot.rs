//! A slot: a place where one attempt at a time runs, whatever it is made of.

use std::collections::BTreeMap;
use std::sync::Arc;
use sweep_core::job::{Checkpoint, Ending, Lease, Report};
use sweep_core::problem::Files;

/// What a slot says.
pub enum Event {
    /// The slot of this index is free again.
    Ended(usize, Report),
    /// A run in the middle.
    Checkpoint(Checkpoint),
}

/// An attempt to make, with the files that its trial names.
pub struct Work {
    pub lease: Lease,
    pub files: Contents,
}

/// Files at hand, by content hash.
#[derive(Clone, Default)]
pub struct Contents(pub BTreeMap<String, Arc<[u8]>>);

impl Files for Contents {
    fn content(&self, hash: &str) -> Option<Arc<[u8]>> {
        self.0.get(hash).cloned()
    }
}

/// The handle of a slot, which ends when it is dropped. Its events say what became of what it was given.
pub trait Slot: Send + Sync {
    /// Gives the slot, which must be idle, an attempt.
    fn begin(&self, work: Work);

    /// Asks for what is running, if anything, to be handed back after its current step.
    fn hand_back(&self);
}

/// A lease that was never begun, handed back; the checkpoint that it came with is still stored.
pub fn not_begun(lease: Lease) -> Report {
    report(lease, Ending::HandedBack(Vec::new()))
}

/// What became of the attempt of a lease.
pub fn report(lease: Lease, ending: Ending) -> Report {
    Report { sweep: lease.sweep, cell: lease.cell, fence: lease.fence, ending }
}
