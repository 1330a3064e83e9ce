//! `sweep watch`: how a sweep stands, live, until every cell is final.

use crate::args::Remote;
use crate::failure::{Failure, Result};
use crate::output;
use crate::progress::{Progress, Several, Snapshot};
use crate::remote::{Access, Coordinator};
use std::time::Duration;
use sweep_proto::v1::{SweepStatus, watch_response::Says};
use tonic::Code;

/// Between two attempts to reach a coordinator that went away.
const AGAIN: Duration = Duration::from_secs(1);

/// Watches `sweep`, or every sweep that is open now. Ctrl-C ends the watching, not the sweep.
///
/// # Errors
/// What the coordinator says; [`Failure::JobsFailed`] where cells were given up.
pub async fn run(db: &str, of: &Remote, sweep: Option<&str>) -> Result {
    let mut coordinator = Coordinator::reach(db, of, Access::Read).await?;
    if let Some(sweep) = sweep {
        let id = coordinator.status(sweep).await?.id;
        return until_final(&mut coordinator, &id).await;
    }
    let open: Vec<SweepStatus> = coordinator.list().await?.into_iter().rev().filter(is_open).collect();
    match &open[..] {
        [] => {
            crate::say!("no sweep is running");
            return Ok(());
        }
        [one] => return until_final(&mut coordinator, &one.id).await,
        _ => {}
    }
    let several = Several::new();
    let watched = open.into_iter().map(|sweep| {
        let (mut coordinator, progress) = (coordinator.clone(), several.of(&sweep.name));
        async move { shown_until_final(&mut coordinator, &sweep.id, progress).await }
    });
    // All of them to their ends; then what went wrong with the first that something went wrong with.
    futures_util::future::join_all(watched).await.into_iter().collect()
}

fn is_open(sweep: &SweepStatus) -> bool {
    sweep.state == "running" || sweep.state == "paused"
}

/// Shows the sweep `id` until it is final. A coordinator that is restarted is waited for.
///
/// # Errors
/// As [`run`].
pub async fn until_final(coordinator: &mut Coordinator, id: &str) -> Result {
    shown_until_final(coordinator, id, Progress::new()).await
}

async fn shown_until_final(coordinator: &mut Coordinator, id: &str, mut progress: Progress) -> Result {
    let (mut first, mut last, mut away) = (None, None, false);
    let ended: Result = loop {
        match once(coordinator, id, &mut progress, &mut first, &mut last).await {
            Err(error) if [Code::Unavailable, Code::Unknown, Code::Cancelled].contains(&error.code()) => {
                if !std::mem::replace(&mut away, true) {
                    progress.say("the coordinator does not answer; trying again");
                }
                tokio::time::sleep(AGAIN).await;
            }
            Err(error) => break Err(error.into()),
            Ok(true) => break Ok(()),
            Ok(false) => away = false,
        }
    };
    if let Some(last) = &last {
        progress.finish(&shown(last, first.unwrap_or_default()));
    }
    ended?;
    match last {
        Some(last) if last.state == "cancelled" => Err(Failure::Mistake(format!("sweep {id} was cancelled"))),
        Some(last) if last.failed > 0 => Err(Failure::JobsFailed(last.failed)),
        _ => Ok(()),
    }
}

/// One conversation; true once the sweep is final.
async fn once(
    coordinator: &mut Coordinator,
    id: &str,
    progress: &mut Progress,
    first: &mut Option<u64>,
    last: &mut Option<SweepStatus>,
) -> std::result::Result<bool, tonic::Status> {
    let mut stream = coordinator.watch(id).await?;
    while let Some(message) = stream.message().await? {
        match message.says {
            Some(Says::Notice(text)) => progress.say(&output::printable(&text)),
            Some(Says::Status(now)) => {
                // What was done before this began is not to count in the speed shown.
                let before = *first.get_or_insert(now.done);
                progress.update(&shown(&now, before));
                *last = Some(now);
            }
            None => {}
        }
    }
    Ok(last.as_ref().is_some_and(|last| !is_open(last)))
}

fn shown(now: &SweepStatus, before: u64) -> Snapshot {
    Snapshot {
        total: now.cells,
        done: now.done,
        running: now.running,
        failed: now.failed,
        linked: now.linked,
        trained: now.done.saturating_sub(before.max(now.linked)),
        workers: now.workers,
        // Slots of all workers; of a coordinator that tells of none, what runs.
        seconds_left: now.core_seconds_left.map(|seconds| seconds / now.slots.max(now.running.min(1)).max(1) as f64),
    }
}
