//! Tables of pages.

use crate::store::{self, Datum};
use crate::words;

/// A table as a page shows it.
#[derive(Debug, Clone, Default)]
pub struct Table {
    /// Columns.
    pub columns: Vec<Column>,
    /// Rows.
    pub rows: Vec<Vec<Field>>,
}

/// A column.
#[derive(Debug, Clone)]
pub struct Column {
    /// Its heading.
    pub name: String,
    /// Whether it holds numbers.
    pub numeric: bool,
}

/// A field.
#[derive(Debug, Clone, Default)]
pub struct Field {
    /// What it says.
    pub text: String,
    /// Whether it is a number.
    pub numeric: bool,
    /// Where it leads.
    pub href: Option<String>,
}

impl Field {
    /// A text.
    pub fn text(text: impl Into<String>) -> Field {
        Field { text: text.into(), ..Field::default() }
    }

    /// A link.
    pub fn link(text: impl Into<String>, href: String) -> Field {
        Field { text: text.into(), numeric: false, href: Some(href) }
    }
}

impl From<&Datum> for Field {
    fn from(datum: &Datum) -> Field {
        let (text, numeric) = match datum {
            Datum::Null => (String::new(), false),
            Datum::Int(i) => (i.to_string(), true),
            Datum::Float(x) => (words::short(*x), true),
            Datum::Text(text) => (text.clone(), false),
            Datum::Bytes(bytes) => (words::count(bytes.len() as u64, "byte"), false),
        };
        Field { text, numeric, href: None }
    }
}

impl Table {
    /// A table of text and numbers.
    pub fn new(columns: &[&str], rows: Vec<Vec<Field>>) -> Table {
        let numeric = |k: usize| {
            let mut known = rows.iter().filter_map(|row| row.get(k)).filter(|field| !field.text.is_empty()).peekable();
            known.peek().is_some() && known.all(|field| field.numeric)
        };
        let columns = columns.iter().enumerate();
        let columns = columns.map(|(k, name)| Column { name: (*name).to_owned(), numeric: numeric(k) }).collect();
        Table { columns, rows }
    }

    /// At most `most` rows of an answer.
    pub fn of(table: &store::Table, most: usize) -> Table {
        let names: Vec<&str> = table.columns.iter().map(String::as_str).collect();
        Table::new(&names, table.rows.iter().take(most).map(|row| row.iter().map(Field::from).collect()).collect())
    }
}
