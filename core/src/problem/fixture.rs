//! Scenes for tests: a trial from a line of text, files in memory, the fixed instances.

use super::{Data, Files};
use crate::error::Result;
use crate::trial::{Inputs, Trial};
use crate::value::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Files by path; each path serves as its own content hash.
#[derive(Default)]
pub(crate) struct Memory(BTreeMap<String, Arc<[u8]>>);

impl Memory {
    pub(crate) fn add(&mut self, path: &str, bytes: &[u8]) {
        self.0.insert(path.to_owned(), bytes.into());
    }
}

impl Files for Memory {
    fn content(&self, hash: &str) -> Option<Arc<[u8]>> {
        self.0.get(hash).cloned()
    }
}

/// The trial of `given`: `"n1=5 lr=0.1 penalty=none"`. A baseline (zero fill) unless it names one or an optimizer.
pub(crate) fn trial_with(given: &str, files: &Memory) -> Result<Trial> {
    let mut values: BTreeMap<String, Value> = BTreeMap::new();
    for pair in given.split_whitespace() {
        let (axis, value) = pair.split_once('=').unwrap();
        let number = value.parse().map(Value::Int).ok().or_else(|| value.parse().map(Value::Float).ok());
        values.insert(axis.to_owned(), number.unwrap_or_else(|| value.into()));
    }
    if !values.contains_key("optimizer") {
        values.entry("baseline".to_owned()).or_insert_with(|| "zero_fill".into());
    }
    if values.get("problem") == Some(&"sensing".into()) && values["baseline"] == "zero_fill".into() {
        values.insert("baseline".to_owned(), "minimum_frobenius".into());
    }
    let inputs: Inputs = files.0.keys().map(|path| (path.clone(), path.clone())).collect();
    Trial::new(&values, &inputs)
}

/// The trial of `given`, without files.
pub(crate) fn trial(given: &str) -> Trial {
    trial_with(given, &Memory::default()).unwrap()
}

/// What the trial of `given` is refused with.
pub(crate) fn refused(given: &str) -> String {
    trial_with(given, &Memory::default()).unwrap_err().to_string()
}

/// The data of `given`.
pub(crate) fn load_with(given: &str, files: &Memory) -> Result<Data> {
    super::load(&trial_with(given, files)?, files)
}

/// The data of `given`, without files.
pub(crate) fn load(given: &str) -> Data {
    load_with(given, &Memory::default()).unwrap()
}

/// One of the fixed instances of `tests/instances`.
pub(crate) fn instance(name: &str) -> Data {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/instances");
    let mut files = Memory::default();
    for part in ["obs", "gt"] {
        files.add(part, &std::fs::read(format!("{folder}/{name}.{part}.csv")).unwrap());
    }
    load_with("problem=csv observed=obs truth=gt", &files).unwrap()
}
