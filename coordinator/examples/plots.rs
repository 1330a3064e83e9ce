//! Draws samples of every picture, with made-up numbers, as SVG and PNG.
//!
//!     cargo run --release -p sweep-coordinator --example plots -- DIRECTORY

use std::error::Error;
use std::fs;
use std::path::PathBuf;

use sweep_coordinator::plot::curves::{Curves, Panel, Series, curves};
use sweep_coordinator::plot::heatmap::{Category, Heatmap, Tile, heatmap};
use sweep_coordinator::plot::methods::{Chosen, Edge, Methods, Replicate, Row, TEST_ERROR, methods};
use sweep_coordinator::plot::terminal::{self, Characters, Style};
use sweep_coordinator::plot::{Axis, Reference, Spread, render_png};

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

fn grid(columns: usize, rows: usize) -> Heatmap {
    let tiles = (0..columns * rows)
        .filter(|i| !(i % columns == 0 && i / columns > rows * 3 / 5))
        .map(|i| {
            let (x, y) = ((i % columns) as f64 / columns as f64, (i / columns) as f64 / rows as f64);
            let error = 10f64.powf(8.0 * ((x - 0.55).powi(2) + (y - 0.5).powi(2)) - 2.2 + 0.1 * noise(i));
            let lost = x > 0.85 && y > 0.5;
            Tile {
                x: i % columns,
                y: i / columns,
                across: 0,
                down: 0,
                value: (!lost).then_some(error),
                cells: 4,
                done: 4,
                running: 0,
                failed: 0,
                diverged: u32::from(x > 0.7 && y > 0.4),
                inflated: u32::from(y > 0.65),
                href: None,
            }
        })
        .collect();
    let decades = |count: usize, from: f64, to: f64| -> Vec<String> {
        (0..count)
            .map(|k| sweep_coordinator::plot::number(10f64.powf(from + (to - from) * k as f64 / (count - 1) as f64), 1))
            .collect()
    };
    Heatmap {
        title: "Sample data: Adam with the ratio penalty, λ against learning rate".into(),
        subtitle: "50 × 50, rank 2, 500 observed entries, depth 1".into(),
        caption: "n = 4 runs per cell, seeds 0–3. Made-up numbers that show the layout.".into(),
        x: Category { name: "learning rate".into(), values: decades(columns, -4.0, 0.5) },
        y: Category { name: "λ".into(), values: decades(rows, -4.0, 0.0) },
        across: None,
        down: None,
        metric: Axis { name: "relative test error".into(), spread: Spread::Log },
        range: None,
        contour: None,
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
    }
    Ok(())
}
