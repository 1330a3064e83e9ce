//! `sweep bench page`: pages of the dashboard over very many finished cells, and whether readers delay writers.

use super::crew::{Crew, singles};
use super::process::Process;
use super::stage::Stage;
use super::{latency, missed, number, percentile, sweep};
use crate::args::Page;
use crate::failure::{Failure, Result};
use crate::output::{self, Format, Part, Table};
use anyhow::{Context, anyhow};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use sweep_coordinator::store::{Datum, Role};
use sweep_proto::client;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Steps of a cell that is leased alone, as in `sweep bench dispatch`.
const LONG_STEPS: u64 = 10_000_000;
/// What a page may take, in the best of three rounds.
const MOST_MS: f64 = 300.0;
/// A picture that is not drawn by then is not drawn.
const DRAWN: Duration = Duration::from_secs(300);
/// Between two looks of somebody who reads meanwhile.
const READS: Duration = Duration::from_millis(100);

/// A browser without a window.
#[derive(Clone)]
struct Browser {
    address: String,
    cookie: String,
}

/// An answer: its head and its body.
struct Loaded {
    head: String,
    body: String,
}

impl Browser {
    /// Enters with a token.
    async fn enter(address: String, token: &str) -> Result<Browser> {
        let mut browser = Browser { address, cookie: String::new() };
        let form = format!("token={token}");
        let asked = format!(
            "POST /enter HTTP/1.1\r\nHost: {}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\nConnection: \
             close\r\n\r\n{form}",
            browser.address,
            form.len()
        );
        let answer = browser.ask(&asked).await?;
        let cookie = answer.head.lines().find_map(|line| line.strip_prefix("set-cookie: "));
        let cookie = cookie.and_then(|cookie| cookie.split(';').next());
        browser.cookie = cookie.ok_or_else(|| Failure::Internal(anyhow!("the dashboard gave no cookie")))?.to_owned();
        Ok(browser)
    }

    /// Loads a page.
    async fn load(&self, path: &str) -> Result<Loaded> {
        let Browser { address, cookie } = self;
        let asked = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n");
        let page = self.ask(&asked).await?;
        if page.head.starts_with("HTTP/1.1 200") {
            return Ok(page);
        }
        let said = page.head.lines().next().unwrap_or_default().to_owned();
        Err(Failure::Internal(anyhow!("{path}: {said}")))
    }

    async fn ask(&self, asked: &str) -> Result<Loaded> {
        let talk = async {
            let mut stream = TcpStream::connect(&self.address).await?;
            stream.write_all(asked.as_bytes()).await?;
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await?;
            Ok::<_, std::io::Error>(String::from_utf8_lossy(&answer).into_owned())
        };
        let answer = talk.await.context("failed to load a page").map_err(Failure::Internal)?;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        Ok(Loaded { head: head.to_owned(), body: body.to_owned() })
    }

    /// Seconds of each of `times` loads of a page.
    async fn timed(&self, path: &str, times: u16) -> Result<Vec<f64>> {
        let mut seconds = Vec::new();
        for _ in 0..times {
            let started = Instant::now();
            self.load(path).await?;
            seconds.push(started.elapsed().as_secs_f64());
        }
        Ok(seconds)
    }
}

