//! Draws samples of every picture, with made-up numbers, as SVG and PNG.
//!
//!     cargo run --release -p sweep-coordinator --example plots -- DIRECTORY

use std::error::Error;
use std::fs;
use std::path::PathBuf;

use sweep_coordinator::plot::curves::{Curves, Panel, Series, Spot, curves};
use sweep_coordinator::plot::heatmap::{Category, Contour, Heatmap, Tile, heatmap};
use sweep_coordinator::plot::methods::{Chosen, Edge, Methods, Replicate, Row, TEST_ERROR, methods};
use sweep_coordinator::plot::terminal::{self, Characters, StripRow, Style};
use sweep_coordinator::plot::{Axis, Reference, Spread, number, render_png};

/// Made-up noise, −1 … 1.
fn noise(seed: usize) -> f64 {
    ((seed as f64 * 12.9898).sin() * 43_758.545_3).fract()
}

/// A method whose errors lie around `error`; the last `diverged` of them diverged, the first `inflated` are inflated.
fn row(
    group: &str,
    label: &str,
    chosen: &[(&str, &str, Option<Edge>)],
    error: f64,
    runs: usize,
    diverged: usize,
    inflated: usize,
) -> Row {
    let replicates = (0..runs)
        .map(|run| {
            let value = error * 10f64.powf(0.25 * noise(run + label.len() * 31 + group.len()));
            Replicate { value: (run + diverged < runs).then_some(value), inflated: run < inflated }
        })
        .collect();
    let chosen = chosen
        .iter()
        .map(|(name, value, edge)| Chosen { name: (*name).into(), value: (*value).into(), edge: *edge })
        .collect();
    let key = label.rsplit(" · ").next().unwrap_or(label);
    Row { group: group.into(), label: label.into(), key: key.into(), chosen, replicates }
}

fn answer(rows: Vec<Row>) -> Methods {
    Methods {
        title: "Sample data: does an explicit penalty replace depth?".into(),
        subtitle:
            "Matrix completion, 50 × 50, rank 2, 500 of 2500 entries observed; each method tuned over its own grid"
                .into(),
        caption: "Made-up numbers that show the layout.".into(),
        seeds: "seeds 100–107".into(),
        metric: TEST_ERROR.into(),
        baseline: Some(Reference { label: "minimum nuclear norm".into(), value: 0.177 }),
        rows,
    }
}

fn eight() -> Methods {
    use Edge::Greatest;
    answer(vec![
        row("depth 1", "gradient descent · no penalty", &[("lr", "1", None)], 1.0, 8, 0, 0),
        row(
            "depth 1",
            "gradient descent · ratio",
            &[("lr", "100", Some(Greatest)), ("λ", "0.1", Some(Greatest))],
            1.3,
            8,
            2,
            3,
        ),
        row("depth 1", "Adam · no penalty", &[("lr", "0.01", None)], 1.0, 8, 0, 0),
        row("depth 1", "Adam · ratio", &[("lr", "0.01", None), ("λ", "0.01", None)], 0.0085, 8, 0, 0),
        row("depth 3", "gradient descent · no penalty", &[("lr", "1", None)], 0.012, 8, 0, 0),
        row(
            "depth 3",
            "gradient descent · ratio",
            &[("lr", "0.3", None), ("λ", "0.001", Some(Edge::Least))],
            0.02,
            8,
            1,
            0,
        ),
        row("depth 3", "Adam · no penalty", &[("lr", "0.003", None)], 0.08, 8, 0, 0),
        row("depth 3", "Adam · ratio", &[("lr", "0.003", None), ("λ", "0.01", None)], 0.006, 8, 0, 0),
    ])
}

fn thirty() -> Methods {
    let optimizers = ["gd", "momentum", "rmsprop", "adam", "muon"];
    let penalties = ["none", "ratio", "nuclear"];
    let mut rows = Vec::new();
    for depth in 1..=2 {
        for (o, optimizer) in optimizers.iter().enumerate() {
            for (p, penalty) in penalties.iter().enumerate() {
                let chosen = [("lr", "0.01", None), ("λ", "0.001", (o == 3).then_some(Edge::Least))];
                let chosen = if p == 0 { &chosen[..1] } else { &chosen[..] };
                let error = 10f64.powf(-((o * 2 + p * 3 + depth * 5) as f64 % 11.0) + 1.5);
                rows.push(row(
                    &format!("depth {depth}"),
                    &format!("{optimizer} · {penalty}"),
                    chosen,
                    error,
                    20,
                    (o + p) % 3,
                    0,
                ));
            }
        }
    }
    answer(rows)
}

