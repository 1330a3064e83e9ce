//! A metric against steps or an axis: the median of each series as a line, its quartiles as a band.
//!
//! One panel has the names of its lines at their ends; several stand in a grid over one axis of steps, with one legend
//! below. A label has one colour in all of them. `panel` draws one plot, `labels` the names at the right of a single one.

mod labels;
mod panel;
#[cfg(test)]
mod tests;

use super::frame::{
    AXIS, MARGIN, TICK, axis_across, axis_down, axis_down_width, foot, head, legend, message, name_across, name_up,
    numbers_across, numbers_down, numbers_down_width,
};
use super::quartiles::quartiles;
use super::scale::{Scale, Spread};
use super::svg::{Canvas, formula_fit};
use super::{Axis, Reference};
use labels::{LEADING, Label, write_labels};
use panel::{Frame, LABEL, Look, draw};

/// A picture of curves.
#[derive(Debug, Clone, PartialEq)]
pub struct Curves {
    /// What the picture shows.
    pub title: String,
    /// Problem and budget.
    pub subtitle: String,
    /// Sentences below, with the number of runs and their seeds.
    pub caption: String,
    /// Across. A log axis has a place of its own for 0, as of step 0.
    pub x: Axis,
    /// One plot, or several in a grid.
    pub panels: Vec<Panel>,
}

/// One plot.
#[derive(Debug, Clone, PartialEq)]
pub struct Panel {
    /// Above it; may be empty.
    pub title: String,
    /// Up. Panels whose axes are equal share one scale.
    pub y: Axis,
    /// Horizontal dashed lines.
    pub references: Vec<Reference>,
    /// The curves; those of one label have one colour in all panels.
    pub series: Vec<Series>,
}

/// One curve.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Written at its end.
    pub label: String,
    /// By ascending x.
    pub points: Vec<Spot>,
    /// Drawn as marks with lines between (an axis of few values) or as a line alone (steps).
    pub marks: bool,
}

/// A point of a curve. Where the median is `None` the line has a gap, where a quartile is, the band.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spot {
    /// Across.
    pub x: f64,
    /// Lower quartile.
    pub lower: Option<f64>,
    /// Median.
    pub median: Option<f64>,
    /// Upper quartile.
    pub upper: Option<f64>,
}

impl Series {
    /// The quartiles over `runs` at every x that occurs, each run a list of (x, value). A run counts at the x that it
    /// lists: list a diverged run with `None` from where it diverged, so that it counts as the worst. A line alone.
    pub fn over(label: &str, runs: &[Vec<(f64, Option<f64>)>]) -> Series {
        let mut all: Vec<(f64, Option<f64>)> = runs.iter().flatten().copied().filter(|(x, _)| x.is_finite()).collect();
        all.sort_by(|a, b| a.0.total_cmp(&b.0));
        let points = all
            .chunk_by(|a, b| a.0 == b.0)
            .map(|same| {
                let q = quartiles(same.iter().map(|(_, value)| *value));
                Spot { x: same[0].0, lower: q.lower, median: q.median, upper: q.upper }
            })
            .collect();
        Series { label: label.to_owned(), points, marks: false }
    }

    /// One run as a line through `points` in their order, wherever x goes.
    pub fn path(label: &str, points: impl Iterator<Item = (f64, Option<f64>)>) -> Series {
        let spot = |(x, y)| Spot { x, lower: y, median: y, upper: y };
        Series {
            label: label.to_owned(),
            points: points.filter(|(x, _)| x.is_finite()).map(spot).collect(),
            marks: false,
        }
    }
}

const WIDTH: f64 = 1120.0;
/// Pixels down of a single plot with few curves.
const HEIGHT: f64 = 480.0;
const MOST_LABEL: f64 = 260.0;
/// Pixels down of one of several plots, by how many stand side by side.
const HEIGHTS: [f64; 3] = [300.0, 300.0, 230.0];
/// Between plots side by side, and below a plot without numbers; a title above a plot.
const GAP: f64 = 26.0;
const TITLE: f64 = 24.0;
/// Numbers below a plot.
const NUMBERS: f64 = 24.0;

/// Whether a value has a place on an axis.
fn places(spread: Spread, value: f64) -> bool {
    value.is_finite() && (spread == Spread::Linear || value > 0.0)
}

impl Panel {
    fn references(&self) -> impl Iterator<Item = &Reference> + Clone {
        self.references.iter().filter(|line| places(self.y.spread, line.value))
    }

    /// What has a place in both directions; x = 0 has one on either axis.
    fn spots(&self, x: Spread) -> impl Iterator<Item = &Spot> {
        let seen = move |spot: &&Spot| {
            spot.median.is_some_and(|y| places(self.y.spread, y)) && (places(x, spot.x) || spot.x == 0.0)
        };
        self.series.iter().flat_map(|series| &series.points).filter(seen)
    }