/// Prints how long pages take, first and then again, and what a writer waits without and with a reader.
///
/// # Errors
/// As `sweep bench dispatch`; a page that takes longer than it may.
pub async fn run(db: &str, asked: &Page, format: Format) -> Result {
    let stage = Stage::new(db).await?;
    let process = Process::start(&stage, None).await?;
    let mut users = process.users(&stage).await?;
    let submitted =
        users.submit(&sweep("bench", asked.cells, 1_000), &BTreeMap::new(), &[], false, asked.cells).await?;
    let mut crew = Crew::gather(&process, &stage, asked.by.workers, asked.by.slots).await?;
    crew.durable(asked.cells).await?;
    crew.dismiss().await?;

    let token = client::read_token(&stage.token(Role::Admin))?;
    let browser = Browser::enter(process.dashboard(&stage).await?, &token).await?;
    let page = format!("/sweeps/{}", submitted.id);
    // The first: nothing of the sweep was ever read.
    let started = Instant::now();
    let first = browser.load(&page).await?;
    let first_ms = 1e3 * started.elapsed().as_secs_f64();
    let mut whole = first;
    while !whole.body.contains("class=\"tile\"") {
        if started.elapsed() > DRAWN {
            return Err(missed(format!("no picture after {} s", DRAWN.as_secs())));
        }
        tokio::time::sleep(READS).await;
        whole = browser.load(&page).await?;
    }
    let drawn_ms = 1e3 * started.elapsed().as_secs_f64();

    let mut pages = Table::new(&["page_ms", "p50", "p90", "p99"]);
    let mut best = f64::INFINITY;
    for (name, path) in [
        ("sweeps", "/".to_owned()),
        ("sweep, heat map", page.clone()),
        ("sweep, phase diagram", format!("{page}?kind=phase&x=lr&y=lambda")),
        ("cells of a tile", format!("{page}/cells?where=lr%20%3D%200.001%20and%20lambda%20%3D%200.0001")),
        ("cell", format!("{page}/cells/{}", asked.cells / 2)),
        ("failures", format!("{page}/failures")),
        ("workers", "/workers".to_owned()),
    ] {
        let mut rounds = Vec::new();
        for _ in 0..3 {
            let mut seconds = browser.timed(&path, asked.times.div_ceil(3)).await?;
            if name == "sweep, heat map" {
                seconds.sort_by(f64::total_cmp);
                best = best.min(1e3 * percentile(&seconds, 0.9).unwrap_or(f64::INFINITY));
            }
            rounds.extend(seconds);
        }
        pages.rows.push(latency(name, rounds));
    }

    let mut writers = Table::new(&["lease_and_outcome_ms", "p50", "p90", "p99"]);
    let long = sweep("bench-single", 2 * asked.singles, LONG_STEPS);
    users.submit(&long, &BTreeMap::new(), &[], false, 2 * asked.singles).await?;
    writers.rows.push(latency("nobody reads", singles(&process, &stage, asked.singles).await?));
    let (over, loads) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let reader = tokio::spawn({
        let (browser, page, over, loads) = (browser.clone(), page.clone(), Arc::clone(&over), Arc::clone(&loads));
        async move {
            while !over.load(Ordering::Relaxed) {
                browser.load(&page).await?;
                browser.load("/").await?;
                loads.fetch_add(2, Ordering::Relaxed);
                tokio::time::sleep(READS).await;
            }
            Ok::<_, Failure>(())
        }
    });
    writers.rows.push(latency("somebody reads", singles(&process, &stage, asked.singles).await?));
    over.store(true, Ordering::Relaxed);
    reader.await.context("failed to read").map_err(Failure::Internal)??;

    let mut record = stage.described();
    record.extend([
        ("cells", Datum::Int(asked.cells as i64)),
        ("first_page_ms", Datum::Float(first_ms)),
        ("first_picture_ms", Datum::Float(drawn_ms)),
        ("heat_map_page_p90_ms_best_of_3", Datum::Float(best)),
        ("loads_meanwhile", Datum::Int(loads.load(Ordering::Relaxed) as i64)),
        ("coordinator_mib_peak", number(process.peak().map(|bytes| bytes / f64::from(1 << 20)))),
    ]);
    output::print(
        format,
        &[Part::Record("page", record), Part::Table("pages", pages), Part::Table("writers", writers)],
    )?;
    drop(process);
    stage.clear().await?;
    if best > MOST_MS {
        return Err(missed(format!("the page of the sweep took {best:.0} ms; allowed: {MOST_MS} ms")));
    }
    Ok(())
}
