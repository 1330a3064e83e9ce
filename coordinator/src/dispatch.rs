//! Dispatch: sweeps go in, leases go out, reports come back.
//!
//! One rule: nothing is answered before it is durable, and nothing is kept here that the database does not know: a
//! [`Dispatcher`] that is opened again goes on where the last one stood. `schedule` says which cell is next, the store who
//! holds it. Tuning is settled here: when the last tuning cell of a group is final, its winner is selected, stored,
//! and its refits are released.

use crate::clock::Clock;
use crate::schedule::{self, Schedule, Span};
use crate::store::{self, CellState, Ending, Finished, NewCell, NewSweep, Recorded, Stage, Store, SweepState};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use sweep_core::job::{self, Answer, Checkpoint, Lease, Link, Provenance, Report};
use sweep_core::outcome::{Outcome, Status};
use sweep_core::sweep::{Cell, Order, Sweep};
use sweep_core::train::cost;
use sweep_core::trial::{Inputs, Trial};
use tokio::sync::{Mutex, broadcast};

/// An attempt at a cell may fail this often before the cell is set aside.
pub const MAX_FAILED: u64 = 2;
/// A cell may be running this often when its worker dies before it is set aside.
pub const MAX_SUSPECTED: u64 = 3;
/// Leases for one slot are bundled up to this much predicted work, for cells that take less time than a commit.
const BUNDLE_SECONDS: f64 = 0.25;
/// Most leases in one answer.
const BUNDLE_CELLS: usize = 64;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database refused.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A trial of a stored sweep cannot be made: it was made by another version of this program.
    #[error("cell {cell} of sweep {sweep}: {source}")]
    Trial {
        /// The sweep's id.
        sweep: String,
        /// The cell.
        cell: u64,
        /// Why.
        source: sweep_core::error::Error,
    },
    /// A stored sweep file that this version of the program does not accept.
    #[error("the file of sweep {0} is not accepted by this version of the program: {1}")]
    Source(String, String),
    /// A file that a trial names is not in the database.
    #[error("the input with content {0} is not in the database")]
    Content(String),
}

/// Shorthand.
pub type Result<T> = std::result::Result<T, Error>;

/// Something that a person wants to hear of at once.
#[derive(Debug, Clone, PartialEq)]
pub enum Notice {
    /// An attempt failed.
    Failed {
        /// The sweep's id.
        sweep: String,
        /// The cell.
        cell: u64,
        /// What was said.
        error: String,
        /// Whether the cell is set aside now.
        quarantined: bool,
    },
    /// A result came for a lease that no longer holds.
    Late {
        /// The sweep's id.
        sweep: String,
        /// The cell.
        cell: u64,
        /// Whether its numbers differ from the accepted ones.
        differs: Option<bool>,
    },
}

/// How a sweep stands.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Progress {
    /// Cells in all.
    pub cells: u64,
    /// With an outcome, linked ones included.
    pub done: u64,
    /// Of these, linked to the outcome of an equal trial.
    pub linked: u64,
    /// Of these, outcomes recorded since this dispatcher was opened.
    pub trained: u64,
    /// Of these (trained), diverged or inflated.
    pub unsound: u64,
    /// Set aside after failing.
    pub quarantined: u64,
    /// Of these (trained), wall seconds of training and of recording.
    pub seconds: (f64, f64),
    /// Running now.
    pub running: u64,
    /// Core seconds left, as forecast.
    pub core_seconds_left: f64,
}

impl Progress {
    /// Whether every cell is final.
    pub fn is_finished(&self) -> bool {
        self.done + self.quarantined == self.cells
    }
}

/// Options of a submission.
#[derive(Debug, Clone, Default)]
pub struct Submission {
    /// Train every cell anew: begin a new sweep and link nothing.
    pub fresh: bool,
    /// Words to find it by, beside the file's own.
    pub tags: Vec<String>,
}

/// The dispatcher of one database.
pub struct Dispatcher {
    store: Store,
    clock: Arc<dyn Clock>,
    active: Mutex<Vec<Active>>,
    notices: broadcast::Sender<Notice>,
}

/// A sweep that is being worked on.
struct Active {
    id: String,
    sweep: Sweep,
    inputs: Inputs,
    /// Whether equal trials of other sweeps are linked.
    link: bool,
    schedule: Schedule,
    /// Failed attempts of cells that came back.
    failed: BTreeMap<u64, u64>,
    /// Attempts of cells that came back whose process died.
    suspected: BTreeMap<u64, u64>,
    tuning: Tuning,
    progress: Progress,
}

