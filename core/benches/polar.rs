//! Milliseconds of one polar factor by shape, beside the singular value decomposition that it stands for.
//!
//!     cargo bench -p sweep-core --bench polar

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use ndarray::Array2;
use std::hint::black_box;
use sweep_core::seed::Stream;
use sweep_core::train::blas;
use sweep_core::train::spectrum::Spectrum;

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

criterion_group!(benches, polar);
criterion_main!(benches);
