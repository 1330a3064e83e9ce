//! From a share of the scale to a colour, and the bar that shows the way back.

use super::super::frame::{AXIS, FAINT, ON_DARK, ON_LIGHT, TICK};
use super::super::scale::{Scale, Tick};
use super::super::svg::{Canvas, formula_width};
use super::Heatmap;

/// Viridis (Smith and van der Walt, 2015), at nine equal steps: even in lightness, safe for colour-blind readers.
const VIRIDIS: [[u8; 3]; 9] = [
    [68, 1, 84],
    [71, 44, 122],
    [59, 81, 139],
    [44, 113, 142],
    [33, 144, 141],
    [39, 173, 129],
    [92, 200, 99],
    [170, 220, 50],
    [253, 231, 37],
];
/// Slices of the bar.
const SLICES: usize = 96;
const WIDTH: f64 = 16.0;
const MOST_HEIGHT: f64 = 420.0;
/// Pixels from the left edge of the bar to its numbers, and from these to the middle of its name.
const TO_NUMBERS: f64 = 26.0;
const TO_NAME: f64 = 20.0;

/// The colour at `share` of the bar, 0 … 1.
pub(super) fn viridis(share: f64) -> [u8; 3] {
    let at = share.clamp(0.0, 1.0) * (VIRIDIS.len() - 1) as f64;
    let below = (at as usize).min(VIRIDIS.len() - 2);
    let part = at - below as f64;
    std::array::from_fn(|k| {
        let (a, b) = (f64::from(VIRIDIS[below][k]), f64::from(VIRIDIS[below + 1][k]));
        (a + part * (b - a)).round() as u8
    })
}

pub(super) fn hex([r, g, b]: [u8; 3]) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// The ink that reads better on the colour, by its luma (ITU-R BT.601; at 105 both contrasts are about equal).
pub(super) fn ink_on([r, g, b]: [u8; 3]) -> &'static str {
    let luma = 0.299 * f64::from(r) + 0.587 * f64::from(g) + 0.114 * f64::from(b);
    if luma < 105.0 { ON_DARK } else { ON_LIGHT }
}

/// The one scale of all facets, onto `from ..= to`: the fixed range, else what the tiles hold.
pub(super) fn scale(data: &Heatmap, values: impl Iterator<Item = f64>, from: f64, to: f64) -> Scale {
    match data.range {
        Some((low, high)) => Scale::over(data.metric.spread, low, high, from, to),
        None => Scale::around(data.metric.spread, values, from, to),
    }
}

/// The bar of colours beside the grid.
pub(super) struct Bar {
    height: f64,
    ticks: Vec<Tick>,
    numbers: f64,
    name: String,
}

impl Bar {
    /// The bar beside a plot of `height` pixels.
    pub(super) fn of(data: &Heatmap, colours: &Scale, height: f64) -> Bar {
        // A low plot has a bar as high as its name.
        let name = data.metric.title_within(AXIS, height.clamp(260.0, MOST_HEIGHT));
        let height = height.clamp(160.0, MOST_HEIGHT).max(formula_width(&name, AXIS) + 2.0).round();
        let ticks = colours.ticks(((height / 36.0) as usize).clamp(2, 9));
        let numbers = ticks.iter().map(|tick| TICK.width(&tick.label)).fold(0.0, f64::max);
        Bar { height, ticks, numbers, name }
    }

    /// Pixels that it takes across.
    pub(super) fn width(&self) -> f64 {
        TO_NUMBERS + self.numbers + TO_NAME + AXIS.size / 2.0
    }

    /// Draws it at (`x`, `top`), a mark at `level`; returns the y below it.
    pub(super) fn draw(&self, canvas: &mut Canvas, colours: &Scale, level: Option<f64>, x: f64, top: f64) -> f64 {
        let slice = self.height / SLICES as f64;
        for index in 0..SLICES {
            let share = 1.0 - (index as f64 + 0.5) / SLICES as f64;
            // Each reaches under the next, so that no seam shows between them.
            let reach = if index + 1 < SLICES { slice + 1.0 } else { slice };
            canvas.tile("bar", x, top + index as f64 * slice, (WIDTH, reach), &hex(viridis(share)));
        }
        // Where in the picture a value stands: the scale of colours, turned upwards.
        let place = |value: f64| top + self.height * (1.0 - colours.position(value));
        for tick in &self.ticks {
            let y = place(tick.value);
            canvas.line("tick", (x + WIDTH, y), (x + WIDTH + 5.0, y), FAINT, 1.0);
            canvas.centred(x + TO_NUMBERS, y, &tick.label, TICK);
        }
        if let Some(y) = level.filter(|level| colours.holds(*level)).map(place) {
            canvas.line("level", (x - 3.0, y), (x + WIDTH + 3.0, y), ON_DARK, 4.6);
            canvas.line("level", (x - 3.0, y), (x + WIDTH + 3.0, y), ON_LIGHT, 1.8);
        }
        canvas.upright(x + TO_NUMBERS + self.numbers + TO_NAME, top + self.height / 2.0, &self.name, AXIS);
        top + self.height
    }
}
