//! One tile: its colour, its signs, its number, what a pointer over it reads and where a click leads.
//!
//! Every state has a sign that does not depend on colour.

use super::super::frame::{FAINT, GRID, MUTED, ON_LIGHT, hatch};
use super::super::scale::{Scale, number};
use super::super::svg::{Canvas, Face, Value, pixels};
use super::super::text::CAP_HEIGHT;
use super::colour::{hex, ink_on, viridis};
use super::{Heatmap, Tile};

/// The fill of a tile whose runs are done and have no median.
pub(super) const WITHOUT: &str = "#e4e7eb";

/// What a tile says beside its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    Inflated,
    SomeDiverged,
    SomeGivenUp,
    Partly,
    Diverged,
    GivenUp,
    Running,
    Pending,
}

impl Sign {
    /// In the order of the legend.
    pub(super) const ALL: [(Sign, &str); 8] = [
        (Sign::Inflated, "some runs inflated"),
        (Sign::SomeDiverged, "some runs diverged"),
        (Sign::Diverged, "the median falls on a run without a value"),
        (Sign::Partly, "share of the runs done, where not all are"),
        (Sign::Running, "running, none done yet"),
        (Sign::Pending, "pending"),
        (Sign::SomeGivenUp, "some runs given up"),
        (Sign::GivenUp, "given up"),
    ];
}

impl Tile {
    /// The median that has a place on a scale.
    pub(super) fn median(&self) -> Option<f64> {
        self.value.filter(|value| value.is_finite())
    }

    pub(super) fn has(&self, sign: Sign) -> bool {
        let (some, settled) = (self.median().is_some(), self.done.saturating_add(self.failed) >= self.cells);
        let given_up = !some && self.done == 0 && self.running == 0 && self.failed > 0 && settled;
        match sign {
            Sign::Inflated => self.inflated > 0,
            Sign::SomeDiverged => self.diverged > 0 && some,
            Sign::SomeGivenUp => self.failed > 0 && !given_up,
            Sign::Partly => self.done > 0 && !settled,
            Sign::Diverged => !some && self.done > 0,
            Sign::GivenUp => given_up,
            Sign::Running => !some && self.done == 0 && self.running > 0,
            Sign::Pending => !some && self.done == 0 && self.running == 0 && !given_up,
        }
    }

