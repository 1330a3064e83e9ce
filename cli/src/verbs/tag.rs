//! `sweep tag`: words to find a sweep by.

use crate::failure::{Failure, Result};
use crate::output::{self, Format, Part, Table};
use crate::session;
use sweep_coordinator::store::Datum;

/// Most characters of a tag.
const MOST: usize = 100;

/// Adds (`+TAG`) and takes away (`-TAG`) tags, then shows them.
///
/// # Errors
/// [`Failure::Mistake`] for a change that is neither.
pub async fn run(db: &str, key: &str, changes: &[String], format: Format) -> Result {
    let changes: Vec<(bool, &str)> = changes.iter().map(|change| parsed(change)).collect::<Result<_>>()?;
    let store = if changes.is_empty() { session::reading(db).await? } else { session::changing(db).await? };
    let sweep = session::sweep(&store, key).await?;
    for (on, tag) in changes {
        store.tag(&sweep.id, tag, on).await?;
    }
    let tags = store.find_sweep(&sweep.id).await?.tags;
    store.close().await;
    let mut table = Table::new(&["tag"]);
    table.rows = tags.into_iter().map(|tag| vec![Datum::Text(tag)]).collect();
    output::print(format, &[Part::Table("tags", table)])
}

/// Checks a tag.
///
/// # Errors
/// [`Failure::Mistake`] with what is allowed.
pub fn valid(tag: &str) -> Result {
    if (1..=MOST).contains(&tag.chars().count()) && !tag.chars().any(char::is_control) {
        return Ok(());
    }
    Err(Failure::Mistake(format!("tag \"{}\" is not 1 to {MOST} printable characters", tag.escape_debug())))
}

/// Whether to add, and the tag.
fn parsed(change: &str) -> Result<(bool, &str)> {
    let parsed = change.strip_prefix('+').map(|tag| (true, tag)).or(change.strip_prefix('-').map(|tag| (false, tag)));
    match parsed {
        Some(change) => valid(change.1).map(|()| change),
        None => Err(Failure::Mistake(format!("\"{change}\" is no change of tags; allowed: +TAG, -TAG"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_a_sign_and_a_tag() {
        assert_eq!(parsed("+paper").unwrap(), (true, "paper"));
        assert_eq!(parsed("--draft").unwrap(), (false, "-draft"));
        for bad in ["paper", "+", "-", "+a\u{1b}b", ""] {
            assert!(parsed(bad).is_err(), "{bad}");
        }
    }
}
