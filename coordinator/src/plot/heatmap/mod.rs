//! Two axes and a metric: the median of each tile as a colour, with signs for what failed, runs or is still to come.
//!
//! Facets, a grid for each value of a third and a fourth axis, share one scale of colours. What a colour alone would
//! say has a sign too. `layout` says where things stand, `tile` draws one place, `contour` the line at a level, `colour`
//! the colours and their bar.

mod colour;
mod contour;
mod layout;
#[cfg(test)]
mod tests;
mod tile;

use super::Axis;
use super::frame::{AXIS, INK, MARGIN, TICK, foot, head, keep_inside, legend, message, name_up};
use super::scale::number;
use super::svg::{Canvas, Face, formula_fit, formula_width};
use super::text::CAP_HEIGHT;
use colour::Bar;
use layout::{Heading, Layout, MOST_HEADING, MOST_LABEL, TO_BAR, TO_HEADING, heading};
use tile::Sign;

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
    /// What the number of a tile is, for its tooltip: median or share.
    pub word: &'static str,
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

const NUMBERS: [Face; 2] = [Face::new(12.5, INK).middle(), Face::new(11.0, INK).middle()];

/// Draws the picture.
pub fn heatmap(data: &Heatmap) -> String {
    let mut canvas = Canvas::default();
    let tiles = Places::of(data);
    let colours = colour::scale(data, tiles.values(), 0.0, 1.0);
    let with_bar = tiles.values().next().is_some();
    let bar = |height: f64| with_bar.then(|| Bar::of(data, &colours, height));
    let layout = Layout::of(data, |height| bar(height).map_or(0.0, |bar| TO_BAR + bar.width()));
    let width = layout.width;
    let top = head(&mut canvas, width, &data.title, &data.subtitle);
    if tiles.all().next().is_none() {
        let bottom = message(&mut canvas, width, top + 6.0, "No cells: there is nothing to draw yet.");
        let height = foot(&mut canvas, width, bottom + 8.0, &data.caption);
        return canvas.finish(width, height, &data.title, "Without data.");
    }
    let layout = layout.below(top);
    headings(&mut canvas, data, &layout);
    let area = |tile: &Tile| {
        let left = layout.facet_left(tile.across) + tile.x as f64 * layout.tile.0;
        let top = layout.facet_bottom(tile.down) - (tile.y + 1) as f64 * layout.tile.1;
        (left, top, layout.tile.0, layout.tile.1)
    };
    for tile in tiles.all() {
        tile::draw(&mut canvas, tile, data, &colours, area(tile));
    }
    let pieces = contour_pieces(data, &tiles, &layout);
    if !pieces.is_empty() {
        contour::draw(&mut canvas, &pieces);
    }
    if let Some(face) = numbers(&tiles, layout.tile) {
        for tile in tiles.all() {
            tile::write(&mut canvas, tile, &colours, area(tile), face);
        }
    }
    let mut below = labels(&mut canvas, data, &layout);
    let mut right = layout.right();
    if layout.down != Heading::Absent {
        right = row_headings(&mut canvas, data, &layout);
    }
    let level = data.contour.as_ref().map(|contour| contour.level);
    let bar_bottom = bar(layout.plot_height())
        .map_or(0.0, |bar| bar.draw(&mut canvas, &colours, level, (right + TO_BAR).round(), layout.corner.1));

    let limit = right.max(MARGIN) + 20.0;
    let name = formula_fit(&data.x.name, AXIS, width - 2.0 * MARGIN);
    let length = formula_width(&name, AXIS);
    let beside_bar = length <= limit - MARGIN;
    below = if beside_bar { below } else { below.max(bar_bottom) } + 22.0;
    let limit = if beside_bar { limit } else { width - MARGIN };
    let middle = keep_inside((layout.corner.0 + layout.right()) / 2.0, length, MARGIN, limit);
    canvas.formula(middle, below, &name, AXIS.middle());
    let below = signs(&mut canvas, data, &tiles, !pieces.is_empty(), below.max(bar_bottom) + 30.0, width);
    let height = foot(&mut canvas, width, below, &data.caption);
    canvas.finish(width, height, &data.title, &description(data))
}

