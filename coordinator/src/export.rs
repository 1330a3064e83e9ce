//! Exports: the view `results` of one sweep as CSV or Parquet, streamed.
//!
//! CSV is read by spreadsheets, where a text that begins like a formula would be run as one: such text gets an
//! apostrophe in front. In Parquet text is as it is. NULL is an empty cell in CSV, NULL in Parquet.

use crate::store::{ColumnType, Datum, Error, Result, Store, result_columns};
use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use std::fmt::Display;
use std::io::Write;
use std::sync::Arc;

/// Rows held at once, and in each row group of a Parquet file.
const GROUP: usize = 4096;

fn failed(error: impl Display) -> Error {
    Error::Export(error.to_string())
}

/// Writes the results of a sweep as CSV with a header; the number of rows.
///
/// Numbers are written in the shortest form that reads back as the same f64.
///
/// # Errors
/// [`Error::Export`] if `out` cannot be written.
pub async fn csv(store: &Store, sweep: &str, out: impl Write) -> Result<u64> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(result_columns().iter().map(|c| &c.name)).map_err(failed)?;
    let mut rows = 0;
    store
        .each_result(sweep, |row| {
            rows += 1;
            writer.write_record(row.iter().map(field)).map_err(failed)
        })
        .await?;
    writer.flush().map_err(failed)?;
    Ok(rows)
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

/// Writes the results of a sweep as Parquet (snappy): INT64, DOUBLE and UTF8 columns, all optional; the number of rows.
///
/// # Errors
/// [`Error::Export`] if `out` cannot be written.
pub async fn parquet(store: &Store, sweep: &str, out: impl Write + Send) -> Result<u64> {
    let columns = result_columns();
    let fields: Vec<String> = columns
        .iter()
        .map(|c| match c.kind {
            ColumnType::Int => format!("OPTIONAL INT64 {};", c.name),
            ColumnType::Float => format!("OPTIONAL DOUBLE {};", c.name),
            ColumnType::Text => format!("OPTIONAL BYTE_ARRAY {} (UTF8);", c.name),
        })
        .collect();
    let schema = parse_message_type(&format!("message results {{ {} }}", fields.join(" "))).map_err(failed)?;
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let mut writer = SerializedFileWriter::new(out, Arc::new(schema), Arc::new(properties)).map_err(failed)?;
    let mut held: Vec<Vec<Datum>> = Vec::new();
    let mut rows = 0;
    store
        .each_result(sweep, |row| {
            rows += 1;
            held.push(row);
            if held.len() == GROUP { write_group(&mut writer, &std::mem::take(&mut held)) } else { Ok(()) }
        })
        .await?;
    if !held.is_empty() {
        write_group(&mut writer, &held)?;
    }
    writer.close().map_err(failed)?;
    Ok(rows)
}

/// One row group: column after column, the values present and for each row whether there is one.
fn write_group<W: Write + Send>(writer: &mut SerializedFileWriter<W>, rows: &[Vec<Datum>]) -> Result<()> {
    let mut group = writer.next_row_group().map_err(failed)?;
    for (i, column) in result_columns().iter().enumerate() {
        let values = || rows.iter().map(|row| &row[i]);
        let present: Vec<i16> = values().map(|value| i16::from(*value != Datum::Null)).collect();
        let mut out = group.next_column().map_err(failed)?.ok_or_else(|| failed("a column is missing"))?;
        macro_rules! write {
            ($kind:ty, $($pattern:pat => $value:expr),+) => {{
                let mut dense = Vec::with_capacity(rows.len());
                for value in values() {
                    match value {
                        Datum::Null => {}
                        $($pattern => dense.push($value),)+
                        other => return Err(failed(format!("column {}: {other:?} is of another type", column.name))),
                    }
                }
                out.typed::<$kind>().write_batch(&dense, Some(&present), None).map_err(failed)?;
            }};
        }
        match column.kind {
            ColumnType::Int => write!(Int64Type, Datum::Int(x) => *x),
            ColumnType::Float => write!(DoubleType, Datum::Float(x) => *x, Datum::Int(x) => *x as f64),
            ColumnType::Text => write!(ByteArrayType, Datum::Text(x) => ByteArray::from(x.as_str())),
        }
        out.close().map_err(failed)?;
    }
    group.close().map_err(failed)?;
    Ok(())
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
