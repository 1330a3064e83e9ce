//! The coordinator on the network: what workers and users may call.
//!
//! One rule: every call begins by asking `gate` whether its token allows it (joining apart, which has a code), and a call
//! only decodes, calls the dispatcher or the store, and encodes. What a client sent is never trusted and never unwrapped;
//! everything has a limit.
//!
//! | file | idea |
//! |---|---|
//! | `gate` | tokens and invitations |
//! | `workers` | the calls of workers; `session` is the conversation of one |
//! | `access` | tokens, invitations, who is there |
//! | `sweeps` | the calls of users: what is to be done; `results`: what came of it |
//! | `control` | what users say of a sweep that was submitted |
//! | `upkeep` | whether all is well |
//! | `upload` | chunks in and out |
//! | `status` | errors as gRPC has them, in one function |

mod access;
mod control;
mod extend;
mod gate;
mod results;
mod session;
mod status;
mod sweeps;
mod upkeep;
mod upload;
mod workers;

use crate::dispatch::{self, Dispatcher, Notice};
use crate::store;
use gate::Gate;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use sweep_proto::{CHUNK, DESCRIPTORS, MAX_MESSAGE, v1};
use tokio::io::DuplexStream;
use tokio::net::TcpListener;
use tokio::sync::{broadcast, watch};
use tokio_stream::StreamExt;
use tonic::Status;
use tonic::service::Routes;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Identity, Server, ServerTlsConfig};
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

/// Calls and streams of one connection at a time.
const MAX_STREAMS: u32 = 64;
/// How often a silent connection is asked whether it is still there.
const KEEPALIVE: Duration = Duration::from_secs(10);
/// How long the answer may take.
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);
/// How often deadlines are looked at.
const TICK: Duration = Duration::from_millis(100);
/// How many of them pass between two looks at the right to write.
const OWNER_TICKS: u64 = 10;
/// How long open calls may take to end when the coordinator does.
const LINGER: Duration = Duration::from_secs(5);

/// How the coordinator serves.
#[derive(Default)]
pub struct Settings {
    /// Certificate chain and key, PEM; plain text where there is none.
    pub tls: Option<(String, String)>,
}

/// What ends a server early.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The network, or a certificate that is none.
    #[error("the server failed: {0}")]
    Transport(String),
    /// Another coordinator serves this database now.
    #[error("{0}")]
    Replaced(store::Error),
}

/// Serves workers and users on `listener` until `shutdown`; open conversations then end, and workers go on and come back
/// to the next coordinator.
///
/// # Errors
/// [`Error::Transport`] for a certificate of no use; [`Error::Replaced`] once another coordinator has the database.
pub async fn serve(
    listener: TcpListener,
    dispatcher: Arc<Dispatcher>,
    settings: Settings,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), Error> {
    // Boxed, so that the server is compiled once, here, and not with every kind of shutdown.
    serve_until(listener, dispatcher, settings, Box::pin(shutdown)).await
}

async fn serve_until(
    listener: TcpListener,
    dispatcher: Arc<Dispatcher>,
    settings: Settings,
    shutdown: Pin<Box<dyn Future<Output = ()> + Send + '_>>,
) -> Result<(), Error> {
    let failed = |error: tonic::transport::Error| Error::Transport(sweep_proto::client::chain(&error));
    let gate = Arc::new(Gate::new(Arc::clone(&dispatcher)));
    let (closing, closed) = watch::channel(false);
    let (health, health_service) = tonic_health::server::health_reporter();
    tell(&health, ServingStatus::Serving).await;
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(DESCRIPTORS)
        .build_v1()
        .map_err(|error| Error::Transport(error.to_string()))?;

    let mut server = Server::builder()
        .max_concurrent_streams(MAX_STREAMS)
        .concurrency_limit_per_connection(MAX_STREAMS as usize)
        .http2_keepalive_interval(Some(KEEPALIVE))
        .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
        .http2_max_header_list_size(16 << 10)
        .tcp_nodelay(true);
    if let Some((chain, key)) = &settings.tls {
        server = server.tls_config(ServerTlsConfig::new().identity(Identity::from_pem(chain, key))).map_err(failed)?;
    }
    let workers = workers::Service::new(Arc::clone(&dispatcher), Arc::clone(&gate), closed.clone());
    let access = access::Service::new(Arc::clone(&dispatcher), Arc::clone(&gate));
    let router = server
        .add_routes(users(&dispatcher, &gate, &closed, settings.tls.as_ref().map(|(chain, _)| chain.clone())))
        .add_service(v1::workers_server::WorkersServer::new(workers).max_decoding_message_size(MAX_MESSAGE))
        .add_service(v1::access_server::AccessServer::new(access).max_decoding_message_size(MAX_MESSAGE))
        .add_service(health_service)
        .add_service(reflection);

    let mut ticks = tokio::spawn(tick(Arc::clone(&dispatcher), health));
    let notices = tokio::spawn(log(dispatcher.notices()));
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let serving = router.serve_with_incoming_shutdown(incoming, async {
        // A sender that is gone asks for the same.
        let _ = stopped.await;
    });
    tokio::pin!(serving);
    let served = tokio::select! {
        served = &mut serving => served.map_err(failed),
        replaced = &mut ticks => match replaced {
            Ok(error) => Err(Error::Replaced(error)),
            Err(error) => Err(Error::Transport(error.to_string())),
        },
        () = shutdown => {
            closing.send_replace(true);
            let _ = stop.send(());
            // Whoever has not ended by then is cut off.
            tokio::time::timeout(LINGER, serving).await.unwrap_or(Ok(())).map_err(failed)
        }
    };
    ticks.abort();
    notices.abort();
    served
}

