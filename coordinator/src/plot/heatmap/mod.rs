//! Two axes and a metric: the median of each cell as a colour, with a texture where runs failed.

use super::frame::{AXIS, FAINT, INK, MARGIN, MUTED, TICK, foot, hatch, head, keep_inside, legend, message, name_up};
use super::scale::{Scale, number};
use super::svg::{Canvas, Face, formula_width, pixels};
use super::{Axis, text};

/// A picture of a grid, or of several side by side.
#[derive(Debug, Clone, PartialEq)]
pub struct Heatmap {
    /// What the picture shows.
    pub title: String,
    /// Problem and budget.
    pub subtitle: String,
    /// Sentences below, with the number of runs and their seeds.
    pub caption: String,
    /// Left to right.
    pub x: Category,
    /// Upwards.
    pub y: Category,
    /// One grid for each of its values, side by side.
    pub across: Option<Category>,
    /// One grid for each of its values, one below the other.
    pub down: Option<Category>,
    /// What the colour stands for.
    pub metric: Axis,
    /// Ends of the colour scale where they are fixed (0..1 of a share); from the data otherwise.
    pub range: Option<(f64, f64)>,
    /// Draws a line where the metric crosses this level.
    pub contour: Option<Contour>,
    /// The tiles; those of an index outside the axes are not drawn, of two at one place the later is.
    pub tiles: Vec<Tile>,
}

/// An axis of the grid.
#[derive(Debug, Clone, PartialEq)]
pub struct Category {
    /// Name and unit, `_{…}` a subscript.
    pub name: String,
    /// Its values, ascending.
    pub values: Vec<String>,
}

/// A level of the metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Contour {
    /// In the units of the metric.
    pub level: f64,
    /// As in "success in half of the runs".
    pub label: String,
}

/// One place of the grid.
#[derive(Debug, Clone, PartialEq)]
pub struct Tile {
    /// Index into the values of the axis across.
    pub x: usize,
    /// Index into the values of the axis up.
    pub y: usize,
    /// Index into the facets side by side; 0 where there are none.
    pub across: usize,
    /// Index into the facets one below the other; 0 where there are none.
    pub down: usize,
    /// The median over its runs; `None` where there is none yet or it falls on a run without a value.
    pub value: Option<f64>,
    /// Cells of the sweep that the tile stands for.
    pub cells: u32,
    /// How many of these have an outcome.
    pub done: u32,
    /// How many of these are held by a worker.
    pub running: u32,
    /// How many of these were given up.
    pub failed: u32,
    /// How many of those done diverged.
    pub diverged: u32,
    /// How many of those done are inflated.
    pub inflated: u32,
    /// Where a click leads.
    pub href: Option<String>,
}

const LEAST_WIDTH: f64 = 720.0;
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
const NOTHING: &str = "#ffffff";
const FAILED: &str = "#e4e7eb";
/// Slices of the colour bar.
const SLICES: usize = 96;
const MOST_LABEL: f64 = 200.0;
const VALUE: Face = Face::new(12.5, INK).middle();

