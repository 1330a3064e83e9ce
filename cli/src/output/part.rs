//! A table or a record, and its three forms.

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Width, presets};
use serde_json::{Map, Value as Json};
use sweep_coordinator::export::field;
use sweep_coordinator::store::{self, Datum};
use sweep_coordinator::words::short;

/// Rows under named columns.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// As many values a row as there are columns.
    pub rows: Vec<Vec<Datum>>,
}

impl Table {
    /// No rows yet.
    pub fn new(columns: &[&str]) -> Table {
        Table { columns: columns.iter().map(|&name| name.to_owned()).collect(), rows: Vec::new() }
    }
}

impl From<store::Table> for Table {
    fn from(table: store::Table) -> Table {
        Table { columns: table.columns, rows: table.rows }
    }
}

/// One thing that is printed.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// Rows. The name is its heading, and its key in JSON.
    Table(&'static str, Table),
    /// One row, shown with a line per column.
    Record(&'static str, Vec<(&'static str, Datum)>),
}

impl Part {
    fn name(&self) -> &'static str {
        match self {
            Part::Table(name, _) | Part::Record(name, _) => name,
        }
    }
}

/// Every part, for a terminal of `width` columns (or a file of any), with a heading each where there are several.
pub(super) fn for_people(parts: &[Part], width: Option<u16>) -> String {
    let mut text = String::new();
    for (i, part) in parts.iter().enumerate() {
        if i > 0 {
            text.push('\n');
        }
        if parts.len() > 1 {
            text.push_str(&format!("{}:\n", part.name()));
        }
        text.push_str(&match part {
            Part::Table(_, table) => aligned(table, width),
            Part::Record(_, fields) => {
                let widest = fields.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
                let line = |name: &str, value| format!("{}\n", format!("{name:widest$}  {}", shown(value)).trim_end());
                fields.iter().map(|(name, value)| line(name, value)).collect()
            }
        });
    }
    text
}

/// Columns between two columns of a table.
const GAP: usize = 2;
/// Longer words of a text are broken where a table has no room for them; headings and numbers never are.
const LONG_WORD: usize = 40;

fn aligned(table: &Table, width: Option<u16>) -> String {
    if width.is_some_and(|width| least_total(table) > usize::from(width)) {
        return below_each_other(table);
    }
    let mut grid = comfy_table::Table::new();
    grid.load_style(presets::NOTHING).set_header(&table.columns);
    match width {
        // Room for the gap after the last column, which is trimmed.
        Some(width) => {
            grid.set_width(width.saturating_add(GAP as u16)).set_content_arrangement(ContentArrangement::Dynamic)
        }
        None => grid.set_content_arrangement(ContentArrangement::Disabled),
    };
    for row in &table.rows {
        grid.add_row(row.iter().map(shown).collect::<Vec<_>>());
    }
    for (i, column) in grid.column_iter_mut().enumerate() {
        let is_number = |row: &Vec<Datum>| matches!(row.get(i), Some(Datum::Int(_) | Datum::Float(_) | Datum::Null));
        if !table.rows.is_empty() && table.rows.iter().all(is_number) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        column.set_padding((0, GAP as u16));
        let fixed = u16::try_from(least_width(table, i) + GAP).unwrap_or(u16::MAX);
        column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(fixed)));
    }
    grid.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

/// The width that a table needs so that no heading, number or common word is broken.
pub(super) fn least_total(table: &Table) -> usize {
    let columns = table.columns.len();
    (0..columns).map(|i| least_width(table, i)).sum::<usize>() + GAP * columns.saturating_sub(1)
}

/// The width that column `i` needs so that no heading, number or common word is broken.
fn least_width(table: &Table, i: usize) -> usize {
    let of = |value: &Datum| match value {
        Datum::Text(text) => {
            let longest = printable(text).split_whitespace().map(|word| word.chars().count()).max();
            longest.unwrap_or(0).min(LONG_WORD)
        }
        value => shown(value).chars().count(),
    };
    let values = table.rows.iter().filter_map(|row| row.get(i)).map(of).max().unwrap_or(0);
    values.max(table.columns[i].chars().count())
}

/// A line per value, for a table that the terminal is too narrow for.
fn below_each_other(table: &Table) -> String {
    let widest = table.columns.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    let row = |row: &Vec<Datum>| -> String {
        let values = table.columns.iter().zip(row);
        values.map(|(name, value)| format!("{}\n", format!("{name:widest$}  {}", shown(value)).trim_end())).collect()
    };
    table.rows.iter().map(row).collect::<Vec<_>>().join("\n")
}

/// A value for people.
fn shown(value: &Datum) -> String {
    match value {
        Datum::Null => "-".to_owned(),
        Datum::Int(i) => i.to_string(),
        Datum::Float(x) => short(*x),
        Datum::Text(text) => printable(text),
        Datum::Bytes(bytes) => format!("{} bytes", bytes.len()),
    }
}

/// `text` without anything that a terminal obeys.
pub fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() && c != '\n' { c.escape_default().to_string() } else { c.to_string() })
        .collect()
}

