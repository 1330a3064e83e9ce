//! `sweep du`: how much is stored.

use crate::args::Remote;
use crate::failure::Result;
use crate::output::{self, Format, Part};
use crate::remote::{Access, Coordinator};
use sweep_coordinator::store::Datum;

/// Shows the disk usage of the database.
///
/// # Errors
/// What the coordinator or the database says.
pub async fn run(db: &str, of: &Remote, format: Format) -> Result {
    let usage = Coordinator::reach(db, of, Access::Read).await?.usage().await?;
    let count = |n: u64| Datum::Int(n as i64);
    let size = |n: u64| if format == Format::Table { Datum::Text(output::bytes(n as f64)) } else { count(n) };
    let record = vec![
        ("bytes", size(usage.bytes)),
        ("sweeps", count(usage.sweeps)),
        ("cells", count(usage.cells)),
        ("outcomes", count(usage.outcomes)),
        ("points", count(usage.points)),
        ("blob_bytes", size(usage.blob_bytes)),
        ("checkpoints", count(usage.checkpoints)),
        ("checkpoint_bytes", size(usage.checkpoint_bytes)),
        ("checkpoint_quota", size(usage.checkpoint_quota)),
    ];
    output::print(format, &[Part::Record("usage", record)])
}
