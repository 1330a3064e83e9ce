//! From a [`File`] to disjoint blocks.
//!
//! One block per combination of entries (problem, and either baseline, or init × optimizer × schedule × penalty), over
//! the axes that it has; then each `[[when]]` in turn splits blocks and replaces lists; then `[[exclude]]` drops parts.
//! For an axis, a list in another choice's entry wins over the entry that brings the axis, and that over `[train]`.

use super::diagnostic::{Report, Span};
use super::file::{Entry, File, Listed, Rule, Zip};
use super::parse::SEEDS;
use super::tune::divided;
use crate::axis::{self, Axis, CHOICES};
use crate::error::Error;
use crate::grid::{Block, Condition, Factor, MAX_BLOCKS, REPLICATE, TooLarge, repeated, same};
use crate::trial;
use crate::value::Value;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

/// A block and the combination that it comes from.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    pub(super) block: Block,
    pub(super) combination: usize,
}

/// One entry of each choice that takes part.
#[derive(Debug, Clone)]
pub(super) struct Combination {
    /// Indices into [`Combined::entries`].
    pub(super) entries: Vec<usize>,
    /// Every axis that its cells have.
    pub(super) axes: Vec<Axis>,
}

/// All blocks of a file, without replicates.
pub(super) struct Combined {
    pub(super) pieces: Vec<Piece>,
    pub(super) combinations: Vec<Combination>,
    /// The entries of the file, and those that others name.
    pub(super) entries: Vec<Entry>,
    /// Whether every list and rule could be applied, so that the blocks are those that are meant.
    pub(super) whole: bool,
}

