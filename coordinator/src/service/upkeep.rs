//! Whether all is well here.

use super::gate::Gate;
use super::status::status;
use crate::dispatch::Dispatcher;
use crate::store::{self, Role};
use std::sync::Arc;
use sweep_proto::v1;
use tonic::{Request, Response, Result};

/// Those who may look.
const READERS: [Role; 2] = [Role::Viewer, Role::Admin];

/// The service `Upkeep`.
pub struct Service {
    dispatcher: Arc<Dispatcher>,
    gate: Arc<Gate>,
}

impl Service {
    /// For whom `gate` lets in.
    pub fn new(dispatcher: Arc<Dispatcher>, gate: Arc<Gate>) -> Service {
        Service { dispatcher, gate }
    }
}

#[tonic::async_trait]
impl v1::upkeep_server::Upkeep for Service {
    async fn check(&self, request: Request<v1::CheckRequest>) -> Result<Response<v1::CheckResponse>> {
        self.gate.allow(request.metadata(), &READERS).await?;
        let checks = self.dispatcher.check().await.map_err(|error| status(&error))?;
        Ok(Response::new(v1::CheckResponse { checks: checks.into_iter().map(checked).collect() }))
    }
}

fn checked(found: store::Checked) -> v1::Checked {
    let violation = |store::Violation { sweep, cell, what }: store::Violation| v1::Violation { sweep, cell, what };
    v1::Checked {
        name: found.name.to_owned(),
        claim: found.claim.to_owned(),
        violations: found.violations,
        examples: found.examples.into_iter().map(violation).collect(),
    }
}
