//! `sweep bench train`: one run of the trainer, timed, on an instance that another library can be given too.
//!
//! The flags, the instance and the JSON line are those of common comparison scripts for PyTorch and JAX, so that a table of
//! them beside this program needs no translation.

use crate::args::Train;
use crate::failure::{Failure, Result};
use crate::inputs;
use crate::output;
use crate::threads;
use serde_json::json;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;
use sweep_core::outcome::{self as column, Outcome};
use sweep_core::problem::Files;
use sweep_core::train::{self, Ended, blas};
use sweep_core::trial::{Inputs, Trial};
use sweep_core::value::Value;
use sweep_worker::monitor::{CONTINUE, SlotMonitor};

/// Most bytes of a file of an instance.
const MOST: u64 = 1 << 30;

/// Times the run that `asked` describes.
///
/// # Errors
/// [`Failure::Mistake`] for flags or files that make no trial, [`Failure::CellFailed`] for a run that fails.
pub fn run(asked: &Train) -> Result {
    threads::set_blas(asked.threads)?;
    let mut instance = Instance::default();
    let mut given = recipe(asked)?;
    match &asked.instance {
        Some(directory) => instance.read(directory, asked, &mut given)?,
        None => {
            for (axis, value) in [
                ("rank", Value::Int(asked.rank)),
                ("samples", Value::Int(asked.samples)),
                ("problem_seed", Value::Int(asked.seed)),
                ("mask_seed", Value::Int(asked.seed)),
                ("init_seed", Value::Int(asked.seed)),
                ("init_scale", Value::Float(asked.init_scale)),
            ] {
                given.insert(axis.to_owned(), value);
            }
        }
    }
    for set in &asked.set {
        let (axis, value) =
            set.split_once('=').ok_or_else(|| Failure::Mistake(format!("--set {set}: no value; write AXIS=VALUE")))?;
        given.insert(axis.to_owned(), value_of(value));
    }
    if asked.warmup > 0 {
        given.insert("steps".to_owned(), Value::Int(asked.warmup));
        outcome(&given, &instance)?;
    }
    given.insert("steps".to_owned(), Value::Int(asked.steps));
    let outcome = outcome(&given, &instance)?;
    output::write(format!("{}\n", line(asked, &outcome)).as_bytes())
}

/// The axes that the flags name, but for the problem and the initial factors.
fn recipe(asked: &Train) -> Result<BTreeMap<String, Value>> {
    let side = |text: &str| {
        text.trim()
            .parse::<i64>()
            .map_err(|_| Failure::Mistake(format!("--dim {}: \"{text}\" is no number; write N or N1xN2", asked.dim)))
    };
    let (n1, n2) = match asked.dim.split_once(['x', 'X']) {
        Some((n1, n2)) => (side(n1)?, side(n2)?),
        None => (side(&asked.dim)?, side(&asked.dim)?),
    };
    let mut given: BTreeMap<String, Value> = [
        ("n1", Value::Int(n1)),
        ("n2", Value::Int(n2)),
        ("depth", Value::Int(asked.depth)),
        ("optimizer", Value::Text(asked.optimizer.clone())),
        ("lr", Value::Float(asked.lr)),
        ("points", Value::Int(2)),
        ("dtype", Value::Text(asked.dtype.clone())),
    ]
    .into_iter()
    .map(|(axis, value)| (axis.to_owned(), value))
    .collect();
    let penalty = match asked.penalty.as_str() {
        "nuc" => "nuclear",
        "fro" => "frobenius",
        "fro2" => "frobenius_squared",
        other => match other.strip_prefix("schatten:") {
            Some(p) => {
                given.insert("schatten_p".to_owned(), value_of(p));
                // The scripts add 1e-12 to σ².
                given.insert("smoothing".to_owned(), Value::Float(1e-6));
                "schatten"
            }
            None => other,
        },
    };
    given.insert("penalty".to_owned(), Value::Text(penalty.to_owned()));
    if penalty != "none" {
        given.insert("lambda".to_owned(), Value::Float(asked.lambda));
    }
    Ok(given)
}

/// An integer, a number, or else text.
fn value_of(text: &str) -> Value {
    let number = || text.parse().map(Value::Float).ok();
    text.parse().map(Value::Int).ok().or_else(number).unwrap_or_else(|| Value::Text(text.to_owned()))
}

