//! Which cells next: longest first, by a cost that learns. Pure: no I/O, no clock.
//!
//! A sweep's cells lie in *spans*: contiguous ranges of indices whose cells cost the same (a cost class of the grid, or the
//! refits of one group). Each span has one cursor, so the order costs O(spans) memory however many cells there
//! are. Cells that came back go first. Longest first keeps the end of a sweep short: what is left for the last
//! minutes is small.

use std::collections::{BTreeMap, BTreeSet};
use sweep_core::grid::Class;
use sweep_core::sweep::{Cell, Sweep};
use sweep_core::train::cost;
use sweep_core::trial::Inputs;

/// How cells are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The most expensive span first.
    LongestFirst,
    /// Every span's replicate 0, then every span's replicate 1, …; longest first within each.
    ReplicatesFirst,
}

/// A range of cells of one cost.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// First cell.
    pub start: u64,
    /// Number of cells.
    pub len: u64,
    /// Replicates in the range, the slowest digit of its cells.
    pub replicates: u64,
    /// Forecast of one cell's seconds on one core.
    pub seconds: f64,
    /// What is run, sizes aside (`adam ratio`): the forecasts of one kind are wrong by about the same factor.
    pub kind: String,
}

/// The spans of a sweep, in the order of its cells: one a cost class, forecast by its first cell (of refits, with the first
/// candidate's values).
pub fn spans(sweep: &Sweep, inputs: &Inputs) -> Vec<Span> {
    let forecast = |cell| {
        let coordinates = match sweep.cell(cell) {
            Some(Cell::Fixed(coordinates)) => Some(coordinates),
            _ => sweep.refit_coordinates(cell, 0),
        };
        coordinates
            .and_then(|coordinates| sweep.trial(&coordinates, inputs).ok())
            .map_or((1.0, String::new()), |trial| (cost::forecast(&trial).seconds, trial.method()))
    };
    let span = |class: Class| {
        let (seconds, kind) = forecast(class.start);
        Span { start: class.start, len: class.len, replicates: class.replicates, seconds, kind }
    };
    sweep.classes().into_iter().map(span).collect()
}

#[derive(Debug, Clone)]
struct Track {
    span: Span,
    /// Cells of the span that were ever given out (in order) or released (in any).
    next: u64,
    /// Whether its cells go out only when they are released.
    held: bool,
    /// Measured over forecast seconds, averaged (geometric, recent ones weigh more); `None` before the first.
    learned: Option<f64>,
}

/// The weight of a new measurement in the average.
const RECENT: f64 = 0.2;

/// The order of one sweep's cells.
#[derive(Debug, Clone)]
pub struct Schedule {
    order: Order,
    tracks: Vec<Track>,
    /// Track index by its first cell.
    by_start: BTreeMap<u64, usize>,
    returned: BTreeSet<u64>,
    running: BTreeMap<u64, f64>,
    /// Measured over forecast seconds of each kind, averaged likewise.
    kinds: BTreeMap<String, f64>,
}

impl Schedule {
    /// Nothing yet; spans are added.
    pub fn new(order: Order) -> Schedule {
        Schedule {
            order,
            tracks: Vec::new(),
            by_start: BTreeMap::new(),
            returned: BTreeSet::new(),
            running: BTreeMap::new(),
            kinds: BTreeMap::new(),
        }
    }

    /// Adds a span whose first `touched` cells were already given out.
    pub fn add(&mut self, span: Span, touched: u64) {
        self.push(span, touched, false);
    }

    /// Adds a span whose cells wait for something (refits wait for their tuning): each goes out after it is released.
    pub fn add_held(&mut self, span: Span) {
        self.push(span, 0, true);
    }

    fn push(&mut self, span: Span, touched: u64, held: bool) {
        self.by_start.insert(span.start, self.tracks.len());
        self.tracks.push(Track { next: touched.min(span.len), span, learned: None, held });
    }

    /// Lets a held cell go out; once for each. One that is already final is released with `final_already`.
    pub fn release(&mut self, cell: u64, final_already: bool) {
        if let Some(index) = self.track_of(cell) {
            self.tracks[index].next += 1;
        }
        if !final_already {
            self.returned.insert(cell);
        }
    }

    /// Takes a cell back: it goes out again before any untouched one.
    pub fn give_back(&mut self, cell: u64) {
        self.running.remove(&cell);
        self.returned.insert(cell);
    }

    /// A cell is running that was given out before this schedule was made.
    pub fn began(&mut self, cell: u64) {
        self.running.insert(cell, self.seconds(cell));
    }