fn odd() -> Methods {
    let long = "orthogonal balanced init, plateau schedule, group_rmsprop with warm-up · Schatten-p quotient (p = ⅓, smoothed)";
    let mut rows = vec![
        row(
            "depth 2",
            long,
            &[("lr", "0.0003", None), ("λ", "3e-5", Some(Edge::Least)), ("β1", "0.95", None), ("ε", "1e-12", None)],
            3e-9,
            12,
            0,
            0,
        ),
        row("depth 2", "all diverged · ratio", &[("lr", "1000", Some(Edge::Greatest))], 1.0, 12, 12, 0),
        row("depth 2", "no runs yet · none", &[], 1.0, 0, 0, 0),
        row("depth 2", "<b>\"markup\" & more</b> · none", &[("lr", "0.1", None)], 0.3, 12, 0, 12),
        row("depth 2", "exact · none", &[("lr", "0.1", None)], 40.0, 12, 0, 0),
    ];
    rows[4].replicates[0].value = Some(0.0);
    answer(rows)
}

fn equal() -> Methods {
    let mut rows: Vec<Row> =
        ["gd", "adam", "muon"].iter().map(|o| row("", o, &[("lr", "0.1", None)], 1.0, 8, 0, 0)).collect();
    rows.iter_mut().flat_map(|row| &mut row.replicates).for_each(|run| run.value = Some(0.177));
    answer(rows)
}

/// Steps as a run records them: dense early, then geometric.
fn steps() -> Vec<f64> {
    let mut steps: Vec<f64> =
        (0..80).map(|k| if k < 10 { f64::from(k) } else { (10.0 * 1.1f64.powi(k - 10)).round() }).collect();
    steps.dedup();
    steps
}

fn loss() -> Curves {
    let run = |rate: f64, floor: f64, seed: usize| -> Vec<(f64, Option<f64>)> {
        let spread = 10f64.powf(0.3 * noise(seed));
        steps().iter().map(|&step| (step, Some(spread * ((1.0 + step * rate).powf(-1.3) + floor)))).collect()
    };
    let mut series: Vec<Series> = [
        ("gradient descent", 0.02, 0.4),
        ("momentum", 0.05, 0.012),
        ("Adam · ratio", 0.2, 0.0065),
        ("muon", 0.25, 0.0075),
    ]
    .iter()
    .map(|(label, rate, floor)| Series::over(label, &(0..9).map(|seed| run(*rate, *floor, seed)).collect::<Vec<_>>()))
    .collect();
    let diverges: Vec<_> = (0..9)
        .map(|seed| run(-1e-4, 1.2, seed).into_iter().map(|(s, v)| (s, v.filter(|_| s < 400.0))).collect())
        .collect();
    series.push(Series::over("sign_gd", &diverges));
    Curves {
        title: "Sample data: test error while training".into(),
        subtitle: "50 × 50, rank 2, 500 observed entries, depth 1".into(),
        caption: "n = 9 runs per method, seeds 0–8. Made-up numbers that show the layout.".into(),
        x: Axis { name: "step".into(), spread: Spread::Log },
        panels: vec![Panel {
            title: String::new(),
            y: Axis { name: TEST_ERROR.into(), spread: Spread::Log },
            references: vec![Reference { label: "minimum nuclear norm".into(), value: 0.177 }],
            series,
        }],
    }
}

fn rank() -> Curves {
    let points = |depth: f64| -> Vec<Vec<(f64, Option<f64>)>> {
        let run = |seed: usize| {
            (0..13)
                .map(|k| {
                    (
                        500.0 * f64::from(k),
                        Some(
                            2.0 + 30.0 / depth
                                * (-f64::from(k) * depth / 4.0).exp()
                                * (1.0 + 0.3 * noise(seed + k as usize)),
                        ),
                    )
                })
                .collect()
        };
        (0..7).map(run).collect()
    };
    Curves {
        title: "Sample data: effective rank by depth".into(),
        subtitle: String::new(),
        caption: "n = 7 runs per depth, seeds 0–6. Made-up numbers.".into(),
        x: Axis { name: "step".into(), spread: Spread::Linear },
        panels: vec![Panel {
            title: String::new(),
            y: Axis { name: "effective rank, exp(−Σ p ln p)".into(), spread: Spread::Linear },
            references: vec![Reference { label: "ground truth".into(), value: 1.97 }],
            series: (1..=4).map(|depth| Series::over(&format!("depth {depth}"), &points(f64::from(depth)))).collect(),
        }],
    }
}

