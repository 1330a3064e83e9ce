//! `sweep report`: a sweep as one HTML file that stands alone.

use super::plot::write;
use crate::args::Remote;
use crate::failure::Result;
use crate::remote::{Access, Coordinator};
use std::path::{Path, PathBuf};

/// Writes the report of `sweep` to `out`.
///
/// # Errors
/// Names that are not known, files that cannot be written.
pub async fn run(db: &str, of: &Remote, sweep: &str, out: Option<&Path>) -> Result {
    let mut coordinator = Coordinator::reach(db, of, Access::Read).await?;
    let status = coordinator.sweep(sweep).await?;
    let page = coordinator.report(&status.id).await?;
    let path = out.map_or_else(|| named(&status.name, &status.id), Path::to_owned);
    write(&path, &page)?;
    crate::say!("written to {}", path.display());
    Ok(())
}

/// A file that says which sweep it is of, whatever the name holds.
fn named(name: &str, id: &str) -> PathBuf {
    let name: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(60).collect();
    PathBuf::from(format!("{name}-{id}.html"))
}
