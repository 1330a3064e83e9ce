//! Workers whose cells take no time: the worker of `sweep worker` and its link, with an answer in place of a run.

use super::process::Process;
use super::stage::Stage;
use crate::failure::{Failure, Result};
use anyhow::{Context, anyhow};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use sweep_core::job::{Answer, Call, Checkpoint, Ending, Lease, Link, Report};
use sweep_core::outcome::{COLUMNS, Outcome, Point, Status};
use sweep_worker::remote::{self, Remote, unique_name};
use sweep_worker::{Isolation, Settings, machine};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

/// How often a worker without work looks again; leases wake it by themselves.
const POLL: Duration = Duration::from_secs(1);
/// Seconds that a cell which is to be leased alone says that it took: more than are on the way to a slot.
const LONG: f64 = 60.0;

/// What a run of one step leaves, that took `seconds`: every scalar, one point.
fn outcome(seconds: f64) -> Outcome {
    let point = Point {
        step: 1,
        values: (0..COLUMNS.len()).map(|i| Some(1.0 / (i + 1) as f64)).collect(),
        singular_values: vec![1.0, 0.5, 0.25],
        layer_norms: vec![1.0, 1.0, 1.0],
    };
    Outcome {
        status: Status::Budget,
        inflated: false,
        steps: 1,
        measurements: 500,
        last: point.clone(),
        oracle: None,
        validated: None,
        trajectory: vec![point],
        matrices: Vec::new(),
        fallbacks: 0,
        unresolved_directions: 0,
        wall_seconds: seconds,
        cpu_seconds: seconds,
        recording_seconds: 0.0,
    }
}

/// The answer of a cell that takes no time.
fn at_once(_: &Lease) -> Ending {
    Ending::Outcome(Box::new(outcome(1e-6)))
}

/// What the workers have heard.
#[derive(Default)]
struct Heard {
    /// Outcomes that the coordinator said to be durable.
    durable: AtomicU64,
    /// When the first lease came, since it was last forgotten.
    first: Mutex<Option<Instant>>,
    news: Notify,
}

/// The link of a worker, listened to.
struct Listened {
    link: Remote,
    heard: Arc<Heard>,
}

impl Link for Listened {
    type Error = remote::Error;

    async fn lease(&self, idle: usize) -> Result<Answer, remote::Error> {
        let answer = self.link.lease(idle).await?;
        if matches!(answer, Answer::Leases(_)) {
            self.heard.first.lock().expect("no holder panics").get_or_insert_with(Instant::now);
            self.heard.news.notify_one();
        }
        Ok(answer)
    }

    async fn report(&self, reports: Vec<Report>) -> Result<(), remote::Error> {
        let outcomes = reports.iter().filter(|report| matches!(report.ending, Ending::Outcome(_))).count();
        self.link.report(reports).await?;
        self.heard.durable.fetch_add(outcomes as u64, Ordering::Relaxed);
        self.heard.news.notify_one();
        Ok(())
    }

    async fn checkpoint(&self, checkpoint: Checkpoint) -> Result<(), remote::Error> {
        self.link.checkpoint(checkpoint).await
    }

    async fn called(&self) -> Call {
        self.link.called().await
    }

    async fn content(&self, hash: &str) -> Result<Arc<[u8]>, remote::Error> {
        self.link.content(hash).await
    }
}

/// Workers at work.
pub struct Crew {
    heard: Arc<Heard>,
    drain: watch::Sender<bool>,
    workers: JoinSet<Result<(), remote::Error>>,
}

impl Crew {
    /// Connects `workers` of `slots` slots each, and waits until the coordinator has welcomed all.
    ///
    /// # Errors
    /// A token that cannot be read; a coordinator that does not welcome them.
    pub async fn gather(process: &Process, stage: &Stage, workers: u16, slots: u16) -> Result<Crew> {
        let (drain, told) = watch::channel(false);
        let mut crew = Crew { heard: Arc::default(), drain, workers: JoinSet::new() };
        let mut reached = Vec::new();
        for _ in 0..workers {
            let link = connect(process, stage, slots)?;
            reached.push(link.reach());
            let link = Listened { link, heard: Arc::clone(&crew.heard) };
            let isolation = Isolation::StandIn(at_once);
            let settings = Settings { slots: slots.into(), poll: POLL, isolation, ..Settings::default() };
            crew.workers.spawn(sweep_worker::run(link, settings, told.clone()));
        }
        while !reached.iter().all(|reached| reached()) {
            crew.pause(Duration::from_millis(1)).await?;
        }
        Ok(crew)
    }