/// How far the tuning of each group is.
#[derive(Default)]
struct Tuning {
    /// Tuning cells of each group that are not final.
    open: Vec<u64>,
    /// The winner of each group that has one.
    winner: BTreeMap<u64, u64>,
}

impl Dispatcher {
    /// A dispatcher of `store`, which this process owns. What was leased by an earlier process comes back, and counts
    /// as suspected.
    ///
    /// # Errors
    /// What the database says.
    pub async fn open(store: Store, clock: Arc<dyn Clock>) -> Result<Dispatcher> {
        let now = clock.now_ms();
        for lost in store.outstanding().await? {
            let next = if lost.suspected + 1 >= MAX_SUSPECTED { CellState::Quarantined } else { CellState::Ready };
            let why = "the process that was running it ended without a word";
            store.end_attempt(&lost.lease, Ending::Suspected, Some(why), next, now).await?;
        }
        Ok(Dispatcher { store, clock, active: Mutex::new(Vec::new()), notices: broadcast::channel(1024).0 })
    }

    /// The store.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Everything worth saying from now on.
    pub fn notices(&self) -> broadcast::Receiver<Notice> {
        self.notices.subscribe()
    }

    /// Submits a sweep, or finds the one with the same meaning and goes on with it; its id. `contents` holds the bytes
    /// of every file that it names, by path.
    ///
    /// # Errors
    /// What the database says.
    pub async fn submit(
        &self,
        sweep: Sweep,
        source: &str,
        contents: &BTreeMap<String, Vec<u8>>,
        how: &Submission,
    ) -> Result<String> {
        let mut inputs = Inputs::new();
        for (path, bytes) in contents {
            inputs.insert(path.clone(), self.store.save_blob(bytes).await?);
        }
        let digest = sweep.digest(&inputs);
        let known = if how.fresh { Vec::new() } else { self.store.sweeps_with_digest(&digest).await? };
        let id = match known.into_iter().next() {
            Some(known) => known.id,
            None => {
                let Sweep { name, description, .. } = &sweep;
                let new = NewSweep { name, description, source, digest: &digest, cells: sweep.len(), inputs: &inputs };
                self.store.submit(&new, self.clock.now_ms()).await?
            }
        };
        for tag in sweep.tags.iter().chain(&how.tags) {
            self.store.tag(&id, tag, true).await?;
        }
        let active = self.activate(id.clone(), sweep, inputs, !how.fresh).await?;
        self.store
            .set_sweep_state(
                &id,
                if active.progress.is_finished() { SweepState::Finished } else { SweepState::Running },
            )
            .await?;
        self.active.lock().await.push(active);
        Ok(id)
    }

    /// How the sweep `id` stands.
    pub async fn progress(&self, id: &str) -> Progress {
        let active = self.active.lock().await;
        active
            .iter()
            .find(|a| a.id == id)
            .map_or(Progress::default(), |a| Progress { core_seconds_left: a.schedule.seconds_left(), ..a.progress })
    }

