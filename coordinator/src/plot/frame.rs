//! What all pictures share: colours, type sizes, title, caption, axes, the message of an empty picture.

use super::scale::Scale;
use super::svg::{Anchor, Canvas, Face, formula_width};
use super::text::{CAP_HEIGHT, wrap};

/// Text and marks that must be read.
pub(super) const INK: &str = "#1b2430";
/// Second-rank text.
pub(super) const MUTED: &str = "#55606e";
/// Third-rank lines and marks.
pub(super) const FAINT: &str = "#9aa4b2";
/// Lines at labelled ticks.
pub(super) const GRID: &str = "#dde2e8";
/// Lines between labelled ticks.
pub(super) const FINE_GRID: &str = "#edf0f3";
/// The tint of every other group.
pub(super) const BAND: &str = "#f5f7fa";
/// What asks for attention: a winner at the end of its grid, failed runs. No colour of a series.
pub(super) const ALERT: &str = "#a61b1b";

/// Text and signs on a dark tile. Of its own, as [`ON_LIGHT`] is: a page may give the other inks other colours, and the
/// colours of tiles stay.
pub(super) const ON_DARK: &str = "#fefefe";
/// Text and signs on a light tile.
pub(super) const ON_LIGHT: &str = "#10151c";

/// Colours of series that colour-blind readers can tell apart: Okabe and Ito (2008), without the yellow, which is too
/// pale on white. Black comes last.
pub(super) const SERIES: [&str; 7] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"];

/// Pixels between 0 and the least positive value on a log axis that shows both.
pub(super) const ZERO_ROOM: f64 = 40.0;

/// Free space at the edges of a picture, pixels.
pub(super) const MARGIN: f64 = 40.0;

pub(super) const TITLE: Face = Face::new(25.0, INK).bold();
pub(super) const SUBTITLE: Face = Face::new(15.0, MUTED);
pub(super) const CAPTION: Face = Face::new(12.5, MUTED);
pub(super) const TICK: Face = Face::new(13.0, MUTED);
pub(super) const AXIS: Face = Face::new(14.0, INK);

/// Draws title and subtitle, wrapped to `width`; returns the y below them.
pub(super) fn head(canvas: &mut Canvas, width: f64, title: &str, subtitle: &str) -> f64 {
    let mut y = MARGIN - 8.0;
    for (text, face, leading, lines) in [(title, TITLE, 32.0, 3), (subtitle, SUBTITLE, 22.0, 4)] {
        for line in wrap(text, face.size, face.weight, width - 2.0 * MARGIN, lines) {
            y += leading;
            canvas.text(MARGIN, y - 7.0, &line, face);
        }
        y += 3.0;
    }
    y + 8.0
}

/// Draws the caption below `y`, wrapped to `width`; returns the height of the picture.
pub(super) fn foot(canvas: &mut Canvas, width: f64, y: f64, caption: &str) -> f64 {
    let mut y = y;
    for line in wrap(caption, CAPTION.size, CAPTION.weight, width - 2.0 * MARGIN, 8) {
        y += 19.0;
        canvas.text(MARGIN, y, &line, CAPTION);
    }
    y + MARGIN - 12.0
}

/// Draws a box at `y` that says why there is nothing to see; returns the y below it.
pub(super) fn message(canvas: &mut Canvas, width: f64, y: f64, text: &str) -> f64 {
    let height = 160.0;
    canvas.rect("empty", MARGIN, y, (width - 2.0 * MARGIN, height), 8.0, BAND);
    let face = Face::new(17.0, MUTED).middle();
    canvas.cut(width / 2.0, y + height / 2.0, text, face, width - 4.0 * MARGIN);
    y + height
}

