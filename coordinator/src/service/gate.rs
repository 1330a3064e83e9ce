//! Who may call what: tokens, and the codes of invitations.
//!
//! A token is looked up by its hash with every call, so a revoked one ends at once. Codes are kept in memory: they live
//! for minutes, once, and end with the coordinator.

use super::status::stored;
use crate::dispatch::Dispatcher;
use crate::store::{Role, Token, secret};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tonic::metadata::MetadataMap;
use tonic::{Result, Status};

/// How long a code is good for.
pub const INVITATION_LIVES: Duration = Duration::from_secs(15 * 60);
/// Most codes at a time.
const MAX_INVITATIONS: usize = 1_000;

/// Those who may read.
pub const READERS: [Role; 2] = [Role::Viewer, Role::Admin];
/// Those who may change.
pub const WRITERS: [Role; 1] = [Role::Admin];

/// Decides who may call.
pub struct Gate {
    dispatcher: Arc<Dispatcher>,
    /// Whether every caller is the owner of the database.
    open: bool,
    /// End (monotonic) of each code, by its hash.
    invitations: Mutex<BTreeMap<[u8; 32], u64>>,
}

impl Gate {
    /// Nobody is invited yet.
    pub fn new(dispatcher: Arc<Dispatcher>) -> Gate {
        Gate { dispatcher, open: false, invitations: Mutex::new(BTreeMap::new()) }
    }

    /// Lets everything pass: the caller is this process, which has the database open anyway.
    pub fn open(dispatcher: Arc<Dispatcher>) -> Gate {
        Gate { open: true, ..Gate::new(dispatcher) }
    }

    /// Whether every caller is the owner of the database, who needs no limits.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// The token of a call, if it has one of these roles.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` without a token that holds, `PERMISSION_DENIED` for one of another role.
    pub async fn allow(&self, metadata: &MetadataMap, roles: &[Role]) -> Result<Token> {
        if self.open {
            let name = "owner".to_owned();
            let role = Role::Admin;
            return Ok(Token { name, role, created_at_ms: 0, expires_at_ms: None, revoked_at_ms: None });
        }
        let shown = metadata.get("authorization").and_then(|value| value.to_str().ok());
        let secret = shown
            .and_then(|value| value.strip_prefix("Bearer "))
            .ok_or_else(|| Status::unauthenticated("a token is needed: --token-file, made by `sweep token create`"))?;
        let found = self.dispatcher.store().token(secret).await.map_err(|error| stored(&error))?;
        let now = self.dispatcher.clock().now_ms();
        match found {
            Some(token) if !token.holds(now) => Err(Status::unauthenticated(format!(
                "the token \"{}\" was revoked or has expired; `sweep token create` makes another",
                token.name
            ))),
            Some(token) if roles.contains(&token.role) => Ok(token),
            Some(token) => {
                let needed = roles.iter().map(|role| role.word()).collect::<Vec<_>>().join(" or ");
                Err(Status::permission_denied(format!(
                    "the token \"{}\" is a {}'s; this needs {needed}",
                    token.name,
                    token.role.word()
                )))
            }
            None => Err(Status::unauthenticated("the token is not known here")),
        }
    }

    /// Whether a token that was allowed still holds.
    pub async fn still_holds(&self, name: &str) -> Result<bool> {
        let tokens = self.dispatcher.store().tokens().await.map_err(|error| stored(&error))?;
        let now = self.dispatcher.clock().now_ms();
        Ok(tokens.iter().any(|token| token.name == name && token.holds(now)))
    }

    /// A code that is good once.
    ///
    /// # Errors
    /// `RESOURCE_EXHAUSTED` where too many are open.
    pub fn invite(&self) -> Result<String> {
        let now = self.dispatcher.clock().monotonic_ms();
        let mut open = self.invitations.lock().expect("no holder panics");
        open.retain(|_, end| now < *end);
        if open.len() >= MAX_INVITATIONS {
            return Err(Status::resource_exhausted(format!("{MAX_INVITATIONS} invitations are open; use one first")));
        }
        let code = secret(16);
        open.insert(*blake3::hash(code.as_bytes()).as_bytes(), now + INVITATION_LIVES.as_millis() as u64);
        Ok(code)
    }

    /// A worker's own token for a code, which is used up.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` for a code that is unknown, used or old.
    pub async fn join(&self, code: &str, name: &str) -> Result<String> {
        let clock = self.dispatcher.clock();
        let end = self.invitations.lock().expect("no holder panics").remove(blake3::hash(code.as_bytes()).as_bytes());
        if end.is_none_or(|end| clock.monotonic_ms() >= end) {
            return Err(Status::unauthenticated(
                "the code is not known: used, older than 15 minutes, or of a coordinator that was restarted; `sweep workers \
                 invite` makes another",
            ));
        }
        let host: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c)).take(60).collect();
        let host = if host.is_empty() { "worker".to_owned() } else { host };
        let name = format!("{host}-{}", secret(4));
        let made = self.dispatcher.store().create_token(&name, Role::Worker, None, clock.now_ms()).await;
        let token = made.map_err(|error| stored(&error))?;
        tracing::info!("worker \"{name}\" joined by invitation");
        Ok(token)
    }
}
