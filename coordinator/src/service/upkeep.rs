//! Whether all is well here.

use super::gate::{Gate, READERS};
use super::status::{status, stored};
use crate::dispatch::Dispatcher;
use crate::doctor::{self, Finding, State};
use crate::store;
use std::sync::Arc;
use sweep_core::trial::REVISION;
use sweep_proto::{PROTOCOL, v1};
use tonic::{Request, Response, Result};

/// The service `Upkeep`.
pub struct Service {
    dispatcher: Arc<Dispatcher>,
    gate: Arc<Gate>,
    /// The certificates that are shown, PEM.
    chain: Option<String>,
}

impl Service {
    /// For whom `gate` lets in, of a server that shows these certificates.
    pub fn new(dispatcher: Arc<Dispatcher>, gate: Arc<Gate>, chain: Option<String>) -> Service {
        Service { dispatcher, gate, chain }
    }
}

#[tonic::async_trait]
impl v1::upkeep_server::Upkeep for Service {
    async fn check(&self, request: Request<v1::CheckRequest>) -> Result<Response<v1::CheckResponse>> {
        self.gate.allow(request.metadata(), &READERS).await?;
        let checks = self.dispatcher.check().await.map_err(|error| status(&error))?;
        Ok(Response::new(v1::CheckResponse { checks: checks.into_iter().map(checked).collect() }))
    }

    async fn examine(&self, request: Request<v1::ExamineRequest>) -> Result<Response<v1::ExamineResponse>> {
        let token = self.gate.allow(request.metadata(), &READERS).await?;
        let (store, now_ms) = (self.dispatcher.store(), self.dispatcher.clock().now_ms());
        let mut findings = doctor::database(store).await.map_err(|error| stored(&error))?;
        findings.push(doctor::certificate(self.chain.as_deref(), now_ms));
        findings.push(doctor::token(&token, now_ms));
        findings.push(doctor::admins(&store.tokens().await.map_err(|error| stored(&error))?, now_ms));
        let known = store.workers(0).await.map_err(|error| stored(&error))?;
        let (here, away): (Vec<_>, Vec<_>) = self.dispatcher.present().into_iter().partition(|view| view.connected);
        let present = |seen: &&store::SeenWorker| here.iter().any(|view| view.worker == seen.worker.id);
        let slots = known.iter().filter(present).map(|seen| seen.worker.slots).sum();
        findings.push(doctor::workers(here.len(), slots, away.len()));
        Ok(Response::new(v1::ExamineResponse {
            findings: findings.into_iter().map(finding).collect(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            revision: REVISION,
            protocol: PROTOCOL,
            now_ms,
        }))
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

fn finding(found: Finding) -> v1::Finding {
    let state = match found.state {
        State::Ok => v1::finding::State::Ok,
        State::Warning => v1::finding::State::Warning,
        State::Problem => v1::finding::State::Problem,
    };
    v1::Finding { subject: found.subject, state: state as i32, what: found.what, remedy: found.remedy }
}
