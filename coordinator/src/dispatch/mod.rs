//! Dispatch: sweeps go in, leases go out, reports come back.
//!
//! One rule: nothing is answered before it is durable, and nothing is kept here that the database does not know: a
//! [`Dispatcher`] that is opened again goes on where the last one stood. `schedule` says which cell is next, the store who
//! holds it. Tuning is settled here: when the last tuning cell of a group is final, its winner is selected, stored,
//! and its refits are released.
//!
//! | file | idea |
//! |---|---|
//! | [`presence`] | who is there, what each holds, until when; pure |
//! | `active` | a sweep that is being worked on, rebuilt from the database |
//! | `extend` | more cells for a stored sweep |
//! | `grant` | leases out |
//! | `control` | what users say later: pause, cancel, retry, priority |
//! | `settle` | reports in, those of many workers in one commit; leases that ended by themselves |
//! | `tidy` | what is removed for good |
//! | `local` | the link of a worker in the same process |

mod active;
mod control;
mod extend;
mod grant;
mod local;
pub mod presence;
mod settle;
mod tidy;

pub use control::PRIORITIES;
pub use extend::Extended;
pub use local::Local;
pub use settle::Verdict;

use crate::clock::Clock;
use crate::figure::Boards;
use crate::store::{self, CellState, Ended, Ending, NewSweep, Store, SweepState};
use active::Active;
use presence::{Arrival, Presence, Seat, View};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use sweep_core::job::Provenance;
use sweep_core::sweep::Sweep;
use sweep_core::trial::Inputs;
use tokio::sync::{Mutex, broadcast, watch};

/// An attempt at a cell may fail this often before the cell is set aside.
pub const MAX_FAILED: u64 = 2;
/// A cell may be running this often when its worker dies before it is set aside.
pub const MAX_SUSPECTED: u64 = 3;
/// Suspected this often, a cell is run alone on a worker.
pub const ALONE_AFTER: u64 = 2;

/// How leases are given.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// How long they last.
    pub presence: presence::Settings,
    /// Leases for one slot are bundled up to this much predicted work; seconds.
    pub bundle_seconds: f64,
    /// What becomes of the leases that an earlier process gave.
    pub orphans: Orphans,
}

/// What becomes of the leases that an earlier process gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Orphans {
    /// Their workers ended with that process: each was perhaps what ended it.
    Suspect,
    /// Their workers may live, and have one period to come and name what they hold.
    Wait,
}

impl Settings {
    /// Workers in this process: bundles only for cells that take less time than a commit.
    pub fn embedded() -> Settings {
        Settings { presence: presence::Settings::default(), bundle_seconds: 0.25, orphans: Orphans::Suspect }
    }

    /// Workers elsewhere: about two seconds of work on the way.
    pub fn cluster() -> Settings {
        Settings { presence: presence::Settings::default(), bundle_seconds: 2.0, orphans: Orphans::Wait }
    }
}

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
    /// A sweep whose state does not allow what is wanted.
    #[error("sweep {sweep} is {}, and cannot be {wanted}", state.word())]
    State {
        /// The sweep's id.
        sweep: String,
        /// Its state.
        state: SweepState,
        /// What was to become of it.
        wanted: &'static str,
    },
    /// A priority out of range.
    #[error("priority {0}; allowed: {least}..={most}", least = PRIORITIES.start(), most = PRIORITIES.end())]
    Priority(i64),
    /// Cells that cannot be added to a sweep.
    #[error("sweep \"{sweep}\" cannot be extended: {why}")]
    Unfit {
        /// Its name.
        sweep: String,
        /// Why.
        why: String,
    },
    /// A file that a trial names is not in the database.
    #[error("the input with content {0} is not in the database")]
    Content(String),
    /// Reports that shared a commit with one that failed; they are to be delivered again.
    #[error("the commit that these reports were part of failed")]
    NotRecorded,
    /// A worker that is no longer counted as there; it is to come anew.
    #[error("worker {0} was not heard for too long, or has come by another connection")]
    Gone(String),
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
    /// A worker was not heard any more; what it had comes back.
    Lost {
        /// Its name.
        worker: String,
        /// How many leases it had.
        leases: usize,
        /// Whether its connection still stands: it hangs, or the network swallows what it says.
        hangs: bool,
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
    settings: Settings,
    active: Mutex<Vec<Active>>,
    /// Never held across a wait, so that a worker is heard while a commit takes its time.
    presence: std::sync::Mutex<Presence>,
    /// Reports for the next commit.
    waiting: std::sync::Mutex<Vec<settle::Delivery>>,
    /// Raised when there may be something to give out that was not there before.
    more: watch::Sender<u64>,
    notices: broadcast::Sender<Notice>,
    /// What was read for pictures.
    boards: Boards,
    /// Whether the last checkpoint had no room.
    no_room: AtomicBool,
}