/// Four things over the steps of one sweep.
fn four() -> Curves {
    let (loss, rank) = (loss(), rank());
    let series = |scale: f64, power: f64| -> Vec<Series> {
        let mut series = loss.panels[0].series.clone();
        for spot in series.iter_mut().flat_map(|s| &mut s.points) {
            for value in [&mut spot.lower, &mut spot.median, &mut spot.upper] {
                *value = value.map(|v| scale * v.powf(power));
            }
        }
        series
    };
    let panel = |title: &str, name: &str, spread, reference: Option<(&str, f64)>, series| Panel {
        title: title.into(),
        y: Axis { name: name.into(), spread },
        references: reference.map(|(label, value)| Reference { label: label.into(), value }).into_iter().collect(),
        series,
    };
    Curves {
        title: "Sample data: what happens while it trains".into(),
        x: Axis { name: "step".into(), spread: Spread::Log },
        panels: vec![
            panel("", TEST_ERROR, Spread::Log, Some(("minimum nuclear norm", 0.177)), series(1.0, 1.0)),
            panel("", "loss over observed entries", Spread::Log, None, series(30.0, 2.0)),
            panel("", "nuclear norm", Spread::Linear, Some(("ground truth", 71.0)), series(60.0, 0.1)),
            panel("", "effective rank", Spread::Linear, Some(("ground truth", 71.0)), series(20.0, 0.4)),
        ],
        ..rank
    }
}

/// One metric by an axis of few values, a panel for each depth.
fn by_axis(count: usize) -> Curves {
    let scales = [1e-4, 1e-3, 1e-2, 1e-1, 1.0];
    let series = |label: &str, k: usize, depth: usize| Series {
        label: label.into(),
        points: scales
            .iter()
            .enumerate()
            .map(|(i, &x)| {
                let y = 0.9 * (x * (k + 1) as f64).powf(0.18 * depth as f64) + 0.004;
                let spread = 1.2 + 0.4 * noise(i + 7 * k).abs();
                let lost = k == 2 && i == 4;
                let some = |y: f64| (!lost).then_some(y);
                Spot { x, lower: some(y / spread), median: some(y), upper: some(y * spread) }
            })
            .collect(),
        marks: true,
    };
    Curves {
        title: "Sample data: error by scale of the init".into(),
        subtitle: "50 × 50, rank 2, 500 observed entries".into(),
        caption: "n = 8 runs per point, seeds 0–7. Made-up numbers.".into(),
        x: Axis { name: "standard deviation of the init".into(), spread: Spread::Log },
        panels: (1..=count)
            .map(|depth| Panel {
                title: format!("depth {depth}"),
                y: Axis { name: TEST_ERROR.into(), spread: Spread::Log },
                references: vec![Reference { label: "minimum nuclear norm".into(), value: 0.177 }],
                series: ["gradient descent", "Adam", "muon"]
                    .iter()
                    .enumerate()
                    .map(|(k, label)| series(label, k, depth))
                    .collect(),
            })
            .collect(),
    }
}

/// A trajectory of 10 000 points with a spike and a gap.
fn long() -> Curves {
    let run: Vec<(f64, Option<f64>)> = (0..10_000)
        .map(|i| {
            let step = f64::from(i);
            let value =
                (1.0 + 0.01 * step).powf(-1.2) * (1.0 + 0.3 * noise(i as usize)) + if i == 7000 { 0.5 } else { 0.0 };
            (step, (!(4000..4200).contains(&i)).then_some(value))
        })
        .collect();
    let series = vec![Series::over("seed 0", &[run])];
    let y = Axis { name: "loss".into(), spread: Spread::Log };
    Curves {
        title: "Sample data: a long trajectory".into(),
        panels: vec![Panel { title: "linear steps".into(), y, references: Vec::new(), series }],
        ..rank()
    }
}

/// Round numbers by equal ratios.
fn decades(count: usize, from: f64, to: f64) -> Vec<String> {
    let step = (to - from) / (count.max(2) - 1) as f64;
    (0..count).map(|k| number(10f64.powf(from + step * k as f64), 1)).collect()
}

/// A tile of which all cells are done.
fn tile(x: usize, y: usize, value: Option<f64>) -> Tile {
    let (across, down, running, failed, diverged, inflated, href) = (0, 0, 0, 0, 0, 0, None);
    Tile { x, y, across, down, value, cells: 4, done: 4, running, failed, diverged, inflated, href }
}