/// The place of an axis among the digits: choices, what moves the cost, the rest, what is tuned. The replicate goes
/// between cost and rest. By name within each, so that an index depends on the file alone.
pub(super) fn rank(axis: &str, tuned: &[&'static str]) -> u8 {
    match axis {
        _ if CHOICES.contains(&axis) => 0,
        _ if tuned.contains(&axis) => 4,
        REPLICATE => 2,
        _ if axis::find(axis).is_some_and(|axis| axis.cost) => 1,
        _ => 3,
    }
}

/// The factors of `block` in the order of their digits.
pub(super) fn ordered(block: &Block, tuned: &[&'static str]) -> Block {
    let mut factors = block.factors().to_vec();
    factors.sort_by_key(|f| f.axes().iter().map(|axis| (rank(axis, tuned), *axis)).min());
    Block::new(factors)
}

/// Combines the entries of `file` and applies its rules. Mistakes go to `report`; what is without mistake is there.
pub(super) fn combine(file: &File, report: &mut Report) -> Combined {
    let entries = all_entries(file);
    let tuned = file.tuned();
    let combinations = combinations(file, &entries, report);
    let mut combiner = Combiner {
        file,
        combined: Combined { pieces: Vec::new(), combinations, entries, whole: false },
        tuned,
        mentioned: mentioned(file),
        made: RefCell::default(),
    };
    let before = report.len();
    combiner.base(report);
    combiner.whens(report);
    combiner.excludes(report);
    combiner.combined.whole = report.len() == before;
    // An axis whose list was refused is not missing.
    if combiner.combined.whole {
        combiner.missing(report);
        combiner.tuned_somewhere(report);
    }
    combiner.combined
}

/// The entries of the file, those that only others name, and the defaults of choices that no table speaks of.
fn all_entries(file: &File) -> Vec<Entry> {
    let mut entries = file.entries.clone();
    let known = |choice: &str, name: &str| axis::entries(choice).into_iter().find(|(known, ..)| *known == name);
    let trains = file.entries.iter().any(|entry| entry.choice == "optimizer");
    let anywhere = file.entries.first().map_or(0..0, |entry| entry.span.clone());
    for (choice, default) in
        [("problem", "synthetic"), ("init", "gaussian"), ("schedule", "constant"), ("penalty", "none")]
    {
        let needed = choice == "problem" || trains;
        if let Some((name, _, axes)) = known(choice, default).filter(|_| needed)
            && !file.entries.iter().any(|entry| entry.choice == choice)
        {
            let (lists, with, span) = (Vec::new(), Vec::new(), anywhere.clone());
            entries.push(Entry { choice, name, axes, lists, with, bare: false, span });
        }
    }
    for entry in &file.entries {
        for (choice, names) in &entry.with {
            for (name, _, axes) in names.iter().filter_map(|name| known(choice, name)) {
                if !entries.iter().any(|e| e.choice == *choice && e.name == name) {
                    let (lists, with, span) = (Vec::new(), Vec::new(), entry.span.clone());
                    entries.push(Entry { choice, name, axes, lists, with, bare: true, span });
                }
            }
        }
    }
    entries
}

/// Every combination of entries that agree with each other.
fn combinations(file: &File, entries: &[Entry], report: &mut Report) -> Vec<Combination> {
    let of = |choice: &str| -> Vec<usize> { (0..entries.len()).filter(|&i| entries[i].choice == choice).collect() };
    let training = ["problem", "init", "optimizer", "schedule", "penalty"].map(of);
    let baselines = ["problem", "baseline"].map(of);
    let count = |sides: &[Vec<usize>]| sides.iter().map(|side| side.len() as u128).product::<u128>();
    if count(&training) + count(&baselines) > MAX_BLOCKS as u128 {
        let sizes: Vec<String> = CHOICES.iter().map(|choice| format!("{choice} ({})", of(choice).len())).collect();
        let message = format!("the entries combine to more than {MAX_BLOCKS} blocks: {}", sizes.join(" × "));
        report.add(&(0..0), message);
        return Vec::new();
    }
    let mut combinations = Vec::new();
    for sides in [&training[..], &baselines[..]] {
        let mut product: Vec<Vec<usize>> = vec![Vec::new()];
        for side in sides {
            product = product.iter().flat_map(|head| side.iter().map(|&i| [&head[..], &[i]].concat())).collect();
        }
        for chosen in product {
            let name_of = |choice: &str| chosen.iter().map(|&i| &entries[i]).find(|e| e.choice == choice);
            let agree = chosen
                .iter()
                .flat_map(|&i| &entries[i].with)
                .all(|(choice, names)| name_of(choice).is_none_or(|entry| names.contains(&entry.name)));
            let called = |entry: &Entry| {
                !entry.bare || chosen.iter().any(|&i| entries[i].with.iter().any(|(choice, _)| *choice == entry.choice))
            };
            if agree && chosen.iter().all(|&i| called(&entries[i])) {
                let given = chosen.iter().map(|&i| (entries[i].choice.to_owned(), Value::from(entries[i].name)));
                let axes = trial::applicable(&given.collect()).unwrap_or_default();
                combinations.push(Combination { entries: chosen, axes });
            }
        }
    }
    let used: HashSet<usize> = combinations.iter().flat_map(|c| c.entries.iter().copied()).collect();
    if !file.entries.iter().any(|entry| matches!(entry.choice, "optimizer" | "baseline")) {
        let names = |choice| axis::entries(choice).iter().map(|(name, ..)| *name).collect::<Vec<_>>().join(", ");
        let message = "a sweep needs an [[optimizer]] or a [[baseline]]";
        let help = format!("optimizers: {}; baselines: {}", names("optimizer"), names("baseline"));
        report.add_with(&(0..0), message, Some(help));
    } else {
        for (_, entry) in file.entries.iter().enumerate().filter(|(i, _)| !used.contains(i)) {
            let Entry { choice, name, span, .. } = entry;
            report.add(span, format!("{choice} \"{name}\" is part of no cell: nothing that it can be combined with"));
        }
    }
    combinations
}

/// Every axis that the file speaks of, seeds apart: where it applies and has no list it stands at its default.
fn mentioned(file: &File) -> BTreeSet<&'static str> {
    let rules = file.whens.iter().chain(&file.excludes);
    let tests = rules.flat_map(|rule| rule.tests.iter().map(|test| test.axis));
    let lists = file.entries.iter().flat_map(|entry| &entry.lists).chain(&file.shared);
    let lists = lists.chain(file.whens.iter().flat_map(|rule| &rule.set));
    let mut mentioned: BTreeSet<_> = lists.flat_map(|list| list.axes.iter().copied()).chain(tests).collect();
    mentioned.retain(|axis| !SEEDS.contains(axis));
    mentioned
}

struct Combiner<'f> {
    file: &'f File,
    combined: Combined,
    tuned: Vec<&'static str>,
    mentioned: BTreeSet<&'static str>,
    /// Factors made so far, by list, axes and the bounds that they were checked against: most combinations share them.
    made: RefCell<HashMap<String, Arc<Factor>>>,
}

