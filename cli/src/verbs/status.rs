//! `sweep status`: how one sweep stands.

use crate::args::Remote;
use crate::failure::Result;
use crate::output::{self, Format, Part};
use crate::remote::{Access, Coordinator};
use sweep_coordinator::store::Datum;
use sweep_proto::v1::SweepStatus;

/// Prints the state and the counts of `sweep`.
///
/// # Errors
/// What the coordinator or the database says.
pub async fn run(db: &str, to: &Remote, sweep: &str, format: Format) -> Result {
    let now = Coordinator::reach(db, to, Access::Read).await?.status(sweep).await?;
    output::print(format, &[Part::Record("status", record(now))])
}

/// How a sweep stands, by name.
pub fn record(now: SweepStatus) -> Vec<(&'static str, Datum)> {
    let count = |n: u64| Datum::Int(n as i64);
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
        ("priority", Datum::Int(now.priority)),
        ("tags", Datum::Text(now.tags.join(" "))),
    ]
}
