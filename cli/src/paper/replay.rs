//! Kept rows back into a database, as if they were trained there: the same coordinator selects, and hands out each refit.
//!
//! So a table of findings, a picture and a statement of SQL come from one path, whether the rows were trained a minute ago or
//! published last year; and rows that do not belong to the sweep file, or a selection that is not repeated, are found out.

use super::kept::{Kept, Trials};
use super::{Paper, inputs};
use crate::failure::{Failure, Result};
use crate::session;
use std::collections::BTreeMap;
use std::sync::Arc;
use sweep_coordinator::dispatch::{Dispatcher, Submission};
use sweep_coordinator::store::SweepState;
use sweep_core::job::{Answer, Ending, Link, Provenance, Report};
use sweep_core::trial::Trial;

/// Cells that are asked for at a time.
const BUNDLE: usize = 512;

/// Puts what is kept of the sweep of `paper` into the database of `dispatcher`, unless it is there; its id.
///
/// # Errors
/// [`Failure::Mistake`] where the rows are of another file, or lack a cell.
pub async fn replay(dispatcher: &Arc<Dispatcher>, paper: &Paper, mut kept: Kept) -> Result<String> {
    let refused = |why: String| {
        Failure::Mistake(format!(
            "the result rows of \"{}\" {why}; train them again: sweep paper {}",
            paper.name, paper.name
        ))
    };
    if kept.source != paper.file {
        return Err(refused("are of another sweep file".to_owned()));
    }
    let checked = session::embedded(paper.name, paper.file, inputs(paper, None))?;
    let files = checked.contents.files;
    let digest = checked.sweep.digest(&checked.contents.inputs);
    let there = dispatcher.store().sweeps_with_digest(&digest).await?;
    if let Some(known) = there.into_iter().find(|known| known.state == SweepState::Finished) {
        return Ok(known.id);
    }
    // Nothing is linked: every cell is asked for.
    let how = Submission { fresh: true, ..Submission::default() };
    let id = dispatcher.submit(checked.sweep, paper.file, &files, &how).await?;
    let unknown = || Provenance {
        trainer_version: String::new(),
        revision: 0,
        git_commit: String::new(),
        host: String::new(),
        cpu: String::new(),
        blas_library: String::new(),
        blas_kernel: String::new(),
        blas_threads: 1,
        dtype: "f64".to_owned(),
    };
    let provenance = kept.provenance.clone().unwrap_or_else(unknown);
    let link = dispatcher.connect(&format!("rows of {}", paper.name), &provenance, 1, BUNDLE as u32).await?;
    let mut trials: BTreeMap<u64, Trial> = BTreeMap::new();
    loop {
        let leases = match link.lease(BUNDLE).await? {
            Answer::Leases(leases) => leases,
            Answer::Finished => break,
            Answer::Wait => {
                return Err(Failure::Internal(anyhow::anyhow!("the rows of {} came to no end", paper.name)));
            }
        };
        let mut reports = Vec::new();
        for lease in leases {
            let Some(outcome) = kept.outcomes.remove(&lease.cell) else {
                return Err(refused(format!("have none for cell {}", lease.cell)));
            };
            reports.push(Report {
                sweep: lease.sweep,
                cell: lease.cell,
                fence: lease.fence,
                ending: Ending::Outcome(Box::new(outcome)),
            });
            trials.insert(lease.cell, lease.trial);
        }
        link.report(reports).await?;
    }
    let mut hash = Trials::default();
    for (cell, trial) in &trials {
        hash.tell(*cell, trial)?;
    }
    if !kept.outcomes.is_empty() {
        return Err(refused(format!("have {} cells that the sweep does not ask for", kept.outcomes.len())));
    }
    if hash.hash() != kept.trials {
        return Err(refused("are of other trials".to_owned()));
    }
    Ok(id)
}
