//! The calls of users that ask what came of a sweep, or tidy up.

use super::gate::Gate;
use super::status::{status, stored};
use crate::dispatch::Dispatcher;
use crate::store::{self, Role, Usage};
use std::sync::Arc;
use sweep_proto::v1;
use tonic::{Request, Response, Result, Status};

/// Those who may read.
const READERS: [Role; 2] = [Role::Viewer, Role::Admin];
/// Those who may change.
const WRITERS: [Role; 1] = [Role::Admin];

/// The service `Results`.
pub struct Service {
    dispatcher: Arc<Dispatcher>,
    gate: Arc<Gate>,
}

impl Service {
    /// For users whom `gate` lets in.
    pub fn new(dispatcher: Arc<Dispatcher>, gate: Arc<Gate>) -> Service {
        Service { dispatcher, gate }
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
        let gone = self.dispatcher.remove(&sweep.id).await.map_err(|error| status(&error))?;
        tracing::info!("sweep {} (\"{}\") was removed by \"{}\"", sweep.id, sweep.name, by.name);
        Ok(Response::new(v1::RemoveResponse { outcomes: gone.outcomes }))
    }

    async fn gc(&self, request: Request<v1::GcRequest>) -> Result<Response<v1::GcResponse>> {
        self.gate.allow(request.metadata(), &WRITERS).await?;
        let bytes_before = self.size().await?.bytes;
        let dispatcher = Arc::clone(&self.dispatcher);
        // Not dropped with the call: what was begun is finished.
        let gone = tokio::spawn(async move { dispatcher.gc().await }).await;
        let gone = gone.map_err(|error| Status::internal(error.to_string()))?.map_err(|error| status(&error))?;
        let bytes_after = self.size().await?.bytes;
        let (outcomes, blobs) = (gone.outcomes, gone.blobs);
        Ok(Response::new(v1::GcResponse { outcomes, blobs, bytes_before, bytes_after }))
    }

    async fn usage(&self, request: Request<v1::UsageRequest>) -> Result<Response<v1::UsageResponse>> {
        self.gate.allow(request.metadata(), &READERS).await?;
        let Usage { bytes, sweeps, cells, outcomes, points, blob_bytes } = self.size().await?;
        Ok(Response::new(v1::UsageResponse { bytes, sweeps, cells, outcomes, points, blob_bytes }))
    }
}
