//! `sweep known`: everything that a sweep file can name, from the declarations themselves.

use crate::args::Listing;
use crate::failure::Result;
use crate::output::{self, Format, Part, Table};
use sweep_coordinator::store::Datum;
use sweep_core::axis::{self, Axis};
use sweep_core::value::Value;

/// Lists one registry, the axes, or all names.
///
/// # Errors
/// Where standard output takes no more.
pub fn run(what: Option<Listing>, format: Format) -> Result {
    let part = match what.map(choice) {
        None => Part::Table("known", names()),
        Some(None) => Part::Table("axes", axes()),
        Some(Some(choice)) => Part::Table(choice, entries(choice)),
    };
    output::print(format, &[part])
}

/// The choice that a list is of; `None` for the axes.
fn choice(listing: Listing) -> Option<&'static str> {
    match listing {
        Listing::Axes => None,
        Listing::Baselines => Some("baseline"),
        Listing::Inits => Some("init"),
        Listing::Optimizers => Some("optimizer"),
        Listing::Penalties => Some("penalty"),
        Listing::Problems => Some("problem"),
        Listing::Schedules => Some("schedule"),
    }
}

fn text(text: impl Into<String>) -> Datum {
    Datum::Text(text.into())
}

fn names() -> Table {
    let mut table = Table::new(&["choice", "known"]);
    for choice in axis::CHOICES {
        let names: Vec<&str> = axis::entries(choice).iter().map(|(name, ..)| *name).collect();
        table.rows.push(vec![text(*choice), text(names.join(", "))]);
    }
    table
}

fn entries(choice: &str) -> Table {
    let mut table = Table::new(&["name", "axes", "what"]);
    for (name, doc, axes) in axis::entries(choice) {
        let axes: Vec<String> = axes.iter().map(brought).collect();
        table.rows.push(vec![text(name), text(axes.join(", ")), text(doc)]);
    }
    table
}

/// `lr` where it must be given, `beta1 = 0.9` where it has a default.
fn brought(axis: &Axis) -> String {
    match axis.default {
        Some(default) => format!("{} = {}", axis.name, shown(default.into())),
        None => axis.name.to_owned(),
    }
}

fn shown(value: Value) -> String {
    match value {
        Value::Text(text) => format!("\"{text}\""),
        number => number.to_string(),
    }
}

/// Every declaration of every axis: defaults may differ from entry to entry.
fn axes() -> Table {
    let mut table = Table::new(&["name", "allowed", "default", "of", "what"]);
    let mut row = |axis: &Axis, of: String| {
        let default = axis.default.map_or(Datum::Text("needed".to_owned()), |value| text(shown(value.into())));
        let same = |other: &&mut Vec<Datum>| {
            other[0] == text(axis.name) && other[1] == text(axis.kind.allowed()) && other[2] == default
        };
        match table.rows.iter_mut().find(same) {
            Some(row) => {
                if let Datum::Text(before) = &mut row[3] {
                    before.push_str(&format!(", {of}"));
                }
            }
            None => {
                table.rows.push(vec![text(axis.name), text(axis.kind.allowed()), default, text(of), text(axis.doc)]);
            }
        }
    };
    axis::COMMON.iter().for_each(|axis| row(axis, "every run".to_owned()));
    axis::TRAINING.iter().for_each(|axis| row(axis, "training".to_owned()));
    for choice in axis::CHOICES {
        for (name, _, axes) in axis::entries(choice) {
            axes.iter().for_each(|axis| row(axis, format!("{choice} {name}")));
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_axis_is_listed_with_what_is_allowed() {
        let listed = axes();
        for axis in axis::all() {
            let row = listed.rows.iter().find(|row| row[0] == text(axis.name)).expect(axis.name);
            assert!(row.iter().all(|value| *value != text("")), "{row:?}");
        }
    }

    #[test]
    fn an_axis_of_many_entries_is_one_row() {
        let lr = axes().rows.into_iter().filter(|row| row[0] == text("lr")).collect::<Vec<_>>();
        assert_eq!(lr.len(), 1);
        assert!(matches!(&lr[0][3], Datum::Text(of) if of.contains("optimizer gd") && of.contains("optimizer adam")));
    }
}
