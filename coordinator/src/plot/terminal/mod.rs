//! Plots made of characters: a trajectory, a table of methods and a heat map in a terminal, and a sparkline in a line of
//! a table.
//!
//! Every line is at most as wide as asked for, and no control character gets through, so that a name cannot move the
//! cursor. Points without a value (NULL) are gaps and are counted.

mod strip;
mod tiles;

pub use strip::{StripRow, strip};
pub use tiles::tiles;

use super::scale::{Scale, Spread, Tick, number};

/// The characters that may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Characters {
    /// Braille patterns, 2 × 4 dots a character, and box drawing.
    Unicode,
    /// ASCII alone, 1 × 2 dots a character.
    Ascii,
}

/// Size and scales of a plot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Characters across, numbers of the axis included; at least 24.
    pub width: usize,
    /// Lines, heading and numbers included; at least 6.
    pub height: usize,
    /// The scale of steps; a log scale has a place of its own for step 0.
    pub steps: Spread,
    /// The scale of values; on a log scale what is not positive stands at the bottom.
    pub values: Spread,
    /// What it is drawn with.
    pub characters: Characters,
}

/// Dots to be set, drawn together into characters.
struct Dots {
    across: usize,
    down: usize,
    set: Vec<bool>,
}

impl Dots {
    fn new(across: usize, down: usize) -> Dots {
        Dots { across, down, set: vec![false; across * down] }
    }

    fn get(&self, x: usize, y: usize) -> bool {
        self.set[y * self.across + x]
    }

    fn mark(&mut self, x: f64, y: f64) {
        let place = |v: f64, count: usize| (v.round().max(0.0) as usize).min(count - 1);
        let (x, y) = (place(x, self.across), place(y, self.down));
        self.set[y * self.across + x] = true;
    }

    fn line(&mut self, from: (f64, f64), to: (f64, f64)) {
        let parts = (to.0 - from.0).abs().max((to.1 - from.1).abs()).ceil().max(1.0);
        for part in 0..=parts as usize {
            let share = part as f64 / parts;
            self.mark(from.0 + share * (to.0 - from.0), from.1 + share * (to.1 - from.1));
        }
    }

