//! The calls of users that ask what came of a sweep, or tidy up.

use super::gate::{Gate, READERS, WRITERS};
use super::status::{cut, status, stored};
use super::sweeps::{messages, stands};
use super::upload::{self, Chunks};
use super::whole;
use crate::dispatch::Dispatcher;
use crate::export::{Export, Form};
use crate::figure::{self, Ask};
use crate::store::{self, Coordinates, Run, Selection, Store, Usage};
use crate::web;
use prost::Message;
use prost::bytes::Bytes;
use std::sync::Arc;
use sweep_core::sweep;
use sweep_proto::{CHUNK, convert, v1};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Result, Status};

/// Cells and data files that are held in memory at a time.
const MAX_TRANSFERS: usize = 4;
/// Exports at a time, each of which holds a few thousand rows.
const MAX_EXPORTS: usize = 4;
/// Runs that are read at a time.
const PAGE: u64 = 1024;
/// Runs or selections of one message: a few kilobytes each.
const ITEMS: usize = 200;
/// Most cells that were given up and are told of.
const MOST_GIVEN_UP: u64 = 20;

/// The service `Results`.
pub struct Service {
    dispatcher: Arc<Dispatcher>,
    gate: Arc<Gate>,
    transfers: Arc<Semaphore>,
    exports: Arc<Semaphore>,
}

impl Service {
    /// For users whom `gate` lets in.
    pub fn new(dispatcher: Arc<Dispatcher>, gate: Arc<Gate>) -> Service {
        let (transfers, exports) = (Semaphore::new(MAX_TRANSFERS), Semaphore::new(MAX_EXPORTS));
        Service { dispatcher, gate, transfers: Arc::new(transfers), exports: Arc::new(exports) }
    }

    async fn find(&self, key: &str) -> Result<store::Sweep> {
        self.dispatcher.store().find_sweep(key).await.map_err(|error| stored(&error))
    }

    async fn size(&self) -> Result<Usage> {
        self.dispatcher.store().usage().await.map_err(|error| stored(&error))
    }
}

#[tonic::async_trait]
impl v1::results_server::Results for Service {
    type ShowStream = ReceiverStream<Result<v1::ShowResponse>>;
    type CellStream = Chunks;
    type InputStream = Chunks;
    type ExportStream = ReceiverStream<Result<v1::ExportResponse>>;
    type DrawStream = ReceiverStream<Result<v1::DrawResponse>>;
    type ReportStream = Chunks;

    async fn show(&self, request: Request<v1::ShowRequest>) -> Result<Response<Self::ShowStream>> {
        self.gate.allow(request.metadata(), &READERS).await?;
        let v1::ShowRequest { sweep, runs } = request.into_inner();
        let sweep = self.find(&sweep).await?;
        let store = self.dispatcher.store().clone();
        let given_up = store.given_up(&sweep.id, MOST_GIVEN_UP).await.map_err(|error| stored(&error))?;
        let detail = v1::SweepDetail {
            status: Some(stands(&self.dispatcher, &sweep).await?),
            description: sweep.description,
            source: sweep.source,
            extensions: sweep.extensions,
            inputs: sweep.inputs.into_iter().collect(),
            given_up: given_up.into_iter().map(|(cell, error)| v1::GivenUp { cell, error }).collect(),
        };
        let (tell, told) = mpsc::channel(4);
        tokio::spawn(async move {
            if let Err(error) = answer(&store, &sweep.id, detail, runs, &tell).await {
                upload::say(&tell, Err(stored(&error))).await;
            }
        });
        Ok(Response::new(ReceiverStream::new(told)))
    }

    async fn cell(&self, request: Request<v1::CellRequest>) -> Result<Response<Chunks>> {
        self.gate.allow(request.metadata(), &READERS).await?;
        let v1::CellRequest { sweep, cell, matrices } = request.into_inner();
        let permit = turn(&self.transfers).await;
        let sweep = self.find(&sweep).await?;
        let detail = detail(self.dispatcher.store(), sweep, cell, matrices).await?;
        Ok(Response::new(upload::send(detail.encode_to_vec(), permit)))
    }

