//! More cells for a sweep that is there: what another file adds to it.
//!
//! One rule: a cell that is there stays, with its index and its trial. The whole longer file is given; what of its blocks
//! no earlier cell holds becomes segments at the end. Whatever takes a cell away or changes one is refused, and the first
//! such cell named. Differences are taken box by box: nothing grows with the cells.
//!
//! An axis that only one of the two files speaks of stands at its default in the cells of the other.

use super::segment::Segment;
use super::tune::{Members, Tune};
use super::{Sweep, combine, parse};
use crate::grid::{Block, Factor, Grid};
use crate::trial;
use crate::value::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Most pairs of blocks that are compared.
const MOST_PAIRS: usize = 1_000_000;

/// Why a file does not extend a sweep.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Unfit {
    /// A setting of all cells would change.
    #[error("{setting}: {was} cannot become {is}; an extension adds cells and changes none")]
    Setting {
        /// What is set.
        setting: &'static str,
        /// As it is in the sweep.
        was: String,
        /// As it is in the file.
        is: String,
    },
    /// A cell would go, or be another.
    #[error(
        "cell {cell} of the sweep is not in the file: {}; an extension adds cells and changes none",
        shown(coordinates)
    )]
    Gone {
        /// Its index.
        cell: u64,
        /// Its coordinates.
        coordinates: BTreeMap<String, Value>,
    },
    /// Groups that were alike no longer are.
    #[error(
        "the file gives groups of [tune] that had the same candidates different ones, the first: {}; what is added must \
         be added to all of them, or be a sweep of its own",
        shown(.0)
    )]
    Apart(BTreeMap<String, Value>),
    /// No cell is new.
    #[error("the sweep has every cell of the file; nothing is added")]
    Nothing,
    /// Too much to compare.
    #[error(
        "the rules of the file cut it in too many ways to be compared with the sweep; submit it as a sweep of its own"
    )]
    TooMany,
}

fn shown(coordinates: &BTreeMap<String, Value>) -> String {
    coordinates.iter().map(|(axis, value)| format!("{axis} = {value}")).collect::<Vec<_>>().join(", ")
}

impl Sweep {
    /// This sweep with the cells of the longer file `next`, as parsed, that it does not have: after its own, which keep
    /// their indices. Everything but the cells is as in `next`.
    ///
    /// # Errors
    /// [`Unfit`].
    pub fn extended(&self, next: &Sweep) -> Result<Sweep, Unfit> {
        self.settings_stay(next)?;
        let axes = Axes::of([self, next]);
        let (mut whole, next) = (axes.filled(self), axes.filled(next));
        let mut comparison = Comparison { left: MOST_PAIRS };
        let (number, start) = (whole.segments.len(), whole.len());
        match (&mut whole.tune, &next.tune) {
            (Some(tune), Some(longer)) => {
                let mut groups = tune.groups.blocks().to_vec();
                groups.extend(comparison.groups(self, tune, longer)?);
                (tune.replicates, tune.refit) = (longer.replicates, longer.refit);
                let segments = tune.complete(&groups, next.first, (number, start), u64::MAX - start);
                whole.segments.extend(segments.map_err(|_| Unfit::TooMany)?);
                tune.groups = Grid::new(groups, u64::MAX).map_err(|_| Unfit::TooMany)?;
            }
            _ => {
                let added = comparison.blocks(&whole, &next)?;
                let grid = Grid::new(added, u64::MAX - start).map_err(|_| Unfit::TooMany)?;
                whole.segments.push(Segment::plain(start, grid));
            }
        }
        if whole.len() == start {
            return Err(Unfit::Nothing);
        }
        debug_assert_eq!(whole.len(), next.len(), "the cells of an extended sweep are those of the longer file");
        let Sweep { description, tags, order, replicates, first, rules, .. } = next;
        let Sweep { name, seconds, fix, tune, segments, .. } = whole;
        Ok(Sweep { name, description, tags, order, seconds, replicates, first, fix, tune, segments, rules })
    }

    /// What says something of every cell is the same.
    fn settings_stay(&self, next: &Sweep) -> Result<(), Unfit> {
        let of = |sweep: &Sweep| {
            let tune = sweep.tune.as_ref();
            let over = tune.map_or("nothing".to_owned(), |tune| {
                // Their order says nothing.
                tune.over.iter().copied().collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(", ")
            });
            let fixed: Vec<String> = sweep.fix.iter().map(|(seed, value)| format!("{seed} = {value}")).collect();
            [
                ("name", format!("\"{}\"", sweep.name)),
                ("seconds of [stop]", sweep.seconds.map_or("no limit".to_owned(), |s| Value::Float(s).to_string())),
                ("fixed seeds", if fixed.is_empty() { "none".to_owned() } else { fixed.join(", ") }),
                ("what is tuned", over),
                ("validation", tune.map_or(String::new(), |tune| tune.validation.to_string())),
                // The number of a refit follows from it.
                ("first replicate", tune.map_or(String::new(), |_| sweep.first.to_string())),
            ]
        };
        for ((setting, was), (_, is)) in of(self).into_iter().zip(of(next)) {
            if was != is {
                return Err(Unfit::Setting { setting, was, is });
            }
        }
        if let (Some(tune), Some(longer)) = (&self.tune, &next.tune) {
            let counts = [("replicates", tune.replicates, longer.replicates), ("refit", tune.refit, longer.refit)];
            for (setting, was, is) in counts {
                if is < was {
                    return Err(Unfit::Setting { setting, was: was.to_string(), is: is.to_string() });
                }
            }
        }
        Ok(())
    }
}

