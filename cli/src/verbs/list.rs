//! `sweep list`: the sweeps of the database, latest first.

use crate::args::Remote;
use crate::failure::Result;
use crate::output::{self, Format, Part, Table};
use crate::remote::Coordinator;
use crate::session;
use sweep_coordinator::store::Datum;

/// Lists every sweep.
///
/// # Errors
/// What the coordinator or the database says.
pub async fn run(db: &str, of: &Remote, format: Format) -> Result {
    let columns = ["name", "id", "state", "cells", "done", "linked", "failed", "submitted", "tags"];
    let mut table = Table::new(&columns);
    let mut push = |name, id, state: &str, counts: [u64; 4], created_at_ms, tags: &[String]| {
        let mut row = vec![Datum::Text(name), Datum::Text(id), Datum::Text(state.to_owned())];
        row.extend(counts.map(|n| Datum::Int(n as i64)));
        row.extend([Datum::Text(output::date(created_at_ms)), Datum::Text(tags.join(" "))]);
        table.rows.push(row);
    };
    match Coordinator::named(of).await? {
        Some(mut coordinator) => {
            for now in coordinator.list().await? {
                let counts = [now.cells, now.done, now.linked, now.failed];
                push(now.name, now.id, &now.state, counts, now.created_at_ms, &now.tags);
            }
        }
        None => {
            let store = session::reading(db).await?;
            for sweep in store.sweeps().await? {
                let found = store.counts(&sweep.id).await?;
                let counts = [sweep.cells, found.done, found.linked, found.failed + found.quarantined];
                push(sweep.name, sweep.id, sweep.state.word(), counts, sweep.created_at_ms, &sweep.tags);
            }
        }
    }
    output::print(format, &[Part::Table("sweeps", table)])
}