    async fn input(&self, request: Request<v1::InputRequest>) -> Result<Response<Chunks>> {
        self.gate.allow(request.metadata(), &READERS).await?;
        let permit = turn(&self.transfers).await;
        let bytes = self.dispatcher.content(&request.into_inner().hash).await.map_err(|error| status(&error))?;
        Ok(Response::new(upload::send(bytes, permit)))
    }

    async fn export(&self, request: Request<v1::ExportRequest>) -> Result<Response<Self::ExportStream>> {
        self.gate.allow(request.metadata(), &READERS).await?;
        let request = request.into_inner();
        let form = match request.form() {
            v1::Form::Csv => Form::Csv,
            v1::Form::Parquet => Form::Parquet,
            v1::Form::Unspecified => {
                return Err(Status::invalid_argument("a form is needed: 1 (CSV) or 2 (Parquet)"));
            }
        };
        let sweep = self.find(&request.sweep).await?;
        let store = self.dispatcher.store().clone();
        let permit = turn(&self.exports).await;
        let mut export = Export::new(store, sweep.id, form).map_err(|error| stored(&error))?;
        let (tell, told) = mpsc::channel(4);
        tokio::spawn(async move {
            let _permit = permit;
            loop {
                let piece = match export.piece().await {
                    Ok(Some(piece)) => Bytes::from(piece),
                    Ok(None) => return,
                    Err(error) => {
                        upload::say(&tell, Err(stored(&error))).await;
                        return;
                    }
                };
                for at in (0..piece.len()).step_by(CHUNK) {
                    let data = piece.slice(at..piece.len().min(at + CHUNK));
                    if !upload::say(&tell, Ok(v1::ExportResponse { data, rows: export.rows() })).await {
                        return;
                    }
                }
            }
        });
        Ok(Response::new(ReceiverStream::new(told)))
    }

    async fn draw(&self, request: Request<v1::DrawRequest>) -> Result<Response<Self::DrawStream>> {
        use v1::draw_response::Is;
        self.gate.allow(request.metadata(), &READERS).await?;
        let v1::DrawRequest { sweep, settings } = request.into_inner();
        let pairs = settings.iter().map(|setting| (&setting.key, &setting.value));
        let ask = Ask::parse(pairs).map_err(|wrong| Status::invalid_argument(cut(wrong.to_string())))?;
        let permit = turn(&self.transfers).await;
        let sweep = self.find(&sweep).await?;
        let drawn = figure::draw(self.dispatcher.boards(), &sweep, &ask, None).await;
        let figure = drawn.map_err(|error| drawing(&error))?;
        let (tell, told) = mpsc::channel(4);
        tokio::spawn(async move {
            let _permit = permit;
            let pieces = figure.svg.as_bytes().chunks(CHUNK).map(|piece| Ok(Is::Svg(piece.to_vec())));
            let numbers = messages(figure.table).map(|message| message.map(Is::Numbers));
            for is in std::iter::once(Ok(Is::Sql(figure.sql))).chain(pieces).chain(numbers) {
                if !upload::say(&tell, is.map(|is| v1::DrawResponse { is: Some(is) })).await {
                    return;
                }
            }
        });
        Ok(Response::new(ReceiverStream::new(told)))
    }

    async fn report(&self, request: Request<v1::SweepRequest>) -> Result<Response<Chunks>> {
        self.gate.allow(request.metadata(), &READERS).await?;
        let permit = turn(&self.transfers).await;
        let sweep = self.find(&request.into_inner().sweep).await?;
        let page = web::report(&self.dispatcher, &sweep).await.map_err(|error| drawing(&error))?;
        Ok(Response::new(upload::send(page, permit)))
    }

