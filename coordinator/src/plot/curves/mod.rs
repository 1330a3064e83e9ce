//! A metric against steps or an axis: the median of each series as a line, its quartiles as a band.

use super::frame::{
    FAINT, INK, MARGIN, MUTED, SERIES, ZERO_ROOM, axis_across, axis_down, axis_down_width, foot, grid_across,
    grid_down, head, message,
};
use super::quartiles::quartiles;
use super::scale::{Scale, Spread};
use super::svg::{Canvas, Face, pixels};
use super::{Axis, Reference};

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
}

const WIDTH: f64 = 1120.0;
/// Pixels down of a plot with few curves.
const HEIGHT: f64 = 480.0;
const LABEL: Face = Face::new(14.0, INK);
const MOST_LABEL: f64 = 260.0;
/// Pixels between two labels at the right.
const LEADING: f64 = 20.0;
/// Beyond as many series as colours, lines are told apart by their dashes.
const DASHES: [&str; 3] = ["none", "8 4", "2 3"];

/// Draws the picture.
pub fn curves(data: &Curves) -> String {
    let empty = Panel {
        title: String::new(),
        y: Axis { name: String::new(), spread: Spread::Linear },
        references: Vec::new(),
        series: Vec::new(),
    };
    let panel = data.panels.first().unwrap_or(&empty);
    let mut canvas = Canvas::default();
    let top = head(&mut canvas, WIDTH, &data.title, &data.subtitle);
    let places = |spread: Spread, value: f64| value.is_finite() && (spread == Spread::Linear || value > 0.0);
    // What has a place in both directions; x = 0 has one on either axis.
    let seen =
        |x: f64, y: Option<f64>| y.filter(|y| places(panel.y.spread, *y) && (places(data.x.spread, x) || x == 0.0));
    let spots = || panel.series.iter().flat_map(|series| &series.points).filter(|s| seen(s.x, s.median).is_some());
    if spots().next().is_none() {
        let bottom = message(&mut canvas, WIDTH, top, "No recorded values: there is nothing to draw yet.");
        let height = foot(&mut canvas, WIDTH, bottom + 8.0, &data.caption);
        return canvas.finish(WIDTH, height, &data.title, "Without data.");
    }
    let lines = panel.references.iter().filter(|line| places(panel.y.spread, line.value));
    let labels: Vec<&str> =
        panel.series.iter().map(|s| s.label.as_str()).chain(lines.clone().map(|line| line.label.as_str())).collect();
    let label_width = labels.iter().map(|label| LABEL.width(label)).fold(0.0, f64::max).min(MOST_LABEL);

    let (top, bottom) = (top + 6.0, top + 6.0 + HEIGHT.max(LEADING * labels.len() as f64));
    let up = spots().flat_map(|s| [s.lower, s.median, s.upper]).flatten();
    let y_scale = Scale::around(panel.y.spread, up.chain(lines.clone().map(|line| line.value)), bottom, top);
    let plot = (axis_down_width(&y_scale, bottom - top), WIDTH - MARGIN - label_width - 34.0);
    let zero = data.x.spread == Spread::Log && spots().any(|s| s.x == 0.0);
    let left = if zero { plot.0 + 10.0 + ZERO_ROOM } else { plot.0 };
    let x_scale = Scale::around(data.x.spread, spots().map(|s| s.x), left, plot.1);
    let x_scale = if zero { x_scale.with_zero_at(plot.0 + 10.0) } else { x_scale };

    grid_across(&mut canvas, &y_scale, bottom - top, plot.0, plot.1);
    grid_down(&mut canvas, &x_scale, plot.1 - left, top, bottom);
    axis_across(&mut canvas, &x_scale, plot, bottom, &data.x.title(), WIDTH);
    axis_down(&mut canvas, &y_scale, top, bottom, plot.0, &panel.y.title());

    for line in lines.clone() {
        let y = y_scale.position(line.value);
        canvas.add(
            "line",
            &[
                ("class", "reference".into()),
                ("x1", plot.0.into()),
                ("y1", y.into()),
                ("x2", plot.1.into()),
                ("y2", y.into()),
                ("stroke", MUTED.into()),
                ("stroke-width", 1.4.into()),
                ("stroke-dasharray", "6 4".into()),
            ],
        );
    }
    let at = |x: f64, y: Option<f64>| seen(x, y).map(|y| (x_scale.position(x), y_scale.position(y)));
    for (index, series) in panel.series.iter().enumerate() {
        band(&mut canvas, series, SERIES[index % SERIES.len()], &at);
    }
    let mut ends = Vec::new();
    for (index, series) in panel.series.iter().enumerate() {
        let style = (SERIES[index % SERIES.len()], DASHES[index / SERIES.len() % DASHES.len()]);
        let end = line(&mut canvas, series, style, &at);
        ends.extend(end.map(|end| Label { text: &series.label, end, style }));
    }
    ends.extend(lines.map(|line| Label {
        text: &line.label,
        end: (plot.1, y_scale.position(line.value)),
        style: (MUTED, "6 4"),
    }));
    write_labels(&mut canvas, ends, plot.1, label_width, (top, bottom));
    let mut caption = data.caption.clone();
    if panel
        .series
        .iter()
        .any(|series| series.points.windows(2).any(|w| w[0].median.is_some() && w[1].median.is_none()))
    {
        caption = format!("× the median falls on a run without a value (diverged) from here on. {caption}");
    }
    let height = foot(&mut canvas, WIDTH, bottom + 66.0, &format!("Lines: medians; bands: quartiles. {caption}"));
    canvas.finish(WIDTH, height, &data.title, &labels.join("; "))
}

