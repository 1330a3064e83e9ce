//! A sweep file in small: the same axes and methods, to see in minutes that everything works. Nothing is claimed of its numbers.

use crate::failure::{Failure, Result};
use toml_edit::{Array, DocumentMut, Item, Table, Value};

/// Steps are divided by this.
const STEPS: i64 = 20;
/// Fewest steps.
const LEAST: i64 = 50;
/// Replicates of everything.
const REPLICATES: i64 = 2;

/// `source` with a twentieth of the steps, the ends and the middle of each tuned list, and two replicates; called `quick-NAME`.
///
/// # Errors
/// [`Failure::Internal`]: the files are ours.
pub fn smaller(source: &str) -> Result<String> {
    let wrong =
        |error: toml_edit::TomlError| Failure::Internal(anyhow::Error::new(error).context("a sweep file of ours"));
    let mut document: DocumentMut = source.parse().map_err(wrong)?;
    let name = document.get("name").and_then(Item::as_str).unwrap_or_default();
    document["name"] = toml_edit::value(format!("quick-{name}"));
    let over = document.get("tune").and_then(|tune| tune.get("over")).and_then(Item::as_array);
    let tuned: Vec<String> = over.into_iter().flatten().filter_map(|axis| Some(axis.as_str()?.to_owned())).collect();
    walk(document.as_table_mut(), &tuned);
    if let Some(tune) = document.get_mut("tune").and_then(Item::as_table_mut) {
        tune["replicates"] = toml_edit::value(1);
        tune["refit"] = toml_edit::value(REPLICATES);
    } else if let Some(replicate) = document.get_mut("replicate").and_then(Item::as_table_mut) {
        replicate["count"] = toml_edit::value(REPLICATES);
    }
    Ok(document.to_string())
}

fn walk(table: &mut Table, tuned: &[String]) {
    for (key, item) in table.iter_mut() {
        match item {
            Item::Table(inner) => walk(inner, tuned),
            Item::ArrayOfTables(all) => all.iter_mut().for_each(|inner| walk(inner, tuned)),
            Item::Value(value) => value_of(key.get(), value, tuned),
            Item::None => {}
        }
    }
}

fn value_of(key: &str, value: &mut Value, tuned: &[String]) {
    match value {
        Value::InlineTable(inner) => {
            for (key, value) in inner.iter_mut() {
                value_of(key.get(), value, tuned);
            }
        }
        Value::Integer(steps) if key == "steps" => *value = fewer(*steps.value()).into(),
        Value::Array(list) if key == "steps" => {
            let all: Vec<i64> = list.iter().filter_map(Value::as_integer).collect();
            // A list that is walked together with another keeps its length.
            *list = all.into_iter().map(|steps| (steps / STEPS).max(1)).collect();
        }
        Value::Array(list) if tuned.iter().any(|axis| axis == key) && list.len() > 3 => *list = ends(list),
        _ => {}
    }
}

fn fewer(steps: i64) -> i64 {
    (steps / STEPS).max(LEAST)
}

/// The first, the middle and the last.
fn ends(list: &Array) -> Array {
    let n = list.len();
    [0, n / 2, n - 1].into_iter().filter_map(|i| list.get(i).cloned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paper::KNOWN;
    use sweep_core::sweep::Sweep;

    #[test]
    fn every_sweep_has_a_smaller_one_with_the_same_methods() {
        for paper in KNOWN {
            let quick = smaller(paper.file).unwrap();
            let parse = |text: &str| {
                Sweep::parse(text.as_bytes(), u64::MAX).unwrap_or_else(|found| panic!("{}: {found:?}", paper.name))
            };
            let (whole, small) = (parse(paper.file), parse(&quick));
            assert!(small.len() <= whole.len(), "{}", paper.name);
            assert_eq!(small.name, format!("quick-{}", whole.name));
            let groups = |sweep: &Sweep| sweep.tune.as_ref().map(|tune| tune.len());
            assert_eq!(groups(&small), groups(&whole), "{}: every method is there", paper.name);
        }
    }
}
