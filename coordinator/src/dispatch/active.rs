//! A sweep that is being worked on: rebuilt from the database, settled group by group.
//!
//! One rule: what is here is a copy. Whenever the two may differ (an error in the middle of a change), the copy is thrown
//! away and made anew.

use super::{Dispatcher, Error, Progress, Result};
use crate::schedule::{self, Schedule};
use crate::store::{self, CellState, Ending, NewCell, Stage, SweepState};
use std::collections::BTreeMap;
use std::ops::Range;
use sweep_core::sweep::{Cell, Order, Sweep};
use sweep_core::trial::{Inputs, Trial};

/// A sweep that is being worked on.
pub(super) struct Active {
    pub(super) id: String,
    pub(super) sweep: Sweep,
    pub(super) inputs: Inputs,
    /// Whether equal trials of other sweeps are linked.
    pub(super) link: bool,
    pub(super) schedule: Schedule,
    /// Cells whose attempts ended badly.
    pub(super) trouble: BTreeMap<u64, Trouble>,
    pub(super) tuning: Tuning,
    pub(super) progress: Progress,
    /// Whether no cell is handed out for now.
    pub(super) paused: bool,
    /// Its rank among the others.
    pub(super) priority: i64,
    /// When it was submitted: of equal priorities, the earlier one goes first.
    pub(super) created_at_ms: i64,
    /// Whether this may differ from what is stored.
    pub(super) stale: bool,
}

/// What is known against a cell.
#[derive(Debug, Clone, Default)]
pub(super) struct Trouble {
    /// Attempts that failed.
    pub failed: u64,
    /// Attempts whose process died.
    pub suspected: u64,
    /// Who failed last, where that was in this process's time.
    pub by: Option<String>,
}

/// How far the tuning of each group is.
#[derive(Default)]
pub(super) struct Tuning {
    /// Tuning cells of each group that are not final.
    open: Vec<u64>,
    /// The winner of each group that has one.
    winner: BTreeMap<u64, u64>,
}

impl Dispatcher {
    /// Rebuilds what is known of a stored sweep from its file and the database.
    ///
    /// # Errors
    /// [`Error::Source`].
    pub(super) async fn revive(&self, stored: store::Sweep) -> Result<Active> {
        let sweep = stored.parsed().map_err(|wrong| Error::Source(stored.id.clone(), wrong))?;
        self.activate(stored, sweep).await
    }

    /// The same where the file has been read.
    pub(super) async fn activate(&self, stored: store::Sweep, sweep: Sweep) -> Result<Active> {
        let store::Sweep { id, inputs, fresh, priority, created_at_ms, state, .. } = stored;
        let mut running = Vec::new();
        for out in self.store.outstanding().await?.into_iter().filter(|out| out.lease.sweep == id) {
            let held = self.presence().holds(&out.lease);
            if held {
                running.push(out.lease.cell);
            } else {
                // Stored, and then never told to anyone.
                let why = "the coordinator failed to hand it out";
                let (ending, next, now) = (Ending::Returned, CellState::Ready, self.clock.now_ms());
                self.store.end_attempt(&out.lease, ending, Some(why), next, now).await?;
            }
        }
        let order = match sweep.order {
            Order::LongestFirst => schedule::Order::LongestFirst,
            Order::ReplicatesFirst => schedule::Order::ReplicatesFirst,
        };
        let mut schedule = Schedule::new(order);
        let spans = schedule::spans(&sweep, &inputs);
        let ranges: Vec<Range<u64>> = spans.iter().map(|span| span.start..span.start + span.len).collect();
        let touched = self.store.last_touched(&id, &ranges).await?;
        for (span, last) in spans.into_iter().zip(touched) {
            if sweep.is_refit(span.start) {
                schedule.add_held(span);
            } else {
                let touched = last.map_or(0, |last| last + 1 - span.start);
                schedule.add(span, touched);
            }
        }
        let mut trouble = BTreeMap::new();
        for cell in self.store.came_back(&id).await? {
            if cell.failed + cell.suspected > 0 {
                trouble.insert(cell.cell, Trouble { failed: cell.failed, suspected: cell.suspected, by: None });
            }
            if !sweep.is_refit(cell.cell) {
                schedule.give_back(cell.cell);
            }
        }
        running.into_iter().for_each(|cell| schedule.began(cell));
        let mut active = Active {
            id,
            progress: Progress { cells: sweep.len(), ..Progress::default() },
            sweep,
            inputs,
            link: !fresh,
            schedule,
            trouble,
            tuning: Tuning::default(),
            paused: state == SweepState::Paused,
            priority,
            created_at_ms,
            stale: false,
        };
        self.resume_tuning(&mut active).await?;
        // After tuning, which may have made cells ready again.
        let counts = self.store.counts(&active.id).await?;
        active.progress.done = counts.done;
        active.progress.linked = counts.linked;
        active.progress.quarantined = counts.quarantined;
        Ok(active)
    }

