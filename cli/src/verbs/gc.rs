//! `sweep gc`: drops what nothing refers to.

use crate::failure::Result;
use crate::output::{self, Format, Part};
use crate::session;
use sweep_coordinator::store::Datum;

/// Removes outcomes and blobs without an owner, and gives the space back to the file system.
///
/// # Errors
/// What the database says.
pub async fn run(db: &str, format: Format) -> Result {
    let store = session::changing(db).await?;
    let before = store.usage().await?.bytes;
    let gone = store.gc().await?;
    let after = store.usage().await?.bytes;
    store.close().await;
    let size =
        |n: u64| if format == Format::Table { Datum::Text(output::bytes(n as f64)) } else { Datum::Int(n as i64) };
    let record = vec![
        ("outcomes_removed", Datum::Int(gone.outcomes as i64)),
        ("blobs_removed", Datum::Int(gone.blobs as i64)),
        ("bytes_before", size(before)),
        ("bytes_after", size(after)),
    ];
    output::print(format, &[Part::Record("gc", record)])
}
