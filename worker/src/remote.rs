//! The link to a coordinator elsewhere: one conversation, made anew for ever.
//!
//! One rule: whatever was leased stays named, and whatever was reported stays here, until the coordinator has said that it
//! is durable. A task of its own keeps the conversation: it connects, names what is held, is heard at the pace that the
//! coordinator asks for whatever the slots do, and begins again with a growing pause when the connection drops. The
//! methods of the [`Link`] only leave things for it and wait.

mod conversation;

use conversation::converse_for_ever;
use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::hash::{BuildHasher, Hasher};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use sweep_core::job::{Answer, Call, Checkpoint, Ending, Key, Lease, Link, Provenance, Report};
use sweep_proto::client::{Address, Authorized};
use sweep_proto::v1::workers_client::WorkersClient;
use sweep_proto::{CHUNK, convert, v1};
use tokio::sync::{Notify, Semaphore, oneshot, watch};
use tonic::{Code, Status, Streaming};

/// First pause before connecting again: well within the grace of leases.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// Longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// Reports larger than this go in chunks; messages of several are closed at it.
const LARGE: usize = 1 << 20;
/// Most leases or reports named in one message.
const MANY: usize = 512;

/// Why a worker cannot go on.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The coordinator will not have it: another version, no token that holds.
    #[error("the coordinator refused: {0}")]
    Refused(String),
    /// An address, file or certificate of no use.
    #[error("{0}")]
    Address(String),
    /// A file that came with other bytes than its hash says.
    #[error("the input {0} came with other bytes")]
    Content(String),
}

/// Shorthand.
pub type Result<T> = std::result::Result<T, Error>;

/// Who comes.
#[derive(Debug, Clone)]
pub struct Worker {
    /// A name that no other worker has.
    pub name: String,
    /// Where results are made.
    pub provenance: Provenance,
    /// Cores that it may use.
    pub cores: u32,
    /// Attempts at a time.
    pub slots: u32,
}

/// A name that no other worker has: host, process, four random digits.
pub fn unique_name(host: &str) -> String {
    format!("{host}-{}-{:04x}", std::process::id(), random() & 0xffff)
}

/// The link. Dropped, it says goodbye.
pub struct Remote {
    shared: Arc<Shared>,
    /// One checkpoint is on its way at a time.
    saving: Arc<Semaphore>,
}

/// What methods and conversation share.
struct Shared {
    address: Address,
    worker: Worker,
    state: Mutex<State>,
    /// The conversation has something to say.
    say: Notify,
    /// The worker has something to hear.
    hear: Notify,
    /// The client of the present conversation.
    client: watch::Sender<Standing>,
}

/// How the conversation stands.
#[derive(Clone)]
enum Standing {
    Down,
    Up(WorkersClient<Authorized>),
    Ended(Error),
}

#[derive(Default)]
struct State {
    /// Slots that want work, and whether the coordinator has been told.
    wanted: usize,
    told: bool,
    inbox: VecDeque<v1::Lease>,
    /// Every lease that is not yet acknowledged as ended.
    held: BTreeSet<Key>,
    outbox: BTreeMap<u64, Outgoing>,
    next_id: u64,
    calls: VecDeque<Call>,
    closing: bool,
}

/// A report on its way.
struct Outgoing {
    report: v1::Report,
    key: Key,
    /// Whether it was sent in the present conversation.
    sent: bool,
    done: oneshot::Sender<()>,
}

impl Remote {
    /// A link to the coordinator at `address`; it connects in the background, for ever.
    pub fn start(address: Address, worker: Worker) -> Remote {
        let shared = Arc::new(Shared {
            address,
            worker,
            state: Mutex::new(State::default()),
            say: Notify::new(),
            hear: Notify::new(),
            client: watch::channel(Standing::Down).0,
        });
        tokio::spawn(converse_for_ever(Arc::clone(&shared)));
        Remote { shared, saving: Arc::new(Semaphore::new(1)) }
    }

