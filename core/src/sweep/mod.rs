//! The sweep file: what a user submits, as a function from cell index to coordinates.
//!
//! One rule: cells are a function of the file, never a list. [`Sweep::parse`] reads a file (docs/sweep-file.md explains
//! every key) and reports all of its mistakes with their places; what it gives answers by arithmetic.
//!
//! - `read`, `parse`: from bytes to `file`, names and values checked one by one;
//! - `combine`: entries and rules to disjoint blocks of the [`grid`](crate::grid);
//! - `check`: values that conflict with each other;
//! - `segment`: the cells that came together; `slabs`: the same as products; `extend`: what another file adds to a sweep, whose indices never move;
//!   `edit`: `axis=values` in place of another file;
//! - `reads`: which cells read files; `tune`: tune → refit; `summary`: what a person reads, and differences between two sweeps.

mod check;
mod combine;
mod diagnostic;
mod edit;
mod extend;
mod file;
mod parse;
mod read;
mod reads;
mod segment;
mod slabs;
mod summary;
mod tune;

pub use diagnostic::Diagnostic;
pub use edit::{Misplaced, lengthened};
pub use extend::Unfit;
pub use parse::MAX_BYTES;
pub use slabs::Slab;
pub use summary::{AxisSummary, Difference, diff};
pub use tune::{FIRST_REFIT, Group, Place, Selection, Tune};

use crate::axis::{self, Kind};
use crate::error::Result;
use crate::grid::{Class, Factor, Grid, REPLICATE, TooLarge};
use crate::trial::{self, Inputs, Trial};
use crate::value::Value;
use diagnostic::Report;
use file::File;
use segment::Segment;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use toml::de::DeTable;

/// Most cells of a sweep, unless the user says otherwise.
pub const MAX_CELLS: u64 = 100_000_000;

/// Which cells are run first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The cells that take longest.
    LongestFirst,
    /// All cells of a replicate before the next replicate.
    ReplicatesFirst,
}

/// A checked sweep.
#[derive(Debug, Clone, PartialEq)]
pub struct Sweep {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// Which cells are run first.
    pub order: Order,
    /// The time limit of a cell. Not part of a trial.
    pub seconds: Option<f64>,
    /// Replicates of a cell (of a candidate, while tuning).
    pub replicates: u64,
    /// The number of the first replicate.
    pub first: i64,
    /// Seeds that do not follow the replicate.
    pub fix: BTreeMap<&'static str, i64>,
    /// The groups, where there is `[tune]`.
    pub tune: Option<Tune>,
    /// The cells: those of the file (with `[tune]`: the tuning cells, then the refits), then those of each extension.
    segments: Vec<Segment>,
    /// `[[when]]`, `[[exclude]]` and `[[zip]]` as text, for [`diff`].
    rules: Vec<(&'static str, String)>,
}

/// What a cell is.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// All coordinates are known.
    Fixed(BTreeMap<String, Value>),
    /// The winner of a group, run again: the tuned axes are known once the group's tuning cells are done.
    Refit {
        /// The group.
        group: u64,
        /// The coordinates but for the tuned axes.
        coordinates: BTreeMap<String, Value>,
    },
}

