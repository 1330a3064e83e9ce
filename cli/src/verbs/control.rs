//! `sweep pause`, `resume`, `cancel`, `priority` and `retry`: what is said of a sweep after it was submitted.

use crate::args::{Again, Remote};
use crate::failure::Result;
use crate::output::{self, Format, Part};
use crate::remote::{Access, Coordinator};
use crate::verbs::status;
use sweep_coordinator::store::Datum;
use sweep_proto::v1::{PrioritiseRequest, RetryRequest, SweepRequest};

/// What becomes of a sweep.
#[derive(Debug, Clone, Copy)]
pub enum Change {
    /// No cell is handed out for now.
    Pause,
    /// It goes on.
    Resume,
    /// It is over.
    Cancel,
    /// It has this rank.
    Prioritise(i64),
}

/// Changes `sweep` and prints how it stands.
///
/// # Errors
/// What the coordinator says, as where the sweep is over.
pub async fn run(db: &str, of: &Remote, sweep: &str, change: Change, format: Format) -> Result {
    let mut coordinator = Coordinator::reach(db, of, Access::Write).await?;
    let id = coordinator.sweep(sweep).await?.id;
    let control = coordinator.control();
    let asked = SweepRequest { sweep: id.clone() };
    let answer = match change {
        Change::Pause => control.pause(asked).await,
        Change::Resume => control.resume(asked).await,
        Change::Cancel => control.cancel(asked).await,
        Change::Prioritise(priority) => control.prioritise(PrioritiseRequest { sweep: id, priority }).await,
    };
    let now = answer.map_err(|status| coordinator.refused(status))?.into_inner();
    coordinator.close().await;
    output::print(format, &[Part::Record("status", status::record(now))])
}

/// Runs cells of `sweep` once more; prints how many.
///
/// # Errors
/// A mistake in the filter with its place; what the coordinator says.
pub async fn retry(db: &str, of: &Remote, sweep: &str, which: &Again, format: Format) -> Result {
    let filter = match &which.filter {
        Some(filter) => filter.clone(),
        None => "state in (failed, quarantined)".to_owned(),
    };
    let mut coordinator = Coordinator::reach(db, of, Access::Write).await?;
    let id = coordinator.sweep(sweep).await?.id;
    let answer = coordinator.control().retry(RetryRequest { sweep: id.clone(), filter }).await;
    let cells = answer.map_err(|status| coordinator.refused(status))?.into_inner().cells;
    coordinator.close().await;
    if cells == 0 {
        output::note(format, "no cell fits: nothing is run again")?;
    }
    output::print(
        format,
        &[Part::Record("retried", vec![("sweep", Datum::Text(id)), ("cells", Datum::Int(cells as i64))])],
    )
}
