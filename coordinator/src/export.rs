//! Exports: the view `results` of one sweep as CSV or Parquet, piece by piece.
//!
//! A piece is read, written and handed on before the next is read, so that neither memory nor a transaction grows with the
//! sweep. Results never change, so the pieces are of one file whenever they are read.
//!
//! CSV is read by spreadsheets, where a text that begins like a formula would be run as one: such text gets an
//! apostrophe in front. In Parquet text is as it is. NULL is an empty cell in CSV, NULL in Parquet.

use crate::store::{Datum, Error, Result, Store, result_columns};
use crate::tables::Writer;
use std::fmt::Display;

/// Rows of a piece, and in each row group of a Parquet file.
const GROUP: u64 = 4096;

fn failed(error: impl Display) -> Error {
    Error::Export(error.to_string())
}

/// The form of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// With a header. Numbers are written in the shortest form that reads back as the same f64.
    Csv,
    /// Snappy; INT64, DOUBLE and UTF8 columns, all optional.
    Parquet,
}

/// A file in the making.
enum File {
    Csv { begun: bool },
    Parquet(Box<Writer>),
}

/// The results of a sweep on their way into a file.
pub struct Export {
    store: Store,
    sweep: String,
    file: Option<File>,
    /// The first cell of the next piece.
    from: u64,
    rows: u64,
}

impl Export {
    /// Of the sweep with this id.
    ///
    /// # Errors
    /// [`Error::Export`].
    pub fn new(store: Store, sweep: String, form: Form) -> Result<Export> {
        let file = match form {
            Form::Csv => File::Csv { begun: false },
            Form::Parquet => {
                let columns = result_columns().into_iter().map(|column| (column.name, column.kind)).collect();
                File::Parquet(Box::new(Writer::new(columns, &[])?))
            }
        };
        Ok(Export { store, sweep, file: Some(file), from: 0, rows: 0 })
    }

    /// Rows so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// The next piece of the file; `None` after the last.
    ///
    /// # Errors
    /// What the database says; [`Error::UnknownSweep`] where the sweep was removed meanwhile.
    pub async fn piece(&mut self) -> Result<Option<Vec<u8>>> {
        let Some(file) = &mut self.file else { return Ok(None) };
        let rows = self.store.results(&self.sweep, self.from, GROUP).await?;
        let last = (rows.len() as u64) < GROUP;
        self.rows += rows.len() as u64;
        let place = result_columns().iter().position(|column| column.name == "cell");
        if let Some(Datum::Int(cell)) = rows.last().zip(place).map(|(row, place)| &row[place]) {
            self.from = *cell as u64 + 1;
        }
        let bytes = match file {
            File::Csv { begun } => csv(&rows, !std::mem::replace(begun, true))?,
            File::Parquet(writer) => {
                if !rows.is_empty() {
                    writer.group(&rows)?;
                }
                if last {
                    writer.finish()?;
                }
                writer.take()
            }
        };
        if last {
            self.file = None;
            // Of a sweep that was removed there are no more rows either.
            self.store.find_sweep(&self.sweep).await?;
        }
        Ok(Some(bytes))
    }
}

/// Lines of CSV, with the header where they are the first.
fn csv(rows: &[Vec<Datum>], first: bool) -> Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    if first {
        writer.write_record(result_columns().iter().map(|c| &c.name)).map_err(failed)?;
    }
    for row in rows {
        writer.write_record(row.iter().map(field)).map_err(failed)?;
    }
    writer.into_inner().map_err(failed)
}

/// A value as it stands in CSV.
pub fn field(value: &Datum) -> String {
    match value {
        Datum::Null => String::new(),
        Datum::Int(x) => x.to_string(),
        Datum::Float(x) => format!("{x:?}"),
        // OWASP, "CSV injection": what a spreadsheet takes for the beginning of a formula.
        Datum::Text(x) if x.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) => format!("'{x}"),
        Datum::Text(x) => x.clone(),
        Datum::Bytes(x) => x.iter().map(|b| format!("{b:02x}")).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_formula_is_disarmed_and_a_number_is_not() {
        let text = |t: &str| field(&Datum::Text(t.to_owned()));
        for payload in ["=1+1", "+1", "-1+cmd|' /C calc'!A0", "@SUM(A1)", "\t=1", "\r=1"] {
            assert_eq!(text(payload), format!("'{payload}"));
        }
        assert_eq!(text("adam"), "adam");
        assert_eq!(field(&Datum::Float(-0.5)), "-0.5");
        assert_eq!(field(&Datum::Int(-3)), "-3");
        assert_eq!(field(&Datum::Null), "");
        assert_eq!(field(&Datum::Float(1e-300)), "1e-300");
    }
}