/// Draws the picture.
pub fn heatmap(data: &Heatmap) -> String {
    let mut canvas = Canvas::default();
    let (columns, rows) = (data.x.values.len(), data.y.values.len());
    let inside = |tile: &&Tile| tile.x < columns && tile.y < rows && tile.across == 0 && tile.down == 0;
    // Whole pixels, so that no seam shows between cells without a gap.
    let cell_height = (420.0 / rows.max(1) as f64).clamp(6.0, 56.0).floor();
    let widest = |labels: &[String]| labels.iter().map(|l| TICK.width(l)).fold(0.0, f64::max).min(MOST_LABEL);
    let (x_label, y_label) = (widest(&data.x.values), widest(&data.y.values));
    let cell_width = (720.0 / columns.max(1) as f64).clamp(6.0, 96.0).max(level_width(x_label, columns)).floor();
    let left = (MARGIN + AXIS.size + 12.0 + y_label + 10.0).ceil();
    let right = left + columns as f64 * cell_width;
    let width = (right + 150.0 + MARGIN).max(LEAST_WIDTH);

    let top = head(&mut canvas, width, &data.title, &data.subtitle).round() + 6.0;
    if data.tiles.iter().find(inside).is_none() {
        let bottom = message(&mut canvas, width, top, "No finished cells: there is nothing to draw yet.");
        let height = foot(&mut canvas, width, bottom + 8.0, &data.caption);
        return canvas.finish(width, height, &data.title, "Without data.");
    }
    let bottom = top + rows as f64 * cell_height;
    let values = data.tiles.iter().filter(inside).filter_map(|tile| tile.value);
    let colours = Scale::around(data.metric.spread, values, 0.0, 1.0);

    let mut tiles: Vec<Option<&Tile>> = vec![None; columns * rows];
    for tile in data.tiles.iter().filter(inside) {
        tiles[tile.y * columns + tile.x] = Some(tile);
    }
    let roomy = cell_width >= 50.0 && cell_height >= 26.0;
    for (index, tile) in tiles.iter().enumerate() {
        let (x, y) =
            (left + (index % columns) as f64 * cell_width, bottom - (index / columns + 1) as f64 * cell_height);
        draw_cell(&mut canvas, *tile, &colours, (x, y, cell_width, cell_height), roomy);
    }

    // Names across: level where they fit, else upright; every k-th where cells are narrower than a line of text.
    let upright = x_label + 8.0 > cell_width;
    let every = if upright { (TICK.size * 1.25 / cell_width).ceil() } else { 1.0 } as usize;
    for (index, label) in data.x.values.iter().enumerate().filter(|(index, _)| index % every.max(1) == 0) {
        let x = left + (index as f64 + 0.5) * cell_width;
        if upright {
            let shown = TICK.fit(label, MOST_LABEL);
            canvas.upright_end(x + TICK.size * text::CAP_HEIGHT / 2.0, bottom + 8.0, &shown, TICK);
        } else {
            canvas.text(x, bottom + 20.0, label, TICK.middle());
        }
    }
    let every = (TICK.size * 1.25 / cell_height).ceil() as usize;
    for (index, label) in data.y.values.iter().enumerate().filter(|(index, _)| index % every.max(1) == 0) {
        canvas.cut(left - 8.0, bottom - (index as f64 + 0.5) * cell_height, label, TICK.end(), MOST_LABEL);
    }
    let name_y = bottom + if upright { x_label + 34.0 } else { 46.0 };
    let name_x = keep_inside((left + right) / 2.0, formula_width(&data.x.name, AXIS), MARGIN, width - MARGIN);
    canvas.formula(name_x, name_y, &data.x.name, AXIS.middle());
    name_up(&mut canvas, &data.y.name, (top + bottom) / 2.0);
    let below = colour_bar(&mut canvas, data, (right + 30.0).round(), top, bottom.max(top + 160.0));
    let below = signs(&mut canvas, &tiles, below.max(name_y) + 30.0, width);
    let height = foot(&mut canvas, width, below, &format!("Colour: median over the runs of a cell. {}", data.caption));
    canvas.finish(width, height, &data.title, &format!("{} by {} and {}", data.metric.name, data.x.name, data.y.name))
}

/// The width of a cell whose name fits level, if that makes the picture no wider than a page; else 0.
fn level_width(widest: f64, columns: usize) -> f64 {
    let wanted = (widest + 12.0).ceil();
    if wanted <= 140.0 && wanted * columns as f64 <= 860.0 { wanted } else { 0.0 }
}

/// What a cell says beside its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    Inflated,
    Partly,
    Diverged,
    Nothing,
}

fn has_sign(tile: Option<&Tile>, sign: Sign) -> bool {
    match (tile, sign) {
        (None, _) => sign == Sign::Nothing,
        (Some(tile), Sign::Inflated) => tile.inflated > 0,
        (Some(tile), Sign::Partly) => tile.diverged > 0 && tile.value.is_some(),
        (Some(tile), Sign::Diverged) => tile.value.is_none(),
        (Some(_), Sign::Nothing) => false,
    }
}

