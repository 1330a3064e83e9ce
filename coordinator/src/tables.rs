//! Tables as Parquet files: Snappy; INT64, DOUBLE and UTF8 columns, all optional, in their order.

use crate::store::{ColumnType, Datum, Error, Result};
use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::writer::SerializedFileWriter;
use parquet::record::Field;
use parquet::schema::parser::parse_message_type;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::Arc;

fn failed(error: impl Display) -> Error {
    Error::Export(error.to_string())
}

/// A file in the making.
pub struct Writer {
    columns: Vec<(String, ColumnType)>,
    file: SerializedFileWriter<Vec<u8>>,
}

impl Writer {
    /// A file without rows. `facts` stand in its metadata, by name.
    ///
    /// # Errors
    /// [`Error::Export`], for a name that no column can have.
    pub fn new(columns: Vec<(String, ColumnType)>, facts: &[(&str, String)]) -> Result<Writer> {
        let fields: Vec<String> = columns
            .iter()
            .map(|(name, kind)| match kind {
                ColumnType::Int => format!("OPTIONAL INT64 {name};"),
                ColumnType::Float => format!("OPTIONAL DOUBLE {name};"),
                ColumnType::Text => format!("OPTIONAL BYTE_ARRAY {name} (UTF8);"),
            })
            .collect();
        let schema = parse_message_type(&format!("message results {{ {} }}", fields.join(" "))).map_err(failed)?;
        let facts = facts.iter().map(|(key, value)| KeyValue::new((*key).to_owned(), value.clone())).collect();
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_key_value_metadata(Some(facts))
            // The same bytes whatever release of the library wrote them.
            .set_created_by("sweep".to_owned())
            .build();
        let file = SerializedFileWriter::new(Vec::new(), Arc::new(schema), Arc::new(properties)).map_err(failed)?;
        Ok(Writer { columns, file })
    }

    /// One row group: column after column, the values present and for each row whether there is one.
    ///
    /// # Errors
    /// [`Error::Export`] where a value is not of the type of its column.
    pub fn group(&mut self, rows: &[Vec<Datum>]) -> Result<()> {
        let mut group = self.file.next_row_group().map_err(failed)?;
        for (i, (name, kind)) in self.columns.iter().enumerate() {
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
                            other => return Err(failed(format!("column {name}: {other:?} is of another type"))),
                        }
                    }
                    out.typed::<$kind>().write_batch(&dense, Some(&present), None).map_err(failed)?;
                }};
            }
            match kind {
                ColumnType::Int => write!(Int64Type, Datum::Int(x) => *x),
                ColumnType::Float => write!(DoubleType, Datum::Float(x) => *x, Datum::Int(x) => *x as f64),
                ColumnType::Text => write!(ByteArrayType, Datum::Text(x) => ByteArray::from(x.as_str())),
            }
            out.close().map_err(failed)?;
        }
        group.close().map_err(failed)?;
        Ok(())
    }

    /// Writes the end of the file.
    ///
    /// # Errors
    /// [`Error::Export`].
    pub fn finish(&mut self) -> Result<()> {
        self.file.finish().map(drop).map_err(failed)
    }

    /// The bytes since the last call.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(self.file.inner_mut())
    }
}

/// A whole file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Read {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// The rows.
    pub rows: Vec<Vec<Datum>>,
    /// What stands in its metadata.
    pub facts: BTreeMap<String, String>,
}

/// Reads a whole file.
///
/// # Errors
/// [`Error::Export`] where it is damaged, or holds what no table here does.
pub fn read(file: std::fs::File) -> Result<Read> {
    let file = SerializedFileReader::new(file).map_err(failed)?;
    let about = file.metadata().file_metadata();
    let facts = about.key_value_metadata().into_iter().flatten();
    let mut read = Read {
        columns: about.schema_descr().columns().iter().map(|column| column.name().to_owned()).collect(),
        rows: Vec::new(),
        facts: facts.filter_map(|fact| Some((fact.key.clone(), fact.value.clone()?))).collect(),
    };
    for row in file.get_row_iter(None).map_err(failed)? {
        let row = row.map_err(failed)?;
        let value = |(name, field): (&String, &Field)| match field {
            Field::Null => Ok(Datum::Null),
            Field::Long(x) => Ok(Datum::Int(*x)),
            Field::Double(x) => Ok(Datum::Float(*x)),
            Field::Str(x) => Ok(Datum::Text(x.clone())),
            other => Err(failed(format!("column {name}: {other} is of a type that no result has"))),
        };
        read.rows.push(row.get_column_iter().map(value).collect::<Result<_>>()?);
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn what_is_written_is_read_back_to_the_last_bit() {
        let columns = vec![
            ("cell".to_owned(), ColumnType::Int),
            ("test_rel".to_owned(), ColumnType::Float),
            ("penalty".to_owned(), ColumnType::Text),
        ];
        let rows = vec![
            vec![Datum::Int(7), Datum::Float(0.1 + 0.2), Datum::Text("ratio".to_owned())],
            vec![Datum::Int(8), Datum::Null, Datum::Null],
        ];
        let mut writer = Writer::new(columns, &[("sweep", "name = \"é\"".to_owned())]).unwrap();
        writer.group(&rows).unwrap();
        writer.finish().unwrap();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&writer.take()).unwrap();
        let found = read(file).unwrap();
        assert_eq!(found.columns, ["cell", "test_rel", "penalty"]);
        assert_eq!(found.rows, rows);
        assert_eq!(found.facts["sweep"], "name = \"é\"");
    }

    #[test]
    fn a_file_that_is_none_is_refused() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"PAR1 not at all").unwrap();
        assert!(read(file).is_err());
    }
}
