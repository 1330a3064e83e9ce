//! Leases out: which cells a worker gets.
//!
//! A cell that failed goes to another worker where there is one. A cell that was suspected twice goes to a worker that
//! runs nothing else, alone, so that what it does is its own doing.

use super::active::Active;
use super::presence::Seat;
use super::{ALONE_AFTER, Dispatcher, Error, Result};
use crate::store::{Granted, NewCell};
use sweep_core::job::Lease;
use sweep_core::trial::Trial;

/// Most leases in one answer.
const BUNDLE_CELLS: usize = 512;

impl Dispatcher {
    /// Leases for `idle` slots of a worker; empty where there are none now. The checkpoint of a cell that was leased
    /// before (its fence is above 1) is to be fetched apart. Where there are none, a worker with more than its slots can
    /// begin is asked to give some back.
    ///
    /// # Errors
    /// [`Error::Gone`]; what the database says.
    pub async fn lease(&self, seat: &Seat, idle: usize) -> Result<Vec<Lease>> {
        let mut active = self.active.lock().await;
        if !self.presence().is_current(seat) {
            return Err(Error::Gone(seat.worker.clone()));
        }
        if self.presence().is_alone(&seat.worker) {
            return Ok(Vec::new());
        }
        self.refresh_all(&mut active).await?;
        for sweep in active.iter_mut().filter(|sweep| !sweep.paused && !sweep.progress.is_finished()) {
            let leases = self.lease_from(sweep, seat, idle).await.inspect_err(|_| sweep.stale = true)?;
            if !leases.is_empty() {
                return Ok(leases);
            }
        }
        self.presence().ask_back(seat, self.clock.monotonic_ms());
        Ok(Vec::new())
    }

    /// Leases of one sweep; empty where it has none now.
    async fn lease_from(&self, active: &mut Active, seat: &Seat, idle: usize) -> Result<Vec<Lease>> {
        let worker = &seat.worker;
        let bundle = self.settings.bundle_seconds * idle as f64;
        let (mut leases, mut aside, mut seconds, mut alone) = (Vec::new(), Vec::new(), 0.0, false);
        while !alone && (leases.len() < idle || (seconds < bundle && leases.len() < BUNDLE_CELLS)) {
            // Cells in bundles, too: one transaction for all of them.
            let mut cells = Vec::new();
            while !alone
                && leases.len() + cells.len() < BUNDLE_CELLS.max(idle)
                && (leases.len() + cells.len() < idle || seconds < bundle)
            {
                let Some((cell, forecast)) = active.schedule.take() else { break };
                match self.suits(active, cell, worker, idle, leases.is_empty() && cells.is_empty()) {
                    Suits::No => {
                        aside.push(cell);
                        continue;
                    }
                    Suits::Alone => alone = true,
                    Suits::Yes => {}
                }
                // A cell that was leased when a process died fills a bundle by itself: whatever waits behind it in a
                // slot's queue would be suspected with it if it ends the next process, too.
                let suspected = active.trouble.get(&cell).is_some_and(|trouble| trouble.suspected > 0);
                seconds += if suspected { bundle } else { forecast };
                cells.push(active.recipe(cell)?);
            }
            if cells.is_empty() {
                break;
            }
            let (cells, trials): (Vec<NewCell>, Vec<Trial>) = cells.into_iter().unzip();
            let (link, now) = (active.link, self.clock.now_ms());
            let granted = self.store.grant(&active.id, &cells, link, worker, now).await?;
            let mut linked = Vec::new();
            for ((cell, trial), granted) in cells.into_iter().zip(trials).zip(granted) {
                let lease = match granted {
                    Some(Granted::Leased(lease)) => lease,
                    Some(Granted::Linked) => {
                        active.schedule.skip(cell.cell);
                        active.progress.done += 1;
                        active.progress.linked += 1;
                        linked.push(cell.cell);
                        continue;
                    }
                    None => {
                        active.schedule.skip(cell.cell);
                        continue;
                    }
                };
                self.presence().grant(seat, &lease, alone);
                leases.push(Lease {
                    sweep: lease.sweep,
                    cell: lease.cell,
                    fence: lease.fence,
                    trial,
                    seconds_limit: active.sweep.seconds,
                    checkpoint: None,
                });
            }
            // After the grants: they are stored, and the worker is to hear of them whatever becomes of this.
            for cell in linked {
                if let Err(error) = self.finish(active, cell).await {
                    if leases.is_empty() {
                        return Err(error);
                    }
                    tracing::warn!(sweep = active.id, cell, %error, "a linked cell was not settled; the sweep is read anew");
                    active.stale = true;
                    // No more of it now.
                    alone = true;
                }
            }
        }
        aside.into_iter().for_each(|cell| active.schedule.give_back(cell));
        Ok(leases)
    }

    /// Whether a cell may go to this worker; `first`: it would be the first of the answer.
    fn suits(&self, active: &Active, cell: u64, worker: &str, idle: usize, first: bool) -> Suits {
        let Some(trouble) = active.trouble.get(&cell) else { return Suits::Yes };
        let presence = self.presence();
        if trouble.by.as_deref() == Some(worker) && presence.has_others(worker) {
            Suits::No
        } else if trouble.suspected < ALONE_AFTER {
            Suits::Yes
        } else if first && presence.is_free(worker) && idle >= presence.slots(worker) {
            Suits::Alone
        } else {
            Suits::No
        }
    }
}

/// Whether a cell may go to a worker.
enum Suits {
    Yes,
    Alone,
    No,
}
