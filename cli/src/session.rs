//! What most verbs begin with: the database, the sweep or cell that was named, the checked sweep file.

use crate::args::{DEFAULT_DB, SweepFile};
use crate::diagnostic;
use crate::failure::{Failure, Result};
use crate::inputs::{self, Contents};
use crate::output;
use annotate_snippets::Level;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use sweep_coordinator::clock::{Clock, SystemClock};
use sweep_coordinator::store::{self, Location, Store};
use sweep_core::axis::{self, Kind};
use sweep_core::error::Error as Wrong;
use sweep_core::sweep::{Diagnostic, MAX_BYTES, Sweep};
use sweep_core::train;
use sweep_core::trial::Inputs;
use sweep_core::value::Value;

/// Most ways of reading data files that are tried before anything runs.
const MOST_READS: usize = 1_000;
/// Most mistakes in data files that are shown.
const MOST_SHOWN: usize = 20;

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

/// Where the picture of a sweep's answer lies, without its ending: beside the database.
pub fn picture(location: &Location, name: &str, id: &str) -> PathBuf {
    let directory = match location {
        Location::Sqlite(path) => path.parent().unwrap_or_else(|| Path::new("")).to_owned(),
        Location::Postgres(_) => PathBuf::from("results"),
    };
    let name: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(60).collect();
    directory.join(format!("{name}-{id}"))
}

/// The endings of a picture's files.
pub const PICTURES: [&str; 2] = ["svg", "png"];

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

