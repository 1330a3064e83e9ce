//! Who is let in.
//!
//! A browser shows a token once (or the key of the address that `sweep run --ui` prints) and gets a cookie: 256 random bits
//! that stand for it, unreadable for scripts, never sent from other sites, good for half a day and no longer than the token.
//! Sessions are kept in memory by their hash: after a restart one enters again.
//!
//! A form that changes something carries the session's word; it comes from a page of ours or is refused.

use crate::clock::Clock;
use crate::store::{Role, Store, Token, secret};
use axum::http::{HeaderMap, header};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How long a session lasts.
const LIVES: Duration = Duration::from_secs(12 * 3_600);
/// Most sessions at a time; the oldest ends for a new one.
const MOST_SESSIONS: usize = 1_000;

/// Who may enter.
#[derive(Debug, Clone)]
pub enum Entry {
    /// Who has a token of the coordinator: a viewer's to look, an admin's to change.
    Tokens,
    /// Who has this key.
    Key {
        /// The key.
        key: String,
        /// Whether they may change something.
        admin: bool,
    },
}

/// Somebody who has entered.
#[derive(Debug, Clone)]
pub struct Visitor {
    /// The token's name.
    pub name: String,
    /// Whether they may change something.
    pub admin: bool,
    /// What a form must carry.
    pub word: String,
}

struct Session {
    /// The token's hash; none for the owner.
    token: Option<String>,
    visitor: Visitor,
    /// Monotonic.
    ends_ms: u64,
    /// What the next page says at its top.
    said: Option<String>,
}

/// Everybody who has entered.
pub struct Sessions {
    entry: Entry,
    store: Store,
    clock: Arc<dyn Clock>,
    cookie: String,
    secure: bool,
    known: Mutex<HashMap<blake3::Hash, Session>>,
}

/// Whether two secrets are equal, in a time that tells nothing.
fn equal(a: &str, b: &str) -> bool {
    blake3::hash(a.as_bytes()) == blake3::hash(b.as_bytes())
}

impl Sessions {
    /// Nobody is in yet. `port` keeps the cookies of several coordinators on one machine apart.
    pub fn new(entry: Entry, store: Store, clock: Arc<dyn Clock>, port: u16, secure: bool) -> Sessions {
        let cookie = if secure { format!("__Host-sweep-{port}") } else { format!("sweep-{port}") };
        Sessions { entry, store, clock, cookie, secure, known: Mutex::default() }
    }

    /// Whether one enters by a key in the address.
    pub fn by_key(&self) -> bool {
        matches!(self.entry, Entry::Key { .. })
    }

    /// Lets somebody in who shows a token or the key; the cookie to set.
    ///
    /// # Errors
    /// Why not.
    pub async fn enter(&self, shown: &str) -> Result<String, String> {
        let shown = shown.trim();
        let (name, admin, token) = match &self.entry {
            Entry::Key { key, admin } if equal(key, shown) => ("owner".to_owned(), *admin, None),
            Entry::Key { .. } => {
                return Err("This address is of another run: open the one that the terminal shows.".to_owned());
            }
            Entry::Tokens => {
                let found = self.store.token(shown).await.map_err(|_| "The database does not answer.".to_owned())?;
                match found {
                    Some(token) if !token.holds(self.clock.now_ms()) => {
                        return Err("This token was revoked or has expired.".to_owned());
                    }
                    Some(token) if token.role != Role::Worker => {
                        (token.name.clone(), token.role == Role::Admin, Some(crate::store::token_hash(shown)))
                    }
                    Some(_) => return Err("This is a worker's token; a viewer's or an admin's is needed.".to_owned()),
                    None => return Err("This token is not known here.".to_owned()),
                }
            }
        };
        let id = secret(32);
        let visitor = Visitor { name, admin, word: secret(32) };
        let ends_ms = self.clock.monotonic_ms() + LIVES.as_millis() as u64;
        let mut known = self.known.lock().expect("no holder panics");
        let now = self.clock.monotonic_ms();
        known.retain(|_, session| now < session.ends_ms);
        if known.len() >= MOST_SESSIONS {
            let oldest = known.iter().min_by_key(|(_, session)| session.ends_ms).map(|(id, _)| *id);
            oldest.map(|id| known.remove(&id));
        }
        known.insert(blake3::hash(id.as_bytes()), Session { token, visitor, ends_ms, said: None });
        Ok(self.set(&id, LIVES.as_secs()))
    }

    fn set(&self, id: &str, seconds: u64) -> String {
        let secure = if self.secure { "; Secure" } else { "" };
        format!("{}={id}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}", self.cookie)
    }

    fn id(&self, headers: &HeaderMap) -> Option<blake3::Hash> {
        let cookies = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
        let mut pairs = cookies.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let (_, id) = pairs.find(|(name, _)| *name == self.cookie)?;
        Some(blake3::hash(id.as_bytes()))
    }

    /// Who sends this request, if they are in and their token holds still.
    pub async fn visitor(&self, headers: &HeaderMap) -> Option<Visitor> {
        let id = self.id(headers)?;
        let (token, visitor) = {
            let known = self.known.lock().expect("no holder panics");
            let session = known.get(&id).filter(|session| self.clock.monotonic_ms() < session.ends_ms)?;
            (session.token.clone(), session.visitor.clone())
        };
        let Some(hash) = token else { return Some(visitor) };
        let found: Option<Token> = self.store.token_of(&hash).await.ok()?;
        found.filter(|token| token.holds(self.clock.now_ms())).map(|_| visitor)
    }

    /// What the next page of this visitor is to say.
    pub fn say(&self, headers: &HeaderMap, text: String) {
        let Some(id) = self.id(headers) else { return };
        if let Some(session) = self.known.lock().expect("no holder panics").get_mut(&id) {
            session.said = Some(text);
        }
    }

    /// What was to be said, once.
    pub fn said(&self, headers: &HeaderMap) -> Option<String> {
        let id = self.id(headers)?;
        self.known.lock().expect("no holder panics").get_mut(&id)?.said.take()
    }

    /// Ends a session; the cookie to set.
    pub fn leave(&self, headers: &HeaderMap) -> String {
        if let Some(id) = self.id(headers) {
            self.known.lock().expect("no holder panics").remove(&id);
        }
        self.set("", 0)
    }
}

/// Whether a form with this word was sent from a page of ours.
pub fn is_ours(visitor: &Visitor, word: &str, headers: &HeaderMap) -> bool {
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let site = headers.get("sec-fetch-site").and_then(|value| value.to_str().ok());
    let host = text(header::HOST);
    let origin = text(header::ORIGIN).map(|origin| origin.split_once("://").map_or(origin, |(_, host)| host));
    equal(&visitor.word, word)
        && site.is_none_or(|site| site == "same-origin" || site == "none")
        && origin.is_none_or(|origin| Some(origin) == host)
}