    /// Makes every copy anew that may differ from what is stored; a sweep that is no longer there is forgotten.
    pub(super) async fn refresh_all(&self, all: &mut Vec<Active>) -> Result<()> {
        let mut gone = Vec::new();
        for active in all.iter_mut() {
            match self.refresh(active).await {
                Err(Error::Store(store::Error::UnknownSweep { .. })) => gone.push(active.id.clone()),
                other => other?,
            }
        }
        if !gone.is_empty() {
            all.retain(|active| !gone.contains(&active.id));
            self.revoke(|sweep, _| gone.iter().any(|id| id == sweep));
        }
        Ok(())
    }

    /// Makes the copy anew where it may differ from what is stored.
    pub(super) async fn refresh(&self, active: &mut Active) -> Result<()> {
        if !active.stale {
            return Ok(());
        }
        let before = active.progress;
        *active = self.revive(self.store.find_sweep(&active.id).await?).await?;
        let Progress { trained, unsound, seconds, .. } = before;
        active.progress = Progress { trained, unsound, seconds, ..active.progress };
        if active.progress.is_finished() && !active.stale {
            self.store.set_sweep_state(&active.id, SweepState::Finished).await?;
        }
        Ok(())
    }

    /// Finds how far tuning is: which groups have a winner, which can have one now.
    pub(super) async fn resume_tuning(&self, active: &mut Active) -> Result<()> {
        let Some(tune) = &active.sweep.tune else { return Ok(()) };
        let tuning = &mut active.tuning;
        tuning.winner = self.store.selections(&active.id).await?.into_iter().map(|s| (s.group, s.candidate)).collect();
        tuning.open = (0..tune.len())
            .map(|g| {
                tune.group(g)
                    .map_or(0, |group| if group.candidates > 1 { group.candidates * tune.replicates } else { 0 })
            })
            .collect();
        for range in active.sweep.tuning_ranges() {
            for cell in self.store.final_cells(&active.id, range).await? {
                if let Some(group) = active.sweep.group_of(cell) {
                    tuning.open[group as usize] -= 1;
                }
            }
        }
        let settled: Vec<u64> = (0..tune.len()).filter(|&g| tuning.open[g as usize] == 0).collect();
        for &group in &settled {
            if !active.tuning.winner.contains_key(&group) {
                self.select(active, group).await?;
            }
        }
        let mut done = Vec::new();
        for range in active.sweep.refit_ranges() {
            done.extend(self.store.final_cells(&active.id, range).await?);
        }
        for group in settled {
            for cell in active.sweep.refit_cells(group) {
                active.schedule.release(cell, done.binary_search(&cell).is_ok());
            }
        }
        Ok(())
    }

