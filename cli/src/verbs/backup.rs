//! `sweep backup`: a copy of the database that is consistent whatever runs meanwhile.

use crate::failure::Result;
use crate::session;
use std::path::Path;

/// Copies a SQLite database to the new file `to`.
///
/// # Errors
/// What the database says; `to` must not be there.
pub async fn run(db: &str, to: &Path) -> Result {
    session::reading(db).await?.back_up(to).await?;
    crate::say!("copied to {}; to go on with it: sweep --db {0} …", to.display());
    Ok(())
}
