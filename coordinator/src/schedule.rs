//! Which cells next: longest first, by a cost that learns. Pure: no I/O, no clock.
//!
//! A sweep's cells lie in *spans*: contiguous ranges of indices whose cells cost the same (a cost class of the grid, or the
//! refits of one group). Each span has one cursor, so the order costs O(spans) memory however many cells there
//! are. Cells that came back go first. Longest first keeps the end of a sweep short: what is left for the last
//! minutes is small. Before that a few *probes*, one cell of a span each, tell early what the others will take.

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
    /// Measured over forecast seconds.
    learned: Mean,
}

/// The least weight of a new measurement in a mean: what changes with time is followed.
const RECENT: f64 = 0.05;
/// The share of a sweep's forecast work that probes may take.
const PROBES: f64 = 0.03;

/// A mean of which recent values are the greater part once there are many. Arithmetic: the time left is a sum.
#[derive(Debug, Clone, Copy, Default)]
struct Mean {
    count: f64,
    value: f64,
}

impl Mean {
    fn add(&mut self, value: f64) {
        self.count += 1.0;
        self.value += (value - self.value) * RECENT.max(1.0 / self.count);
    }

    /// `None` of nothing.
    fn get(&self) -> Option<f64> {
        (self.count > 0.0).then_some(self.value)
    }
}

/// The order of one sweep's cells.
#[derive(Debug, Clone)]
pub struct Schedule {
    order: Order,
    tracks: Vec<Track>,
    /// Track index by its first cell.
    by_start: BTreeMap<u64, usize>,
    returned: BTreeSet<u64>,
    running: BTreeMap<u64, f64>,
    /// Measured over forecast seconds of each kind.
    kinds: BTreeMap<String, Mean>,
    /// The middle of these; 1 before the first.
    middle: f64,
    /// Spans that are to be probed, the next one last; made with the first cell that is taken.
    probes: Option<Vec<usize>>,
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
            middle: 1.0,
            probes: None,
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
        self.tracks.push(Track { next: touched.min(span.len), span, learned: Mean::default(), held });
        self.probes = None;
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
                let index = self.probe().or_else(|| self.best())?;
                let track = &mut self.tracks[index];
                track.next += 1;
                track.span.start + track.next - 1
            }
        };
        let seconds = self.seconds(cell);
        self.running.insert(cell, seconds);
        Some((cell, seconds))
    }

    /// The next span of which nothing is known and that is to be known early.
    fn probe(&mut self) -> Option<usize> {
        if self.probes.is_none() {
            self.probes = Some(self.probes());
        }
        let unknown = |track: &Track| !track.held && track.next < track.span.len && track.learned.get().is_none();
        loop {
            let index = self.probes.as_mut()?.pop()?;
            if unknown(&self.tracks[index]) {
                return Some(index);
            }
        }
    }

    /// The spans to probe, the first one last: of every kind the one with most work, then those of most cells, of which one
    /// costs the least share; the longest first, so that all are known at about the same time. None where the order is that
    /// of replicates: each of these is a cell of every span.
    fn probes(&self) -> Vec<usize> {
        if self.order == Order::ReplicatesFirst {
            return Vec::new();
        }
        let work = |track: &Track| (track.span.len - track.next) as f64 * track.span.seconds;
        let mut open: Vec<usize> = (0..self.tracks.len())
            .filter(|&i| !self.tracks[i].held && self.tracks[i].next < self.tracks[i].span.len)
            .collect();
        open.sort_by(|&a, &b| work(&self.tracks[b]).total_cmp(&work(&self.tracks[a])));
        let mut seen = BTreeSet::new();
        let (first, mut rest): (Vec<usize>, Vec<usize>) =
            open.into_iter().partition(|&i| seen.insert(self.tracks[i].span.kind.as_str()));
        rest.sort_by_key(|&i| std::cmp::Reverse(self.tracks[i].span.len - self.tracks[i].next));
        let mut room = PROBES * self.tracks.iter().map(work).sum::<f64>();
        let mut probes: Vec<usize> = first.into_iter().chain(rest).collect();
        probes.retain(|&i| {
            let fits = self.tracks[i].span.seconds <= room;
            room -= if fits { self.tracks[i].span.seconds } else { 0.0 };
            fits
        });
        probes.sort_by(|&a, &b| self.tracks[a].span.seconds.total_cmp(&self.tracks[b].span.seconds));
        probes
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
        self.tracks[index].learned.add(ratio);
        let kind = &self.tracks[index].span.kind;
        match self.kinds.get_mut(kind) {
            Some(mean) => mean.add(ratio),
            None => self.kinds.entry(kind.clone()).or_default().add(ratio),
        }
        let mut learned: Vec<f64> = self.kinds.values().map(|mean| mean.value).collect();
        learned.sort_by(f64::total_cmp);
        // Of an even number the lower: a few kinds of unusual runs are too slow rather than too fast.
        self.middle = learned[(learned.len() - 1) / 2];
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
        let of_kind = || self.kinds.get(&track.span.kind).and_then(Mean::get);
        track.learned.get().or_else(of_kind).unwrap_or(self.middle)
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
    fn one_cell_of_each_span_goes_first_where_that_is_a_small_part() {
        let kind = |kind: &str, span| Span { kind: kind.to_owned(), ..span };
        let mut schedule = Schedule::new(Order::LongestFirst);
        schedule.add(span(0, 500, 1, 4.0), 0);
        schedule.add(span(500, 1_000, 1, 1.0), 0);
        schedule.add(kind("adam", span(1_500, 100, 1, 2.0)), 0);
        // Its one cell is 120 s of 3,320: more than a probe may take.
        schedule.add(kind("svt", span(1_600, 1, 1, 120.0)), 0);
        schedule.add_held(span(2_000, 10, 1, 9.0));
        let first: Vec<u64> = std::iter::from_fn(|| schedule.take().map(|(cell, _)| cell)).take(5).collect();
        assert_eq!(first, [0, 1_500, 500, 1_600, 1]);
        // Each in the order of its cells, and each once.
        let mut rest = all(&mut schedule);
        rest.extend(first);
        rest.sort_unstable();
        assert_eq!(rest, (0..1_601).collect::<Vec<_>>());
    }

    #[test]
    fn a_mean_is_that_of_all_at_first_and_follows_what_changes() {
        let mut mean = Mean::default();
        assert_eq!(mean.get(), None);
        [1.0, 2.0, 6.0].into_iter().for_each(|x| mean.add(x));
        assert_eq!(mean.get(), Some(3.0));
        (0..200).for_each(|_| mean.add(10.0));
        assert!((mean.get().unwrap() - 10.0).abs() < 0.01, "{mean:?}");
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