    /// Tells whether the coordinator is reached, whenever it is called.
    pub fn reach(&self) -> impl Fn() -> bool + Send + use<> {
        let standing = self.shared.client.subscribe();
        move || matches!(*standing.borrow(), Standing::Up(_))
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        self.shared.state().closing = true;
        self.shared.say.notify_one();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder panics")
    }

    /// The client, as soon as there is one.
    async fn client(&self) -> Result<WorkersClient<Authorized>> {
        let mut standing = self.client.subscribe();
        let up = standing.wait_for(|standing| !matches!(standing, Standing::Down)).await;
        match up.map(|standing| standing.clone()) {
            Ok(Standing::Up(client)) => Ok(client),
            Ok(Standing::Ended(error)) => Err(error),
            Ok(Standing::Down) | Err(_) => unreachable!("waited for, and the sender is here"),
        }
    }

    /// Calls until it is answered; `None` where the coordinator has not got what is asked for.
    async fn persist<T, F>(&self, what: &str, call: impl Fn(WorkersClient<Authorized>) -> F) -> Result<Option<T>>
    where
        F: Future<Output = std::result::Result<T, Status>>,
    {
        let mut pause = FIRST_PAUSE;
        loop {
            match call(self.client().await?).await {
                Ok(answer) => return Ok(Some(answer)),
                Err(status) if status.code() == Code::NotFound => return Ok(None),
                Err(status) if is_final(&status) => return Err(Error::Refused(status.message().to_owned())),
                Err(status) => tracing::debug!("failed to {what}, trying again: {}", status.message()),
            }
            tokio::time::sleep(pause).await;
            pause = (2 * pause).min(LONGEST_PAUSE);
        }
    }

    /// Keeps a checkpoint with the coordinator.
    async fn save(&self, checkpoint: Checkpoint) -> Result<()> {
        let Checkpoint { sweep, cell, fence, step, bytes } = checkpoint;
        let of = v1::header::Of::Checkpoint(v1::CheckpointHeader { sweep, cell, fence, step });
        let chunks = chunks(of, &bytes);
        let kept = self.persist("save a checkpoint", |mut client| {
            let stream = tokio_stream::iter(chunks.clone());
            async move { client.save_checkpoint(stream).await }
        });
        kept.await.map(|_| ())
    }
}

impl Link for Remote {
    type Error = Error;

    async fn lease(&self, idle: usize) -> Result<Answer> {
        if let Standing::Ended(error) = &*self.shared.client.borrow() {
            return Err(error.clone());
        }
        let arrived: Vec<v1::Lease> = {
            let mut state = self.shared.state();
            if state.inbox.is_empty() && (state.wanted != idle || !state.told) {
                (state.wanted, state.told) = (idle, false);
                self.shared.say.notify_one();
            }
            state.inbox.drain(..).collect()
        };
        let mut leases = Vec::new();
        for wire in arrived {
            let key = wire.key.clone();
            let has_checkpoint = wire.has_checkpoint;
            match Lease::try_from(wire) {
                Ok(mut lease) => {
                    if has_checkpoint {
                        lease.checkpoint = self.load(key).await?;
                    }
                    leases.push(lease);
                }
                // Of one version, the coordinator sends what this end understands.
                Err(error) => return Err(Error::Refused(format!("it sent what cannot be read: {error}"))),
            }
        }
        Ok(if leases.is_empty() { Answer::Wait } else { Answer::Leases(leases) })
    }

