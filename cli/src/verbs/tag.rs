//! `sweep tag`: words to find a sweep by.

use crate::failure::{Failure, Result};
use crate::output::{self, Format, Part, Table};
use crate::session;
use sweep_coordinator::store::Datum;

/// Most characters of a tag.
const MOST: usize = 100;

/// Adds tags and takes some away, then shows those that are there.
///
/// # Errors
/// [`Failure::Mistake`] for a text that is no tag.
pub async fn run(db: &str, key: &str, add: &[String], remove: &[String], format: Format) -> Result {
    add.iter().chain(remove).try_for_each(|tag| valid(tag))?;
    let reads = add.is_empty() && remove.is_empty();
    let store = if reads { session::reading(db).await? } else { session::changing(db).await? };
    let sweep = session::sweep(&store, key).await?;
    for (tags, on) in [(add, true), (remove, false)] {
        for tag in tags {
            store.tag(&sweep.id, tag, on).await?;
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_a_short_printable_text() {
        for fine in ["paper", "-draft", "α β", &"x".repeat(100)] {
            valid(fine).unwrap();
        }
        for bad in ["", "a\u{1b}b", &"x".repeat(101)] {
            assert!(valid(bad).unwrap_err().to_string().contains("1 to 100 printable"), "{bad}");
        }
    }
}
