//! Slots that train cells: a worker keeps no state.
//!
//! Async code moves messages; training runs on threads or in child processes of its own, one per slot, never on the
//! runtime's. A slot takes a lease, runs its trial and reports; a panic in a run ends that attempt only. [`run`] is the
//! whole worker: it keeps the slots busy, carries reports and checkpoints to the coordinator through a [`Link`], and
//! drains when told.
//!
//! There are two kinds of slots, see [`Isolation`]: `thread`s, and children with a `supervisor` on this side of their
//! pipes and [`child`] on the other; and for measurements of all but training, a `stand_in`.

mod cache;
pub mod child;
mod frame;
pub mod machine;
pub mod monitor;
pub mod remote;
mod slot;
mod stand_in;
mod supervisor;
mod thread;

use cache::Cache;
use slot::{Contents, Event, Slot, Work};
use stand_in::StandIn;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use supervisor::ChildSlot;
use sweep_core::job::{Answer, Call, Ending, Key, Lease, Link, Report};
use thread::ThreadSlot;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

/// How long a worker whose link has failed waits for the report that is on its way.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// Most bytes of files that are kept for trials to come.
const FILES_BYTES: usize = 1 << 30;

/// How a worker runs.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Attempts at a time.
    pub slots: usize,
    /// Seconds of training between two checkpoints of one run.
    pub checkpoint_seconds: f64,
    /// Wait between two questions for work when there was none.
    pub poll: Duration,
    /// What slots are made of.
    pub isolation: Isolation,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { slots: 1, checkpoint_seconds: 30.0, poll: Duration::from_millis(20), isolation: Isolation::Threads }
    }
}

/// What slots are made of. The results are the same bits.
#[derive(Debug, Clone)]
pub enum Isolation {
    /// Threads of this process: an abort, a fault or a lack of memory in one ends all.
    Threads,
    /// Child processes: whatever ends one ends its attempt only.
    Children(Children),
    /// No run at all: each attempt is answered on the spot by this function. For measurements of dispatch.
    StandIn(fn(&Lease) -> Ending),
}

/// How children are started. They use as many BLAS threads as this process says it uses.
#[derive(Debug, Clone)]
pub struct Children {
    /// A program that calls [`child::main`] and is of the same version as this one.
    pub program: PathBuf,
    /// What makes it do so.
    pub arguments: Vec<String>,
    /// Most bytes of address space of one child; an attempt that wants more ends with it.
    pub memory: Option<u64>,
    /// An attempt with a time limit ends between two steps; this long after its limit it is ended from outside.
    pub grace: Duration,
}

impl Children {
    /// Children of the program that runs now, whatever has become of its file, with a grace of 60 s and no limit of
    /// memory.
    ///
    /// # Errors
    /// Where the system does not tell which program runs.
    pub fn of_this_program(arguments: &[&str]) -> std::io::Result<Children> {
        // The link leads to the program itself, even if its file was replaced by a newer version.
        let program =
            if cfg!(target_os = "linux") { PathBuf::from("/proc/self/exe") } else { std::env::current_exe()? };
        let arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
        Ok(Children { program, arguments, memory: None, grace: Duration::from_secs(60) })
    }
}

/// The slots that are asked for.
fn slots(settings: &Settings, events: &mpsc::UnboundedSender<Event>) -> Vec<Box<dyn Slot>> {
    let start = |index| -> Box<dyn Slot> {
        let (seconds, events) = (settings.checkpoint_seconds, events.clone());
        match &settings.isolation {
            Isolation::Threads => Box::new(ThreadSlot::start(index, seconds, move |event| events.send(event).is_ok())),
            Isolation::Children(children) => Box::new(ChildSlot::start(index, seconds, children.clone(), events)),
            Isolation::StandIn(answer) => Box::new(StandIn { index, answer: *answer, events }),
        }
    };
    (0..settings.slots).map(start).collect()
}

/// Works until the coordinator has nothing more, or until `drain` turns true: then every running attempt is handed back
/// with a checkpoint, and leases not yet begun are handed back as they are.
///
/// # Errors
/// What the link says; everything that was running is dropped then, and its leases will expire.
pub async fn run<L: Link>(link: L, settings: Settings, drain: watch::Receiver<bool>) -> Result<(), L::Error> {
    let link = Arc::new(link);
    let mut delivery = None;
    let ended = work(&link, settings, drain, &mut delivery).await;
    if let Some(delivery) = delivery {
        // What is being said may still be recorded; the runtime may end with this process.
        let _ = tokio::time::timeout(LAST_WORDS, delivery).await;
    }
    ended
}

