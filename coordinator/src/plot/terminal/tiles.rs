//! A heat map in characters: five shades, a sign for what has none, facets one below the other.

use super::super::heatmap::{Category, Heatmap, Tile};
use super::super::scale::{Scale, Spread};
use super::strip::shortened;
use super::{Characters, Style, cut, plain, short};

const UNICODE: [char; 5] = ['·', '░', '▒', '▓', '█'];
const ASCII: [char; 5] = ['.', ':', '-', '=', '#'];
/// Most characters of a tile.
const MOST: usize = 12;

/// What a tile is drawn as beside its shade.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    Diverged,
    GivenUp,
    Running,
    Pending,
}

impl Sign {
    const ALL: [Sign; 4] = [Sign::Diverged, Sign::GivenUp, Sign::Running, Sign::Pending];

    fn of(tile: &Tile) -> Sign {
        match tile {
            tile if tile.done > 0 => Sign::Diverged,
            tile if tile.running > 0 => Sign::Running,
            tile if tile.failed > 0 && tile.failed >= tile.cells => Sign::GivenUp,
            _ => Sign::Pending,
        }
    }

    fn character(self, characters: Characters) -> char {
        match (self, characters) {
            (Sign::Diverged, Characters::Unicode) => '×',
            (Sign::Diverged, Characters::Ascii) => 'x',
            (Sign::GivenUp, _) => '!',
            (Sign::Running, _) => '~',
            (Sign::Pending, _) => '_',
        }
    }

    fn text(self) -> &'static str {
        match self {
            Sign::Diverged => "no median (diverged)",
            Sign::GivenUp => "given up",
            Sign::Running => "running",
            Sign::Pending => "pending",
        }
    }
}

/// Draws the tiles as lines of text that each end in a newline, at most `style.width` characters wide (at least 24). A
/// grid that is wider is continued below. The scale is the picture's; of `style`, only width and characters count.
pub fn tiles(data: &Heatmap, style: Style) -> String {
    let (width, characters) = (style.width.max(24), style.characters);
    let count = |facets: &Option<Category>| facets.as_ref().map_or(1, |category| category.values.len());
    let (columns, rows) = (data.x.values.len(), data.y.values.len());
    let (across, down) = (count(&data.across), count(&data.down));
    let inside = |t: &&Tile| t.x < columns && t.y < rows && t.across < across && t.down < down;
    let all: Vec<&Tile> = data.tiles.iter().filter(inside).collect();
    if all.is_empty() {
        return "no cells\n".to_owned();
    }
    let value = |tile: &Tile| tile.value.filter(|v| v.is_finite());
    let levels = if characters == Characters::Unicode { UNICODE } else { ASCII };
    let values = || all.iter().filter_map(|tile| value(tile));
    // From the lowest to the highest value, so that both end shades occur.
    let (low, high) = data.range.unwrap_or((values().fold(f64::INFINITY, f64::min), values().fold(f64::MIN, f64::max)));
    let scale = if low < high {
        Scale::over(data.metric.spread, low, high, 0.0, levels.len() as f64)
    } else {
        Scale::around(data.metric.spread, [low], 0.0, levels.len() as f64)
    };
    let shade = |value: f64| levels[(scale.position(value) as usize).min(levels.len() - 1)];
    let character = |tile: &Tile| value(tile).map_or_else(|| Sign::of(tile).character(characters), shade);

    let x_names: Vec<String> = data.x.values.iter().map(|name| plain(name, characters)).collect();
    let y_names: Vec<String> = data.y.values.iter().map(|name| plain(name, characters)).collect();
    let longest = |names: &[String]| names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    let margin = longest(&y_names).max(plain(&data.y.name, characters).chars().count()).min(width / 3);
    let room = width - margin - 1;
    // As wide as the names where these fit, else two characters, about a square, else one.
    let wanted = (longest(&x_names) + 1).clamp(2, MOST);
    let cell = [wanted, 2, 1].into_iter().find(|cell| cell * columns <= room).unwrap_or(1);
    let share = room / cell;

    let mut lines = Vec::new();
    for (d, a) in (0..down).flat_map(|d| (0..across).map(move |a| (d, a))) {
        let facet: Vec<&&Tile> = all.iter().filter(|tile| (tile.across, tile.down) == (a, d)).collect();
        if facet.is_empty() {
            continue;
        }
        let named = [data.down.as_ref().map(|c| (c, d)), data.across.as_ref().map(|c| (c, a))];
        let named: Vec<String> =
            named.into_iter().flatten().map(|(c, index)| format!("{} {}", c.name, c.values[index])).collect();
        if !named.is_empty() {
            lines.push(shortened(&plain(&named.join(" · "), characters), width, characters));
        }
        let mut grid = vec![' '; columns * rows];
        for tile in facet {
            grid[tile.y * columns + tile.x] = character(tile);
        }
        for first in (0..columns).step_by(share) {
            let last = (first + share).min(columns);
            // The name of the axis up, above its values.
            lines.push(shortened(&plain(&data.y.name, characters), margin, characters));
            for row in (0..rows).rev() {
                let drawn =
                    |x: usize| grid[row * columns + x].to_string().repeat(if cell > 2 { cell - 1 } else { cell });
                let drawn: String = (first..last).map(|x| format!("{:<cell$}", drawn(x))).collect();
                let name = shortened(&y_names[row], margin, characters);
                lines.push(format!("{name:>margin$} {drawn}").trim_end().to_owned());
            }
            lines.push(names_below(&x_names[first..last], cell, margin, width));
            lines.push(cut(&format!("{:>margin$} {}", "", plain(&data.x.name, characters)), width));
        }
        lines.push(String::new());
    }
    let bounds =
        |level: usize| short(bound(&scale, data.metric.spread, level as f64 / levels.len() as f64), characters);
    let mut legend: Vec<String> = vec![format!("{}:", plain(&title(data), characters))];
    if values().next().is_some() {
        let range = |level: usize| format!("{} {}..{}", levels[level], bounds(level), bounds(level + 1));
        legend.extend((0..levels.len()).map(range));
    }
    let signs = Sign::ALL.into_iter().filter(|s| all.iter().any(|t| value(t).is_none() && Sign::of(t) == *s));
    legend.extend(signs.map(|sign| format!("{} {}", sign.character(characters), sign.text())));
    lines.extend(filled(&legend, width, characters));
    lines.into_iter().map(|line| line + "\n").collect()
}