impl Dispatcher {
    /// A dispatcher of `store`, which this process owns, for workers in this process.
    ///
    /// # Errors
    /// What the database says.
    pub async fn open(store: Store, clock: Arc<dyn Clock>) -> Result<Dispatcher> {
        Dispatcher::open_with(store, clock, Settings::embedded()).await
    }

    /// A dispatcher of `store`, which this process owns. Sweeps are worked on once they are submitted or, all that are
    /// not final at once, resumed ([`Dispatcher::resume`]).
    ///
    /// # Errors
    /// What the database says.
    pub async fn open_with(store: Store, clock: Arc<dyn Clock>, settings: Settings) -> Result<Dispatcher> {
        let mut presence = Presence::new(settings.presence);
        let orphans = store.outstanding().await?;
        match settings.orphans {
            Orphans::Wait => {
                for orphan in &orphans {
                    presence.remember(&orphan.worker, &orphan.lease, clock.monotonic_ms());
                }
            }
            Orphans::Suspect => {
                let why = "the process that was running it ended without a word";
                let next = |last| if last { CellState::Quarantined } else { CellState::Ready };
                let ended: Vec<_> = orphans
                    .iter()
                    .map(|orphan| Ended {
                        lease: &orphan.lease,
                        ending: Ending::Suspected,
                        error: Some(why),
                        next: next(orphan.suspected + 1 >= MAX_SUSPECTED),
                    })
                    .collect();
                store.end_attempts(&ended, clock.now_ms()).await?;
            }
        }
        Ok(Dispatcher {
            boards: Boards::new(store.clone()),
            store,
            clock,
            settings,
            active: Mutex::new(Vec::new()),
            presence: std::sync::Mutex::new(presence),
            waiting: std::sync::Mutex::new(Vec::new()),
            more: watch::channel(0).0,
            notices: broadcast::channel(1024).0,
            no_room: AtomicBool::new(false),
        })
    }

    /// Goes on with every stored sweep that is running, and keeps those that are paused. Those that this version of the program does not accept are left
    /// alone and answered: what is wrong with each.
    ///
    /// # Errors
    /// What the database says.
    pub async fn resume(&self) -> Result<Vec<Error>> {
        let is_open = |sweep: &store::Sweep| matches!(sweep.state, SweepState::Running | SweepState::Paused);
        let mut refused = Vec::new();
        for stored in self.store.sweeps().await?.into_iter().rev().filter(is_open) {
            match self.revive(stored).await {
                Ok(active) if active.progress.is_finished() => {
                    // The process before ended between its last commit and this one.
                    self.store.set_sweep_state(&active.id, SweepState::Finished).await?;
                }
                Ok(active) => self.active.lock().await.push(active),
                Err(wrong @ Error::Source(..)) => refused.push(wrong),
                Err(error) => return Err(error),
            }
        }
        control::in_order(&mut self.active.lock().await);
        self.more();
        Ok(refused)
    }

    /// The store.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// What was read for pictures.
    pub fn boards(&self) -> &Boards {
        &self.boards
    }

    /// Runs every check of the store on a state in which no change is half made.
    ///
    /// # Errors
    /// What the database says.
    pub async fn check(&self) -> Result<Vec<store::Checked>> {
        let active = self.active.lock().await;
        let snapshot = self.store.snapshot().await?;
        drop(active);
        Ok(snapshot.check().await?)
    }

    /// Everything worth saying from now on.
    pub fn notices(&self) -> broadcast::Receiver<Notice> {
        self.notices.subscribe()
    }