/// The tiles by place, of two at one place the later.
struct Places<'a> {
    /// Across, up; facets across, down.
    sizes: [usize; 4],
    tiles: Vec<Option<&'a Tile>>,
}

impl<'a> Places<'a> {
    fn of(data: &'a Heatmap) -> Places<'a> {
        let count = |facets: &Option<Category>| facets.as_ref().map_or(1, |category| category.values.len());
        let sizes = [data.x.values.len(), data.y.values.len(), count(&data.across), count(&data.down)];
        let mut places = Places { sizes, tiles: vec![None; sizes.iter().product()] };
        for tile in &data.tiles {
            if let Some(index) = places.index([tile.x, tile.y, tile.across, tile.down]) {
                places.tiles[index] = Some(tile);
            }
        }
        places
    }

    fn index(&self, place: [usize; 4]) -> Option<usize> {
        let inside = place.iter().zip(self.sizes).all(|(index, size)| *index < size);
        inside.then(|| place.iter().zip(self.sizes).rev().fold(0, |index, (at, size)| index * size + at))
    }

    fn get(&self, place: [usize; 4]) -> Option<&'a Tile> {
        self.tiles[self.index(place)?]
    }

    fn all(&self) -> impl Iterator<Item = &'a Tile> + Clone {
        self.tiles.iter().copied().flatten()
    }

    fn values(&self) -> impl Iterator<Item = f64> + Clone {
        self.all().filter_map(Tile::median)
    }
}

/// The face of the numbers, if all of them have room in tiles of this size.
fn numbers(tiles: &Places, (width, height): (f64, f64)) -> Option<Face> {
    let widest = |face: &Face| tiles.values().map(|value| face.width(&number(value, 2))).fold(0.0, f64::max);
    NUMBERS.into_iter().find(|face| height >= face.size + 13.0 && widest(face) + 10.0 <= width)
}

/// The contour of every facet, in pixels.
fn contour_pieces(data: &Heatmap, tiles: &Places, layout: &Layout) -> Vec<contour::Piece> {
    let Some(Contour { level, .. }) = data.contour else { return Vec::new() };
    let facets = (0..layout.facets.1).flat_map(|down| (0..layout.facets.0).map(move |across| (across, down)));
    facets
        .flat_map(|(across, down)| {
            let value = |x, y| tiles.get([x, y, across, down]).and_then(Tile::median);
            let (left, bottom) = (layout.facet_left(across), layout.facet_bottom(down));
            let place =
                move |(x, y): (f64, f64)| (left + (x + 0.5) * layout.tile.0, bottom - (y + 0.5) * layout.tile.1);
            let pieces = contour::pieces(value, layout.grid, level, data.metric.spread);
            pieces.into_iter().map(move |piece| piece.map(place))
        })
        .collect()
}

/// What stands above the facets: their values, and the name of the axis up where it has no room beside them.
fn headings(canvas: &mut Canvas, data: &Heatmap, layout: &Layout) {
    let bold = TICK.bold();
    if let Some(category) = &data.across {
        for (index, value) in category.values.iter().enumerate() {
            let text = if layout.across == Heading::Whole { heading(category, value) } else { value.clone() };
            let middle = layout.facet_left(index) + layout.facet().0 / 2.0;
            let y = layout.line(0) - TICK.size * CAP_HEIGHT / 2.0;
            canvas.cut(middle, y, &text, bold.middle(), layout.facet().0);
        }
        if layout.across == Heading::Apart {
            let middle = (layout.corner.0 + layout.right()) / 2.0;
            let name = bold.fit(&category.name, layout.plot_width().max(layout.width - 2.0 * middle.max(0.0)));
            let middle = keep_inside(middle, bold.width(&name), MARGIN, layout.width - MARGIN);
            canvas.text(middle, layout.line(1), &name, bold.middle());
        }
    }
    if layout.level_name {
        let name = formula_fit(&data.y.name, AXIS, layout.width - 2.0 * MARGIN);
        canvas.formula(MARGIN, layout.top_line(), &name, AXIS);
    } else {
        name_up(canvas, &data.y.name, (layout.corner.1 + layout.bottom()) / 2.0);
    }
}

