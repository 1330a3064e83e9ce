//! `sweep check`: is the file right, and what is odd about it?

use crate::args::SweepFile;
use crate::failure::Result;
use crate::output::{self, Format, Part};
use crate::session;
use sweep_coordinator::store::Datum;

/// Checks a sweep file and the files that it names.
///
/// # Errors
/// Every mistake at its place.
pub fn run(file: &SweepFile, format: Format) -> Result {
    let checked = session::check(file)?;
    let warnings = checked.sweep.warnings();
    let record = vec![
        ("name", Datum::Text(checked.sweep.name.clone())),
        ("cells", Datum::Int(checked.sweep.len() as i64)),
        ("data_files", Datum::Int(checked.contents.inputs.len() as i64)),
        ("warnings", Datum::Int(warnings.len() as i64)),
    ];
    for warning in &warnings {
        crate::say!("warning: {warning}");
    }
    output::print(format, &[Part::Record("sweep", record)])
}
