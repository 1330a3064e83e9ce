//! A trial: the full recipe of a run, as pure data.
//!
//! One rule: two trials with the same digest compute the same numbers. So a trial holds every value that moves a
//! result, seeds included, and nothing else: no host, no time, no cell index. Its canonical form leaves out
//! values at their default, so that a new axis changes no digest, and names files by content.

use crate::axis::{self, Axis, Kind};
use crate::error::{Error, Result};
use crate::value::{Literal, Value};
use crate::{baseline, init, penalty, problem, registry};
use std::collections::BTreeMap;

/// Raised whenever the numbers that a trial gives change; part of every digest.
pub const REVISION: u32 = 5;

/// Content hash (blake3, hex) by path, for every file that a sweep names.
pub type Inputs = BTreeMap<String, String>;

/// The recipe of one run: axis → value, complete (defaults filled in) and checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    values: BTreeMap<&'static str, Value>,
    inputs: Inputs,
}

impl Trial {
    /// Checks `given` (choices and axes by name), fills in the defaults.
    ///
    /// Either `baseline` is given, or `optimizer` (with `init` gaussian, `schedule` constant and `penalty` none
    /// where not given). `inputs` holds the content hash of every file named.
    ///
    /// # Errors
    /// Names what is unknown, out of range, missing or inapplicable, or which values conflict.
    pub fn new(given: &BTreeMap<String, Value>, inputs: &Inputs) -> Result<Trial> {
        let mut values: BTreeMap<&'static str, Value> = BTreeMap::new();
        for (choice, entry, _) in choices(given)? {
            values.insert(choice, Value::Text(entry.to_owned()));
        }
        for axis in applicable(given)? {
            let value = match given.get(axis.name) {
                // An optional file that is not given; a needed one is refused by its kind.
                Some(value) if axis.default == Some(Literal::Text("")) && value.text() == Some("") => value.clone(),
                Some(value) => axis.kind.check(axis.name, value)?,
                None => Value::from(axis.default.ok_or_else(|| Error::Missing {
                    axis: axis.name.to_owned(),
                    of: described(given, &axis),
                    allowed: axis.kind.allowed(),
                })?),
            };
            values.insert(axis.name, value);
        }
        if let Some(extra) = given.keys().find(|name| !values.contains_key(name.as_str())) {
            if axis::find(extra).is_none() && !axis::CHOICES.contains(&extra.as_str()) {
                let known = axis::CHOICES.iter().copied().chain(axis::all().iter().map(|a| a.name)).collect();
                return Err(Error::Unknown { what: "axis", name: extra.clone(), known });
            }
            let to = axis::CHOICES
                .iter()
                .filter_map(|c| values.get(c).map(|v| format!("{c} \"{v}\"")))
                .collect::<Vec<_>>()
                .join(", ");
            return Err(Error::NotApplicable { axis: extra.clone(), to, known: values.keys().copied().collect() });
        }
        let trial = Trial { values, inputs: inputs.clone() };
        trial.check_together()?;
        Ok(trial)
    }

    /// Conditions that tie several axes together.
    fn check_together(&self) -> Result<()> {
        let problem = problem::build(self)?;
        problem.check()?;
        if self.is_training() {
            (registry::find("init", init::KNOWN, self.text("init"))?.build)(self).check(self)?;
            // Where the sizes are only in a file, the run checks.
            problem.size().map_or(Ok(()), |(n1, n2, _)| penalty::check(self, n1, n2))
        } else {
            baseline::build(self)?.check(self, problem.as_ref())
        }
    }

    /// Whether this trial trains (otherwise a baseline solves).
    pub fn is_training(&self) -> bool {
        !self.values.contains_key("baseline")
    }

    /// What runs, hyperparameters and sizes aside: `minimum_nuclear`, `adam ratio`.
    pub fn method(&self) -> String {
        let names = ["baseline", "optimizer", "penalty"].into_iter().filter_map(|choice| self.get(choice));
        names.map(Value::to_string).collect::<Vec<_>>().join(" ")
    }

    /// The value of `axis`, where it applies.
    pub fn get(&self, axis: &str) -> Option<&Value> {
        self.values.get(axis)
    }

    /// The integer value of an axis that applies.
    ///
    /// # Panics
    /// If `axis` is not an integer axis of this trial: a registry entry asked for an axis it does not declare.
    pub fn int(&self, axis: &str) -> i64 {
        match self.get(axis) {
            Some(Value::Int(i)) => *i,
            other => panic!("axis {axis} is {other:?}, not an integer"),
        }
    }

    /// [`Trial::int`] as a size.
    pub fn size(&self, axis: &str) -> usize {
        usize::try_from(self.int(axis)).unwrap_or_else(|_| panic!("axis {axis} is negative"))
    }

    /// The real value of an axis that applies.
    ///
    /// # Panics
    /// As [`Trial::int`].
    pub fn float(&self, axis: &str) -> f64 {
        match self.get(axis) {
            Some(Value::Float(x)) => *x,
            other => panic!("axis {axis} is {other:?}, not a number"),
        }
    }

    /// The text of an axis or choice that applies.
    ///
    /// # Panics
    /// As [`Trial::int`].
    pub fn text(&self, axis: &str) -> &str {
        match self.get(axis) {
            Some(Value::Text(t)) => t,
            other => panic!("axis {axis} is {other:?}, not text"),
        }
    }

