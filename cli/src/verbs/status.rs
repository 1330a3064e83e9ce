//! `sweep status`: how one sweep stands.

use crate::args::Remote;
use crate::failure::Result;
use crate::output::{self, Format, Part};
use crate::remote::Coordinator;
use crate::session;
use sweep_coordinator::store::Datum;

/// Prints the state and the counts of `sweep`.
///
/// # Errors
/// What the coordinator or the database says.
pub async fn run(db: &str, to: &Remote, sweep: &str, format: Format) -> Result {
    let count = |n: u64| Datum::Int(n as i64);
    let record = match Coordinator::named(to).await? {
        Some(mut coordinator) => {
            let now = coordinator.status(sweep).await?;
            vec![
                ("sweep", Datum::Text(now.id)),
                ("name", Datum::Text(now.name)),
                ("state", Datum::Text(now.state)),
                ("cells", count(now.cells)),
                ("done", count(now.done)),
                ("linked", count(now.linked)),
                ("failed", count(now.failed)),
                ("running", count(now.running)),
                ("core_seconds_left", now.core_seconds_left.map_or(Datum::Null, Datum::Float)),
                ("submitted", Datum::Text(output::date(now.created_at_ms))),
                ("tags", Datum::Text(now.tags.join(" "))),
            ]
        }
        None => {
            let store = session::reading(db).await?;
            let found = store.find_sweep(sweep).await?;
            let counts = store.counts(&found.id).await?;
            vec![
                ("sweep", Datum::Text(found.id)),
                ("name", Datum::Text(found.name)),
                ("state", Datum::Text(found.state.word().to_owned())),
                ("cells", count(found.cells)),
                ("done", count(counts.done)),
                ("linked", count(counts.linked)),
                ("failed", count(counts.failed + counts.quarantined)),
                ("running", count(counts.leased)),
                ("core_seconds_left", Datum::Null),
                ("submitted", Datum::Text(output::date(found.created_at_ms))),
                ("tags", Datum::Text(found.tags.join(" "))),
            ]
        }
    };
    output::print(format, &[Part::Record("status", record)])
}
