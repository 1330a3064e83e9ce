//! What a run will take, before it runs: a forecast for plans, and the order of dispatch (longest first).

use super::spectrum::Spectrum;
use super::{dimensions, sparse};
use crate::baseline;
use crate::penalty::{self, Penalty};
use crate::problem;
use crate::registry;
use crate::trial::Trial;
use crate::value::Value;

/// A forecast.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    /// Seconds on one core, from flops at rates measured on one machine: right in proportion, corrected by what
    /// the scheduler learns.
    pub seconds: f64,
    /// Bytes of memory at the peak.
    pub bytes: f64,
}

/// Rates of one core of a server CPU with AVX-512 (docs/performance.md), in flops per second, and the fixed cost of
/// a step in seconds.
const PRODUCT_RATE: f64 = 100e9;
const SPARSE_RATE: f64 = 15e9;
const POLAR_RATE: f64 = 95e9;
const SVD_RATE: f64 = 25e9;
/// Of baselines, whose decompositions take room anew each time, and shrink and multiply between them.
const BASELINE_RATE: f64 = 14e9;
const STEP_SECONDS: f64 = 0.5e-6;
/// Numbers of 32 bits: twice as many fit in a register and in a cache.
const NARROW: f64 = 1.8;

/// The forecast for `trial`. A problem whose size is only in its files counts as 1000×1000: see [`forecast_of`].
pub fn forecast(trial: &Trial) -> Cost {
    let size = problem::build(trial).ok().and_then(|problem| problem.size());
    forecast_of(trial, size.unwrap_or((1000, 1000, 100_000)))
}

/// The forecast for `trial` on a problem of n1 rows, n2 columns and m measurements.
pub fn forecast_of(trial: &Trial, (n1, n2, m): (usize, usize, usize)) -> Cost {
    let (long, k) = (n1.max(n2) as f64, n1.min(n2) as f64);
    let entries = (n1 * n2) as f64;
    let sensing = if trial.text("problem") == "sensing" { m as f64 * entries } else { 0.0 };
    // gesdd with vectors: about 22 k³, and 8 long·k² for the longer side.
    let svd = (14.0 * k + 8.0 * long) * k * k / SVD_RATE;
    let instance = 8.0 * (4.0 * entries + sensing + 3.0 * m as f64);
    if !trial.is_training() {
        let svds = baseline::build(trial).map_or(1.0, |baseline| baseline.typical_svds());
        return Cost { seconds: (svds + 1.0) * svd * SVD_RATE / BASELINE_RATE, bytes: instance + 8.0 * 8.0 * entries };
    }
    let dims = dimensions(n1, n2, trial.size("depth"), trial.size("width"));
    let layer_entries: f64 = dims.windows(2).map(|d| (d[0] * d[1]) as f64).sum();
    // Three products with W as large as it is, three for every layer but the outer one and its neighbour (train/network.rs).
    let (chain, inner) = if n1 <= n2 { (&dims[1..], dims[1]) } else { (&dims[..dims.len() - 1], dims[dims.len() - 2]) };
    let columns = chain[0];
    let deep = dims.len() > 2;
    let chained: f64 = chain.windows(2).skip(1).map(|d| 6.0 * (d[0] * d[1] * columns) as f64).sum();
    let trained = (m as f64 * (1.0 - trial.float("validation"))) as usize;
    let whole = trial.text("penalty") != "none" && trial.text("penalty_on") != "layers";
    let sparse = !whole && sensing == 0.0 && sparse::pays(trained, n1, n2);
    let outer = match (deep, sparse) {
        (false, _) => 0.0,
        (true, false) => 6.0 * (n1 * inner * n2) as f64 / PRODUCT_RATE,
        (true, true) => 6.0 * (trained * inner) as f64 / SPARSE_RATE,
    };
    let products = outer + if deep { chained / PRODUCT_RATE } else { 0.0 };
    // Muon's polar factors by five Newton–Schulz steps, 6·k²·long flops each, or exactly.
    let polar: f64 = match trial.get("polar") {
        Some(Value::Text(polar)) => dims
            .windows(2)
            .map(|d| (d[0].max(d[1]) as f64, d[0].min(d[1]) as f64))
            .map(|(long, k)| {
                if polar == "exact" {
                    (14.0 * k + 8.0 * long) * k * k / SVD_RATE
                } else {
                    30.0 * k * k * long / PRODUCT_RATE
                }
            })
            .sum(),
        _ => 0.0,
    };
    let on_layers = trial.text("penalty_on") == "layers";
    let spectra: Vec<(usize, usize)> =
        if on_layers { dims.windows(2).map(|d| (d[1], d[0])).collect() } else { vec![(n1, n2)] };
    let form = registry::find("penalty", penalty::KNOWN, trial.text("penalty")).map(|p| (p.build)(trial));
    let spectral: f64 = spectra
        .iter()
        .map(|&(r, c)| {
            let (long, k) = (r.max(c) as f64, r.min(c) as f64);
            match form {
                Ok(Penalty::Norms(_) | Penalty::Spectral(_)) if trial.text("decomposition") == "svd" => {
                    (14.0 * k + 8.0 * long) * k * k / SVD_RATE
                }
                // 8/3 k³ and 4 k³ for square, and the longer side's reflectors; poles and whatever else goes by k².
                Ok(Penalty::Norms(_)) => (20.0 / 3.0 * k + 6.0 * (long - k) + 760.0) * k * k / POLAR_RATE,
                // And the singular values, by a method of no regular flow.
                Ok(Penalty::Spectral(_)) => (20.0 / 3.0 * k + 6.0 * (long - k) + 1360.0) * k * k / POLAR_RATE,
                _ => 0.0,
            }
        })
        .sum();
    let elementwise = 8.0 * (entries + 3.0 * layer_entries) / 36e9;
    let narrow = if trial.text("dtype") == "f32" { NARROW } else { 1.0 };
    let step = STEP_SECONDS + (products + spectral) / narrow + polar + elementwise + 4.0 * sensing / 10e9 / narrow;
    let points = (trial.int("points") as f64).min(trial.int("steps") as f64);
    let workspaces: f64 = spectra.iter().map(|&(r, c)| Spectrum::<f64>::bytes(r, c) as f64).sum();
    let exact = trial.get("polar").and_then(Value::text) == Some("exact");
    let muon: f64 = dims.windows(2).filter(|_| exact).map(|d| Spectrum::<f64>::bytes(d[1], d[0]) as f64).sum();
    let kept = if trial.text("matrices") == "points" { points * (entries + layer_entries) * 8.0 } else { 0.0 };
    Cost {
        seconds: (trial.int("steps") as f64) * step + points * 1.5 * svd + svd,
        // Layers, gradients, products, carried gradients, up to three buffers of the optimizer; metrics' workspace.
        bytes: instance
            + 8.0 * (6.0 * layer_entries + 6.0 * entries)
            + workspaces
            + muon
            + Spectrum::<f64>::bytes(n1, n2) as f64
            + kept,
    }
}