/// Ticks of a horizontal axis that stand at least a word apart.
pub(super) fn ticks_across(scale: &Scale, pixels: f64) -> usize {
    let limit = (pixels / 60.0).clamp(2.0, 12.0) as usize;
    // Long labels take more room than the usual ones.
    (2..=limit)
        .rev()
        .find(|&limit| {
            let ticks = scale.ticks(limit);
            let room = |w: &[super::scale::Tick]| {
                (scale.position(w[1].value) - scale.position(w[0].value)).abs()
                    - (TICK.width(&w[0].label) + TICK.width(&w[1].label)) / 2.0
            };
            ticks.windows(2).all(|w| room(w) >= 14.0)
        })
        .unwrap_or(2)
}

/// Vertical grid lines of `scale` from `top` to `bottom`.
pub(super) fn grid_down(canvas: &mut Canvas, scale: &Scale, pixels: f64, top: f64, bottom: f64) {
    let ticks: Vec<f64> = scale.ticks(ticks_across(scale, pixels)).iter().map(|tick| tick.value).collect();
    let minor = scale.minor().into_iter().filter(|value| !ticks.contains(value));
    for (values, colour) in [(minor.collect(), FINE_GRID), (ticks.clone(), GRID)] {
        let values: Vec<f64> = values;
        for x in values.into_iter().map(|value| scale.position(value)) {
            canvas.line("grid", (x, top), (x, bottom), colour, 1.0);
        }
    }
}

/// Horizontal grid lines of `scale` from `left` to `right`.
pub(super) fn grid_across(canvas: &mut Canvas, scale: &Scale, pixels: f64, left: f64, right: f64) {
    let ticks: Vec<f64> = scale.ticks(ticks_down(pixels)).iter().map(|tick| tick.value).collect();
    let minor: Vec<f64> = scale.minor().into_iter().filter(|value| !ticks.contains(value)).collect();
    for (values, colour) in [(minor, FINE_GRID), (ticks, GRID)] {
        for y in values.into_iter().map(|value| scale.position(value)) {
            canvas.line("grid", (left, y), (right, y), colour, 1.0);
        }
    }
}

fn ticks_down(pixels: f64) -> usize {
    (pixels / 42.0).clamp(2.0, 10.0) as usize
}

/// Draws a horizontal axis at `y` under `plot` (left, right): line, ticks, numbers, name; returns the y below it. The
/// name is centred on the plot, or moved where the picture of `width` ends.
pub(super) fn axis_across(canvas: &mut Canvas, scale: &Scale, plot: (f64, f64), y: f64, name: &str, width: f64) -> f64 {
    numbers_across(canvas, scale, plot, y, true);
    name_across(canvas, plot, y + 46.0, name, width);
    y + 54.0
}

/// Draws the line of a horizontal axis with its ticks, and with its numbers if `written`.
pub(super) fn numbers_across(canvas: &mut Canvas, scale: &Scale, plot: (f64, f64), y: f64, written: bool) {
    canvas.line("axis", (plot.0, y), (plot.1, y), FAINT, 1.0);
    let zero = scale.zero().map(|x| (x, "0".to_owned()));
    let ticks = scale.ticks(ticks_across(scale, plot.1 - plot.0));
    for (x, label) in zero.into_iter().chain(ticks.into_iter().map(|tick| (scale.position(tick.value), tick.label))) {
        canvas.line("tick", (x, y), (x, y + 5.0), FAINT, 1.0);
        if written {
            canvas.text(x, y + 20.0, &label, TICK.middle());
        }
    }
    if let Some(x) = scale.zero() {
        // Two strokes across the line: from 0 to the first power no scale holds.
        let x = x + ZERO_ROOM / 2.0;
        canvas.line("break", (x - 5.0, y + 4.0), (x - 1.0, y - 4.0), MUTED, 1.2);
        canvas.line("break", (x + 1.0, y + 4.0), (x + 5.0, y - 4.0), MUTED, 1.2);
    }
}

/// Writes the name of a horizontal axis at the baseline `y`, centred on the plot, or moved where the picture ends.
pub(super) fn name_across(canvas: &mut Canvas, plot: (f64, f64), y: f64, name: &str, width: f64) {
    let x = keep_inside((plot.0 + plot.1) / 2.0, formula_width(name, AXIS), MARGIN, width - MARGIN);
    canvas.formula(x, y, name, AXIS.middle());
}

