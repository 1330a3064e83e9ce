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
    // What of a row does not depend on who brings the axis, and who does.
    let mut rows: Vec<([Datum; 4], Vec<Brings>)> = Vec::new();
    let mut add = |axis: &Axis, by: Brings| {
        let default = axis.default.map_or("needed".to_owned(), |value| shown(value.into()));
        let row = [text(axis.name), text(axis.kind.allowed()), text(default), text(axis.doc)];
        match rows.iter_mut().find(|(known, _)| known[..3] == row[..3]) {
            Some((_, brings)) => brings.push(by),
            None => rows.push((row, vec![by])),
        }
    };
    axis::COMMON.iter().for_each(|axis| add(axis, ("every run", "")));
    axis::TRAINING.iter().for_each(|axis| add(axis, ("training", "")));
    for choice in axis::CHOICES {
        for (name, _, axes) in axis::entries(choice) {
            axes.iter().for_each(|axis| add(axis, (choice, name)));
        }
    }
    let mut table = Table::new(&["name", "allowed", "default", "of", "what"]);
    table.rows = (rows.into_iter())
        .map(|([name, allowed, default, what], brings)| vec![name, allowed, default, text(of(&brings)), what])
        .collect();
    table
}

/// A choice and its entry.
type Brings = (&'static str, &'static str);

/// `optimizer adam, radam`; `every penalty but none` where that is shorter.
fn of(brings: &[Brings]) -> String {
    let choices = brings.chunk_by(|a, b| a.0 == b.0).map(|group| {
        let choice = group[0].0;
        if !axis::CHOICES.contains(&choice) {
            return choice.to_owned();
        }
        let names: Vec<&str> = group.iter().map(|(_, name)| *name).collect();
        let all = axis::entries(choice).into_iter().map(|(name, ..)| name);
        let others: Vec<&str> = all.filter(|name| !names.contains(name)).collect();
        match &others[..] {
            [] => format!("every {choice}"),
            others if others.len() < names.len() => format!("every {choice} but {}", others.join(", ")),
            _ => format!("{choice} {}", names.join(", ")),
        }
    });
    choices.collect::<Vec<_>>().join("; ")
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
        assert_eq!(lr[0][3], text("every optimizer"));
        let of = |name: &str| axes().rows.into_iter().find(|row| row[0] == text(name)).map(|mut row| row.remove(3));
        assert_eq!(of("lambda"), Some(text("every penalty but none")));
        assert_eq!(of("depth"), Some(text("training")));
        assert_eq!(of("iterations"), Some(text("baseline minimum_nuclear, hard_impute")));
    }
}
