//! The answer of a sweep in one picture: the error of every replicate, one row per method.
//!
//! Each replicate is one mark. A diverged run has no error and stands in the column "failed" at the right edge; an
//! inflated run stands at its error, hatched, and in that column where the error is beyond the axis. Median and
//! quartiles follow [`super::quartiles()`], so that they agree with the SQL view `medians`.

use super::Reference;
use super::frame::{
    ALERT, BAND, CAPTION, FAINT, GRID, INK, MARGIN, MUTED, SERIES, axis_across, foot, grid_down, head, keep_inside,
    legend, message,
};
use super::quartiles::quartiles;
use super::scale::{Scale, Spread, number};
use super::svg::{Anchor, Canvas, Face, Span, pixels};
use super::text::{CAP_HEIGHT, Weight, wrap};

/// The name of the axis: the error over unobserved entries, relative to the truth.
pub const TEST_ERROR: &str = "relative test error  ‖(W − W*)_{unobserved}‖_{F} / ‖W*_{unobserved}‖_{F}";

/// A picture of methods side by side.
#[derive(Debug, Clone, PartialEq)]
pub struct Methods {
    /// What the picture answers.
    pub title: String,
    /// Problem and budget.
    pub subtitle: String,
    /// Sentences put after the generated ones (number of replicates, rules of the picture).
    pub caption: String,
    /// Which replicates, as in "seeds 100–107"; may be empty.
    pub seeds: String,
    /// Name and unit of the axis, `_{…}` a subscript: usually [`TEST_ERROR`].
    pub metric: String,
    /// The dashed line, as of the median of minimum nuclear norm.
    pub baseline: Option<Reference>,
    /// The methods; neighbours of one group share a band.
    pub rows: Vec<Row>,
}

/// One method.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The heading of its band, as in "depth 1"; may be empty.
    pub group: String,
    /// As in "Adam · ratio".
    pub label: String,
    /// Rows of one key have one colour, as the penalty's name.
    pub key: String,
    /// The chosen hyperparameters.
    pub chosen: Vec<Chosen>,
    /// Its runs.
    pub replicates: Vec<Replicate>,
}

/// A chosen hyperparameter.
#[derive(Debug, Clone, PartialEq)]
pub struct Chosen {
    /// As in "lr".
    pub name: String,
    /// As in "0.1".
    pub value: String,
    /// The end of its grid where it stands at one.
    pub edge: Option<Edge>,
}

/// An end of a grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edge {
    /// The least value tried.
    Least,
    /// The greatest value tried.
    Greatest,
}

/// One run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Replicate {
    /// Its error; `None` if it diverged.
    pub value: Option<f64>,
    /// The norm of its end-to-end matrix has grown beyond the data's.
    pub inflated: bool,
}

/// Pixels across.
const WIDTH: f64 = 1280.0;
const LABEL: Face = Face::new(15.0, INK);
const HEADING: Face = Face::new(13.0, MUTED).bold();
const COLUMN: Face = Face::new(13.5, INK);
const COLUMN_HEAD: Face = Face::new(12.5, MUTED);
/// Most pixels of a column.
const MOST_LABEL: f64 = 280.0;
const MOST_CHOSEN: f64 = 230.0;
const HEADING_HEIGHT: f64 = 30.0;
/// Runs that grew beyond this many times the largest other error are drawn at the edge: they would squeeze the rest.
const CEILING: f64 = 1e3;

/// How a run is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Fine,
    Inflated,
    Diverged,
    /// Zero has no place on a log axis: a triangle at its left end.
    Zero,
}

impl Replicate {
    /// The error where there is one. A negative number is no error.
    fn error(&self) -> Option<f64> {
        self.value.filter(|v| v.is_finite() && *v >= 0.0)
    }
    fn failed(&self) -> bool {
        self.inflated || self.error().is_none()
    }
    fn mark(&self) -> Mark {
        match self.error() {
            None => Mark::Diverged,
            Some(_) if self.inflated => Mark::Inflated,
            Some(0.0) => Mark::Zero,
            Some(_) => Mark::Fine,
        }
    }
}

