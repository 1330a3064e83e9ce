//! `sweep token`: who may come. At a coordinator that runs, or in the database of one that does not.

use crate::args::{self, Remote, Token};
use crate::failure::{Failure, Result};
use crate::output::{self, Format, Part, Table};
use crate::{remote, session};
use std::path::Path;
use std::time::Duration;
use sweep_coordinator::store::{Datum, Role};
use sweep_coordinator::tls;
use sweep_proto::client::Authorized;
use sweep_proto::v1;
use sweep_proto::v1::access_client::AccessClient;

/// Makes, lists or revokes.
///
/// # Errors
/// What the coordinator or the database says.
pub async fn run(db: &str, verb: &Token, format: Format) -> Result {
    match verb {
        Token::Create { name, role, expires, out, at } => {
            let token = create(db, at, name, *role, *expires).await?;
            told(&token, name, out.as_deref(), format)
        }
        Token::List { at } => list(db, at, format).await,
        Token::Revoke { name, at } => revoke(db, at, name).await,
    }
}

async fn client(at: &Remote) -> Result<Option<AccessClient<Authorized>>> {
    match at.coordinator {
        Some(_) => Ok(Some(AccessClient::new(remote::address(at)?.connect().await?))),
        None => Ok(None),
    }
}

/// The new token.
async fn create(db: &str, at: &Remote, name: &str, role: args::Role, expires: Option<Duration>) -> Result<String> {
    let (wire, role) = match role {
        args::Role::Admin => (v1::Role::Admin, Role::Admin),
        args::Role::Worker => (v1::Role::Worker, Role::Worker),
        args::Role::Viewer => (v1::Role::Viewer, Role::Viewer),
    };
    if let Some(mut client) = client(at).await? {
        let lives_seconds = expires.map(|lives| lives.as_secs());
        let request = v1::CreateTokenRequest { name: name.to_owned(), role: wire as i32, lives_seconds };
        return Ok(client.create_token(request).await?.into_inner().token);
    }
    let store = session::writing(db).await?;
    let now = session::now_ms();
    let token = store.create_token(name, role, expires.map(|lives| now + lives.as_millis() as i64), now).await?;
    store.close().await;
    Ok(token)
}

/// Shows the token, or writes it to its file.
fn told(token: &str, name: &str, out: Option<&Path>, format: Format) -> Result {
    if let Some(path) = out {
        tls::write(path, &format!("{token}\n")).map_err(|error| Failure::Mistake(error.to_string()))?;
        crate::say!("the token \"{name}\" is in {}", path.display());
        return Ok(());
    }
    match format {
        Format::Table => output::write(format!("{token}\n").as_bytes()),
        Format::Json | Format::Csv => {
            let fields = vec![("name", Datum::Text(name.to_owned())), ("token", Datum::Text(token.to_owned()))];
            output::print(format, &[Part::Record("token", fields)])
        }
    }
}

async fn list(db: &str, at: &Remote, format: Format) -> Result {
    let time = |ms: Option<i64>| ms.map_or(Datum::Null, |ms| Datum::Text(output::date(ms)));
    let row = |name: String, role: &str, created: i64, expires: Option<i64>, revoked: Option<i64>| {
        let role = Datum::Text(role.to_owned());
        vec![Datum::Text(name), role, time(Some(created)), time(expires), time(revoked)]
    };
    let mut table = Table::new(&["name", "role", "created", "expires", "revoked"]);
    table.rows = match client(at).await? {
        Some(mut client) => {
            let tokens = client.list_tokens(v1::ListTokensRequest {}).await?.into_inner().tokens;
            let role = |token: &v1::Token| match token.role() {
                v1::Role::Admin => "admin",
                v1::Role::Worker => "worker",
                v1::Role::Viewer => "viewer",
                v1::Role::Unspecified => "unknown",
            };
            let rows = tokens.into_iter().map(|t| {
                let role = role(&t);
                row(t.name, role, t.created_at_ms, t.expires_at_ms, t.revoked_at_ms)
            });
            rows.collect()
        }
        None => {
            let tokens = session::reading(db).await?.tokens().await?.into_iter();
            tokens.map(|t| row(t.name, t.role.word(), t.created_at_ms, t.expires_at_ms, t.revoked_at_ms)).collect()
        }
    };
    output::print(format, &[Part::Table("tokens", table)])
}

async fn revoke(db: &str, at: &Remote, name: &str) -> Result {
    match client(at).await? {
        Some(mut client) => {
            client.revoke_token(v1::RevokeTokenRequest { name: name.to_owned() }).await?;
        }
        None => {
            let store = session::changing(db).await?;
            let there = store.revoke_token(name, session::now_ms()).await?;
            store.close().await;
            if !there {
                return Err(Failure::Mistake(format!("there is no token \"{name}\"; `sweep token list` shows them")));
            }
        }
    }
    crate::say!("revoked \"{name}\"");
    Ok(())
}
