//! `sweep run`: coordinator and worker in one process, until every cell is final or the user has had enough.

use crate::answer;
use crate::args::Run;
use crate::failure::{Failure, Result};
use crate::forecast::Forecast;
use crate::output::{self, Format, Part, digits};
use crate::progress::{Progress, Snapshot};
use crate::session::{self, Checked};
use crate::signals::Signals;
use crate::threads::{self, Use};
use crate::verbs::submit;
use crate::verbs::ui::Dashboard;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use sweep_coordinator::answer::{Answer, MOST_RUNS};
use sweep_coordinator::clock::SystemClock;
use sweep_coordinator::dispatch::{self, Dispatcher, Notice, Submission};
use sweep_coordinator::plot;
use sweep_coordinator::store::{self, Location};
use sweep_core::sweep::Sweep;
use sweep_worker::{Settings, machine};
use tokio::sync::watch;
use tokio::time::Instant;

/// Between two looks at how the run stands.
const TICK: Duration = Duration::from_millis(200);
/// Most rows of the answer at the end of a run, and of its picture.
const MOST_ROWS: usize = 60;
/// Recording is to take no more than this share of training time, or the run says so.
const MOST_RECORDING: f64 = 0.05;

/// Why a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Every cell is final.
    Finished,
    /// `--for` is over.
    TimeIsUp,
    /// Ctrl-C, or a signal to end.
    Interrupted,
}

/// Trains what `asked` asks for and is not there yet.
///
/// # Errors
/// Mistakes in the file, a database that cannot be written, [`Failure::JobsFailed`], [`Failure::Interrupted`].
pub async fn run(db: &str, asked: &Run, format: Format) -> Result {
    asked.tag.iter().try_for_each(|tag| store::check_tag(tag))?;
    let checked = session::check(&asked.file)?;
    let forecast = Forecast::new(&checked)?;
    let Checked { sweep, source, contents, .. } = checked;
    let used = Use::decide(&asked.use_of, machine::cores(), sweep.len(), forecast.side)?;
    forecast.fit(used.slots, machine::memory_bytes())?;
    threads::set_blas(used.blas_threads)?;
    for warning in sweep.warnings() {
        crate::say!("warning: {warning}");
    }
    let store = session::writing(db).await?;
    let dispatcher = Arc::new(Dispatcher::open(store, Arc::new(SystemClock)).await?);
    let how = Submission { fresh: asked.fresh, tags: asked.tag.clone() };
    let asked_for = sweep.len();
    let id = dispatcher.submit(sweep, &source, &contents.files, &how).await?;
    let stored = dispatcher.store().find_sweep(&id).await?;
    let sweep = session::parsed(&stored.name, &stored.source, &stored.extensions)?;
    submit::extended(asked_for, sweep.len());
    crate::say!(
        "sweep \"{}\" ({id}): {}, {used}, {}",
        sweep.name,
        output::count(sweep.len(), "cell"),
        shown(dispatcher.store().location())
    );

    let dashboard = match asked.ui {
        Some(address) => Some(Dashboard::open(db, address, Arc::clone(&dispatcher), true).await?),
        None => None,
    };

    let end = work(db, &dispatcher, &id, used, asked.limit).await?;
    if let Some(dashboard) = dashboard {
        dashboard.close().await;
    }

    let stands = dispatcher.progress(&id).await;
    if let Some(line) = recording(stands.seconds) {
        crate::say!("{line}");
    }
    let runs = dispatcher.store().runs(&id, 0, MOST_RUNS).await?;
    let answer = answer::of_most(&sweep, runs, &dispatcher.store().selections(&id).await?);
    let picture = picture(dispatcher.store().location(), &id, &sweep, &answer);
    report(db, &id, &answer, picture, format)?;
    dispatcher.store().clone().close().await;
    let left = stands.cells - stands.done - stands.quarantined;
    match end {
        End::Finished if stands.quarantined > 0 => Err(Failure::JobsFailed(stands.quarantined)),
        End::Finished => Ok(()),
        End::TimeIsUp | End::Interrupted => {
            crate::say!(
                "stopped with {} left; to go on: sweep run{} {}",
                output::count(left, "cell"),
                session::option(db),
                asked.file.path.display()
            );
            if end == End::Interrupted { Err(Failure::Interrupted) } else { Ok(()) }
        }
    }
}

