//! The calls of users.

use super::extend;
use super::gate::{Gate, READERS, WRITERS};
use super::status::{cut, status, stored};
use super::upload;
use super::whole;
use crate::dispatch::{Dispatcher, Notice, Submission};
use crate::store::{self, Datum, Limits, Table};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use sweep_core::sweep::{MAX_CELLS, Sweep};
use sweep_core::trial::REVISION;
use sweep_proto::{MAX_MESSAGE, PROTOCOL, v1};
use tokio::sync::{broadcast, mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Result, Status, Streaming};

/// Between two looks at how a sweep stands.
const LOOK: Duration = Duration::from_millis(500);
/// Rows of one message of an answer; a message of more bytes than may go over the wire is split further.
const ROWS: usize = 500;
/// Most rows of an answer at a coordinator.
const MOST_ROWS: u64 = 1_000_000;
/// Most seconds that a statement may take at a coordinator.
const MOST_SECONDS: f64 = 600.0;

/// The service `Sweeps`.
pub struct Service {
    dispatcher: Arc<Dispatcher>,
    gate: Arc<Gate>,
    closed: watch::Receiver<bool>,
}

impl Service {
    /// For users whom `gate` lets in; those who watch are sent away when `closed` turns true.
    pub fn new(dispatcher: Arc<Dispatcher>, gate: Arc<Gate>, closed: watch::Receiver<bool>) -> Service {
        Service { dispatcher, gate, closed }
    }

    async fn find(&self, key: &str) -> Result<store::Sweep> {
        self.dispatcher.store().find_sweep(key).await.map_err(|error| stored(&error))
    }
}

#[tonic::async_trait]
impl v1::sweeps_server::Sweeps for Service {
    type WatchStream = ReceiverStream<Result<v1::WatchResponse>>;
    type SqlStream = ReceiverStream<Result<v1::SqlResponse>>;

    async fn version(&self, request: Request<v1::VersionRequest>) -> Result<Response<v1::VersionResponse>> {
        self.gate.allow(request.metadata(), &READERS).await?;
        let version = env!("CARGO_PKG_VERSION").to_owned();
        Ok(Response::new(v1::VersionResponse { version, revision: REVISION, protocol: PROTOCOL }))
    }

    async fn upload(&self, request: Request<Streaming<v1::Chunk>>) -> Result<Response<v1::UploadResponse>> {
        self.gate.allow(request.metadata(), &WRITERS).await?;
        let (header, bytes) = upload::receive(&mut request.into_inner()).await?;
        let v1::header::Of::Input(v1::InputHeader {}) = header else {
            return Err(Status::invalid_argument("the upload is not a data file"));
        };
        let hash = self.dispatcher.store().save_blob(&bytes).await.map_err(|error| stored(&error))?;
        Ok(Response::new(v1::UploadResponse { hash }))
    }

    async fn submit(&self, request: Request<v1::SubmitRequest>) -> Result<Response<v1::SubmitResponse>> {
        self.gate.allow(request.metadata(), &WRITERS).await?;
        let v1::SubmitRequest { source, inputs, tags, fresh, max_cells } = request.into_inner();
        let most = if max_cells == 0 { MAX_CELLS } else { max_cells };
        let sweep = Sweep::parse(source.as_bytes(), most).map_err(|found| {
            let lines: Vec<String> = found.iter().map(ToString::to_string).collect();
            Status::invalid_argument(cut(format!("the sweep file is not accepted: {}", lines.join("; "))))
        })?;
        tags.iter().try_for_each(|tag| store::check_tag(tag)).map_err(|error| stored(&error))?;
        let mut contents = BTreeMap::new();
        for path in sweep.files() {
            let missing =
                |why: String| Status::failed_precondition(cut(format!("the file \"{path}\" of the sweep {why}")));
            let hash = inputs.get(&path).ok_or_else(|| missing("was given no content".to_owned()))?;
            let bytes = self.dispatcher.store().blob(hash).await.map_err(|error| stored(&error))?;
            contents.insert(path.clone(), bytes.ok_or_else(|| missing(format!("was not uploaded: {hash}")))?);
        }
        let how = Submission { fresh, tags };
        let dispatcher = Arc::clone(&self.dispatcher);
        let submitted = whole(async move { dispatcher.submit(sweep, &source, &contents, &how).await }).await?;
        let id = submitted.map_err(|error| status(&error))?;
        tracing::info!("sweep {id} was submitted");
        let cells = self.find(&id).await?.cells;
        Ok(Response::new(v1::SubmitResponse { id, cells }))
    }

    async fn source(&self, request: Request<v1::SweepRequest>) -> Result<Response<v1::SourceResponse>> {
        self.gate.allow(request.metadata(), &READERS).await?;
        let sweep = self.find(&request.into_inner().sweep).await?;
        let source = sweep.latest().to_owned();
        Ok(Response::new(v1::SourceResponse { id: sweep.id, source, inputs: sweep.inputs.into_iter().collect() }))
    }

