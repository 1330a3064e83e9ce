//! What verbs print: tables and records, as a table for people, as JSON, or as CSV.
//!
//! A verb makes [`Part`]s and never formats a number itself. People get short numbers, programs get all digits.
//! Text from the database is escaped where it is shown: control characters on a terminal, formulas in CSV.

mod part;

pub use part::{Part, Table, csv, printable};

use crate::failure::{Failure, Result};
use clap::ValueEnum;
use std::io::{IsTerminal, Write};
pub use sweep_coordinator::words::{bytes, count, date, digits, span};

/// `--output`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Table,
    /// One JSON document.
    Json,
    /// CSV with a header: of several tables the first.
    Csv,
}

/// Prints `parts` to standard output.
///
/// # Errors
/// [`Failure::Internal`] where standard output takes no more; a reader that has gone away is not an error.
pub fn print(format: Format, parts: &[Part]) -> Result {
    let text = match format {
        Format::Table => part::for_people(parts, width()),
        Format::Json => part::json(parts),
        Format::Csv => parts.first().map(part::csv).unwrap_or_default(),
    };
    write(text.as_bytes())
}

/// Writes to standard output, all of it.
///
/// # Errors
/// As [`print()`].
pub fn write(bytes: &[u8]) -> Result {
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::Internal(anyhow::Error::new(error).context("failed to write to standard output")))
        }
        _ => Ok(()),
    }
}

/// A line for people: printed with tables, left out where a program reads.
pub fn note(format: Format, line: impl std::fmt::Display) -> Result {
    if format == Format::Table { write(format!("{line}\n").as_bytes()) } else { Ok(()) }
}

/// A line on standard error, formatted as by `println!`: warnings, progress, what was done. A reader that has gone away is
/// no reason to stop a run.
#[macro_export]
macro_rules! say {
    ($($text:tt)*) => {{
        use std::io::Write;
        let _ = writeln!(std::io::stderr(), $($text)*);
    }};
}

/// Whether standard output is wide enough for `table`.
pub fn fits(table: &Table) -> bool {
    width().is_none_or(|width| part::least_total(table) <= usize::from(width))
}

/// Columns of the terminal on standard output; `None` where it is none.
fn width() -> Option<u16> {
    std::io::stdout().is_terminal().then(|| comfy_table::Table::new().width()).flatten()
}

/// Whether standard error takes colours: a terminal, unless NO_COLOR (no-color.org) or a dumb terminal says otherwise.
pub fn colour() -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    std::io::stderr().is_terminal() && !set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}
