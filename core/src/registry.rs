//! What is known: a registry is a slice of [`Entry`], one per file of its folder.
//!
//! A new penalty, optimizer, baseline, problem or init is one file with a `pub const ENTRY` and one line in
//! the `KNOWN` slice of its folder's `mod.rs`. Its parameters become axes, columns of the SQL views, help
//! and error texts, and rows of the documentation, by themselves.

use crate::axis::Axis;
use crate::error::{Error, Result};

/// One known thing and how to build it. `B` is a function pointer, the same for a whole registry.
#[derive(Debug, Clone, Copy)]
pub struct Entry<B> {
    /// The name in sweep files and SQL: lower case, underscores, the field's standard term.
    pub name: &'static str,
    /// One sentence for `sweep known` and the docs, with the formula.
    pub doc: &'static str,
    /// The axes that this choice brings along. The same name means the same thing in every registry.
    pub axes: &'static [Axis],
    /// Makes it from a trial whose values have been checked.
    pub build: B,
}

/// The entry called `name`.
///
/// # Errors
/// [`Error::Unknown`] with every known name, and the nearest one where there is one.
pub fn find<'k, B>(what: &'static str, known: &'k [Entry<B>], name: &str) -> Result<&'k Entry<B>> {
    known.iter().find(|entry| entry.name == name).ok_or_else(|| Error::Unknown {
        what,
        name: name.to_owned(),
        known: known.iter().map(|entry| entry.name).collect(),
    })
}
