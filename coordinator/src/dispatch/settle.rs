//! Reports in: what became of attempts; and leases that ended by themselves.
//!
//! Reports of many workers share commits without a task of their own: whoever gets the lock settles everything that
//! waits, and the others find their answer there. An answer is given only after the commit.

use super::active::{Active, Trouble};
use super::presence::Seat;
use super::{Dispatcher, Error, MAX_FAILED, MAX_SUSPECTED, Notice, Result};
use crate::store::{self, CellState, Ended, Ending, Finished, Recorded};
use sweep_core::job::{self, Report};
use sweep_core::outcome::{Outcome, Status};
use tokio::sync::oneshot;

/// What became of a report; durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It counts, or the same had counted before.
    Taken,
    /// It counts for nothing, and why.
    Refused(String),
}

/// Reports that wait for the next commit.
pub(super) struct Delivery {
    seat: Seat,
    reports: Vec<Report>,
    tell: oneshot::Sender<Vec<Verdict>>,
}

/// One report on its way, and its place in the answer.
struct Item<'a> {
    seat: &'a Seat,
    lease: store::Lease,
    ending: job::Ending,
    place: (usize, usize),
}

impl Dispatcher {
    /// Takes the reports of a worker; answers in their order once they are durable.
    ///
    /// Must not be dropped before it answers, or the reports of others are lost with it (and delivered again).
    ///
    /// # Errors
    /// What the database says; [`Error::NotRecorded`] where another's delivery met it. All are to be delivered again
    /// then, and none counts twice.
    pub async fn deliver(&self, seat: &Seat, reports: Vec<Report>) -> Result<Vec<Verdict>> {
        let (tell, told) = oneshot::channel();
        self.waiting.lock().expect("no holder panics").push(Delivery { seat: seat.clone(), reports, tell });
        let mut active = self.active.lock().await;
        let batch = std::mem::take(&mut *self.waiting.lock().expect("no holder panics"));
        let settled = if batch.is_empty() { Ok(()) } else { self.settle(&mut active, batch).await };
        drop(active);
        match told.await {
            Ok(verdicts) => Ok(verdicts),
            Err(_) => Err(settled.err().unwrap_or(Error::NotRecorded)),
        }
    }

    /// Settles deliveries: all their outcomes in one transaction, in another what comes back as it was, the rest one by one.
    async fn settle(&self, active: &mut [Active], batch: Vec<Delivery>) -> Result<()> {
        let mut verdicts: Vec<Vec<Verdict>> =
            batch.iter().map(|delivery| vec![Verdict::Taken; delivery.reports.len()]).collect();
        let (mut outcomes, mut unbegun, mut others) = (Vec::new(), Vec::new(), Vec::new());
        let (mut tells, mut seats) = (Vec::new(), Vec::new());
        let mut reports = Vec::new();
        for delivery in batch {
            tells.push(delivery.tell);
            seats.push(delivery.seat);
            reports.push(delivery.reports);
        }
        for (i, (seat, reports)) in seats.iter().zip(reports).enumerate() {
            for (j, Report { sweep, cell, fence, ending }) in reports.into_iter().enumerate() {
                let lease = store::Lease { sweep, cell, fence };
                let item = Item { seat, lease, ending, place: (i, j) };
                match &item.ending {
                    job::Ending::Outcome(_) => outcomes.push(item),
                    job::Ending::HandedBack(checkpoint) if checkpoint.is_empty() => unbegun.push(item),
                    _ => others.push(item),
                }
            }
        }
        // From here on an error leaves it open how much of this is stored.
        let concerned =
            outcomes.iter().chain(&unbegun).chain(&others).map(|item| item.lease.sweep.clone()).collect::<Vec<_>>();
        let settled = async {
            self.record(active, &outcomes, &mut verdicts).await?;
            self.hand_back(active, &unbegun, &mut verdicts).await?;
            for item in &others {
                let verdict = self.end(find(active, &item.lease), item).await?;
                verdicts[item.place.0][item.place.1] = verdict;
            }
            Ok(())
        };
        if let Err(error) = settled.await {
            active.iter_mut().filter(|a| concerned.contains(&a.id)).for_each(|a| a.stale = true);
            return Err(error);
        }
        for (tell, verdicts) in tells.into_iter().zip(verdicts) {
            // One that went away delivers again.
            let _ = tell.send(verdicts);
        }
        Ok(())
    }

