//! A coordinator and a worker in one process, on a database in a temporary folder: what `sweep run` does, without a screen.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use sweep_coordinator::clock::SystemClock;
use sweep_coordinator::dispatch::{Dispatcher, Progress, Submission};
use sweep_coordinator::store::{Limits, Location, Store};
use sweep_core::sweep::{MAX_CELLS, Sweep};
use sweep_worker::{Isolation, Settings, machine};
use tokio::sync::watch;

/// How to run.
#[derive(Debug, Clone)]
pub struct How {
    /// Attempts at a time.
    pub slots: usize,
    /// Hand everything back after this long.
    pub drain_after: Option<std::time::Duration>,
    /// As of a submission.
    pub fresh: bool,
    /// What slots are made of.
    pub isolation: Isolation,
}

impl Default for How {
    fn default() -> How {
        How { slots: 2, drain_after: None, fresh: false, isolation: Isolation::Threads }
    }
}

/// Runs the sweep of `source` on the database at `path` until it is finished or drained; its id and how it stands.
///
/// # Panics
/// With whatever goes wrong.
pub async fn run(path: &Path, source: &str, contents: &BTreeMap<String, Vec<u8>>, how: &How) -> (String, Progress) {
    assert_eq!(sweep_core::train::blas::set_threads(1), 1);
    let sweep = Sweep::parse(source.as_bytes(), MAX_CELLS).unwrap_or_else(|errors| panic!("{errors:?}"));
    let store = Store::open(&Location::Sqlite(path.to_owned()), 0).await.unwrap();
    let dispatcher = Arc::new(Dispatcher::open(store, Arc::new(SystemClock)).await.unwrap());
    let id =
        dispatcher.submit(sweep, source, contents, &Submission { fresh: how.fresh, tags: Vec::new() }).await.unwrap();
    let link = dispatcher.connect("w", &machine::provenance("test"), 2, how.slots as u32).await.unwrap();
    let (drain, drained) = watch::channel(false);
    if let Some(after) = how.drain_after {
        tokio::spawn(async move {
            tokio::time::sleep(after).await;
            let _ = drain.send(true);
            // Dropped only when nobody listens any more.
            drain.closed().await;
        });
    }
    let settings = Settings { slots: how.slots, isolation: how.isolation.clone(), ..Settings::default() };
    sweep_worker::run(link, settings, drained).await.unwrap();
    let progress = dispatcher.progress(&id).await;
    let dispatcher = Arc::into_inner(dispatcher).expect("the worker has gone");
    assert_sound(dispatcher.store()).await;
    dispatcher.store().clone().close().await;
    (id, progress)
}

/// Runs every check of `sweep fsck`.
///
/// # Panics
/// With what is wrong.
pub async fn assert_sound(store: &Store) {
    let found = store.check().await.unwrap();
    let wrong: Vec<String> =
        found.iter().flat_map(|check| check.examples.iter().map(|v| format!("{}: {v}", check.name))).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Every row of a query, as CSV.
///
/// # Panics
/// With the database's error.
pub async fn rows(path: &Path, sql: &str) -> Vec<String> {
    let store = Store::read(&Location::Sqlite(path.to_owned())).await.unwrap();
    let table = store.query(sql, &Limits::default()).await.unwrap();
    let rows =
        table.rows.iter().map(|row| row.iter().map(|cell| format!("{cell:?}")).collect::<Vec<_>>().join(",")).collect();
    store.close().await;
    rows
}
