//! The conversation with one worker, from its hello to the end of its connection.
//!
//! Two tasks: one listens, so that a worker counts as heard while a commit takes its time; the other answers. Either
//! ends the other. A conversation that ends for whatever reason starts the grace of the worker's leases.

use super::gate::Gate;
use super::status::status;
use super::whole;
use super::workers::acknowledged;
use crate::dispatch::presence::{Order, Seat};
use crate::dispatch::{self, Dispatcher, Verdict};
use crate::store::{self, Token};
use std::sync::Arc;
use std::time::Duration;
use sweep_core::job::{self, Ending};
use sweep_core::trial::REVISION;
use sweep_proto::{PROTOCOL, v1};
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Result, Status, Streaming};

/// How long a hello may take.
const HELLO: Duration = Duration::from_secs(10);
/// Messages on their way to a worker.
const OUT: usize = 64;
/// Requests of a worker that are not answered yet; one that sends more does not wait for answers as it should.
const UNANSWERED: usize = 256;
/// A wish for work is tried again after this long even where nothing has changed.
const RETRY: Duration = Duration::from_secs(1);
/// Most slots, and most leases named, of one worker.
const MAX_SLOTS: u32 = 4_096;

/// What is to be answered.
enum Task {
    Want(usize),
    Reports(Vec<v1::Report>),
    /// Heard: a moment to see whether its token still holds.
    Check,
}

/// Takes a worker's hello and begins the conversation.
///
/// # Errors
/// `FAILED_PRECONDITION` for another version, naming the one needed.
pub async fn open(
    dispatcher: Arc<Dispatcher>,
    gate: Arc<Gate>,
    token: Token,
    mut inbound: Streaming<v1::FromWorker>,
    closed: watch::Receiver<bool>,
) -> Result<ReceiverStream<Result<v1::ToWorker>>> {
    let first = tokio::time::timeout(HELLO, inbound.message()).await;
    let first = first.map_err(|_| Status::deadline_exceeded("no hello came for 10 s"))??;
    let Some(v1::from_worker::Says::Hello(hello)) = first.and_then(|message| message.says) else {
        return Err(Status::invalid_argument("the first message of a worker is its hello"));
    };
    let (provenance, holds) = check(&hello)?;
    // A worker that goes away meanwhile has arrived all the same, and leaves with its connection: what it did not name
    // comes back.
    let (taking, said, from) = (Arc::clone(&dispatcher), hello.clone(), provenance.clone());
    let arrival =
        whole(async move { taking.arrive(&said.worker, &from, said.cores, said.slots, &holds).await }).await?;
    let arrival = arrival.map_err(|error| status(&error))?;
    tracing::info!(
        "worker {} came: {} slots on {} cores of {} ({}); it keeps {} leases and lost {}",
        hello.worker,
        hello.slots,
        hello.cores,
        provenance.host,
        provenance.blas_kernel,
        arrival.kept.len(),
        arrival.lost.len()
    );
    let settings = dispatcher.settings().presence;
    let welcome = v1::Welcome {
        lease_ms: settings.lease_ms,
        heartbeat_ms: settings.heartbeat_ms,
        kept: arrival.kept.into_iter().map(key).collect(),
        lost: arrival.lost.into_iter().map(key).collect(),
    };
    let (out, outbound) = mpsc::channel(OUT);
    // The channel is new: there is room.
    let _ = out.try_send(Ok(says(v1::to_worker::Says::Welcome(welcome))));
    let (tell, tasks) = mpsc::channel(UNANSWERED);
    let seat = arrival.seat;
    let answering =
        tokio::spawn(answer(Arc::clone(&dispatcher), gate, token, seat.clone(), tasks, arrival.orders, out));
    tokio::spawn(async move {
        let why = listen(&dispatcher, &seat, inbound, tell, closed).await;
        dispatcher.leave(&seat);
        tracing::info!("worker {} is gone: {why}", seat.worker);
        // It ends by itself once its tasks are done: a commit is not cut off.
        drop(answering);
    });
    Ok(ReceiverStream::new(outbound))
}