/// The name of what the shades stand for, without its formula.
fn title(data: &Heatmap) -> String {
    let log = if data.metric.spread == Spread::Log { " (log)" } else { "" };
    format!("{}{log}", data.metric.short())
}

/// The value at `share` of the way along the scale.
fn bound(scale: &Scale, spread: Spread, share: f64) -> f64 {
    let (low, high) = scale.domain();
    match spread {
        Spread::Linear => low * (1.0 - share) + high * share,
        Spread::Log => (low.ln() * (1.0 - share) + high.ln() * share).exp(),
    }
}

/// The names of tiles of `cell` characters, each above the left of its tile; those that have no room are left out.
fn names_below(names: &[String], cell: usize, margin: usize, width: usize) -> String {
    let mut line: Vec<char> = vec![' '; width];
    let mut free = 0;
    for (index, name) in names.iter().enumerate() {
        let (start, length) = (margin + 1 + index * cell, name.chars().count().min(cell.max(MOST) - 1));
        if start < free || start + length > width {
            continue;
        }
        line.splice(start..start + length, name.chars().take(length));
        free = start + length + 1;
    }
    line.iter().collect::<String>().trim_end().to_owned()
}

/// `parts` one after the other, two spaces between, in lines of at most `width` characters.
fn filled(parts: &[String], width: usize, characters: Characters) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for part in parts {
        let part = shortened(part, width, characters);
        match lines.last_mut().filter(|line| line.chars().count() + 2 + part.chars().count() <= width) {
            Some(line) => *line = format!("{line}  {part}"),
            None => lines.push(part),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::super::Axis;
    use super::*;

    const STYLE: Style =
        Style { width: 60, height: 10, steps: Spread::Log, values: Spread::Log, characters: Characters::Ascii };

    fn category(name: &str, values: &[&str]) -> Category {
        Category { name: name.into(), values: values.iter().map(|&v| v.into()).collect() }
    }

    fn tile(x: usize, y: usize, value: Option<f64>) -> Tile {
        let (across, down, cells, done, running, failed, diverged, inflated, href) = (0, 0, 4, 4, 0, 0, 0, 0, None);
        Tile { x, y, across, down, value, cells, done, running, failed, diverged, inflated, href }
    }

    fn sample() -> Heatmap {
        let values = [Some(1e-4), Some(2e-3), Some(1e-2), Some(0.5), Some(10.0)];
        let mut tiles: Vec<Tile> = values.iter().enumerate().map(|(x, v)| tile(x, 0, *v)).collect();
        let nothing = |x| Tile { done: 0, ..tile(x, 1, None) };
        tiles.push(tile(0, 1, None));
        tiles.push(Tile { failed: 4, ..nothing(1) });
        tiles.push(Tile { running: 1, ..nothing(2) });
        tiles.push(nothing(3));
        Heatmap {
            title: "t".into(),
            subtitle: String::new(),
            caption: String::new(),
            x: category("lr", &["0.1", "0.2", "0.3", "0.4", "0.5"]),
            y: category("depth", &["1", "2"]),
            across: None,
            down: None,
            metric: Axis { name: "error  |W|".into(), spread: Spread::Log },
            word: "median",
            range: None,
            contour: None,
            tiles,
        }
    }

    #[test]
    fn shades_ascend_and_every_state_has_its_sign() {
        assert_eq!(
            tiles(&sample(), STYLE),
            "depth\n    2 xxx !!! ~~~ ___\n    1 ... ::: --- === ###\n      0.1 0.2 0.3 0.4 0.5\n      lr\n\n\
             error (log):  . 0.0001..0.001  : 0.001..0.01  - 0.01..0.1\n\
             = 0.1..1  # 1..10  x no median (diverged)  ! given up\n~ running  _ pending\n"
        );
    }

    #[test]
    fn facets_share_the_shades() {
        let mut data = sample();
        data.across = Some(category("penalty", &["none", "ratio"]));
        data.tiles = vec![
            tile(0, 0, Some(1e-4)),
            tile(1, 0, Some(0.05)),
            Tile { across: 1, ..tile(0, 0, Some(0.05)) },
            Tile { across: 1, ..tile(1, 0, Some(10.0)) },
        ];
        let text = tiles(&data, STYLE);
        let blocks: Vec<&str> = text.split("\n\n").collect();
        assert!(blocks[0].starts_with("penalty none\n") && blocks[1].starts_with("penalty ratio\n"), "{text}");
        let row = |block: &str| block.lines().find(|line| line.contains("1 ")).unwrap().to_owned();
        assert!(row(blocks[0]).contains("... ---") && row(blocks[1]).contains("--- ###"), "{text}");
    }

    #[test]
    fn a_wide_grid_is_continued_below() {
        let mut data = sample();
        data.x.values = (0..60).map(|x| x.to_string()).collect();
        data.tiles = (0..60).map(|x| tile(x, 0, Some(1.0 + x as f64))).collect();
        let text = tiles(&data, Style { width: 30, ..STYLE });
        let drawn = text.lines().filter_map(|line| line.strip_prefix("    1 "));
        assert_eq!(
            drawn.map(|line| line.chars().filter(|c| ".:-=#".contains(*c)).count()).sum::<usize>(),
            60,
            "{text}"
        );
    }

    proptest! {
        #[test]
        fn every_line_keeps_the_width_and_the_characters(
            values in proptest::collection::vec(proptest::option::of(any::<f64>()), 1..80), columns in 1usize..40,
            names in proptest::collection::vec(any::<String>(), 8), width in 0usize..130, log in any::<bool>(),
            ascii in any::<bool>(), range in proptest::option::of((-1.0..1.0f64, -1.0..1.0f64)),
        ) {
            let mut data = sample();
            let rows = values.len().div_ceil(columns);
            data.x = Category { name: names[0].clone(), values: names.iter().cycle().take(columns).cloned().collect() };
            data.y = Category { name: names[1].clone(), values: names.iter().cycle().take(rows).cloned().collect() };
            data.across = Some(Category { name: names[2].clone(), values: vec![names[3].clone()] });
            data.metric = Axis { name: names[4].clone(), spread: if log { Spread::Log } else { Spread::Linear } };
            data.range = range;
            data.tiles = values.iter().enumerate().map(|(i, v)| tile(i % columns, i / columns, *v)).collect();
            let characters = if ascii { Characters::Ascii } else { Characters::Unicode };
            let text = tiles(&data, Style { width, characters, ..STYLE });
            prop_assert!(text.lines().all(|line| line.chars().count() <= width.max(24)), "{}", text);
            prop_assert!(!text.chars().any(|c| c.is_control() && c != '\n') && (!ascii || text.is_ascii()));
        }
    }
}
