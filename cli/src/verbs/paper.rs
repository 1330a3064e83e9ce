//! `sweep paper`: the set of sweeps behind docs/findings.md, and the findings.

use super::run::{self, End};
use crate::args::{DEFAULT_DB, Paper as Asked};
use crate::failure::{Failure, Result};
use crate::forecast::Forecast;
use crate::inputs;
use crate::output::{self, Format, Part, Table, count, span};
use crate::paper::{self, CLAIMS, File, KNOWN, Made, Paper};
use crate::session::{self, Checked};
use crate::threads::{self, Use};
use crate::verbs::plot::write;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use sweep_coordinator::clock::SystemClock;
use sweep_coordinator::dispatch::{Dispatcher, Submission};
use sweep_coordinator::store::{Datum, SweepState};
use sweep_worker::machine;

/// Most bytes of a file of ratings.
const MOST_RATINGS: u64 = 256 << 20;

/// Trains what of the set is not there yet, and writes it up.
///
/// # Errors
/// Names that are not known, files that cannot be read or written, [`Failure::Differs`], what a run says.
pub async fn run(db: &str, asked: &Asked, format: Format) -> Result {
    let chosen = chosen(&asked.sweeps)?;
    let ratings = asked.ratings.as_deref().map(|path| {
        let read = inputs::read(path, MOST_RATINGS);
        read.map_err(|why| Failure::Mistake(format!("the ratings {} cannot be read: {why}", path.display())))
    });
    let ratings = ratings.transpose()?;
    if asked.list {
        return list(db, &chosen, format).await;
    }
    let store = session::writing(db).await?;
    let dispatcher = Arc::new(Dispatcher::open(store, Arc::new(SystemClock)).await?);
    let mut ids: BTreeMap<&'static str, String> = BTreeMap::new();
    let ended = match &asked.from {
        Some(directory) => {
            let there = |paper: &&&Paper| !asked.sweeps.is_empty() || paper::is_kept(paper, directory);
            for paper in chosen.iter().filter(there) {
                let kept = paper::read(paper, directory)?;
                ids.insert(paper.name, paper::replay(&dispatcher, paper, kept).await?);
            }
            if ids.is_empty() {
                return Err(Failure::Mistake(format!("there are no result rows in {}", directory.display())));
            }
            Ok(End::Finished)
        }
        None => train(db, &dispatcher, asked, &chosen, ratings.as_deref(), &mut ids).await,
    };
    let end = ended?;
    if end == End::Finished {
        if let Some(directory) = &asked.keep {
            keep(&dispatcher, &chosen, &ids, directory).await?;
        }
        let made = if asked.quick { Made::Quick } else { Made::Whole };
        let files = paper::make(&dispatcher, &ids, made).await?;
        match asked.check {
            true => compare(&files, &asked.out)?,
            false => put(&files, &asked.out)?,
        }
    }
    dispatcher.store().clone().close().await;
    if end == End::Finished {
        return Ok(());
    }
    crate::say!("stopped; the same command goes on from here");
    if end == End::Interrupted { Err(Failure::Interrupted) } else { Ok(()) }
}

/// The sweeps of these names; all for none.
fn chosen(names: &[String]) -> Result<Vec<&'static Paper>> {
    if let Some(name) = names.iter().find(|name| paper::find(name).is_none()) {
        let known: Vec<&str> = KNOWN.iter().map(|paper| paper.name).collect();
        return Err(Failure::Mistake(format!("sweep \"{name}\" is not of the set; known: {}", known.join(", "))));
    }
    let wanted = |paper: &&Paper| names.is_empty() || names.iter().any(|name| name == paper.name);
    Ok(KNOWN.iter().filter(wanted).collect())
}

