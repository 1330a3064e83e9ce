//! `sweep bench eta`: whether the time left, as told early in a sweep, is the time that it then takes; and whether the order of
//! cells keeps all slots busy to the end.
//!
//! Simulated sweeps go through the real schedule and its forecasts, on a clock that is moved by hand. The durations differ
//! from the forecasts as they do in life: by a factor of the machine, one of each method, one of each method at each size,
//! and from cell to cell; all drawn from a stated range, the same in every run.

use super::missed;
use crate::args::Eta;
use crate::failure::{Failure, Result};
use crate::output::{self, Format, Part, Table};
use crate::threads;
use anyhow::Context;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;
use std::time::{Duration, Instant};
use sweep_coordinator::clock::SystemClock;
use sweep_coordinator::dispatch::{Dispatcher, Submission};
use sweep_coordinator::schedule::{self, Order, Schedule, Span};
use sweep_coordinator::store::{Datum, Limits};
use sweep_core::sweep::{MAX_CELLS, Sweep};
use sweep_core::trial::Inputs;
use sweep_worker::{Settings, machine};
use tokio::sync::watch;

/// The share of the work after which the time left must be right.
const EARLY: f64 = 0.05;
/// By how much it may be wrong.
const MOST_WRONG: f64 = 0.10;
/// How much longer than its bound a sweep may take.
const MOST_IDLE: f64 = 0.05;
/// Between two looks at a real sweep.
const LOOK: Duration = Duration::from_millis(20);

/// A sweep of small and large problems, several methods, and baselines.
const MIXED: &str = r#"
name = "mixed"
[problem]
n = [50, 100, 200]
rank = [2, 5]
samples_dof = [3, 5]
[train]
steps = [2000, 10000]
depth = [1, 2, 3]
init_scale = 0.1
[[optimizer]]
name = "gd"
lr = [0.1, 0.3, 1]
[[optimizer]]
name = "adam"
lr = [1e-3, 1e-2]
[[optimizer]]
name = "muon"
lr = 1e-2
[[penalty]]
name = "none"
[[penalty]]
name = "ratio"
lambda = [1e-3, 1e-2]
[[penalty]]
name = "schatten"
schatten_p = 0.5
lambda = 1e-3
[[baseline]]
name = "minimum_nuclear"
[[baseline]]
name = "als"
[replicate]
count = 5
"#;

/// What is trained: half a minute of two cores.
const REAL: &str = include_str!("../../../../sweeps/bench/mixed.toml");

/// How a sweep went.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Went {
    /// Cells, and core seconds of all of them.
    cells: u64,
    work: f64,
    /// Seconds from its begin to its end.
    makespan: f64,
    /// What no order could be below: [`bound`].
    bound: f64,
    /// The time left as told after [`EARLY`] of the work, and as it then was.
    told: f64,
    was: f64,
}

impl Went {
    fn error(&self) -> f64 {
        self.told / self.was - 1.0
    }

    fn idle(&self) -> f64 {
        self.makespan / self.bound - 1.0
    }

    fn is_within(&self) -> bool {
        self.error().abs() <= MOST_WRONG && self.idle() <= MOST_IDLE
    }

    fn row(&self, name: &str) -> Vec<Datum> {
        vec![
            Datum::Text(name.to_owned()),
            Datum::Int(self.cells as i64),
            Datum::Float(self.work),
            Datum::Float(self.told),
            Datum::Float(self.was),
            Datum::Float(100.0 * self.error()),
            Datum::Float(self.makespan),
            Datum::Float(self.bound),
            Datum::Float(100.0 * self.idle()),
        ]
    }
}

/// The least time that cells of these durations can take on `slots`: no less than their sum shared out, and no less than
/// the longest of them.
fn bound(durations: &[f64], slots: usize) -> f64 {
    let longest = durations.iter().copied().fold(0.0, f64::max);
    longest.max(durations.iter().sum::<f64>() / slots as f64)
}

