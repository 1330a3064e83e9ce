//! One plot: grid, bands, lines and dashed references within its frame.

use super::super::frame::{INK, MUTED, SERIES, grid_across, grid_down};
use super::super::scale::{Scale, Spread};
use super::super::svg::{Canvas, Face, pixels};
use super::super::thin::{Point, thin};
use super::{Curves, Panel, Series, places};

pub(super) const LABEL: Face = Face::new(14.0, INK);
/// Beyond as many series as colours, lines are told apart by their dashes.
const DASHES: [&str; 3] = ["none", "8 4", "2 3"];
/// Pixels of a line, of one with many points, of a reference.
const BROAD: f64 = 2.2;
const FINE: f64 = 1.1;
const REFERENCE: f64 = 1.4;
const REFERENCE_DASHES: [&str; 3] = ["6 4", "2 3", "10 3 2 3"];

/// Where a plot stands, pixels.
pub(super) struct Frame<'a> {
    pub(super) left: f64,
    /// Where the positive part of the axis across begins.
    pub(super) from: f64,
    pub(super) right: f64,
    pub(super) top: f64,
    pub(super) bottom: f64,
    pub(super) spread: Spread,
    pub(super) x: &'a Scale,
    pub(super) y: &'a Scale,
}

/// How a line is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Style {
    pub(super) colour: &'static str,
    pub(super) dashes: &'static str,
    pub(super) width: f64,
    marks: bool,
}

impl Style {
    /// A piece of the line as a legend shows it, from (`x`, `y`), 28 pixels long.
    pub(super) fn sample(&self, canvas: &mut Canvas, x: f64, y: f64) {
        key(canvas, self, (x, x + 28.0), y);
        if self.marks {
            dot(canvas, "key", (x + 14.0, y), self.colour);
        }
    }
}

/// A short piece of a line, to tell it by.
pub(super) fn key(canvas: &mut Canvas, style: &Style, (from, to): (f64, f64), y: f64) {
    canvas.add(
        "line",
        &[
            ("class", "key".into()),
            ("x1", from.into()),
            ("y1", y.into()),
            ("x2", to.into()),
            ("y2", y.into()),
            ("stroke", style.colour.into()),
            ("stroke-width", (style.width + 0.4).into()),
            ("stroke-dasharray", style.dashes.into()),
        ],
    );
}

/// How the lines of all panels are drawn, by their labels.
pub(super) struct Look<'a> {
    series: Vec<(&'a str, Style)>,
    references: Vec<(&'a str, Style)>,
}

impl<'a> Look<'a> {
    pub(super) fn of(data: &'a Curves) -> Look<'a> {
        let mut look = Look { series: Vec::new(), references: Vec::new() };
        for panel in &data.panels {
            for series in &panel.series {
                let index = look.series.len();
                let dashes = DASHES[index / SERIES.len() % DASHES.len()];
                let style = Style { colour: SERIES[index % SERIES.len()], dashes, width: BROAD, marks: series.marks };
                insert(&mut look.series, &series.label, style);
            }
            for line in panel.references() {
                let dashes = REFERENCE_DASHES[look.references.len() % REFERENCE_DASHES.len()];
                insert(
                    &mut look.references,
                    &line.label,
                    Style { colour: MUTED, dashes, width: REFERENCE, marks: false },
                );
            }
        }
        look
    }

    pub(super) fn series(&self, label: &str) -> Style {
        find(&self.series, label)
    }

    pub(super) fn reference(&self, label: &str) -> Style {
        find(&self.references, label)
    }

    /// The labels, references last.
    pub(super) fn names(&self) -> impl Iterator<Item = &'a str> {
        self.series.iter().chain(&self.references).map(|(label, _)| *label)
    }

    /// The styles in the order of the labels.
    pub(super) fn all(&self) -> impl Iterator<Item = Style> {
        self.series.iter().chain(&self.references).map(|(_, style)| *style)
    }
}

fn insert<'a>(list: &mut Vec<(&'a str, Style)>, label: &'a str, style: Style) {
    if !list.iter().any(|(known, _)| *known == label) {
        list.push((label, style));
    }
}

fn find(list: &[(&str, Style)], label: &str) -> Style {
    let unknown = Style { colour: MUTED, dashes: "none", width: REFERENCE, marks: false };
    list.iter().find(|(known, _)| *known == label).map_or(unknown, |(_, style)| *style)
}