    /// Records outcomes in one transaction.
    async fn record(&self, active: &mut [Active], items: &[Item<'_>], verdicts: &mut [Vec<Verdict>]) -> Result<()> {
        fn outcome<'a>(item: &'a Item<'_>) -> &'a Outcome {
            match &item.ending {
                job::Ending::Outcome(outcome) => outcome,
                _ => unreachable!("sorted by the caller"),
            }
        }
        let finished: Vec<Finished> = items
            .iter()
            .map(|item| Finished { lease: &item.lease, outcome: outcome(item), provenance: &item.seat.provenance })
            .collect();
        let answers = self.store.record(&finished, self.clock.now_ms()).await?;
        for (item, answer) in items.iter().zip(answers) {
            self.released(item.seat, &item.lease);
            let lease = &item.lease;
            let verdict = match answer {
                Recorded::Accepted(_) => {
                    if let Some(active) = find(active, lease) {
                        self.accepted(active, lease.cell, outcome(item)).await?;
                    }
                    Verdict::Taken
                }
                Recorded::Again => Verdict::Taken,
                Recorded::Unknown => Verdict::Refused("there is no such lease".to_owned()),
                Recorded::Late { differs } => {
                    self.say(Notice::Late { sweep: lease.sweep.clone(), cell: lease.cell, differs });
                    let compared = match differs {
                        None => "the cell has no result yet",
                        Some(false) => "its numbers equal those of the accepted result",
                        Some(true) => "its numbers differ from those of the accepted result",
                    };
                    Verdict::Refused(format!("the lease had ended; kept as a late attempt; {compared}"))
                }
            };
            verdicts[item.place.0][item.place.1] = verdict;
        }
        Ok(())
    }

    /// A cell has its outcome.
    async fn accepted(&self, active: &mut Active, cell: u64, outcome: &Outcome) -> Result<()> {
        // A run that diverged ended early: it tells nothing of the others of its kind.
        if outcome.status == Status::Diverged {
            active.schedule.skip(cell);
        } else {
            active.schedule.done(cell, outcome.wall_seconds + outcome.recording_seconds);
        }
        active.trouble.remove(&cell);
        active.progress.done += 1;
        active.progress.trained += 1;
        active.progress.seconds.0 += outcome.wall_seconds;
        active.progress.seconds.1 += outcome.recording_seconds;
        active.progress.unsound += u64::from(outcome.inflated || outcome.status == Status::Diverged);
        self.finish(active, cell).await
    }

    /// Ends attempts that come back as they were given, in one transaction: a worker that leaves may have hundreds.
    async fn hand_back(&self, active: &mut [Active], items: &[Item<'_>], verdicts: &mut [Vec<Verdict>]) -> Result<()> {
        if items.is_empty() {
            return Ok(());
        }
        items.iter().for_each(|item| self.released(item.seat, &item.lease));
        let ended: Vec<_> = items
            .iter()
            .map(|item| Ended { lease: &item.lease, ending: Ending::Returned, error: None, next: CellState::Ready })
            .collect();
        let held = self.store.end_attempts(&ended, self.clock.now_ms()).await?;
        for (item, held) in items.iter().zip(held) {
            if !held {
                verdicts[item.place.0][item.place.1] = Verdict::Refused("the lease had ended".to_owned());
            } else if let Some(active) = find(active, &item.lease) {
                active.give_back(item.lease.cell);
            }
        }
        self.more();
        Ok(())
    }

    /// Ends an attempt that brought no outcome.
    async fn end(&self, active: Option<&mut Active>, item: &Item<'_>) -> Result<Verdict> {
        let (lease, now) = (&item.lease, self.clock.now_ms());
        self.released(item.seat, lease);
        let (ending, error, trouble) = match &item.ending {
            job::Ending::Failed(why) => {
                let known = self.trouble(lease).await?;
                let by = Some(item.seat.worker.clone());
                (Ending::Failed, Some(why), Trouble { failed: known.failed + 1, by, ..known })
            }
            job::Ending::Died(why) => {
                let known = self.trouble(lease).await?;
                (Ending::Suspected, Some(why), Trouble { suspected: known.suspected + 1, ..known })
            }
            job::Ending::HandedBack(checkpoint) => {
                if !checkpoint.is_empty() {
                    // The step is for display; what counts is in the bytes.
                    self.keep_state(lease, 0, checkpoint).await?;
                }
                (Ending::Returned, None, Trouble::default())
            }
            job::Ending::Outcome(_) => unreachable!("sorted by the caller"),
        };
        let quarantined = trouble.failed >= MAX_FAILED || trouble.suspected >= MAX_SUSPECTED;
        let next = if quarantined { CellState::Quarantined } else { CellState::Ready };
        let error = error.map(String::as_str);
        if !self.store.end_attempt(lease, ending, error, next, now).await? {
            // Delivered again, or late: what it says is of no consequence.
            return Ok(Verdict::Refused("the lease had ended".to_owned()));
        }
        let Some(active) = active else { return Ok(Verdict::Taken) };
        if let Some(error) = error {
            active.trouble.insert(lease.cell, trouble);
            let (sweep, error) = (active.id.clone(), error.to_owned());
            self.say(Notice::Failed { sweep, cell: lease.cell, error, quarantined });
        }
        if quarantined {
            active.schedule.skip(lease.cell);
            active.progress.quarantined += 1;
            self.finish(active, lease.cell).await?;
        } else {
            active.give_back(lease.cell);
            self.more();
        }
        Ok(Verdict::Taken)
    }

    /// What is known against a cell, as stored: a cell that an earlier process leased counts from there.
    async fn trouble(&self, lease: &store::Lease) -> Result<Trouble> {
        let cell = self.store.cell(&lease.sweep, lease.cell).await?;
        let attempts = cell.iter().flat_map(|cell| cell.attempts.iter().filter(|a| a.fence > cell.forgiven));
        let count = |ending| attempts.clone().filter(|attempt| attempt.ending == Some(ending)).count() as u64;
        Ok(Trouble { failed: count(Ending::Failed), suspected: count(Ending::Suspected), by: None })
    }

    fn released(&self, seat: &Seat, lease: &store::Lease) {
        self.presence().release(&seat.worker, lease, self.clock.monotonic_ms());
    }

    /// Takes the leases of workers that were not heard in time. To be called often: a dropped connection costs its
    /// grace and the wait for this.
    ///
    /// # Errors
    /// What the database says; what was not stored is tried again with the next call.
    pub async fn expire(&self) -> Result<()> {
        let gone = self.presence().expire(self.clock.monotonic_ms());
        // Those of every worker, whatever becomes of the first: they are in nobody's hands now.
        let mut first = Ok(());
        for (worker, leases, hangs) in gone {
            let why = if hangs { "its worker was not heard any more" } else { "its worker's connection dropped" };
            if !leases.is_empty() {
                self.say(Notice::Lost { worker: worker.clone(), leases: leases.len(), hangs });
            }
            let came = self.come_back(&leases, Ending::Lost, why).await;
            first = first.and(came);
        }
        let mut active = self.active.lock().await;
        self.refresh_all(&mut active).await?;
        first
    }

    /// Leases that ended through no fault of their cells: these are ready again.
    pub(super) async fn come_back(&self, leases: &[store::Lease], ending: Ending, why: &str) -> Result<()> {
        if leases.is_empty() {
            return Ok(());
        }
        let mut active = self.active.lock().await;
        let ended: Vec<_> =
            leases.iter().map(|lease| Ended { lease, ending, error: Some(why), next: CellState::Ready }).collect();
        let stored = self.store.end_attempts(&ended, self.clock.now_ms()).await;
        for (lease, held) in leases.iter().zip(stored.iter().flatten()) {
            if *held && let Some(active) = find(&mut active, lease) {
                active.give_back(lease.cell);
            }
        }
        if stored.is_err() {
            let concerned = |active: &&mut Active| leases.iter().any(|lease| lease.sweep == active.id);
            active.iter_mut().filter(concerned).for_each(|active| active.stale = true);
        }
        self.more();
        stored?;
        Ok(())
    }
}

fn find<'a>(active: &'a mut [Active], lease: &store::Lease) -> Option<&'a mut Active> {
    active.iter_mut().find(|active| active.id == lease.sweep)
}