/// Draws the numbers and the name of a vertical axis at `x` from `top` to `bottom`.
pub(super) fn axis_down(canvas: &mut Canvas, scale: &Scale, top: f64, bottom: f64, x: f64, name: &str) {
    numbers_down(canvas, scale, top, bottom, x);
    name_up(canvas, name, (top + bottom) / 2.0);
}

/// Draws the numbers of a vertical axis at `x` from `top` to `bottom`.
pub(super) fn numbers_down(canvas: &mut Canvas, scale: &Scale, top: f64, bottom: f64, x: f64) {
    for tick in scale.ticks(ticks_down(bottom - top)) {
        canvas.centred(x - 10.0, scale.position(tick.value), &tick.label, TICK.end());
    }
}

/// Writes the name of a vertical axis at the left margin, its middle at `y`: upwards, but a symbol stands upright.
pub(super) fn name_up(canvas: &mut Canvas, name: &str, y: f64) {
    if formula_width(name, AXIS) <= AXIS.size {
        canvas.formula(MARGIN, y + AXIS.size * CAP_HEIGHT / 2.0, name, AXIS);
    } else {
        canvas.upright(MARGIN + AXIS.size * 0.6, y, name, AXIS);
    }
}

/// Room that [`axis_down`] takes at the left of the plot, pixels, margin included.
pub(super) fn axis_down_width(scale: &Scale, pixels: f64) -> f64 {
    MARGIN + AXIS.size + 16.0 + numbers_down_width(scale, pixels)
}

/// Room that [`numbers_down`] takes at the left of the plot.
pub(super) fn numbers_down_width(scale: &Scale, pixels: f64) -> f64 {
    scale.ticks(ticks_down(pixels)).iter().map(|tick| TICK.width(&tick.label)).fold(0.0, f64::max) + 10.0
}

/// `x` moved so that a text of `width` around it stays within `left ..= right`.
pub(super) fn keep_inside(x: f64, width: f64, left: f64, right: f64) -> f64 {
    x.min(right - width / 2.0).max(left + width / 2.0)
}

/// Diagonal lines over a rectangle, clipped to it: the texture of what is inflated.
pub(super) fn hatch(x: f64, y: f64, width: f64, height: f64, pitch: f64) -> String {
    use super::svg::pixels;
    let mut path = String::new();
    let mut offset = pitch / 2.0;
    while offset < width + height {
        // The line x + y = offset, from the left or bottom edge to the top or right edge.
        let (x1, y1) = if offset <= height { (0.0, offset) } else { (offset - height, height) };
        let (x2, y2) = if offset <= width { (offset, 0.0) } else { (width, offset - width) };
        let corners = [x + x1, y + y1, x + x2, y + y2].map(pixels);
        path.push_str(&format!("M{} {}L{} {}", corners[0], corners[1], corners[2], corners[3]));
        offset += pitch;
    }
    path
}

/// Entries of a legend side by side from `x`, wrapped at `right`; `mark` draws the sign at (x, y) of an entry and
/// returns its width. Returns the y below.
pub(super) fn legend<T>(
    canvas: &mut Canvas,
    x: f64,
    y: f64,
    right: f64,
    entries: &[(T, &str)],
    mark: impl Fn(&mut Canvas, &T, f64, f64) -> f64,
) -> f64 {
    let face = Face { anchor: Anchor::Start, ..CAPTION };
    let (mut cursor, mut y) = (x, y);
    for (sign, text) in entries {
        let length = 34.0 + formula_width(text, face);
        if cursor > x && cursor + length > right {
            (cursor, y) = (x, y + 22.0);
        }
        let taken = mark(canvas, sign, cursor, y);
        canvas.formula(cursor + taken + 7.0, y + face.size * CAP_HEIGHT / 2.0, text, face);
        cursor += taken + 7.0 + formula_width(text, face) + 26.0;
    }
    y + 14.0
}