    async fn tag(&self, request: Request<v1::TagRequest>) -> Result<Response<v1::TagResponse>> {
        self.gate.allow(request.metadata(), &WRITERS).await?;
        let v1::TagRequest { sweep, add, remove } = request.into_inner();
        add.iter().chain(&remove).try_for_each(|tag| store::check_tag(tag)).map_err(|error| stored(&error))?;
        let sweep = self.find(&sweep).await?;
        for (tags, on) in [(add, true), (remove, false)] {
            for tag in tags {
                self.dispatcher.store().tag(&sweep.id, &tag, on).await.map_err(|error| stored(&error))?;
            }
        }
        let tags = self.find(&sweep.id).await?.tags;
        Ok(Response::new(v1::TagResponse { tags }))
    }

    async fn remove(&self, request: Request<v1::SweepRequest>) -> Result<Response<v1::RemoveResponse>> {
        let by = self.gate.allow(request.metadata(), &WRITERS).await?;
        let sweep = self.find(&request.into_inner().sweep).await?;
        let (dispatcher, id) = (Arc::clone(&self.dispatcher), sweep.id.clone());
        let gone = whole(async move { dispatcher.remove(&id).await }).await?.map_err(|error| status(&error))?;
        tracing::info!("sweep {} (\"{}\") was removed by \"{}\"", sweep.id, sweep.name, by.name);
        Ok(Response::new(v1::RemoveResponse { outcomes: gone.outcomes }))
    }

    async fn gc(&self, request: Request<v1::GcRequest>) -> Result<Response<v1::GcResponse>> {
        self.gate.allow(request.metadata(), &WRITERS).await?;
        let bytes_before = self.size().await?.bytes;
        let dispatcher = Arc::clone(&self.dispatcher);
        let gone = whole(async move { dispatcher.gc().await }).await?.map_err(|error| status(&error))?;
        let bytes_after = self.size().await?.bytes;
        let (outcomes, blobs) = (gone.outcomes, gone.blobs);
        Ok(Response::new(v1::GcResponse { outcomes, blobs, bytes_before, bytes_after }))
    }

    async fn usage(&self, request: Request<v1::UsageRequest>) -> Result<Response<v1::UsageResponse>> {
        self.gate.allow(request.metadata(), &READERS).await?;
        let size = self.size().await?;
        Ok(Response::new(v1::UsageResponse {
            bytes: size.bytes,
            sweeps: size.sweeps,
            cells: size.cells,
            outcomes: size.outcomes,
            points: size.points,
            blob_bytes: size.blob_bytes,
            checkpoints: size.checkpoints,
            checkpoint_bytes: size.checkpoint_bytes,
            checkpoint_quota: size.checkpoint_quota,
        }))
    }
}

/// Why there is no picture.
fn drawing(error: &figure::Error) -> Status {
    match error {
        figure::Error::Wrong(wrong) => Status::invalid_argument(cut(wrong.to_string())),
        figure::Error::Store(error) => stored(error),
        figure::Error::Source(_) => Status::failed_precondition(cut(error.to_string())),
        figure::Error::Failed(_) => Status::internal(error.to_string()),
    }
}

/// Waits until there is room for one more.
async fn turn(room: &Arc<Semaphore>) -> OwnedSemaphorePermit {
    Arc::clone(room).acquire_owned().await.expect("the semaphore is never closed")
}

/// Tells what the sweep is and what it answers, at most `most` runs of it, as long as somebody listens.
async fn answer(
    store: &Store,
    id: &str,
    detail: v1::SweepDetail,
    most: u64,
    tell: &mpsc::Sender<Result<v1::ShowResponse>>,
) -> store::Result<()> {
    use v1::show_response::Is;
    let say = async |is: Is| upload::say(tell, Ok(v1::ShowResponse { is: Some(is) })).await;
    if !say(Is::Sweep(detail)).await {
        return Ok(());
    }
    for part in store.selections(id).await?.chunks(ITEMS) {
        let selections = part.iter().map(selection).collect();
        if !say(Is::Selections(v1::Selections { selections })).await {
            return Ok(());
        }
    }
    let (mut from, mut left) = (0, most);
    loop {
        let page = store.runs(id, from, left.min(PAGE)).await?;
        let Some(last) = page.last() else { return Ok(()) };
        from = last.cell + 1;
        left -= page.len() as u64;
        for part in page.chunks(ITEMS) {
            let runs = part.iter().map(run).collect();
            if !say(Is::Runs(v1::Runs { runs })).await {
                return Ok(());
            }
        }
    }
}

