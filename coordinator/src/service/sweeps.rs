//! The calls of users.

use super::gate::Gate;
use crate::store::Role;
use std::sync::Arc;
use sweep_core::trial::REVISION;
use sweep_proto::{PROTOCOL, v1};
use tonic::{Request, Response, Result};

/// The service `Sweeps`.
pub struct Service {
    gate: Arc<Gate>,
}

impl Service {
    /// For users whom `gate` lets in.
    pub fn new(gate: Arc<Gate>) -> Service {
        Service { gate }
    }
}

#[tonic::async_trait]
impl v1::sweeps_server::Sweeps for Service {
    async fn version(&self, request: Request<v1::VersionRequest>) -> Result<Response<v1::VersionResponse>> {
        self.gate.allow(request.metadata(), &[Role::Viewer, Role::Admin]).await?;
        let version = env!("CARGO_PKG_VERSION").to_owned();
        Ok(Response::new(v1::VersionResponse { version, revision: REVISION, protocol: PROTOCOL }))
    }
}
