//! What users say about a sweep after it was submitted: wait, go on, end, these cells once more, this one first.
//!
//! One rule: every change of a sweep's state is made under the lock that leases and reports need too, so none of them sees
//! half of it.
//!
//! | state | pause | go on | cancel | retry |
//! |---|---|---|---|---|
//! | running | paused | – | cancelled | running |
//! | paused | – | running | cancelled | paused |
//! | cancelled | refused | running | – | running |
//! | finished | refused | refused | refused | running |

use super::active::Active;
use super::{Dispatcher, Error, Result};
use crate::filter::Filter;
use crate::store::{CellState, SweepState};
use std::collections::BTreeSet;

/// Least and greatest priority of a sweep.
pub const PRIORITIES: std::ops::RangeInclusive<i64> = -1000..=1000;
/// Cells that are looked at in one go.
const PAGE: u64 = 5_000;

impl Dispatcher {
    /// Hands out no cell of the sweep `id` for now. What runs is finished; what has not begun is asked back.
    ///
    /// # Errors
    /// [`Error::State`] for one that is over.
    pub async fn pause(&self, id: &str) -> Result<()> {
        let mut all = self.active.lock().await;
        match self.store.find_sweep(id).await?.state {
            // Once more where it is paused: an earlier call may have ended in the middle.
            SweepState::Paused | SweepState::Running => {}
            state => return Err(Error::State { sweep: id.to_owned(), state, wanted: "paused" }),
        }
        self.store.set_sweep_state(id, SweepState::Paused).await?;
        all.iter_mut().filter(|active| active.id == id).for_each(|active| active.paused = true);
        self.presence().ask_all_back(id);
        Ok(())
    }

    /// Goes on with the sweep `id`, which was paused or cancelled: cancelled cells are handed out again.
    ///
    /// # Errors
    /// [`Error::State`] for one that is finished; [`Error::Source`].
    pub async fn go_on(&self, id: &str) -> Result<()> {
        let mut all = self.active.lock().await;
        match self.store.find_sweep(id).await?.state {
            SweepState::Running if all.iter().any(|active| active.id == id && !active.paused) => return Ok(()),
            SweepState::Finished => {
                return Err(Error::State { sweep: id.to_owned(), state: SweepState::Finished, wanted: "resumed" });
            }
            SweepState::Running | SweepState::Paused | SweepState::Cancelled => {}
        }
        self.store.go_on(id).await?;
        self.take_up(&mut all, id).await
    }

    /// Ends the sweep `id`: its runs are dropped, and no cell is handed out any more. Outcomes stay.
    ///
    /// # Errors
    /// [`Error::State`] for one that is finished.
    pub async fn cancel(&self, id: &str) -> Result<()> {
        let mut all = self.active.lock().await;
        match self.store.find_sweep(id).await?.state {
            SweepState::Finished => {
                return Err(Error::State { sweep: id.to_owned(), state: SweepState::Finished, wanted: "cancelled" });
            }
            SweepState::Running | SweepState::Paused | SweepState::Cancelled => {}
        }
        // Stored first: a worker that hears of it and asks for more gets none of these.
        self.store.cancel(id, self.clock.now_ms()).await?;
        all.retain(|active| active.id != id);
        self.revoke(|sweep, _| sweep == id);
        Ok(())
    }

    /// Runs the final cells of the sweep `id` that fit `filter` once more, from the beginning, whatever became of them; how
    /// many there are. Where they belong to tuning, their groups are judged anew, and refits are trained again if the winner
    /// changes.
    ///
    /// # Errors
    /// [`Error::Source`]; what the database says.
    pub async fn retry(&self, id: &str, filter: &Filter) -> Result<u64> {
        let stored = self.store.find_sweep(id).await?;
        let sweep = stored.parsed().map_err(|wrong| Error::Source(stored.id.clone(), wrong))?;
        let (mut cells, mut groups, mut last) = (Vec::new(), BTreeSet::new(), None);
        // Before the lock, for there may be a million; a final cell stays final but for its user.
        loop {
            let page = self.store.touched(id, last, PAGE).await?;
            last = page.last().map(|cell| cell.cell);
            for cell in &page {
                let open = matches!(cell.state, CellState::Ready | CellState::Leased);
                if !open && filter.fits(cell) {
                    cells.push(cell.cell);
                    groups.extend(sweep.place(cell.cell).map(|place| place.group));
                }
            }
            if (page.len() as u64) < PAGE {
                break;
            }
        }
        if cells.is_empty() {
            return Ok(0);
        }
        let mut all = self.active.lock().await;
        // Should this end in the middle, the copy is made anew; and a call that is repeated still finds the cells.
        all.iter_mut().filter(|active| active.id == id).for_each(|active| active.stale = true);
        let paused = self.store.find_sweep(id).await?.state == SweepState::Paused;
        if !paused {
            self.store.go_on(id).await?;
        }
        self.store.unselect(id, &groups.into_iter().collect::<Vec<_>>()).await?;
        let reopened = self.store.reopen(id, &cells).await?;
        if !paused {
            self.take_up(&mut all, id).await?;
        }
        Ok(reopened)
    }

    /// Gives the sweep `id` a rank among the others: those of a higher priority are worked on first, and of equal ones
    /// those that were submitted first. What runs is not disturbed.
    ///
    /// # Errors
    /// [`Error::Priority`].
    pub async fn prioritise(&self, id: &str, priority: i64) -> Result<()> {
        if !PRIORITIES.contains(&priority) {
            return Err(Error::Priority(priority));
        }
        let mut all = self.active.lock().await;
        self.store.set_priority(id, priority).await?;
        all.iter_mut().filter(|active| active.id == id).for_each(|active| active.priority = priority);
        in_order(&mut all);
        Ok(())
    }

    /// Works on the stored sweep `id` as it now stands in the database.
    async fn take_up(&self, all: &mut Vec<Active>, id: &str) -> Result<()> {
        let active = self.revive(self.store.find_sweep(id).await?).await?;
        if active.progress.is_finished() && !active.stale {
            self.store.set_sweep_state(id, SweepState::Finished).await?;
        }
        all.retain(|active| active.id != id);
        all.push(active);
        in_order(all);
        self.more();
        Ok(())
    }
}

/// Puts the sweeps in the order in which they are worked on.
pub(super) fn in_order(all: &mut [Active]) {
    all.sort_by_key(|active| (std::cmp::Reverse(active.priority), active.created_at_ms));
}
