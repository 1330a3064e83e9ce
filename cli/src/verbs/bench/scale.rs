//! `sweep bench scale`: sweeps of 1,000 cells and more: whether the rate depends on the size.

use super::crew::Crew;
use super::dispatch::measure;
use super::process::Process;
use super::stage::Stage;
use super::{check, missed, number, sweep};
use crate::args::Scale;
use crate::failure::Result;
use crate::output::{self, Format, Part, Table};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use sweep_coordinator::store::Datum;

/// Cells of the smallest sweep.
const LEAST: u64 = 1_000;
/// A sweep that is over too soon to be timed is repeated until so many cells were handed out; the rate is that of all.
const TIMED: u64 = 20_000;
/// After this long a coordinator has nothing left to do of its start.
const SETTLED: Duration = Duration::from_millis(300);

/// Prints the rate of each size, and what an untouched sweep costs.
///
/// # Errors
/// As `sweep bench dispatch`.
pub async fn run(db: &str, asked: &Scale, format: Format) -> Result {
    let stage = Stage::new(db).await?;
    let mut rates = Table::new(&[
        "cells",
        "cells_per_second",
        "ratio",
        "coordinator_cpu_us_per_cell",
        "first_lease_ms",
        "fsck_wrong",
    ]);
    let (mut least, mut wrong_in_all, mut longest) = (None, 0, None);
    let sizes = std::iter::successors(Some(asked.max_cells), |&cells| (cells / 10 >= LEAST).then_some(cells / 10));
    for cells in sizes.collect::<Vec<_>>().into_iter().rev() {
        let (mut seconds, mut cpu, mut times, mut wrong) = (0.0, Some(0.0), 0, 0);
        while times == 0 || times * cells < TIMED {
            let process = Process::start(&stage, None).await?;
            let measured = measure(&process, &stage, cells, asked.by).await?;
            seconds += measured.seconds;
            cpu = cpu.and_then(|cpu| Some(cpu + measured.coordinator?));
            longest = measured.first_lease;
            times += 1;
            wrong += check(&mut process.users(&stage).await?).await?.1;
            drop(process);
            stage.clear().await?;
        }
        let all = (cells * times) as f64;
        let rate = all / seconds;
        let ratio = rate / *least.get_or_insert(rate);
        wrong_in_all += wrong;
        rates.rows.push(vec![
            Datum::Int(cells as i64),
            Datum::Float(rate),
            Datum::Float(ratio),
            number(cpu.map(|cpu| 1e6 * cpu / all)),
            number(longest.map(|seconds| 1e3 * seconds)),
            Datum::Int(wrong as i64),
        ]);
    }
    let untouched = untouched(&stage, asked).await?;
    let mut record = stage.described();
    record.extend(untouched);
    output::print(format, &[Part::Record("scale", record), Part::Table("rates", rates)])?;
    stage.clear().await?;
    if wrong_in_all > 0 {
        return Err(missed(format!("fsck found {wrong_in_all} things wrong with what was stored")));
    }
    Ok(())
}

/// What the largest sweep costs before a cell of it was touched, and how soon its leases flow again after a coordinator
/// was killed in the middle of it.
async fn untouched(stage: &Stage, asked: &Scale) -> Result<Vec<(&'static str, Datum)>> {
    let process = Process::start(stage, None).await?;
    let mut users = process.users(stage).await?;
    let submit = async |users: &mut crate::remote::Coordinator, name: &str, cells: u64| {
        users.submit(&sweep(name, cells, 1_000), &BTreeMap::new(), &[], false, cells).await
    };
    // The first submission costs what every later one shares.
    submit(&mut users, "bench-first", LEAST).await?;
    tokio::time::sleep(SETTLED).await;
    let before = process.resident();
    submit(&mut users, "bench", asked.max_cells).await?;
    tokio::time::sleep(SETTLED).await;
    let grown = process.resident().zip(before).map(|(now, before)| (now - before).max(0.0));
    let each_million = grown.map(|bytes| bytes / f64::from(1 << 20) / (asked.max_cells as f64 / 1e6));

    let mut crew = Crew::gather(&process, stage, asked.by.workers, asked.by.slots).await?;
    crew.durable(LEAST + asked.max_cells / 10).await?;
    drop(users);
    let url = process.kill()?;
    let killed = Instant::now();
    crew.forget();
    let process = Process::start(stage, Some(&url)).await?;
    let leases = crew.lease().await?;
    let record = vec![
        ("mib_per_million_untouched", number(each_million)),
        ("restart_to_serving_ms", Datum::Float(1e3 * process.ready.as_secs_f64())),
        ("restart_to_leases_ms", Datum::Float(1e3 * (leases - killed).as_secs_f64())),
    ];
    // Dropped, workers end without a word; what they held is taken away with the database.
    drop(crew);
    drop(process);
    Ok(record)
}
