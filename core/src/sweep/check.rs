//! Values that are each fine and together are not: rank > min(n1, n2), m > n1·n2, two entries with one cell.
//!
//! Cells are tried, not enumerated: all combinations of what problem, baseline, init, the kind of penalty and the shape of
//! the network say, each with the first values of the rest. Past [`MOST`] combinations the extremes of every axis and a random sample
//! stand for all (the known limits are monotone in each axis, so the extremes meet them first).

use super::combine::{Combined, Piece};
use super::diagnostic::{Report, Span};
use super::file::File;
use crate::axis::{self, Kind};
use crate::error::Error;
use crate::grid::{Block, Factor, REPLICATE};
use crate::seed::Stream;
use crate::trial::{Inputs, Trial};
use crate::value::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

/// Most trials that are tried.
const MOST: u128 = 10_000;

/// Most pairs of blocks that are compared.
const MOST_PAIRS: usize = 1_000_000;

/// Tries cells of every block and reports each conflict at a value that takes part in it.
pub(super) fn conflicts(file: &File, combined: &Combined, report: &mut Report) {
    let mut seen: HashSet<String> = HashSet::new();
    let mut budget = MOST;
    for piece in &combined.pieces {
        let (varied, first) = varied(&piece.block);
        // Optimizer and schedule tie no axes together: one of each stands for all.
        let ties = ["problem", "baseline", "init", "penalty"].map(|choice| first.get(choice).map(Value::to_string));
        if !seen.insert(format!("{ties:?}{}", varied.canonical())) {
            continue;
        }
        for digits in samples(&varied, &mut budget) {
            let mut cell = first.clone();
            cell.extend(varied.at(&digits));
            if let Err(error) = Trial::new(&cell, &stand_ins(&cell)) {
                report.error(&place(&error, &cell, piece, file, combined), &error);
            }
        }
    }
}

/// The same for the problems alone, where other parts of the file are not understood: each with the baselines that need
/// no axis, an error counting where all of them meet it.
pub(super) fn problem_conflicts(file: &File, combined: &Combined, report: &mut Report) {
    let free = |(name, _, axes): &(&'static str, _, &'static [axis::Axis])| {
        axes.iter().all(|axis| axis.default.is_some()).then_some(*name)
    };
    let baselines: Vec<&str> = axis::entries("baseline").iter().filter_map(free).collect();
    let mut seen: HashSet<String> = HashSet::new();
    let mut budget = MOST;
    for piece in &combined.pieces {
        let (varied, first) = varied(&piece.block);
        let Some(Value::Text(problem)) = first.get("problem") else { continue };
        let own = axis::entries("problem").into_iter().find(|(name, ..)| name == problem).map_or(&[][..], |e| e.2);
        if !seen.insert(format!("{problem};{}", varied.canonical())) {
            continue;
        }
        for digits in samples(&varied, &mut budget) {
            let mut cell = varied.at(&digits);
            cell.retain(|axis, _| own.iter().any(|a| a.name == axis));
            cell.insert("problem".to_owned(), problem.as_str().into());
            let tried = baselines.iter().map(|baseline| {
                let mut cell = cell.clone();
                cell.insert("baseline".to_owned(), (*baseline).into());
                Trial::new(&cell, &stand_ins(&cell)).err()
            });
            let errors: Vec<Option<Error>> = tried.collect();
            if let Some(Some(error)) = errors.first()
                && errors.iter().all(|other| other.as_ref() == Some(error))
                && !matches!(error, Error::Missing { .. })
            {
                report.error(&place(error, &cell, piece, file, combined), error);
            }
        }
    }
}

/// The part of a block whose axes are tied together, and the first values of the rest.
fn varied(block: &Block) -> (Block, BTreeMap<String, Value>) {
    let brings = |choice: &str, name: &str| {
        axis::entries(choice).iter().any(|(_, _, axes)| axes.iter().any(|axis| axis.name == name))
    };
    let tied = |axis: &&str| {
        matches!(*axis, "depth" | "width" | "penalty_on" | "truncation")
            || ["problem", "baseline", "init"].iter().any(|choice| brings(choice, axis))
    };
    let (varied, rest): (Vec<Arc<Factor>>, Vec<_>) =
        block.factors().iter().cloned().partition(|f| f.axes().iter().any(tied));
    let rest = Block::new(rest.into_iter().filter(|factor| !factor.is_replicates()));
    let mut first = rest.at(&vec![0; rest.factors().len()]);
    first.remove(REPLICATE);
    (Block::new(varied), first)
}

