//! The cells of a sweep put together by some of their axes: what stands at one place of a picture.
//!
//! Which cells there are follows from the sweep file by arithmetic, without looking at any of them; what is known of them
//! comes from a [`Board`]. Cells that nobody has begun are counted too, so that a picture never hides what is missing.

use super::board::{Board, Entry};
use crate::filter::Filter;
use crate::plot::{Quartiles, quartiles};
use crate::store::{CellState, Selection};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use sweep_core::grid::{REPLICATE, same};
use sweep_core::sweep::{Slab, Sweep};
use sweep_core::value::Value;

/// Most places that cells are put together at, those of filters included.
const MOST_GROUPS: u64 = 200_000;

/// An axis and its values.
#[derive(Debug, Clone, PartialEq)]
pub struct AxisValues {
    /// Name.
    pub name: String,
    /// Ascending; words in the order of the sweep; `None` (the axis does not apply) last.
    pub values: Vec<Option<Value>>,
}

/// The cells that share the values of some axes.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Group {
    /// For each axis, which of its values.
    pub at: Vec<usize>,
    /// Cells in all.
    pub cells: u64,
    /// The first cell with an outcome or a lease, else the first of all.
    pub first: u64,
    /// Of these, running.
    pub running: u64,
    /// Given up: failed for good, cancelled or set aside.
    pub failed: u64,
    /// With an outcome.
    pub done: Vec<Entry>,
}

impl Group {
    /// The quartiles of its numbers; a run without one is the worst.
    pub fn quartiles(&self) -> Quartiles {
        quartiles(self.done.iter().map(|entry| Some(entry.value)))
    }

    /// How many of those done diverged.
    pub fn diverged(&self) -> u64 {
        self.done.iter().filter(|entry| entry.diverged).count() as u64
    }

    /// How many of those done are inflated.
    pub fn inflated(&self) -> u64 {
        self.done.iter().filter(|entry| entry.inflated).count() as u64
    }
}

/// Cells put together.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Lattice {
    /// The axes that were asked for.
    pub axes: Vec<AxisValues>,
    /// The groups that have cells, in the order of their values.
    pub groups: Vec<Group>,
    /// Axes that were not asked for, and take more than one value within these cells; replicates and seeds apart.
    pub pooled: Vec<(String, usize)>,
    /// Axes with one value for all of these cells.
    pub fixed: BTreeMap<String, Value>,
    /// The least and the greatest replicate.
    pub replicates: Option<(i64, i64)>,
}

/// Which cells are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Those of a plain grid, or the refits of one that tunes.
    Reported,
    /// The candidates of tuning.
    Tuning,
}

/// What cannot be put together.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("the axes {} have more than {MOST_GROUPS} combinations; take fewer axes, or fix some by --where", axes.join(", "))]
pub struct TooMany {
    axes: Vec<String>,
}

/// How the digit of one slab gives the value of an axis.
enum Source {
    /// The factor with this stride and length; the value's number for each digit.
    Digit { stride: u64, values: Vec<usize> },
    /// The winner of the cell's group.
    Selected,
    /// The axis does not apply.
    Absent,
}

/// Values in order, while they are gathered.
#[derive(Default)]
struct Values {
    known: Vec<Option<Value>>,
}

impl Values {
    fn number(&mut self, value: Option<Value>) -> usize {
        let found = self.known.iter().position(|known| match (known, &value) {
            (Some(a), Some(b)) => same(a, b),
            (a, b) => a.is_none() && b.is_none(),
        });
        found.unwrap_or_else(|| {
            self.known.push(value);
            self.known.len() - 1
        })
    }
}

/// Whether an axis tells replicates apart, not settings.
pub fn is_seed(name: &str) -> bool {
    name == REPLICATE || name.ends_with("_seed")
}

/// The axes of the cells of `part` that take more than one value, with their number of values; replicates and seeds apart.
pub fn varied(sweep: &Sweep, part: Part) -> Vec<(String, usize)> {
    varied_among(sweep, part, &[])
}