    async fn extend(&self, request: Request<v1::ExtendRequest>) -> Result<Response<v1::ExtendResponse>> {
        self.gate.allow(request.metadata(), &WRITERS).await?;
        let (dispatcher, request) = (Arc::clone(&self.dispatcher), request.into_inner());
        whole(async move { extend::extend(&dispatcher, request).await }).await?.map(Response::new)
    }

    async fn list(&self, request: Request<v1::ListRequest>) -> Result<Response<v1::ListResponse>> {
        self.gate.allow(request.metadata(), &READERS).await?;
        let mut sweeps = Vec::new();
        for sweep in self.dispatcher.store().sweeps().await.map_err(|error| stored(&error))? {
            sweeps.push(stands(&self.dispatcher, &sweep).await?);
        }
        Ok(Response::new(v1::ListResponse { sweeps }))
    }

    async fn status(&self, request: Request<v1::SweepRequest>) -> Result<Response<v1::SweepStatus>> {
        self.gate.allow(request.metadata(), &READERS).await?;
        let sweep = self.find(&request.into_inner().sweep).await?;
        stands(&self.dispatcher, &sweep).await.map(Response::new)
    }

    async fn watch(&self, request: Request<v1::SweepRequest>) -> Result<Response<Self::WatchStream>> {
        self.gate.allow(request.metadata(), &READERS).await?;
        let sweep = self.find(&request.into_inner().sweep).await?;
        let (tell, told) = mpsc::channel(16);
        let (dispatcher, closed) = (Arc::clone(&self.dispatcher), self.closed.clone());
        let notices = dispatcher.notices();
        tokio::spawn(async move {
            if let Err(error) = watching(&dispatcher, &sweep.id, notices, closed, &tell).await {
                // One who no longer listens need not hear why.
                let _ = tell.send(Err(error)).await;
            }
        });
        Ok(Response::new(ReceiverStream::new(told)))
    }

    async fn sql(&self, request: Request<v1::SqlRequest>) -> Result<Response<Self::SqlStream>> {
        self.gate.allow(request.metadata(), &READERS).await?;
        let v1::SqlRequest { query, rows, seconds } = request.into_inner();
        let (most_rows, most_seconds) = match self.gate.is_open() {
            true => (u64::MAX, f64::from(u32::MAX)),
            false => (MOST_ROWS, MOST_SECONDS),
        };
        if !(seconds > 0.0 && seconds <= most_seconds) {
            let why = format!("seconds: {seconds}; allowed at a coordinator: more than 0, at most {most_seconds}");
            return Err(Status::invalid_argument(why));
        }
        if rows > most_rows {
            return Err(Status::invalid_argument(format!("rows: {rows}; allowed at a coordinator: 0..={most_rows}")));
        }
        let limits = Limits { rows: rows as usize, time: Duration::from_secs_f64(seconds) };
        let answer = self.dispatcher.store().query(&query, &limits).await.map_err(|error| stored(&error))?;
        let (tell, told) = mpsc::channel(4);
        tokio::spawn(async move {
            for message in messages(answer) {
                if tell.send(message).await.is_err() {
                    break;
                }
            }
        });
        Ok(Response::new(ReceiverStream::new(told)))
    }
}

/// How a sweep stands, by the database and by what is going on now.
pub(super) async fn stands(dispatcher: &Dispatcher, sweep: &store::Sweep) -> Result<v1::SweepStatus> {
    let counts = dispatcher.store().counts(&sweep.id).await.map_err(|error| stored(&error))?;
    let now = dispatcher.progress(&sweep.id).await;
    Ok(v1::SweepStatus {
        id: sweep.id.clone(),
        name: sweep.name.clone(),
        state: sweep.state.word().to_owned(),
        tags: sweep.tags.clone(),
        created_at_ms: sweep.created_at_ms,
        cells: sweep.cells,
        done: counts.done,
        linked: counts.linked,
        failed: counts.failed + counts.quarantined,
        running: counts.leased,
        trained: now.trained,
        core_seconds_left: (now.trained > 0).then_some(now.core_seconds_left),
        priority: sweep.priority,
        workers: dispatcher.present().iter().filter(|view| view.connected).count() as u64,
        slots: dispatcher.slots(),
    })
}

