//! Strict reading of data files: bytes become lines, fields and numbers, each knowing its place.
//!
//! Nothing malformed is guessed at: every refusal is an [`Error::File`] with the line and the column (both from 1, in
//! characters) where the fault starts. Lines end in `\n` or `\r\n`; the last line end may be missing.

use crate::error::{Error, Result};
use crate::problem::Files;
use crate::trial::Trial;
use std::sync::Arc;

/// A data file holds at most this many bytes (256 MB).
pub(crate) const MAX_BYTES: usize = 256 << 20;

/// A matrix has at most this many rows, and at most this many columns.
pub(crate) const MAX_SIDE: usize = 100_000;

/// A data file that an axis names.
pub(crate) struct Input {
    axis: &'static str,
    /// Its path, for error texts; empty where none is given.
    path: String,
    hash: Result<String>,
}

impl Input {
    /// The file that `axis` of `trial` names.
    pub(crate) fn of(trial: &Trial, axis: &'static str) -> Input {
        Input { axis, path: trial.text(axis).to_owned(), hash: trial.content(axis).map(str::to_owned) }
    }

    /// Whether the axis names a file at all.
    pub(crate) fn is_given(&self) -> bool {
        !self.path.is_empty()
    }

    /// Its bytes.
    ///
    /// # Errors
    /// [`Error::Conflict`] where the content is not at hand.
    pub(crate) fn read(&self, files: &dyn Files) -> Result<Arc<[u8]>> {
        let hash = self.hash.as_ref().map_err(Clone::clone)?;
        files.content(hash).ok_or_else(|| {
            Error::Conflict(format!("the content of \"{}\" (axis \"{}\") is not at hand", self.path, self.axis))
        })
    }

    /// Its bytes as text.
    ///
    /// # Errors
    /// [`Error::File`] for an empty file and for one of more than 256 MB.
    pub(crate) fn text<'a>(&'a self, bytes: &'a [u8]) -> Result<Text<'a>> {
        let text = Text { file: &self.path, rest: bytes, line: 0 };
        if bytes.len() > MAX_BYTES {
            return Err(text.error(0, format!("{} bytes, more than the {MAX_BYTES} allowed", bytes.len())));
        }
        if bytes.is_empty() {
            return Err(text.error(0, "the file is empty".to_owned()));
        }
        Ok(text)
    }
}

/// A file, read line by line.
pub(crate) struct Text<'a> {
    file: &'a str,
    rest: &'a [u8],
    line: usize,
}

impl<'a> Text<'a> {
    /// The next line without its end, or `None` after the last.
    ///
    /// # Errors
    /// [`Error::File`] where the line is not UTF-8.
    pub(crate) fn next(&mut self) -> Result<Option<Line<'a>>> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let end = self.rest.iter().position(|&b| b == b'\n');
        let line = &self.rest[..end.unwrap_or(self.rest.len())];
        self.rest = end.map_or(&[], |end| &self.rest[end + 1..]);
        self.line += 1;
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match std::str::from_utf8(line) {
            Ok(text) => Ok(Some(Line { file: self.file, number: self.line, text })),
            Err(e) => {
                let before = String::from_utf8_lossy(&line[..e.valid_up_to()]).chars().count();
                let byte = line[e.valid_up_to()];
                Err(self.error(before + 1, format!("byte 0x{byte:02x} is not UTF-8 text")))
            }
        }
    }

    /// A fault at a column of the last line read.
    pub(crate) fn error(&self, column: usize, message: String) -> Error {
        Error::File { file: self.file.to_owned(), line: self.line, column, message }
    }

    /// A fault at the start of line `line`.
    pub(crate) fn error_at(&self, line: usize, message: String) -> Error {
        Error::File { file: self.file.to_owned(), line, column: 1, message }
    }
}

/// One line.
#[derive(Clone, Copy)]
pub(crate) struct Line<'a> {
    file: &'a str,
    /// From 1.
    pub(crate) number: usize,
    /// Without the line end.
    pub(crate) text: &'a str,
}