    async fn report(&self, reports: Vec<Report>) -> Result<()> {
        let mut waits = Vec::new();
        for mut report in reports {
            let key = Key { sweep: report.sweep.clone(), cell: report.cell, fence: report.fence };
            if let Ending::HandedBack(bytes) = &mut report.ending
                && !bytes.is_empty()
            {
                let Key { sweep, cell, fence } = key.clone();
                // The step is for display; what counts is in the bytes.
                self.shared.save(Checkpoint { sweep, cell, fence, step: 0, bytes: std::mem::take(bytes) }).await?;
            }
            let (done, wait) = oneshot::channel();
            let mut state = self.shared.state();
            state.next_id += 1;
            let id = state.next_id;
            let report = convert::report(id, report);
            state.outbox.insert(id, Outgoing { report, key, sent: false, done });
            waits.push(wait);
        }
        self.shared.say.notify_one();
        let mut standing = self.shared.client.subscribe();
        for wait in waits {
            tokio::select! {
                _ = wait => {}
                ended = standing.wait_for(|standing| matches!(standing, Standing::Ended(_))) => {
                    if let Ok(Standing::Ended(error)) = ended.map(|standing| standing.clone()) {
                        return Err(error);
                    }
                }
            }
        }
        Ok(())
    }

    async fn checkpoint(&self, checkpoint: Checkpoint) -> Result<()> {
        // In the background, and left out while one is on its way: the next comes soon.
        if let Ok(permit) = Arc::clone(&self.saving).try_acquire_owned() {
            let shared = Arc::clone(&self.shared);
            tokio::spawn(async move {
                let _permit = permit;
                if let Err(error) = shared.save(checkpoint).await {
                    tracing::debug!("failed to save a checkpoint: {error}");
                }
            });
        }
        Ok(())
    }

    async fn called(&self) -> Call {
        loop {
            let heard = self.shared.hear.notified();
            {
                let mut state = self.shared.state();
                if let Some(call) = state.calls.pop_front() {
                    return call;
                }
            }
            heard.await;
        }
    }

    async fn content(&self, hash: &str) -> Result<Arc<[u8]>> {
        let request = v1::ContentRequest { hash: hash.to_owned() };
        let bytes = self.shared.persist("fetch an input", |mut client| {
            let request = request.clone();
            async move { collect(client.content(request).await?.into_inner()).await }
        });
        match bytes.await? {
            Some(bytes) if blake3::hash(&bytes).to_hex().as_str() == hash => Ok(bytes.into()),
            _ => Err(Error::Content(hash.to_owned())),
        }
    }
}

impl Remote {
    /// What an earlier attempt left.
    async fn load(&self, lease: Option<v1::LeaseKey>) -> Result<Option<Vec<u8>>> {
        let request = v1::LoadCheckpointRequest { lease };
        let bytes = self.shared.persist("fetch a checkpoint", |mut client| {
            let request = request.clone();
            async move { collect(client.load_checkpoint(request).await?.into_inner()).await }
        });
        Ok(bytes.await?.filter(|bytes| !bytes.is_empty()))
    }
}

/// Whether there is no use in asking again.
fn is_final(status: &Status) -> bool {
    matches!(
        status.code(),
        Code::FailedPrecondition | Code::Unauthenticated | Code::PermissionDenied | Code::InvalidArgument
    )
}

/// An upload in pieces, the first of which says what it is.
fn chunks(of: v1::header::Of, bytes: &[u8]) -> Vec<v1::Chunk> {
    let header = v1::Chunk { data: Vec::new().into(), header: Some(v1::Header { of: Some(of) }) };
    let pieces = bytes.chunks(CHUNK).map(|data| v1::Chunk { data: data.to_vec().into(), header: None });
    std::iter::once(header).chain(pieces).collect()
}

/// The bytes of a download.
async fn collect(mut stream: Streaming<v1::Chunk>) -> std::result::Result<Vec<u8>, Status> {
    let mut bytes = Vec::new();
    while let Some(chunk) = stream.message().await? {
        bytes.extend_from_slice(&chunk.data);
    }
    Ok(bytes)
}

fn key(key: v1::LeaseKey) -> Key {
    Key { sweep: key.sweep, cell: key.cell, fence: key.fence }
}

fn wire(key: Key) -> v1::LeaseKey {
    v1::LeaseKey { sweep: key.sweep, cell: key.cell, fence: key.fence }
}

/// A random number, of no secrecy.
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}