/// The values of the facets one below the other, at their right; returns the x where they end.
fn row_headings(canvas: &mut Canvas, data: &Heatmap, layout: &Layout) -> f64 {
    let Some(category) = &data.down else { return layout.right() };
    let (x, bold) = (layout.right() + TO_HEADING, TICK.bold());
    let mut widest: f64 = 0.0;
    for (index, value) in category.values.iter().enumerate() {
        let text = if layout.down == Heading::Whole { heading(category, value) } else { value.clone() };
        let middle = layout.facet_bottom(index) - layout.facet().1 / 2.0;
        canvas.cut(x, middle, &text, bold, MOST_HEADING);
        widest = widest.max(bold.width(&text));
    }
    if layout.down == Heading::Apart {
        canvas.cut(x, layout.line(0) - TICK.size * CAP_HEIGHT / 2.0, &category.name, bold, MOST_HEADING);
        widest = widest.max(bold.width(&category.name));
    }
    x + widest.min(MOST_HEADING)
}

/// The values of both axes, at the outer edges; returns the y below.
fn labels(canvas: &mut Canvas, data: &Heatmap, layout: &Layout) -> f64 {
    let (bottom, (every_x, every_y)) = (layout.bottom(), layout.every());
    for across in 0..layout.facets.0 {
        for (index, label) in data.x.values.iter().enumerate().step_by(every_x) {
            let x = layout.facet_left(across) + (index as f64 + 0.5) * layout.tile.0;
            if layout.upright() {
                let shown = TICK.fit(label, MOST_LABEL);
                canvas.upright_end(x + TICK.size * CAP_HEIGHT / 2.0, bottom + 8.0, &shown, TICK);
            } else {
                canvas.text(x, bottom + 20.0, label, TICK.middle());
            }
        }
    }
    for down in 0..layout.facets.1 {
        for (index, label) in data.y.values.iter().enumerate().step_by(every_y) {
            let y = layout.facet_bottom(down) - (index as f64 + 0.5) * layout.tile.1;
            canvas.cut(layout.corner.0 - 8.0, y, label, TICK.end(), MOST_LABEL);
        }
    }
    bottom + layout.x_labels()
}

/// The legend of what occurs; returns the y below.
fn signs(canvas: &mut Canvas, data: &Heatmap, tiles: &Places, contour: bool, y: f64, width: f64) -> f64 {
    let occurs = |sign: Sign| tiles.all().any(|tile| tile.has(sign));
    let mut entries: Vec<(Option<Sign>, &str)> =
        Sign::ALL.iter().filter(|(sign, _)| occurs(*sign)).map(|(sign, text)| (Some(*sign), *text)).collect();
    let label = data.contour.as_ref().map(|contour| TICK.fit(&contour.label, width - 2.0 * MARGIN - 40.0));
    entries.extend(label.as_deref().filter(|_| contour).map(|label| (None, label)));
    if entries.is_empty() {
        return y - 20.0;
    }
    legend(canvas, MARGIN, y, width - MARGIN, &entries, |canvas, sign, x, y| {
        let (area, ink) = ((x, y - 8.0, 22.0, 16.0), super::frame::ON_LIGHT);
        match sign {
            Some(Sign::Running | Sign::Pending | Sign::GivenUp) => {}
            _ => canvas.rect("key", x, y - 8.0, (22.0, 16.0), 0.0, tile::WITHOUT),
        }
        match sign {
            Some(sign) => tile::mark(canvas, *sign, &tile::SAMPLE, area, ink, tile::WITHOUT),
            None => contour::draw(canvas, &[[(x + 3.0, y), (x + 19.0, y)]]),
        }
        22.0
    })
}

fn description(data: &Heatmap) -> String {
    let facets = data.across.iter().chain(&data.down).map(|category| format!(", for each {}", category.name));
    format!("{} by {} and {}{}", data.metric.name, data.x.name, data.y.name, facets.collect::<String>())
}
