//! `sweep tag`: words to find a sweep by.

use crate::args::Remote;
use crate::failure::Result;
use crate::output::{self, Format, Part, Table};
use crate::remote::{Access, Coordinator};
use sweep_coordinator::store::{self, Datum};

/// Adds tags and takes some away, then shows those that are there.
///
/// # Errors
/// [`crate::failure::Failure::Mistake`] for a text that is no tag.
pub async fn run(db: &str, of: &Remote, key: &str, add: &[String], remove: &[String], format: Format) -> Result {
    add.iter().chain(remove).try_for_each(|tag| store::check_tag(tag))?;
    let reads = add.is_empty() && remove.is_empty();
    let mut coordinator = Coordinator::reach(db, of, if reads { Access::Read } else { Access::Write }).await?;
    let sweep = coordinator.sweep(key).await?;
    let tags = if reads { sweep.tags } else { coordinator.tag(&sweep.id, add, remove).await? };
    coordinator.close().await;
    let mut table = Table::new(&["tag"]);
    table.rows = tags.into_iter().map(|tag| vec![Datum::Text(tag)]).collect();
    output::print(format, &[Part::Table("tags", table)])
}
