//! `sweep`: the command line.
//!
//! One rule: everything that can be asked of the program is a verb, and a verb only arranges what the other crates do.
//! Exit codes are in [`failure`]: 0 done, 1 our side, 2 a mistake in what was asked, 3 the
//! coordinator is out of reach, 4 some cells failed, 130 interrupted.
//! `args` is what can be typed, `verbs` what then happens, `output` how it is printed.

mod answer;
mod args;
mod diagnostic;
mod failure;
mod forecast;
mod health;
mod inputs;
mod logging;
mod output;
mod paper;
mod place;
mod progress;
mod remote;
mod session;
mod signals;
mod threads;
mod verbs;

use anyhow::Context;
use args::{Cli, Named, Verb};
use failure::{Failure, Result};
use std::process::ExitCode;
use verbs::control::Change;

/// The commit that this binary was built from; empty where unknown.
const COMMIT: &str = env!("SWEEP_GIT_COMMIT");

fn main() -> ExitCode {
    let cli = Cli::read();
    match run(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            match &failure {
                // Says itself what and where.
                Failure::Rendered(report) => crate::say!("{report}"),
                Failure::Interrupted => {}
                other => crate::say!("error: {}", output::printable(&other.to_string())),
            }
            failure.code()
        }
    }
}

fn run(cli: &Cli) -> Result {
    let Cli { verb, db, output } = cli;
    let (db, output) = (db.as_str(), *output);
    match verb {
        Verb::Plan(asked) => verbs::plan::run(asked, output),
        Verb::Check(file) => verbs::check::run(file, output),
        Verb::Known { what } => verbs::known::run(*what, output),
        Verb::Diff { a, b, max_cells } => verbs::diff::run(a, b, *max_cells, output),
        Verb::Completions { shell } => verbs::completions::run(*shell),
        Verb::Man { dir } => verbs::man::run(dir),
        Verb::Slot => verbs::slot::run(),
        Verb::Paper(asked) => wait(verbs::paper::run(db, asked, output)),
        Verb::Bench { what } => wait(verbs::bench::run(db, what, output)),
        Verb::Run(asked) => wait(verbs::run::run(db, asked, output)),
        Verb::Coordinator(asked) => wait(verbs::coordinator::run(db, asked)),
        Verb::Worker(asked) => wait(verbs::worker::run(asked)),
        Verb::Workers(asked) => wait(verbs::workers::run(asked, output)),
        Verb::Init { names, dir } => verbs::init::run(names, dir, output),
        Verb::Health { of, alive } => match alive {
            Some(file) => verbs::health::worker(file),
            None => wait(verbs::health::coordinator(of)),
        },
        Verb::Tls { verb } => verbs::tls::run(verb, output),
        Verb::Token { verb } => wait(verbs::token::run(db, verb, output)),
        Verb::Submit(asked) => wait(verbs::submit::run(db, asked, output)),
        Verb::Extend(asked) => wait(verbs::extend::run(db, asked, output)),
        Verb::Watch { sweep, of } => wait(verbs::watch::run(db, of, sweep.as_deref())),
        Verb::Status { sweep, of } => wait(verbs::status::run(db, of, sweep, output)),
        Verb::Pause(Named { sweep, of }) => wait(verbs::control::run(db, of, sweep, Change::Pause, output)),
        Verb::Resume(Named { sweep, of }) => wait(verbs::control::run(db, of, sweep, Change::Resume, output)),
        Verb::Cancel(Named { sweep, of }) => wait(verbs::control::run(db, of, sweep, Change::Cancel, output)),
        Verb::Priority { sweep, priority, of } => {
            wait(verbs::control::run(db, of, sweep, Change::Prioritise(*priority), output))
        }
        Verb::Retry { sweep, which, of } => wait(verbs::control::retry(db, of, sweep, which, output)),
        Verb::Cells(asked) => wait(verbs::cells::run(db, asked, output)),
        Verb::List { of } => wait(verbs::list::run(db, of, output)),
        Verb::Show { what, picture, of } => wait(verbs::show::run(db, of, what, picture.as_deref(), output)),
        Verb::Plot(asked) => wait(verbs::plot::run(db, asked, output)),
        Verb::Report { sweep, out, of } => wait(verbs::report::run(db, of, sweep, out.as_deref())),
        Verb::Ui { listen } => wait(verbs::ui::run(db, *listen)),
        Verb::Repro { cell, blas_threads, of } => {
            wait(verbs::repro::run(db, of, cell, blas_threads.map(usize::from), output))
        }
        Verb::Sql(asked) => wait(verbs::sql::run(db, asked, output)),
        Verb::Export(asked) => wait(verbs::export::run(db, asked)),
        Verb::Rm { sweep, yes, of } => wait(verbs::rm::run(db, of, sweep, *yes, output)),
        Verb::Gc { of } => wait(verbs::gc::run(db, of, output)),
        Verb::Backup { file } => wait(verbs::backup::run(db, file)),
        Verb::Du { of } => wait(verbs::du::run(db, of, output)),
        Verb::Tag { sweep, add, remove, of } => wait(verbs::tag::run(db, of, sweep, add, remove, output)),
        Verb::Fsck { of } => wait(verbs::fsck::run(db, of, output)),
        Verb::Doctor { of } => wait(verbs::doctor::run(db, of, output)),
    }
}

/// Runs a verb that talks to the database to its end.
fn wait(verb: impl Future<Output = Result>) -> Result {
    let runtime = tokio::runtime::Runtime::new().context("failed to start the runtime").map_err(Failure::Internal)?;
    let ended = runtime.block_on(verb);
    // Slots that still train (after an error) are not waited for: the process ends.
    runtime.shutdown_background();
    ended
}