fn selection(selection: &Selection) -> v1::Selection {
    let Selection { group, candidate, candidates, coordinates, validation_error, at_edge } = selection;
    v1::Selection {
        group: *group,
        candidate: *candidate,
        candidates: *candidates,
        coordinates: convert::values(coordinates),
        validation_error: *validation_error,
        at_edge: at_edge.clone(),
    }
}

fn run(run: &Run) -> v1::Run {
    let Run { cell, coordinates, status, inflated, test_rel, test_rmse, effective_rank } = run;
    v1::Run {
        cell: *cell,
        coordinates: convert::values(coordinates),
        status: v1::Status::from(*status) as i32,
        inflated: *inflated,
        test_rel: *test_rel,
        test_rmse: *test_rmse,
        effective_rank: *effective_rank,
    }
}

/// Everything that is known of one cell.
async fn detail(store: &Store, sweep: store::Sweep, cell: u64, matrices: bool) -> Result<v1::CellDetail> {
    if cell >= sweep.cells {
        let why = format!("cell {cell} is outside 0..{} of \"{}\"", sweep.cells, sweep.name);
        return Err(Status::invalid_argument(why));
    }
    let known = store.cell(&sweep.id, cell).await.map_err(|error| stored(&error))?;
    let (state, coordinates) = match &known {
        Some(known) => (known.state.word(), known.coordinates.clone()),
        None => untouched(&sweep, cell)?,
    };
    let outcome = match known.as_ref().and_then(|known| known.outcome) {
        Some(id) => {
            let found = store.outcome(id).await.map_err(|error| stored(&error))?;
            let lost = || Status::data_loss(format!("outcome {id} of cell {cell} is not in the database"));
            Some(outcome(found.ok_or_else(lost)?, matrices))
        }
        None => None,
    };
    Ok(v1::CellDetail {
        sweep: sweep.id,
        name: sweep.name,
        state: state.to_owned(),
        coordinates: convert::values(&coordinates),
        inputs: sweep.inputs.into_iter().collect(),
        record: known.map(record),
        outcome,
    })
}

/// Why a cell has no row, and the recipe that it will have as far as it is known.
fn untouched(stored: &store::Sweep, cell: u64) -> Result<(&'static str, Coordinates)> {
    let parsed = stored.parsed().map_err(|why| {
        Status::failed_precondition(format!(
            "the file of \"{}\" is not accepted by this version of the program: {why}",
            stored.name
        ))
    })?;
    Ok(match parsed.cell(cell) {
        Some(sweep::Cell::Fixed(coordinates)) => ("not begun", coordinates),
        Some(sweep::Cell::Refit { coordinates, .. }) => ("waits for the tuning of its group", coordinates),
        None => ("not begun", Coordinates::new()),
    })
}

fn record(cell: store::Cell) -> v1::CellRecord {
    let attempt = |attempt: store::Attempt| v1::AttemptRecord {
        fence: attempt.fence,
        worker: attempt.worker,
        leased_at_ms: attempt.leased_at_ms,
        ended_at_ms: attempt.ended_at_ms,
        ending: attempt.ending.map(|ending| ending.word().to_owned()),
        error: attempt.error,
    };
    v1::CellRecord {
        stage: cell.stage.word().to_owned(),
        trial_digest: cell.trial_digest,
        linked: cell.linked,
        attempts: cell.attempts.into_iter().map(attempt).collect(),
    }
}

fn outcome(found: store::Stored, matrices: bool) -> v1::CellOutcome {
    let store::Stored { mut outcome, trial_digest, revision, sweep, cell, fingerprint, provenance, recorded_at_ms } =
        found;
    let count = outcome.matrices.len() as u64;
    if !matrices {
        outcome.matrices.clear();
    }
    v1::CellOutcome {
        outcome: Some(outcome.into()),
        matrices: count,
        trial_digest,
        revision,
        sweep,
        cell,
        fingerprint,
        provenance: Some((&provenance).into()),
        recorded_at_ms,
    }
}
