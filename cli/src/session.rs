//! What most verbs begin with: the database, the sweep or cell that was named, the checked sweep file.

use crate::args::{DEFAULT_DB, SweepFile};
use crate::diagnostic;
use crate::failure::{Failure, Result};
use crate::inputs::{self, Contents};
use crate::output;
use annotate_snippets::Level;
use std::path::Path;
use sweep_coordinator::clock::{Clock, SystemClock};
use sweep_coordinator::store::{self, Location, Store};
use sweep_core::sweep::{Diagnostic, MAX_BYTES, Sweep};

/// A database for reading, also while another process writes it.
///
/// # Errors
/// [`Failure::Mistake`] where there is none.
pub async fn reading(db: &str) -> Result<Store> {
    Ok(Store::read(&db.parse::<Location>()?).await?)
}

/// A database for writing, made where there is none.
///
/// # Errors
/// [`Failure::Mistake`] where it cannot be written or another process has it.
pub async fn writing(db: &str) -> Result<Store> {
    Ok(Store::open(&db.parse::<Location>()?, now_ms()).await?)
}

/// A database for writing that must be there.
///
/// # Errors
/// As [`reading`] and [`writing`].
pub async fn changing(db: &str) -> Result<Store> {
    reading(db).await?.close().await;
    writing(db).await
}

/// Milliseconds since 1970.
pub fn now_ms() -> i64 {
    SystemClock.now_ms()
}

/// What a command must say to mean this database: nothing for the default, ` --db PATH` for another file. A URL, which may
/// hold a password, is not repeated.
pub fn option(db: &str) -> String {
    let plain = db.bytes().all(|b| b.is_ascii_alphanumeric() || b"/._-".contains(&b));
    match db {
        DEFAULT_DB => String::new(),
        _ if db.contains("://") => String::new(),
        _ if plain => format!(" --db {db}"),
        _ => format!(" --db '{}'", db.replace('\'', "'\\''")),
    }
}

/// `SWEEP/CELL` in its parts; `None` where the text names a sweep alone.
pub fn cell_of(text: &str) -> Option<(&str, u64)> {
    let (sweep, cell) = text.rsplit_once('/')?;
    let digits = !cell.is_empty() && cell.bytes().all(|b| b.is_ascii_digit());
    if sweep.is_empty() || !digits { None } else { Some((sweep, cell.parse().ok()?)) }
}

/// The recorded outcome of a cell.
///
/// # Errors
/// [`Failure::Mistake`] for a cell that the sweep does not have, or that has no outcome.
pub async fn outcome(store: &Store, sweep: &store::Sweep, cell: u64) -> Result<store::Stored> {
    inside(sweep, cell)?;
    let none = |why: &str| Failure::Mistake(format!("cell {cell} of \"{}\" has no result: {why}", sweep.name));
    let known = store.cell(&sweep.id, cell).await?.ok_or_else(|| none("it was not begun"))?;
    let id = known.outcome.ok_or_else(|| none(&format!("it is {}", known.state.word())))?;
    let lost = || Failure::Internal(anyhow::anyhow!("outcome {id} of cell {cell} is not in the database"));
    store.outcome(id).await?.ok_or_else(lost)
}

/// Checks that `sweep` has cell `cell`.
///
/// # Errors
/// [`Failure::Mistake`].
pub fn inside(sweep: &store::Sweep, cell: u64) -> Result {
    if cell < sweep.cells {
        return Ok(());
    }
    Err(Failure::Mistake(format!("cell {cell} is outside 0..{} of \"{}\"", sweep.cells, sweep.name)))
}

/// The stored file of a sweep, parsed again.
///
/// # Errors
/// [`Failure::Mistake`] where this version of the program no longer accepts it.
pub fn parsed(sweep: &store::Sweep) -> Result<Sweep> {
    Sweep::parse(sweep.source.as_bytes(), u64::MAX).map_err(|found| {
        let first = found.first().map_or(String::new(), ToString::to_string);
        Failure::Mistake(format!(
            "the file of \"{}\" is not accepted by this version of the program: {first}",
            sweep.name
        ))
    })
}