    /// The characters of one line.
    fn row(&self, row: usize, characters: Characters) -> String {
        match characters {
            // Unicode numbers the dots 1–3 down the left, 4–6 down the right, then 7 and 8 at the bottom.
            Characters::Unicode => (0..self.across / 2)
                .map(|column| {
                    const BITS: [[u32; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];
                    let mut bits = 0;
                    for (dy, pair) in BITS.iter().enumerate() {
                        for (dx, bit) in pair.iter().enumerate() {
                            bits |= if self.get(2 * column + dx, 4 * row + dy) { *bit } else { 0 };
                        }
                    }
                    if bits == 0 { ' ' } else { char::from_u32(0x2800 + bits).unwrap_or('?') }
                })
                .collect(),
            Characters::Ascii => (0..self.across)
                .map(|x| match (self.get(x, 2 * row), self.get(x, 2 * row + 1)) {
                    (false, false) => ' ',
                    (true, false) => '\'',
                    (false, true) => '.',
                    (true, true) => ':',
                })
                .collect(),
        }
    }
}

/// Draws the values of a trajectory, (step, value) by ascending step, as lines of text that each end in a newline.
/// `name` says what the values are.
pub fn plot(name: &str, points: &[(u64, Option<f64>)], style: Style) -> String {
    let (width, height) = (style.width.max(24), style.height.max(6));
    let finite: Vec<(f64, Option<f64>)> =
        points.iter().map(|(step, value)| (*step as f64, value.filter(|v| v.is_finite()))).collect();
    let known: Vec<f64> = finite.iter().filter_map(|(_, value)| *value).collect();
    let heading = heading(name, &known, points.len(), style.characters);
    let mut lines = vec![cut(&heading, width)];
    let Some(_) = known.first() else {
        lines.push("no values".to_owned());
        return lines.join("\n") + "\n";
    };

    let (dots_x, dots_y) = match style.characters {
        Characters::Unicode => (2, 4),
        Characters::Ascii => (1, 2),
    };
    let rows = height - 3;
    let down = rows * dots_y;
    let y_scale = Scale::around(style.values, known.iter().copied(), down as f64 - 1.0, 0.0);
    let ticks = y_scale.ticks((rows / 2).clamp(2, 6));
    let labels: Vec<String> = ticks.iter().map(|tick| written(tick, style.characters)).collect();
    let margin = labels.iter().map(|label| label.chars().count()).max().unwrap_or(0);
    let columns = width - margin - 1;
    let across = columns * dots_x;

    let with_zero = style.steps == Spread::Log && finite.iter().any(|(step, _)| *step == 0.0);
    let from = if with_zero { 3.0 * dots_x as f64 } else { 0.0 };
    let steps = finite.iter().map(|(step, _)| *step).filter(|step| style.steps == Spread::Linear || *step > 0.0);
    let (first, last) = steps.fold((f64::INFINITY, 0.0), |(low, high): (f64, f64), s| (low.min(s), high.max(s)));
    let last_dot = across as f64 - 1.0;
    // Steps fill the width; a single one stands in the middle.
    let x_scale = if first < last {
        Scale::over(style.steps, first, last, from, last_dot)
    } else {
        Scale::around(style.steps, [last], from, last_dot)
    };
    let x_scale = if with_zero { x_scale.with_zero_at(0.0) } else { x_scale };

    let mut dots = Dots::new(across, down);
    let mut before: Option<(f64, f64)> = None;
    for (step, value) in &finite {
        let here = value.map(|value| (x_scale.position(*step), y_scale.position(value)));
        if let Some(here) = here {
            dots.line(before.unwrap_or(here), here);
        }
        before = here;
    }

    let (bar, tick_bar) = match style.characters {
        Characters::Unicode => ('│', '┤'),
        Characters::Ascii => ('|', '+'),
    };
    for row in 0..rows {
        let at = |tick: &Tick| y_scale.position(tick.value).round() as usize / dots_y == row;
        let tick = ticks.iter().position(at);
        let label = tick.map_or("", |index| labels[index].as_str());
        let bar = if tick.is_some() { tick_bar } else { bar };
        let line = format!("{label:>margin$}{bar}{}", dots.row(row, style.characters));
        lines.push(line.trim_end().to_owned());
    }
    let zero = x_scale.zero().map(|_| Tick { value: 0.0, label: "0".to_owned() });
    let ticks = zero.into_iter().chain(x_scale.ticks((columns / 9).clamp(2, 9)));
    let places =
        ticks.map(|tick| (x_scale.position(tick.value).round() as usize / dots_x, written(&tick, style.characters)));
    lines.extend(axis(margin, columns, width, places, style.characters));
    lines.join("\n") + "\n"
}

/// The line of a horizontal axis of `columns` characters after `margin` and a corner, and its numbers below: those of
/// `ticks` (column, label) that have room.
fn axis(
    margin: usize,
    columns: usize,
    width: usize,
    ticks: impl Iterator<Item = (usize, String)>,
    characters: Characters,
) -> [String; 2] {
    let (corner, rule, tick_rule) = match characters {
        Characters::Unicode => ('└', '─', '┬'),
        Characters::Ascii => ('+', '-', '+'),
    };
    let mut line: Vec<char> = vec![rule; columns];
    let mut numbers: Vec<char> = vec![' '; width];
    let mut free = 0;
    for (column, label) in ticks {
        let length = label.chars().count();
        // Centred under its tick, as far as the picture reaches.
        let start = (margin + 1 + column).saturating_sub(length / 2).min(width.saturating_sub(length));
        if start < free || length > width {
            continue;
        }
        line[column.min(columns - 1)] = tick_rule;
        numbers.splice(start..start + length, label.chars());
        free = start + length + 1;
    }
    let line = format!("{:>margin$}{corner}{}", "", line.iter().collect::<String>());
    [line, numbers.iter().collect::<String>().trim_end().to_owned()]
}

fn heading(name: &str, known: &[f64], count: usize, characters: Characters) -> String {
    let name = plain(name, characters);
    let Some(last) = known.last() else { return name };
    let last = written(&Tick { value: *last, label: number(*last, 3) }, characters);
    let missing = count - known.len();
    let missing = if missing > 0 { format!(", {missing} of {count} points NULL") } else { String::new() };
    format!("{name}  last {last}{missing}")
}

/// `text` in the characters that may be used, without those that move the cursor.
fn plain(text: &str, characters: Characters) -> String {
    let moves =
        |c: char| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c) || ('\u{2066}'..='\u{2069}').contains(&c);
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if moves(c) => out.push('?'),
            c if characters == Characters::Unicode || c.is_ascii() => out.push(c),
            'λ' => out.push_str("lambda"),
            '·' | '–' | '−' => out.push('-'),
            _ => out.push('?'),
        }
    }
    out
}

/// `value` with two digits in the characters that may be used.
fn short(value: f64, characters: Characters) -> String {
    written(&Tick { value, label: number(value, 2) }, characters)
}

/// The label of a tick in the characters that may be used.
fn written(tick: &Tick, characters: Characters) -> String {
    let plain = tick.label.replace('−', "-");
    match characters {
        Characters::Unicode => tick.label.clone(),
        Characters::Ascii if plain.is_ascii() => plain,
        Characters::Ascii => {
            let text = format!("{:.2e}", tick.value);
            let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
            format!("{}e{exponent}", mantissa.trim_end_matches('0').trim_end_matches('.'))
        }
    }
}

fn cut(text: &str, width: usize) -> String {
    text.chars().take(width).collect()
}