    /// What the axis up must hold.
    fn heights(&self, x: Spread) -> impl Iterator<Item = f64> {
        let spots = self.spots(x).flat_map(|spot| [spot.lower, spot.median, spot.upper]).flatten();
        spots.chain(self.references().map(|line| line.value))
    }
}

/// Draws the picture.
pub fn curves(data: &Curves) -> String {
    let mut canvas = Canvas::default();
    let top = head(&mut canvas, WIDTH, &data.title, &data.subtitle);
    if data.panels.iter().all(|panel| panel.spots(data.x.spread).next().is_none()) {
        let bottom = message(&mut canvas, WIDTH, top, "No recorded values: there is nothing to draw yet.");
        let height = foot(&mut canvas, WIDTH, bottom + 8.0, &data.caption);
        return canvas.finish(WIDTH, height, &data.title, "Without data.");
    }
    let look = Look::of(data);
    let below = match &data.panels[..] {
        [panel] => alone(&mut canvas, data, panel, &look, top),
        _ => side_by_side(&mut canvas, data, &look, top),
    };
    let series = || data.panels.iter().flat_map(|panel| &panel.series);
    let mut caption = data.caption.clone();
    if series().any(|series| series.points.windows(2).any(|w| w[0].median.is_some() && w[1].median.is_none())) {
        caption = format!("× the median falls on a run without a value (diverged) from here on. {caption}");
    }
    let wide = |spot: &Spot| spot.lower.is_some_and(|lower| spot.upper.is_some_and(|upper| lower < upper));
    if series().any(|series| series.points.iter().any(wide)) {
        caption = format!("Lines: medians; bands: quartiles. {caption}");
    }
    let height = foot(&mut canvas, WIDTH, below, &caption);
    canvas.finish(WIDTH, height, &data.title, &look.names().collect::<Vec<_>>().join("; "))
}

/// The axis across of all panels.
struct Across {
    spread: Spread,
    /// Least and greatest.
    domain: [f64; 2],
    zero: bool,
}

impl Across {
    fn of(data: &Curves) -> Across {
        let xs = || data.panels.iter().flat_map(|panel| panel.spots(data.x.spread)).map(|spot| spot.x);
        let placed = || xs().filter(|x| places(data.x.spread, *x));
        let domain = [placed().fold(f64::INFINITY, f64::min), placed().fold(f64::NEG_INFINITY, f64::max)];
        Across { spread: data.x.spread, domain, zero: data.x.spread == Spread::Log && xs().any(|x| x == 0.0) }
    }

    /// The scale of a plot from `left` to `right`, and where its positive part begins.
    fn scale(&self, left: f64, right: f64) -> (Scale, f64) {
        let zero = left + 10.0;
        let from = if self.zero { zero + super::frame::ZERO_ROOM } else { left };
        let scale = Scale::around(self.spread, self.domain, from, right);
        (if self.zero { scale.with_zero_at(zero) } else { scale }, from)
    }
}

/// One panel: the names of its lines at their ends. Returns the y below.
fn alone(canvas: &mut Canvas, data: &Curves, panel: &Panel, look: &Look, top: f64) -> f64 {
    let top = if panel.title.trim().is_empty() {
        top + 6.0
    } else {
        canvas.cut(MARGIN, top + 10.0, &panel.title, AXIS.bold(), WIDTH - 2.0 * MARGIN);
        top + 6.0 + TITLE
    };
    let names = panel.series.iter().map(|s| s.label.as_str()).chain(panel.references().map(|r| r.label.as_str()));
    let widest = names.clone().map(|label| LABEL.width(label)).fold(0.0, f64::max).min(MOST_LABEL);
    let bottom = top + HEIGHT.max(LEADING * names.count() as f64);
    let y = Scale::around(panel.y.spread, panel.heights(data.x.spread), bottom, top);
    let (left, right) = (axis_down_width(&y, bottom - top), WIDTH - MARGIN - widest - 34.0);
    let (x, from) = Across::of(data).scale(left, right);
    let frame = Frame { left, from, right, top, bottom, spread: data.x.spread, x: &x, y: &y };
    let ends = draw(canvas, panel, look, &frame);
    let x_name = formula_fit(&data.x.title(), AXIS, WIDTH - 2.0 * MARGIN);
    axis_across(canvas, &x, (left, right), bottom, &x_name, WIDTH);
    axis_down(canvas, &y, top, bottom, left, &panel.y.title_within(AXIS, bottom - top));
    let series = panel.series.iter().zip(ends).filter_map(|(series, end)| Some((series.label.as_str(), end?)));
    let references = panel.references().map(|line| (line.label.as_str(), (right, y.position(line.value))));
    let labels = series
        .map(|(text, end)| Label { text, end, style: look.series(text) })
        .chain(references.map(|(text, end)| Label { text, end, style: look.reference(text) }));
    write_labels(canvas, labels.collect(), right, widest, (top, bottom));
    bottom + 66.0
}