/// Prints how each sweep went.
///
/// # Errors
/// [`Failure::Internal`] where one is out of its bounds.
pub async fn run(asked: &Eta, format: Format) -> Result {
    let columns =
        ["sweep", "cells", "work_s", "told_s", "was_s", "error_percent", "makespan_s", "bound_s", "over_bound_percent"];
    let mut table = Table::new(&columns);
    let mut all = Vec::new();
    let sweep = parsed(MIXED)?;
    let spans = schedule::spans(&sweep, &Inputs::new());
    for seed in 0..asked.sweeps {
        let went = simulated(&spans, usize::from(asked.slots), &mut Chance(seed));
        table.rows.push(went.row(&format!("simulated {seed}")));
        all.push(went);
    }
    if asked.real {
        let went = real().await?;
        table.rows.push(went.row("real"));
        all.push(went);
    }
    let within = all.iter().filter(|went| went.is_within()).count();
    let worst = |of: fn(&Went) -> f64| Datum::Float(100.0 * all.iter().map(of).fold(f64::MIN, f64::max));
    let record = vec![
        ("sweeps", Datum::Int(all.len() as i64)),
        ("within_bounds", Datum::Int(within as i64)),
        ("worst_error_percent", worst(|went| went.error().abs())),
        ("worst_over_bound_percent", worst(Went::idle)),
    ];
    output::print(format, &[Part::Table("sweeps", table), Part::Record("eta", record)])?;
    if within == all.len() {
        return Ok(());
    }
    Err(missed(format!(
        "{} of {} sweeps are out of bounds; allowed: a time left within {} % after {} % of the work, and a sweep at most {} % \
         longer than its bound",
        all.len() - within,
        all.len(),
        100.0 * MOST_WRONG,
        100.0 * EARLY,
        100.0 * MOST_IDLE
    )))
}

fn parsed(source: &str) -> Result<Sweep> {
    let wrong = |found: Vec<_>| missed(format!("the mixed sweep is not accepted: {found:?}"));
    Sweep::parse(source.as_bytes(), MAX_CELLS).map_err(wrong)
}

/// Numbers by chance, the same for the same seed (SplitMix64: Steele, Lea & Flood, 2014).
struct Chance(u64);