/// `values` as a line of at most `width` bars; a gap where there is no value. With more values than bars, a bar is the
/// largest of its share, so that a spike is not lost. Log: what is not positive is the lowest bar.
pub fn sparkline(values: &[Option<f64>], width: usize, spread: Spread, characters: Characters) -> String {
    let levels: Vec<char> = match characters {
        Characters::Unicode => "▁▂▃▄▅▆▇█".chars().collect(),
        Characters::Ascii => "_.-:=+*#".chars().collect(),
    };
    let finite = |value: &Option<f64>| value.filter(|v| v.is_finite());
    let bars = values.len().min(width);
    let bars: Vec<Option<f64>> = (0..bars)
        .map(|bar| {
            let share = &values[bar * values.len() / bars..(bar + 1) * values.len() / bars];
            share.iter().filter_map(finite).reduce(f64::max)
        })
        .collect();
    let shown = || bars.iter().flatten().copied().filter(|v| spread == Spread::Linear || *v > 0.0);
    let (low, high) = shown().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
    let top = levels.len() as f64 - 1.0;
    let scale = Scale::over(spread, low, high, 0.0, top);
    let level = |value: f64| if low < high { scale.position(value) } else { top / 2.0 };
    bars.iter().map(|value| value.map_or(' ', |value| levels[level(value).round() as usize])).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STYLE: Style =
        Style { width: 40, height: 10, steps: Spread::Log, values: Spread::Log, characters: Characters::Unicode };

    #[test]
    fn a_falling_trajectory_falls_in_the_plot() {
        let points: Vec<(u64, Option<f64>)> = (0..=6).map(|k| (10u64.pow(k), Some(0.1f64.powi(k as i32)))).collect();
        let style = Style { characters: Characters::Ascii, ..STYLE };
        let text = plot("test_rel", &points, style);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 10);
        assert!(lines[0].starts_with("test_rel  last 1e-6"), "{text}");
        let column = |line: &str| line.rfind(['\'', '.', ':']).unwrap();
        assert!(column(lines[1]) < column(lines[4]) && column(lines[4]) < column(lines[7]), "{text}");
        assert!(lines[9].contains("1e3") || lines[9].contains("1000"), "{text}");
    }

    #[test]
    fn a_null_is_a_gap_and_is_counted() {
        let points = [(0, Some(1.0)), (10, None), (1000, Some(1.0))];
        let style = Style { steps: Spread::Linear, values: Spread::Linear, characters: Characters::Ascii, ..STYLE };
        let text = plot("loss", &points, style);
        assert!(text.contains("1 of 3 points NULL"), "{text}");
        // Two single dots, no line between them.
        let dots = |text: &str| {
            text.lines().skip(1).take(7).flat_map(|l| l[4..].chars()).filter(|c| "'.:".contains(*c)).count()
        };
        assert_eq!(dots(&text), 2, "{text}");
        assert!(dots(&plot("loss", &[points[0], points[2]], style)) > 30);
        assert_eq!(plot("loss", &[(0, None)], style), "loss\nno values\n");
    }

    #[test]
    fn a_name_cannot_send_control_characters() {
        let text = plot("a\u{1b}[2J\nb", &[(1, Some(1.0))], STYLE);
        assert!(text.starts_with("a?[2J?b  last 1\n"), "{text}");
    }

    #[test]
    fn a_sparkline_shows_shape_gaps_and_spikes() {
        let values = [Some(1.0), Some(10.0), None, Some(1e7), Some(0.0)];
        assert_eq!(sparkline(&values, 10, Spread::Log, Characters::Unicode), "▁▂ █▁");
        assert_eq!(sparkline(&values, 10, Spread::Log, Characters::Ascii), "_. #_");
        let mut long = vec![Some(0.0); 1000];
        long[437] = Some(5.0);
        assert_eq!(sparkline(&long, 10, Spread::Linear, Characters::Unicode), "▁▁▁▁█▁▁▁▁▁");
        assert_eq!(sparkline(&[Some(3.0); 3], 10, Spread::Log, Characters::Unicode), "▅▅▅");
        assert_eq!(sparkline(&[], 10, Spread::Log, Characters::Unicode), "");
    }

    proptest! {
        #[test]
        fn lines_keep_the_size_and_the_characters(
            values in proptest::collection::vec(proptest::option::of(prop_oneof![any::<f64>(), -1.0..1.0f64, Just(0.0)]), 0..60),
            width in 0usize..130, height in 0usize..30, log in any::<bool>(), ascii in any::<bool>(),
            growth in 1u64..400, name in any::<String>(),
        ) {
            let points: Vec<_> = values.iter().enumerate().map(|(i, v)| (i as u64 * i as u64 * growth, *v)).collect();
            let spread = if log { Spread::Log } else { Spread::Linear };
            let characters = if ascii { Characters::Ascii } else { Characters::Unicode };
            let text = plot(&name, &points, Style { width, height, steps: spread, values: spread, characters });
            prop_assert!(text.lines().all(|line| line.chars().count() <= width.max(24)), "{}", text);
            let drawn = values.iter().flatten().any(|v| v.is_finite());
            prop_assert_eq!(text.lines().count(), if drawn { height.max(6) } else { 2 });
            prop_assert!(!text.chars().any(|c| c.is_control() && c != '\n') && (!ascii || text.is_ascii()));
            let line = sparkline(&values, width, spread, characters);
            prop_assert_eq!(line.chars().count(), values.len().min(width));
        }
    }
}
