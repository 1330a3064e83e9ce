//! Names at the ends of lines, moved apart so that none touches another.

use super::super::frame::FAINT;
use super::super::svg::{Canvas, pixels};
use super::panel::{LABEL, Style, key};

/// Pixels between two labels.
pub(super) const LEADING: f64 = 20.0;

/// A name at the end of its line.
pub(super) struct Label<'a> {
    pub(super) text: &'a str,
    pub(super) end: (f64, f64),
    pub(super) style: Style,
}

/// Writes the labels at the right of the plot, in the order of their lines' ends and moved apart; a thin line leads
/// from each end to its label.
pub(super) fn write_labels(
    canvas: &mut Canvas,
    mut labels: Vec<Label>,
    right: f64,
    width: f64,
    (top, bottom): (f64, f64),
) {
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
        canvas.stroke("leader", &elbow, FAINT, 0.8);
        key(canvas, &label.style, (right + 17.0, right + 31.0), y);
        canvas.cut(right + 36.0, y, label.text, LABEL, width + 0.5);
    }
}

/// `wanted` (ascending) moved to be at least `gap` apart within `low ..= high`, as far as there is room.
pub(super) fn apart(wanted: &[f64], gap: f64, low: f64, high: f64) -> Vec<f64> {
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
