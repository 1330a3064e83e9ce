//! Where things stand: tiles, facets, their names. Pixels throughout.

use super::super::frame::{AXIS, MARGIN, TICK};
use super::super::svg::{Face, formula_width};
use super::{Category, Heatmap};

/// Most of the whole picture, as long as a tile keeps a pixel.
const MOST_WIDTH: f64 = 1100.0;
pub(super) const LEAST_WIDTH: f64 = 720.0;
/// Between facets: a line of text, so that the names at the end of one are clear of those of the next.
const GAP: f64 = 16.0;
/// Most of the name of a value.
pub(super) const MOST_LABEL: f64 = 200.0;
/// Most of the heading of a row of facets.
pub(super) const MOST_HEADING: f64 = 120.0;
/// From the last facet to the headings of rows, and from there to the bar.
pub(super) const TO_HEADING: f64 = 10.0;
pub(super) const TO_BAR: f64 = 28.0;
const LINE: f64 = 20.0;

/// How the headings along one direction are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heading {
    Absent,
    /// "depth 3" at each facet.
    Whole,
    /// "3" at each facet, "depth" once.
    Apart,
}

/// The places of a picture.
pub(super) struct Layout {
    /// Tiles of a facet, across and up.
    pub(super) grid: (usize, usize),
    /// Facets, across and down.
    pub(super) facets: (usize, usize),
    /// A tile with its gap.
    pub(super) tile: (f64, f64),
    /// The upper left corner of the first facet.
    pub(super) corner: (f64, f64),
    pub(super) width: f64,
    pub(super) across: Heading,
    pub(super) down: Heading,
    /// The widest of the values across, cut.
    x_label: f64,
    /// Lines of headings above.
    lines: usize,
    /// The name of the axis up has no room beside the plot and stands above.
    pub(super) level_name: bool,
}

/// Pixels that a value takes, whole where that leaves enough of it: no seam shows between tiles without a gap.
fn steps(size: f64) -> f64 {
    if size >= 6.0 { size.floor() } else { ((size * 4.0).floor() / 4.0).max(1.0) }
}

fn widest<'a>(texts: impl IntoIterator<Item = &'a String>, face: Face) -> f64 {
    texts.into_iter().map(|text| face.width(text)).fold(0.0, f64::max)
}

/// As in "depth 3".
pub(super) fn heading(category: &Category, value: &str) -> String {
    format!("{} {value}", category.name).trim().to_owned()
}

impl Layout {
    /// The height of all facets, from which the bar's size follows.
    pub(super) fn plot_height(&self) -> f64 {
        self.facets.1 as f64 * (self.facet().1 + GAP) - GAP
    }

    pub(super) fn plot_width(&self) -> f64 {
        self.facets.0 as f64 * (self.facet().0 + GAP) - GAP
    }

    /// Width and height of a facet.
    pub(super) fn facet(&self) -> (f64, f64) {
        (self.grid.0 as f64 * self.tile.0, self.grid.1 as f64 * self.tile.1)
    }

    /// Where everything but the heights above the plot stands; `bar` is what the bar takes beside a plot of a height.
    pub(super) fn of(data: &Heatmap, bar: impl Fn(f64) -> f64) -> Layout {
        let count = |facets: &Option<Category>| facets.as_ref().map_or(1, |category| category.values.len());
        let height = tile_height(data.y.values.len(), count(&data.down));
        let first = Layout::with(data, height, &bar);
        // Tiles that are much higher than wide would look like columns.
        let limit = (first.tile.0 * 1.1).floor().max(16.0);
        if height > limit { Layout::with(data, limit, &bar) } else { first }
    }