/// Does it in a task of its own, which is not dropped with the call: what was begun is finished, and what is here agrees with
/// what is stored.
async fn whole<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> Result<T, Status> {
    tokio::spawn(work).await.map_err(|error| Status::internal(error.to_string()))
}

/// What users call, one and the same on the network and within a process. `chain`: the certificates that are shown, PEM.
fn users(
    dispatcher: &Arc<Dispatcher>,
    gate: &Arc<Gate>,
    closed: &watch::Receiver<bool>,
    chain: Option<String>,
) -> Routes {
    let upkeep = upkeep::Service::new(Arc::clone(dispatcher), Arc::clone(gate), chain);
    let sweeps = sweeps::Service::new(Arc::clone(dispatcher), Arc::clone(gate), closed.clone());
    let results = results::Service::new(Arc::clone(dispatcher), Arc::clone(gate));
    let control = control::Service::new(Arc::clone(dispatcher), Arc::clone(gate));
    Routes::new(v1::sweeps_server::SweepsServer::new(sweeps).max_decoding_message_size(MAX_MESSAGE))
        .add_service(v1::results_server::ResultsServer::new(results).max_decoding_message_size(MAX_MESSAGE))
        .add_service(v1::control_server::ControlServer::new(control).max_decoding_message_size(MAX_MESSAGE))
        .add_service(v1::upkeep_server::UpkeepServer::new(upkeep).max_decoding_message_size(MAX_MESSAGE))
}

/// Serves what users call to this process, which owns the database or only reads it: the other end of the connection. Every
/// call is allowed. Nobody looks at deadlines and nobody works here, so leases stay as they are.
pub fn embedded(dispatcher: Arc<Dispatcher>) -> DuplexStream {
    let (here, there) = tokio::io::duplex(CHUNK);
    tokio::spawn(async move {
        let gate = Arc::new(Gate::open(Arc::clone(&dispatcher)));
        let (_closing, closed) = watch::channel(false);
        let routes = users(&dispatcher, &gate, &closed, None);
        // One connection, and no end: at the end of what comes in, the server ends open calls.
        let incoming = tokio_stream::once(Ok::<_, std::io::Error>(there)).chain(tokio_stream::pending());
        if let Err(error) = Server::builder().add_routes(routes).serve_with_incoming(incoming).await {
            tracing::error!("the connection within this process failed: {}", sweep_proto::client::chain(&error));
        }
    });
    here
}

/// What the health service answers for the services that need the database.
async fn tell(health: &HealthReporter, status: ServingStatus) {
    health.set_service_status(v1::workers_server::SERVICE_NAME, status).await;
    health.set_service_status(v1::sweeps_server::SERVICE_NAME, status).await;
}

/// Looks at deadlines, and whether the database is still this coordinator's; returns once it is not. Serves not while the
/// database does not answer.
async fn tick(dispatcher: Arc<Dispatcher>, health: HealthReporter) -> store::Error {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut well = true;
    let mut count = 0u64;
    loop {
        ticks.tick().await;
        let looks = count.is_multiple_of(OWNER_TICKS);
        let looked = if looks { dispatcher.store().assert_owner().await } else { Ok(()) };
        if let Err(replaced @ store::Error::Locked { .. }) = looked {
            return replaced;
        }
        match looked.map_err(dispatch::Error::from).and(dispatcher.expire().await) {
            // Deadlines seldom ask the database anything: only a look at the right to write tells that it is back.
            Ok(()) if looks && !well => {
                tell(&health, ServingStatus::Serving).await;
                well = true;
            }
            Ok(()) => {}
            // Once for an outage, not ten times a second.
            Err(error) if well => {
                tracing::error!("the database does not answer, trying again: {error}");
                tell(&health, ServingStatus::NotServing).await;
                well = false;
            }
            Err(_) => {}
        }
        count += 1;
    }
}

/// Logs what a person wants to hear of.
async fn log(mut notices: broadcast::Receiver<Notice>) {
    loop {
        match notices.recv().await {
            Ok(Notice::Failed { sweep, cell, error, quarantined: false }) => {
                tracing::warn!("cell {sweep}/{cell} failed and is tried once more: {error}");
            }
            Ok(Notice::Failed { sweep, cell, error, quarantined: true }) => {
                tracing::error!("cell {sweep}/{cell} failed and is set aside: {error}");
            }
            Ok(Notice::Lost { worker, leases, hangs: true }) => {
                tracing::warn!("worker {worker} was not heard for too long; its {leases} cells are given to others");
            }
            Ok(Notice::Lost { worker, leases, hangs: false }) => {
                tracing::warn!("worker {worker} went away; its {leases} cells are given to others");
            }
            Ok(Notice::Late { sweep, cell, differs }) => {
                let differs = if differs == Some(true) { "; its numbers DIFFER from the accepted result" } else { "" };
                tracing::warn!(
                    "a result of cell {sweep}/{cell} came after its lease had ended, and was not taken{differs}"
                );
            }
            Err(broadcast::error::RecvError::Lagged(n)) => tracing::warn!("{n} notices came too fast to be logged"),
            Err(broadcast::error::RecvError::Closed) => return,
        }
    }
}
