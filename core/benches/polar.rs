//! Milliseconds of one polar factor by shape, and of the gradients of penalties, beside the singular value decomposition that
//! they stand for.
//!
//!     cargo bench -p sweep-core --bench polar

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use ndarray::Array2;
use std::hint::black_box;
use sweep_core::penalty::{self, Penalty};
use sweep_core::registry;
use sweep_core::seed::Stream;
use sweep_core::train::blas;
use sweep_core::train::spectrum::{Decomposition, Spectrum};
use sweep_core::trial::{Inputs, Trial};
use sweep_core::value::Value;

fn polar(c: &mut Criterion) {
    blas::set_threads(1);
    let mut group = c.benchmark_group("polar");
    group.sample_size(10);
    for (rows, columns) in [(50, 50), (100, 100), (200, 200), (300, 300), (500, 500), (943, 1682)] {
        let mut stream = Stream::new("bench", 1);
        let w = Array2::from_shape_simple_fn((rows, columns), || stream.normal());
        let mut p = Array2::zeros((rows, columns));
        let mut spectrum = Spectrum::new(rows, columns);
        let shape = format!("{rows}x{columns}");
        group.bench_with_input(BenchmarkId::new("poles", &shape), &w, |b, w| {
            b.iter(|| black_box(spectrum.polar(w, &mut p).expect("finite")));
        });
        group.bench_with_input(BenchmarkId::new("gesdd", &shape), &w, |b, w| {
            b.iter(|| spectrum.svd(black_box(w)).expect("finite"));
        });
    }
    group.finish();
}

/// The gradient of each penalty of the singular values, beside that by an SVD.
fn penalties(c: &mut Criterion) {
    blas::set_threads(1);
    let mut group = c.benchmark_group("penalty");
    group.sample_size(10);
    let names = ["schatten", "schatten_ratio", "log_det", "effective_rank", "stable_rank", "nuclear_over_spectral"];
    for name in names.into_iter().chain(["truncated_nuclear"]) {
        let given: [(&str, Value); 9] = [
            ("n1", 2.into()),
            ("n2", 2.into()),
            ("rank", 1.into()),
            ("samples", 2.into()),
            ("optimizer", "gd".into()),
            ("lr", 1.0.into()),
            ("steps", 1.into()),
            ("penalty", name.into()),
            ("lambda", 1.0.into()),
        ];
        let given = given.into_iter().map(|(axis, value)| (axis.to_owned(), value)).collect();
        let trial = Trial::new(&given, &Inputs::new()).expect("a valid trial");
        let entry = registry::find("penalty", penalty::KNOWN, name).expect("a penalty");
        let Penalty::Spectral(penalty) = (entry.build)(&trial) else { panic!("a penalty of the spectrum") };
        for n in [100, 300] {
            let mut stream = Stream::new("bench", 1);
            // A spectrum as in training: some directions large, the others small.
            let mut w = Array2::from_shape_simple_fn((n, n), || 1e-3 * stream.normal());
            for _ in 0..5 {
                let u = Array2::from_shape_simple_fn((n, 1), || stream.normal());
                w += &(&u * &Array2::from_shape_simple_fn((1, n), || stream.normal()));
            }
            let (mut out, mut derivative) = (Array2::zeros((n, n)), vec![0.0; n]);
            for (by, decomposition) in [("poles", Decomposition::Poles), ("svd", Decomposition::Svd)] {
                let mut spectrum = Spectrum::new(n, n).by(decomposition);
                group.bench_function(BenchmarkId::new(format!("{name}/{by}"), n), |b| {
                    b.iter(|| {
                        spectrum.gradient(&*penalty, black_box(&w), 1.0, &mut derivative, &mut out).expect("finite")
                    });
                });
            }
        }
    }
    group.finish();
}

criterion_group!(benches, polar, penalties);
criterion_main!(benches);