impl Chance {
    /// Between 0 and 1.
    fn share(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Between `least` and `most`, as likely between 1 and 2 as between 2 and 4.
    fn factor(&mut self, least: f64, most: f64) -> f64 {
        least * (most / least).powf(self.share())
    }

    /// Log-normal about 1 with this deviation of its logarithm (Box & Muller, 1958).
    fn noise(&mut self, deviation: f64) -> f64 {
        let (u, v) = (1.0 - self.share(), self.share());
        (deviation * (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()).exp()
    }
}

/// The duration of every cell of `spans`.
fn durations(spans: &[Span], chance: &mut Chance) -> Vec<f64> {
    let machine = chance.factor(0.4, 2.5);
    let mut kinds: BTreeMap<&str, f64> = BTreeMap::new();
    let mut all = Vec::new();
    for span in spans {
        let kind = *kinds.entry(&span.kind).or_insert_with(|| chance.factor(0.5, 2.0));
        let size = chance.factor(0.8, 1.25);
        all.extend((0..span.len).map(|_| span.seconds * machine * kind * size * chance.noise(0.1)));
    }
    all
}

/// Runs the schedule of `spans` on `slots`, with durations drawn from `chance`.
fn simulated(spans: &[Span], slots: usize, chance: &mut Chance) -> Went {
    let durations = durations(spans, chance);
    let mut schedule = Schedule::new(Order::LongestFirst);
    spans.iter().for_each(|span| schedule.add(span.clone(), 0));
    let work: f64 = durations.iter().sum();
    let (mut now, mut done, mut told) = (0.0, 0.0, None);
    // What runs, the first to end on top. Times are finite and not negative: their bits are in their order.
    let mut running: BinaryHeap<Reverse<(u64, u64)>> = BinaryHeap::new();
    loop {
        while running.len() < slots
            && let Some((cell, _)) = schedule.take()
        {
            running.push(Reverse(((now + durations[cell as usize]).to_bits(), cell)));
        }
        let Some(Reverse((end, cell))) = running.pop() else { break };
        now = f64::from_bits(end);
        done += durations[cell as usize];
        schedule.done(cell, durations[cell as usize]);
        if told.is_none() && done >= EARLY * work {
            told = Some((now, schedule.seconds_left() / slots as f64));
        }
    }
    let (at, told) = told.unwrap_or((now, 0.0));
    let cells = durations.len() as u64;
    Went { cells, work, makespan: now, bound: bound(&durations, slots), told, was: now - at }
}

/// Trains the small sweep on every core, as `sweep run` does.
async fn real() -> Result<Went> {
    let internal = |error: anyhow::Error| Failure::Internal(error);
    threads::set_blas(1)?;
    let stage = super::stage::Stage::new(crate::args::DEFAULT_DB).await?;
    let store = crate::session::writing(&stage.db).await?;
    let dispatcher = Arc::new(Dispatcher::open(store, Arc::new(SystemClock)).await?);
    let slots = machine::cores();
    let provenance = machine::provenance(crate::COMMIT);
    let link = dispatcher.connect("bench", &provenance, slots as u32, slots as u32).await?;
    let (_drain, drained) = watch::channel(false);
    let started = Instant::now();
    let id = dispatcher.submit(parsed(REAL)?, REAL, &BTreeMap::new(), &Submission::default()).await?;
    let mut worker = tokio::spawn(sweep_worker::run(link, Settings { slots, ..Settings::default() }, drained));
    // Seconds since the start, core seconds of what is done, seconds left as told.
    let mut looks: Vec<(f64, f64, f64)> = Vec::new();
    let ended = loop {
        tokio::select! {
            ended = &mut worker => break ended,
            () = tokio::time::sleep(LOOK) => {
                let now = dispatcher.progress(&id).await;
                let left = now.core_seconds_left / slots as f64;
                looks.push((started.elapsed().as_secs_f64(), now.seconds.0 + now.seconds.1, left));
            }
        }
    };
    let makespan = started.elapsed().as_secs_f64();
    ended.context("failed to run the worker").map_err(internal)?.context("failed to work").map_err(internal)?;
    let query = "SELECT wall_seconds + recording_seconds FROM results";
    let rows = dispatcher.store().query(query, &Limits { rows: 100_000, time: Duration::from_secs(60) }).await?.rows;
    dispatcher.store().clone().close().await;
    let seconds = |row: &Vec<Datum>| match row.first() {
        Some(Datum::Float(seconds)) => *seconds,
        _ => 0.0,
    };
    let durations: Vec<f64> = rows.iter().map(seconds).collect();
    let work: f64 = durations.iter().sum();
    let early = looks.iter().find(|(_, done, _)| *done >= EARLY * work);
    let (at, _, told) = *early.context("the sweep was over before it was looked at").map_err(internal)?;
    let cells = durations.len() as u64;
    Ok(Went { cells, work, makespan, bound: bound(&durations, slots), told, was: makespan - at })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_order_is_below_the_bound() {
        // 2 slots: 12 s shared out are 6 s; but one cell alone takes 8.
        assert_eq!(bound(&[4.0, 4.0, 4.0], 2), 6.0);
        assert_eq!(bound(&[8.0, 2.0, 2.0], 2), 8.0);
        assert_eq!(bound(&[], 2), 0.0);
    }

    #[test]
    fn a_sweep_whose_forecasts_are_right_is_told_right() {
        let span = |start, len, seconds| Span { start, len, replicates: 1, seconds, kind: "gd".to_owned() };
        let spans = [span(0, 40, 2.0), span(40, 100, 1.0)];
        let exact = |seed| {
            let went = simulated(&spans, 3, &mut Chance(seed));
            // A factor of the machine and of the method is common to all; sizes and noise remain.
            assert!(went.makespan >= went.bound && went.idle() < 0.05 && went.error().abs() < 0.3, "{went:?}");
            went
        };
        assert_eq!(exact(1), exact(1));
        assert_ne!(exact(1).work, exact(2).work);
    }

    #[test]
    fn what_is_out_of_bounds_is_seen() {
        let went = Went { cells: 1, work: 1.0, makespan: 104.0, bound: 100.0, told: 109.0, was: 100.0 };
        assert!(went.is_within());
        assert!(!Went { told: 111.0, ..went }.is_within() && !Went { told: 89.0, ..went }.is_within());
        assert!(!Went { makespan: 106.0, ..went }.is_within());
    }
}