/// The same among the cells that have all axes of `having`.
pub fn varied_among(sweep: &Sweep, part: Part, having: &[String]) -> Vec<(String, usize)> {
    let mut values: BTreeMap<&'static str, Values> = BTreeMap::new();
    let tuned = |name: &str| sweep.tune.as_ref().is_some_and(|tune| tune.over.contains(&name));
    let has_all = |slab: &Slab| {
        let has = |name: &String| slab.factors.iter().any(|factor| factor.axes().contains(&name.as_str()));
        having.iter().all(|name| has(name) || slab.refits && tuned(name))
    };
    let slabs: Vec<Slab> = sweep.slabs().filter(|slab| belongs(sweep, slab, part) && has_all(slab)).collect();
    for slab in &slabs {
        for factor in slab.factors.iter().filter(|factor| !factor.is_replicates()) {
            for axis in factor.axes() {
                let of = values.entry(axis).or_default();
                factor.values(axis).for_each(|value| {
                    of.number(Some(value.clone()));
                });
            }
        }
    }
    // An axis that only some cells have tells those apart from the others.
    let has = |slab: &Slab, axis: &str| slab.factors.iter().any(|factor| factor.axes().contains(&axis));
    let partly = |axis: &str| slabs.iter().any(|slab| !has(slab, axis));
    let mut varied: Vec<(String, usize)> = (values.into_iter())
        .filter(|(axis, of)| !is_seed(axis) && (of.known.len() > 1 || partly(axis) && is_method(axis)))
        .map(|(axis, of)| (axis.to_owned(), of.known.len()))
        .collect();
    if let (Part::Reported, Some(tune)) = (part, &sweep.tune) {
        varied.retain(|(axis, _)| !tune.over.contains(&axis.as_str()));
    }
    varied
}

/// Whether an axis is part of what is compared.
pub fn is_method(name: &str) -> bool {
    ["optimizer", "baseline", "penalty", "depth"].contains(&name)
}

fn belongs(sweep: &Sweep, slab: &Slab, part: Part) -> bool {
    match part {
        Part::Reported => sweep.tune.is_none() || slab.refits,
        Part::Tuning => sweep.tune.is_some() && !slab.refits,
    }
}

impl Lattice {
    /// Puts the cells of `part` that fit `filter` together by `axes`. `selections` are what tuning chose.
    ///
    /// # Errors
    /// [`TooMany`] combinations of axes.
    pub fn of(
        sweep: &Sweep,
        board: &Board,
        selections: &[Selection],
        part: Part,
        axes: &[String],
        filter: &Filter,
    ) -> Result<Lattice, TooMany> {
        // The axes of the filter tell groups apart until it has spoken.
        let mut names: Vec<String> = axes.to_vec();
        names.extend(filter.names().into_iter().map(str::to_owned).filter(|name| !axes.contains(name)));
        let too_many = || TooMany { axes: names.clone() };
        let mut values: Vec<Values> = names.iter().map(|_| Values::default()).collect();
        let slabs: Vec<(Slab, Vec<Source>)> = sweep
            .slabs()
            .filter(|slab| belongs(sweep, slab, part))
            .map(|slab| (slab, sources(sweep, &slab, &names, &mut values)))
            .collect();
        let chosen: HashMap<u64, &Selection> =
            selections.iter().map(|selection| (selection.group, selection)).collect();

        let mut groups = Groups::default();
        let mut places = Vec::with_capacity(slabs.len());
        for (slab, sources) in &slabs {
            let found = groups.count(sweep, slab, sources, &names, &chosen, &mut values).ok_or_else(too_many)?;
            places.push(found);
        }
        let mut at = 0;
        let mut place = |cell: u64| {
            // Cells come by index, and so do slabs.
            if places.get(at).is_none_or(|place: &Place| cell < place.start) {
                at = 0;
            }
            while places.get(at).is_some_and(|place| place.end <= cell) {
                at += 1;
            }
            places.get(at).filter(|place| place.start <= cell).map(|place| place.group(cell))
        };
        for entry in board.entries() {
            let Some(group) = place(entry.cell).map(|group| &mut groups.all[group].1) else { continue };
            if group.done.is_empty() {
                group.first = entry.cell;
            }
            group.done.push(*entry);
        }
        for (cell, state) in &board.unfinished {
            let Some(group) = place(*cell).map(|group| &mut groups.all[group].1) else { continue };
            match state {
                CellState::Leased => group.running += 1,
                CellState::Failed | CellState::Quarantined | CellState::Cancelled => group.failed += 1,
                CellState::Ready | CellState::Done => {}
            }
            if group.done.is_empty() {
                group.first = *cell;
            }
        }
        Ok(finish(sweep, part, &slabs, &names, axes.len(), values, groups.all, filter))
    }
}