    /// The part of a worker for provenance `provenance`: a [`Link`] within this process.
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
        let id = self.store.add_provenance(provenance).await?;
        let worker = store::Worker { id: worker.to_owned(), provenance: id, cores, slots };
        self.store.see_worker(&worker, self.clock.now_ms()).await?;
        Ok(Local { dispatcher: Arc::clone(self), worker })
    }

    /// Rebuilds what is known of a sweep from the database.
    async fn activate(&self, id: String, sweep: Sweep, inputs: Inputs, link: bool) -> Result<Active> {
        let order = match sweep.order {
            Order::LongestFirst => schedule::Order::LongestFirst,
            Order::ReplicatesFirst => schedule::Order::ReplicatesFirst,
        };
        let mut schedule = Schedule::new(order);
        let classes = sweep.classes();
        let ranges: Vec<Range<u64>> = classes.iter().map(|class| class.start..class.start + class.len).collect();
        let touched = self.store.last_touched(&id, &ranges).await?;
        for (class, last) in classes.iter().zip(touched) {
            let (seconds, kind) = forecast(&sweep, class.start, &inputs);
            let span = Span { start: class.start, len: class.len, replicates: class.replicates, seconds, kind };
            if class.start >= sweep.grid.len() {
                schedule.add_held(span);
            } else {
                schedule.add(span, last.map_or(0, |last| last + 1 - class.start));
            }
        }
        let (mut failed, mut suspected) = (BTreeMap::new(), BTreeMap::new());
        for cell in self.store.came_back(&id).await? {
            failed.insert(cell.cell, cell.failed);
            suspected.insert(cell.cell, cell.suspected);
            if cell.cell < sweep.grid.len() {
                schedule.give_back(cell.cell);
            }
        }
        let counts = self.store.counts(&id).await?;
        let progress = Progress {
            cells: sweep.len(),
            done: counts.done,
            linked: counts.linked,
            quarantined: counts.quarantined,
            ..Progress::default()
        };
        let mut active =
            Active { id, sweep, inputs, link, schedule, failed, suspected, tuning: Tuning::default(), progress };
        self.resume_tuning(&mut active).await?;
        Ok(active)
    }

    /// Finds how far tuning is: which groups have a winner, which can have one now.
    async fn resume_tuning(&self, active: &mut Active) -> Result<()> {
        let Some(tune) = &active.sweep.tune else { return Ok(()) };
        let tuning = &mut active.tuning;
        tuning.winner = self.store.selections(&active.id).await?.into_iter().map(|s| (s.group, s.candidate)).collect();
        tuning.open = (0..tune.len())
            .map(|g| {
                tune.group(g)
                    .map_or(0, |group| if group.candidates > 1 { group.candidates * tune.replicates } else { 0 })
            })
            .collect();
        for cell in self.store.final_cells(&active.id, 0..active.sweep.grid.len()).await? {
            if let Some(group) = active.sweep.group_of(cell) {
                tuning.open[group as usize] -= 1;
            }
        }
        let settled: Vec<u64> = (0..tune.len()).filter(|&g| tuning.open[g as usize] == 0).collect();
        let done = self.store.final_cells(&active.id, active.sweep.grid.len()..active.sweep.len()).await?;
        for group in settled {
            if !active.tuning.winner.contains_key(&group) {
                self.select(active, group).await?;
            }
            for cell in active.sweep.refit_cells(group) {
                active.schedule.release(cell, done.binary_search(&cell).is_ok());
            }
        }
        Ok(())
    }

    /// Selects the winner of a group whose tuning cells are all final, and stores it.
    async fn select(&self, active: &mut Active, group: u64) -> Result<()> {
        let sweep = &active.sweep;
        let Some((tune, of)) = sweep.tune.as_ref().and_then(|tune| Some((tune, tune.group(group)?))) else {
            return Ok(());
        };
        let mut errors = Vec::with_capacity(of.candidates as usize);
        for candidate in 0..of.candidates {
            let mut runs = Vec::with_capacity(tune.replicates as usize);
            for cell in sweep.tuning_cells(group, candidate) {
                let score = self.store.scores(&active.id, cell..cell + 1).await?.pop();
                runs.push(score.filter(|score| !score.failed).and_then(|score| score.validation_mse));
            }
            errors.push(runs);
        }
        let Some(selection) = tune.select(group, &errors) else { return Ok(()) };
        let coordinates = tune.candidate(group, selection.candidate).unwrap_or_default();
        let stored = store::Selection {
            group,
            candidate: selection.candidate,
            candidates: of.candidates,
            coordinates: of.coordinates.into_iter().chain(coordinates).collect(),
            validation_error: selection.median,
            at_edge: selection.at_edge.join(" "),
        };
        self.store.select(&active.id, &[stored], self.clock.now_ms()).await?;
        active.tuning.winner.insert(group, selection.candidate);
        Ok(())
    }

    /// Notes that a cell is final; settles its group if it was the last of its tuning.
    async fn finish(&self, active: &mut Active, cell: u64) -> Result<()> {
        if cell < active.sweep.grid.len()
            && let Some(group) = active.sweep.group_of(cell)
        {
            active.tuning.open[group as usize] -= 1;
            if active.tuning.open[group as usize] == 0 {
                self.select(active, group).await?;
                for cell in active.sweep.refit_cells(group) {
                    active.schedule.release(cell, false);
                }
            }
        }
        if active.progress.is_finished() {
            self.store.set_sweep_state(&active.id, SweepState::Finished).await?;
        }
        Ok(())
    }

    /// Leases of one sweep for `idle` slots; empty where it has none now.
    async fn lease_from(&self, active: &mut Active, worker: &str, idle: usize) -> Result<Vec<Lease>> {
        let mut leases = Vec::new();
        let mut seconds = 0.0;
        while leases.len() < idle || (seconds < BUNDLE_SECONDS * idle as f64 && leases.len() < BUNDLE_CELLS) {
            // Cells in bundles, too: one transaction for all of them.
            let mut cells = Vec::new();
            while cells.len() < BUNDLE_CELLS
                && (leases.len() + cells.len() < idle || seconds < BUNDLE_SECONDS * idle as f64)
            {
                let Some((cell, forecast)) = active.schedule.take() else { break };
                // A cell that was leased when a process died fills a bundle by itself: whatever waits behind it in a
                // slot's queue would be suspected with it if it ends the next process, too.
                let suspected = active.suspected.get(&cell).is_some_and(|&times| times > 0);
                seconds += if suspected { BUNDLE_SECONDS * idle as f64 } else { forecast };
                cells.push(active.recipe(cell)?);
            }
            if cells.is_empty() {
                break;
            }
            let (cells, trials): (Vec<NewCell>, Vec<Trial>) = cells.into_iter().unzip();
            let linked = if active.link {
                self.store.link(&active.id, &cells, self.clock.now_ms()).await?
            } else {
                vec![false; cells.len()]
            };
            let (mut wanted, mut recipes) = (Vec::new(), Vec::new());
            for ((cell, trial), linked) in cells.into_iter().zip(trials).zip(linked) {
                if linked {
                    active.schedule.skip(cell.cell);
                    active.progress.done += 1;
                    active.progress.linked += 1;
                    self.finish(active, cell.cell).await?;
                } else {
                    wanted.push(cell);
                    recipes.push(trial);
                }
            }
            let granted = self.store.lease(&active.id, &wanted, worker, self.clock.now_ms()).await?;
            for ((cell, trial), lease) in wanted.into_iter().zip(recipes).zip(granted) {
                let Some(lease) = lease else {
                    active.schedule.skip(cell.cell);
                    continue;
                };
                active.progress.running += 1;
                let checkpoint = self.store.checkpoint(&active.id, cell.cell).await?.map(|(_, bytes)| bytes);
                leases.push(Lease {
                    sweep: lease.sweep,
                    cell: lease.cell,
                    fence: lease.fence,
                    trial,
                    seconds_limit: active.sweep.seconds,
                    checkpoint,
                });
            }
        }
        Ok(leases)
    }

    /// Takes the reports of one sweep.
    async fn take(&self, active: &mut Active, provenance: &str, reports: Vec<Report>) -> Result<()> {
        let now = self.clock.now_ms();
        let (mut leases, mut outcomes, mut others): (Vec<_>, Vec<Box<Outcome>>, Vec<_>) =
            (Vec::new(), Vec::new(), Vec::new());
        for report in reports {
            let lease = store::Lease { sweep: report.sweep, cell: report.cell, fence: report.fence };
            match report.ending {
                job::Ending::Outcome(outcome) => {
                    leases.push(lease);
                    outcomes.push(outcome);
                }
                other => others.push((lease, other)),
            }
        }
        let finished: Vec<Finished> =
            leases.iter().zip(&outcomes).map(|(lease, outcome)| Finished { lease, outcome, provenance }).collect();
        let answers = self.store.record(&finished, now).await?;
        for ((lease, outcome), answer) in leases.iter().zip(&outcomes).zip(answers) {
            match answer {
                Recorded::Accepted(_) => {
                    // A run that diverged ended early: it tells nothing of the others of its kind.
                    if outcome.status == Status::Diverged {
                        active.schedule.skip(lease.cell);
                    } else {
                        active.schedule.done(lease.cell, outcome.wall_seconds + outcome.recording_seconds);
                    }
                    active.progress.running -= 1;
                    active.progress.done += 1;
                    active.progress.trained += 1;
                    active.progress.seconds.0 += outcome.wall_seconds;
                    active.progress.seconds.1 += outcome.recording_seconds;
                    active.progress.unsound += u64::from(outcome.inflated || outcome.status == Status::Diverged);
                    self.finish(active, lease.cell).await?;
                }
                Recorded::Again | Recorded::Unknown => {}
                Recorded::Late { differs } => {
                    self.say(Notice::Late { sweep: active.id.clone(), cell: lease.cell, differs })
                }
            }
        }
        for (lease, ending) in others {
            match ending {
                job::Ending::Failed(error) => self.fail(active, &lease, error).await?,
                job::Ending::HandedBack(checkpoint) => {
                    if !checkpoint.is_empty() {
                        // The step is for display; what counts is in the bytes.
                        self.store.save_checkpoint(&lease, 0, &checkpoint, now).await?;
                    }
                    if self.store.end_attempt(&lease, Ending::Returned, None, CellState::Ready, now).await? {
                        active.progress.running -= 1;
                        active.schedule.give_back(lease.cell);
                    }
                }
                job::Ending::Outcome(_) => unreachable!("recorded above"),
            }
        }
        Ok(())
    }

    /// An attempt failed: once more, or set aside.
    async fn fail(&self, active: &mut Active, lease: &store::Lease, error: String) -> Result<()> {
        let failures = active.failed.get(&lease.cell).copied().unwrap_or(0) + 1;
        let quarantined = failures >= MAX_FAILED;
        let next = if quarantined { CellState::Quarantined } else { CellState::Ready };
        if !self.store.end_attempt(lease, Ending::Failed, Some(&error), next, self.clock.now_ms()).await? {
            return Ok(());
        }
        active.progress.running -= 1;
        active.failed.insert(lease.cell, failures);
        self.say(Notice::Failed { sweep: active.id.clone(), cell: lease.cell, error, quarantined });
        if quarantined {
            active.schedule.skip(lease.cell);
            active.progress.quarantined += 1;
            self.finish(active, lease.cell).await
        } else {
            active.schedule.give_back(lease.cell);
            Ok(())
        }
    }

    fn say(&self, notice: Notice) {
        // Nobody need listen.
        let _ = self.notices.send(notice);
    }
}

