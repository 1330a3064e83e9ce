//! The calls of workers.

use super::gate::Gate;
use super::session;
use super::status::{cut, status};
use super::upload::{self, Chunks};
use crate::dispatch::{Dispatcher, Verdict};
use crate::store::Role;
use prost::Message;
use std::sync::Arc;
use sweep_core::job::Checkpoint;
use sweep_proto::v1;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Result, Status, Streaming};

/// Uploads and downloads at a time: each holds its bytes in memory.
const MAX_TRANSFERS: usize = 4;

/// The service `Workers`.
pub struct Service {
    dispatcher: Arc<Dispatcher>,
    gate: Arc<Gate>,
    closed: watch::Receiver<bool>,
    transfers: Arc<Semaphore>,
}

impl Service {
    /// Conversations end when `closed` turns true.
    pub fn new(dispatcher: Arc<Dispatcher>, gate: Arc<Gate>, closed: watch::Receiver<bool>) -> Service {
        Service { dispatcher, gate, closed, transfers: Arc::new(Semaphore::new(MAX_TRANSFERS)) }
    }

    async fn transfer(&self) -> OwnedSemaphorePermit {
        Arc::clone(&self.transfers).acquire_owned().await.expect("the semaphore is never closed")
    }
}

#[tonic::async_trait]
impl v1::workers_server::Workers for Service {
    type WorkStream = ReceiverStream<Result<v1::ToWorker>>;
    type ContentStream = Chunks;
    type LoadCheckpointStream = Chunks;

    async fn work(&self, request: Request<Streaming<v1::FromWorker>>) -> Result<Response<Self::WorkStream>> {
        let token = self.gate.allow(request.metadata(), &[Role::Worker]).await?;
        let (dispatcher, gate) = (Arc::clone(&self.dispatcher), Arc::clone(&self.gate));
        session::open(dispatcher, gate, token, request.into_inner(), self.closed.clone()).await.map(Response::new)
    }

    async fn content(&self, request: Request<v1::ContentRequest>) -> Result<Response<Self::ContentStream>> {
        self.gate.allow(request.metadata(), &[Role::Worker]).await?;
        let permit = self.transfer().await;
        let bytes = self.dispatcher.content(&request.into_inner().hash).await.map_err(|error| status(&error))?;
        Ok(Response::new(upload::send(bytes, permit)))
    }

    async fn save_checkpoint(
        &self,
        request: Request<Streaming<v1::Chunk>>,
    ) -> Result<Response<v1::SaveCheckpointResponse>> {
        self.gate.allow(request.metadata(), &[Role::Worker]).await?;
        let _permit = self.transfer().await;
        let (header, bytes) = upload::receive(&mut request.into_inner()).await?;
        let v1::header::Of::Checkpoint(v1::CheckpointHeader { sweep, cell, fence, step }) = header else {
            return Err(Status::invalid_argument("the upload is not a checkpoint"));
        };
        let checkpoint = Checkpoint { sweep, cell, fence, step, bytes };
        let kept = self.dispatcher.keep(checkpoint).await.map_err(|error| status(&error))?;
        Ok(Response::new(v1::SaveCheckpointResponse { kept }))
    }

    async fn load_checkpoint(
        &self,
        request: Request<v1::LoadCheckpointRequest>,
    ) -> Result<Response<Self::LoadCheckpointStream>> {
        self.gate.allow(request.metadata(), &[Role::Worker]).await?;
        let lease = request.into_inner().lease.ok_or_else(|| Status::invalid_argument("a lease is needed"))?;
        let permit = self.transfer().await;
        let bytes = self.dispatcher.checkpoint(&lease.sweep, lease.cell).await.map_err(|error| status(&error))?;
        Ok(Response::new(upload::send(bytes.unwrap_or_default(), permit)))
    }

    async fn deliver(&self, request: Request<Streaming<v1::Chunk>>) -> Result<Response<v1::Acknowledged>> {
        self.gate.allow(request.metadata(), &[Role::Worker]).await?;
        let _permit = self.transfer().await;
        let (header, bytes) = upload::receive(&mut request.into_inner()).await?;
        let v1::header::Of::Report(v1::ReportHeader { worker }) = header else {
            return Err(Status::invalid_argument("the upload is not a report"));
        };
        let report = v1::Report::decode(&bytes[..]).map_err(|e| Status::invalid_argument(format!("report: {e}")))?;
        drop(bytes);
        let seat = self.dispatcher.seat(&worker);
        let seat = seat.ok_or_else(|| Status::aborted(cut(format!("worker {worker} is not connected"))))?;
        let dispatcher = Arc::clone(&self.dispatcher);
        // Not dropped with the call: the commit may hold the reports of others.
        let delivered = tokio::spawn(async move { session::deliver(&dispatcher, &seat, vec![report]).await });
        let acknowledged = delivered.await.map_err(|error| Status::internal(error.to_string()))?;
        acknowledged.map(Response::new).map_err(|error| status(&error))
    }

    async fn join(&self, request: Request<v1::JoinRequest>) -> Result<Response<v1::JoinResponse>> {
        let v1::JoinRequest { code, name } = request.into_inner();
        let token = self.gate.join(&code, &name).await?;
        Ok(Response::new(v1::JoinResponse { token }))
    }
}

/// What a worker is told of its reports, by its own numbers.
pub fn acknowledged(ids: &[u64], verdicts: Vec<Verdict>) -> v1::Acknowledged {
    let mut told = v1::Acknowledged::default();
    for (&id, verdict) in ids.iter().zip(verdicts) {
        match verdict {
            Verdict::Taken => told.ids.push(id),
            Verdict::Refused(why) => told.refused.push(v1::Refused { id, why }),
        }
    }
    told
}