/// Groups while cells are put into them, each with the numbers of its values.
#[derive(Default)]
struct Groups {
    all: Vec<(Vec<usize>, Group)>,
    known: HashMap<Vec<usize>, usize>,
}

/// Which group a cell of a slab belongs to: a table, and how a cell finds its entry.
struct Place {
    start: u64,
    end: u64,
    /// Stride and length of each digit that tells groups apart, and what it counts for in the table.
    digits: Vec<(u64, u64, u64)>,
    groups: Vec<usize>,
}

impl Place {
    fn group(&self, cell: u64) -> usize {
        let offset = cell - self.start;
        let entry: u64 = self.digits.iter().map(|(stride, len, counts)| offset / stride % len * counts).sum();
        self.groups[entry as usize]
    }
}

impl Groups {
    /// Counts the cells of a slab into their groups: by arithmetic where no axis depends on what tuning chose. `None`
    /// where there are too many groups.
    fn count(
        &mut self,
        sweep: &Sweep,
        slab: &Slab,
        sources: &[Source],
        names: &[String],
        chosen: &HashMap<u64, &Selection>,
        values: &mut [Values],
    ) -> Option<Place> {
        let mut strides: Vec<(u64, u64)> = sources
            .iter()
            .filter_map(|source| match source {
                Source::Digit { stride, values } => Some((*stride, values.len() as u64)),
                Source::Selected | Source::Absent => None,
            })
            .collect();
        if sources.iter().any(|source| matches!(source, Source::Selected)) {
            // Every cell for itself.
            strides = vec![(1, slab.len())];
        }
        strides.sort_unstable();
        strides.dedup();
        let entries = strides.iter().try_fold(1u64, |product, (_, len)| product.checked_mul(*len));
        let entries = entries.filter(|entries| *entries <= MOST_GROUPS)?;
        let mut digits = Vec::new();
        let mut counts = 1;
        for (stride, len) in strides {
            digits.push((stride, len, counts));
            counts *= len;
        }
        let mut place = Place { start: slab.start, end: slab.start + slab.len(), digits, groups: Vec::new() };
        for entry in 0..entries {
            let offset: u64 = place.digits.iter().map(|(stride, len, counts)| entry / counts % len * stride).sum();
            let cell = slab.start + offset;
            let each = sources.iter().zip(names).zip(values.iter_mut());
            let key: Vec<usize> =
                each.map(|((source, name), values)| digit(sweep, slab, source, name, cell, chosen, values)).collect();
            let group = *self.known.entry(key.clone()).or_insert_with(|| {
                self.all.push((key, Group { first: cell, ..Group::default() }));
                self.all.len() - 1
            });
            self.all[group].1.cells += slab.len() / entries.max(1);
            place.groups.push(group);
        }
        (self.all.len() as u64 <= MOST_GROUPS).then_some(place)
    }
}

/// Where the values of `names` come from within a slab.
fn sources(sweep: &Sweep, slab: &Slab, names: &[String], values: &mut [Values]) -> Vec<Source> {
    let source = |name: &String, values: &mut Values| {
        let found = slab.factors.iter().position(|factor| factor.axes().contains(&name.as_str()));
        match found {
            Some(k) => {
                let factor = &slab.factors[k];
                let number = |digit| values.number(factor.value(name, digit));
                Source::Digit { stride: slab.stride(k), values: (0..factor.len()).map(number).collect() }
            }
            None if slab.refits && sweep.tune.as_ref().is_some_and(|tune| tune.over.contains(&name.as_str())) => {
                Source::Selected
            }
            None => Source::Absent,
        }
    };
    names.iter().zip(values).map(|(name, values)| source(name, values)).collect()
}