    /// As in "lr 0.1 · λ 0.01 · median 0.0032 · 8 of 10 done · 1 diverged".
    pub(super) fn tooltip(&self, data: &Heatmap) -> String {
        let facets = [data.down.as_ref().map(|c| (c, self.down)), data.across.as_ref().map(|c| (c, self.across))];
        let axes = facets.into_iter().flatten().chain([(&data.x, self.x), (&data.y, self.y)]);
        let mut parts: Vec<String> = axes.map(|(c, index)| format!("{} {}", c.name, c.values[index])).collect();
        match self.median() {
            Some(median) => parts.push(format!("{} {}", data.word, number(median, 3))),
            None if self.done > 0 => parts.push("median without a value".to_owned()),
            None => {}
        }
        parts.push(format!("{} of {} done", self.done, self.cells));
        let counts = [
            (self.running, "running"),
            (self.failed, "given up"),
            (self.diverged, "diverged"),
            (self.inflated, "inflated"),
        ];
        parts.extend(counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")));
        parts.join(" · ")
    }
}

/// A rectangle: left, top, width, height.
pub(super) type Area = (f64, f64, f64, f64);

/// The tile within its gap.
pub(super) fn inner((x, y, w, h): Area) -> Area {
    let gap = if w.min(h) > 14.0 { 1.0 } else { 0.0 };
    (x + gap, y + gap, w - 2.0 * gap, h - 2.0 * gap)
}

/// Draws the tile over `area`, without its number.
pub(super) fn draw(canvas: &mut Canvas, tile: &Tile, data: &Heatmap, colours: &Scale, area: Area) {
    let element = if tile.href.is_some() { "a" } else { "g" };
    let mut attributes: Vec<(&str, Value)> = vec![("class", "tile".into())];
    attributes.extend(tile.href.as_deref().map(|href| ("href", href.into())));
    canvas.open(element, &attributes);
    canvas.tooltip(&tile.tooltip(data));

    let (fill, ink) = paint(tile, colours);
    let (x, y, w, h) = inner(area);
    if tile.median().is_some() || tile.has(Sign::Diverged) {
        canvas.tile("data", x, y, (w, h), &fill);
    }
    for (sign, _) in Sign::ALL.iter().filter(|(sign, _)| tile.has(*sign)) {
        mark(canvas, *sign, tile, (x, y, w, h), ink, &fill);
    }
    canvas.close(element);
}

/// Fill and ink of a tile.
fn paint(tile: &Tile, colours: &Scale) -> (String, &'static str) {
    let colour = tile.median().map(|median| viridis(colours.position(median)));
    colour.map_or((WITHOUT.to_owned(), ON_LIGHT), |colour| (hex(colour), ink_on(colour)))
}

/// Writes the tile's number over all else, its fill around the digits: hatching and contour pass behind.
pub(super) fn write(canvas: &mut Canvas, tile: &Tile, colours: &Scale, (x, y, w, h): Area, face: Face) {
    let Some(median) = tile.median() else { return };
    let (fill, ink) = paint(tile, colours);
    let (x, y) = (x + w / 2.0, y + h / 2.0 + face.size * CAP_HEIGHT / 2.0);
    canvas.text_on(x, y, &number(median, 2), Face { colour: ink, ..face }, &fill);
}

/// Draws a sign over the inside of a tile whose fill is `fill`.
pub(super) fn mark(canvas: &mut Canvas, sign: Sign, tile: &Tile, (x, y, w, h): Area, ink: &str, fill: &str) {
    let side = w.min(h);
    let small = side < 14.0;
    // What is seen of a corner's sign, but never beyond the tile.
    let arm = (side * 0.1).clamp(1.2, 4.0).min(side * 0.22);
    let thin = |wanted: f64| wanted.min(side * 0.12);
    match sign {
        Sign::Inflated => {
            // A small tile has one diagonal: more would hide its colour.
            let pitch = if small { w + h } else { (side / 3.0).clamp(5.0, 9.0) };
            canvas.stroke("inflated", &hatch(x, y, w, h, pitch), ink, thin(if small { 0.7 } else { 1.0 }));
        }
        Sign::SomeDiverged => {
            canvas.stroke("some-diverged", &cross(x + w - 2.2 * arm, y + 2.2 * arm, (arm, arm)), ink, thin(1.4));
        }
        Sign::SomeGivenUp => canvas.add(
            "circle",
            &[
                ("class", "some-given-up".into()),
                ("cx", (x + 2.2 * arm).into()),
                ("cy", (y + 2.2 * arm).into()),
                ("r", arm.into()),
                ("fill", "none".into()),
                ("stroke", if tile.median().is_some() || tile.done > 0 { ink } else { MUTED }.into()),
                ("stroke-width", thin(1.3).into()),
            ],
        ),
        Sign::Partly => {
            let (height, inset) = ((h * 0.08).clamp(1.0, 3.0).min(h * 0.3), if small { 0.0 } else { 3.0 });
            let (top, length) = (y + h - height - inset, w - 2.0 * inset);
            let share = f64::from(tile.done) / f64::from(tile.cells.max(1));
            if !small {
                canvas.tile("plate", x, top - 2.0, (w, height + 2.0 + inset), fill);
            }
            for (class, length, opacity) in [("share-of", length, 0.3), ("share", length * share, 1.0)] {
                canvas.add(
                    "rect",
                    &[
                        ("class", class.into()),
                        ("x", (x + inset).into()),
                        ("y", top.into()),
                        ("width", length.into()),
                        ("height", height.into()),
                        ("fill", ink.into()),
                        ("fill-opacity", opacity.into()),
                    ],
                );
            }
        }
        Sign::Diverged => {
            let path = cross(x + w / 2.0, y + h / 2.0, (side * 0.2, side * 0.2));
            canvas.stroke("plate", &path, fill, thin(1.8) * 4.0);
            canvas.stroke("diverged", &path, ink, thin(1.8));
        }
        Sign::GivenUp => {
            outline(canvas, "given-up", (x, y, w, h), MUTED, "none");
            let path = cross(x + w / 2.0, y + h / 2.0, (w / 2.0 - thin(0.5), h / 2.0 - thin(0.5)));
            canvas.stroke("given-up-cross", &path, MUTED, thin(1.2));
        }
        Sign::Running => {
            outline(canvas, "running", (x, y, w, h), FAINT, if small { "none" } else { "3 2.5" });
            dots(canvas, (x, y, w, h));
        }
        Sign::Pending => outline(canvas, "pending", (x, y, w, h), GRID, "none"),
    }
}

/// A tile without a fill, which a pointer meets all the same.
fn outline(canvas: &mut Canvas, class: &str, (x, y, w, h): Area, colour: &str, dashes: &str) {
    let line = (w.min(h) / 8.0).min(1.0);
    canvas.add(
        "rect",
        &[
            ("class", class.into()),
            ("x", (x + line / 2.0).into()),
            ("y", (y + line / 2.0).into()),
            ("width", (w - line).into()),
            ("height", (h - line).into()),
            ("fill", "none".into()),
            ("stroke", colour.into()),
            ("stroke-width", line.into()),
            ("stroke-dasharray", dashes.into()),
            ("pointer-events", "all".into()),
        ],
    );
}

/// Dots over a tile, at least one.
fn dots(canvas: &mut Canvas, (x, y, w, h): Area) {
    const PITCH: f64 = 7.0;
    let along = |length: f64| ((length - 4.0) / PITCH).floor().max(1.0);
    let (columns, rows) = (along(w), along(h));
    let mut path = String::new();
    for row in 0..rows as usize {
        for column in 0..columns as usize {
            let left = x + w / 2.0 + (column as f64 - (columns - 1.0) / 2.0) * PITCH;
            let top = y + h / 2.0 + (row as f64 - (rows - 1.0) / 2.0) * PITCH;
            path.push_str(&format!("M{} {}h.01", pixels(left), pixels(top)));
        }
    }
    canvas.add(
        "path",
        &[
            ("class", "dots".into()),
            ("d", path.as_str().into()),
            ("fill", "none".into()),
            ("stroke", FAINT.into()),
            ("stroke-width", (w.min(h) * 0.3).min(1.8).into()),
            ("stroke-linecap", "round".into()),
        ],
    );
}

fn cross(x: f64, y: f64, arm: (f64, f64)) -> String {
    let [l, r, t, b] = [x - arm.0, x + arm.0, y - arm.1, y + arm.1].map(pixels);
    format!("M{l} {t}L{r} {b}M{l} {b}L{r} {t}")
}

/// What the legend draws its signs with.
pub(super) const SAMPLE: Tile = Tile {
    x: 0,
    y: 0,
    across: 0,
    down: 0,
    value: Some(1.0),
    cells: 5,
    done: 3,
    running: 0,
    failed: 0,
    diverged: 0,
    inflated: 0,
    href: None,
};
