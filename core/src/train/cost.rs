//! What a run will take, before it runs: a forecast for plans, and the order of dispatch (longest first).

use super::dimensions;
use super::spectrum::Spectrum;
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
const PRODUCT_RATE: f64 = 45e9;
const POLAR_RATE: f64 = 14e9;
const SVD_RATE: f64 = 14e9;
const STEP_SECONDS: f64 = 4e-6;

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
        return Cost { seconds: (svds + 1.0) * svd, bytes: instance + 8.0 * 8.0 * entries };
    }
    let dims = dimensions(n1, n2, trial.size("depth"), trial.size("width"));
    let layer_entries: f64 = dims.windows(2).map(|d| (d[0] * d[1]) as f64).sum();
    // Forward one product, backward two, for every layer but the first: 2·d_out·d_in·n2 flops each.
    let products: f64 = dims.windows(2).skip(1).map(|d| 3.0 * 2.0 * (d[0] * d[1] * n2) as f64).sum();
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
                // 8/3 k³ and 4 k³ for square, and the longer side's reflectors.
                Ok(Penalty::Norms(_)) => {
                    (20.0 / 3.0 * k + 6.0 * (long - k)) * k * k / POLAR_RATE + 80.0 * k * k / 2.0 / POLAR_RATE
                }
                Ok(Penalty::Spectral(_)) => (14.0 * k + 8.0 * long) * k * k / SVD_RATE,
                _ => 0.0,
            }
        })
        .sum();
    let elementwise = 8.0 * (entries + 3.0 * layer_entries) / 8e9;
    let step = STEP_SECONDS + products / PRODUCT_RATE + polar + spectral + elementwise + 4.0 * sensing / 10e9;
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