impl Active {
    /// The stored form and the trial of `cell`.
    fn recipe(&self, cell: u64) -> Result<(NewCell, Trial)> {
        let failed = |source| Error::Trial { sweep: self.id.clone(), cell, source };
        let (stage, coordinates) = match self.sweep.cell(cell) {
            Some(Cell::Fixed(coordinates)) if self.sweep.tune.is_some() => (Stage::Tuning, coordinates),
            Some(Cell::Fixed(coordinates)) => (Stage::Grid, coordinates),
            Some(Cell::Refit { group, .. }) => {
                let winner = self.tuning.winner.get(&group).copied().unwrap_or(0);
                (Stage::Refit, self.sweep.refit_coordinates(cell, winner).unwrap_or_default())
            }
            None => unreachable!("the schedule holds cells of the sweep only"),
        };
        let trial = self.sweep.trial(&coordinates, &self.inputs).map_err(failed)?;
        let trial_digest = trial.digest().map_err(failed)?;
        let mut whole: BTreeMap<String, _> =
            trial.values().map(|(axis, value)| (axis.to_owned(), value.clone())).collect();
        whole.extend(coordinates.into_iter().filter(|(axis, _)| axis == "replicate"));
        Ok((NewCell { cell, stage, coordinates: whole, trial_digest }, trial))
    }
}

