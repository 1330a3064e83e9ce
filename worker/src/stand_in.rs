//! A slot without a run: each attempt is answered on the spot, so that what is measured is everything else.

use crate::slot::{Event, Slot, Work, report};
use sweep_core::job::{Ending, Lease};
use tokio::sync::mpsc::UnboundedSender;

/// A slot that answers with a function.
pub struct StandIn {
    /// Which slot it is.
    pub index: usize,
    /// What becomes of each attempt.
    pub answer: fn(&Lease) -> Ending,
    /// Who is told.
    pub events: UnboundedSender<Event>,
}

impl Slot for StandIn {
    fn begin(&self, work: Work) {
        let ending = (self.answer)(&work.lease);
        // A worker that no longer listens has dropped this slot, too.
        let _ = self.events.send(Event::Ended(self.index, report(work.lease, ending)));
    }

    /// Nothing ever runs here.
    fn hand_back(&self) {}
}
