//! `sweep gc`: drops what nothing refers to.

use crate::args::Remote;
use crate::failure::Result;
use crate::output::{self, Format, Part};
use crate::remote::{Access, Coordinator};
use sweep_coordinator::store::Datum;

/// Removes outcomes and blobs without an owner, and gives the space back to the file system.
///
/// # Errors
/// What the coordinator or the database says.
pub async fn run(db: &str, of: &Remote, format: Format) -> Result {
    let mut coordinator = Coordinator::reach(db, of, Access::Write).await?;
    let gone = coordinator.gc().await?;
    coordinator.close().await;
    let size =
        |n: u64| if format == Format::Table { Datum::Text(output::bytes(n as f64)) } else { Datum::Int(n as i64) };
    let record = vec![
        ("outcomes_removed", Datum::Int(gone.outcomes as i64)),
        ("blobs_removed", Datum::Int(gone.blobs as i64)),
        ("bytes_before", size(gone.bytes_before)),
        ("bytes_after", size(gone.bytes_after)),
    ];
    output::print(format, &[Part::Record("gc", record)])
}