/// Where the columns stand, pixels.
struct Layout {
    plot: (f64, f64),
    failed: Option<(f64, f64)>,
    median: f64,
    chosen: f64,
    n: f64,
    pitch: f64,
    radius: f64,
    label_width: f64,
    chosen_width: f64,
}

/// Draws the picture.
pub fn methods(data: &Methods) -> String {
    let mut canvas = Canvas::default();
    let top = head(&mut canvas, WIDTH, &data.title, &data.subtitle);
    if data.rows.is_empty() {
        let bottom = message(&mut canvas, WIDTH, top, "No finished runs: there is nothing to compare yet.");
        let height = foot(&mut canvas, WIDTH, bottom + 8.0, &data.caption);
        return canvas.finish(WIDTH, height, &data.title, "Without data.");
    }
    let layout = Layout::of(data);
    let scale = axis(data, layout.plot);
    let bands = bands(data, layout.pitch);
    let rows_top = top + 34.0;
    let rows_bottom = rows_top + bands.iter().map(|band| band.height).sum::<f64>();

    let mut y = rows_top;
    for (index, band) in bands.iter().enumerate() {
        if index % 2 == 0 {
            canvas.rect("band", MARGIN, y, (WIDTH - 2.0 * MARGIN, band.height), 6.0, BAND);
        }
        y += band.height;
    }
    grid_down(&mut canvas, &scale, layout.plot.1 - layout.plot.0, rows_top, rows_bottom);
    baseline(&mut canvas, data, &scale, layout.plot, rows_top, rows_bottom);
    column_heads(&mut canvas, &layout, rows_top - 14.0, rows_top, rows_bottom);

    let mut y = rows_top;
    for band in &bands {
        let mut row_y = y + band.padding;
        if !band.name.is_empty() {
            canvas.cut(MARGIN + 14.0, y + 18.0, band.name, HEADING, layout.plot.0 - MARGIN - 34.0);
            row_y = y + HEADING_HEIGHT;
        }
        for row in band.rows {
            draw_row(&mut canvas, row, colour(data, &row.key), &layout, &scale, row_y + layout.pitch / 2.0);
            row_y += layout.pitch;
        }
        y += band.height;
    }

    let name = format!("{}  (log scale, lower is better)", data.metric);
    let below = axis_across(&mut canvas, &scale, layout.plot, rows_bottom + 4.0, &name, WIDTH);
    let below = signs(&mut canvas, data, below + 18.0);
    let height = foot(&mut canvas, WIDTH, below, &caption(data));
    canvas.finish(WIDTH, height, &data.title, &description(data))
}

/// Rows of one group.
struct Band<'a> {
    name: &'a str,
    rows: &'a [Row],
    height: f64,
    padding: f64,
}

fn bands(data: &Methods, pitch: f64) -> Vec<Band<'_>> {
    data.rows
        .chunk_by(|a, b| a.group == b.group)
        .map(|rows| {
            let name = rows[0].group.trim();
            let padding = 8.0;
            let above = if name.is_empty() { padding } else { HEADING_HEIGHT };
            Band { name, rows, padding, height: above + rows.len() as f64 * pitch + padding }
        })
        .collect()
}

impl Layout {
    fn of(data: &Methods) -> Layout {
        let widest = |texts: &mut dyn Iterator<Item = f64>| texts.fold(0.0, f64::max);
        let label = widest(&mut data.rows.iter().map(|row| LABEL.width(&row.label)));
        let two_lines = label > MOST_LABEL;
        let label_width = label.clamp(60.0, MOST_LABEL);
        let chosen = widest(&mut data.rows.iter().map(|row| COLUMN.width(&chosen_text(&row.chosen))));
        let chosen_width = chosen.max(COLUMN_HEAD.width("chosen")).min(MOST_CHOSEN);
        let median_width = widest(&mut data.rows.iter().map(|row| COLUMN.bold().width(&median_text(row))));
        let median_width = median_width.max(COLUMN_HEAD.width("median"));

        let n = WIDTH - MARGIN - 16.0;
        let n_width =
            widest(&mut data.rows.iter().map(|row| COLUMN.width(&row.replicates.len().to_string()))).max(10.0);
        let chosen_left = n - n_width - 26.0 - chosen_width;
        let median = chosen_left - if chosen > 0.0 { 26.0 } else { 0.0 };
        let mut right = median - median_width - 26.0;
        let failed = data.rows.iter().any(|row| row.replicates.iter().any(Replicate::failed)).then(|| {
            right -= 104.0;
            (right + 14.0, right + 104.0)
        });
        let least = if two_lines { 38.0 } else { 28.0 };
        let pitch = (600.0 / data.rows.len() as f64).clamp(least, 46.0);
        Layout {
            plot: (MARGIN + 14.0 + label_width + 24.0, right),
            failed,
            median,
            chosen: chosen_left,
            n,
            pitch,
            radius: (pitch / 8.5).clamp(3.6, 5.0),
            label_width,
            chosen_width,
        }
    }
}

