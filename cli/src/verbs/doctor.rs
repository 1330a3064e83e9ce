//! `sweep doctor`: whether all is well with this machine, and with a coordinator or a database.

use crate::args::Remote;
use crate::failure::{Failure, Result};
use crate::output::{self, Format, Part, Table};
use crate::{remote, session};
use std::time::Instant;
use sweep_coordinator::clock::{Clock, SystemClock};
use sweep_coordinator::doctor::{self, Finding, State};
use sweep_coordinator::store::Datum;
use sweep_core::train::blas;
use sweep_core::trial::REVISION;
use sweep_proto::v1::upkeep_client::UpkeepClient;
use sweep_proto::{PROTOCOL, v1};
use sweep_worker::machine;

/// Two clocks further apart than this make logs of two machines hard to read; nothing else depends on them.
const CLOCKS_MS: i64 = 2_000;
/// Less memory than this for each core is little for a slot on it.
const MEMORY_PER_CORE: u64 = 512 << 20;

/// Prints a line for everything that was looked at.
///
/// # Errors
/// [`Failure::Unwell`] where something does not work; what the coordinator or the database says.
pub async fn run(db: &str, of: &Remote, format: Format) -> Result {
    let mut findings = this_machine();
    findings.extend(if of.coordinator.is_some() {
        coordinator(of).await?
    } else {
        match session::reading(db).await {
            Ok(store) => doctor::database(&store).await?,
            Err(Failure::Mistake(why)) => {
                vec![Finding::warning("database", why, "the first `sweep run` makes one; or name another by --db")]
            }
            Err(other) => return Err(other),
        }
    });
    let text = |text: &str| Datum::Text(text.to_owned());
    let mut table = Table::new(&["subject", "state", "what", "remedy"]);
    for finding in &findings {
        table.rows.push(vec![
            text(&finding.subject),
            text(word(finding.state)),
            text(&finding.what),
            text(&finding.remedy),
        ]);
    }
    output::print(format, &[Part::Table("doctor", table)])?;
    let problems = findings.iter().filter(|finding| finding.state == State::Problem).count();
    if problems > 0 { Err(Failure::Unwell(problems as u64)) } else { Ok(()) }
}

fn word(state: State) -> &'static str {
    match state {
        State::Ok => "ok",
        State::Warning => "warning",
        State::Problem => "problem",
    }
}

/// What any machine that trains needs.
fn this_machine() -> Vec<Finding> {
    let cores = machine::cores();
    let mut findings = vec![Finding::ok(
        "version",
        format!("{} (trainer revision {REVISION}, protocol {PROTOCOL})", env!("CARGO_PKG_VERSION")),
    )];
    let before = blas::threads();
    let refused: Vec<usize> = [1, cores].into_iter().filter(|&n| blas::set_threads(n) != n).collect();
    blas::set_threads(before);
    let library = format!("{}, kernel {}", blas::library(), blas::kernel());
    findings.push(match refused.first() {
        None => Finding::ok("blas", format!("{library}; 1 to {cores} threads can be set")),
        Some(n) => Finding::problem(
            "blas",
            format!("{library}; {n} threads cannot be set"),
            "install an OpenBLAS with threads (libopenblas0-pthread)",
        ),
    });
    let all = std::fs::read_to_string("/proc/cpuinfo")
        .map_or(0, |text| text.lines().filter(|line| line.starts_with("processor")).count());
    findings.push(Finding::ok(
        "cores",
        if all > cores {
            format!("{cores} of the machine's {all}, by affinity or a CPU quota")
        } else {
            output::count(cores as u64, "core")
        },
    ));
    findings.extend(machine::memory_bytes().map(|bytes| {
        let what = format!("{} for {}", output::bytes(bytes as f64), output::count(cores as u64, "core"));
        if bytes < MEMORY_PER_CORE * cores as u64 {
            Finding::warning("memory", what, "`sweep plan` says what a sweep needs; fewer --slots need less")
        } else {
            Finding::ok("memory", what)
        }
    }));
    findings
}

/// What a coordinator says of itself, and how it goes with this machine.
async fn coordinator(of: &Remote) -> Result<Vec<Finding>> {
    let address = remote::address(of)?;
    let mut client = UpkeepClient::new(address.connect().await?);
    let (began, before) = (Instant::now(), SystemClock.now_ms());
    let told = client.examine(v1::ExamineRequest {}).await?.into_inner();
    let took_ms = began.elapsed().as_millis() as i64;
    let mut findings = vec![Finding::ok("coordinator", format!("{} answers in {took_ms} ms", address.url))];
    let theirs = format!("{} (trainer revision {}, protocol {})", told.version, told.revision, told.protocol);
    let same = told.version == env!("CARGO_PKG_VERSION") && told.revision == REVISION && told.protocol == PROTOCOL;
    findings.push(if same {
        Finding::ok("versions", format!("the coordinator's is {theirs}, as here"))
    } else {
        Finding::problem(
            "versions",
            format!("the coordinator's is {theirs}"),
            "results of two versions are not comparable: install that one here",
        )
    });
    findings.push(clocks(told.now_ms - (before + took_ms / 2)));
    let finding = |found: v1::Finding| Finding {
        state: match found.state() {
            v1::finding::State::Ok => State::Ok,
            v1::finding::State::Warning => State::Warning,
            v1::finding::State::Problem | v1::finding::State::Unspecified => State::Problem,
        },
        subject: found.subject,
        what: found.what,
        remedy: found.remedy,
    };
    findings.extend(told.findings.into_iter().map(finding));
    Ok(findings)
}

/// The coordinator's clock, this much ahead.
fn clocks(ahead_ms: i64) -> Finding {
    let what = format!("the coordinator's is {} ms {}", ahead_ms.abs(), if ahead_ms < 0 { "behind" } else { "ahead" });
    if ahead_ms.abs() > CLOCKS_MS {
        Finding::warning("clocks", what, "no lease or result depends on it, but the times that are shown do: run NTP")
    } else {
        Finding::ok("clocks", what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_that_are_apart_are_said() {
        assert_eq!(clocks(-2_000), Finding::ok("clocks", "the coordinator's is 2000 ms behind"));
        assert_eq!(clocks(2_001).state, State::Warning);
    }

    #[test]
    fn this_machine_can_train() {
        let findings = this_machine();
        let subjects: Vec<&str> = findings.iter().map(|finding| finding.subject.as_str()).collect();
        assert!(
            ["version", "blas", "cores", "memory"].iter().all(|subject| subjects.contains(subject)),
            "{subjects:?}"
        );
        assert!(findings.iter().all(|finding| finding.state != State::Problem), "{findings:?}");
    }
}