/// Several panels in a grid with a legend below. Returns the y below.
fn side_by_side(canvas: &mut Canvas, data: &Curves, look: &Look, top: f64) -> f64 {
    let panels = &data.panels;
    let columns = if matches!(panels.len(), 2 | 4) { 2 } else { 3 };
    let (rows, height) = (panels.len().div_ceil(columns), HEIGHTS[columns - 1]);
    let spread = data.x.spread;
    // Panels of one axis share a scale: that of all their values.
    let scale = |panel: &Panel, bottom: f64, top: f64| {
        let equal = panels.iter().filter(|other| other.y == panel.y);
        Scale::around(panel.y.spread, equal.flat_map(|other| other.heights(spread)), bottom, top)
    };
    // One axis for all: its name stands once. Else each plot has its own but where its left neighbour shows the same.
    let one_axis = panels.iter().all(|panel| panel.y == panels[0].y);
    let shown = |index: usize| index.is_multiple_of(columns) || panels[index].y != panels[index - 1].y;
    let name = if one_axis { 0.0 } else { AXIS.size + 12.0 };
    let room = |index: usize| {
        let numbers = numbers_down_width(&scale(&panels[index], height, 0.0), height);
        if shown(index) { numbers + name } else { 0.0 }
    };
    let rooms: Vec<f64> =
        (0..columns).map(|column| (column..panels.len()).step_by(columns).map(room).fold(0.0, f64::max)).collect();
    let start = MARGIN + if one_axis { AXIS.size + 16.0 } else { 0.0 };
    let free = WIDTH - start - MARGIN / 2.0 - rooms.iter().sum::<f64>() - GAP * (columns - 1) as f64;
    let width = (free / columns as f64).floor();
    let titled = panels.iter().any(|panel| !panel.title.trim().is_empty());
    let title = if titled { TITLE } else { 0.0 };
    // The lowest plot of a column has the numbers.
    let lowest = |index: usize| index + columns >= panels.len();
    let pitch = title + height + if panels.len().is_multiple_of(columns) { GAP } else { NUMBERS + GAP / 2.0 };

    let across = Across::of(data);
    let grid_top = top + 6.0;
    for (index, panel) in panels.iter().enumerate() {
        let (column, row) = (index % columns, index / columns);
        let left = start + rooms[..=column].iter().sum::<f64>() + column as f64 * (width + GAP);
        let top = grid_top + row as f64 * pitch + title;
        let (right, bottom) = (left + width, top + height);
        let (x, from) = across.scale(left, right);
        let y = scale(panel, bottom, top);
        if titled {
            canvas.cut(left, top - 12.0, &panel.title, AXIS.bold(), width);
        }
        draw(canvas, panel, look, &Frame { left, from, right, top, bottom, spread: data.x.spread, x: &x, y: &y });
        numbers_across(canvas, &x, (left, right), bottom, lowest(index));
        if shown(index) {
            numbers_down(canvas, &y, top, bottom, left);
        }
        if shown(index) && !one_axis {
            let middle = left - rooms[column] + AXIS.size * 0.6;
            canvas.upright(middle, (top + bottom) / 2.0, &panel.y.title_within(AXIS, height + title), AXIS);
        }
        if panel.spots(spread).next().is_none() {
            canvas.centred((left + right) / 2.0, (top + bottom) / 2.0, "no values", TICK.middle());
        }
    }
    let bottom = grid_top + (rows - 1) as f64 * pitch + title + height;
    if one_axis {
        name_up(canvas, &panels[0].y.title_within(AXIS, bottom - grid_top - title), (grid_top + title + bottom) / 2.0);
    }
    let left = start + rooms[0];
    let x_name = formula_fit(&data.x.title(), AXIS, WIDTH - 2.0 * MARGIN);
    name_across(canvas, (left, WIDTH - MARGIN / 2.0), bottom + 46.0, &x_name, WIDTH);
    let names: Vec<String> = look.names().map(|name| LABEL.fit(name, MOST_LABEL)).collect();
    let entries: Vec<_> = look.all().zip(names.iter().map(String::as_str)).collect();
    legend(canvas, MARGIN, bottom + 78.0, WIDTH - MARGIN, &entries, |canvas, style, x, y| {
        style.sample(canvas, x, y);
        28.0
    }) + 4.0
}