fn draw_cell(
    canvas: &mut Canvas,
    tile: Option<&Tile>,
    colours: &Scale,
    (x, y, w, h): (f64, f64, f64, f64),
    roomy: bool,
) {
    let gap = if w.min(h) > 14.0 { 1.0 } else { 0.0 };
    let (x, y, w, h) = (x + gap, y + gap, w - 2.0 * gap, h - 2.0 * gap);
    let Some(tile) = tile else {
        canvas.add(
            "rect",
            &[
                ("class", "cell nothing".into()),
                ("x", (x + 0.5).into()),
                ("y", (y + 0.5).into()),
                ("width", (w - 1.0).into()),
                ("height", (h - 1.0).into()),
                ("fill", NOTHING.into()),
                ("stroke", FAILED.into()),
                ("stroke-width", 1.0.into()),
            ],
        );
        return;
    };
    let fill = tile.value.map_or(FAILED.to_owned(), |median| hex(viridis(colours.position(median))));
    let ink = if tile.value.is_some_and(|median| dark(viridis(colours.position(median)))) { "#ffffff" } else { INK };
    canvas.tile("cell data", x, y, (w, h), &fill);
    if tile.inflated > 0 {
        // A small cell has one diagonal: more would hide its colour.
        let pitch = if w.min(h) < 14.0 { w + h } else { (w.min(h) / 3.0).clamp(5.0, 9.0) };
        stroke(canvas, "hatch", &hatch(x, y, w, h, pitch), ink, if w.min(h) < 14.0 { 0.6 } else { 1.0 });
    }
    if tile.value.is_none() {
        stroke(canvas, "cross", &cross(x + w / 2.0, y + h / 2.0, w.min(h) * 0.2), MUTED, 1.6);
    } else if tile.diverged > 0 {
        let arm = (w.min(h) * 0.1).min(4.0);
        stroke(canvas, "partly", &cross(x + w - 2.2 * arm, y + 2.2 * arm, arm), ink, 1.4);
    }
    if let Some(median) = tile.value.filter(|_| roomy) {
        let text = number(median, 2);
        let plate = VALUE.width(&text) + 8.0;
        if plate > w {
            return;
        }
        if tile.inflated > 0 {
            canvas.rect("plate", x + (w - plate) / 2.0, y + h / 2.0 - 9.0, (plate, 18.0), 3.0, &fill);
        }
        let face = if ink == INK { VALUE } else { Face { colour: "#ffffff", ..VALUE } };
        canvas.centred(x + w / 2.0, y + h / 2.0, &text, face);
    }
}

fn stroke(canvas: &mut Canvas, class: &str, path: &str, colour: &str, width: f64) {
    canvas.add(
        "path",
        &[
            ("class", class.into()),
            ("d", path.into()),
            ("fill", "none".into()),
            ("stroke", colour.into()),
            ("stroke-width", width.into()),
        ],
    );
}

fn cross(x: f64, y: f64, arm: f64) -> String {
    let [l, r, t, b] = [x - arm, x + arm, y - arm, y + arm].map(pixels);
    format!("M{l} {t}L{r} {b}M{l} {b}L{r} {t}")
}

/// The colour bar with its numbers and name; returns the y below it.
fn colour_bar(canvas: &mut Canvas, data: &Heatmap, x: f64, top: f64, bottom: f64) -> f64 {
    let height = (bottom - top).min(420.0);
    let slice = height / SLICES as f64;
    for index in 0..SLICES {
        let share = 1.0 - (index as f64 + 0.5) / SLICES as f64;
        canvas.tile("bar", x, top + index as f64 * slice, (16.0, slice), &hex(viridis(share)));
    }
    let values =
        data.tiles.iter().filter(|t| t.x < data.x.values.len() && t.y < data.y.values.len()).filter_map(|t| t.value);
    let scale = Scale::around(data.metric.spread, values, top + height, top);
    let ticks = scale.ticks(((height / 36.0) as usize).clamp(2, 9));
    for tick in &ticks {
        let y = scale.position(tick.value);
        canvas.line("tick", (x + 16.0, y), (x + 21.0, y), FAINT, 1.0);
        canvas.centred(x + 26.0, y, &tick.label, TICK);
    }
    let numbers = ticks.iter().map(|tick| TICK.width(&tick.label)).fold(0.0, f64::max);
    canvas.upright(x + 26.0 + numbers + 24.0, top + height / 2.0, &data.metric.title(), AXIS);
    top + height
}

/// The legend of the signs that occur.
fn signs(canvas: &mut Canvas, tiles: &[Option<&Tile>], y: f64, width: f64) -> f64 {
    let entries: Vec<(Sign, &str)> = [
        (Sign::Inflated, "some runs inflated"),
        (Sign::Partly, "some runs diverged"),
        (Sign::Diverged, "the median falls on a diverged run"),
        (Sign::Nothing, "no runs"),
    ]
    .into_iter()
    .filter(|(sign, _)| tiles.iter().any(|tile| has_sign(*tile, *sign)))
    .collect();
    if entries.is_empty() {
        return y - 20.0;
    }
    legend(canvas, MARGIN, y, width - MARGIN, &entries, |canvas, sign, x, y| {
        let fill = if *sign == Sign::Nothing { NOTHING } else { FAILED };
        canvas.add(
            "rect",
            &[
                ("class", "key".into()),
                ("x", x.into()),
                ("y", (y - 8.0).into()),
                ("width", 22.0.into()),
                ("height", 16.0.into()),
                ("fill", fill.into()),
                ("stroke", FAINT.into()),
                ("stroke-width", 0.8.into()),
            ],
        );
        match sign {
            Sign::Inflated => stroke(canvas, "key", &hatch(x, y - 8.0, 22.0, 16.0, 6.0), INK, 1.0),
            Sign::Partly => stroke(canvas, "key", &cross(x + 17.0, y - 3.0, 2.5), INK, 1.4),
            Sign::Diverged => stroke(canvas, "key", &cross(x + 11.0, y, 4.0), MUTED, 1.6),
            Sign::Nothing => {}
        }
        22.0
    })
}