/// Runs a worker on the sweep `id` to its end, or until it is to stop, and shows how it stands meanwhile. `db`: how a command means
/// the same database.
///
/// # Errors
/// What the worker and the database say.
pub async fn work(db: &str, dispatcher: &Arc<Dispatcher>, id: &str, used: Use, limit: Option<Duration>) -> Result<End> {
    let provenance = machine::provenance(crate::COMMIT);
    let name = format!("{}-{}", provenance.host, std::process::id());
    let link = dispatcher.connect(&name, &provenance, machine::cores() as u32, used.slots as u32).await?;
    let (drain, told) = watch::channel(false);
    let settings = Settings { slots: used.slots, ..Settings::default() };
    let mut worker = tokio::spawn(sweep_worker::run(link, settings, told));
    let mut notices = dispatcher.notices();
    let mut progress = Progress::new();
    let deadline = limit.map(|limit| Instant::now() + limit);
    let mut ticks = tokio::time::interval(TICK);
    let mut signals = Signals::new()?;
    let mut end = End::Finished;
    let finished = loop {
        tokio::select! {
            ended = &mut worker => break ended,
            _ = ticks.tick() => progress.update(&snapshot(dispatcher, id, used.slots).await),
            Ok(notice) = notices.recv() => progress.say(&said(db, &notice)),
            () = signals.next() => {
                if end == End::Interrupted {
                    // The second time: at once. What runs now starts again from its last checkpoint.
                    std::process::exit(130);
                }
                end = End::Interrupted;
                progress.say("stopping: handing back what runs; once more to stop at once");
                drain.send_replace(true);
            }
            () = until(deadline), if end == End::Finished => {
                end = End::TimeIsUp;
                progress.say("time is up: handing back what runs");
                drain.send_replace(true);
            }
        }
    };
    while let Ok(notice) = notices.try_recv() {
        progress.say(&said(db, &notice));
    }
    let last = snapshot(dispatcher, id, used.slots).await;
    progress.finish(&last);
    match finished {
        Ok(Ok(())) if last.done + last.failed == last.total => Ok(End::Finished),
        Ok(Ok(())) => Ok(end),
        Ok(Err(error)) => Err(error.into()),
        Err(panic) => Err(Failure::Internal(anyhow::Error::new(panic).context("failed to run the worker"))),
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

async fn snapshot(dispatcher: &Dispatcher, id: &str, slots: usize) -> Snapshot {
    let now = dispatcher.progress(id).await;
    Snapshot {
        total: now.cells,
        done: now.done,
        // Short cells are leased in bundles.
        running: now.running.min(slots as u64),
        failed: now.quarantined,
        linked: now.linked,
        trained: now.trained,
        workers: 0,
        // Before anything was measured a forecast is of another machine.
        seconds_left: (now.trained > 0).then(|| now.core_seconds_left / slots as f64),
    }
}

/// A notice as a person reads it.
fn said(db: &str, notice: &Notice) -> String {
    match notice {
        Notice::Failed { sweep, cell, error, quarantined } => {
            let then = if *quarantined { "given up" } else { "once more" };
            let error = output::printable(error);
            format!(
                "cell {cell} failed ({then}): {error}\n    again: sweep repro{} {sweep}/{cell}",
                session::option(db)
            )
        }
        Notice::Lost { worker, leases, .. } => format!("worker {worker} was lost; {leases} cells come back"),
        Notice::Late { cell, differs, .. } => {
            let differs = if *differs == Some(true) { ", and differs from the one that was accepted" } else { "" };
            format!("a second result for cell {cell} came late and was not taken{differs}")
        }
    }
}

/// A database as a person may see it: without a password.
fn shown(location: &Location) -> String {
    match location {
        Location::Sqlite(path) => path.display().to_string(),
        Location::Postgres(url) => url.rsplit_once('@').map_or(url.clone(), |(_, host)| format!("postgres://…@{host}")),
    }
}

/// What to say where recording took more than [`MOST_RECORDING`] of `seconds` = (training, recording).
fn recording((training, recording): (f64, f64)) -> Option<String> {
    let share = recording / training;
    // Nothing was trained: no share.
    (share > MOST_RECORDING).then(|| {
        format!("recording took {} % of training time; fewer points in [record] take less", digits(100.0 * share, 2))
    })
}

/// Draws the answer beside the database, as SVG and PNG; the path without its ending. A picture that cannot be written
/// is no reason to fail.
fn picture(location: &Location, id: &str, sweep: &Sweep, answer: &Answer) -> Option<PathBuf> {
    if !answer.is_tested() || answer.rows.len() > MOST_ROWS {
        return None;
    }
    let path = session::picture(location, &sweep.name, id);
    let svg = plot::methods::methods(&answer.picture(sweep));
    let png = plot::render_png(&svg, 2.0).map_err(|e| e.to_string());
    let written = path
        .parent()
        .map_or(Ok(()), std::fs::create_dir_all)
        .and_then(|()| std::fs::write(path.with_extension("svg"), &svg))
        .map_err(|e| e.to_string())
        .and_then(|()| std::fs::write(path.with_extension("png"), png?).map_err(|e| e.to_string()));
    match written {
        Ok(()) => Some(path),
        Err(why) => {
            crate::say!("warning: the picture {}.svg cannot be written: {why}", path.display());
            None
        }
    }
}

/// The end of a run: the answer, and where it lies.
fn report(db: &str, id: &str, answer: &Answer, picture: Option<PathBuf>, format: Format) -> Result {
    if format != Format::Table {
        return output::print(format, &[Part::Table("answer", answer::in_form(answer, format, MOST_ROWS))]);
    }
    if !answer.rows.is_empty() {
        output::note(format, "")?;
        output::print(format, &[Part::Table("answer", answer::in_form(answer, format, MOST_ROWS))])?;
        if answer.rows.len() > MOST_ROWS {
            let (more, option) = (answer.rows.len() - MOST_ROWS, session::option(db));
            output::note(format, format!("… {more} more rows: sweep show{option} {id} --output csv"))?;
        }
        output::note(format, format!("\n{}\n", answer.notes().join("\n")))?;
    }
    output::note(format, format!("database  {}", db.rsplit('@').next().unwrap_or(db)))?;
    if !answer.rows.is_empty() {
        let (columns, from, by) = if answer.is_relative() {
            ("test_rel_median, n", "medians", "test_rel_median")
        } else {
            ("test_rmse, train_loss", "results", "test_rmse, train_loss")
        };
        output::note(
            format,
            format!(
                "query     sweep sql{} \"SELECT depth, optimizer, penalty, baseline, lr, lambda, {columns} FROM {from} \
                 WHERE sweep_id = '{id}' AND stage <> 'tuning' ORDER BY {by}\"",
                session::option(db)
            ),
        )?;
    }
    if let Some(path) = picture {
        output::note(format, format!("picture   {0}.svg, {0}.png", path.display()))?;
    }
    Ok(())
}

impl From<dispatch::Error> for Failure {
    fn from(error: dispatch::Error) -> Failure {
        match error {
            dispatch::Error::Store(error) => error.into(),
            dispatch::Error::Unfit { .. } => Failure::Mistake(error.to_string()),
            other => Failure::Internal(anyhow::Error::new(other)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recording_is_spoken_of_past_a_twentieth_of_training() {
        assert_eq!(recording((100.0, 5.0)), None);
        assert_eq!(recording((0.0, 0.0)), None);
        let said = recording((100.0, 8.993)).unwrap();
        assert!(said.starts_with("recording took 9 % of training time"), "{said}");
    }
}