    /// The content hash of the file that `axis` names.
    ///
    /// # Errors
    /// [`Error::Conflict`] if the file was not among the inputs.
    pub fn content(&self, axis: &str) -> Result<&str> {
        let path = self.text(axis);
        self.inputs
            .get(path)
            .map(String::as_str)
            .ok_or_else(|| Error::Conflict(format!("the file \"{path}\" of axis \"{axis}\" has not been read")))
    }

    /// The content hashes of the files that this trial names.
    ///
    /// # Errors
    /// As [`Trial::content`].
    pub fn contents(&self) -> Result<Vec<&str>> {
        let files = axis::all().iter().filter(|axis| axis.kind == Kind::File);
        files
            .filter(|axis| self.get(axis.name).and_then(Value::text).is_some_and(|path| !path.is_empty()))
            .map(|axis| self.content(axis.name))
            .collect()
    }

    /// Every value, by axis. Files by path.
    pub fn values(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.values.iter().map(|(name, value)| (*name, value))
    }

    /// Content hash of every file that its sweep names, by path.
    pub fn inputs(&self) -> &Inputs {
        &self.inputs
    }

    /// The values that are not those of [`Trial::new`] where nothing is given, and the axis of each that is no choice; every
    /// choice is among them.
    pub fn given(&self) -> impl Iterator<Item = (&'static str, &Value, Option<Axis>)> {
        let declared = self.declared();
        self.values.iter().filter_map(move |(&name, value)| {
            let axis = declared.iter().find(|axis| axis.name == name).copied();
            let at_default = axis.is_some_and(|axis| axis.default.is_some_and(|default| default.is(value)));
            (!at_default).then_some((name, value, axis))
        })
    }

    /// The canonical form: JSON, sorted keys, no value at its default, files by content, floats in shortest form.
    ///
    /// # Errors
    /// [`Error::Conflict`] where a file has no content hash.
    pub fn canonical(&self) -> Result<String> {
        let mut canonical = BTreeMap::new();
        for (name, value, axis) in self.given() {
            let by_content = match axis.map(|a| a.kind) {
                Some(Kind::File) => Value::Text(self.content(name)?.to_owned()),
                _ => value.clone(),
            };
            canonical.insert(name, by_content);
        }
        Ok(serde_json::to_string(&canonical).expect("text keys and finite numbers always serialise"))
    }

    /// The identity of the result: blake3 (hex) of the revision and the canonical form.
    ///
    /// # Errors
    /// As [`Trial::canonical`].
    pub fn digest(&self) -> Result<String> {
        let bytes = format!("sweep trial, revision {REVISION}\n{}", self.canonical()?);
        Ok(blake3::hash(bytes.as_bytes()).to_hex().to_string())
    }

    /// The axes that apply, as the chosen entries declare them, with their defaults.
    fn declared(&self) -> Vec<Axis> {
        let chosen = axis::CHOICES.iter().filter_map(|choice| Some(((*choice).to_owned(), self.get(choice)?.clone())));
        applicable(&chosen.collect()).unwrap_or_default()
    }
}

/// The choices that apply, with the chosen entry and the axes that it brings.
fn choices(given: &BTreeMap<String, Value>) -> Result<Vec<(&'static str, &'static str, &'static [Axis])>> {
    let mut chosen = Vec::new();
    let training = !given.contains_key("baseline");
    for &choice in axis::CHOICES {
        let default = match (choice, training) {
            ("problem", _) => Some("synthetic"),
            ("baseline", true) | ("init" | "optimizer" | "schedule" | "penalty", false) => continue,
            ("init", _) => Some("gaussian"),
            ("schedule", _) => Some("constant"),
            ("penalty", _) => Some("none"),
            _ => None,
        };
        let names = || axis::entries(choice).iter().map(|(name, _, _)| *name).collect::<Vec<_>>();
        let name = match given.get(choice) {
            Some(Value::Text(name)) => name.as_str(),
            Some(other) => {
                return Err(Error::Type { axis: choice.to_owned(), value: other.to_string(), expected: "a name" });
            }
            None => default.ok_or_else(|| Error::Missing {
                axis: choice.to_owned(),
                of: "a training run".to_owned(),
                allowed: names().join(", "),
            })?,
        };
        let (entry, axes) = axis::entry(choice, name).ok_or_else(|| Error::Unknown {
            what: choice,
            name: name.to_owned(),
            known: names(),
        })?;
        chosen.push((choice, entry, axes));
    }
    Ok(chosen)
}

/// Every axis (choices apart) that applies to these choices, each as the chosen entry declares it.
///
/// # Errors
/// [`Error::Unknown`], [`Error::Missing`] for the choices themselves.
pub fn applicable(given: &BTreeMap<String, Value>) -> Result<Vec<Axis>> {
    let mut axes: Vec<Axis> = axis::COMMON.to_vec();
    if !given.contains_key("baseline") {
        axes.extend(axis::TRAINING);
    }
    for (_, _, brought) in choices(given)? {
        axes.extend(brought);
    }
    Ok(axes)
}

/// Which choice brings `axis`, for an error text.
fn described(given: &BTreeMap<String, Value>, axis: &Axis) -> String {
    for (choice, entry, axes) in choices(given).unwrap_or_default() {
        if axes.iter().any(|a| a.name == axis.name) {
            return format!("{choice} \"{entry}\"");
        }
    }
    "every run".to_owned()
}