    /// Waits until `cells` outcomes are durable.
    ///
    /// # Errors
    /// Why a worker ended.
    pub async fn durable(&mut self, cells: u64) -> Result {
        while self.heard.durable.load(Ordering::Relaxed) < cells {
            let heard = Arc::clone(&self.heard);
            tokio::select! {
                () = heard.news.notified() => {}
                ended = self.workers.join_next() => return Err(left(ended)),
            }
        }
        Ok(())
    }

    /// Forgets that leases ever came.
    pub fn forget(&self) {
        *self.heard.first.lock().expect("no holder panics") = None;
    }

    /// When the first lease came.
    pub fn first(&self) -> Option<Instant> {
        *self.heard.first.lock().expect("no holder panics")
    }

    /// Waits for the first lease.
    ///
    /// # Errors
    /// Why a worker ended.
    pub async fn lease(&mut self) -> Result<Instant> {
        loop {
            if let Some(first) = self.first() {
                return Ok(first);
            }
            self.pause(Duration::from_micros(200)).await?;
        }
    }

    async fn pause(&mut self, time: Duration) -> Result {
        tokio::select! {
            () = tokio::time::sleep(time) => Ok(()),
            ended = self.workers.join_next() => Err(left(ended)),
        }
    }

    /// Sends everyone home.
    ///
    /// # Errors
    /// Why a worker failed.
    pub async fn dismiss(mut self) -> Result {
        self.drain.send_replace(true);
        while let Some(ended) = self.workers.join_next().await {
            ended.context("failed to work").and_then(|ended| Ok(ended?)).map_err(Failure::Internal)?;
        }
        Ok(())
    }
}

fn connect(process: &Process, stage: &Stage, slots: u16) -> Result<Remote> {
    let provenance = machine::provenance(crate::COMMIT);
    let name = unique_name(&provenance.host);
    let worker = remote::Worker { name, provenance, cores: machine::cores() as u32, slots: slots.into() };
    Ok(Remote::start(process.address(stage)?, worker))
}

fn left(ended: Option<Result<Result<(), remote::Error>, tokio::task::JoinError>>) -> Failure {
    Failure::Internal(match ended {
        Some(Ok(Err(error))) => anyhow!(error).context("a worker ended"),
        Some(Err(panic)) => anyhow!(panic).context("a worker ended"),
        Some(Ok(Ok(()))) | None => anyhow!("a worker went home before its time"),
    })
}

/// Leases `count` cells one by one and reports each before the next; the seconds between the wish for each and the word
/// that its outcome is durable. `None` for the coordinator's next sweep means that it has fewer.
///
/// # Errors
/// What the link says.
pub async fn singles(process: &Process, stage: &Stage, count: u64) -> Result<Vec<f64>> {
    let link = connect(process, stage, 1)?;
    let ended = |error: remote::Error| Failure::Internal(anyhow!(error).context("the link ended"));
    let mut seconds = Vec::new();
    while (seconds.len() as u64) < count {
        let started = Instant::now();
        let leases = loop {
            match link.lease(1).await.map_err(ended)? {
                Answer::Leases(leases) => break leases,
                // Whatever it says, it may have leases now.
                _ => drop(link.called().await),
            }
        };
        let alone = leases.len() == 1;
        let report = |Lease { sweep, cell, fence, .. }: Lease| Report {
            sweep,
            cell,
            fence,
            ending: Ending::Outcome(Box::new(outcome(LONG))),
        };
        link.report(leases.into_iter().map(report).collect()).await.map_err(ended)?;
        if !alone {
            return Err(super::missed("more than one lease came for one slot: nothing to time".to_owned()));
        }
        seconds.push(started.elapsed().as_secs_f64());
    }
    Ok(seconds)
}
