//! The line where a grid of values crosses a level: marching squares over the tiles' centres.
//!
//! Centres stand at whole numbers, the edges of the grid half a tile beyond them; there the value of the outermost tile
//! goes on. Where one of four neighbours has no value there is no line.

use super::super::Spread;
use super::super::frame::{ON_DARK, ON_LIGHT};
use super::super::svg::{Canvas, pixels};

/// Pixels of the line; light beside it, so that it shows on dark tiles, dark within, so that it shows on light ones.
const LINE: f64 = 2.0;
const HALO: f64 = 4.8;

/// A piece of the line, in units of tiles.
pub(super) type Piece = [(f64, f64); 2];

/// The pieces of the line at `level` through `columns` × `rows` values.
pub(super) fn pieces(
    value: impl Fn(usize, usize) -> Option<f64>,
    (columns, rows): (usize, usize),
    level: f64,
    spread: Spread,
) -> Vec<Piece> {
    let height = |value: f64| match spread {
        Spread::Linear => value,
        Spread::Log => value.max(f64::MIN_POSITIVE).ln(),
    };
    if !level.is_finite() || (spread == Spread::Log && level <= 0.0) {
        return Vec::new();
    }
    let level = height(level);
    let at = |x: usize, y: usize| value(x, y).filter(|v| v.is_finite()).map(height);
    let mut out = Vec::new();
    for ys in stops(rows).windows(2) {
        for xs in stops(columns).windows(2) {
            // Around the square: lower left, lower right, upper right, upper left.
            let corners = [(xs[0], ys[0]), (xs[1], ys[0]), (xs[1], ys[1]), (xs[0], ys[1])];
            let heights = corners.map(|(x, y)| at(x.1, y.1));
            let [Some(a), Some(b), Some(c), Some(d)] = heights else { continue };
            let heights = [a, b, c, d];
            let crossing = |side: usize| {
                let (from, to) = (heights[side], heights[(side + 1) % 4]);
                let ((x1, y1), (x2, y2)) = (corners[side], corners[(side + 1) % 4]);
                let share = ((level - from) / (to - from)).clamp(0.0, 1.0);
                ((from < level) != (to < level)).then_some((x1.0 + share * (x2.0 - x1.0), y1.0 + share * (y2.0 - y1.0)))
            };
            let crossings: Vec<(f64, f64)> = (0..4).filter_map(crossing).collect();
            match crossings[..] {
                [p, q] => out.push([p, q]),
                // A saddle: the middle tells which two corners belong together.
                [p, q, r, s] => {
                    let middle = heights.iter().map(|h| h / 4.0).sum::<f64>();
                    let joined = (middle < level) == (heights[0] < level);
                    out.extend(if joined { [[p, q], [r, s]] } else { [[s, p], [q, r]] });
                }
                _ => {}
            }
        }
    }
    out
}

/// Along an axis of `count` tiles: its edge, the centres, its other edge, each with the tile whose value holds there.
fn stops(count: usize) -> Vec<(f64, usize)> {
    let Some(last) = count.checked_sub(1) else { return Vec::new() };
    let centres = (0..count).map(|index| (index as f64, index));
    [(-0.5, 0)].into_iter().chain(centres).chain([(last as f64 + 0.5, last)]).collect()
}

/// Draws pieces that are in pixels.
pub(super) fn draw(canvas: &mut Canvas, pieces: &[Piece]) {
    let mut path = String::new();
    for [from, to] in pieces {
        let [x1, y1, x2, y2] = [from.0, from.1, to.0, to.1].map(pixels);
        path.push_str(&format!("M{x1} {y1}L{x2} {y2}"));
    }
    for (class, colour, width) in [("halo", ON_DARK, HALO), ("contour", ON_LIGHT, LINE)] {
        canvas.add(
            "path",
            &[
                ("class", class.into()),
                ("d", path.as_str().into()),
                ("fill", "none".into()),
                ("stroke", colour.into()),
                ("stroke-width", width.into()),
                ("stroke-linecap", "round".into()),
                // Clicks belong to the tiles below.
                ("pointer-events", "none".into()),
            ],
        );
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_line_crosses_between_neighbours_by_ratio_on_a_log_scale() {
        let row = |x: usize, _| Some([0.01, 1.0][x]);
        // 0.1 is half way between 0.01 and 1 by ratio, at 0.0909… of the difference.
        let log = pieces(row, (2, 1), 0.1, Spread::Log);
        assert_eq!(log.len(), 2);
        assert!(log.iter().flatten().all(|(x, _)| (x - 0.5).abs() < 1e-12), "{log:?}");
        let ys: Vec<f64> = log.iter().flatten().map(|(_, y)| *y).collect();
        assert!(ys.contains(&-0.5) && ys.contains(&0.5), "from edge to edge: {ys:?}");
        let linear = pieces(row, (2, 1), 0.1, Spread::Linear);
        assert!(linear.iter().flatten().all(|(x, _)| (x - 0.09 / 0.99).abs() < 1e-12), "{linear:?}");
    }

    #[test]
    fn a_tile_without_a_value_has_no_line_beside_it() {
        let value = |x: usize, y: usize| ((x, y) != (1, 1)).then_some(if x < 2 { 0.0 } else { 1.0 });
        let line = pieces(value, (4, 4), 0.5, Spread::Linear);
        assert!(!line.is_empty() && line.iter().flatten().all(|(_, y)| *y >= 2.0 || *y <= 0.0), "{line:?}");
    }

    #[test]
    fn no_level_no_line() {
        for (level, spread) in [(f64::NAN, Spread::Linear), (0.0, Spread::Log), (-1.0, Spread::Log), (9.0, Spread::Log)]
        {
            assert_eq!(pieces(|x, _| Some(x as f64), (3, 3), level, spread), Vec::<Piece>::new());
        }
        assert!(pieces(|_, _| Some(1.0), (0, 3), 1.0, Spread::Log).is_empty());
    }

    proptest! {
        /// Between the centres of two neighbours the line passes once if one is below the level and the other not,
        /// else not at all.
        #[test]
        fn the_line_separates_tiles_above_the_level_from_those_below(
            values in proptest::collection::vec(proptest::option::weighted(0.9, 1e-6..1e6f64), 36), log in any::<bool>(),
            columns in 1usize..6, rows in 1usize..6, level in 1e-3..1e3f64,
        ) {
            let spread = if log { Spread::Log } else { Spread::Linear };
            let value = |x: usize, y: usize| values[y * 6 + x];
            let line = pieces(value, (columns, rows), level, spread);
            let below = |x: usize, y: usize| value(x, y).map(|v| v < level);
            let strictly_between = |v: f64, a: usize| v > a as f64 && v < a as f64 + 1.0;
            for y in 0..rows {
                for x in 0..columns.saturating_sub(1) {
                    // The squares above and below both end at the edge between two centres.
                    let ends = line.iter().flatten().filter(|p| p.1 == y as f64 && strictly_between(p.0, x)).count();
                    let neighbours = |x: usize, y: usize| {
                        let ok = |y: usize| value(x, y).is_some() && value(x + 1, y).is_some();
                        let above = if y + 1 < rows { ok(y + 1) } else { true };
                        let under = if y > 0 { ok(y - 1) } else { true };
                        usize::from(above) + usize::from(under)
                    };
                    let expected = match (below(x, y), below(x + 1, y)) {
                        (Some(a), Some(b)) if a != b => neighbours(x, y),
                        _ => 0,
                    };
                    prop_assert_eq!(ends, expected, "at {} {}: {:?}", x, y, line);
                }
            }
        }
    }
}