    /// The next cell, with its forecast of seconds; `None` when there is none to give out now. It counts as running until
    /// [`Schedule::give_back`], [`Schedule::done`] or [`Schedule::skip`].
    pub fn take(&mut self) -> Option<(u64, f64)> {
        let cell = match self.returned.pop_first() {
            Some(cell) => cell,
            None => {
                let index = self.best()?;
                let track = &mut self.tracks[index];
                track.next += 1;
                track.span.start + track.next - 1
            }
        };
        let seconds = self.seconds(cell);
        self.running.insert(cell, seconds);
        Some((cell, seconds))
    }

    /// The track whose next cell goes out: by (replicate,) cost, then by index, so that the order is one.
    fn best(&self) -> Option<usize> {
        let open = self.tracks.iter().enumerate().filter(|(_, track)| !track.held && track.next < track.span.len);
        let rank = |track: &Track| match self.order {
            Order::LongestFirst => 0,
            Order::ReplicatesFirst => track.next / (track.span.len / track.span.replicates.max(1)).max(1),
        };
        let better = |a: &Track, b: &Track| {
            let cost = |t: &Track| t.span.seconds * self.factor(t);
            rank(b).cmp(&rank(a)).then(cost(a).total_cmp(&cost(b))).then(b.span.start.cmp(&a.span.start))
        };
        open.max_by(|(_, a), (_, b)| better(a, b)).map(|(index, _)| index)
    }

    /// A cell that was run took `seconds` of one core.
    pub fn done(&mut self, cell: u64, seconds: f64) {
        self.running.remove(&cell);
        let Some(index) = self.track_of(cell) else { return };
        let ratio = seconds / self.tracks[index].span.seconds;
        if !(ratio > 0.0 && ratio.is_finite()) {
            return;
        }
        let average = |old: Option<f64>| Some(old.map_or(ratio, |old| old.powf(1.0 - RECENT) * ratio.powf(RECENT)));
        self.tracks[index].learned = average(self.tracks[index].learned);
        let kind = &self.tracks[index].span.kind;
        let learned = average(self.kinds.get(kind).copied()).unwrap_or(ratio);
        self.kinds.insert(kind.clone(), learned);
    }

    /// A cell that needs no run (its result was already there), or is not to be tried again.
    pub fn skip(&mut self, cell: u64) {
        self.running.remove(&cell);
    }

    /// Whether nothing is left to give out and nothing runs.
    pub fn is_empty(&self) -> bool {
        self.running.is_empty()
            && self.returned.is_empty()
            && self.tracks.iter().all(|track| track.next == track.span.len)
    }

    /// Core seconds of everything not yet given out, came back or running, as far as forecasts tell. (What runs
    /// counts as half done.)
    pub fn seconds_left(&self) -> f64 {
        let untouched: f64 =
            self.tracks.iter().map(|t| (t.span.len - t.next) as f64 * t.span.seconds * self.factor(t)).sum();
        let returned: f64 = self.returned.iter().map(|&cell| self.seconds(cell)).sum();
        untouched + returned + 0.5 * self.running.values().sum::<f64>()
    }

    /// What the forecasts of a span are multiplied by: what its own cells have shown, or else those of its kind, or else
    /// the middle one of all kinds (this machine against the one whose rates the forecasts are made of).
    fn factor(&self, track: &Track) -> f64 {
        track.learned.or_else(|| self.kinds.get(&track.span.kind).copied()).unwrap_or_else(|| {
            let mut learned: Vec<f64> = self.kinds.values().copied().collect();
            learned.sort_by(f64::total_cmp);
            // Of an even number the lower: a few kinds of unusual runs are too slow rather than too fast.
            learned.get(learned.len().saturating_sub(1) / 2).copied().unwrap_or(1.0)
        })
    }

    /// The forecast for `cell`, as learned so far.
    fn seconds(&self, cell: u64) -> f64 {
        self.track_of(cell).map_or(0.0, |index| self.tracks[index].span.seconds * self.factor(&self.tracks[index]))
    }

