//! The link of a worker in the same process.

use super::presence::Seat;
use super::{Dispatcher, Error, Result};
use crate::store;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use sweep_core::job::{Answer, Checkpoint, Link, Provenance, Report};

/// A worker's link to a dispatcher in its own process. Nothing is taken from it: who holds leases is not asked whether
/// it lives.
pub struct Local {
    dispatcher: Arc<Dispatcher>,
    seat: Seat,
}

impl Dispatcher {
    /// A [`Link`] within this process for a worker that computes with `provenance`.
    ///
    /// # Errors
    /// What the database says.
    pub async fn connect(
        self: &Arc<Self>,
        worker: &str,
        provenance: &Provenance,
        cores: u32,
        slots: u32,
    ) -> Result<Local> {
        let seat = self.arrive(worker, provenance, cores, slots, &[]).await?.seat;
        Ok(Local { dispatcher: Arc::clone(self), seat })
    }

    /// The checkpoint of a cell, where it has one.
    ///
    /// # Errors
    /// What the database says.
    pub async fn checkpoint(&self, sweep: &str, cell: u64) -> Result<Option<Vec<u8>>> {
        Ok(self.store.checkpoint(sweep, cell).await?.map(|(_, bytes)| bytes))
    }

    /// Keeps a checkpoint. False where its lease no longer holds, or there is no room for it: the run goes on all the
    /// same, and a later attempt at the cell begins where the last one that was kept stands.
    ///
    /// # Errors
    /// What the database says.
    pub async fn keep(&self, checkpoint: Checkpoint) -> Result<bool> {
        let Checkpoint { sweep, cell, fence, step, bytes } = checkpoint;
        let lease = store::Lease { sweep, cell, fence };
        self.keep_state(&lease, step, &bytes).await
    }

    /// The same, of a lease.
    pub(super) async fn keep_state(&self, lease: &store::Lease, step: u64, bytes: &[u8]) -> Result<bool> {
        let kept = self.store.save_checkpoint(lease, step, bytes, self.clock.now_ms()).await;
        let full = matches!(kept, Err(store::Error::NoRoom { .. }));
        // Once, until there is room again.
        let said = self.no_room.swap(full, Ordering::Relaxed);
        match kept {
            Err(error) if full => {
                if !said {
                    tracing::warn!("cell {}/{} trains on without: {error}", lease.sweep, lease.cell);
                }
                Ok(false)
            }
            kept => Ok(kept?),
        }
    }

    /// The file of this content hash.
    ///
    /// # Errors
    /// [`Error::Content`] where it is not there.
    pub async fn content(&self, hash: &str) -> Result<Arc<[u8]>> {
        let bytes = self.store.blob(hash).await?;
        bytes.map(Arc::from).ok_or_else(|| Error::Content(hash.to_owned()))
    }
}

impl Link for Local {
    type Error = Error;

    async fn lease(&self, idle: usize) -> Result<Answer> {
        let mut leases = self.dispatcher.lease(&self.seat, idle).await?;
        if !leases.is_empty() {
            for lease in leases.iter_mut().filter(|lease| lease.fence > 1) {
                lease.checkpoint = self.dispatcher.checkpoint(&lease.sweep, lease.cell).await?;
            }
            return Ok(Answer::Leases(leases));
        }
        let active = self.dispatcher.active.lock().await;
        let over = active.iter().all(|sweep| sweep.paused || sweep.schedule.is_empty());
        Ok(if over { Answer::Finished } else { Answer::Wait })
    }

    async fn report(&self, reports: Vec<Report>) -> Result<()> {
        // What was refused is a notice; there is nothing to do about it here.
        self.dispatcher.deliver(&self.seat, reports).await.map(|_| ())
    }

    async fn checkpoint(&self, checkpoint: Checkpoint) -> Result<()> {
        self.dispatcher.keep(checkpoint).await.map(|_| ())
    }

    async fn content(&self, hash: &str) -> Result<Arc<[u8]>> {
        self.dispatcher.content(hash).await
    }
}