/// Core seconds of `cell`, and what it runs; of a refit, with the first candidate's values.
fn forecast(sweep: &Sweep, cell: u64, inputs: &Inputs) -> (f64, String) {
    let coordinates = match sweep.cell(cell) {
        Some(Cell::Fixed(coordinates)) => Some(coordinates),
        _ => sweep.refit_coordinates(cell, 0),
    };
    coordinates
        .and_then(|coordinates| sweep.trial(&coordinates, inputs).ok())
        .map_or((1.0, String::new()), |trial| (cost::forecast(&trial).seconds, trial.method()))
}

/// A worker's link to a dispatcher in its own process.
pub struct Local {
    dispatcher: Arc<Dispatcher>,
    worker: store::Worker,
}

impl Link for Local {
    type Error = Error;

    async fn lease(&self, idle: usize) -> Result<Answer> {
        let mut active = self.dispatcher.active.lock().await;
        for sweep in active.iter_mut() {
            let leases = self.dispatcher.lease_from(sweep, &self.worker.id, idle).await?;
            if !leases.is_empty() {
                return Ok(Answer::Leases(leases));
            }
        }
        let over = active.iter().all(|sweep| sweep.schedule.is_empty());
        Ok(if over { Answer::Finished } else { Answer::Wait })
    }

    async fn report(&self, reports: Vec<Report>) -> Result<()> {
        let mut active = self.dispatcher.active.lock().await;
        let mut by_sweep: BTreeMap<String, Vec<Report>> = BTreeMap::new();
        for report in reports {
            by_sweep.entry(report.sweep.clone()).or_default().push(report);
        }
        for (id, reports) in by_sweep {
            if let Some(sweep) = active.iter_mut().find(|sweep| sweep.id == id) {
                self.dispatcher.take(sweep, &self.worker.provenance, reports).await?;
            }
        }
        Ok(())
    }

    async fn checkpoint(&self, checkpoint: Checkpoint) -> Result<()> {
        let Checkpoint { sweep, cell, fence, step, bytes } = checkpoint;
        let lease = store::Lease { sweep, cell, fence };
        self.dispatcher.store.save_checkpoint(&lease, step, &bytes, self.dispatcher.clock.now_ms()).await?;
        Ok(())
    }

    async fn content(&self, hash: &str) -> Result<Arc<[u8]>> {
        let bytes = self.dispatcher.store.blob(hash).await?;
        bytes.map(Arc::from).ok_or_else(|| Error::Content(hash.to_owned()))
    }
}
