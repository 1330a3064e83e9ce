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
use super::segment::{Origin, Segment};
use crate::axis::{self, Kind};
use crate::grid::{Block, Factor, Grid, MAX_BLOCKS, TooLarge};
use crate::value::Value;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
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
    /// Per block of `groups`.
    pub(super) members: Vec<Members>,
}

/// What all groups of one block have.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Members {
    /// Their candidates as disjoint products, in order.
    pub(super) candidates: Vec<Candidates>,
    refits: Vec<Home>,
}

/// Candidates of a block of groups.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Candidates {
    /// The tuned axes.
    pub(super) product: Block,
    /// Their tuning cells, by replicate; none for a single candidate.
    tuning: Vec<Home>,
}

/// A block of cells, by its segment and its place there.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Home {
    segment: usize,
    block: usize,
    replicates: u64,
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
fn with_replicates(block: &Block, replicates: Arc<Factor>, validation: Arc<Factor>, tuned: &[&'static str]) -> Block {
    let factors = block.factors().iter().cloned().chain([replicates]);
    let ordered = ordered(&Block::new(factors), tuned);
    Block::new(ordered.factors().iter().cloned().chain([validation]))
}

impl Tune {
    /// The groups of `blocks`, with their tuning cells and their refits. `first` is the number of the first replicate, `most` the cells
    /// allowed in all.
    ///
    /// # Errors
    /// [`TooLarge`].
    pub(super) fn new(
        file: &Tuning,
        blocks: &[Block],
        first: i64,
        most: u64,
    ) -> Result<([Segment; 2], Tune), TooLarge> {
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
        let (groups, tuned): (Vec<Block>, Vec<Vec<Block>>) = groups.into_iter().unzip();
        let members = tuned.into_iter().map(Members::new).collect();
        let (replicates, validation, refit) = (file.replicates, file.validation, file.refit);
        let mut tune = Tune { over, replicates, validation, refit, groups: Grid::default(), members };
        let segments = tune.complete(&groups, first, (0, 0), most)?;
        tune.groups = Grid::new(groups, most)?;
        Ok((segments, tune))
    }

    /// The tuning cells and the refits of these blocks of groups that are not there yet, as two segments of at most `most`
    /// cells, of which the first has this number and begins at this index.
    ///
    /// # Errors
    /// [`TooLarge`].
    pub(super) fn complete(
        &mut self,
        groups: &[Block],
        first: i64,
        (segment, start): (usize, u64),
        most: u64,
    ) -> Result<[Segment; 2], TooLarge> {
        let over = self.over.clone();
        let mut made: [(Vec<Block>, Vec<Origin>); 2] = Default::default();
        for (group, (fixed, members)) in groups.iter().zip(&mut self.members).enumerate() {
            let mut make = |refits: bool, part: usize, block: &Block, homes: &mut Vec<Home>| {
                let (first, needed, validation) = match refits {
                    true => (first + FIRST_REFIT, self.refit, 0.0),
                    false => (first, self.replicates, self.validation),
                };
                let before = homes.iter().map(|home| home.replicates).sum::<u64>();
                if before < needed {
                    let (blocks, origins) = &mut made[usize::from(refits)];
                    let replicates = needed - before;
                    homes.push(Home { segment: segment + usize::from(refits), block: blocks.len(), replicates });
                    let replicates = Arc::new(Factor::replicates(first + before as i64, replicates));
                    let validation = Arc::new(Factor::constant("validation", Value::Float(validation)));
                    blocks.push(with_replicates(block, replicates, validation, &over));
                    origins.push(Origin { group, part, before });
                }
            };
            // A single candidate wins untried.
            if members.len() > 1 {
                for (part, candidates) in members.candidates.iter_mut().enumerate() {
                    make(false, part, &joined(fixed, &candidates.product), &mut candidates.tuning);
                }
            }
            make(true, 0, fixed, &mut members.refits);
        }
        let [(tuning, of_tuning), (refits, of_refits)] = made;
        let tuning = Grid::new(tuning, most)?;
        let refits = Grid::new(refits, most - tuning.len())?;
        let end = start + tuning.len();
        Ok([
            Segment { start, grid: tuning, refits: false, origins: of_tuning },
            Segment { start: end, grid: refits, refits: true, origins: of_refits },
        ])
    }

    /// The blocks of `segment` with the factors that these groups and candidates have now, in the same order.
    pub(super) fn rebuilt(&self, segment: &Segment) -> Vec<Block> {
        let rebuilt = |(block, origin): (&Block, &Origin)| {
            let (group, members) = (&self.groups.blocks()[origin.group], &self.members[origin.group]);
            let whole = match segment.refits {
                true => group.clone(),
                false => joined(group, &members.candidates[origin.part].product),
            };
            let replicates = block.factors().iter().find(|factor| factor.is_replicates());
            match (replicates, block.factors().last()) {
                (Some(replicates), Some(last)) => with_replicates(&whole, replicates.clone(), last.clone(), &self.over),
                _ => unreachable!("cells of groups have a replicate and a validation share"),
            }
        };
        segment.grid.blocks().iter().zip(&segment.origins).map(rebuilt).collect()
    }

    /// The groups that `before` had too and that have more tuning cells now: their selection is to be made anew.
    pub fn retuned(&self, before: &Tune) -> Vec<Range<u64>> {
        let tuning = |members: &Members| members.candidates.iter().map(|candidates| candidates.tuning.len()).sum();
        let more = |k: &usize| {
            let now: usize = tuning(&self.members[*k]);
            now > tuning(&before.members[*k])
        };
        let range = |k: usize| self.groups.start(k)..self.groups.start(k + 1);
        (0..before.groups.blocks().len()).filter(more).map(range).collect()
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
        self.members[block].len()
    }

    /// The factors of each block of groups with each of its products of candidates.
    pub(super) fn products(&self) -> Vec<Vec<&Factor>> {
        let groups = self.groups.blocks().iter().zip(&self.members);
        groups
            .flat_map(|(group, members)| members.candidates.iter().map(move |candidates| (group, &candidates.product)))
            .map(|(group, product)| group.factors().iter().chain(product.factors()).map(AsRef::as_ref).collect())
            .collect()
    }

    /// The part of a group block's candidates that holds candidate `c`, and its place there.
    fn candidate_at(&self, block: usize, mut c: u64) -> Option<(&Candidates, u64)> {
        for candidates in &self.members[block].candidates {
            if c < candidates.len() {
                return Some((candidates, c));
            }
            c -= candidates.len();
        }
        None
    }

    /// The coordinates of the tuned axes of candidate `c` in group `g`.
    pub fn candidate(&self, g: u64, c: u64) -> Option<BTreeMap<String, Value>> {
        let (block, _) = self.groups.locate(g)?;
        let (candidates, at) = self.candidate_at(block, c)?;
        Some(candidates.product.at(&candidates.product.digits(at)))
    }

    /// The tuning cells of candidate `c` in group `g`, one a replicate; none where the group is only refitted.
    pub(super) fn tuning_cells(&self, segments: &[Segment], g: u64, c: u64) -> Vec<u64> {
        let found = self.groups.locate(g).and_then(|(block, at)| {
            let (candidates, candidate) = self.candidate_at(block, c)?;
            Some((self.groups.blocks()[block].digits(at), candidates.product.digits(candidate), &candidates.tuning))
        });
        found.map_or(Vec::new(), |(group, tuned, homes)| cells(segments, homes, &group, &tuned))
    }

    /// The refit cells of group `g`.
    pub(super) fn refit_cells(&self, segments: &[Segment], g: u64) -> Vec<u64> {
        let Some((block, at)) = self.groups.locate(g) else { return Vec::new() };
        cells(segments, &self.members[block].refits, &self.groups.blocks()[block].digits(at), &[])
    }

    /// The origin of a cell of `segment`, and the digits of its group, its replicate and its tuned axes.
    fn unwoven(&self, segment: &Segment, at: u64) -> Option<(Origin, Vec<u64>, u64, Vec<u64>)> {
        let (block, at) = segment.grid.locate(at)?;
        let origin = segment.origins[block];
        let length = self.groups.blocks()[origin.group].factors().len();
        let (group, replicate, tuned) = unwoven(&segment.grid.blocks()[block], at, length);
        Some((origin, group, replicate, tuned))
    }

    /// Where tuning cell number `at` of `segment` belongs.
    pub(super) fn place(&self, segment: &Segment, at: u64) -> Option<Place> {
        let (Origin { group: block, part, before }, group, replicate, tuned) = self.unwoven(segment, at)?;
        let candidates = &self.members[block].candidates;
        let earlier = candidates[..part].iter().map(Candidates::len).sum::<u64>();
        Some(Place {
            group: self.groups.start(block) + self.groups.blocks()[block].index(&group),
            candidate: earlier + candidates[part].product.index(&tuned),
            replicate: before + replicate,
        })
    }

    /// The group of cell number `at` of `segment`.
    pub(super) fn group_of(&self, segment: &Segment, at: u64) -> Option<u64> {
        let (origin, group, ..) = self.unwoven(segment, at)?;
        Some(self.groups.start(origin.group) + self.groups.blocks()[origin.group].index(&group))
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
                self.at_edge(g, block, axis, &winner) && equals.iter().all(|other| other.get(**axis) == Some(value))
            })
        };
        let at_edge = self.over.iter().filter(at_edge).copied().collect();
        Some(Selection { candidate: best.0, median: best.1.is_finite().then_some(best.1), at_edge })
    }

    /// Whether the winner's value of `axis` ends its list, and is not a bound of the axis. Its list is that of the
    /// candidates which share its other tuned values; of all candidates, where it has no other there.
    fn at_edge(&self, g: u64, block: usize, axis: &str, winner: &BTreeMap<String, Value>) -> bool {
        let Some(value) = winner.get(axis).and_then(Value::number) else { return false };
        let alike = |other: &BTreeMap<String, Value>| {
            self.over.iter().all(|tuned| *tuned == axis || other.get(*tuned) == winner.get(*tuned))
        };
        let count = self.members[block].len();
        let beside = (0..count).filter_map(|c| self.candidate(g, c)).filter(alike);
        let beside = ends(beside.filter_map(|other| other.get(axis).and_then(Value::number)));
        let products = || self.members[block].candidates.iter().map(|candidates| &candidates.product);
        let all = || products().flat_map(|part| part.factor(axis)).flat_map(|factor| factor.values(axis));
        let (least, largest) = if beside.0 < beside.1 { beside } else { ends(all().filter_map(Value::number)) };
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

/// The least and the largest of these numbers.
fn ends(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold((f64::INFINITY, f64::NEG_INFINITY), |(least, largest), x| (least.min(x), largest.max(x)))
}

impl Members {
    /// These products of candidates, none of which has cells yet.
    pub(super) fn new(products: Vec<Block>) -> Members {
        let candidates = products.into_iter().map(|product| Candidates { product, tuning: Vec::new() });
        Members { candidates: candidates.collect(), refits: Vec::new() }
    }

    /// More candidates, after the others.
    pub(super) fn add(&mut self, product: Block) {
        self.candidates.push(Candidates { product, tuning: Vec::new() });
    }

    /// The number of candidates.
    fn len(&self) -> u64 {
        self.candidates.iter().map(Candidates::len).fold(0, u64::saturating_add)
    }
}

impl Candidates {
    /// How many there are.
    fn len(&self) -> u64 {
        self.product.len().map_or(u64::MAX, |length| u64::try_from(length).unwrap_or(u64::MAX))
    }
}

/// The cells in these blocks of one group and one candidate, by replicate.
fn cells(segments: &[Segment], homes: &[Home], group: &[u64], tuned: &[u64]) -> Vec<u64> {
    let of = |home: &Home| {
        let segment = &segments[home.segment];
        let (block, start) = (&segment.grid.blocks()[home.block], segment.start + segment.grid.start(home.block));
        (0..home.replicates).map(|r| start + woven(block, group, r, tuned)).collect::<Vec<_>>()
    };
    homes.iter().flat_map(of).collect()
}

/// The product of what groups fix and what is tuned.
pub(super) fn joined(group: &Block, tuned: &Block) -> Block {
    Block::new(group.factors().iter().chain(tuned.factors()).cloned())
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
