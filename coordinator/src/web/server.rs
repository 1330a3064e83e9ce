//! Connections of browsers: how many, how long they may take, TLS, and the end.

use super::entry::{Entry, Sessions};
use super::site::Site;
use super::{live, pages};
use crate::dispatch::Dispatcher;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio_rustls::TlsAcceptor;

/// Browsers' connections at a time.
const MOST_CONNECTIONS: usize = 256;
/// How long a connection may take for a handshake, and a request for its head.
const PATIENCE: Duration = Duration::from_secs(10);
/// Most bytes of a form.
const MOST_FORM: usize = 64 << 10;
/// How long open answers may take to end.
const LINGER: Duration = Duration::from_secs(2);

/// What every answer carries: a page loads nothing from elsewhere, is framed by nobody, and is not kept.
const HEADERS: [(HeaderName, &str); 6] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "same-origin"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// How the dashboard is served.
pub struct Settings {
    /// Certificate chain and key, PEM; plain text where there is none.
    pub tls: Option<(String, String)>,
    /// Who may enter.
    pub entry: Entry,
    /// What a command must say to mean this database, as in " --db x.db"; empty where nothing.
    pub option: String,
}

/// Serves browsers on `listener` until `shutdown`.
///
/// # Errors
/// A certificate or a listener of no use.
pub async fn serve(
    listener: TcpListener,
    dispatcher: Arc<Dispatcher>,
    settings: Settings,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), String> {
    let port = listener.local_addr().map_err(|error| error.to_string())?.port();
    let acceptor = settings.tls.as_ref().map(|(chain, key)| acceptor(chain, key)).transpose()?;
    let clock = dispatcher.clock_handle();
    let sessions = Sessions::new(settings.entry, dispatcher.store().clone(), clock, port, acceptor.is_some());
    let (closing, closed) = watch::channel(false);
    let site = Arc::new(Site::new(dispatcher, sessions, settings.option, closed.clone()));
    let costs = tokio::spawn(Arc::clone(&site).keep_costs());
    let app = router(site);
    let room = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    tokio::pin!(shutdown);
    loop {
        let permit = tokio::select! {
            permit = Arc::clone(&room).acquire_owned() => permit.expect("the semaphore is never closed"),
            () = &mut shutdown => break,
        };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut shutdown => break,
        };
        let Ok((stream, _)) = accepted else {
            // No file handle is free, perhaps: others may end.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let _ = stream.set_nodelay(true);
        let (app, acceptor, closed) = (app.clone(), acceptor.clone(), closed.clone());
        tokio::spawn(async move {
            let _permit = permit;
            match acceptor {
                None => connection(stream, app, closed).await,
                Some(acceptor) => {
                    if let Ok(Ok(stream)) = tokio::time::timeout(PATIENCE, acceptor.accept(stream)).await {
                        connection(stream, app, closed).await;
                    }
                }
            }
        });
    }
    closing.send_replace(true);
    costs.abort();
    // All of them come back once every connection has ended.
    let all = room.acquire_many(MOST_CONNECTIONS as u32);
    let _ = tokio::time::timeout(LINGER, all).await;
    Ok(())
}

async fn connection(stream: impl AsyncRead + AsyncWrite + Unpin, app: Router, mut closed: watch::Receiver<bool>) {
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(PATIENCE).max_headers(64).max_buf_size(64 << 10);
    let serving = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(app));
    tokio::pin!(serving);
    tokio::select! {
        // A browser that goes away in the middle is no error.
        _ = &mut serving => {}
        () = async { drop(closed.wait_for(|closed| *closed).await) } => {
            serving.as_mut().graceful_shutdown();
            let _ = serving.await;
        }
    }
}

fn acceptor(chain: &str, key: &str) -> Result<TlsAcceptor, String> {
    let chain: Vec<CertificateDer> = CertificateDer::pem_slice_iter(chain.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|error| format!("the certificate cannot be read: {error}"))?;
    let key =
        PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|error| format!("the key cannot be read: {error}"))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(|error| format!("the certificate is of no use: {error}"))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn router(site: Arc<Site>) -> Router {
    pages::routes()
        .merge(live::routes())
        .with_state(site)
        .layer(DefaultBodyLimit::max(MOST_FORM))
        .layer(from_fn(guarded))
}

async fn guarded(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}