/// The number of the value that `cell` has on an axis.
fn digit(
    sweep: &Sweep,
    slab: &Slab,
    source: &Source,
    name: &str,
    cell: u64,
    chosen: &HashMap<u64, &Selection>,
    values: &mut Values,
) -> usize {
    match source {
        Source::Digit { stride, values } => values[((cell - slab.start) / stride % values.len() as u64) as usize],
        Source::Selected => {
            let selection = sweep.group_of(cell).and_then(|group| chosen.get(&group));
            values.number(selection.and_then(|selection| selection.coordinates.get(name).cloned()))
        }
        Source::Absent => values.number(None),
    }
}

/// Whether a slab may hold cells with this value.
fn may(source: &Source, number: usize) -> bool {
    match source {
        Source::Digit { values, .. } => values.contains(&number),
        Source::Selected | Source::Absent => true,
    }
}

/// Whether cells that differ in `name` may stand in one group: within one slab, or in two that share a place.
fn is_pooled(name: &str, slabs: &[&(Slab, Vec<Source>)], asked: usize) -> bool {
    /// Slabs beyond which two are not compared: then it is said to be pooled, to be safe.
    const MOST: usize = 400;
    let factor = |slab: &Slab| slab.factors.iter().position(|factor| factor.axes().contains(&name));
    let within = |(slab, sources): &&(Slab, Vec<Source>)| {
        factor(slab).is_some_and(|k| {
            let stride = slab.stride(k);
            // The factor that also holds an axis of the picture (a zip) tells its values apart.
            let shown =
                sources[..asked].iter().any(|source| matches!(source, Source::Digit { stride: s, .. } if *s == stride));
            slab.factors[k].len() > 1 && !shown
        })
    };
    if slabs.len() > MOST || slabs.iter().any(within) {
        return true;
    }
    let overlap = |a: &[Source], b: &[Source]| {
        a.iter().zip(b).take(asked).all(|(a, b)| match (a, b) {
            (Source::Digit { values: a, .. }, Source::Digit { values: b, .. }) => {
                a.iter().any(|number| b.contains(number))
            }
            (Source::Absent, Source::Absent) => true,
            (Source::Selected, _) | (_, Source::Selected) => true,
            _ => false,
        })
    };
    let values = |slab: &Slab| -> Vec<Value> {
        factor(slab).map_or(Vec::new(), |k| slab.factors[k].values(name).cloned().collect())
    };
    slabs.iter().enumerate().any(|(i, (slab, sources))| {
        let mine = values(slab);
        slabs[i + 1..].iter().any(|(other, others)| {
            let theirs = values(other);
            let differ = mine.iter().any(|a| theirs.iter().any(|b| !same(a, b)));
            differ && overlap(sources, others)
        })
    })
}

