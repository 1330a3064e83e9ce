//! More cells for a stored sweep, running or finished.
//!
//! One rule: cells are added at the end and none changes, so leases that are out, outcomes and checkpoints stay what they
//! are. A tuned axis that gets more values gives its groups more candidates: their winner is selected anew once these are
//! final, and where it is another one, the refits are run anew, too.

use super::active::Active;
use super::control::in_order;
use super::{Dispatcher, Error, Result};
use crate::store::{self, CellState, Ending, NewExtension, SweepState};
use std::collections::BTreeMap;
use sweep_core::sweep::Sweep;
use sweep_core::trial::Inputs;

/// What an extension adds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extended {
    /// The sweep's id.
    pub id: String,
    /// Its cells before.
    pub before: u64,
    /// Its cells from then on.
    pub cells: u64,
    /// Groups that were there and get more tuning cells.
    pub retuned: u64,
}

impl Dispatcher {
    /// Gives the sweep called `key` the cells of the longer file `source` that it does not have, of at most `most` in all;
    /// `contents` holds the bytes of the files that are new in it, by path. With `dry` nothing is stored.
    ///
    /// # Errors
    /// [`Error::Unfit`] where the file takes away or changes a cell, or adds none; what the database says.
    pub async fn extend(
        &self,
        key: &str,
        source: &str,
        contents: &BTreeMap<String, Vec<u8>>,
        most: u64,
        dry: bool,
    ) -> Result<Extended> {
        // Held to the end: of two extensions at a time, the second sees what the first added.
        let mut all = self.active.lock().await;
        let stored = self.store.find_sweep(key).await?;
        let unfit = |why: String| Error::Unfit { sweep: stored.name.clone(), why };
        if stored.state == SweepState::Cancelled {
            return Err(unfit("it was cancelled; submit the longer file as a sweep of its own".to_owned()));
        }
        let before = stored.parsed().map_err(|wrong| Error::Source(stored.id.clone(), wrong))?;
        let next = Sweep::parse(source.as_bytes(), most).map_err(|found| {
            let found: Vec<String> = found.iter().map(ToString::to_string).collect();
            unfit(format!("the file is not accepted: {}", found.join("; ")))
        })?;
        let whole = before.extended(&next).map_err(|why| unfit(why.to_string()))?;
        let inputs = inputs(&next, &stored.inputs, contents).map_err(unfit)?;
        let retuned = match (&whole.tune, &before.tune) {
            (Some(now), Some(before)) => now.retuned(before),
            _ => Vec::new(),
        };
        let extended = Extended {
            id: stored.id.clone(),
            before: before.len(),
            cells: whole.len(),
            retuned: retuned.iter().map(|groups| groups.end - groups.start).sum(),
        };
        if dry {
            return Ok(extended);
        }
        for bytes in contents.values() {
            self.store.save_blob(bytes).await?;
        }
        // Should this end in the middle, the copy is made anew.
        all.iter_mut().filter(|active| active.id == stored.id).for_each(|active| active.stale = true);
        let digest = next.digest(&inputs);
        let (description, cells) = (whole.description.as_str(), whole.len());
        let new = NewExtension { source, digest: &digest, description, cells, inputs: &inputs, retuned: &retuned };
        self.store.extend(&stored.id, &new, self.clock.now_ms()).await?;
        for tag in &whole.tags {
            self.store.tag(&stored.id, tag, true).await?;
        }
        let stored = self.store.find_sweep(&stored.id).await?;
        match all.iter_mut().find(|active| active.id == stored.id) {
            Some(active) => self.refresh(active).await?,
            None if stored.state == SweepState::Running => {
                all.push(self.activate(stored, whole).await?);
                in_order(&mut all);
            }
            None => {}
        }
        self.more();
        Ok(extended)
    }

    /// Makes those refits of a group ready again that another candidate than the present winner gave, whatever became of
    /// them. Whether there are any.
    pub(super) async fn refit_anew(&self, active: &Active, group: u64) -> Result<bool> {
        let mut cells = Vec::new();
        for cell in active.sweep.refit_cells(group) {
            let Some(known) = self.store.cell(&active.id, cell).await? else { continue };
            let (now, _) = active.recipe(cell)?;
            if known.trial_digest == now.trial_digest {
                continue;
            }
            if known.state == CellState::Leased {
                self.presence().revoke(|sweep, leased| sweep == active.id && leased == cell);
                let lease = store::Lease { sweep: active.id.clone(), cell, fence: known.fence };
                let why = "its group has another winner than the one that it was given out with";
                let (ending, next, now) = (Ending::Returned, CellState::Ready, self.clock.now_ms());
                self.store.end_attempt(&lease, ending, Some(why), next, now).await?;
            }
            cells.push(cell);
        }
        Ok(self.store.reopen(&active.id, &cells).await? > 0)
    }
}

/// Content hash of every file that the longer file names: those that the sweep has stay what they are.
fn inputs(next: &Sweep, stored: &Inputs, contents: &BTreeMap<String, Vec<u8>>) -> std::result::Result<Inputs, String> {
    let mut inputs = Inputs::new();
    for path in next.files() {
        let given = contents.get(&path).map(|bytes| blake3::hash(bytes).to_hex().to_string());
        let hash = match (stored.get(&path), given) {
            (Some(known), Some(given)) if *known != given => {
                return Err(format!(
                    "the content of \"{path}\" is not what it was when the sweep was submitted; name the new file otherwise"
                ));
            }
            (Some(known), _) => known.clone(),
            (None, Some(given)) => given,
            (None, None) => return Err(format!("the file \"{path}\" was given no content")),
        };
        inputs.insert(path, hash);
    }
    Ok(inputs)
}
