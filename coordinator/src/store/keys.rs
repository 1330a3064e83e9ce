//! Keys of a cell: short hashes of the parts of its coordinates that statistics group by.
//!
//! They are made once, when a cell is leased, so that the views group and join by one column, and an axis that
//! does not apply (absent) is never mistaken for one that is empty.

use super::error::{Error, Result};
use serde::Serializer;
use std::collections::BTreeMap;
use sweep_core::axis::{self, Kind};
use sweep_core::value::Value;

/// The coordinates of a cell: every axis and choice that applies, and `replicate`.
pub type Coordinates = BTreeMap<String, Value>;

/// What the keys of a cell are made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Keys {
    /// All but `replicate` and the seeds: cells with one setting are replicates of each other.
    pub setting: String,
    /// The problem's own axes: cells with one key ask the same question.
    pub problem: String,
    /// The problem, its seeds and the validation split: cells with one instance see the same data.
    pub instance: String,
    /// Optimizer, penalty, depth and baseline: what is compared.
    pub method: String,
}

/// Axes of a replicate: its number and every seed.
pub(super) fn is_seed(name: &str) -> bool {
    name == "replicate" || name.ends_with("_seed")
}

/// What makes an instance out of a problem.
const INSTANCE: [&str; 4] = ["problem_seed", "mask_seed", "validation", "validation_seed"];

/// What makes a method.
const METHOD: [&str; 4] = ["optimizer", "penalty", "depth", "baseline"];

impl Keys {
    /// The keys of these coordinates.
    pub fn new(coordinates: &Coordinates) -> Keys {
        let problem = coordinates.get("problem").and_then(Value::text).unwrap_or_default();
        let brought = axis::entry("problem", problem).map_or(&[][..], |(_, axes)| axes);
        let of_problem =
            |name: &str| !is_seed(name) && (name == "problem" || brought.iter().any(|axis| axis.name == name));
        // A problem may bring seeds of its own (a split): they belong to the instance.
        let of_instance =
            |name: &str| name == "problem" || INSTANCE.contains(&name) || brought.iter().any(|axis| axis.name == name);
        Keys {
            setting: key(coordinates, |name| !is_seed(name)),
            problem: key(coordinates, of_problem),
            instance: key(coordinates, of_instance),
            method: key(coordinates, |name| METHOD.contains(&name)),
        }
    }
}

/// 64 bits of the hash of the named part, as hex.
fn key(coordinates: &Coordinates, part: impl Fn(&str) -> bool) -> String {
    let mut json = Vec::with_capacity(1024);
    let part = coordinates.iter().filter(|(name, _)| part(name));
    let written = serde_json::Serializer::new(&mut json).collect_map(part);
    written.expect("text keys and finite numbers always serialise");
    blake3::hash(&json).to_hex()[..16].to_owned()
}

/// The coordinates as they are stored, each of the type of its axis, so that no row can spoil a view.
///
/// # Errors
/// [`Error::Coordinate`] naming the cell and the axis.
pub(super) fn stored(cell: u64, coordinates: &Coordinates) -> Result<String> {
    for (name, value) in coordinates {
        let fits = match (axis::find(name).map(|axis| axis.kind), value) {
            (Some(Kind::Int(..)), Value::Int(_)) => true,
            (Some(Kind::Float(..) | Kind::Above(..) | Kind::Below(..)), Value::Float(x)) => x.is_finite(),
            (Some(Kind::Word(_) | Kind::File), Value::Text(_)) => true,
            (None, Value::Int(_)) => name == "replicate",
            (None, Value::Text(_)) => axis::CHOICES.contains(&name.as_str()),
            _ => false,
        };
        if !fits {
            let message = format!("coordinate \"{name}\" is {value:?}, which that axis cannot hold");
            return Err(Error::Coordinate { cell, message });
        }
    }
    Ok(serde_json::to_string(coordinates).expect("text keys and finite numbers always serialise"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coordinates(changes: &[(&str, Value)]) -> Coordinates {
        let mut all: Coordinates = [
            ("problem", Value::from("synthetic")),
            ("n1", Value::Int(50)),
            ("rank", Value::Int(2)),
            ("problem_seed", Value::Int(0)),
            ("init_seed", Value::Int(0)),
            ("replicate", Value::Int(0)),
            ("optimizer", Value::from("adam")),
            ("lr", Value::Float(0.01)),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        all.extend(changes.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        all
    }

    #[test]
    fn keys_tell_replicate_setting_instance_and_problem_apart() {
        let base = Keys::new(&coordinates(&[]));
        let seeded = Keys::new(&coordinates(&[("problem_seed", Value::Int(1)), ("replicate", Value::Int(1))]));
        assert_eq!((&seeded.setting, &seeded.problem), (&base.setting, &base.problem));
        assert_ne!(seeded.instance, base.instance);

        let restarted = Keys::new(&coordinates(&[("init_seed", Value::Int(1))]));
        assert_eq!(restarted, base, "an initialisation is neither a setting nor an instance");

        let tuned = Keys::new(&coordinates(&[("lr", Value::Float(0.1))]));
        assert_ne!(tuned.setting, base.setting);
        assert_eq!((&tuned.instance, &tuned.method), (&base.instance, &base.method));

        let harder = Keys::new(&coordinates(&[("rank", Value::Int(3))]));
        assert_ne!(harder.problem, base.problem);
        assert_ne!(harder.instance, base.instance);
        assert_eq!(harder.method, base.method);
    }

    #[test]
    fn a_coordinate_of_another_type_is_refused() {
        assert!(stored(7, &coordinates(&[])).is_ok());
        for (name, value) in [
            ("rank", Value::Float(2.0)),
            ("lr", Value::Int(1)),
            ("lr", Value::Float(f64::NAN)),
            ("optimizer", Value::Int(1)),
            ("nonsense", Value::Int(1)),
        ] {
            let refused = stored(7, &coordinates(&[(name, value)])).unwrap_err().to_string();
            assert!(refused.contains("cell 7") && refused.contains(name), "{refused}");
        }
    }
}