/// The colour at `share` of the bar, 0 … 1.
fn viridis(share: f64) -> [u8; 3] {
    let at = share.clamp(0.0, 1.0) * (VIRIDIS.len() - 1) as f64;
    let below = (at as usize).min(VIRIDIS.len() - 2);
    let part = at - below as f64;
    std::array::from_fn(|k| {
        let (a, b) = (f64::from(VIRIDIS[below][k]), f64::from(VIRIDIS[below + 1][k]));
        (a + part * (b - a)).round() as u8
    })
}

fn hex([r, g, b]: [u8; 3]) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// Whether white reads better than black on the colour (by its luma, ITU-R BT.601; at 105 both contrasts are about equal).
fn dark([r, g, b]: [u8; 3]) -> bool {
    0.299 * f64::from(r) + 0.587 * f64::from(g) + 0.114 * f64::from(b) < 105.0
}

#[cfg(test)]
mod tests {
    use super::super::Spread;
    use super::super::inspect::Picture;
    use super::*;

    fn sample(columns: usize, rows: usize) -> Heatmap {
        let tiles = (0..columns * rows)
            .filter(|i| i % 7 != 6)
            .map(|i| Tile {
                x: i % columns,
                y: i / columns,
                across: 0,
                down: 0,
                value: (i % 5 != 4).then(|| 10f64.powi(-(i as i32 % 6))),
                cells: 4,
                done: 4,
                running: 0,
                failed: 0,
                diverged: u32::from(i % 5 == 3),
                inflated: u32::from(i % 4 == 1),
                href: None,
            })
            .collect();
        Heatmap {
            title: "λ × lr".into(),
            subtitle: "sample data".into(),
            caption: "n = 4, seeds 0–3.".into(),
            x: Category {
                name: "lr".into(),
                values: (0..columns).map(|i| format!("{}", 10f64.powi(i as i32 - 3))).collect(),
            },
            y: Category { name: "λ".into(), values: (0..rows).map(|i| format!("row <{i}>")).collect() },
            across: None,
            down: None,
            metric: Axis { name: "relative test error".into(), spread: Spread::Log },
            range: None,
            contour: None,
            tiles,
        }
    }

    #[test]
    fn every_cell_is_drawn_once_and_signs_are_kept() {
        let data = sample(6, 5);
        let picture = Picture::read(&heatmap(&data));
        picture.check();
        let count = |f: &dyn Fn(&Tile) -> bool| data.tiles.iter().filter(|t| f(t)).count();
        assert_eq!(picture.count("data"), data.tiles.len());
        assert_eq!(picture.count("nothing"), 30 - data.tiles.len());
        assert_eq!(picture.count("hatch"), count(&|t| t.inflated > 0));
        assert_eq!(picture.count("cross"), count(&|t| t.value.is_none()));
        assert_eq!(picture.count("partly"), count(&|t| t.diverged > 0 && t.value.is_some()));
        for text in
            ["row <0>", "row <4>", "lr", "λ", "relative test error (log)", "some runs inflated", "no runs", "0.01"]
        {
            assert!(picture.texts().iter().any(|t| t == text), "{text}: {:?}", picture.texts());
        }
    }

    #[test]
    fn any_size_and_odd_values_are_drawn() {
        for (columns, rows) in [(1, 1), (2, 12), (40, 3), (60, 60), (0, 4)] {
            Picture::read(&heatmap(&sample(columns, rows))).check();
        }
        let mut odd = sample(3, 3);
        odd.x.values = vec!["a very long optimizer name with a schedule and a half".into(), "b".into(), "c".into()];
        odd.tiles[0].value = Some(f64::NAN);
        odd.tiles[1].value = Some(-1.0);
        let stray = Tile { x: 99, ..odd.tiles[0].clone() };
        odd.tiles.push(stray);
        Picture::read(&heatmap(&odd)).check();
        odd.tiles.retain(|tile| tile.x > 3);
        assert_eq!(Picture::read(&heatmap(&odd)).count("empty"), 1);
    }

    #[test]
    fn hatching_stays_in_its_cell() {
        for number in hatch(10.0, 20.0, 30.0, 7.0, 4.0).split(|c: char| "ML ".contains(c)).filter(|s| !s.is_empty()) {
            assert!((10.0..=40.0).contains(&number.parse::<f64>().unwrap()));
        }
        assert_eq!(hatch(0.0, 0.0, 10.0, 10.0, 10.0), "M0 5L5 0M5 10L10 5");
    }
}