/// A sweep file that was read and checked.
pub struct Checked {
    /// What it asks for.
    pub sweep: Sweep,
    /// Its text.
    pub source: String,
    /// The data files that it names.
    pub contents: Contents,
}

/// Reads and checks a sweep file, and reads the data files that it names.
///
/// # Errors
/// [`Failure::Rendered`] with every mistake at its place.
pub fn check(file: &SweepFile) -> Result<Checked> {
    let bytes = inputs::sweep_file(&file.path, 16 * MAX_BYTES as u64)?;
    let shown = String::from_utf8_lossy(&bytes).into_owned();
    let sweep = Sweep::parse(&bytes, file.max_cells).map_err(|found| rendered(&shown, &file.path, &found))?;
    let names = sweep.files();
    let contents = Contents::read(&file.path, names.iter().map(String::as_str)).map_err(|wrong| {
        let found: Vec<Diagnostic> = wrong.iter().map(|(name, why)| unreadable(&shown, name, why)).collect();
        rendered(&shown, &file.path, &found)
    })?;
    Ok(Checked { sweep, source: shown, contents })
}

fn rendered(text: &str, path: &Path, found: &[Diagnostic]) -> Failure {
    let reports = diagnostic::render(text, path, found, Level::ERROR, output::colour());
    let mistakes = if found.len() == 1 { "mistake" } else { "mistakes" };
    Failure::Rendered(format!("{reports}\n\n{}: {} {mistakes}, nothing was run", path.display(), found.len()))
}

/// A data file that cannot be read, at the place where the sweep file names it.
fn unreadable(text: &str, name: &str, why: &str) -> Diagnostic {
    // Escapes aside, a path stands in the file as it is.
    let at = text.find(name).unwrap_or(0);
    let before = &text[..at];
    Diagnostic {
        line: before.matches('\n').count() + 1,
        column: before.chars().rev().take_while(|c| *c != '\n').count() + 1,
        length: name.chars().count(),
        message: format!("the file \"{name}\" cannot be read: {why}"),
        help: Some("paths are relative to the sweep file".to_owned()),
    }
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Failure {
        use store::Error::{
            Coordinate, Corrupt, Database, Export, Full, Location, Locked, Missing, NetworkFileSystem, Newer,
            NotDurable, Older, Query, ReadOnly, Refused, TokenName, TooSlow, UnknownSweep, Unwritable,
        };
        match error {
            Location(_)
            | Missing(_)
            | Locked { .. }
            | NetworkFileSystem { .. }
            | Unwritable { .. }
            | Newer { .. }
            | Older
            | NotDurable { .. }
            | UnknownSweep { .. }
            | Refused(_)
            | TokenName { .. }
            | Query(_)
            | TooSlow { .. } => Failure::Mistake(error.to_string()),
            Full | ReadOnly | Coordinate { .. } | Corrupt(_) | Database(_) | Export(_) => {
                Failure::Internal(anyhow::Error::new(error))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_a_sweep_a_slash_and_a_number() {
        assert_eq!(cell_of("quick/12"), Some(("quick", 12)));
        assert_eq!(cell_of("a/b/0"), Some(("a/b", 0)));
        for sweep in ["quick", "a/b", "/3", "a/", "a/-1", "a/1x", "a/99999999999999999999"] {
            assert_eq!(cell_of(sweep), None, "{sweep}");
        }
    }

    #[test]
    fn a_command_names_the_database_it_means() {
        assert_eq!(option(DEFAULT_DB), "");
        assert_eq!(option("a/b.db"), " --db a/b.db");
        assert_eq!(option("it's.db"), " --db 'it'\\''s.db'");
        assert_eq!(option("postgres://ada:secret@host/x"), "");
    }

    #[test]
    fn a_file_that_cannot_be_read_is_shown_where_it_is_named() {
        let found = unreadable("[problem]\nfile = \"data/x.csv\"\n", "data/x.csv", "No such file");
        assert_eq!((found.line, found.column, found.length), (2, 9, 10));
        assert!(found.message.contains("data/x.csv") && found.message.contains("No such file"));
    }
}
