//! `sweep extend`: a stored sweep gets more values of an axis, at a coordinator or in a database.

use crate::args::Extend;
use crate::failure::{Failure, Result};
use crate::inputs;
use crate::output::{self, Format, Part};
use crate::remote::{Access, Coordinator};
use crate::session::{self, Checked};
use std::path::PathBuf;
use sweep_coordinator::store::Datum;
use sweep_core::sweep::{MAX_BYTES, lengthened};
use sweep_core::trial::Inputs;
use sweep_proto::v1;

/// Makes the longer file of what is stored, checks it here, and gives its cells to the sweep.
///
/// # Errors
/// Values that cannot be added; what the coordinator or the database says.
pub async fn run(db: &str, asked: &Extend, format: Format) -> Result {
    let access = if asked.dry_run { Access::Read } else { Access::Write };
    let mut coordinator = Coordinator::reach(db, &asked.to, access).await?;
    let id = coordinator.sweep(&asked.sweep).await?.id;
    let v1::SourceResponse { source: stored, inputs: known, .. } = coordinator.source(&id).await?;
    let known: Inputs = known.into_iter().collect();
    let (text, path) = match &asked.file {
        Some(path) => {
            let bytes = inputs::sweep_file(path, 16 * MAX_BYTES as u64)?;
            (String::from_utf8_lossy(&bytes).into_owned(), path.clone())
        }
        None => {
            let text =
                lengthened(&stored, &asked.values).map_err(|misplaced| Failure::Mistake(misplaced.to_string()))?;
            // Where it lay is not stored: data files that are new are relative to where this runs.
            (text, PathBuf::from("the longer file"))
        }
    };
    let Checked { sweep, source, contents, .. } = session::check_longer(&text, &path, &known, asked.max_cells)?;
    for warning in sweep.warnings() {
        crate::say!("warning: {warning}");
    }
    let (most, dry) = (asked.max_cells, asked.dry_run);
    let extended = coordinator.extend(&id, &source, &contents.files, most, dry).await?;
    let here = coordinator.location().is_some();
    coordinator.close().await;
    report(extended, dry, here, format)
}

/// What was added, or would be; `here`: to a database that nobody serves.
fn report(extended: v1::ExtendResponse, dry: bool, here: bool, format: Format) -> Result {
    let v1::ExtendResponse { id, before, cells, retuned } = extended;
    let added = output::count(cells - before, "cell");
    match (dry, here) {
        (true, _) => crate::say!("{added} would come on top of {before}; nothing was added"),
        (false, true) => {
            crate::say!("{added} on top of {before}; sweep run with the file, as it was or longer, trains them here")
        }
        (false, false) => crate::say!("{added} on top of {before}; the workers of the coordinator train them"),
    }
    let count = |n: u64| Datum::Int(n as i64);
    let record = vec![
        ("sweep", Datum::Text(id)),
        ("before", count(before)),
        ("added", count(cells - before)),
        ("cells", count(cells)),
        ("tuned_again", count(retuned)),
    ];
    output::print(format, &[Part::Record(if dry { "plan" } else { "extended" }, record)])
}