/// The axis holds every error but those inflated ones that would squeeze the rest.
fn axis(data: &Methods, plot: (f64, f64)) -> Scale {
    let runs = || data.rows.iter().flat_map(|row| &row.replicates);
    let errors = |inflated: bool| {
        runs().filter(move |run| run.inflated == inflated).filter_map(Replicate::error).filter(|value| *value > 0.0)
    };
    let baseline = data.baseline.iter().map(|line| line.value).filter(|value| value.is_finite() && *value > 0.0);
    let anchors: Vec<f64> = errors(false).chain(baseline).collect();
    let largest = anchors.iter().copied().fold(0.0, f64::max);
    let largest = if largest > 0.0 { largest } else { errors(true).fold(f64::INFINITY, f64::min) };
    let shown = anchors.into_iter().chain(errors(true).filter(|value| *value <= CEILING * largest));
    // Marks at the ends stay inside the plot.
    Scale::around(Spread::Log, shown, plot.0, plot.1)
}

fn colour(data: &Methods, key: &str) -> &'static str {
    let mut keys: Vec<&str> = Vec::new();
    for row in &data.rows {
        if !keys.contains(&row.key.as_str()) {
            keys.push(&row.key);
        }
    }
    SERIES[keys.iter().position(|k| *k == key).unwrap_or(0) % SERIES.len()]
}

fn baseline(canvas: &mut Canvas, data: &Methods, scale: &Scale, plot: (f64, f64), top: f64, bottom: f64) {
    let Some(line) = data.baseline.as_ref().filter(|line| scale.holds(line.value)) else { return };
    let x = scale.position(line.value);
    canvas.add(
        "line",
        &[
            ("class", "baseline".into()),
            ("x1", x.into()),
            ("y1", (top - 4.0).into()),
            ("x2", x.into()),
            ("y2", bottom.into()),
            ("stroke", INK.into()),
            ("stroke-width", 1.4.into()),
            ("stroke-dasharray", "6 4".into()),
        ],
    );
    let face = Face { colour: INK, ..COLUMN_HEAD }.middle();
    let value = number(line.value, 3);
    let label = face.fit(&line.label, plot.1 - plot.0 - face.width(&value) - 10.0);
    let text = format!("{label} {value}");
    canvas.centred(keep_inside(x, face.width(&text), plot.0, plot.1), top - 14.0, &text, face);
}

fn column_heads(canvas: &mut Canvas, layout: &Layout, y: f64, top: f64, bottom: f64) {
    if let Some((left, right)) = layout.failed {
        canvas.line("gutter", (left, top), (left, bottom), FAINT, 1.0);
        canvas.centred((left + right) / 2.0, y, "failed", COLUMN_HEAD.middle());
    }
    canvas.centred(layout.median, y, "median", COLUMN_HEAD.end());
    if layout.chosen_width > 0.0 {
        canvas.centred(layout.chosen, y, "chosen", COLUMN_HEAD);
    }
    canvas.centred(layout.n, y, "n", COLUMN_HEAD.end());
}