/// Sorts values, lets the filter speak, and joins what it told apart.
fn finish(
    sweep: &Sweep,
    part: Part,
    slabs: &[(Slab, Vec<Source>)],
    names: &[String],
    asked: usize,
    values: Vec<Values>,
    groups: Vec<(Vec<usize>, Group)>,
    filter: &Filter,
) -> Lattice {
    let fits = |key: &[usize]| {
        filter.fits_values(|name| {
            let k = names.iter().position(|known| known == name)?;
            values[k].known[key[k]].clone()
        })
    };
    let mut kept: Vec<(Vec<usize>, Group)> = groups.into_iter().filter(|(key, _)| fits(key)).collect();
    // Values that no cell has any more are no part of an axis.
    let mut axes = Vec::new();
    let mut ranks = Vec::new();
    for k in 0..asked {
        let used: BTreeSet<usize> = kept.iter().map(|(key, _)| key[k]).collect();
        let mut order: Vec<usize> = used.into_iter().collect();
        order.sort_by(|a, b| {
            let (a, b) = (&values[k].known[*a], &values[k].known[*b]);
            match (a, b) {
                (Some(a), Some(b)) => match (a.number(), b.number()) {
                    (Some(a), Some(b)) => a.total_cmp(&b),
                    _ => std::cmp::Ordering::Equal,
                },
                (a, b) => b.is_some().cmp(&a.is_some()),
            }
        });
        let mut rank = vec![usize::MAX; values[k].known.len()];
        order.iter().enumerate().for_each(|(place, number)| rank[*number] = place);
        ranks.push(rank);
        let known = order.into_iter().map(|number| values[k].known[number].clone()).collect();
        axes.push(AxisValues { name: names[k].clone(), values: known });
    }
    let mut joined: BTreeMap<Vec<usize>, Group> = BTreeMap::new();
    for (key, group) in &mut kept {
        let at: Vec<usize> = (0..asked).map(|k| ranks[k][key[k]]).collect();
        let of = joined.entry(at.clone()).or_insert_with(|| Group { at, first: u64::MAX, ..Group::default() });
        let known = |group: &Group| !group.done.is_empty() || group.running + group.failed > 0;
        let group: &mut Group = group;
        of.first = match (known(of), known(group)) {
            (true, false) => of.first,
            (false, true) => group.first,
            _ => of.first.min(group.first),
        };
        of.cells += group.cells;
        of.running += group.running;
        of.failed += group.failed;
        if of.done.is_empty() {
            of.done = std::mem::take(&mut group.done);
        } else {
            of.done.extend(&group.done);
        }
    }
    let mut groups: Vec<Group> = joined.into_values().collect();
    groups.iter_mut().for_each(|group| group.done.sort_unstable_by_key(|entry| entry.cell));

    // What else varies among the slabs that have a cell that fits.
    let mut others: BTreeMap<&'static str, Values> = BTreeMap::new();
    let mut replicates: Option<(i64, i64)> = None;
    let fitting: Vec<&(Slab, Vec<Source>)> = slabs
        .iter()
        .filter(|(_, sources)| {
            kept.iter().any(|(key, _)| sources.iter().zip(key).all(|(source, number)| may(source, *number)))
        })
        .collect();
    for (slab, _) in &fitting {
        for factor in slab.factors {
            if factor.is_replicates() {
                let end =
                    |digit| factor.value(REPLICATE, digit).and_then(|value| value.number()).unwrap_or_default() as i64;
                let (first, last) = (end(0), end(factor.len() - 1));
                replicates = Some(replicates.map_or((first, last), |(a, b)| (a.min(first), b.max(last))));
                continue;
            }
            for axis in factor.axes() {
                let of = others.entry(axis).or_default();
                factor.values(axis).for_each(|value| {
                    of.number(Some(value.clone()));
                });
            }
        }
    }
    let mut lattice = Lattice { axes, groups, replicates, ..Lattice::default() };
    for (name, of) in others {
        // What the filter speaks of is what it leaves over.
        let known: Vec<Value> = match names.iter().position(|known| known == name) {
            Some(k) => {
                let used: BTreeSet<usize> = kept.iter().map(|(key, _)| key[k]).collect();
                used.into_iter().filter_map(|number| values[k].known[number].clone()).collect()
            }
            None => of.known.into_iter().flatten().collect(),
        };
        match &known[..] {
            [one] => drop(lattice.fixed.insert(name.to_owned(), one.clone())),
            [] => {}
            _ if is_seed(name) || lattice.axes.iter().any(|axis| axis.name == name) => {}
            more if is_pooled(name, &fitting, asked) => lattice.pooled.push((name.to_owned(), more.len())),
            // It follows from what tells the groups apart.
            _ => {}
        }
    }
    if let (Part::Reported, Some(tune)) = (part, &sweep.tune) {
        // Each method has its own winner: tuned, not pooled.
        lattice.pooled.retain(|(name, _)| !tune.over.contains(&name.as_str()));
    }
    lattice
}