/// [`run`], with what is being said at its end in `delivery`.
async fn work<L: Link>(
    link: &Arc<L>,
    settings: Settings,
    mut drain: watch::Receiver<bool>,
    delivery: &mut Option<JoinHandle<Result<(), L::Error>>>,
) -> Result<(), L::Error> {
    let (events, mut inbox) = mpsc::unbounded_channel();
    let slots = slots(&settings, &events);
    let mut idle: Vec<usize> = (0..settings.slots).rev().collect();
    let mut queue: VecDeque<Lease> = VecDeque::new();
    let mut cache = Cache::new(FILES_BYTES);
    // What each slot runs, and what of it nobody wants any more.
    let mut running: BTreeMap<usize, Key> = BTreeMap::new();
    let mut dropped: BTreeSet<Key> = BTreeSet::new();
    // What is to be said, and what is being said: while a commit takes its time slots go on, and what they end meanwhile
    // shares the next one.
    let mut reports: Vec<Report> = Vec::new();
    let (mut finished, mut called_back) = (false, false);
    loop {
        let draining = called_back || *drain.borrow();
        if draining {
            slots.iter().for_each(|slot| slot.hand_back());
            // No more is wanted, and what is on the way goes back, too.
            if let Answer::Leases(leases) = link.lease(0).await? {
                queue.extend(leases);
            }
            reports.extend(queue.drain(..).map(slot::not_begun));
        } else if queue.len() < idle.len() && !finished {
            match link.lease(idle.len() - queue.len()).await? {
                Answer::Leases(leases) => queue.extend(leases),
                Answer::Wait => {}
                Answer::Finished => finished = true,
            }
        }
        while !draining && !idle.is_empty() && !queue.is_empty() {
            let (Some(index), Some(lease)) = (idle.pop(), queue.pop_front()) else { break };
            let mut files = Contents::default();
            for hash in lease.trial.contents().unwrap_or_default() {
                let file = match cache.get(hash) {
                    Some(file) => file,
                    None => {
                        let file = link.content(hash).await?;
                        cache.insert(hash, file.clone());
                        file
                    }
                };
                files.0.insert(hash.to_owned(), file);
            }
            running.insert(index, lease.key());
            slots[index].begin(Work { lease, files });
        }
        if !reports.is_empty() && delivery.is_none() {
            let (link, reports) = (Arc::clone(link), std::mem::take(&mut reports));
            *delivery = Some(tokio::spawn(async move { link.report(reports).await }));
        }
        if idle.len() == slots.len() && delivery.is_none() && (draining || finished) {
            return Ok(());
        }
        // Whatever has happened, or time to ask again; a change of `drain` wakes too.
        let first = tokio::select! {
            event = inbox.recv() => event,
            delivered = async { delivery.as_mut().expect("looked at before").await }, if delivery.is_some() => {
                *delivery = None;
                delivered.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))?;
                finished = false;
                None
            }
            () = tokio::time::sleep(settings.poll), if !finished && !draining && queue.len() < idle.len() => None,
            changed = drain.changed(), if !draining => {
                // A dropped sender can never ask to drain: go on without it.
                if changed.is_err() {
                    drain = watch::channel(false).1;
                }
                None
            }
            call = link.called() => {
                match call {
                    Call::Leases => {}
                    Call::Drain => called_back = true,
                    Call::GiveBack(keys) => {
                        reports.extend(take(&mut queue, &keys).into_iter().map(slot::not_begun));
                    }
                    Call::Cancel(keys) => {
                        take(&mut queue, &keys);
                        for (&index, key) in running.iter().filter(|(_, key)| keys.contains(key)) {
                            slots[index].hand_back();
                            dropped.insert(key.clone());
                        }
                    }
                }
                None
            }
        };
        for event in first.into_iter().chain(std::iter::from_fn(|| inbox.try_recv().ok())) {
            match event {
                Event::Ended(index, report) => {
                    idle.push(index);
                    let unwanted = running.remove(&index).is_some_and(|key| dropped.remove(&key));
                    // A result that came about all the same is told: it may be compared.
                    if !(unwanted && matches!(report.ending, Ending::HandedBack(_))) {
                        reports.push(report);
                    }
                }
                Event::Checkpoint(checkpoint) => link.checkpoint(checkpoint).await?,
            }
        }
    }
}

/// Takes the leases of these names out of `queue`.
fn take(queue: &mut VecDeque<Lease>, keys: &[Key]) -> Vec<Lease> {
    let (taken, left) = queue.drain(..).partition(|lease| keys.contains(&lease.key()));
    *queue = Vec::into(left);
    taken
}