/// The names chosen in a block: blocks of different ones share no cell.
fn choices<'f>(mut factors: impl Iterator<Item = &'f Factor>) -> Option<&'f Factor> {
    factors.find(|factor| factor.axes().contains(&"problem"))
}

fn key(block: &Block) -> String {
    choices(block.factors().iter().map(AsRef::as_ref)).map_or(String::new(), Factor::canonical)
}

/// The axes that the cells of each combination of choices have in either of two files.
struct Axes(BTreeMap<String, (Factor, BTreeSet<&'static str>)>);

impl Axes {
    fn of(sweeps: [&Sweep; 2]) -> Axes {
        let mut axes: BTreeMap<String, (Factor, BTreeSet<&'static str>)> = BTreeMap::new();
        for factors in sweeps.iter().flat_map(|sweep| sweep.products()) {
            let Some(chosen) = choices(factors.iter().copied()) else { continue };
            let (_, known) = axes.entry(chosen.canonical()).or_insert_with(|| (chosen.clone(), BTreeSet::new()));
            known.extend(factors.iter().flat_map(|factor| factor.axes().iter().copied()));
        }
        Axes(axes)
    }

    /// The axes of the choices in `of` that `has` has not and `wanted` names, each at its default. An axis without one, and
    /// a seed, which follows the replicate, stays away: then the two share no cell.
    fn missing(&self, of: &Block, has: &Block, wanted: impl Fn(&str) -> bool) -> Vec<Arc<Factor>> {
        let Some((chosen, axes)) = self.0.get(&key(of)) else { return Vec::new() };
        let given =
            chosen.axes().iter().filter_map(|axis| Some(((*axis).to_owned(), chosen.values(axis).next()?.clone())));
        let applicable = trial::applicable(&given.collect()).unwrap_or_default();
        let absent = |axis: &&&'static str| {
            wanted(axis) && !parse::SEEDS.contains(axis) && of.factor(axis).is_none() && has.factor(axis).is_none()
        };
        let constant = |axis: &'static str| {
            let default = applicable.iter().find(|known| known.name == axis)?.default?;
            Some(Arc::new(Factor::constant(axis, default.into())))
        };
        axes.iter().filter(absent).filter_map(|axis| constant(axis)).collect()
    }

    /// The sweep with every such axis in its blocks. A factor of one alternative moves no index.
    fn filled(&self, sweep: &Sweep) -> Sweep {
        let mut sweep = sweep.clone();
        let with = |block: &Block, more: Vec<Arc<Factor>>, tuned: &[&'static str]| {
            combine::ordered(&Block::new(block.factors().iter().cloned().chain(more)), tuned)
        };
        let same_length = |blocks: Vec<Block>| Grid::new(blocks, u64::MAX).expect("as many cells and blocks as before");
        match &mut sweep.tune {
            Some(tune) => {
                let over = tune.over.clone();
                let none = Block::default();
                for (group, members) in tune.groups.blocks().iter().zip(&mut tune.members) {
                    for candidates in &mut members.candidates {
                        let more = self.missing(group, &candidates.product, |axis| over.contains(&axis));
                        candidates.product = with(&candidates.product, more, &over);
                    }
                }
                let groups = tune.groups.blocks().iter();
                let groups =
                    groups.map(|group| with(group, self.missing(group, &none, |axis| !over.contains(&axis)), &over));
                tune.groups = same_length(groups.collect());
                for segment in &mut sweep.segments {
                    segment.grid = same_length(tune.rebuilt(segment));
                }
            }
            None => {
                for segment in &mut sweep.segments {
                    let blocks = segment.grid.blocks().iter();
                    let blocks = blocks.map(|block| with(block, self.missing(block, block, |_| true), &[]));
                    segment.grid = same_length(blocks.collect());
                }
            }
        }
        sweep
    }
}

/// A cell of a block: its place there, and its coordinates.
type Found = (u64, BTreeMap<String, Value>);

/// Compares blocks, as long as there are not too many pairs of them.
struct Comparison {
    left: usize,
}

impl Comparison {
    /// The cells of `block` that are in none of `others`.
    fn rest<'b>(&mut self, block: &Block, others: impl IntoIterator<Item = &'b Block>) -> Result<Vec<Block>, Unfit> {
        let mut rest = vec![block.clone()];
        for other in others {
            let mut next = Vec::new();
            for block in rest {
                self.left = self.left.checked_sub(1).ok_or(Unfit::TooMany)?;
                next.extend(block.minus(other).ok_or(Unfit::TooMany)?);
            }
            rest = next;
            if rest.is_empty() {
                break;
            }
        }
        Ok(rest)
    }

    /// The first cell of `block` that is in none of `others`: its place in the block, and its coordinates.
    fn first<'b>(
        &mut self,
        block: &Block,
        others: impl IntoIterator<Item = &'b Block>,
    ) -> Result<Option<Found>, Unfit> {
        let rest = self.rest(block, others)?;
        let first = |part: &Block| {
            let coordinates = part.at(&vec![0; part.factors().len()]);
            Some((block.index_of(&coordinates)?, coordinates))
        };
        Ok(rest.iter().filter_map(first).min_by_key(|(index, _)| *index))
    }

    /// The blocks that the plain sweep `next` adds to `whole`.
    fn blocks(&mut self, whole: &Sweep, next: &Sweep) -> Result<Vec<Block>, Unfit> {
        let all = |sweep: &Sweep| -> Vec<(u64, Block)> {
            let of = |segment: &Segment| {
                let blocks = segment.grid.blocks().iter().enumerate();
                blocks.map(|(k, block)| (segment.start + segment.grid.start(k), block.clone())).collect::<Vec<_>>()
            };
            sweep.segments.iter().flat_map(of).collect()
        };
        let (old, new) = (all(whole), all(next));
        let (olds, news) =
            (by_choice(old.iter().map(|(_, block)| block)), by_choice(new.iter().map(|(_, block)| block)));
        let none: Vec<&Block> = Vec::new();
        for (start, block) in &old {
            let others = news.get(&key(block)).unwrap_or(&none);
            if let Some((index, coordinates)) = self.first(block, others.iter().copied())? {
                return Err(Unfit::Gone { cell: start + index, coordinates });
            }
        }
        let mut added = Vec::new();
        for (_, block) in &new {
            let rest = self.rest(block, olds.get(&key(block)).unwrap_or(&none).iter().copied())?;
            added.extend(rest.iter().map(|block| combine::ordered(block, &[])));
        }
        Ok(added)
    }

    /// Gives the groups of `tune`, which is that of `sweep`, the candidates that `longer` adds; the blocks of groups that
    /// are new, whose candidates are there then, too.
    fn groups(&mut self, sweep: &Sweep, tune: &mut Tune, longer: &Tune) -> Result<Vec<Block>, Unfit> {
        let keys: Vec<String> = longer.groups.blocks().iter().map(key).collect();
        let products = |members: &Members| -> Vec<Block> {
            members.candidates.iter().map(|candidates| candidates.product.clone()).collect()
        };
        // What of each block of groups of `longer` is not there yet.
        let mut left: Vec<Vec<Block>> = longer.groups.blocks().iter().map(|block| vec![block.clone()]).collect();
        for (k, group) in tune.groups.blocks().iter().enumerate() {
            let number = |at: u64| tune.groups.start(k) + at;
            let of = key(group);
            let others: Vec<(usize, &Block)> =
                longer.groups.blocks().iter().enumerate().filter(|(j, _)| keys[*j] == of).collect();
            if let Some((at, coordinates)) = self.first(group, others.iter().map(|(_, other)| *other))? {
                let cell = sweep.refit_cells(number(at)).first().copied().unwrap_or_default();
                return Err(Unfit::Gone { cell, coordinates });
            }
            let mut whole = None;
            for (j, other) in others {
                if self.rest(group, [other])?.is_empty() {
                    whole = Some(j);
                    break;
                }
            }
            let Some(j) = whole else { return Err(Unfit::Apart(group.at(&vec![0; group.factors().len()]))) };
            let (mine, theirs) = (products(&tune.members[k]), products(&longer.members[j]));
            let mut before = 0;
            for product in &mine {
                if let Some((at, coordinates)) = self.first(product, &theirs)? {
                    let (g, c) = (number(0), before + at);
                    let cells = [sweep.tuning_cells(g, c), sweep.refit_cells(g)].concat();
                    let coordinates = group.at(&vec![0; group.factors().len()]).into_iter().chain(coordinates);
                    return Err(Unfit::Gone { cell: cells[0], coordinates: coordinates.collect() });
                }
                before += product.len().unwrap_or_default() as u64;
            }
            for product in &theirs {
                for rest in self.rest(product, &mine)? {
                    tune.members[k].add(combine::ordered(&rest, &tune.over));
                }
            }
            let mut rest = Vec::new();
            for block in &left[j] {
                rest.extend(self.rest(block, [group])?);
            }
            left[j] = rest;
        }
        let mut added = Vec::new();
        for (j, blocks) in left.into_iter().enumerate() {
            for block in blocks {
                added.push(combine::ordered(&block, &tune.over));
                tune.members.push(Members::new(products(&longer.members[j])));
            }
        }
        Ok(added)
    }
}

/// Blocks by the names chosen in them.
fn by_choice<'b>(blocks: impl IntoIterator<Item = &'b Block>) -> BTreeMap<String, Vec<&'b Block>> {
    let mut by_choice: BTreeMap<String, Vec<&Block>> = BTreeMap::new();
    for block in blocks {
        by_choice.entry(key(block)).or_default().push(block);
    }
    by_choice
}