impl<'a> Line<'a> {
    /// A fault at byte `start` of this line.
    fn error(&self, start: usize, message: String) -> Error {
        let column = self.text[..start].chars().count() + 1;
        Error::File { file: self.file.to_owned(), line: self.number, column, message }
    }

    /// A fault of the line as a whole.
    pub(crate) fn fault(&self, message: String) -> Error {
        self.error(0, message)
    }

    /// The fields between `separator`s, without surrounding spaces.
    pub(crate) fn split(self, separator: char) -> impl Iterator<Item = Field<'a>> {
        let mut next = 0;
        self.text.split(separator).map(move |raw| {
            let text = raw.trim_matches(' ');
            let start = next + (raw.len() - raw.trim_start_matches(' ').len());
            next += raw.len() + separator.len_utf8();
            Field { line: self, start, text }
        })
    }

    /// Exactly one field for each of `names`.
    ///
    /// # Errors
    /// [`Error::File`] for an empty line and for more or fewer fields.
    pub(crate) fn fields<const N: usize>(self, separator: char, names: [&str; N]) -> Result<[Field<'a>; N]> {
        if self.text.is_empty() {
            return Err(self.fault(format!("an empty line where {} are expected", names.join(", "))));
        }
        let mut fields = self.split(separator);
        let mut found = [Field { line: self, start: self.text.len(), text: "" }; N];
        for (k, place) in found.iter_mut().enumerate() {
            *place = fields.next().ok_or_else(|| {
                self.error(self.text.len(), format!("{k} columns where {N} are expected: {}", names.join(", ")))
            })?;
        }
        match fields.next() {
            None => Ok(found),
            Some(extra) => Err(extra.error(format!(
                "{} columns where {N} are expected: {}",
                N + 1 + fields.count(),
                names.join(", ")
            ))),
        }
    }

    /// Every field as a finite number, appended to `row`; the number of fields.
    ///
    /// # Errors
    /// [`Error::File`] naming the field.
    pub(crate) fn numbers(self, row: &mut Vec<f64>) -> Result<usize> {
        let before = row.len();
        for field in self.split(',') {
            row.push(field.number()?);
        }
        Ok(row.len() - before)
    }
}

/// One field of a line.
#[derive(Clone, Copy)]
pub(crate) struct Field<'a> {
    line: Line<'a>,
    start: usize,
    text: &'a str,
}

impl Field<'_> {
    /// A fault of this field.
    pub(crate) fn error(&self, message: String) -> Error {
        self.line.error(self.start, message)
    }

    /// The field as a finite number.
    ///
    /// # Errors
    /// [`Error::File`] where it is not one.
    pub(crate) fn number(&self) -> Result<f64> {
        match self.text.parse::<f64>() {
            Ok(x) if x.is_finite() => Ok(x),
            Ok(_) => Err(self.error(format!("{} is not finite", self.shown()))),
            Err(_) => Err(self.error(format!("{} is not a number", self.shown()))),
        }
    }

    /// The field as an integer in `first..=last`; `why` says where the bound comes from, or is empty.
    ///
    /// # Errors
    /// [`Error::File`] where it is not one.
    pub(crate) fn integer(&self, name: &str, first: i64, last: i64, why: &str) -> Result<i64> {
        match self.text.parse::<i64>() {
            Ok(i) if (first..=last).contains(&i) => Ok(i),
            Ok(i) => Err(self.error(format!("{name} {i} is outside {first}..={last}{why}"))),
            Err(_) => Err(self.error(format!("{name} {} is not an integer in {first}..={last}{why}", self.shown()))),
        }
    }

    /// The text in quotes, control characters escaped, cut where it is long.
    fn shown(&self) -> String {
        match self.text.char_indices().nth(40) {
            Some((end, _)) => format!("{:?}…", &self.text[..end]),
            None => format!("{:?}", self.text),
        }
    }
}
