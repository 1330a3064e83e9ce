//! `sweep plot`: a picture of a sweep, and the numbers behind it.

use crate::args::Plot;
use crate::failure::{Failure, Result};
use crate::output::{self, Format, Part, Table};
use crate::remote::{Access, Coordinator};
use std::path::Path;
use sweep_coordinator::figure::kind;
use sweep_coordinator::plot;
use sweep_coordinator::store::Datum;

/// Draws what `asked` asks for.
///
/// # Errors
/// [`Failure::Mistake`] for axes that the sweep does not have, and files that cannot be written.
pub async fn run(db: &str, asked: &Plot, format: Format) -> Result {
    let Some(sweep) = asked.sweep.as_deref().filter(|_| !asked.kinds) else { return kinds(format) };
    let mut coordinator = Coordinator::reach(db, &asked.of, Access::Read).await?;
    let id = coordinator.sweep(sweep).await?.id;
    let drawn = coordinator.draw(&id, asked.settings()).await?;
    if asked.out.is_empty() {
        return output::print(format, &[Part::Table("numbers", drawn.numbers)]);
    }
    for path in &asked.out {
        let bytes = match path.extension().and_then(|ending| ending.to_str()) {
            Some("png") => {
                let png = plot::render_png(&drawn.svg, 2.0);
                png.map_err(|error| Failure::Internal(anyhow::Error::new(error)))?
            }
            Some("csv") => output::csv(&Part::Table("numbers", drawn.numbers.clone())).into_bytes(),
            Some("sql") => format!("{}\n", drawn.sql).into_bytes(),
            _ => drawn.svg.clone().into_bytes(),
        };
        write(path, &bytes)?;
        crate::say!("drawn in {}", path.display());
    }
    Ok(())
}

/// Writes a file beside its place and puts it there whole.
///
/// # Errors
/// [`Failure::Mistake`] where it cannot be written.
pub fn write(path: &Path, bytes: &[u8]) -> Result {
    let refused = |error| Failure::Mistake(format!("{} cannot be written: {error}", path.display()));
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = std::path::PathBuf::from(part);
    std::fs::write(&part, bytes).and_then(|()| std::fs::rename(&part, path)).map_err(|error| {
        // What was written of it is of no use.
        let _ = std::fs::remove_file(&part);
        refused(error)
    })
}

fn kinds(format: Format) -> Result {
    let mut table = Table::new(&["kind", "what it shows", "takes"]);
    for kind in kind::KNOWN {
        let takes: Vec<String> = kind.settings.iter().map(|(key, value)| format!("--{key} {value}")).collect();
        table.rows.push([kind.name.to_owned(), kind.doc.to_owned(), takes.join(" ")].map(Datum::Text).to_vec());
    }
    output::print(format, &[Part::Table("kinds", table)])
}