/// What a hello says, if it can be of use here.
fn check(hello: &v1::Hello) -> Result<(job::Provenance, Vec<store::Lease>)> {
    let provenance: job::Provenance =
        hello.provenance.clone().ok_or_else(|| Status::invalid_argument("a hello needs a provenance"))?.into();
    let here = env!("CARGO_PKG_VERSION");
    if hello.protocol != PROTOCOL || provenance.revision != REVISION || provenance.trainer_version != here {
        let theirs = (&provenance.trainer_version, provenance.revision, hello.protocol);
        return Err(Status::failed_precondition(format!(
            "worker {:.200} is version {} (trainer revision {}, protocol {}); this coordinator needs version {here} (trainer \
             revision {REVISION}, protocol {PROTOCOL})",
            hello.worker, theirs.0, theirs.1, theirs.2
        )));
    }
    let named = !hello.worker.is_empty() && hello.worker.len() <= 200 && !hello.worker.contains(char::is_control);
    if !named {
        return Err(Status::invalid_argument("a worker's name has 1 to 200 bytes and no control characters"));
    }
    if !(1..=MAX_SLOTS).contains(&hello.slots) {
        return Err(Status::invalid_argument(format!("a worker has {} slots; allowed: 1..={MAX_SLOTS}", hello.slots)));
    }
    Ok((provenance, hello.holds.iter().cloned().map(lease).collect()))
}

/// Hears the worker until it ends or is of no use; why.
async fn listen(
    dispatcher: &Dispatcher,
    seat: &Seat,
    mut inbound: Streaming<v1::FromWorker>,
    tell: mpsc::Sender<Task>,
    mut closed: watch::Receiver<bool>,
) -> String {
    loop {
        let message = tokio::select! {
            message = inbound.message() => message,
            () = tell.closed() => return "its conversation was ended".to_owned(),
            // A dropped sender closes, too.
            _ = closed.wait_for(|closed| *closed) => return "the coordinator ends".to_owned(),
        };
        let message = match message {
            Ok(Some(message)) => message,
            Ok(None) => return "it said goodbye".to_owned(),
            Err(status) => return status.message().to_owned(),
        };
        if let Err(error) = dispatcher.hear(seat) {
            return error.to_string();
        }
        use v1::from_worker::Says;
        let task = match message.says {
            Some(Says::Want(want)) => Task::Want(want.idle.min(MAX_SLOTS) as usize),
            Some(Says::Reports(reports)) => Task::Reports(reports.reports),
            Some(Says::Heartbeat(_)) => Task::Check,
            Some(Says::Hello(_)) | None => return "it said what it may not say here".to_owned(),
        };
        if tell.try_send(task).is_err() {
            return format!("it sent more than {UNANSWERED} requests without waiting for answers");
        }
    }
}

