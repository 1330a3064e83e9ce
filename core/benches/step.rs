//! Milliseconds of one training step by size, depth and penalty: the tables of docs/performance.md.
//!
//!     cargo bench -p sweep-core --bench step

use criterion::{BenchmarkId, Criterion, criterion_group};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use sweep_core::problem::NoFiles;
use sweep_core::train::{self, Control, Monitor, blas};
use sweep_core::trial::{Inputs, Trial};
use sweep_core::value::Value;

const SIZES: [i64; 3] = [50, 100, 300];
const DEPTHS: [i64; 4] = [1, 2, 3, 4];
const PENALTIES: [&str; 2] = ["none", "ratio"];

/// Times the steps alone: from the first control to the last.
struct Watch {
    first: Option<Instant>,
    last: Instant,
}

impl Monitor for Watch {
    fn seconds(&self) -> (f64, f64) {
        (0.0, 0.0)
    }
    fn control(&mut self, _: u64) -> Control {
        self.last = Instant::now();
        self.first.get_or_insert(self.last);
        Control::Continue
    }
    fn checkpoint(&mut self, _: u64, _: Vec<u8>) {}
}

/// The time of `steps` steps of the product's own loop, recording and set-up apart.
fn time(n: i64, depth: i64, penalty: &str, steps: u64) -> Duration {
    let mut given: BTreeMap<String, Value> = [
        ("n1", n.into()),
        ("n2", n.into()),
        ("rank", 5.into()),
        ("samples", (n * n / 4).into()),
        ("depth", depth.into()),
        ("optimizer", "adam".into()),
        ("lr", 1e-3.into()),
        // The step that is recorded at the end is not timed.
        ("steps", Value::Int(steps as i64 + 1)),
        ("points", 2.into()),
        ("penalty", penalty.into()),
    ]
    .into_iter()
    .map(|(k, v): (&str, Value)| (k.to_owned(), v))
    .collect();
    if penalty != "none" {
        given.insert("lambda".to_owned(), 0.01.into());
    }
    let trial = Trial::new(&given, &Inputs::new()).expect("a valid trial");
    let mut watch = Watch { first: None, last: Instant::now() };
    train::run(&trial, &NoFiles, None, &mut watch).expect("a run");
    watch.last - watch.first.expect("at least one step")
}

fn step(c: &mut Criterion) {
    blas::set_threads(1);
    for n in SIZES {
        let mut group = c.benchmark_group(format!("n{n}"));
        group.sample_size(10).warm_up_time(Duration::from_millis(200)).measurement_time(Duration::from_secs(2));
        for depth in DEPTHS {
            for penalty in PENALTIES {
                group.bench_function(BenchmarkId::new(penalty, format!("depth{depth}")), |b| {
                    b.iter_custom(|steps| time(n, depth, penalty, steps));
                });
            }
        }
        group.finish();
    }
}

/// What criterion has measured.
fn milliseconds(n: i64, penalty: &str, depth: i64) -> Option<f64> {
    let target =
        std::env::var("CARGO_TARGET_DIR").unwrap_or(concat!(env!("CARGO_MANIFEST_DIR"), "/../target").to_owned());
    let path = format!("{target}/criterion/n{n}/{penalty}/depth{depth}/new/estimates.json");
    let estimates: serde_json::Value = serde_json::from_slice(&std::fs::read(path).ok()?).ok()?;
    Some(estimates["median"]["point_estimate"].as_f64()? / 1e6)
}

/// The table of docs/performance.md in Markdown, from what criterion has written.
fn table() {
    println!("| n×n | penalty | depth 1 | depth 2 | depth 3 | depth 4 |\n|---|---|---|---|---|---|");
    for n in SIZES {
        for penalty in PENALTIES {
            let cells = DEPTHS.map(|depth| milliseconds(n, penalty, depth).map_or("-".to_owned(), three_digits));
            println!("| {n} | {penalty} | {} |", cells.join(" | "));
        }
    }
}

/// Each step beside the least that its arithmetic takes: flops over the best rate of a large product in this process.
fn roofline() {
    let peak = peak();
    println!("\npeak of dgemm: {:.0} GFLOP/s\n", peak / 1e9);
    println!("| n×n | penalty | depth | ms a step | of arithmetic | share |\n|---|---|---|---|---|---|");
    for n in SIZES {
        for penalty in PENALTIES {
            for depth in DEPTHS {
                let cube = (n * n * n) as f64;
                // 3(N−1) products; the polar factor as in ARCHITECTURE.md.
                let polar = if penalty == "ratio" { 20.0 / 3.0 * cube } else { 0.0 };
                let limit = (6.0 * (depth - 1) as f64 * cube + polar) / peak * 1e3;
                let Some(found) = milliseconds(n, penalty, depth) else { continue };
                println!(
                    "| {n} | {penalty} | {depth} | {} | {} | {:.0} % |",
                    three_digits(found),
                    if limit > 0.0 { three_digits(limit) } else { "0".to_owned() },
                    100.0 * limit / found
                );
            }
        }
    }
}

/// Flops per second of the best of some products of two 512×512 matrices.
fn peak() -> f64 {
    let (a, mut c) = (ndarray::Array2::<f64>::ones((512, 512)), ndarray::Array2::zeros((512, 512)));
    let mut best = f64::INFINITY;
    for _ in 0..50 {
        let started = Instant::now();
        blas::gemm(1.0, (blas::Op::Plain, &a), (blas::Op::Plain, &a), 0.0, &mut c);
        best = best.min(started.elapsed().as_secs_f64());
    }
    2.0 * 512f64.powi(3) / best
}

/// Three significant digits.
fn three_digits(x: f64) -> String {
    let places = (2 - x.log10().floor() as i32).max(0) as usize;
    format!("{x:.places$}")
}

criterion_group!(benches, step);

fn main() {
    benches();
    Criterion::default().configure_from_args().final_summary();
    table();
    roofline();
}