/// The files of an instance, by content hash.
#[derive(Default)]
struct Instance {
    inputs: Inputs,
    contents: BTreeMap<String, Arc<[u8]>>,
}

impl Instance {
    /// Reads gt.csv, obs.csv and the initial factors in `directory`, and names them in `given`.
    fn read(&mut self, directory: &Path, asked: &Train, given: &mut BTreeMap<String, Value>) -> Result {
        let read = |name: &str| {
            let path = directory.join(name);
            inputs::read(&path, MOST)
                .map_err(|why| Failure::Mistake(format!("--instance: {} cannot be read: {why}", path.display())))
        };
        // The factors one after the other, an empty line between them, are a file of the init "file".
        let mut factors = Vec::new();
        for layer in 1..=asked.depth {
            if layer > 1 {
                factors.push(b'\n');
            }
            factors.extend(read(&format!("init_{layer}.csv"))?);
        }
        for (axis, name, bytes) in [
            ("truth", "gt.csv", read("gt.csv")?),
            ("observed", "obs.csv", read("obs.csv")?),
            ("init_file", "init", factors),
        ] {
            let hash = blake3::hash(&bytes).to_hex().to_string();
            self.inputs.insert(name.to_owned(), hash.clone());
            self.contents.insert(hash, bytes.into());
            given.insert(axis.to_owned(), Value::Text(name.to_owned()));
        }
        given.insert("problem".to_owned(), Value::Text("csv".to_owned()));
        given.insert("init".to_owned(), Value::Text("file".to_owned()));
        Ok(())
    }
}

impl Files for Instance {
    fn content(&self, hash: &str) -> Option<Arc<[u8]>> {
        self.contents.get(hash).cloned()
    }
}

/// Runs the trial of `given` as a slot does.
fn outcome(given: &BTreeMap<String, Value>, instance: &Instance) -> Result<Box<Outcome>> {
    let trial = Trial::new(given, &instance.inputs).map_err(|e| Failure::Mistake(e.to_string()))?;
    let ask = Arc::new(std::sync::atomic::AtomicU8::new(CONTINUE));
    let mut monitor = SlotMonitor::new(ask, None, f64::INFINITY, |_, _| {});
    match train::run(&trial, instance, None, &mut monitor) {
        Ok(Ended::Outcome(outcome)) => Ok(outcome),
        Ok(Ended::HandedBack(_)) => unreachable!("nobody asked for it"),
        Err(error) => Err(Failure::CellFailed(error.to_string())),
    }
}

/// The JSON line, in the words of the scripts, and with what only this program knows.
fn line(asked: &Train, outcome: &Outcome) -> serde_json::Value {
    let last = |column: usize| outcome.last.get(column);
    let per_step = |seconds: f64| 1e3 * seconds / outcome.steps.max(1) as f64;
    let mut set = String::new();
    for axis in &asked.set {
        let _ = write!(set, "{}{axis}", if set.is_empty() { "" } else { " " });
    }
    json!({
        "impl": "sweep",
        "version": env!("CARGO_PKG_VERSION"),
        "dim": asked.dim,
        "rank": asked.rank,
        "samples": outcome.measurements,
        "depth": asked.depth,
        "optimizer": asked.optimizer,
        "penalty": asked.penalty,
        "lambda": asked.lambda,
        "lr": asked.lr,
        "steps": outcome.steps,
        "seed": asked.seed,
        "dtype": asked.dtype,
        "threads": blas::threads(),
        "set": set,
        "status": outcome.status.word(),
        "wall_s": outcome.wall_seconds,
        "ms_per_step": per_step(outcome.wall_seconds),
        "cpu_ms_per_step": per_step(outcome.cpu_seconds),
        "recording_s": outcome.recording_seconds,
        "fallbacks": outcome.fallbacks,
        "unresolved_directions": outcome.unresolved_directions,
        "train_loss": last(column::TRAIN_LOSS),
        "test_mse": last(column::TEST_MSE),
        "reconstruction_mse": last(column::RECONSTRUCTION_MSE),
        "ratio": last(column::RATIO),
        "eff_rank": last(column::EFFECTIVE_RANK),
        "sv": outcome.last.singular_values,
        "kernel": blas::kernel(),
    })
}