/// The stored file of the sweep `name` and the longer ones after it, parsed again.
///
/// # Errors
/// [`Failure::Mistake`] where this version of the program no longer accepts one.
pub fn parsed(name: &str, source: &str, extensions: &[String]) -> Result<Sweep> {
    store::whole(source, extensions).map_err(|why| {
        Failure::Mistake(format!("the file of \"{name}\" is not accepted by this version of the program: {why}"))
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
    /// What the data files hold.
    pub sizes: Vec<Size>,
}

/// What a problem from files turned out to be.
#[derive(Debug, Clone, PartialEq)]
pub struct Size {
    /// A cell that has this problem.
    pub coordinates: BTreeMap<String, Value>,
    /// n1, n2 and the number of training measurements.
    pub size: (usize, usize, usize),
}

/// Reads and checks a sweep file and the data files that it names.
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
    let sizes = inspect(&sweep, &contents, &shown).map_err(|found| rendered(&shown, &file.path, &found))?;
    Ok(Checked { sweep, source: shown, contents, sizes })
}

/// Checks a sweep file of the program's own, with the data files that it names.
///
/// # Errors
/// As [`check`].
pub fn embedded(name: &str, text: &str, contents: Contents) -> Result<Checked> {
    let path = Path::new(name);
    let wrong = |found: Vec<Diagnostic>| rendered(text, path, &found);
    let sweep = Sweep::parse(text.as_bytes(), u64::MAX).map_err(wrong)?;
    let sizes = inspect(&sweep, &contents, text).map_err(wrong)?;
    Ok(Checked { sweep, source: text.to_owned(), contents, sizes })
}

/// Checks a longer file of a stored sweep: its text, the path that it is shown under, and the content hash of the files
/// that the sweep has, by path. Of the data files those that are new are read, relative to the path, and others where they
/// are to be found.
///
/// # Errors
/// As [`check`].
pub fn check_longer(text: &str, path: &Path, known: &Inputs, max_cells: u64) -> Result<Checked> {
    let sweep = Sweep::parse(text.as_bytes(), max_cells).map_err(|found| rendered(text, path, &found))?;
    let mut contents = Contents::default();
    let mut missing = Vec::new();
    for name in sweep.files() {
        match Contents::read(path, [name.as_str()]) {
            Ok(one) => {
                contents.inputs.extend(one.inputs);
                contents.files.extend(one.files);
            }
            Err(wrong) if !known.contains_key(&name) => {
                missing.extend(wrong.iter().map(|(name, why)| unreadable(text, name, why)));
            }
            Err(_) => {}
        }
    }
    if !missing.is_empty() {
        return Err(rendered(text, path, &missing));
    }
    let sizes = inspect(&sweep, &contents, text).map_err(|found| rendered(text, path, &found))?;
    Ok(Checked { sweep, source: text.to_owned(), contents, sizes })
}

/// Reads the data files that are at hand in every way in which a cell does, so that a mistake in them costs no run.
fn inspect(sweep: &Sweep, contents: &Contents, text: &str) -> std::result::Result<Vec<Size>, Vec<Diagnostic>> {
    let (mut sizes, mut found): (_, Vec<Diagnostic>) = (Vec::new(), Vec::new());
    let at_hand = |cell: &BTreeMap<String, Value>| {
        let files = axis::all().iter().filter(|axis| axis.kind == Kind::File);
        let mut named = files.filter_map(|axis| cell.get(axis.name)?.text()).filter(|path| !path.is_empty());
        named.all(|path| contents.inputs.contains_key(path))
    };
    for coordinates in sweep.reading_cells(MOST_READS).into_iter().filter(at_hand) {
        let read = sweep.trial(&coordinates, &contents.inputs).and_then(|trial| train::inspect(&trial, contents));
        match read {
            Ok(size) => sizes.push(Size { coordinates, size }),
            Err(wrong) if found.len() < MOST_SHOWN => {
                let named = match &wrong {
                    Wrong::File { file, .. } => file.clone(),
                    _ => first_file(&coordinates),
                };
                let mistake = placed(text, &named, wrong.to_string(), None);
                if !found.contains(&mistake) {
                    found.push(mistake);
                }
            }
            Err(_) => {}
        }
    }
    if found.is_empty() { Ok(sizes) } else { Err(found) }
}

/// The first file that a cell names.
fn first_file(coordinates: &BTreeMap<String, Value>) -> String {
    let files = axis::all().iter().filter(|axis| axis.kind == Kind::File);
    let mut named = files.filter_map(|axis| coordinates.get(axis.name)?.text()).filter(|path| !path.is_empty());
    named.next().unwrap_or_default().to_owned()
}

fn rendered(text: &str, path: &Path, found: &[Diagnostic]) -> Failure {
    let reports = diagnostic::render(text, path, found, Level::ERROR, output::colour());
    let mistakes = if found.len() == 1 { "mistake" } else { "mistakes" };
    Failure::Rendered(format!("{reports}\n\n{}: {} {mistakes}, nothing was run", path.display(), found.len()))
}

/// A data file that cannot be read, at the place where the sweep file names it.
fn unreadable(text: &str, name: &str, why: &str) -> Diagnostic {
    let help = "paths are relative to the sweep file".to_owned();
    placed(text, name, format!("the file \"{name}\" cannot be read: {why}"), Some(help))
}

/// A mistake at the place where the sweep file names the data file `name`, itself or as an instance.
fn placed(text: &str, name: &str, message: String, help: Option<String>) -> Diagnostic {
    let instance = [".obs.csv", ".gt.csv"].iter().find_map(|end| name.strip_suffix(end));
    // Escapes aside, a path stands in the file as it is.
    let found = [Some(name), instance].into_iter().flatten().find_map(|name| {
        let quoted = ['"', '\''].into_iter().find_map(|mark| text.find(&format!("{mark}{name}{mark}")));
        quoted.map(|at| (at, name.chars().count() + 2))
    });
    let (at, length) = found.unwrap_or((0, 1));
    let before = &text[..at];
    Diagnostic {
        line: before.matches('\n').count() + 1,
        column: before.chars().rev().take_while(|c| *c != '\n').count() + 1,
        length,
        message,
        help,
    }
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Failure {
        use store::Error::{
            Coordinate, Corrupt, Database, Export, Full, Location, Locked, Missing, NetworkFileSystem, Newer, NoRoom,
            NotDurable, NotOurs, Older, Query, ReadOnly, Refused, Server, Tag, TokenName, TokenTaken, TooSlow,
            UnknownSweep, Unreadable, Unwritable, WriteFailed,
        };
        match error {
            Location(_)
            | Missing(_)
            | Locked { .. }
            | NetworkFileSystem { .. }
            | NotOurs(_)
            | Unreadable { .. }
            | Unwritable { .. }
            | Newer { .. }
            | Older
            | Server
            | NotDurable { .. }
            | UnknownSweep { .. }
            | Refused(_)
            | Tag(_)
            | TokenName(_)
            | TokenTaken(_)
            | Query(_)
            | TooSlow { .. } => Failure::Mistake(error.to_string()),
            Full
            | NoRoom { .. }
            | WriteFailed(_)
            | ReadOnly
            | Coordinate { .. }
            | Corrupt(_)
            | Database(_)
            | Export(_) => Failure::Internal(anyhow::Error::new(error)),
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
        assert_eq!((found.line, found.column, found.length), (2, 8, 12));
        assert!(found.message.contains("data/x.csv") && found.message.contains("No such file"));
        // An instance is two files under one name.
        let found = unreadable("\n\ninstance = ['a/b']\n", "a/b.gt.csv", "No such file");
        assert_eq!((found.line, found.column, found.length), (3, 13, 5));
        // A name that stands there in another form.
        let found = unreadable("file = \"\\u0061\"\n", "a", "No such file");
        assert_eq!((found.line, found.column, found.length), (1, 1, 1));
    }
}