/// One document: the part alone, or an object with a key per part.
pub(super) fn json(parts: &[Part]) -> String {
    let document = match parts {
        [part] => value(part),
        parts => Json::Object(parts.iter().map(|part| (part.name().to_owned(), value(part))).collect()),
    };
    format!("{document:#}\n")
}

fn value(part: &Part) -> Json {
    match part {
        Part::Table(_, table) => {
            let object = |row: &Vec<Datum>| -> Map<String, Json> {
                table.columns.iter().cloned().zip(row.iter().map(plain)).collect()
            };
            Json::Array(table.rows.iter().map(|row| Json::Object(object(row))).collect())
        }
        Part::Record(_, fields) => {
            Json::Object(fields.iter().map(|(name, value)| ((*name).to_owned(), plain(value))).collect())
        }
    }
}

fn plain(value: &Datum) -> Json {
    match value {
        Datum::Null => Json::Null,
        Datum::Int(i) => Json::from(*i),
        // What is not finite is null.
        Datum::Float(x) => Json::from(*x),
        Datum::Text(text) => Json::from(text.as_str()),
        Datum::Bytes(bytes) => Json::from(hex(bytes)),
    }
}

/// CSV (RFC 4180) with a header.
pub fn csv(part: &Part) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let written = match part {
        Part::Table(_, table) => writer
            .write_record(&table.columns)
            .and_then(|()| table.rows.iter().try_for_each(|row| writer.write_record(row.iter().map(field)))),
        Part::Record(_, fields) => writer
            .write_record(fields.iter().map(|(name, _)| *name))
            .and_then(|()| writer.write_record(fields.iter().map(|(_, value)| field(value)))),
    };
    let bytes = written.map_err(|e| e.to_string()).and_then(|()| writer.into_inner().map_err(|e| e.to_string()));
    String::from_utf8(bytes.expect("a vector takes every record")).expect("fields are text")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Part {
        let mut table = Table::new(&["name", "n", "error"]);
        table.rows.push(vec![Datum::Text("=1+1".into()), Datum::Int(12), Datum::Float(0.013_421_7)]);
        table.rows.push(vec![Datum::Text("a\u{1b}[2J,\"b\"".into()), Datum::Int(3), Datum::Null]);
        Part::Table("rows", table)
    }

    #[test]
    fn people_get_aligned_short_numbers_and_no_control_characters() {
        let text = for_people(&[table()], None);
        let expected = "\
name            n   error
=1+1           12  0.01342
a\\u{1b}[2J,\"b\"   3        -
";
        let squeezed =
            |text: &str| text.lines().map(|l| l.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>();
        assert_eq!(squeezed(&text), squeezed(expected), "{text}");
        // Numbers end in one column.
        let ends: Vec<usize> = text.lines().skip(1).map(|line| line.chars().count()).collect();
        assert_eq!(ends[0], ends[1], "{text}");
    }

    #[test]
    fn a_narrow_terminal_breaks_texts_between_words_and_no_heading_or_number() {
        let mut table = Table::new(&["effective_rank", "submitted", "what"]);
        let text = |text: &str| Datum::Text(text.into());
        table.rows.push(vec![Datum::Float(1234.5), text("2026-11-23 23:50:01"), text("nuclear norm, convex")]);
        let narrow = for_people(&[Part::Table("rows", table.clone())], Some(40));
        let lines: Vec<&str> = narrow.lines().collect();
        assert_eq!(lines[0], "effective_rank  submitted   what", "{narrow}");
        assert!(lines.iter().all(|line| line.chars().count() <= 40) && lines.len() > 2, "{narrow}");
        for word in ["2026-11-23", "23:50:01", "nuclear", "convex"] {
            assert!(narrow.contains(word), "{narrow}");
        }
        let wide = for_people(&[Part::Table("rows", table.clone())], Some(57));
        assert_eq!(wide.lines().count(), 2, "{wide}");
        // No room even so: a line per value.
        let tiny = for_people(&[Part::Table("rows", table)], Some(30));
        let expected = "\
effective_rank  1234
submitted       2026-11-23 23:50:01
what            nuclear norm, convex
";
        assert_eq!(tiny, expected);
    }

    #[test]
    fn programs_get_every_digit() {
        assert_eq!(csv(&table()), "name,n,error\n'=1+1,12,0.0134217\n\"a\u{1b}[2J,\"\"b\"\"\",3,\n");
        let document: Json = serde_json::from_str(&json(&[table()])).unwrap();
        assert_eq!(document[0]["error"], Json::from(0.013_421_7));
        assert_eq!((&document[0]["name"], &document[1]["error"]), (&Json::from("=1+1"), &Json::Null));
    }

    #[test]
    fn several_parts_have_headings_and_keys() {
        let record = Part::Record("sweep", vec![("name", Datum::Text("x".into())), ("cells", Datum::Int(4))]);
        let text = for_people(&[record.clone(), table()], None);
        assert!(text.starts_with("sweep:\nname   x\ncells  4\n\nrows:\n"), "{text}");
        let document: Json = serde_json::from_str(&json(&[record.clone(), table()])).unwrap();
        assert_eq!(document["sweep"]["cells"], Json::from(4));
        assert_eq!(document["rows"].as_array().unwrap().len(), 2);
        assert_eq!(csv(&record), "name,cells\nx,4\n");
    }
}
