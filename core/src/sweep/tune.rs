//! Tune → refit: fair selection within a grid (the protocol is in docs/sweep-file.md, "Tuning").
//!
//! A *group* is what a comparison is between: the coordinates but for the tuned axes and the replicate. Its
//! *candidates* are the values of the tuned axes that the file gives it. Every candidate is run on the tuning
//! replicates with a validation split; the one with the least median validation error is run again, on all observed
//! entries and fresh seeds, and only these refits are reported. A group with one candidate is only refitted.
//!
//! A group block is a product, and so is each part of its candidates, so that every number here is found by
//! arithmetic: nothing grows with the cells.

use super::combine::ordered;
use super::file::Tuning;
use crate::axis::{self, Kind};
use crate::grid::{Block, Factor, Grid, MAX_BLOCKS, TooLarge};
use crate::value::Value;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// The first refit's number, less [`first`](super::Sweep): beyond every tuning replicate, so that seeds are fresh.
pub const FIRST_REFIT: i64 = 1_000;

/// The groups of a sweep with `[tune]`, their candidates and their refits.
#[derive(Debug, Clone, PartialEq)]
pub struct Tune {
    /// The tuned axes.
    pub over: Vec<&'static str>,
    /// Replicates of each candidate.
    pub replicates: u64,
    /// Share of the observed entries held out while tuning.
    pub validation: f64,
    /// Replicates of each winner.
    pub refit: u64,
    /// The groups: coordinates without tuned axes and replicate.
    pub(super) groups: Grid,
    /// The refits: the groups' blocks with a replicate, in the same order.
    pub(super) refits: Grid,
    /// Per block of `groups`: its candidates as disjoint products, each with its block of the tuning grid (none for a
    /// single candidate).
    candidates: Vec<Vec<(Block, Option<usize>)>>,
    /// Per block of the tuning grid: its group block, and which of that block's candidates it holds.
    origin: Vec<(usize, usize)>,
}

/// One group.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// What its cells share: every coordinate but the tuned axes and the replicate.
    pub coordinates: BTreeMap<String, Value>,
    /// How many candidates there are. One: nothing is tuned.
    pub candidates: u64,
}

/// A tuning cell, as its group sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The group.
    pub group: u64,
    /// Which candidate it runs.
    pub candidate: u64,
    /// Which of the tuning replicates, from 0.
    pub replicate: u64,
}

/// What a group's tuning chose.
#[derive(Debug, Clone, PartialEq)]
pub struct Selection {
    /// The candidate with the least median validation error; the first of several.
    pub candidate: u64,
    /// That median over the replicates; `None` where more than half of the winner's runs failed, as then all
    /// candidates' did.
    pub median: Option<f64>,
    /// The tuned axes whose value is the least or the largest of several: the best value may lie beyond, and the list
    /// should be extended. Not where that is the bound of the axis itself, nor where a candidate with another value is
    /// exactly as good, for then nothing points beyond the end.
    pub at_edge: Vec<&'static str>,
}