type Place<'a> = dyn Fn(f64, Option<f64>) -> Option<(f64, f64)> + 'a;

fn path<'a>(points: impl IntoIterator<Item = &'a (f64, f64)>) -> String {
    let mut text = String::new();
    for (x, y) in points {
        text.push_str(&format!("{}{} {}", if text.is_empty() { "M" } else { "L" }, pixels(*x), pixels(*y)));
    }
    text
}

fn band(canvas: &mut Canvas, series: &Series, colour: &str, at: &Place) {
    let edges: Vec<_> = series.points.iter().map(|s| at(s.x, s.lower).zip(at(s.x, s.upper))).collect();
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
fn line(canvas: &mut Canvas, series: &Series, style: (&str, &str), at: &Place) -> Option<(f64, f64)> {
    let medians: Vec<_> = series.points.iter().map(|s| at(s.x, s.median)).collect();
    for run in medians.split(Option::is_none) {
        let run: Vec<(f64, f64)> = run.iter().flatten().copied().collect();
        if let [(x, y)] = run[..] {
            canvas.add(
                "circle",
                &[
                    ("class", "median".into()),
                    ("cx", x.into()),
                    ("cy", y.into()),
                    ("r", 3.5.into()),
                    ("fill", style.0.into()),
                ],
            );
        } else if !run.is_empty() {
            canvas.add(
                "path",
                &[
                    ("class", "median".into()),
                    ("d", path(&run).as_str().into()),
                    ("fill", "none".into()),
                    ("stroke", style.0.into()),
                    ("stroke-width", 2.2.into()),
                    ("stroke-linejoin", "round".into()),
                    ("stroke-dasharray", style.1.into()),
                ],
            );
        }
    }
    for (pair, spots) in medians.windows(2).zip(series.points.windows(2)) {
        if let (Some((x, y)), None) = (pair[0], spots[1].median) {
            let [l, r, t, b] = [x - 5.0, x + 5.0, y - 5.0, y + 5.0].map(pixels);
            canvas.add(
                "path",
                &[
                    ("class", "cross".into()),
                    ("d", format!("M{l} {t}L{r} {b}M{l} {b}L{r} {t}").as_str().into()),
                    ("fill", "none".into()),
                    ("stroke", style.0.into()),
                    ("stroke-width", 2.2.into()),
                ],
            );
        }
    }
    medians.into_iter().flatten().next_back()
}

/// A name at the end of its line.
struct Label<'a> {
    text: &'a str,
    end: (f64, f64),
    style: (&'a str, &'a str),
}

/// Writes the labels at the right of the plot, in the order of their lines' ends and moved apart; a thin line leads
/// from each end to its label.
fn write_labels(canvas: &mut Canvas, mut labels: Vec<Label>, right: f64, width: f64, (top, bottom): (f64, f64)) {
    labels.sort_by(|a, b| a.end.1.total_cmp(&b.end.1));
    let wanted: Vec<f64> = labels.iter().map(|label| label.end.1).collect();
    for (label, y) in labels.iter().zip(apart(&wanted, LEADING, top, bottom)) {
        let elbow = format!(
            "M{} {}L{} {}L{} {}",
            pixels(label.end.0 + 3.0),
            pixels(label.end.1),
            pixels((right + 4.0).max(label.end.0 + 3.0)),
            pixels(label.end.1),
            pixels(right + 16.0),
            pixels(y)
        );
        canvas.add(
            "path",
            &[
                ("class", "leader".into()),
                ("d", elbow.as_str().into()),
                ("fill", "none".into()),
                ("stroke", FAINT.into()),
                ("stroke-width", 0.8.into()),
            ],
        );
        canvas.add(
            "line",
            &[
                ("class", "key".into()),
                ("x1", (right + 17.0).into()),
                ("y1", y.into()),
                ("x2", (right + 31.0).into()),
                ("y2", y.into()),
                ("stroke", label.style.0.into()),
                ("stroke-width", 2.6.into()),
                ("stroke-dasharray", label.style.1.into()),
            ],
        );
        canvas.cut(right + 36.0, y, label.text, LABEL, width + 0.5);
    }
}

