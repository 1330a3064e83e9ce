//! Scenes for tests of the store: a database of one's own, and cells and outcomes in a line.

#![allow(dead_code, reason = "each test file uses a part")]

pub mod clock;
pub mod postgres;
pub mod server;

use std::collections::BTreeMap;
use sweep_coordinator::store::{
    Coordinates, Finished, Lease, Location, NewCell, NewSweep, Provenance, Recorded, Stage, Store, Worker,
};
use sweep_core::outcome::{self, COLUMNS, Matrix, Outcome, Point, Status};
use sweep_core::trial::Inputs;
use sweep_core::value::Value;

/// Which database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Sqlite,
    Postgres,
}

/// An open store with a provenance and a worker `w` that it knows.
pub struct Scene {
    pub store: Store,
    pub location: Location,
    pub provenance: String,
    /// Keeps the file of SQLite.
    pub directory: tempfile::TempDir,
}

pub fn provenance() -> Provenance {
    Provenance {
        trainer_version: "0.1.0".to_owned(),
        revision: 1,
        git_commit: "abc".to_owned(),
        host: "node-1".to_owned(),
        cpu: "some CPU".to_owned(),
        blas_library: "OpenBLAS 0.3.21".to_owned(),
        blas_kernel: "Haswell".to_owned(),
        blas_threads: 1,
        dtype: "f64".to_owned(),
    }
}

impl Scene {
    pub async fn new(kind: Kind) -> Scene {
        let directory = tempfile::tempdir().unwrap();
        let location = match kind {
            Kind::Sqlite => Location::Sqlite(directory.path().join("sweep.db")),
            Kind::Postgres => Location::Postgres(postgres::fresh_database()),
        };
        let store = Store::open(&location, 1).await.unwrap();
        let id = store.add_provenance(&provenance()).await.unwrap();
        let worker = Worker { id: "w".to_owned(), provenance: id.clone(), cores: 2, slots: 2 };
        store.see_worker(&worker, 2).await.unwrap();
        Scene { store, location, provenance: id, directory }
    }

    /// A sweep without inputs; its id.
    pub async fn sweep(&self, name: &str) -> String {
        self.sweep_with(name, &Inputs::new()).await
    }

    pub async fn sweep_with(&self, name: &str, inputs: &Inputs) -> String {
        let new = NewSweep { name, description: "a test", source: "", digest: name, cells: 1000, inputs, fresh: false };
        self.store.submit(&new, 10).await.unwrap()
    }

    /// Leases one cell.
    pub async fn lease(&self, sweep: &str, cell: NewCell) -> Lease {
        let leases = self.store.lease(sweep, &[cell], "w", 100).await.unwrap();
        leases.into_iter().next().unwrap().expect("the cell is free")
    }

    /// Records one outcome.
    pub async fn record(&self, lease: &Lease, outcome: &Outcome) -> Recorded {
        let finished = [Finished { lease, outcome, provenance: &self.provenance }];
        self.store.record(&finished, 200).await.unwrap().remove(0)
    }

    /// Leases and records; the number of the outcome.
    pub async fn done(&self, sweep: &str, cell: NewCell, outcome: &Outcome) -> i64 {
        let lease = self.lease(sweep, cell).await;
        match self.record(&lease, outcome).await {
            Recorded::Accepted(id) => id,
            other => panic!("{other:?}"),
        }
    }
}

/// Coordinates of a small training cell, with `changes`; a change to the text `-` takes the axis away.
pub fn coordinates(changes: &[(&str, Value)]) -> Coordinates {
    let mut all: BTreeMap<String, Value> = [
        ("problem", Value::from("synthetic")),
        ("n1", Value::Int(50)),
        ("n2", Value::Int(50)),
        ("rank", Value::Int(2)),
        ("samples", Value::Int(500)),
        ("problem_seed", Value::Int(0)),
        ("mask_seed", Value::Int(0)),
        ("init_seed", Value::Int(0)),
        ("validation", Value::Float(0.1)),
        ("replicate", Value::Int(0)),
        ("depth", Value::Int(1)),
        ("steps", Value::Int(1000)),
        ("init", Value::from("gaussian")),
        ("init_scale", Value::Float(1e-3)),
        ("optimizer", Value::from("adam")),
        ("schedule", Value::from("constant")),
        ("penalty", Value::from("none")),
        ("lr", Value::Float(0.01)),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    for (name, value) in changes {
        match value.text() {
            Some("-") => all.remove(*name),
            _ => all.insert((*name).to_owned(), value.clone()),
        };
    }
    all
}

/// A cell of the plain grid whose trial follows from its coordinates.
pub fn cell(index: u64, changes: &[(&str, Value)]) -> NewCell {
    let coordinates = coordinates(changes);
    let trial = serde_json::to_string(&coordinates).unwrap();
    NewCell { cell: index, stage: Stage::Grid, coordinates, trial_digest: format!("trial {trial}") }
}

/// A replicate: number and seeds.
pub fn replicate(r: i64) -> [(&'static str, Value); 4] {
    ["replicate", "problem_seed", "mask_seed", "init_seed"].map(|name| (name, Value::Int(r)))
}

/// A point at `step` with every scalar set: column i is `value + i`.
pub fn point(step: u64, value: f64) -> Point {
    let mut point = Point { step, singular_values: vec![value, 0.5], layer_norms: vec![1.5], ..Point::empty() };
    for i in 0..COLUMNS.len() {
        point.set(i, value + i as f64);
    }
    point
}

/// An outcome with these errors at its last point.
pub fn outcome(test_rel: f64, validation_mse: f64) -> Outcome {
    let mut last = point(1000, 1.0);
    last.set(outcome::TEST_REL, test_rel);
    last.set(outcome::RECONSTRUCTION_MSE, test_rel * test_rel);
    last.set(outcome::VALIDATION_MSE, validation_mse);
    Outcome {
        status: Status::Budget,
        inflated: false,
        steps: 1000,
        measurements: 450,
        oracle: Some(last.clone()),
        validated: Some(last.clone()),
        trajectory: vec![point(0, 3.0), last.clone()],
        last,
        matrices: vec![Matrix { step: 1000, layer: 0, rows: 1, columns: 2, values: vec![0.1, -2.5] }],
        fallbacks: 0,
        unresolved_directions: 1,
        wall_seconds: 0.25,
        cpu_seconds: 0.24,
        recording_seconds: 0.01,
    }
}

/// An outcome that diverged, its last finite error being `test_rel`.
pub fn diverged(test_rel: f64) -> Outcome {
    Outcome { status: Status::Diverged, ..outcome(test_rel, test_rel) }
}