    fn with(data: &Heatmap, height: f64, bar: &impl Fn(f64) -> f64) -> Layout {
        let count = |facets: &Option<Category>| facets.as_ref().map_or(1, |category| category.values.len());
        let (grid, facets) = ((data.x.values.len(), data.y.values.len()), (count(&data.across), count(&data.down)));
        let mut layout = Layout {
            grid,
            facets,
            tile: (1.0, height),
            corner: (0.0, 0.0),
            width: LEAST_WIDTH,
            across: Heading::Absent,
            down: Heading::Absent,
            x_label: widest(&data.x.values, TICK).min(MOST_LABEL),
            lines: 0,
            level_name: false,
        };
        let height = layout.plot_height();
        layout.level_name = formula_width(&data.y.name, AXIS) > height.max(AXIS.size);
        let beside = if layout.level_name { 0.0 } else { AXIS.size + 12.0 };
        layout.corner.0 = (MARGIN + beside + widest(&data.y.values, TICK).min(MOST_LABEL) + 10.0).ceil();
        let mut room = 0.0;
        if let Some(category) = &data.down {
            let whole: Vec<String> = category.values.iter().map(|value| heading(category, value)).collect();
            let fits = widest(&whole, TICK) <= MOST_HEADING;
            layout.down = if fits { Heading::Whole } else { Heading::Apart };
            let name = TICK.bold().width(&category.name);
            let texts = if fits { widest(&whole, TICK) } else { widest(&category.values, TICK).max(name) };
            room = TO_HEADING + texts.min(MOST_HEADING);
        }
        let right = (room + bar(height) + MARGIN).max(MARGIN);
        let free = MOST_WIDTH - layout.corner.0 - right - GAP * (facets.0.max(1) - 1) as f64;
        let columns = (facets.0 * grid.0).max(1) as f64;
        // Level names where the picture stays within its width for them.
        let level = (layout.x_label + 12.0).ceil();
        let level = if level <= 140.0 && level * columns <= free { level } else { 0.0 };
        layout.tile.0 = steps((free / columns).min(96.0)).max(level);
        if let Some(category) = &data.across {
            let fits = |value| TICK.bold().width(&heading(category, value)) <= layout.facet().0;
            layout.across = if category.values.iter().all(|v| fits(v)) { Heading::Whole } else { Heading::Apart };
        }
        layout.lines = match (layout.across, layout.down) {
            (Heading::Apart, _) => 2,
            (Heading::Whole, _) | (_, Heading::Apart) => 1,
            _ => 0,
        } + usize::from(layout.level_name);
        layout.width = (layout.corner.0 + layout.plot_width() + right).max(LEAST_WIDTH).ceil();
        layout
    }

    /// The same below `y`.
    pub(super) fn below(mut self, y: f64) -> Layout {
        self.corner.1 = y.round() + 6.0 + self.lines as f64 * LINE;
        self
    }

    /// The baseline of the `line`-th line of headings above the plot, counted upwards from 0.
    pub(super) fn line(&self, line: usize) -> f64 {
        self.corner.1 - 8.0 - line as f64 * LINE
    }

    /// The baseline of the topmost line.
    pub(super) fn top_line(&self) -> f64 {
        self.line(self.lines.saturating_sub(1))
    }

    pub(super) fn right(&self) -> f64 {
        self.corner.0 + self.plot_width()
    }

    pub(super) fn bottom(&self) -> f64 {
        self.corner.1 + self.plot_height()
    }

    /// The left edge of a column of facets.
    pub(super) fn facet_left(&self, across: usize) -> f64 {
        self.corner.0 + across as f64 * (self.facet().0 + GAP)
    }

    /// The lower edge of a row of facets.
    pub(super) fn facet_bottom(&self, down: usize) -> f64 {
        self.corner.1 + down as f64 * (self.facet().1 + GAP) + self.facet().1
    }

    /// Whether the names of the values across stand upright below their tiles.
    pub(super) fn upright(&self) -> bool {
        self.x_label + 8.0 > self.tile.0
    }

    /// Every how many-th value across and up is written, so that lines of text do not touch.
    pub(super) fn every(&self) -> (usize, usize) {
        let every = |size: f64| ((TICK.size * 1.25 / size).ceil() as usize).max(1);
        (if self.upright() { every(self.tile.0) } else { 1 }, every(self.tile.1))
    }

    /// Height of the names of the values across.
    pub(super) fn x_labels(&self) -> f64 {
        if self.upright() { self.x_label + 12.0 } else { 24.0 }
    }
}

fn tile_height(rows: usize, facets: usize) -> f64 {
    let tiles = (rows * facets).max(1) as f64;
    let wanted = (300.0 * facets as f64).clamp(420.0, 760.0) - GAP * (facets.max(1) - 1) as f64;
    steps((wanted / tiles).max((760.0 / tiles).min(6.0)).min(56.0))
}