/// Answers what is heard, until nothing more is heard or the worker no longer listens.
async fn answer(
    dispatcher: Arc<Dispatcher>,
    gate: Arc<Gate>,
    token: Token,
    seat: Seat,
    mut tasks: mpsc::Receiver<Task>,
    mut orders: mpsc::UnboundedReceiver<Order>,
    out: mpsc::Sender<Result<v1::ToWorker>>,
) {
    let mut news = dispatcher.news();
    let mut wanted = 0;
    loop {
        let done = tokio::select! {
            biased;
            task = tasks.recv() => match task {
                None => return,
                Some(Task::Want(idle)) => {
                    wanted = idle;
                    Ok(None)
                }
                Some(Task::Reports(reports)) => {
                    let told = deliver(&dispatcher, &seat, reports).await.map_err(|error| refuse(&seat, &error));
                    told.map(|told| Some(v1::to_worker::Says::Acknowledged(told)))
                }
                Some(Task::Check) => match gate.still_holds(&token.name).await {
                    Ok(false) => {
                        let reason = format!("its token \"{}\" was revoked or has expired", token.name);
                        Ok(Some(v1::to_worker::Says::Drain(v1::Drain { reason })))
                    }
                    // A database that does not answer is no reason to send anyone away.
                    Ok(true) | Err(_) => Ok(None),
                },
            },
            order = orders.recv() => match order {
                // Another connection of this worker took its place.
                None => return,
                Some(order) => Ok(Some(ordered(order))),
            },
            _ = news.changed(), if wanted > 0 => Ok(None),
            () = tokio::time::sleep(RETRY), if wanted > 0 => Ok(None),
        };
        let leases = match &done {
            Ok(_) if wanted > 0 => dispatcher.lease(&seat, wanted).await.map_err(|error| refuse(&seat, &error)),
            _ => Ok(Vec::new()),
        };
        let messages = done.and_then(|said| {
            let leases = leases?;
            let leased = (!leases.is_empty()).then(|| {
                wanted = 0;
                v1::to_worker::Says::Leases(v1::Leases { leases: leases.iter().map(Into::into).collect() })
            });
            Ok(said.into_iter().chain(leased).collect::<Vec<_>>())
        });
        match messages {
            Ok(messages) => {
                for message in messages {
                    if out.send(Ok(says(message))).await.is_err() {
                        return;
                    }
                }
            }
            Err(status) => {
                // The last word; one that no longer listens need not hear it.
                let _ = out.send(Err(status)).await;
                return;
            }
        }
    }
}

/// Ends a conversation over an error; what the worker has, it delivers again when it comes anew.
fn refuse(seat: &Seat, error: &dispatch::Error) -> Status {
    if !matches!(error, dispatch::Error::Gone(_)) {
        tracing::error!("failed to serve worker {}: {error}", seat.worker);
    }
    status(error)
}

/// Delivers reports as they came. One that cannot be read ends its attempt as failed.
///
/// # Errors
/// As [`Dispatcher::deliver`].
pub async fn deliver(
    dispatcher: &Dispatcher,
    seat: &Seat,
    reports: Vec<v1::Report>,
) -> dispatch::Result<v1::Acknowledged> {
    let (mut ids, mut read, mut verdicts) = (Vec::new(), Vec::new(), Vec::new());
    let mut unreadable = Vec::new();
    for report in reports {
        let (id, key) = (report.id, report.lease.clone());
        match (job::Report::try_from(report), key) {
            (Ok(report), _) => {
                ids.push(id);
                read.push(report);
            }
            (Err(error), Some(v1::LeaseKey { sweep, cell, fence })) => {
                let ending = Ending::Failed(format!("its report cannot be read: {error}"));
                ids.push(id);
                read.push(job::Report { sweep, cell, fence, ending });
            }
            (Err(error), None) => {
                unreadable.push(id);
                verdicts.push(Verdict::Refused(error.to_string()));
            }
        }
    }
    let mut told = acknowledged(&unreadable, verdicts);
    if !read.is_empty() {
        let verdicts = dispatcher.deliver(seat, read).await?;
        let v1::Acknowledged { ids, refused } = acknowledged(&ids, verdicts);
        told.ids.extend(ids);
        told.refused.extend(refused);
    }
    Ok(told)
}

fn ordered(order: Order) -> v1::to_worker::Says {
    let keys = |leases: Vec<store::Lease>| leases.into_iter().map(key).collect();
    match order {
        Order::GiveBack(leases) => v1::to_worker::Says::GiveBack(v1::GiveBack { leases: keys(leases) }),
        Order::Cancel(leases) => v1::to_worker::Says::Cancel(v1::Cancel { leases: keys(leases) }),
    }
}

fn says(says: v1::to_worker::Says) -> v1::ToWorker {
    v1::ToWorker { says: Some(says) }
}

fn key(lease: store::Lease) -> v1::LeaseKey {
    v1::LeaseKey { sweep: lease.sweep, cell: lease.cell, fence: lease.fence }
}

fn lease(key: v1::LeaseKey) -> store::Lease {
    store::Lease { sweep: key.sweep, cell: key.cell, fence: key.fence }
}
