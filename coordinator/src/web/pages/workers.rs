//! Who trains.

use super::{In, Lost, Page, render};
use crate::web::site::{Frame, Site};
use crate::words;
use askama::Template;
use axum::extract::State;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Whose last sign of life is older, and is not connected, is left out.
const FORGOTTEN_MS: i64 = 24 * 3_600 * 1_000;
/// Most cells of a worker that are shown.
const MOST_CELLS: usize = 12;

struct Line {
    name: String,
    state: &'static str,
    slots: u32,
    cores: u32,
    finished: u64,
    rate: String,
    holds: Vec<(String, u64)>,
    more: usize,
    machine: String,
    seen: String,
}

#[derive(Template)]
#[template(path = "workers.html")]
struct Workers {
    frame: Frame,
    workers: Vec<Line>,
}

#[derive(Template)]
#[template(path = "workers_table.html")]
struct Rows {
    workers: Vec<Line>,
}

async fn lines(site: &Site) -> Result<Vec<Line>, Lost> {
    let present: BTreeMap<_, _> =
        site.dispatcher.present().into_iter().map(|view| (view.worker.clone(), view)).collect();
    let known = site.store().workers(site.dispatcher.clock().now_ms() - FORGOTTEN_MS).await?;
    let line = |seen: crate::store::SeenWorker| {
        let view = present.get(&seen.worker.id);
        let (connected, holds) = view.map_or((false, Vec::new()), |view| (view.connected, view.holds.clone()));
        let more = holds.len().saturating_sub(MOST_CELLS);
        Line {
            state: if connected { "connected" } else { "away" },
            slots: seen.worker.slots,
            cores: seen.worker.cores,
            finished: view.map_or(0, |view| view.finished),
            rate: view.map_or(String::new(), |view| words::digits(view.per_second, 2)),
            holds: holds.into_iter().take(MOST_CELLS).collect(),
            more,
            machine: format!(
                "{} · {} · {} {} ({} threads)",
                seen.provenance.host,
                seen.provenance.cpu,
                seen.provenance.blas_library,
                seen.provenance.blas_kernel,
                seen.provenance.blas_threads
            ),
            seen: words::date(seen.last_seen_at_ms),
            name: seen.worker.id,
        }
    };
    let mut lines: Vec<Line> = known.into_iter().map(line).collect();
    lines.sort_by_key(|line| line.state != "connected");
    Ok(lines)
}

/// The rows, for what is live.
pub async fn rows(site: &Site) -> Result<String, Lost> {
    Rows { workers: lines(site).await? }.render().map_err(Lost::broken)
}

/// The page.
pub async fn page(State(site): State<Arc<Site>>, who: In) -> Page {
    let workers = lines(&site).await?;
    Ok(render(&Workers { frame: who.frame(&site, "Workers", "/workers/live".to_owned()), workers }))
}