/// `wanted` (ascending) moved to be at least `gap` apart within `low ..= high`, as far as there is room.
fn apart(wanted: &[f64], gap: f64, low: f64, high: f64) -> Vec<f64> {
    let mut out: Vec<f64> = Vec::with_capacity(wanted.len());
    for y in wanted {
        out.push(y.max(out.last().map_or(low + gap / 2.0, |last| last + gap)));
    }
    let mut limit = high - gap / 2.0;
    for y in out.iter_mut().rev() {
        *y = y.min(limit);
        limit = *y - gap;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::inspect::Picture;
    use super::*;

    fn sample() -> Curves {
        let runs = |rate: f64| -> Vec<Vec<(f64, Option<f64>)>> {
            (0..5)
                .map(|seed| {
                    let steps = [0, 1, 3, 10, 30, 100, 300, 1000];
                    let value = |step: f64| (1.0 + 0.1 * f64::from(seed)) / (1.0 + rate * step);
                    steps.iter().map(|&s| (f64::from(s), Some(value(f64::from(s))))).collect()
                })
                .collect()
        };
        Curves {
            title: "Loss".into(),
            subtitle: "sample data".into(),
            caption: "n = 5, seeds 0–4.".into(),
            x: Axis { name: "step".into(), spread: Spread::Log },
            panels: vec![Panel {
                title: String::new(),
                y: Axis { name: "test error".into(), spread: Spread::Log },
                references: vec![Reference { label: "minimum nuclear norm".into(), value: 0.17 }],
                series: ["gd & <none>", "adam", "muon"]
                    .iter()
                    .zip([0.01, 0.1, 0.11])
                    .map(|(l, r)| Series::over(l, &runs(r)))
                    .collect(),
            }],
        }
    }

    #[test]
    fn every_series_is_a_line_with_a_band_and_a_label() {
        let picture = Picture::read(&curves(&sample()));
        picture.check();
        assert_eq!((picture.count("median"), picture.count("quartiles"), picture.count("reference")), (3, 3, 1));
        for text in
            ["gd & <none>", "adam", "muon", "minimum nuclear norm", "step (log)", "test error (log)", "0", "Loss"]
        {
            assert!(picture.texts().iter().any(|t| t == text), "{text}: {:?}", picture.texts());
        }
    }

    #[test]
    fn a_gap_splits_the_line_and_a_divergence_is_marked() {
        let mut data = sample();
        data.panels[0].series[0].points[3].median = None;
        let picture = Picture::read(&curves(&data));
        picture.check();
        assert_eq!((picture.count("median"), picture.count("cross")), (4, 1));
    }

    #[test]
    fn odd_input_is_drawn() {
        let mut empty = sample();
        empty.panels[0].series.clear();
        let picture = Picture::read(&curves(&empty));
        picture.check();
        assert_eq!(picture.count("empty"), 1);
        let spot = |x, y| Spot { x, lower: None, median: Some(y), upper: Some(f64::INFINITY) };
        for (x, y) in [(0.0, 0.177), (3.0, 1e-200), (f64::NAN, 1.0), (5.0, -1.0)] {
            for spread in [Spread::Linear, Spread::Log] {
                let mut data = sample();
                (data.x.spread, data.panels[0].y.spread) = (spread, spread);
                data.panels[0].series =
                    vec![Series { label: "one · ".repeat(40), points: vec![spot(x, y)], marks: false }];
                Picture::read(&curves(&data)).check();
            }
        }
        let mut many = sample();
        let series = many.panels[0].series.clone();
        many.panels[0].series =
            (0..40).map(|i| Series { label: format!("series {i}"), ..series[i % 3].clone() }).collect();
        Picture::read(&curves(&many)).check();
    }

    #[test]
    fn quartiles_count_every_run_at_its_steps() {
        let runs =
            [vec![(1.0, Some(1.0)), (2.0, Some(4.0))], vec![(1.0, Some(3.0)), (2.0, None)], vec![(1.0, Some(2.0))]];
        let series = Series::over("s", &runs);
        assert_eq!(series.points[0], Spot { x: 1.0, lower: Some(1.5), median: Some(2.0), upper: Some(2.5) });
        assert_eq!(series.points[1], Spot { x: 2.0, lower: None, median: None, upper: None });
    }

    #[test]
    fn labels_move_apart_within_the_plot() {
        assert_eq!(apart(&[10.0, 12.0, 90.0], 20.0, 0.0, 100.0), [10.0, 30.0, 90.0]);
        assert_eq!(apart(&[88.0, 89.0, 99.0], 20.0, 0.0, 100.0), [50.0, 70.0, 90.0]);
    }
}