fn draw_row(canvas: &mut Canvas, row: &Row, colour: &str, layout: &Layout, scale: &Scale, y: f64) {
    canvas.line("guide", (layout.plot.0, y), (layout.plot.1, y), GRID, 1.0);
    label(canvas, row, layout, y);
    canvas.centred(layout.n, y, &row.replicates.len().to_string(), COLUMN.end());
    chosen(canvas, row, layout, y);
    if row.replicates.is_empty() {
        let face = Face::new(13.0, MUTED).middle();
        let x = (layout.plot.0 + layout.plot.1) / 2.0;
        let length = face.width("no runs") + 16.0;
        canvas.rect("plate", x - length / 2.0, y - 9.0, (length, 18.0), 4.0, "#ffffff");
        canvas.centred(x, y, "no runs", face);
        return;
    }
    let summary = quartiles(row.replicates.iter().map(Replicate::error));
    canvas.centred(layout.median, y, &median_text(row), COLUMN.bold().end());
    let place = |value: f64| scale.position(value);
    let height = layout.pitch * 0.56;
    if let Some(lower) = summary.lower {
        // An upper quartile that falls on a diverged run is beyond the axis.
        let (from, to) = (place(lower), summary.upper.map_or(layout.plot.1, place));
        canvas.add(
            "rect",
            &[
                ("class", "quartiles".into()),
                ("x", from.into()),
                ("y", (y - height / 2.0).into()),
                ("width", (to - from).max(1.0).into()),
                ("height", height.into()),
                ("rx", 3.0.into()),
                ("fill", colour.into()),
                ("fill-opacity", 0.2.into()),
            ],
        );
    }
    let at_edge = |run: &Replicate| run.mark() == Mark::Diverged || run.error().is_some_and(|v| v > scale.domain().1);
    let inside = row.replicates.iter().filter(|run| !at_edge(run));
    for (index, run) in inside.enumerate() {
        let error = run.error().unwrap_or(0.0);
        dot(canvas, "dot", run.mark(), place(error), y + jitter(index) * layout.pitch * 0.52, layout.radius, colour);
    }
    if let Some(median) = summary.median.filter(|median| *median <= scale.domain().1) {
        let half = height / 2.0 + 3.0;
        canvas.rect("median", place(median) - 1.8, y - half, (3.6, 2.0 * half), 1.8, INK);
    }
    if let Some((left, right)) = layout.failed {
        let beyond: Vec<&Replicate> = row.replicates.iter().filter(|run| at_edge(run)).collect();
        let failures = row.replicates.iter().filter(|run| run.failed()).count();
        let (first, last) = (left + 8.0 + layout.radius, right - 36.0);
        let step = (2.0 * layout.radius + 2.0).min((last - first) / (beyond.len().max(2) - 1) as f64);
        for (index, run) in beyond.iter().enumerate() {
            dot(canvas, "dot", run.mark(), first + index as f64 * step, y, layout.radius, colour);
        }
        if failures > 0 {
            let face = Face { colour: ALERT, ..COLUMN }.bold().end();
            canvas.centred(right - 2.0, y, &failures.to_string(), face);
        }
    }
}

fn label(canvas: &mut Canvas, row: &Row, layout: &Layout, y: f64) {
    let (x, limit) = (MARGIN + 14.0, layout.label_width + 1.0);
    if LABEL.width(&row.label) <= limit {
        canvas.centred(x, y, &row.label, LABEL);
        return;
    }
    let face = Face { size: 13.0, ..LABEL };
    let lines = wrap(&row.label, face.size, face.weight, limit, 2);
    let shift = if lines.len() == 2 { 8.0 } else { 0.0 };
    for (line, y) in lines.iter().zip([y - shift, y + shift]) {
        let span = Span { text: line, colour: face.colour, weight: face.weight, subscript: false };
        canvas.spans(x, y + face.size * CAP_HEIGHT / 2.0, face, &[span], Some(&row.label));
    }
}

/// Hyperparameters as one text, as wide as it is drawn.
fn chosen_text(chosen: &[Chosen]) -> String {
    let one = |c: &Chosen| format!("{} {}{}", c.name, c.value, c.edge.map_or("", edge_sign));
    chosen.iter().map(one).collect::<Vec<_>>().join(" · ")
}

fn edge_sign(edge: Edge) -> &'static str {
    match edge {
        Edge::Least => " ▼",
        Edge::Greatest => " ▲",
    }
}