fn grid(columns: usize, rows: usize) -> Heatmap {
    let tiles = (0..columns * rows)
        .map(|i| {
            let (x, y) = ((i % columns) as f64 / columns as f64, (i / columns) as f64 / rows as f64);
            let error = 10f64.powf(8.0 * ((x - 0.55).powi(2) + (y - 0.5).powi(2)) - 2.2 + 0.1 * noise(i));
            let lost = x > 0.85 && y > 0.5;
            let tile = tile(i % columns, i / columns, (!lost).then_some(error));
            if i % columns == 0 && i / columns > rows * 3 / 5 {
                return Tile { value: None, done: 0, ..tile };
            }
            Tile { diverged: u32::from(x > 0.7 && y > 0.4), inflated: u32::from(y > 0.65), ..tile }
        })
        .collect();
    Heatmap {
        title: "Sample data: Adam with the ratio penalty, λ against learning rate".into(),
        subtitle: "50 × 50, rank 2, 500 observed entries, depth 1".into(),
        caption: "Colour: median over n = 4 runs per cell, seeds 0–3. Made-up numbers that show the layout.".into(),
        x: Category { name: "learning rate".into(), values: decades(columns, -4.0, 0.5) },
        y: Category { name: "λ".into(), values: decades(rows, -4.0, 0.0) },
        across: None,
        down: None,
        metric: Axis { name: "relative test error".into(), spread: Spread::Log },
        word: "median",
        range: None,
        contour: None,
        tiles,
    }
}

/// A sweep of which about half is done, with everything that can be.
fn live() -> Heatmap {
    let (columns, rows) = (9, 7);
    let mut data = grid(columns, rows);
    for (i, tile) in data.tiles.iter_mut().enumerate() {
        (tile.cells, tile.done, tile.diverged, tile.inflated) = (10, 10, 0, 0);
        let (x, y) = (i % columns, i / columns);
        tile.href = Some(format!("#tile-{x}-{y}"));
        tile.inflated = if y == 6 { 3 } else { 0 };
        tile.diverged = if x > 6 && y > 3 { 2 } else { 0 };
        let gone = (i * 7) % 23;
        if i > 40 || gone < 3 {
            tile.done = [0, 0, 0, 8, 0, 1, 0, 5, 0, 0, 0][i % 11];
            tile.running = [0, 3, 0, 2, 0, 1, 0, 1, 0, 0, 0][i % 11];
            tile.value = tile.value.filter(|_| tile.done > 0);
            (tile.diverged, tile.inflated) = (0, tile.inflated.min(tile.done));
        }
        if i == 30 || i == 12 {
            (tile.value, tile.done, tile.failed, tile.running) = (None, 0, 10, 0);
        }
        if i == 22 || i == 3 {
            (tile.failed, tile.done, tile.running) = (2, 8, 0);
        }
    }
    Heatmap {
        title: "Sample data: a sweep at work".into(),
        contour: Some(Contour { level: 0.177, label: "as good as minimum nuclear norm".into() }),
        ..data
    }
}

/// Success by rank and samples, a fixed range, a line at one half.
fn phase(columns: usize, rows: usize, across: usize, down: usize) -> Heatmap {
    let mut tiles = Vec::new();
    for d in 0..down {
        for a in 0..across {
            for i in 0..columns * rows {
                let (x, y) = (i % columns, i / columns);
                let (samples, rank) = ((x + 1) as f64 / columns as f64, (y + 1) as f64 / rows as f64);
                let need = (0.15 + rank) / (0.7 + 0.35 * a as f64) + 0.1 * d as f64;
                let share = 1.0 / (1.0 + ((need - samples) * 16.0 + 1.2 * noise(i + 97 * a + 31 * d)).exp());
                let share = (share * 10.0).round() / 10.0;
                tiles.push(Tile { across: a, down: d, cells: 10, done: 10, ..tile(x, y, Some(share)) });
            }
        }
    }
    let counted =
        |name: &str, count: usize| Category { name: name.into(), values: (1..=count).map(|k| k.to_string()).collect() };
    Heatmap {
        title: "Sample data: exact recovery by rank and number of samples".into(),
        subtitle: "50 × 50, gradient descent from a small balanced init".into(),
        caption: "Colour: share of 10 runs with a relative test error below 10⁻³, seeds 0–9. Made-up numbers.".into(),
        x: Category {
            name: "observed entries".into(),
            values: (1..=columns).map(|k| (2500 * k / columns).to_string()).collect(),
        },
        y: Category { name: "rank".into(), values: (1..=rows).map(|k| k.to_string()).collect() },
        across: (across > 1).then(|| counted("depth", across)),
        down: (down > 1).then(|| Category {
            name: "optimizer".into(),
            values: ["gd", "momentum", "adam", "muon", "sign_gd", "rmsprop", "lion", "group_rmsprop"][..down]
                .iter()
                .map(|&s| s.into())
                .collect(),
        }),
        metric: Axis { name: "share of successful runs".into(), spread: Spread::Linear },
        word: "median",
        range: Some((0.0, 1.0)),
        contour: Some(Contour { level: 0.5, label: "success in half of the runs".into() }),
        tiles,
    }
}