/// Draws everything within the frame; returns where each series ends.
pub(super) fn draw(canvas: &mut Canvas, panel: &Panel, look: &Look, frame: &Frame) -> Vec<Option<(f64, f64)>> {
    grid_across(canvas, frame.y, frame.bottom - frame.top, frame.left, frame.right);
    grid_down(canvas, frame.x, frame.right - frame.from, frame.top, frame.bottom);
    for line in panel.references() {
        let (y, style) = (frame.y.position(line.value), look.reference(&line.label));
        canvas.add(
            "line",
            &[
                ("class", "reference".into()),
                ("x1", frame.left.into()),
                ("y1", y.into()),
                ("x2", frame.right.into()),
                ("y2", y.into()),
                ("stroke", style.colour.into()),
                ("stroke-width", style.width.into()),
                ("stroke-dasharray", style.dashes.into()),
            ],
        );
    }
    let style = |series: &Series| {
        let style = look.series(&series.label);
        // A line of more points than columns is a cloud that a broad pen would fill.
        let dense = series.points.len() as f64 > frame.right - frame.left;
        Style { width: if dense { FINE } else { style.width }, ..style }
    };
    let lines: Vec<(Vec<Point>, Style, &Series)> =
        panel.series.iter().map(|s| (placed(panel, s, frame), style(s), s)).collect();
    for (points, style, _) in &lines {
        band(canvas, points, style.colour);
    }
    lines.iter().map(|(points, style, series)| line(canvas, points, style, series.marks)).collect()
}

/// The points of a series in pixels, no more of them than show.
fn placed(panel: &Panel, series: &Series, frame: &Frame) -> Vec<Point> {
    let height = |value: Option<f64>| value.filter(|y| places(panel.y.spread, *y)).map(|y| frame.y.position(y));
    let points = series.points.iter().filter(|spot| places(frame.spread, spot.x) || spot.x == 0.0).map(|spot| Point {
        x: frame.x.position(spot.x),
        lower: height(spot.lower),
        median: height(spot.median),
        upper: height(spot.upper),
        diverged: spot.median.is_none(),
    });
    thin(points.collect(), (frame.right - frame.left).ceil() as usize)
}

fn path<'a>(points: impl IntoIterator<Item = &'a (f64, f64)>) -> String {
    let mut text = String::new();
    for (x, y) in points {
        text.push_str(&format!("{}{} {}", if text.is_empty() { "M" } else { "L" }, pixels(*x), pixels(*y)));
    }
    text
}

fn band(canvas: &mut Canvas, points: &[Point], colour: &str) {
    let edges: Vec<_> = points.iter().map(|p| p.lower.zip(p.upper).map(|(l, u)| ((p.x, l), (p.x, u)))).collect();
    for run in edges.split(Option::is_none) {
        let (low, high): (Vec<_>, Vec<_>) = run.iter().flatten().copied().unzip();
        if low.len() > 1 {
            canvas.add(
                "path",
                &[
                    ("class", "quartiles".into()),
                    ("d", format!("{}Z", path(low.iter().chain(high.iter().rev()))).as_str().into()),
                    ("fill", colour.into()),
                    ("fill-opacity", 0.16.into()),
                ],
            );
        }
    }
}

/// Draws the median; returns its last point.
fn line(canvas: &mut Canvas, points: &[Point], style: &Style, marks: bool) -> Option<(f64, f64)> {
    let medians: Vec<Option<(f64, f64)>> = points.iter().map(|p| p.median.map(|y| (p.x, y))).collect();
    for run in medians.split(Option::is_none) {
        let run: Vec<(f64, f64)> = run.iter().flatten().copied().collect();
        if run.len() == 1 && !marks {
            dot(canvas, "median", run[0], style.colour);
        } else if run.len() > 1 {
            canvas.add(
                "path",
                &[
                    ("class", "median".into()),
                    ("d", path(&run).as_str().into()),
                    ("fill", "none".into()),
                    ("stroke", style.colour.into()),
                    ("stroke-width", style.width.into()),
                    ("stroke-linejoin", "round".into()),
                    ("stroke-dasharray", style.dashes.into()),
                ],
            );
        }
    }
    for place in medians.iter().flatten().filter(|_| marks) {
        dot(canvas, "mark", *place, style.colour);
    }
    for (place, next) in medians.iter().zip(points.iter().skip(1)) {
        if let (Some((x, y)), true) = (place, next.diverged) {
            let [l, r, t, b] = [x - 5.0, x + 5.0, y - 5.0, y + 5.0].map(pixels);
            canvas.stroke("cross", &format!("M{l} {t}L{r} {b}M{l} {b}L{r} {t}"), style.colour, 2.2);
        }
    }
    medians.into_iter().flatten().next_back()
}

fn dot(canvas: &mut Canvas, class: &str, (x, y): (f64, f64), colour: &str) {
    let shape =
        [("class", class.into()), ("cx", x.into()), ("cy", y.into()), ("r", 3.6.into()), ("fill", colour.into())];
    canvas.add("circle", &shape);
}
