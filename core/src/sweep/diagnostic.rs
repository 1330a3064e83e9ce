//! What is wrong with a sweep file, and where.
//!
//! A file is read to its end and every independent mistake reported: [`Report`] collects them by byte range,
//! [`Report::finish`] turns ranges into lines and columns.

use crate::error::Error;
use std::ops::Range;

/// Most diagnostics of one file.
const MOST: usize = 100;

/// A range of bytes in the file.
pub(super) type Span = Range<usize>;

/// One mistake in a sweep file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// 1-based.
    pub line: usize,
    /// 1-based, in characters.
    pub column: usize,
    /// Characters to underline on that line, at least 1.
    pub length: usize,
    /// What is wrong, with the value and what is allowed.
    pub message: String,
    /// What to do about it, where that is not plain from the message.
    pub help: Option<String>,
}

impl std::fmt::Display for Diagnostic {
    /// `3:8: axis "depth": 0 is outside 1..=8`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.message)?;
        self.help.as_ref().map_or(Ok(()), |help| write!(f, " ({help})"))
    }
}

/// The mistakes found so far.
#[derive(Default)]
pub(super) struct Report {
    found: Vec<(Span, String, Option<String>)>,
}

impl Report {
    /// Adds a mistake. Of several with one start the first stays.
    pub(super) fn add(&mut self, span: &Span, message: impl Into<String>) {
        self.add_with(span, message, None);
    }

    /// Adds a mistake and what to do about it.
    pub(super) fn add_with(&mut self, span: &Span, message: impl Into<String>, help: Option<String>) {
        self.found.push((span.clone(), message.into(), help));
    }

    /// Adds an error of the model.
    pub(super) fn error(&mut self, span: &Span, error: &Error) {
        self.add(span, error.to_string());
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.found.len()
    }

    /// Forgets what came after the first `len`.
    pub(super) fn truncate(&mut self, len: usize) {
        self.found.truncate(len);
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// In the order of the file, with lines and columns of `text`; the first [`MOST`] of them.
    pub(super) fn finish(mut self, text: &str) -> Vec<Diagnostic> {
        self.found.sort_by_key(|(span, ..)| span.start);
        // One message for one value; what has no place (0..0) is told apart by its text.
        self.found.dedup_by(|b, a| a.0.start == b.0.start && (!a.0.is_empty() || a.1 == b.1));
        let more = self.found.len().saturating_sub(MOST);
        let found = self.found.into_iter().take(MOST);
        let mut found: Vec<Diagnostic> = found.map(|(span, message, help)| place(text, &span, message, help)).collect();
        if let (Some(last), 1..) = (found.last_mut(), more) {
            last.help = Some(format!("{more} more mistakes are not shown"));
        }
        found
    }
}

/// The diagnostic at `span` of `text`.
pub(super) fn place(text: &str, span: &Span, message: String, help: Option<String>) -> Diagnostic {
    let floor = |at: usize| (0..=at.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    let (start, end) = (floor(span.start), floor(span.end));
    let line_start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
    let line_end = text[start..].find('\n').map_or(text.len(), |newline| start + newline);
    Diagnostic {
        line: text[..start].matches('\n').count() + 1,
        column: text[line_start..start].chars().count() + 1,
        length: text[start..end.clamp(start, line_end)].chars().count().max(1),
        message,
        help,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_the_underline_ends_with_the_line() {
        let text = "a = 1\nλλ = [1,\n2]\n";
        let at = text.find('[').unwrap();
        let found = place(text, &(at..text.len() - 1), "m".to_owned(), None);
        assert_eq!((found.line, found.column, found.length), (2, 6, 3));
    }

    #[test]
    fn one_mistake_stays_of_several_at_one_place() {
        let mut report = Report::default();
        report.add(&(2..3), "second");
        report.add(&(0..1), "first");
        report.add(&(2..3), "third");
        let messages: Vec<String> = report.finish("abc").into_iter().map(|d| d.message).collect();
        assert_eq!(messages, ["first", "second"]);
    }
}
