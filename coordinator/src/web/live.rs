//! What changes is sent to the page: parts of it, made by the same templates and pictures, as server-sent events.
//!
//! A part is sent when its text differs from what was sent before. Drawing takes at most a tenth of the time: a picture that
//! takes long is drawn less often.

use super::pages::head::{Head, progress};
use super::pages::sweep::{Pairs, shown};
use super::pages::{In, sweeps_rows, workers_rows};
use super::site::Site;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive, KeepAliveStream};
use axum::routing::get;
use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

/// Between two looks.
const LOOK: Duration = Duration::from_secs(1);
/// How long a picture may take that nobody waits for.
const PATIENCE: Duration = Duration::from_secs(60);

/// The addresses of what is live.
pub fn routes() -> Router<Arc<Site>> {
    Router::new()
        .route("/live", get(sweeps))
        .route("/workers/live", get(workers))
        .route("/sweeps/{id}/live", get(sweep))
}

type Events = Sse<KeepAliveStream<ReceiverStream<Result<Event, Infallible>>>>;

/// Tells a page what changes, each part once.
struct Teller {
    tell: mpsc::Sender<Result<Event, Infallible>>,
    told: HashMap<&'static str, blake3::Hash>,
}

impl Teller {
    /// Sends a part if it has changed; false once nobody listens.
    async fn part(&mut self, id: &'static str, html: &str) -> bool {
        let hash = blake3::hash(html.as_bytes());
        if self.told.insert(id, hash) == Some(hash) {
            return !self.tell.is_closed();
        }
        let data = serde_json::json!({ "id": id, "html": html }).to_string();
        self.tell.send(Ok(Event::default().data(data))).await.is_ok()
    }

    /// Says that nothing will change any more.
    async fn end(&self) {
        let _ = self.tell.send(Ok(Event::default().event("end").data("over"))).await;
    }
}

/// A stream of events, and who fills it.
fn stream() -> (Teller, Events) {
    let (tell, told) = mpsc::channel(4);
    let events = Sse::new(ReceiverStream::new(told)).keep_alive(KeepAlive::new().interval(Duration::from_secs(15)));
    (Teller { tell, told: HashMap::new() }, events)
}

/// Waits for the next look; false once the coordinator goes down or nobody listens.
async fn next(site: &Site, teller: &Teller, pause: Duration) -> bool {
    let mut closed = site.closed.clone();
    tokio::select! {
        () = tokio::time::sleep(pause) => true,
        () = async { drop(closed.wait_for(|closed| *closed).await) } => false,
        () = teller.tell.closed() => false,
    }
}

async fn sweeps(State(site): State<Arc<Site>>, _: In) -> Events {
    let (mut teller, events) = stream();
    tokio::spawn(async move {
        loop {
            let begun = Instant::now();
            // A database that does not answer may do so at the next look.
            if let Ok(rows) = sweeps_rows(&site).await
                && !teller.part("sweeps", &rows).await
            {
                return;
            }
            if !next(&site, &teller, LOOK.max(begun.elapsed() * 10)).await {
                return;
            }
        }
    });
    events
}

async fn workers(State(site): State<Arc<Site>>, _: In) -> Events {
    let (mut teller, events) = stream();
    tokio::spawn(async move {
        loop {
            if let Ok(rows) = workers_rows(&site).await
                && !teller.part("workers", &rows).await
            {
                return;
            }
            if !next(&site, &teller, LOOK).await {
                return;
            }
        }
    });
    events
}

async fn sweep(State(site): State<Arc<Site>>, Path(id): Path<String>, Query(pairs): Query<Pairs>, _: In) -> Events {
    let (mut teller, events) = stream();
    let only = pairs.iter().any(|(key, _)| key == "part_only");
    let pairs: Pairs = pairs.into_iter().filter(|(key, _)| key != "part_only").collect();
    tokio::spawn(async move {
        loop {
            let begun = Instant::now();
            let Ok(stored) = site.store().find_sweep(&id).await else { return };
            let Ok(head) = Head::of(&site, &stored, "Pictures").await else { return };
            if let Ok(html) = progress(&head)
                && !teller.part("progress", &html).await
            {
                return;
            }
            if !only
                && let Ok(shown) = shown(&site, &stored, &pairs, PATIENCE).await
                && !teller.part("figure", &shown.html).await
            {
                return;
            }
            if !head.standing.is_open() {
                teller.end().await;
                return;
            }
            if !next(&site, &teller, LOOK.max(begun.elapsed() * 10)).await {
                return;
            }
        }
    });
    events
}
