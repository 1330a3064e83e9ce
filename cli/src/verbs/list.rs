//! `sweep list`: the sweeps of the database, latest first.

use crate::args::Remote;
use crate::failure::Result;
use crate::output::{self, Format, Part, Table};
use crate::remote::{Access, Coordinator};
use sweep_coordinator::store::Datum;

/// Lists every sweep.
///
/// # Errors
/// What the coordinator or the database says.
pub async fn run(db: &str, of: &Remote, format: Format) -> Result {
    let columns = ["name", "id", "state", "cells", "done", "linked", "failed", "submitted", "tags"];
    let mut table = Table::new(&columns);
    for now in Coordinator::reach(db, of, Access::Read).await?.list().await? {
        let mut row = [now.name, now.id, now.state].map(Datum::Text).to_vec();
        row.extend([now.cells, now.done, now.linked, now.failed].map(|n| Datum::Int(n as i64)));
        row.extend([output::date(now.created_at_ms), now.tags.join(" ")].map(Datum::Text));
        table.rows.push(row);
    }
    output::print(format, &[Part::Table("sweeps", table)])
}
