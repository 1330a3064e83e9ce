//! `sweep list`: the sweeps of the database, latest first.

use crate::failure::Result;
use crate::output::{self, Format, Part, Table};
use crate::session;
use sweep_coordinator::store::Datum;

/// Lists every sweep.
///
/// # Errors
/// What the database says.
pub async fn run(db: &str, format: Format) -> Result {
    let store = session::reading(db).await?;
    let columns = ["name", "id", "state", "cells", "done", "linked", "failed", "submitted", "tags"];
    let mut table = Table::new(&columns);
    for sweep in store.sweeps().await? {
        let counts = store.counts(&sweep.id).await?;
        let count = |n: u64| Datum::Int(n as i64);
        table.rows.push(vec![
            Datum::Text(sweep.name),
            Datum::Text(sweep.id),
            Datum::Text(sweep.state.word().to_owned()),
            count(sweep.cells),
            count(counts.done),
            count(counts.linked),
            count(counts.failed + counts.quarantined),
            Datum::Text(output::date(sweep.created_at_ms)),
            Datum::Text(sweep.tags.join(" ")),
        ]);
    }
    output::print(format, &[Part::Table("sweeps", table)])
}