impl Combiner<'_> {
    /// The block of each combination, before any rule.
    fn base(&mut self, report: &mut Report) {
        // A list that several names share is one list, known by the place of its key.
        let mut used: HashSet<usize> = HashSet::new();
        let mut zipped = vec![false; self.file.zips.len()];
        let mut pieces = Vec::new();
        for (number, combination) in self.combined.combinations.iter().enumerate() {
            let entries: Vec<&Entry> = combination.entries.iter().map(|&i| &self.combined.entries[i]).collect();
            let mut won: Vec<(&Listed, Vec<&'static str>)> = Vec::new();
            let mut factors: Vec<Arc<Factor>> = Vec::new();
            for axis in &combination.axes {
                let Some(list) = winner(axis.name, &entries, &self.file.shared, report) else {
                    if let Some(default) = axis.default.filter(|_| self.mentioned.contains(axis.name)) {
                        factors.push(Arc::new(Factor::constant(axis.name, default.into())));
                    }
                    continue;
                };
                used.insert(list.key.start);
                match won.iter_mut().find(|(known, _)| std::ptr::eq(*known, list)) {
                    Some((_, axes)) => axes.push(axis.name),
                    None => won.push((list, vec![axis.name])),
                }
            }
            factors.extend(self.factors(won, &combination.axes, &mut zipped, report));
            let (choices, names) = entries.iter().map(|entry| (entry.choice, Value::from(entry.name))).unzip();
            factors.push(Arc::new(Factor::list(choices, vec![names])));
            match divided(&Block::new(factors), &self.tuned) {
                Ok(blocks) => pieces.extend(
                    blocks.iter().map(|block| Piece { block: ordered(block, &self.tuned), combination: number }),
                ),
                Err(error) => report.add(&(0..0), error.to_string()),
            }
        }
        self.combined.pieces = pieces;
        if self.combined.combinations.is_empty() {
            return;
        }
        // The entries that are part of no cell have been reported.
        let taking_part: HashSet<usize> =
            self.combined.combinations.iter().flat_map(|combination| combination.entries.iter().copied()).collect();
        let entries = taking_part.iter().map(|&i| &self.combined.entries[i]);
        let lists = entries.flat_map(|entry| &entry.lists).chain(&self.file.shared);
        let unused: BTreeMap<usize, &Listed> =
            lists.filter(|list| !used.contains(&list.key.start)).map(|list| (list.key.start, list)).collect();
        for list in unused.into_values() {
            let axes = list.axes.join(", ");
            report.add(
                &list.key,
                format!("axis \"{axes}\" applies to no cell of this sweep, or another list replaces it"),
            );
        }
        for (zip, _) in self.file.zips.iter().zip(zipped).filter(|(_, zipped)| !zipped) {
            let axes = zip.axes.join(", ");
            report.add(&zip.span, format!("no cell has lists for two of the zipped axes: {axes}"));
        }
    }

    /// The factors of `lists`, each with the axes that it is taken for. Lists of zipped axes become one factor.
    fn factors(
        &self,
        lists: Vec<(&Listed, Vec<&'static str>)>,
        applicable: &[Axis],
        zipped: &mut [bool],
        report: &mut Report,
    ) -> Vec<Arc<Factor>> {
        let mut factors = Vec::new();
        let mut single: Vec<Option<(&Listed, Vec<&'static str>)>> = lists.into_iter().map(Some).collect();
        for (zip, zipped) in self.file.zips.iter().zip(zipped) {
            let member = |taken: &Option<(&Listed, Vec<&'static str>)>| {
                taken.as_ref().is_some_and(|(_, axes)| axes.iter().any(|axis| zip.axes.contains(axis)))
            };
            let members: Vec<usize> = (0..single.len()).filter(|&i| member(&single[i])).collect();
            if members.len() >= 2 {
                *zipped = true;
                let members: Vec<_> = members.into_iter().filter_map(|i| single[i].take()).collect();
                factors.extend(self.factor(&members, zip, applicable, report));
            }
        }
        for list in single.into_iter().flatten() {
            let anywhere = Zip { axes: Vec::new(), span: list.0.key.clone() };
            factors.extend(self.factor(&[list], &anywhere, applicable, report));
        }
        factors
    }

    /// One factor of lists that are walked together.
    fn factor(
        &self,
        lists: &[(&Listed, Vec<&'static str>)],
        zip: &Zip,
        applicable: &[Axis],
        report: &mut Report,
    ) -> Option<Arc<Factor>> {
        let length = lists[0].0.rows.len();
        if lists.iter().any(|(list, _)| list.rows.len() != length) {
            let lengths = lists.iter().map(|(list, axes)| format!("{} ({})", axes.join("+"), list.rows.len()));
            let lengths = lengths.collect::<Vec<_>>().join(", ");
            report.add(&zip.span, format!("zipped lists need one length; here: {lengths}"));
            return None;
        }
        // Per column: its list, its place in that list, and what its combination allows.
        let columns: Vec<(&Listed, usize, &Axis)> = (lists.iter())
            .flat_map(|(list, axes)| axes.iter().map(move |axis| (*list, *axis)))
            .filter_map(|(list, axis)| {
                let at = list.axes.iter().position(|a| *a == axis)?;
                Some((list, at, applicable.iter().find(|known| known.name == axis)?))
            })
            .collect();
        let key = columns.iter().map(|(list, at, axis)| format!("{}.{at}.{:?};", list.key.start, axis.kind));
        let key = key.collect::<String>();
        if let Some(made) = self.made.borrow().get(&key) {
            return Some(made.clone());
        }
        let (before, mut rows) = (report.len(), Vec::with_capacity(length));
        let whole = columns.len() == lists.iter().map(|(list, _)| list.axes.len()).sum::<usize>();
        for k in 0..length {
            let mut row = Vec::with_capacity(columns.len());
            for (list, at, axis) in &columns {
                match axis.kind.check(axis.name, &list.rows[k][*at]) {
                    Ok(value) => row.push(value),
                    Err(error) => report.error(&list.spans[k], &error),
                }
            }
            rows.push(row);
        }
        for k in repeated(rows.iter()).into_iter().filter(|_| whole) {
            let values = rows[k].iter().map(Value::to_string).collect::<Vec<_>>().join(", ");
            let axes = columns.iter().map(|(.., axis)| axis.name).collect::<Vec<_>>().join(", ");
            report.add(&lists[0].0.spans[k], format!("axis \"{axes}\": {values} is given twice; each stands once"));
        }
        if report.len() > before {
            return None;
        }
        let factor = Arc::new(Factor::list(columns.iter().map(|(.., axis)| axis.name).collect(), rows));
        self.made.borrow_mut().insert(key, factor.clone());
        Some(factor)
    }

    /// Each `[[when]]` in turn.
    fn whens(&mut self, report: &mut Report) {
        let mut asked: BTreeSet<&'static str> = BTreeSet::new();
        for rule in &self.file.whens {
            for list in &rule.set {
                let late = list.axes.iter().find(|axis| asked.contains(*axis));
                if let Some(axis) = late {
                    let message =
                        format!("axis \"{axis}\" is a condition of an earlier [[when]]; set it before that one");
                    report.add(&list.key, message);
                }
                // What a group fixes depends on nothing that is tuned.
                let Some(axis) = list.axes.iter().find(|axis| !self.tuned.contains(*axis)) else { continue };
                let zip = self.file.zips.iter().find(|zip| zip.axes.contains(axis));
                if let Some(with) = zip.and_then(|zip| zip.axes.iter().find(|axis| self.tuned.contains(*axis))) {
                    let message =
                        format!("axis \"{axis}\" cannot be set: it is zipped with \"{with}\", which is tuned");
                    report.add(&list.key, message);
                }
                if let Some(test) = rule.tests.iter().find(|test| self.tuned.contains(&test.axis)) {
                    let on = test.axis;
                    let message =
                        format!("axis \"{axis}\" cannot depend on \"{on}\", which is tuned; only tuned axes can");
                    report.add(&list.key, message);
                }
            }
            asked.extend(rule.tests.iter().map(|test| test.axis));
            if !self.holds_somewhere(rule, report) {
                continue;
            }
            let (condition, mut used) = (rule.condition(), vec![false; rule.set.len()]);
            let mut pieces = Vec::with_capacity(self.combined.pieces.len());
            for piece in std::mem::take(&mut self.combined.pieces) {
                let applicable = &self.combined.combinations[piece.combination].axes;
                let has = |list: &Listed| list.axes.iter().all(|axis| applicable.iter().any(|a| a.name == *axis));
                let lists: Vec<_> = rule.set.iter().filter(|list| has(list)).map(|l| (l, l.axes.clone())).collect();
                if lists.is_empty() {
                    pieces.push(piece);
                    continue;
                }
                let (inside, outside) = self.split(&piece.block, &condition);
                pieces.extend(outside.into_iter().map(|block| Piece { block, ..piece }));
                let Some(inside) = inside else { continue };
                used.iter_mut().zip(&rule.set).for_each(|(used, list)| *used |= has(list));
                let mut zipped = vec![false; self.file.zips.len()];
                let factors = self.factors(lists, applicable, &mut zipped, report);
                let factors = factors.iter().map(|factor| (**factor).clone()).collect();
                let block = ordered(&inside.replace(factors), &self.tuned);
                pieces.push(Piece { block, ..piece });
            }
            self.combined.pieces = pieces;
            for (list, _) in rule.set.iter().zip(used).filter(|(_, used)| !used) {
                let axes = list.axes.join(", ");
                report
                    .add(&list.key, format!("axis \"{axes}\" applies to none of the cells where the condition holds"));
            }
            if self.too_many(&rule.span, report) {
                return;
            }
        }
    }

    /// [`Block::split`], by what groups fix before what is tuned: blocks of one group are cut alike, whatever they hold
    /// of the tuned axes, so that they still are of one group.
    fn split(&self, block: &Block, condition: &Condition) -> (Option<Block>, Vec<Block>) {
        let (tuned, fixed): (Vec<_>, Vec<_>) =
            condition.iter().cloned().partition(|(axis, _)| self.tuned.contains(axis));
        let (inside, mut outside) = block.split(&fixed);
        let Some((inside, rest)) = inside.map(|inside| inside.split(&tuned)) else { return (None, outside) };
        outside.extend(rest);
        (inside, outside)
    }

    /// Each `[[exclude]]` in turn.
    fn excludes(&mut self, report: &mut Report) {
        for rule in &self.file.excludes {
            if !self.holds_somewhere(rule, report) {
                continue;
            }
            let condition = rule.condition();
            let mut pieces = Vec::with_capacity(self.combined.pieces.len());
            for piece in std::mem::take(&mut self.combined.pieces) {
                let (_, outside) = self.split(&piece.block, &condition);
                pieces.extend(outside.into_iter().map(|block| Piece { block, ..piece }));
            }
            self.combined.pieces = pieces;
            if self.combined.pieces.is_empty() {
                return report.add(&rule.span, "no cell is left after this [[exclude]]");
            }
            if self.too_many(&rule.span, report) {
                return;
            }
        }
    }

    fn too_many(&mut self, span: &Span, report: &mut Report) -> bool {
        let too_many = self.combined.pieces.len() > MAX_BLOCKS;
        if too_many {
            report.add(span, TooLarge::Blocks.to_string());
            self.combined.pieces.clear();
        }
        too_many
    }

    /// Whether each value of the condition is one of some cell, and the whole holds for one.
    fn holds_somewhere(&self, rule: &Rule, report: &mut Report) -> bool {
        if self.combined.pieces.is_empty() {
            return false;
        }
        let before = report.len();
        for test in &rule.tests {
            for (value, span) in &test.values {
                let held = |piece: &Piece| {
                    let factor = piece.block.factor(test.axis);
                    factor.is_some_and(|factor| factor.values(test.axis).any(|known| same(known, value)))
                };
                if !self.combined.pieces.iter().any(held) {
                    let (axis, there) = (test.axis, self.known_values(test.axis));
                    report.add(span, format!("no cell has {axis} = {value}; there is: {there}"));
                }
            }
        }
        let condition = rule.condition();
        let held = |piece: &Piece| piece.block.split(&condition).0.is_some();
        if report.len() == before && !self.combined.pieces.iter().any(held) {
            report.add(&rule.span, "the condition holds for no cell: each value occurs, but not together");
        }
        report.len() == before
    }

    /// Whether each tuned axis is one of some cell.
    fn tuned_somewhere(&self, report: &mut Report) {
        let pieces = &self.combined.pieces;
        for (axis, span) in self.file.tune.iter().flat_map(|tune| &tune.over) {
            if !pieces.is_empty() && !pieces.iter().any(|piece| piece.block.factor(axis).is_some()) {
                report.add(span, format!("axis \"{axis}\" is tuned, but no cell has a list of it"));
            }
        }
    }

    /// The first values of `axis` among all cells, for an error text.
    fn known_values(&self, axis: &str) -> String {
        let mut values: Vec<&Value> = Vec::new();
        for factor in self.combined.pieces.iter().filter_map(|piece| piece.block.factor(axis)) {
            for value in factor.values(axis) {
                if values.len() < 20 && !values.iter().any(|known| same(known, value)) {
                    values.push(value);
                }
            }
        }
        let values = values.into_iter().map(Value::to_string).collect::<Vec<_>>().join(", ");
        if values.is_empty() { format!("no cell with {axis}") } else { values }
    }

    /// Axes without a default that some cell has and no list gives.
    fn missing(&self, report: &mut Report) {
        let mut seen: HashSet<(&str, usize)> = HashSet::new();
        for piece in &self.combined.pieces {
            let combination = &self.combined.combinations[piece.combination];
            for axis in combination.axes.iter().filter(|axis| axis.default.is_none()) {
                if piece.block.factor(axis.name).is_some() {
                    continue;
                }
                let entries = || combination.entries.iter().map(|&i| &self.combined.entries[i]);
                let home = entries().find(|entry| entry.axes.iter().any(|a| a.name == axis.name));
                let optimizer = || entries().find(|entry| entry.choice == "optimizer").map(|entry| entry.span.clone());
                let span = match home {
                    Some(entry) => entry.span.clone(),
                    None => self.file.train.clone().or_else(optimizer).unwrap_or(0..0),
                };
                if seen.insert((axis.name, span.start)) {
                    let of = home.map_or("a training run".to_owned(), |e| format!("{} \"{}\"", e.choice, e.name));
                    let error = Error::Missing { axis: axis.name.to_owned(), of, allowed: axis.kind.allowed() };
                    report.error(&span, &error);
                }
            }
        }
    }
}

/// The list that gives `axis` its values in the cells of `entries`.
fn winner<'l>(axis: &str, entries: &[&'l Entry], shared: &'l [Listed], report: &mut Report) -> Option<&'l Listed> {
    let holds = |list: &&Listed| list.axes.contains(&axis);
    let (home, others): (Vec<&Entry>, Vec<&Entry>) =
        entries.iter().partition(|entry| entry.axes.iter().any(|a| a.name == axis));
    let of =
        |entries: Vec<&'l Entry>| entries.into_iter().filter_map(|e| e.lists.iter().find(holds)).collect::<Vec<_>>();
    let others = of(others);
    if let [first, second, ..] = others[..] {
        let later = if first.key.start > second.key.start { first } else { second };
        let message = format!("axis \"{axis}\" is given twice for the same cells, by two entries; use [[when]]");
        report.add(&later.key, message);
    }
    others.first().copied().or_else(|| of(home).first().copied()).or_else(|| shared.iter().find(holds))
}