/// Writes the hyperparameters in one line, in two where that is too wide.
fn chosen(canvas: &mut Canvas, row: &Row, layout: &Layout, y: f64) {
    let limit = layout.chosen_width + 0.5;
    if COLUMN.width(&chosen_text(&row.chosen)) <= limit {
        return chosen_line(canvas, &row.chosen, layout, y, COLUMN);
    }
    let face = Face { size: 12.0, ..COLUMN };
    let fits = |count: &usize| face.width(&chosen_text(&row.chosen[..*count])) <= limit;
    let (first, second) = row.chosen.split_at((1..row.chosen.len()).take_while(fits).last().unwrap_or(1));
    chosen_line(canvas, first, layout, y - 7.5, face);
    chosen_line(canvas, second, layout, y + 7.5, face);
}

fn chosen_line(canvas: &mut Canvas, chosen: &[Chosen], layout: &Layout, y: f64, face: Face) {
    let whole = chosen_text(chosen);
    if face.width(&whole) > layout.chosen_width + 0.5 {
        return canvas.cut(layout.chosen, y, &whole, face, layout.chosen_width);
    }
    // (text, colour) in turn: name, value, sign of the edge.
    let mut parts: Vec<(String, &str)> = Vec::new();
    for (index, c) in chosen.iter().enumerate() {
        parts.push((format!("{}{} ", if index > 0 { " · " } else { "" }, c.name), MUTED));
        parts.push((c.value.clone(), INK));
        parts.extend(c.edge.map(|edge| (edge_sign(edge).to_owned(), ALERT)));
    }
    let spans: Vec<Span> =
        parts.iter().map(|(text, colour)| Span { text, colour, weight: Weight::Regular, subscript: false }).collect();
    if !spans.is_empty() {
        canvas.spans(layout.chosen, y + face.size * CAP_HEIGHT / 2.0, face, &spans, None);
    }
}

fn median_text(row: &Row) -> String {
    if row.replicates.is_empty() {
        return "–".to_owned();
    }
    quartiles(row.replicates.iter().map(Replicate::error)).median.map_or("failed".to_owned(), |m| number(m, 2))
}

/// The place of the `index`-th dot across its row, −½ … ½: the golden ratio's multiples, so that neighbours are apart
/// and the same data give the same picture.
fn jitter(index: usize) -> f64 {
    (0.5 + index as f64 * 0.618_033_988_749_894_9).fract() - 0.5
}

/// One replicate; its class is its role (`dot`, or `key` in the legend) and its kind.
fn dot(canvas: &mut Canvas, role: &str, mark: Mark, x: f64, y: f64, radius: f64, colour: &str) {
    let circle = |canvas: &mut Canvas, kind: &str, fill: &str, stroke: &str, width: f64, opacity: f64| {
        canvas.add(
            "circle",
            &[
                ("class", format!("{role} {kind}").as_str().into()),
                ("cx", x.into()),
                ("cy", y.into()),
                ("r", radius.into()),
                ("fill", fill.into()),
                ("fill-opacity", opacity.into()),
                ("stroke", stroke.into()),
                ("stroke-width", width.into()),
            ],
        );
    };
    let lines = |canvas: &mut Canvas, path: &str, class: &str| {
        canvas.add(
            "path",
            &[
                ("class", class.into()),
                ("d", path.into()),
                ("stroke", colour.into()),
                ("stroke-width", 1.3.into()),
                ("fill", "none".into()),
            ],
        );
    };
    match mark {
        Mark::Fine => circle(canvas, "fine", colour, "#ffffff", 0.9, 0.75),
        Mark::Diverged => {
            circle(canvas, "diverged", "#ffffff", colour, 1.4, 1.0);
            let a = radius * 0.42;
            let [l, r, t, b] = [x - a, x + a, y - a, y + a].map(pixels);
            lines(canvas, &format!("M{l} {t}L{r} {b}M{l} {b}L{r} {t}"), "cross");
        }
        Mark::Inflated => {
            circle(canvas, "inflated", "#ffffff", colour, 1.4, 1.0);
            // Three chords of the circle at 45°, the outer ones half a radius from its centre.
            let chord = |offset: f64| {
                let half = (radius * radius - offset * offset).sqrt() / std::f64::consts::SQRT_2;
                let shift = offset / std::f64::consts::SQRT_2;
                let [x1, y1, x2, y2] =
                    [x + shift - half, y + shift + half, x + shift + half, y + shift - half].map(pixels);
                format!("M{x1} {y1}L{x2} {y2}")
            };
            lines(canvas, &[-0.5, 0.0, 0.5].map(|part| chord(part * radius)).concat(), "hatch");
        }
        Mark::Zero => {
            let [l, r, t, b, m] = [x + 1.0, x + 1.0 + 1.7 * radius, y - radius, y + radius, y].map(pixels);
            canvas.add(
                "path",
                &[
                    ("class", format!("{role} zero").as_str().into()),
                    ("d", format!("M{l} {m}L{r} {t}L{r} {b}Z").as_str().into()),
                    ("fill", colour.into()),
                ],
            );
        }
    }
}