    /// Submits a sweep, or finds the one with the same meaning and goes on with it; its id. A sweep that was extended is
    /// found by its file as it was before, too, and goes on as a whole. `contents` holds the bytes of every file that it
    /// names, by path.
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
        // Held to the end: of two who submit the same at a time, the second finds what the first began.
        let mut all = self.active.lock().await;
        let known = if how.fresh { Vec::new() } else { self.store.sweeps_with_digest(&digest).await? };
        let tags: Vec<String> = sweep.tags.iter().chain(&how.tags).cloned().collect();
        let (id, sweep) = match known.into_iter().next() {
            Some(known) => {
                // The same cells; their indices are those of the stored one.
                let whole = known.parsed().map_err(|wrong| Error::Source(known.id.clone(), wrong))?;
                (known.id, whole)
            }
            None => {
                let Sweep { name, description, .. } = &sweep;
                let (cells, fresh) = (sweep.len(), how.fresh);
                let new = NewSweep { name, description, source, digest: &digest, cells, inputs: &inputs, fresh };
                (self.store.submit(&new, self.clock.now_ms()).await?, sweep)
            }
        };
        for tag in &tags {
            self.store.tag(&id, tag, true).await?;
        }
        if all.iter().any(|active| active.id == id && !active.paused && !active.progress.is_finished()) {
            return Ok(id);
        }
        // One that was paused or cancelled goes on.
        self.store.go_on(&id).await?;
        let active = self.activate(self.store.find_sweep(&id).await?, sweep).await?;
        if active.progress.is_finished() {
            self.store.set_sweep_state(&id, SweepState::Finished).await?;
        }
        all.retain(|active| active.id != id);
        all.push(active);
        control::in_order(&mut all);
        self.more();
        Ok(id)
    }

    /// How the sweep `id` stands.
    pub async fn progress(&self, id: &str) -> Progress {
        let active = self.active.lock().await;
        active.iter().find(|a| a.id == id).map_or(Progress::default(), |a| Progress {
            core_seconds_left: a.schedule.seconds_left(),
            running: self.presence().running(id),
            ..a.progress
        })
    }

    /// A worker comes, and names what it holds from before; leases that it had and does not name come back.
    ///
    /// # Errors
    /// What the database says.
    pub async fn arrive(
        &self,
        worker: &str,
        provenance: &Provenance,
        cores: u32,
        slots: u32,
        holds: &[store::Lease],
    ) -> Result<Arrival> {
        let id = self.store.add_provenance(provenance).await?;
        let stored = store::Worker { id: worker.to_owned(), provenance: id.clone(), cores, slots };
        self.store.see_worker(&stored, self.clock.now_ms()).await?;
        let now = self.clock.monotonic_ms();
        let arrival = self.presence().arrive(worker, &id, slots as usize, holds, now);
        if !arrival.unheard.is_empty() {
            self.come_back(&arrival.unheard, Ending::Returned, "its worker never heard of it").await?;
        }
        Ok(arrival)
    }

    /// The worker of this connection was heard.
    ///
    /// # Errors
    /// [`Error::Gone`] if the connection no longer counts: the worker is to come anew.
    pub fn hear(&self, seat: &Seat) -> Result<()> {
        let heard = self.presence().hear(seat, self.clock.monotonic_ms());
        if heard { Ok(()) } else { Err(Error::Gone(seat.worker.clone())) }
    }

    /// A worker's connection dropped: for the grace its leases wait for it.
    pub fn leave(&self, seat: &Seat) {
        self.presence().leave(seat, self.clock.monotonic_ms());
    }

    /// The connection of this worker, where it has one.
    pub fn seat(&self, worker: &str) -> Option<Seat> {
        self.presence().seat(worker)
    }

    /// Takes the leases that `which` (sweep, cell) names from whoever has them, and tells them to drop the runs. What
    /// becomes of the cells is up to the caller.
    pub fn revoke(&self, which: impl Fn(&str, u64) -> bool) -> Vec<store::Lease> {
        self.presence().revoke(which)
    }

    /// Everyone who is there.
    pub fn present(&self) -> Vec<View> {
        self.presence().view(self.clock.monotonic_ms())
    }

    /// How leases are given.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The time.
    pub fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// The same, for one who keeps it.
    pub fn clock_handle(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    /// Slots of all workers that are connected.
    pub fn slots(&self) -> u64 {
        self.present().iter().filter(|view| view.connected).map(|view| view.slots as u64).sum()
    }

    /// Changes when there may be something to give out that was not there before.
    pub fn news(&self) -> watch::Receiver<u64> {
        self.more.subscribe()
    }

    /// There may be something to give out.
    fn more(&self) {
        self.more.send_modify(|n| *n += 1);
    }

    fn presence(&self) -> std::sync::MutexGuard<'_, Presence> {
        self.presence.lock().expect("no holder panics")
    }

    fn say(&self, notice: Notice) {
        // Nobody need listen.
        let _ = self.notices.send(notice);
    }
}