/// Cells of `block` to try: all within the budget, else extremes and a random sample.
fn samples(block: &Block, budget: &mut u128) -> Vec<Vec<u64>> {
    let length = block.len().unwrap_or(u128::MAX);
    if length <= *budget {
        *budget -= length;
        return (0..length as u64).map(|index| block.digits(index)).collect();
    }
    let mut corners: Vec<Vec<u64>> = vec![Vec::new()];
    for factor in block.factors() {
        let ends = extremes(factor);
        if corners.len() * ends.len() <= 1_024 {
            corners = corners.iter().flat_map(|head| ends.iter().map(|&end| [&head[..], &[end]].concat())).collect();
        } else {
            corners.iter_mut().for_each(|corner| corner.push(ends[0]));
        }
    }
    let sampled = (*budget).min(1_000);
    *budget -= sampled;
    let mut stream = Stream::new("sweep/check", 0);
    let mut cell = || block.factors().iter().map(|factor| stream.below(factor.len() as usize) as u64).collect();
    let even: Vec<Vec<u64>> = (0..sampled).map(|_| cell()).collect();
    corners.into_iter().chain(even).collect()
}

/// The digits of the least and the largest value of each axis of a factor.
fn extremes(factor: &Factor) -> Vec<u64> {
    let mut ends = vec![0, factor.len() - 1];
    for axis in factor.axes() {
        let numbers = || factor.values(axis).enumerate().filter_map(|(k, value)| Some((value.number()?, k as u64)));
        ends.extend(numbers().min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, k)| k));
        ends.extend(numbers().max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, k)| k));
    }
    ends.sort_unstable();
    ends.dedup();
    ends
}

/// Content hashes for the files of a cell, which are not read here: each file stands for itself.
fn stand_ins(cell: &BTreeMap<String, Value>) -> Inputs {
    let is_file = |name: &str| axis::find(name).is_some_and(|axis| axis.kind == Kind::File);
    let files = cell.iter().filter(|(name, _)| is_file(name)).filter_map(|(_, value)| value.text());
    files.map(|path| (path.to_owned(), path.to_owned())).collect()
}

/// The place of the value that an error speaks of: that of the first axis that the error names, else of the entry.
fn place(error: &Error, cell: &BTreeMap<String, Value>, piece: &Piece, file: &File, combined: &Combined) -> Span {
    let message = error.to_string();
    let words = message.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    let entries = || combined.combinations[piece.combination].entries.iter().map(|&i| &combined.entries[i]);
    for word in words {
        if let Some(entry) = entries().find(|entry| entry.choice == word) {
            return entry.span.clone();
        }
        let Some(value) = cell.get(word) else { continue };
        let lists = entries().flat_map(|entry| &entry.lists).chain(&file.shared);
        let lists = lists.chain(file.whens.iter().flat_map(|rule| &rule.set));
        if let Some(span) = lists.filter_map(|list| list.span_of(word, value)).next() {
            return span.clone();
        }
    }
    entries().next().map_or(0..0, |entry| entry.span.clone())
}

/// Reports entries of one name that share a cell, or, beside `[tune]`, a group in part. Blocks of one combination share
/// none, and different names tell cells apart, so only blocks of entries with one name are compared.
pub(super) fn overlaps(file: &File, combined: &Combined, report: &mut Report) {
    let tuned = file.tuned();
    let named = |piece: &Piece| {
        let entries = combined.combinations[piece.combination].entries.iter().map(|&i| &combined.entries[i]);
        entries.map(|entry| format!("{} {}", entry.choice, entry.name)).collect::<Vec<_>>().join(", ")
    };
    let mut methods: HashMap<String, Vec<&Piece>> = HashMap::new();
    let mut doubtful: BTreeSet<String> = BTreeSet::new();
    for piece in &combined.pieces {
        let name = named(piece);
        let pieces = methods.entry(name.clone()).or_default();
        if pieces.first().is_some_and(|first| first.combination != piece.combination) {
            doubtful.insert(name);
        }
        pieces.push(piece);
    }
    let mut left = MOST_PAIRS;
    for pieces in doubtful.iter().map(|name| &methods[name]) {
        for (k, piece) in pieces.iter().enumerate() {
            let (group, _) = super::tune::parts(&piece.block, &tuned);
            for other in &pieces[..k] {
                let span = last_span(combined, piece.combination, other.combination);
                if left == 0 {
                    let message = format!("entries of one name have more than {MOST_PAIRS} pairs of blocks to compare");
                    return report.add(&span, message);
                }
                left -= 1;
                if other.combination == piece.combination {
                    continue;
                }
                if piece.block.overlaps(&other.block, &[]) {
                    report.add(&span, "two entries of one name share a cell; give each cell once");
                } else if piece.block.overlaps(&other.block, &tuned)
                    && group != super::tune::parts(&other.block, &tuned).0
                {
                    let message = "two entries of one name share some of the groups that [tune] compares; use [[when]]";
                    report.add(&span, message);
                }
            }
        }
    }
}

/// The name of the later entry among those in which two combinations differ.
fn last_span(combined: &Combined, a: usize, b: usize) -> Span {
    let entries = |c: usize| &combined.combinations[c].entries;
    let differing = entries(a).iter().zip(entries(b)).filter(|(a, b)| a != b).flat_map(|(a, b)| [*a, *b]);
    let spans = differing.map(|i| combined.entries[i].span.clone());
    spans.max_by_key(|span| span.start).unwrap_or_else(|| combined.entries[entries(a)[0]].span.clone())
}