/// Tells `tell` how the sweep stands until it is final, and every notice about it.
async fn watching(
    dispatcher: &Dispatcher,
    id: &str,
    mut notices: broadcast::Receiver<Notice>,
    mut closed: watch::Receiver<bool>,
    tell: &mpsc::Sender<Result<v1::WatchResponse>>,
) -> Result<()> {
    use v1::watch_response::Says;
    let mut looks = tokio::time::interval(LOOK);
    loop {
        let says = tokio::select! {
            _ = looks.tick() => {
                let sweep = dispatcher.store().find_sweep(id).await.map_err(|error| stored(&error))?;
                Says::Status(stands(dispatcher, &sweep).await?)
            }
            notice = notices.recv() => match notice {
                Ok(notice) => match said(id, &notice) {
                    Some(text) => Says::Notice(text),
                    None => continue,
                },
                Err(broadcast::error::RecvError::Lagged(n)) => Says::Notice(format!("{n} notices came too fast")),
                Err(broadcast::error::RecvError::Closed) => return Ok(()),
            },
            () = async { drop(closed.wait_for(|closed| *closed).await) } => {
                return Err(Status::unavailable("the coordinator is going down; the sweep goes on when it is back"));
            }
        };
        let over = matches!(&says, Says::Status(now) if now.state != "running" && now.state != "paused");
        if tell.send(Ok(v1::WatchResponse { says: Some(says) })).await.is_err() || over {
            return Ok(());
        }
    }
}

/// A notice about this sweep, in words.
fn said(id: &str, notice: &Notice) -> Option<String> {
    match notice {
        Notice::Failed { sweep, cell, error, quarantined } if sweep == id => {
            let then = if *quarantined { "set aside" } else { "once more" };
            Some(format!("cell {cell} failed ({then}): {error}"))
        }
        Notice::Late { sweep, cell, differs } if sweep == id => {
            let differs = if *differs == Some(true) { ", and differs from the accepted one" } else { "" };
            Some(format!("a second result for cell {cell} came late and was not taken{differs}"))
        }
        Notice::Lost { worker, leases, .. } => {
            Some(format!("worker {worker} is gone; its {leases} cells go to others"))
        }
        Notice::Failed { .. } | Notice::Late { .. } => None,
    }
}

/// An answer in messages that fit over the wire, made one by one so that it is never there twice.
pub(super) fn messages(answer: Table) -> impl Iterator<Item = Result<v1::SqlResponse>> + Send {
    use v1::datum::Is;
    let datum = |datum: Datum| v1::Datum {
        is: match datum {
            Datum::Null => None,
            Datum::Int(i) => Some(Is::Int(i)),
            Datum::Float(x) => Some(Is::Float(x)),
            Datum::Text(text) => Some(Is::Text(text)),
            Datum::Bytes(bytes) => Some(Is::Bytes(bytes)),
        },
    };
    let Table { columns, rows, truncated } = answer;
    let row = move |row: Vec<Datum>| v1::SqlRow { values: row.into_iter().map(datum).collect() };
    let mut columns = Some(columns);
    let mut rows = rows.into_iter().map(row).peekable();
    let mut refused = false;
    std::iter::from_fn(move || {
        if refused || columns.is_none() && rows.peek().is_none() {
            return None;
        }
        let mut message = v1::SqlResponse { columns: columns.take().unwrap_or_default(), ..v1::SqlResponse::default() };
        let mut size = 0;
        while let Some(row) = rows.peek()
            && message.rows.len() < ROWS
        {
            let bytes = prost::Message::encoded_len(row) + 8;
            if bytes > MAX_MESSAGE - 1024 {
                refused = true;
                let why = format!("a row of {bytes} bytes is more than the {MAX_MESSAGE} of a message; select less");
                return Some(Err(Status::out_of_range(why)));
            }
            if size + bytes > MAX_MESSAGE / 2 && !message.rows.is_empty() {
                break;
            }
            size += bytes;
            message.rows.extend(rows.next());
        }
        message.truncated = truncated && rows.peek().is_none();
        Some(Ok(message))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_answer_goes_in_messages_that_fit() {
        let text = "x".repeat(10_000);
        let rows = (0..1_000).map(|i| vec![Datum::Int(i), Datum::Text(text.clone()), Datum::Null]).collect();
        let answer = Table { columns: vec!["a".into(), "b".into(), "c".into()], rows, truncated: true };
        let messages: Vec<_> = messages(answer).map(|m| m.unwrap()).collect();
        assert!(messages.len() > 1 && messages.iter().all(|m| prost::Message::encoded_len(m) < MAX_MESSAGE));
        assert_eq!(messages.iter().map(|m| m.rows.len()).sum::<usize>(), 1_000);
        assert!(messages.last().unwrap().truncated && !messages[0].truncated);
        assert_eq!((messages[0].columns.len(), messages[1].columns.len()), (3, 0));
    }

    #[test]
    fn a_row_that_fits_into_no_message_is_refused() {
        let rows = vec![vec![Datum::Text("x".repeat(MAX_MESSAGE))]];
        let answer = Table { columns: vec!["a".into()], rows, truncated: false };
        let answers: Vec<_> = messages(answer).collect();
        assert_eq!(answers.len(), 1);
        assert_eq!(answers[0].as_ref().unwrap_err().code(), tonic::Code::OutOfRange);
    }
}