    fn track_of(&self, cell: u64) -> Option<usize> {
        let (_, &index) = self.by_start.range(..=cell).next_back()?;
        (cell < self.tracks[index].span.start + self.tracks[index].span.len).then_some(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn span(start: u64, len: u64, replicates: u64, seconds: f64) -> Span {
        Span { start, len, replicates, seconds, kind: "gd".to_owned() }
    }

    fn all(schedule: &mut Schedule) -> Vec<u64> {
        std::iter::from_fn(|| schedule.take().map(|(cell, _)| cell)).collect()
    }

    #[test]
    fn the_longest_goes_first_and_what_came_back_before_it() {
        let mut schedule = Schedule::new(Order::LongestFirst);
        schedule.add(span(0, 2, 1, 1.0), 0);
        schedule.add(span(2, 2, 1, 5.0), 0);
        assert_eq!(schedule.take(), Some((2, 5.0)));
        schedule.give_back(2);
        assert_eq!(all(&mut schedule), [2, 3, 0, 1]);
        assert!(!schedule.is_empty());
        (0..4).for_each(|cell| schedule.skip(cell));
        assert!(schedule.is_empty());
    }

    #[test]
    fn replicates_first_finishes_one_replicate_of_the_map() {
        let mut schedule = Schedule::new(Order::ReplicatesFirst);
        schedule.add(span(0, 4, 2, 1.0), 0);
        schedule.add(span(4, 2, 2, 5.0), 0);
        // Replicate 0: cell 4 (longest), 0, 1; replicate 1: 5, 2, 3.
        assert_eq!(all(&mut schedule), [4, 0, 1, 5, 2, 3]);
    }

    #[test]
    fn measured_seconds_change_order_and_forecast() {
        let mut schedule = Schedule::new(Order::LongestFirst);
        schedule.add(span(0, 3, 1, 1.0), 0);
        schedule.add(span(3, 3, 1, 2.0), 0);
        assert_eq!(schedule.seconds_left(), 9.0);
        schedule.take(); // cell 3
        schedule.done(3, 0.2); // ten times faster than its forecast: 0.2 s a cell, and so, for want of better, is span 0: 0.1 s.
        assert!((schedule.seconds_left() - (3.0 * 0.1 + 2.0 * 0.2)).abs() < 1e-12);
        schedule.take(); // cell 4
        schedule.take(); // cell 5
        schedule.take(); // cell 0
        schedule.done(0, 1.0);
        assert!((schedule.seconds_left() - (2.0 + 0.5 * (0.2 + 0.2))).abs() < 1e-12);
    }

    #[test]
    fn what_is_not_measured_yet_goes_by_its_kind_then_by_the_middle_of_all() {
        let kind = |kind: &str, span| Span { kind: kind.to_owned(), ..span };
        let mut schedule = Schedule::new(Order::LongestFirst);
        schedule.add(kind("svt", span(0, 1, 1, 9.0)), 0);
        schedule.add(kind("gd", span(1, 1, 1, 8.0)), 0);
        schedule.add(kind("adam", span(2, 1, 1, 7.0)), 0);
        schedule.add(kind("svt", span(3, 1, 1, 1.0)), 0);
        schedule.add(kind("muon", span(4, 1, 1, 1.0)), 0);
        for (cell, seconds) in [(0, 90.0), (1, 16.0), (2, 21.0)] {
            schedule.take();
            schedule.done(cell, seconds);
        }
        // Ten times its forecast by its kind; 3, the middle of 2, 3 and 10.
        assert!((schedule.seconds_left() - (10.0 + 3.0)).abs() < 1e-9);
    }

    #[test]
    fn a_restart_goes_on_where_the_cursor_was() {
        let mut schedule = Schedule::new(Order::LongestFirst);
        schedule.add(span(0, 5, 1, 1.0), 3);
        schedule.give_back(1);
        assert_eq!(all(&mut schedule), [1, 3, 4]);
    }

    #[test]
    fn held_cells_wait_for_their_release_and_count_as_left() {
        let mut schedule = Schedule::new(Order::LongestFirst);
        schedule.add_held(span(0, 3, 1, 2.0));
        assert_eq!((schedule.take(), schedule.is_empty(), schedule.seconds_left()), (None, false, 6.0));
        schedule.release(1, false);
        schedule.release(0, true);
        assert_eq!(schedule.seconds_left(), 4.0);
        assert_eq!(all(&mut schedule), [1]);
        schedule.done(1, 2.0);
        assert!(!schedule.is_empty());
        schedule.release(2, true);
        assert!(schedule.is_empty());
    }

    proptest! {
        #[test]
        fn every_cell_goes_out_exactly_once(lens in prop::collection::vec((1u64..20, 1u64..4, 0.1f64..10.0), 1..8), replicates_first: bool) {
            let order = if replicates_first { Order::ReplicatesFirst } else { Order::LongestFirst };
            let mut schedule = Schedule::new(order);
            let mut start = 0;
            for (len, replicates, seconds) in lens {
                schedule.add(span(start, len * replicates, replicates, seconds), 0);
                start += len * replicates;
            }
            let mut out = all(&mut schedule);
            out.sort_unstable();
            prop_assert_eq!(out, (0..start).collect::<Vec<_>>());
        }
    }
}