/// The legend: only the signs that occur.
fn signs(canvas: &mut Canvas, data: &Methods, y: f64) -> f64 {
    enum Sign {
        Dot(Mark),
        Quartiles,
        Edge(&'static str),
    }
    let occurs = |mark| data.rows.iter().any(|row| row.replicates.iter().any(|run| run.mark() == mark));
    let edge = |edge| data.rows.iter().any(|row| row.chosen.iter().any(|c| c.edge == Some(edge)));
    let mut entries = vec![(Sign::Dot(Mark::Fine), "one run"), (Sign::Quartiles, "median, quartiles")];
    for (mark, text) in [
        (Mark::Inflated, "inflated: ‖W‖_{F} has outgrown the data (counts as failed)"),
        (Mark::Diverged, "diverged (failed)"),
        (Mark::Zero, "error 0"),
    ] {
        if occurs(mark) {
            entries.push((Sign::Dot(mark), text));
        }
    }
    if edge(Edge::Greatest) {
        entries.push((Sign::Edge("▲"), "greatest of its grid"));
    }
    if edge(Edge::Least) {
        entries.push((Sign::Edge("▼"), "least of its grid"));
    }
    legend(canvas, MARGIN, y, WIDTH - MARGIN, &entries, |canvas, sign, x, y| match sign {
        Sign::Dot(mark) => {
            dot(canvas, "key", *mark, x + if *mark == Mark::Zero { 0.0 } else { 5.0 }, y, 4.6, MUTED);
            11.0
        }
        Sign::Quartiles => {
            canvas.rect("key", x, y - 6.0, (26.0, 12.0), 3.0, "#d3d9e0");
            canvas.rect("key", x + 10.0, y - 8.0, (4.0, 16.0), 2.0, INK);
            26.0
        }
        Sign::Edge(text) => {
            let face = Face { colour: ALERT, anchor: Anchor::Start, ..CAPTION };
            canvas.centred(x, y, text, face);
            face.width(text)
        }
    })
}

fn caption(data: &Methods) -> String {
    let counts = || data.rows.iter().map(|row| row.replicates.len());
    let (least, most) = (counts().min().unwrap_or(0), counts().max().unwrap_or(0));
    let n = if least == most { format!("n = {most}") } else { format!("n = {least}–{most}") };
    let seeds = if data.seeds.is_empty() { String::new() } else { format!(", {}", data.seeds) };
    let rule = if data.rows.iter().any(|row| row.replicates.iter().any(|run| run.error().is_none())) {
        " Diverged runs rank last in median and quartiles."
    } else {
        ""
    };
    format!("{n} runs per method{seeds}.{rule} {}", data.caption)
}

fn description(data: &Methods) -> String {
    let rows: Vec<String> = data
        .rows
        .iter()
        .map(|row| {
            let failed = row.replicates.iter().filter(|run| run.failed()).count();
            let place = if row.group.is_empty() { String::new() } else { format!("{}, ", row.group) };
            format!("{place}{}: median {}, {failed} of {} failed", row.label, median_text(row), row.replicates.len())
        })
        .collect();
    rows.join("; ")
}

#[cfg(test)]
mod tests;