    /// Selects the winner of a group whose tuning cells are all final, and stores it. Answers whether refits were made
    /// ready again, since an extension gave the group another winner.
    pub(super) async fn select(&self, active: &mut Active, group: u64) -> Result<bool> {
        let sweep = &active.sweep;
        let Some((tune, of)) = sweep.tune.as_ref().and_then(|tune| Some((tune, tune.group(group)?))) else {
            return Ok(false);
        };
        let mut errors = Vec::with_capacity(of.candidates as usize);
        for candidate in 0..of.candidates {
            let mut runs = Vec::with_capacity(tune.replicates as usize);
            for cell in sweep.tuning_cells(group, candidate) {
                let score = self.store.scores(&active.id, cell..cell + 1).await?.pop();
                runs.push(score.filter(|score| !score.failed).and_then(|score| score.validation_mse));
            }
            errors.push(runs);
        }
        let Some(selection) = tune.select(group, &errors) else { return Ok(false) };
        let coordinates = tune.candidate(group, selection.candidate).unwrap_or_default();
        let stored = store::Selection {
            group,
            candidate: selection.candidate,
            candidates: of.candidates,
            coordinates: of.coordinates.into_iter().chain(coordinates).collect(),
            validation_error: selection.median,
            at_edge: selection.at_edge.join(" "),
        };
        active.tuning.winner.insert(group, selection.candidate);
        // Refits first: if this ends in between, the group is selected, and they are looked at, once more.
        let again = self.refit_anew(active, group).await?;
        self.store.select(&active.id, &[stored], self.clock.now_ms()).await?;
        Ok(again)
    }

    /// Notes that a cell is final; settles its group if it was the last of its tuning.
    pub(super) async fn finish(&self, active: &mut Active, cell: u64) -> Result<()> {
        if active.stale {
            // The copy is made anew, and that settles what is due.
            return Ok(());
        }
        if !active.sweep.is_refit(cell)
            && let Some(group) = active.sweep.group_of(cell)
        {
            active.tuning.open[group as usize] -= 1;
            if active.tuning.open[group as usize] == 0 {
                // Cells that were final and no longer are: the counts are made anew.
                active.stale |= self.select(active, group).await?;
                for cell in active.sweep.refit_cells(group) {
                    active.schedule.release(cell, false);
                }
                self.more();
            }
        }
        if !active.stale && active.progress.is_finished() {
            self.store.set_sweep_state(&active.id, SweepState::Finished).await?;
        }
        Ok(())
    }
}

impl Active {
    /// Takes a cell back. A refit whose group is being tuned waits for its release.
    pub(super) fn give_back(&mut self, cell: u64) {
        let tuned = |group: u64| self.tuning.open.get(group as usize).is_some_and(|open| *open == 0);
        if self.sweep.is_refit(cell) && !self.sweep.group_of(cell).is_some_and(tuned) {
            self.schedule.skip(cell);
        } else {
            self.schedule.give_back(cell);
        }
    }

    /// The stored form and the trial of `cell`.
    pub(super) fn recipe(&self, cell: u64) -> Result<(NewCell, Trial)> {
        let failed = |source| Error::Trial { sweep: self.id.clone(), cell, source };
        let (stage, coordinates) = match self.sweep.cell(cell) {
            Some(Cell::Fixed(coordinates)) if self.sweep.tune.is_some() => (Stage::Tuning, coordinates),
            Some(Cell::Fixed(coordinates)) => (Stage::Grid, coordinates),
            Some(Cell::Refit { group, .. }) => {
                let winner = self.tuning.winner.get(&group).copied().unwrap_or(0);
                (Stage::Refit, self.sweep.refit_coordinates(cell, winner).unwrap_or_default())
            }
            None => unreachable!("the schedule holds cells of the sweep only"),
        };
        let trial = self.sweep.trial(&coordinates, &self.inputs).map_err(failed)?;
        let trial_digest = trial.digest().map_err(failed)?;
        let mut whole: BTreeMap<String, _> =
            trial.values().map(|(axis, value)| (axis.to_owned(), value.clone())).collect();
        whole.extend(coordinates.into_iter().filter(|(axis, _)| axis == "replicate"));
        Ok((NewCell { cell, stage, coordinates: whole, trial_digest }, trial))
    }
}
