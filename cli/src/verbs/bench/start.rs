//! `sweep bench start`: how long this program takes to start, and what it needs where it waits.

use super::process::Process;
use super::stage::Stage;
use super::{latency, number};
use crate::args::{DEFAULT_DB, Start};
use crate::failure::{Failure, Result};
use crate::output::{self, Format, Part, Table};
use anyhow::Context;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// After this long a coordinator has nothing left to do of its start.
const SETTLED: Duration = Duration::from_millis(500);

/// Prints all three.
///
/// # Errors
/// [`Failure::Internal`] where this program cannot be started.
pub async fn run(asked: &Start, format: Format) -> Result {
    let (mut help, mut first, mut again, mut most) = (Vec::new(), Vec::new(), Vec::new(), None::<f64>);
    for _ in 0..asked.times {
        let program = std::env::current_exe();
        let started = Instant::now();
        let said = program.and_then(|program| Command::new(program).arg("--help").stdin(Stdio::null()).output());
        let said = said.context("failed to start this program").map_err(Failure::Internal)?;
        help.push(started.elapsed().as_secs_f64());
        if !said.status.success() {
            return Err(super::missed(format!("sweep --help ended with {}", said.status)));
        }
        let stage = Stage::new(DEFAULT_DB).await?;
        // No database: the coordinator makes it.
        stage.clear().await?;
        let process = Process::start(&stage, None).await?;
        first.push(process.ready.as_secs_f64());
        process.kill()?;
        let process = Process::start(&stage, None).await?;
        again.push(process.ready.as_secs_f64());
        tokio::time::sleep(SETTLED).await;
        most = most.into_iter().chain(process.resident()).reduce(f64::max);
    }
    let mut times = Table::new(&["milliseconds", "p50", "p90", "p99"]);
    times.rows.push(latency("sweep --help", help));
    times.rows.push(latency("sweep coordinator serves, new database", first));
    times.rows.push(latency("sweep coordinator serves, after a kill", again));
    let memory = vec![("coordinator_mib_idle", number(most.map(|bytes| bytes / f64::from(1 << 20))))];
    output::print(format, &[Part::Table("start", times), Part::Record("memory", memory)])
}