fn named() -> Heatmap {
    let penalties = ["none", "nuclear", "frobenius_squared", "ratio", "schatten_half_quotient"];
    let optimizers = ["gd", "momentum", "adam", "muon", "normalised_gd", "group_rmsprop"];
    let sample = grid(optimizers.len(), penalties.len());
    Heatmap {
        title: "Sample data: optimizer × penalty".into(),
        x: Category { name: "optimizer".into(), values: optimizers.iter().map(|&s| s.into()).collect() },
        y: Category { name: "penalty".into(), values: penalties.iter().map(|&s| s.into()).collect() },
        ..sample
    }
}

/// The rows of a table of methods.
fn summaries() -> Vec<StripRow> {
    let row = |label: &str, lower, median, upper| StripRow { label: label.into(), lower, median, upper };
    vec![
        row("adam · ratio", Some(0.0051), Some(0.0062), Some(0.0078)),
        row("gradient descent · none, depth 3", Some(0.009), Some(0.012), Some(0.031)),
        row("muon · nuclear", Some(0.08), Some(0.1), None),
        row("sign_gd · ratio", Some(0.4), None, None),
        row("momentum · schatten_half_quotient", None, None, None),
    ]
}

fn main() -> Result<(), Box<dyn Error>> {
    let directory = PathBuf::from(std::env::args().nth(1).ok_or("usage: plots DIRECTORY")?);
    fs::create_dir_all(&directory)?;
    let pictures = [
        ("methods", methods(&eight())),
        ("methods-30", methods(&thirty())),
        ("methods-odd", methods(&odd())),
        ("methods-equal", methods(&equal())),
        ("methods-empty", methods(&answer(Vec::new()))),
        ("curves", curves(&loss())),
        ("curves-linear", curves(&rank())),
        ("heatmap", heatmap(&grid(10, 8))),
        ("heatmap-names", heatmap(&named())),
        ("heatmap-fine", heatmap(&grid(48, 40))),
        ("heatmap-live", heatmap(&live())),
        ("heatmap-phase", heatmap(&phase(20, 16, 1, 1))),
        ("heatmap-facets", heatmap(&phase(8, 6, 3, 2))),
        ("heatmap-many", heatmap(&phase(12, 10, 8, 8))),
        ("heatmap-one", heatmap(&phase(1, 1, 1, 1))),
        ("curves-four", curves(&four())),
        ("curves-marks", curves(&by_axis(1))),
        ("curves-panels", curves(&by_axis(5))),
        ("curves-long", curves(&long())),
    ];
    for (name, svg) in &pictures {
        fs::write(directory.join(format!("{name}.svg")), svg)?;
        fs::write(directory.join(format!("{name}.png")), render_png(svg, 1.5)?)?;
    }
    let trajectory: Vec<(u64, Option<f64>)> = steps()
        .iter()
        .map(|&step| (step as u64, (!(60.0..90.0).contains(&step)).then_some((1.0 + 0.1 * step).powf(-1.2) + 0.006)))
        .collect();
    for characters in [Characters::Unicode, Characters::Ascii] {
        let style = Style { width: 72, height: 16, steps: Spread::Log, values: Spread::Log, characters };
        println!("{}", terminal::plot("sample data: test_rel", &trajectory, style));
        let values: Vec<Option<f64>> = trajectory.iter().map(|(_, value)| *value).collect();
        println!("{}\n", terminal::sparkline(&values, 40, Spread::Log, characters));
        println!("{}", terminal::strip(&summaries(), style));
        println!("{}\n{}", terminal::tiles(&live(), style), terminal::tiles(&phase(12, 6, 2, 1), style));
    }
    Ok(())
}