/// `block` in parts, so that no factor holds both tuned and other axes: one part for each value of the others.
///
/// Done before any rule. Since rules then cut what groups fix alike for all that is tuned, two blocks of one combination
/// have one group part or share no group.
///
/// # Errors
/// [`TooLarge::Blocks`].
pub(super) fn divided(block: &Block, tuned: &[&'static str]) -> Result<Vec<Block>, TooLarge> {
    let mut done: Vec<Vec<Arc<Factor>>> = vec![Vec::new()];
    for factor in block.factors() {
        let held = factor.axes().iter().filter(|axis| tuned.contains(axis)).count();
        let parts: Vec<Vec<Arc<Factor>>> = if held == 0 || held == factor.axes().len() {
            vec![vec![factor.clone()]]
        } else {
            factor.divide(tuned).iter().map(|part| separated(part, tuned)).collect()
        };
        if done.len() * parts.len() > MAX_BLOCKS {
            return Err(TooLarge::Blocks);
        }
        done = done.iter().flat_map(|head| parts.iter().map(|part| [&head[..], &part[..]].concat())).collect();
    }
    Ok(done.into_iter().map(Block::new).collect())
}

/// The axes of a divided factor that are not tuned, each a constant, and the tuned rest.
fn separated(factor: &Factor, tuned: &[&'static str]) -> Vec<Arc<Factor>> {
    let (held, free): (Vec<&'static str>, Vec<&'static str>) =
        factor.axes().iter().copied().partition(|axis| tuned.contains(axis));
    let constants = free.iter().filter_map(|axis| Some(Factor::constant(axis, factor.values(axis).next()?.clone())));
    let column = |axis: &&'static str| factor.axes().iter().position(|a| a == axis);
    let columns: Vec<usize> = held.iter().filter_map(column).collect();
    let rows = factor.rows().iter().map(|row| columns.iter().map(|&c| row[c].clone()).collect()).collect();
    constants.chain([Factor::list(held, rows)]).map(Arc::new).collect()
}

/// The factors of a block that a group fixes, and those that are tuned.
pub(super) fn parts(block: &Block, tuned: &[&'static str]) -> (Block, Block) {
    let (held, free): (Vec<_>, Vec<_>) =
        block.factors().iter().cloned().partition(|factor| factor.axes().iter().any(|axis| tuned.contains(axis)));
    (Block::new(free), Block::new(held))
}

/// `block` with `replicates` after the axes that move the cost, and `validation` last.
fn with_replicates(block: &Block, replicates: Factor, validation: f64, tuned: &[&'static str]) -> Block {
    let factors = block.factors().iter().cloned().chain([Arc::new(replicates)]);
    let ordered = ordered(&Block::new(factors), tuned);
    let last = Arc::new(Factor::constant("validation", Value::Float(validation)));
    Block::new(ordered.factors().iter().cloned().chain([last]))
}

impl Tune {
    /// The tuning grid of `blocks` and its groups. `first` is the number of the first replicate, `most` the cells
    /// allowed in all.
    ///
    /// # Errors
    /// [`TooLarge`].
    pub(super) fn new(file: &Tuning, blocks: &[Block], first: i64, most: u64) -> Result<(Grid, Tune), TooLarge> {
        let over: Vec<&'static str> = file.over.iter().map(|(axis, _)| *axis).collect();
        let mut groups: Vec<(Block, Vec<Block>)> = Vec::new();
        let mut numbers: HashMap<String, usize> = HashMap::new();
        for block in blocks {
            let (group, tuned) = parts(block, &over);
            let number = *numbers.entry(group.canonical()).or_insert_with(|| {
                groups.push((group, Vec::new()));
                groups.len() - 1
            });
            groups[number].1.push(tuned);
        }
        let (mut tuning, mut origin, mut candidates) = (Vec::new(), Vec::new(), Vec::new());
        for (number, (group, tuned)) in groups.iter().enumerate() {
            let alone = tuned.iter().map(|part| part.len().unwrap_or(u128::MAX)).fold(0, u128::saturating_add) <= 1;
            let mut held = Vec::new();
            for (part, block) in tuned.iter().enumerate() {
                held.push((block.clone(), (!alone).then_some(tuning.len())));
                if !alone {
                    let factors = group.factors().iter().chain(block.factors()).cloned();
                    let replicates = Factor::replicates(first, file.replicates);
                    tuning.push(with_replicates(&Block::new(factors), replicates, file.validation, &over));
                    origin.push((number, part));
                }
            }
            candidates.push(held);
        }
        let refits = groups
            .iter()
            .map(|(group, _)| with_replicates(group, Factor::replicates(first + FIRST_REFIT, file.refit), 0.0, &over));
        let tuning = Grid::new(tuning, most)?;
        let refits = Grid::new(refits.collect(), most - tuning.len())?;
        let groups = Grid::new(groups.into_iter().map(|(group, _)| group).collect(), most)?;
        let (replicates, validation, refit) = (file.replicates, file.validation, file.refit);
        Ok((tuning, Tune { over, replicates, validation, refit, groups, refits, candidates, origin }))
    }

    /// The number of groups.
    pub fn len(&self) -> u64 {
        self.groups.len()
    }

    /// Whether there is no group.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// Group `g`.
    pub fn group(&self, g: u64) -> Option<Group> {
        let (block, _) = self.groups.locate(g)?;
        Some(Group { coordinates: self.groups.coordinates(g)?, candidates: self.candidates_of(block) })
    }

    /// The number of candidates in every group of group block `block`.
    pub(super) fn candidates_of(&self, block: usize) -> u64 {
        self.candidates[block].iter().map(|(part, _)| part.len().unwrap_or(1) as u64).sum()
    }

    /// The candidates of group block `block`, as products.
    pub(super) fn parts_of(&self, block: usize) -> impl Iterator<Item = &Block> {
        self.candidates[block].iter().map(|(part, _)| part)
    }

    /// The part of a group block's candidates that holds candidate `c`, and its place there.
    fn candidate_at(&self, block: usize, mut c: u64) -> Option<(&Block, Option<usize>, u64)> {
        for (part, tuning) in &self.candidates[block] {
            let length = part.len()? as u64;
            if c < length {
                return Some((part, *tuning, c));
            }
            c -= length;
        }
        None
    }

    /// The coordinates of the tuned axes of candidate `c` in group `g`.
    pub fn candidate(&self, g: u64, c: u64) -> Option<BTreeMap<String, Value>> {
        let (block, _) = self.groups.locate(g)?;
        let (part, _, at) = self.candidate_at(block, c)?;
        Some(part.at(&part.digits(at)))
    }

    /// The tuning cells of candidate `c` in group `g`, one a replicate; none where the group is only refitted.
    pub fn tuning_cells(&self, grid: &Grid, g: u64, c: u64) -> Vec<u64> {
        let found = self.groups.locate(g).and_then(|(block, at)| {
            let (part, tuning, candidate) = self.candidate_at(block, c)?;
            Some((self.groups.blocks()[block].digits(at), part.digits(candidate), tuning?))
        });
        let Some((group, tuned, tuning)) = found else { return Vec::new() };
        let cells = (0..self.replicates).map(|r| woven(&grid.blocks()[tuning], &group, r, &tuned));
        cells.map(|index| grid.start(tuning) + index).collect()
    }

    /// The refit cells of group `g`, counted from the first refit.
    pub(super) fn refits_of(&self, g: u64) -> Vec<u64> {
        let Some((block, at)) = self.groups.locate(g) else { return Vec::new() };
        let group = self.groups.blocks()[block].digits(at);
        let cells = (0..self.refit).map(|r| woven(&self.refits.blocks()[block], &group, r, &[]));
        cells.map(|index| self.refits.start(block) + index).collect()
    }

    /// Where tuning cell `index` of `grid` belongs.
    pub(super) fn place(&self, grid: &Grid, index: u64) -> Option<Place> {
        let (tuning, at) = grid.locate(index)?;
        let (block, part) = self.origin[tuning];
        let (group, replicate, tuned) =
            unwoven(&grid.blocks()[tuning], at, self.groups.blocks()[block].factors().len());
        let before = self.candidates[block][..part].iter().map(|(part, _)| part.len().unwrap_or(1) as u64).sum::<u64>();
        Some(Place {
            group: self.groups.start(block) + self.groups.blocks()[block].index(&group),
            candidate: before + self.candidates[block][part].0.index(&tuned),
            replicate,
        })
    }

    /// The group of refit `index`, counted from the first refit.
    pub(super) fn refit_group(&self, index: u64) -> Option<u64> {
        let (block, at) = self.refits.locate(index)?;
        let group = &self.groups.blocks()[block];
        let (digits, ..) = unwoven(&self.refits.blocks()[block], at, group.factors().len());
        Some(self.groups.start(block) + group.index(&digits))
    }

    /// Chooses the candidate of group `g` with the least median validation error.
    ///
    /// `errors[c][r]` is the validation error of candidate c on replicate r, `None` where the run failed: diverged,
    /// inflated, or not there. A failure counts as +∞, so that a candidate that fails on most replicates cannot win
    /// over one that does not. `None` if there is no group `g`.
    pub fn select(&self, g: u64, errors: &[Vec<Option<f64>>]) -> Option<Selection> {
        let group = self.group(g)?;
        let (mut best, mut equals) = ((0, f64::INFINITY), Vec::new());
        for c in 0..group.candidates {
            let median = median(errors.get(c as usize).map_or(&[], Vec::as_slice), self.replicates as usize);
            if median < best.1 {
                best = (c, median);
                equals.clear();
            } else if median == best.1 && median.is_finite() {
                equals.push(c);
            }
        }
        let (block, _) = self.groups.locate(g)?;
        let winner = self.candidate(g, best.0)?;
        let equals: Vec<_> = equals.iter().filter_map(|&c| self.candidate(g, c)).collect();
        let at_edge = |axis: &&&'static str| {
            winner.get(**axis).is_some_and(|value| {
                self.at_edge(block, axis, value) && equals.iter().all(|other| other.get(**axis) == Some(value))
            })
        };
        let at_edge = self.over.iter().filter(at_edge).copied().collect();
        Some(Selection { candidate: best.0, median: best.1.is_finite().then_some(best.1), at_edge })
    }

    /// Whether `value` is an end of the group block's values of `axis`, and not a bound of the axis.
    fn at_edge(&self, block: usize, axis: &str, value: &Value) -> bool {
        let values = || self.parts_of(block).flat_map(|part| part.factor(axis)).flat_map(|factor| factor.values(axis));
        let Some(value) = value.number() else { return false };
        let (mut least, mut largest) = (f64::INFINITY, f64::NEG_INFINITY);
        for x in values().filter_map(Value::number) {
            (least, largest) = (least.min(x), largest.max(x));
        }
        let bounds = match axis::find(axis).map(|axis| axis.kind) {
            Some(Kind::Float(a, b)) => [Some(a), Some(b)],
            Some(Kind::Int(a, b)) => [Some(a as f64), Some(b as f64)],
            Some(Kind::Below(a, _)) => [Some(a), None],
            Some(Kind::Above(_, b)) => [None, Some(b)],
            _ => [None, None],
        };
        least < largest && (value == least || value == largest) && !bounds.contains(&Some(value))
    }
}

/// The median of `replicates` errors, of which those not given are +∞; between two, their mean.
fn median(given: &[Option<f64>], replicates: usize) -> f64 {
    let count = replicates.max(given.len()).max(1);
    let finite = |error: &Option<f64>| error.filter(|x| x.is_finite()).unwrap_or(f64::INFINITY);
    let mut errors: Vec<f64> = given.iter().map(finite).collect();
    errors.resize(count, f64::INFINITY);
    errors.sort_by(f64::total_cmp);
    let (low, high) = (errors[(count - 1) / 2], errors[count / 2]);
    if low == high { low } else { low / 2.0 + high / 2.0 }
}

/// The cell of a block with replicates whose group, replicate and tuned digits are given. The last factor, the
/// validation share, has one value.
fn woven(block: &Block, group: &[u64], replicate: u64, tuned: &[u64]) -> u64 {
    let at = block.factors().iter().position(|factor| factor.is_replicates()).unwrap_or(0);
    let digits = [&group[..at], &[replicate], &group[at..], tuned, &[0]].concat();
    block.index(&digits)
}

/// The inverse of [`woven`]: the digits of the group (of `length` factors), the replicate, and the tuned digits.
fn unwoven(block: &Block, index: u64, length: usize) -> (Vec<u64>, u64, Vec<u64>) {
    let at = block.factors().iter().position(|factor| factor.is_replicates()).unwrap_or(0);
    let mut digits = block.digits(index);
    digits.pop();
    let replicate = digits.remove(at);
    let tuned = digits.split_off(length);
    (digits, replicate, tuned)
}
