//! What the tests of the whole share: trials in a line, instances, a quiet monitor.

pub mod embedded;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use sweep_core::outcome::{Outcome, Point};
use sweep_core::problem::Files;
use sweep_core::train::{self, Control, Ended, Monitor};
use sweep_core::trial::{Inputs, Trial};
use sweep_core::value::Value;

/// The committed instances, by content hash.
pub struct Instances {
    /// Hash by file name.
    pub inputs: Inputs,
    bytes: BTreeMap<String, Arc<[u8]>>,
}

impl Instances {
    /// Reads `tests/instances`.
    ///
    /// # Panics
    /// If the folder cannot be read.
    pub fn read() -> Instances {
        // One thread: the last bits depend on it, and tests run side by side.
        assert_eq!(sweep_core::train::blas::set_threads(1), 1);
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("instances");
        let mut instances = Instances { inputs: Inputs::new(), bytes: BTreeMap::new() };
        for entry in std::fs::read_dir(folder).expect("tests/instances is committed") {
            let path = entry.expect("a readable folder").path();
            let bytes = std::fs::read(&path).expect("a readable file");
            let hash = blake3_hex(&bytes);
            let name = path.file_name().expect("a file").to_string_lossy().into_owned();
            instances.inputs.insert(name, hash.clone());
            instances.bytes.insert(hash, bytes.into());
        }
        instances
    }
}

fn blake3_hex(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

impl Files for Instances {
    fn content(&self, hash: &str) -> Option<Arc<[u8]>> {
        self.bytes.get(hash).cloned()
    }
}

/// Settings as a test writes them.
pub type Given<'a> = &'a [(&'a str, Value)];

/// The trial of these settings.
///
/// # Panics
/// With the trial's own error.
pub fn trial(instances: &Instances, given: &[Given]) -> Trial {
    let given = given.iter().flat_map(|part| part.iter()).map(|(k, v)| ((*k).to_owned(), v.clone())).collect();
    Trial::new(&given, &instances.inputs).unwrap_or_else(|error| panic!("{error}"))
}

/// The instance `name` of tests/instances as a problem.
pub fn instance(name: &str) -> Vec<(&'static str, Value)> {
    let file = |suffix: &str| Value::Text(format!("{name}.{suffix}.csv"));
    vec![("problem", "csv".into()), ("observed", file("obs")), ("truth", file("gt"))]
}

/// A fresh problem of the project's own streams.
pub fn synthetic(n: i64, rank: i64, samples: i64, seed: i64) -> Vec<(&'static str, Value)> {
    vec![
        ("problem", "synthetic".into()),
        ("n1", n.into()),
        ("n2", n.into()),
        ("rank", rank.into()),
        ("samples", samples.into()),
        ("problem_seed", seed.into()),
        ("mask_seed", seed.into()),
        ("init_seed", seed.into()),
    ]
}

/// Never stops a run, and knows no time.
pub struct Quiet;

impl Monitor for Quiet {
    fn seconds(&self) -> (f64, f64) {
        (0.0, 0.0)
    }
    fn control(&mut self, _: u64) -> Control {
        Control::Continue
    }
    fn checkpoint(&mut self, _: u64, _: Vec<u8>) {}
}

/// The outcome of a trial.
///
/// # Panics
/// If the run fails.
pub fn outcome(instances: &Instances, trial: &Trial) -> Outcome {
    match train::run(trial, instances, None, &mut Quiet).unwrap_or_else(|error| panic!("{error}")) {
        Ended::Outcome(outcome) => *outcome,
        Ended::HandedBack(_) => unreachable!("nobody asked for it back"),
    }
}

/// A number that must be there.
///
/// # Panics
/// If it is missing.
pub fn value(point: &Point, column: usize) -> f64 {
    point
        .get(column)
        .unwrap_or_else(|| panic!("no {} at step {}", sweep_core::outcome::COLUMNS[column].name, point.step))
}
