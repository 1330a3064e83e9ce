//! `sweep bench dispatch`: cells that take no time, handed out and recorded over the network of this machine.

use super::crew::{Crew, singles};
use super::process::{Process, cpu_seconds};
use super::stage::Stage;
use super::{check, latency, missed, number, sweep};
use crate::args::{BenchWorkers, Dispatch};
use crate::failure::Result;
use crate::output::{self, Format, Part, Table};
use std::time::{Duration, Instant};
use sweep_coordinator::store::Datum;

/// Steps of a cell that is leased alone: forecast to take longer than what is on the way to a slot.
const LONG_STEPS: u64 = 10_000_000;
/// After this long a coordinator has nothing left to do of its start.
const SETTLED: Duration = Duration::from_millis(300);

/// What was measured of one sweep.
pub struct Measured {
    /// Seconds between the submission and the first lease.
    pub first_lease: Option<f64>,
    /// Between the submission and the word that the last outcome is durable.
    pub seconds: f64,
    /// CPU seconds of the coordinator meanwhile.
    pub coordinator: Option<f64>,
    /// Of this process, workers and their links.
    pub workers: Option<f64>,
}

/// Submits a sweep of `cells` and waits until every outcome is durable.
///
/// # Errors
/// What the coordinator and the workers say.
pub async fn measure(process: &Process, stage: &Stage, cells: u64, by: BenchWorkers) -> Result<Measured> {
    let mut crew = Crew::gather(process, stage, by.workers, by.slots).await?;
    let mut users = process.users(stage).await?;
    let source = sweep("bench", cells, 1_000);
    let (coordinator, workers) = (process.cpu_seconds(), cpu_seconds("self"));
    let started = Instant::now();
    users.submit(&source, &std::collections::BTreeMap::new(), &[], false, cells).await?;
    crew.durable(cells).await?;
    let seconds = started.elapsed().as_secs_f64();
    let spent = |before: Option<f64>, now: Option<f64>| Some(now? - before?);
    let measured = Measured {
        first_lease: crew.first().map(|first| (first - started).as_secs_f64()),
        seconds,
        coordinator: spent(coordinator, process.cpu_seconds()),
        workers: spent(workers, cpu_seconds("self")),
    };
    crew.dismiss().await?;
    Ok(measured)
}

/// Prints what was measured.
///
/// # Errors
/// [`Failure::Mistake`](crate::failure::Failure::Mistake) for a database of no use; what is stored must agree with itself.
pub async fn run(db: &str, asked: &Dispatch, format: Format) -> Result {
    let stage = Stage::new(db).await?;
    let process = Process::start(&stage, None).await?;
    tokio::time::sleep(SETTLED).await;
    let idle = process.resident();
    let measured = measure(&process, &stage, asked.cells, asked.by).await?;
    let (end, peak) = (process.resident(), process.peak());

    let mut users = process.users(&stage).await?;
    let long = sweep("bench-single", asked.singles, LONG_STEPS);
    users.submit(&long, &std::collections::BTreeMap::new(), &[], false, asked.singles).await?;
    let mut latencies = Table::new(&["latency_ms", "p50", "p90", "p99"]);
    latencies.rows.push(latency("lease + outcome, one at a time", singles(&process, &stage, asked.singles).await?));
    latencies.rows.push(latency("flush of 4 KiB to the same disk", stage.flushes()?));
    let (checks, wrong) = check(&mut users).await?;

    let cells = asked.cells as f64;
    let each = |seconds: Option<f64>| number(seconds.map(|s| 1e6 * s / cells));
    let mib = |bytes: Option<f64>| number(bytes.map(|bytes| bytes / f64::from(1 << 20)));
    let mut record = stage.described();
    record.extend([
        ("cells", Datum::Int(asked.cells as i64)),
        ("workers", Datum::Int(asked.by.workers.into())),
        ("slots_each", Datum::Int(asked.by.slots.into())),
        ("seconds", Datum::Float(measured.seconds)),
        ("cells_per_second", Datum::Float(cells / measured.seconds)),
        ("coordinator_cpu_us_per_cell", each(measured.coordinator)),
        ("workers_cpu_us_per_cell", each(measured.workers)),
        ("coordinator_mib_idle", mib(idle)),
        ("coordinator_mib_at_the_end", mib(end)),
        ("coordinator_mib_peak", mib(peak)),
        ("fsck_wrong", Datum::Int(wrong as i64)),
    ]);
    output::print(
        format,
        &[Part::Record("dispatch", record), Part::Table("latency", latencies), Part::Table("fsck", checks)],
    )?;
    let counted = "counted: CPU of the coordinator process alone, all its threads, system calls included (a server of Postgres \
                   apart); every outcome was acknowledged after its commit";
    output::note(format, format!("\n{counted}"))?;
    drop(process);
    stage.clear().await?;
    if wrong > 0 { Err(missed(format!("fsck found {wrong} things wrong with what was stored"))) } else { Ok(()) }
}
