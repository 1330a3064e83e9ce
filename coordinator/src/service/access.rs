//! Tokens, invitations, and who is there.

use super::gate::{Gate, INVITATION_LIVES};
use super::status::{cut, stored};
use crate::dispatch::Dispatcher;
use crate::store::{self, Role};
use std::collections::BTreeMap;
use std::sync::Arc;
use sweep_proto::v1;
use tonic::{Request, Response, Result, Status};

/// The service `Access`.
pub struct Service {
    dispatcher: Arc<Dispatcher>,
    gate: Arc<Gate>,
}

/// The wire's word for each role.
const ROLES: [(v1::Role, Role); 3] =
    [(v1::Role::Admin, Role::Admin), (v1::Role::Worker, Role::Worker), (v1::Role::Viewer, Role::Viewer)];

/// Whose last sign of life is older than this, and is not connected, is left out.
const FORGOTTEN_MS: i64 = 24 * 3_600 * 1_000;

impl Service {
    /// For whom `gate` lets in.
    pub fn new(dispatcher: Arc<Dispatcher>, gate: Arc<Gate>) -> Service {
        Service { dispatcher, gate }
    }
}

#[tonic::async_trait]
impl v1::access_server::Access for Service {
    async fn create_token(
        &self,
        request: Request<v1::CreateTokenRequest>,
    ) -> Result<Response<v1::CreateTokenResponse>> {
        let by = self.gate.allow(request.metadata(), &[Role::Admin]).await?;
        let v1::CreateTokenRequest { name, role, lives_seconds } = request.into_inner();
        let role = ROLES.iter().find(|(wire, _)| *wire as i32 == role).map(|(_, role)| *role);
        let role = role.ok_or_else(|| Status::invalid_argument("a role is needed: admin, worker or viewer"))?;
        let now = self.dispatcher.clock().now_ms();
        let end = lives_seconds.map(|s| now.saturating_add(i64::try_from(s).unwrap_or(i64::MAX).saturating_mul(1_000)));
        let made = self.dispatcher.store().create_token(&name, role, end, now).await;
        let token = made.map_err(|error| stored(&error))?;
        tracing::info!("token \"{name}\" ({}) was made by \"{}\"", role.word(), by.name);
        Ok(Response::new(v1::CreateTokenResponse { token }))
    }

    async fn list_tokens(&self, request: Request<v1::ListTokensRequest>) -> Result<Response<v1::ListTokensResponse>> {
        self.gate.allow(request.metadata(), &[Role::Admin]).await?;
        let tokens = self.dispatcher.store().tokens().await.map_err(|error| stored(&error))?;
        let token = |token: store::Token| v1::Token {
            name: token.name,
            role: ROLES.iter().find(|(_, role)| *role == token.role).map_or(0, |(wire, _)| *wire as i32),
            created_at_ms: token.created_at_ms,
            expires_at_ms: token.expires_at_ms,
            revoked_at_ms: token.revoked_at_ms,
        };
        Ok(Response::new(v1::ListTokensResponse { tokens: tokens.into_iter().map(token).collect() }))
    }

    async fn revoke_token(
        &self,
        request: Request<v1::RevokeTokenRequest>,
    ) -> Result<Response<v1::RevokeTokenResponse>> {
        let by = self.gate.allow(request.metadata(), &[Role::Admin]).await?;
        let v1::RevokeTokenRequest { name } = request.into_inner();
        let now = self.dispatcher.clock().now_ms();
        let there = self.dispatcher.store().revoke_token(&name, now).await.map_err(|error| stored(&error))?;
        if !there {
            let why = format!("there is no token \"{name}\"; `sweep token list` shows them");
            return Err(Status::not_found(cut(why)));
        }
        tracing::info!("token \"{name}\" was revoked by \"{}\"", by.name);
        Ok(Response::new(v1::RevokeTokenResponse {}))
    }

    async fn invite(&self, request: Request<v1::InviteRequest>) -> Result<Response<v1::InviteResponse>> {
        let by = self.gate.allow(request.metadata(), &[Role::Admin]).await?;
        let code = self.gate.invite()?;
        tracing::info!("a worker was invited by \"{}\"", by.name);
        Ok(Response::new(v1::InviteResponse { code, seconds: INVITATION_LIVES.as_secs() }))
    }

    async fn list_workers(
        &self,
        request: Request<v1::ListWorkersRequest>,
    ) -> Result<Response<v1::ListWorkersResponse>> {
        self.gate.allow(request.metadata(), &[Role::Viewer, Role::Admin]).await?;
        let present: BTreeMap<_, _> = self.dispatcher.present().into_iter().map(|v| (v.worker.clone(), v)).collect();
        let since = self.dispatcher.clock().now_ms() - FORGOTTEN_MS;
        let known = self.dispatcher.store().workers(since).await.map_err(|error| stored(&error))?;
        let worker = |seen: store::SeenWorker| {
            let view = present.get(&seen.worker.id);
            let running = view.map(|v| v.holds.iter().map(|(sweep, cell)| format!("{sweep}/{cell}")).collect());
            v1::Worker {
                connected: view.is_some_and(|v| v.connected),
                running: running.unwrap_or_default(),
                finished: view.map_or(0, |v| v.finished),
                cells_per_second: view.map_or(0.0, |v| v.per_second),
                name: seen.worker.id,
                provenance: Some((&seen.provenance).into()),
                cores: seen.worker.cores,
                slots: seen.worker.slots,
                last_seen_at_ms: seen.last_seen_at_ms,
            }
        };
        let mut workers: Vec<v1::Worker> = known.into_iter().map(worker).collect();
        workers.sort_by_key(|worker| !worker.connected);
        Ok(Response::new(v1::ListWorkersResponse { workers }))
    }
}
