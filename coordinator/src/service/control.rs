//! What users say about a sweep after it was submitted.

use super::gate::{Gate, READERS, WRITERS};
use super::status::{cut, status, stored};
use super::sweeps::stands;
use super::whole;
use crate::dispatch::{self, Dispatcher};
use crate::filter::{self, Filter};
use crate::store::{Sweep, Touched};
use std::sync::Arc;
use sweep_proto::v1;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Result, Status};

/// Cells of one message.
const PAGE: u64 = 500;

/// The service `Control`.
pub struct Service {
    dispatcher: Arc<Dispatcher>,
    gate: Arc<Gate>,
}

impl Service {
    /// For users whom `gate` lets in.
    pub fn new(dispatcher: Arc<Dispatcher>, gate: Arc<Gate>) -> Service {
        Service { dispatcher, gate }
    }

    async fn find(&self, key: &str) -> Result<Sweep> {
        self.dispatcher.store().find_sweep(key).await.map_err(|error| stored(&error))
    }

    /// How a sweep stands after what was done to it.
    async fn after(&self, done: dispatch::Result<()>, id: &str, what: &str) -> Result<Response<v1::SweepStatus>> {
        done.map_err(|error| status(&error))?;
        tracing::info!("sweep {id} was {what}");
        stands(&self.dispatcher, &self.find(id).await?).await.map(Response::new)
    }
}

#[tonic::async_trait]
impl v1::control_server::Control for Service {
    type CellsStream = ReceiverStream<Result<v1::CellsResponse>>;

    async fn pause(&self, request: Request<v1::SweepRequest>) -> Result<Response<v1::SweepStatus>> {
        self.gate.allow(request.metadata(), &WRITERS).await?;
        let id = self.find(&request.into_inner().sweep).await?.id;
        let (dispatcher, of) = (Arc::clone(&self.dispatcher), id.clone());
        let done = whole(async move { dispatcher.pause(&of).await }).await?;
        self.after(done, &id, "paused").await
    }

    async fn resume(&self, request: Request<v1::SweepRequest>) -> Result<Response<v1::SweepStatus>> {
        self.gate.allow(request.metadata(), &WRITERS).await?;
        let id = self.find(&request.into_inner().sweep).await?.id;
        let (dispatcher, of) = (Arc::clone(&self.dispatcher), id.clone());
        let done = whole(async move { dispatcher.go_on(&of).await }).await?;
        self.after(done, &id, "resumed").await
    }

    async fn cancel(&self, request: Request<v1::SweepRequest>) -> Result<Response<v1::SweepStatus>> {
        self.gate.allow(request.metadata(), &WRITERS).await?;
        let id = self.find(&request.into_inner().sweep).await?.id;
        let (dispatcher, of) = (Arc::clone(&self.dispatcher), id.clone());
        let done = whole(async move { dispatcher.cancel(&of).await }).await?;
        self.after(done, &id, "cancelled").await
    }

    async fn prioritise(&self, request: Request<v1::PrioritiseRequest>) -> Result<Response<v1::SweepStatus>> {
        self.gate.allow(request.metadata(), &WRITERS).await?;
        let v1::PrioritiseRequest { sweep, priority } = request.into_inner();
        let id = self.find(&sweep).await?.id;
        let (dispatcher, of) = (Arc::clone(&self.dispatcher), id.clone());
        let done = whole(async move { dispatcher.prioritise(&of, priority).await }).await?;
        self.after(done, &id, &format!("given priority {priority}")).await
    }

    async fn retry(&self, request: Request<v1::RetryRequest>) -> Result<Response<v1::RetryResponse>> {
        self.gate.allow(request.metadata(), &WRITERS).await?;
        let v1::RetryRequest { sweep, filter } = request.into_inner();
        if filter.trim().is_empty() {
            return Err(Status::invalid_argument("a filter is needed that says which cells; cell >= 0 is all of them"));
        }
        let filter = read(&filter)?;
        let id = self.find(&sweep).await?.id;
        let (dispatcher, of) = (Arc::clone(&self.dispatcher), id.clone());
        let retried = whole(async move { dispatcher.retry(&of, &filter).await }).await?;
        let cells = retried.map_err(|error| status(&error))?;
        tracing::info!("{cells} cells of sweep {id} are run once more");
        Ok(Response::new(v1::RetryResponse { cells }))
    }

    async fn cells(&self, request: Request<v1::CellsRequest>) -> Result<Response<Self::CellsStream>> {
        self.gate.allow(request.metadata(), &READERS).await?;
        let v1::CellsRequest { sweep, filter, most } = request.into_inner();
        let filter = read(&filter)?;
        let id = self.find(&sweep).await?.id;
        let (tell, told) = mpsc::channel(4);
        let dispatcher = Arc::clone(&self.dispatcher);
        tokio::spawn(async move {
            if let Err(error) = tell_cells(&dispatcher, &id, &filter, most, &tell).await {
                // One who no longer listens need not hear why.
                let _ = tell.send(Err(error)).await;
            }
        });
        Ok(Response::new(ReceiverStream::new(told)))
    }
}

fn read(text: &str) -> Result<Filter> {
    Filter::parse(text).map_err(|error: filter::Error| Status::invalid_argument(cut(error.to_string())))
}

/// Tells `tell` of at most `most` cells that fit, page by page.
async fn tell_cells(
    dispatcher: &Dispatcher,
    id: &str,
    filter: &Filter,
    most: u64,
    tell: &mpsc::Sender<Result<v1::CellsResponse>>,
) -> Result<()> {
    let (mut last, mut left) = (None, usize::try_from(most).unwrap_or(usize::MAX));
    loop {
        let page = dispatcher.store().touched(id, last, PAGE).await.map_err(|error| stored(&error))?;
        last = page.last().map(|cell| cell.cell);
        let over = (page.len() as u64) < PAGE;
        let cells: Vec<v1::CellLine> = page.into_iter().filter(|cell| filter.fits(cell)).take(left).map(line).collect();
        left -= cells.len();
        if !cells.is_empty() && tell.send(Ok(v1::CellsResponse { cells })).await.is_err() || over || left == 0 {
            return Ok(());
        }
    }
}

fn line(cell: Touched) -> v1::CellLine {
    v1::CellLine {
        cell: cell.cell,
        stage: cell.stage.word().to_owned(),
        state: cell.state.word().to_owned(),
        linked: cell.linked,
        status: cell.status.unwrap_or_default(),
        inflated: cell.inflated,
        test_rel: cell.test_rel,
        train_loss: cell.train_loss,
        wall_seconds: cell.wall_seconds,
        attempts: cell.attempts,
        worker: cell.worker.unwrap_or_default(),
        error: cell.error.unwrap_or_default(),
        coordinates: cell.coordinates.iter().map(|(axis, value)| (axis.clone(), value.into())).collect(),
    }
}
