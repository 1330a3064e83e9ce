//! `sweep diff A B`: in what two sweep files differ.

use crate::args::SweepFile;
use crate::failure::Result;
use crate::output::{self, Format, Part, Table};
use crate::session;
use std::path::Path;
use sweep_coordinator::store::Datum;
use sweep_core::sweep;

/// Compares what two files ask for: settings, axes, rules, and the content of data files.
///
/// # Errors
/// Mistakes in either file.
pub fn run(a: &Path, b: &Path, max_cells: u64, format: Format) -> Result {
    let read = |path: &Path| session::check(&SweepFile { path: path.to_owned(), max_cells });
    let (a, b) = (read(a)?, read(b)?);
    let mut table = Table::new(&["what", "only_in_a", "only_in_b"]);
    let mut row = |what: String, removed: &[String], added: &[String]| {
        table.rows.push([what, removed.join(", "), added.join(", ")].map(Datum::Text).to_vec());
    };
    for difference in sweep::diff(&a.sweep, &b.sweep) {
        row(difference.what, &difference.removed, &difference.added);
    }
    for (path, hash) in &a.contents.inputs {
        if let Some(other) = b.contents.inputs.get(path).filter(|other| *other != hash) {
            row(format!("content of {path}"), &[hash[..12].to_owned()], &[other[..12].to_owned()]);
        }
    }
    if table.rows.is_empty() {
        output::note(format, "the files ask for the same cells")?;
        if format == Format::Table {
            return Ok(());
        }
    }
    output::print(format, &[Part::Table("differences", table)])
}
