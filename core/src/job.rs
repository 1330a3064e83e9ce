//! What passes between a coordinator and a worker: leases one way, reports the other.

use crate::outcome::Outcome;
use crate::trial::Trial;
use std::sync::Arc;

/// A timed right to one attempt at a cell.
#[derive(Debug, Clone)]
pub struct Lease {
    /// The sweep's id.
    pub sweep: String,
    /// The cell's index in its sweep.
    pub cell: u64,
    /// Tells this attempt from earlier ones of the cell; strictly increasing.
    pub fence: i64,
    /// What to run.
    pub trial: Trial,
    /// Seconds that the attempt may train before it ends `out_of_time`.
    pub seconds_limit: Option<f64>,
    /// Where an earlier attempt left off.
    pub checkpoint: Option<Vec<u8>>,
}

/// How an attempt ended.
#[derive(Debug)]
pub enum Ending {
    /// It has a result.
    Outcome(Box<Outcome>),
    /// An error or a panic, in words.
    Failed(String),
    /// Its slot's process died, in words: signal, abort, out of memory. Only a supervisor can say so.
    Died(String),
    /// It was asked to hand back; a checkpoint, empty where there is none.
    HandedBack(Vec<u8>),
}

/// A lease, named.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The sweep's id.
    pub sweep: String,
    /// The cell.
    pub cell: u64,
    /// The fence.
    pub fence: i64,
}

impl Lease {
    /// Its name.
    pub fn key(&self) -> Key {
        Key { sweep: self.sweep.clone(), cell: self.cell, fence: self.fence }
    }
}

/// What a coordinator wants of a worker that did not ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// There are leases to be had now.
    Leases,
    /// Others are idle: what of this has not begun is to be handed back.
    GiveBack(Vec<Key>),
    /// These leases hold no longer: the runs are to be dropped.
    Cancel(Vec<Key>),
    /// Everything is to be handed back; nothing more will come.
    Drain,
}

/// What a worker says of an attempt.
#[derive(Debug)]
pub struct Report {
    /// The sweep's id.
    pub sweep: String,
    /// The cell.
    pub cell: u64,
    /// The fence of the lease.
    pub fence: i64,
    /// How it ended.
    pub ending: Ending,
}

/// The place where results were made; stored with each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provenance {
    /// Version of the package.
    pub trainer_version: String,
    /// [`crate::trial::REVISION`].
    pub revision: u32,
    /// Commit that the binary was built from, empty where unknown.
    pub git_commit: String,
    /// Host name.
    pub host: String,
    /// CPU model.
    pub cpu: String,
    /// OpenBLAS's own description.
    pub blas_library: String,
    /// The kernel that it chose.
    pub blas_kernel: String,
    /// Threads of each BLAS call.
    pub blas_threads: u32,
    /// `f64`.
    pub dtype: String,
}

/// A coordinator's answer to a worker that wants work.
#[derive(Debug)]
pub enum Answer {
    /// Attempts to make, in this order.
    Leases(Vec<Lease>),
    /// Nothing now; there may be something soon (a cell that comes back, a refit whose tuning is running).
    Wait,
    /// Nothing will come any more.
    Finished,
}

/// A worker's way to its coordinator: a call in one process, a connection between two.
pub trait Link: Send + Sync + 'static {
    /// What went wrong on the way.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Asks for work for `idle` slots.
    fn lease(&self, idle: usize) -> impl Future<Output = Result<Answer, Self::Error>> + Send;

    /// Delivers reports; they are durable when this returns.
    fn report(&self, reports: Vec<Report>) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Delivers the state of a run in the middle.
    fn checkpoint(&self, checkpoint: Checkpoint) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// The next thing that the coordinator wants by itself; where it never does, this never ends. May be dropped before
    /// it does: nothing is lost.
    fn called(&self) -> impl Future<Output = Call> + Send {
        std::future::pending()
    }

    /// The file of this content hash.
    fn content(&self, hash: &str) -> impl Future<Output = Result<Arc<[u8]>, Self::Error>> + Send;
}

/// The state of a run in the middle, for the next attempt at its cell.
#[derive(Debug, Clone)]
pub struct Checkpoint {
    /// The sweep's id.
    pub sweep: String,
    /// The cell.
    pub cell: u64,
    /// The fence of the lease.
    pub fence: i64,
    /// Steps done.
    pub step: u64,
    /// As [`crate::train::run`] takes it.
    pub bytes: Vec<u8>,
}