impl Sweep {
    /// Reads and checks a sweep file of at most `most` cells ([`MAX_CELLS`] is the default of the command line).
    ///
    /// # Errors
    /// Every mistake that does not follow from another, in the order of the file.
    pub fn parse(bytes: &[u8], most: u64) -> std::result::Result<Sweep, Vec<Diagnostic>> {
        if bytes.len() > MAX_BYTES {
            let message = format!("the file has {} bytes, more than the {MAX_BYTES} allowed (1 MiB)", bytes.len());
            return Err(vec![diagnostic::place("", &(0..0), message, None)]);
        }
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let at = error.valid_up_to();
            let before = std::str::from_utf8(&bytes[..at]).unwrap_or_default();
            let message = format!("byte 0x{:02x} is not UTF-8 text; a sweep file is UTF-8", bytes[at]);
            vec![diagnostic::place(before, &(at..at), message, None)]
        })?;
        let mut report = Report::default();
        let (table, errors) = DeTable::parse_recoverable(text);
        for error in &errors {
            report.add(&error.span().unwrap_or(0..0), format!("not TOML: {}", error.message()));
        }
        if !report.is_empty() {
            return Err(report.finish(text));
        }
        let (file, whole) = parse::file(table.get_ref(), &mut report);
        let read = report.len();
        let combined = combine::combine(&file, &mut report);
        if !report.is_empty() {
            // After a mistake in reading, what is missing or unused may follow from it. Conflicts between the values
            // of a problem do not, where the problem and the rules were understood.
            if read > 0 {
                report.truncate(read);
            }
            if whole && combined.whole {
                check::problem_conflicts(&file, &combined, &mut report);
            }
            return Err(report.finish(text));
        }
        // The size first: the other checks take time that grows with the blocks.
        let built = Sweep::build(&file, &combined, most);
        match built {
            Err(error) => {
                let TooLarge::Cells { ref axes, .. } = error else {
                    return Err(too_large(report, &file, &error, text));
                };
                let longest = axes.first().map_or("", |(axis, _)| axis.split('+').next().unwrap_or_default());
                let lists = file.entries.iter().flat_map(|entry| &entry.lists).chain(&file.shared);
                let lists = lists.chain(file.whens.iter().flat_map(|rule| &rule.set));
                let span = lists.filter(|list| list.axes.contains(&longest)).map(|list| list.key.clone()).next();
                let help = "shorten a list, or raise --max-cells".to_owned();
                report.add_with(&span.unwrap_or(0..0), error.to_string(), Some(help));
                Err(report.finish(text))
            }
            Ok(sweep) => {
                check::overlaps(&file, &combined, &mut report);
                check::conflicts(&file, &combined, &mut report);
                if report.is_empty() { Ok(sweep) } else { Err(report.finish(text)) }
            }
        }
    }

    fn build(file: &File, combined: &combine::Combined, most: u64) -> std::result::Result<Sweep, TooLarge> {
        let blocks: Vec<_> = combined.pieces.iter().map(|piece| piece.block.clone()).collect();
        let (segments, tune) = match &file.tune {
            Some(tuning) => {
                let (segments, tune) = Tune::new(tuning, &blocks, file.first, most)?;
                (segments.into(), Some(tune))
            }
            None => {
                let blocks = blocks.iter().map(|block| {
                    let replicates = std::sync::Arc::new(Factor::replicates(file.first, file.count));
                    let factors = block.factors().iter().cloned().chain([replicates]);
                    combine::ordered(&crate::grid::Block::new(factors), &[])
                });
                (vec![Segment::plain(0, Grid::new(blocks.collect(), most)?)], None)
            }
        };
        Ok(Sweep {
            name: file.name.clone(),
            description: file.description.clone(),
            tags: file.tags.clone(),
            order: file.order,
            seconds: file.seconds,
            replicates: tune.as_ref().map_or(file.count, |tune| tune.replicates),
            first: file.first,
            fix: file.fix.clone(),
            tune,
            segments,
            rules: summary::rules(file),
        })
    }

    /// The number of cells.
    pub fn len(&self) -> u64 {
        self.segments.last().map_or(0, Segment::end)
    }

    /// Whether there is no cell.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether it was extended.
    pub fn is_extended(&self) -> bool {
        self.segments.len() > if self.tune.is_some() { 2 } else { 1 }
    }

    /// The segment of cell `index`.
    fn segment(&self, index: u64) -> Option<&Segment> {
        self.segments.get(self.segments.partition_point(|segment| segment.end() <= index))
    }

    /// Cell `index`; `None` beyond the last.
    pub fn cell(&self, index: u64) -> Option<Cell> {
        let segment = self.segment(index)?;
        let coordinates = segment.grid.coordinates(index - segment.start)?;
        if !segment.refits {
            return Some(Cell::Fixed(coordinates));
        }
        Some(Cell::Refit { group: self.group_of(index)?, coordinates })
    }

    /// Whether cell `index` is a refit, which waits for the tuning of its group.
    pub fn is_refit(&self, index: u64) -> bool {
        self.segment(index).is_some_and(|segment| segment.refits)
    }

    /// The indices of the tuning cells; none without `[tune]`.
    pub fn tuning_ranges(&self) -> Vec<Range<u64>> {
        let tuning = self.segments.iter().filter(|segment| self.tune.is_some() && !segment.refits);
        tuning.map(|segment| segment.start..segment.end()).collect()
    }

    /// The indices of the refits.
    pub fn refit_ranges(&self) -> Vec<Range<u64>> {
        self.segments.iter().filter(|segment| segment.refits).map(|segment| segment.start..segment.end()).collect()
    }

    /// The cell with exactly these coordinates; of a refit, those of its tuned axes are not looked at.
    pub fn index_of(&self, coordinates: &BTreeMap<String, Value>) -> Option<u64> {
        let mut untuned = coordinates.clone();
        let tuned = self.tune.iter().flat_map(|tune| &tune.over);
        tuned.for_each(|axis| drop(untuned.remove(*axis)));
        self.segments.iter().find_map(|segment| {
            let asked = if segment.refits { &untuned } else { coordinates };
            Some(segment.start + segment.grid.index_of(asked)?)
        })
    }

    /// The cost classes of all cells, in order: see [`Grid::classes`]. Those of a segment stay as they are when others
    /// are added.
    pub fn classes(&self) -> Vec<Class> {
        let of = |segment: &Segment| {
            let start = segment.start;
            segment.grid.classes().into_iter().map(move |class| Class { start: class.start + start, ..class })
        };
        self.segments.iter().flat_map(of).collect()
    }

    /// Where tuning cell `index` belongs; `None` for other cells.
    pub fn place(&self, index: u64) -> Option<Place> {
        let (tune, segment) = (self.tune.as_ref()?, self.segment(index)?);
        if segment.refits { None } else { tune.place(segment, index - segment.start) }
    }

    /// The group of a tuning or a refit cell.
    pub fn group_of(&self, index: u64) -> Option<u64> {
        let segment = self.segment(index)?;
        self.tune.as_ref()?.group_of(segment, index - segment.start)
    }

    /// The tuning cells of candidate `c` of group `g`, one a replicate; none where the group has one candidate.
    pub fn tuning_cells(&self, g: u64, c: u64) -> Vec<u64> {
        self.tune.as_ref().map_or(Vec::new(), |tune| tune.tuning_cells(&self.segments, g, c))
    }

    /// The refit cells of group `g`.
    pub fn refit_cells(&self, g: u64) -> Vec<u64> {
        self.tune.as_ref().map_or(Vec::new(), |tune| tune.refit_cells(&self.segments, g))
    }

    /// The whole coordinates of refit cell `index`, given that `candidate` won its group.
    pub fn refit_coordinates(&self, index: u64, candidate: u64) -> Option<BTreeMap<String, Value>> {
        match self.cell(index)? {
            Cell::Refit { group, mut coordinates } => {
                coordinates.extend(self.tune.as_ref()?.candidate(group, candidate)?);
                Some(coordinates)
            }
            Cell::Fixed(_) => None,
        }
    }

    /// The trial at `coordinates`: the replicate gives every seed that applies and is neither fixed nor an axis.
    ///
    /// # Errors
    /// As [`Trial::new`].
    pub fn trial(&self, coordinates: &BTreeMap<String, Value>, inputs: &Inputs) -> Result<Trial> {
        let mut given = coordinates.clone();
        let replicate = given.remove(REPLICATE).unwrap_or(Value::Int(self.first));
        for axis in trial::applicable(&given)? {
            if parse::SEEDS.contains(&axis.name) && !given.contains_key(axis.name) {
                let seed = self.fix.get(axis.name).map_or(replicate.clone(), |seed| Value::Int(*seed));
                given.insert(axis.name.to_owned(), seed);
            }
        }
        Trial::new(&given, inputs)
    }

    /// The path of every file that a cell names.
    pub fn files(&self) -> BTreeSet<String> {
        let is_file = |name: &str| axis::find(name).is_some_and(|axis| axis.kind == Kind::File);
        let mut files = BTreeSet::new();
        for factor in self.products().into_iter().flatten() {
            for axis in factor.axes().iter().filter(|axis| is_file(axis)) {
                files.extend(factor.values(axis).filter_map(Value::text).map(str::to_owned));
            }
        }
        files.remove("");
        files
    }

    /// The factors of each block of cells, tuned and refitted ones included.
    fn products(&self) -> Vec<Vec<&Factor>> {
        let blocks = self.segments.iter().flat_map(|segment| segment.grid.blocks());
        match &self.tune {
            None => blocks.map(|block| block.factors().iter().map(AsRef::as_ref).collect()).collect(),
            Some(tune) => tune.products(),
        }
    }

    /// The identity of what is to be run: files by content, the name, every cell and its index, the time limit. Not
    /// comments, layout, description, tags or order.
    pub fn digest(&self, inputs: &Inputs) -> String {
        let mut hasher = blake3::Hasher::new_derive_key("sweep 2026 sweep file");
        let mut put = |text: &str| {
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        };
        put(&self.name);
        put(&format!("{:?} {:?} {} {}", self.seconds, self.fix, self.first, self.replicates));
        let tune = self.tune.iter();
        let tune = tune.map(|t| format!("{:?} {} {} {}", t.over, t.replicates, t.validation, t.refit));
        put(&tune.collect::<String>());
        for factors in self.products() {
            put("block");
            factors.into_iter().for_each(|factor| put(&factor.canonical()));
        }
        for file in self.files() {
            put(&file);
            put(inputs.get(&file).map_or("", String::as_str));
        }
        hasher.finalize().to_hex().to_string()
    }
}

fn too_large(mut report: Report, file: &File, error: &TooLarge, text: &str) -> Vec<Diagnostic> {
    let span = file.whens.iter().chain(&file.excludes).map(|rule| rule.span.clone()).next().unwrap_or(0..0);
    report.add(&span, error.to_string());
    report.finish(text)
}
