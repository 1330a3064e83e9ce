//! What a slot costs beside the training: seconds per attempt of almost nothing, by a thread and by a child.
//!
//! `cargo bench -p sweep-tests --bench slots --profile release`

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use sweep_core::job::{Answer, Checkpoint, Ending, Lease, Link, Report};
use sweep_core::trial::{Inputs, Trial};
use sweep_core::value::Value;
use sweep_worker::{Children, Isolation, Settings};
use tokio::sync::watch;

const ATTEMPTS: usize = 5_000;
const BUNDLE: usize = 64;

/// Gives the same trial again and again.
struct Mill {
    trial: Trial,
    left: AtomicUsize,
}

impl Link for Mill {
    type Error = Infallible;

    async fn lease(&self, _: usize) -> Result<Answer, Infallible> {
        let left = self.left.load(Ordering::Relaxed);
        if left == 0 {
            return Ok(Answer::Finished);
        }
        let given = left.min(BUNDLE);
        self.left.store(left - given, Ordering::Relaxed);
        let lease = |cell| Lease {
            sweep: "0123456789ab".to_owned(),
            cell,
            fence: 1,
            trial: self.trial.clone(),
            seconds_limit: None,
            checkpoint: None,
        };
        Ok(Answer::Leases((0..given as u64).map(lease).collect()))
    }

    async fn report(&self, reports: Vec<Report>) -> Result<(), Infallible> {
        assert!(reports.iter().all(|report| matches!(report.ending, Ending::Outcome(_))));
        Ok(())
    }

    async fn checkpoint(&self, _: Checkpoint) -> Result<(), Infallible> {
        Ok(())
    }

    async fn content(&self, _: &str) -> Result<Arc<[u8]>, Infallible> {
        unreachable!("the trial names no file")
    }
}

async fn seconds(isolation: Isolation, steps: i64) -> f64 {
    let given: [(&str, Value); 9] = [
        ("n1", 5.into()),
        ("n2", 5.into()),
        ("rank", 1.into()),
        ("samples", 15.into()),
        ("depth", 2.into()),
        ("init_scale", 0.1.into()),
        ("optimizer", "gd".into()),
        ("lr", 0.1.into()),
        ("steps", steps.into()),
    ];
    let given = given.into_iter().map(|(axis, value)| (axis.to_owned(), value)).collect();
    let trial = Trial::new(&given, &Inputs::new()).expect("a valid trial");
    let (_drain, told) = watch::channel(false);
    let start = Instant::now();
    let settings = Settings { isolation, ..Settings::default() };
    let Ok(()) = sweep_worker::run(Mill { trial, left: ATTEMPTS.into() }, settings, told).await;
    start.elapsed().as_secs_f64() / ATTEMPTS as f64
}

fn main() {
    assert_eq!(sweep_core::train::blas::set_threads(1), 1);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let children = Children {
        program: PathBuf::from(env!("CARGO_BIN_EXE_isolated")),
        arguments: vec!["slot".to_owned()],
        memory: None,
        grace: Duration::from_secs(60),
    };
    println!("steps  thread µs  child µs  (per attempt, one slot, best of 3)");
    for steps in [1, 100] {
        let best = |isolation: &Isolation| {
            (0..3).map(|_| runtime.block_on(seconds(isolation.clone(), steps))).fold(f64::INFINITY, f64::min) * 1e6
        };
        let (thread, child) = (best(&Isolation::Threads), best(&Isolation::Children(children.clone())));
        println!("{steps:>5}  {thread:>9.0}  {child:>8.0}");
    }
}