/// Trains one sweep after the other; those that are finished are passed over.
async fn train(
    db: &str,
    dispatcher: &Arc<Dispatcher>,
    asked: &Asked,
    chosen: &[&'static Paper],
    ratings: Option<&[u8]>,
    ids: &mut BTreeMap<&'static str, String>,
) -> Result<End> {
    let deadline = asked.limit.map(|limit| Instant::now() + limit);
    let mut failed = 0;
    for (k, paper) in chosen.iter().enumerate() {
        let text = if asked.quick { Cow::Owned(paper::smaller(paper.file)?) } else { Cow::Borrowed(paper.file) };
        let checked = session::embedded(paper.name, &text, paper::inputs(paper, ratings))?;
        let forecast = Forecast::new(&checked)?;
        let used = Use::decide(&asked.use_of, machine::cores(), checked.sweep.len(), forecast.side)?;
        forecast.fit(used.slots, machine::memory_bytes())?;
        threads::set_blas(used.blas_threads)?;
        let Checked { sweep, source, contents, .. } = checked;
        let cells = sweep.len();
        let id = dispatcher.submit(sweep, &source, &contents.files, &Submission::default()).await?;
        ids.insert(paper.name, id.clone());
        let done = dispatcher.progress(&id).await.is_finished();
        crate::say!(
            "{}/{} {} ({id}): {}, {}",
            k + 1,
            chosen.len(),
            paper.name,
            count(cells, "cell"),
            if done { "all there".to_owned() } else { used.to_string() }
        );
        if done {
            continue;
        }
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let end = run::work(db, dispatcher, &id, used, left).await?;
        if end != End::Finished {
            return Ok(end);
        }
        failed += dispatcher.progress(&id).await.quarantined;
    }
    if failed > 0 { Err(Failure::JobsFailed(failed)) } else { Ok(End::Finished) }
}

async fn keep(
    dispatcher: &Dispatcher,
    chosen: &[&'static Paper],
    ids: &BTreeMap<&'static str, String>,
    directory: &Path,
) -> Result {
    std::fs::create_dir_all(directory)
        .map_err(|error| Failure::Mistake(format!("{} cannot be made: {error}", directory.display())))?;
    for paper in chosen {
        let stored = dispatcher.store().find_sweep(&ids[paper.name]).await?;
        paper::write(dispatcher.store(), &stored, paper, directory).await?;
    }
    crate::say!("result rows of {} in {}", count(chosen.len() as u64, "sweep"), directory.display());
    Ok(())
}

/// Writes the document and its pictures.
fn put(files: &[File], directory: &Path) -> Result {
    for file in files {
        let path = directory.join(&file.path);
        let refused = |error| Failure::Mistake(format!("{} cannot be written: {error}", path.display()));
        path.parent().map_or(Ok(()), std::fs::create_dir_all).map_err(refused)?;
        write(&path, &file.bytes)?;
    }
    crate::say!("findings in {}", directory.join(&files[0].path).display());
    Ok(())
}

/// Says of each file that is another in `directory` where it first differs.
fn compare(files: &[File], directory: &Path) -> Result {
    let mut differ = 0;
    for file in files {
        let path = directory.join(&file.path);
        let there = std::fs::read(&path).unwrap_or_default();
        if there == file.bytes {
            continue;
        }
        differ += 1;
        let (old, new) = (String::from_utf8_lossy(&there), String::from_utf8_lossy(&file.bytes));
        let line =
            old.lines().zip(new.lines()).position(|(old, new)| old != new).map_or("its end".to_owned(), |line| {
                let short = |text: &str| text.chars().take(200).collect::<String>();
                let at = |text: &str| text.lines().nth(line).map(short).unwrap_or_default();
                format!("line {}\n  there    {}\n  from rows {}", line + 1, at(&old), at(&new))
            });
        let there = if there.is_empty() { "is missing" } else { "differs" };
        crate::say!("{} {there}: {line}", path.display());
    }
    if differ > 0 {
        return Err(Failure::Differs);
    }
    crate::say!("findings and {} are as the result rows say", count(files.len() as u64 - 1, "picture"));
    Ok(())
}

/// The set, and how far it is in the database.
async fn list(db: &str, chosen: &[&'static Paper], format: Format) -> Result {
    let mut table = Table::new(&["sweep", "claims", "cells", "done", "forecast"]);
    // A database that is not there yet has nothing.
    let there = db == DEFAULT_DB || db.contains("://") || Path::new(db).exists();
    let store = if there { session::reading(db).await.ok() } else { None };
    for paper in chosen {
        let checked = session::embedded(paper.name, paper.file, paper::inputs(paper, None))?;
        let forecast = Forecast::new(&checked)?;
        let slots = machine::cores();
        let digest = checked.sweep.digest(&checked.contents.inputs);
        let mut done = 0;
        if let Some(store) = &store
            && let Some(stored) = store.sweeps_with_digest(&digest).await?.first()
        {
            done = match stored.state {
                SweepState::Finished => stored.cells,
                _ => store.counts(&stored.id).await?.done,
            };
        }
        let claims: String = CLAIMS.iter().filter(|c| c.sweeps.contains(&paper.name)).map(|c| c.letter).collect();
        table.rows.push(vec![
            Datum::Text(paper.name.to_owned()),
            Datum::Text(claims),
            Datum::Int(checked.sweep.len() as i64),
            Datum::Int(done as i64),
            Datum::Text(span(forecast.wall_seconds(slots))),
        ]);
    }
    output::print(format, &[Part::Table("sweeps", table)])?;
    if format == Format::Table {
        let mut claims = Table::new(&["claim", "title", "sweeps"]);
        for claim in CLAIMS {
            let row = [claim.letter.to_string(), claim.title.to_owned(), claim.sweeps.join(", ")];
            claims.rows.push(row.map(Datum::Text).to_vec());
        }
        output::note(format, "")?;
        output::print(format, &[Part::Table("claims", claims)])?;
    }
    Ok(())
}
