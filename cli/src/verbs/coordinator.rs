//! `sweep coordinator`: the one process that owns the database, for workers and users elsewhere.

use crate::args::{Coordinator, Ui};
use crate::failure::{Failure, Result};
use crate::logging;
use crate::session;
use crate::signals::Signals;
use anyhow::Context;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use sweep_coordinator::clock::SystemClock;
use sweep_coordinator::dispatch::{Dispatcher, Settings};
use sweep_coordinator::service::{self, serve};
use sweep_coordinator::store::{Role, Store};
use sweep_coordinator::tls;
use sweep_coordinator::web::{self, Entry};
use sweep_proto::client;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// Serves until told to stop; workers then go on and come back to the next coordinator.
///
/// # Errors
/// [`Failure::Mistake`] for plain text beyond this machine, certificates or a database of no use, an address that is
/// taken.
pub async fn run(db: &str, asked: &Coordinator) -> Result {
    logging::start();
    let ui = match asked.ui {
        Ui::Usual(address) | Ui::At(address) => Some(address),
        Ui::Off => None,
    };
    for address in ui.into_iter().chain([asked.listen]) {
        if asked.tls_dir.is_none() && !asked.insecure && !address.ip().is_loopback() {
            return Err(Failure::Mistake(format!(
                "{address} would be served in plain text, tokens with it; allowed: --tls-dir DIR (`sweep tls init` makes it), \
                 127.0.0.1, or --insecure if the network is trusted"
            )));
        }
    }
    let remedy = |error: tls::Error| Failure::Mistake(format!("{error}; `sweep tls init` makes certificates"));
    let certificates = asked.tls_dir.as_deref().map(tls::server).transpose().map_err(remedy)?;
    let scheme = if certificates.is_some() { "https" } else { "http" };
    let mut signals = Signals::new()?;
    let store = session::writing(db).await?;
    store.set_checkpoint_quota((asked.checkpoint_gib * f64::from(1 << 30)) as u64).await?;
    adopt(&store, &asked.data).await?;
    first_admin(&store, &asked.data).await?;
    let listener = bind(asked.listen).await?;
    let browsers = match asked.ui {
        Ui::Off => None,
        Ui::At(address) => Some(bind(address).await?),
        Ui::Usual(address) => match bind(address).await {
            Ok(listener) => Some(listener),
            Err(taken) => {
                tracing::warn!("the dashboard is not served: {taken}; --ui ADDR names another address");
                None
            }
        },
    };
    let address = listener.local_addr().context("failed to learn the address").map_err(Failure::Internal)?;

    let mut settings = Settings::cluster();
    settings.presence.lease_ms = (asked.lease_seconds * 1_000.0) as u64;
    settings.presence.heartbeat_ms = settings.presence.lease_ms / 6;
    let dispatcher = Arc::new(Dispatcher::open_with(store.clone(), Arc::new(SystemClock), settings).await?);
    for refused in dispatcher.resume().await? {
        tracing::error!("a sweep is left alone: {refused}");
    }
    tracing::info!("serving on {scheme}://{address}, version {}", env!("CARGO_PKG_VERSION"));
    let (stop, stopped) = oneshot::channel::<()>();
    let dashboard = browsers.map(|listener| {
        let at = listener.local_addr().map_or(String::new(), |address| address.to_string());
        tracing::info!("dashboard on {scheme}://{at}");
        let settings = web::Settings { tls: certificates.clone(), entry: Entry::Tokens, option: String::new() };
        let dispatcher = Arc::clone(&dispatcher);
        tokio::spawn(web::serve(listener, dispatcher, settings, async {
            // A sender that is gone asks for the same.
            let _ = stopped.await;
        }))
    });
    let serving = service::Settings { tls: certificates };
    let served = serve(listener, dispatcher, serving, async {
        signals.next().await;
        tracing::info!("told to stop: workers go on and wait for the next coordinator");
    });
    let served = served.await;
    drop(stop);
    if let Some(dashboard) = dashboard {
        match dashboard.await {
            Ok(Err(error)) => tracing::error!("the dashboard failed: {error}"),
            Err(error) => tracing::error!("the dashboard failed: {error}"),
            Ok(Ok(())) => {}
        }
    }
    served.context("failed to serve").map_err(Failure::Internal)?;
    store.close().await;
    tracing::info!("stopped; everything acknowledged is in the database");
    Ok(())
}

async fn bind(address: SocketAddr) -> Result<TcpListener> {
    let taken = |error| Failure::Mistake(format!("{address} cannot be listened on: {error}"));
    TcpListener::bind(address).await.map_err(taken)
}

/// Takes the tokens that were made before there was a database, ROLE.token in `data`.
async fn adopt(store: &Store, data: &Path) -> Result {
    for (role, word) in Role::ALL {
        let path = data.join(format!("{word}.token"));
        if path.exists()
            && let Some(name) = store.adopt_token(&client::read_token(&path)?, role, session::now_ms()).await?
        {
            tracing::info!("took the token \"{name}\" from {}", path.display());
        }
    }
    Ok(())
}

/// Makes the token of the first admin where there is no admin yet, so that somebody can come in.
async fn first_admin(store: &Store, data: &Path) -> Result {
    let now = session::now_ms();
    if store.tokens().await?.iter().any(|token| token.role == Role::Admin && token.holds(now)) {
        return Ok(());
    }
    let path = data.join("admin.token");
    std::fs::create_dir_all(data)
        .map_err(|error| Failure::Mistake(format!("--data {} cannot be made: {error}", data.display())))?;
    let name = format!("admin-{}", &sweep_coordinator::store::secret(4));
    let token = store.create_token(&name, Role::Admin, None, now).await?;
    tls::write(&path, &format!("{token}\n")).map_err(|error| Failure::Mistake(error.to_string()))?;
    tracing::info!("made the token of the first admin: {}", path.display());
    Ok(())
}
