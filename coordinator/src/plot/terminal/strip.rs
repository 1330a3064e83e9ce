//! A table of methods, one line each: the quartiles as a bar on a shared axis, the median as a dot and as a number.

use super::super::scale::{Scale, Spread};
use super::{Characters, Style, axis, cut, plain, short, written};

/// A method in a [`strip`].
#[derive(Debug, Clone, PartialEq)]
pub struct StripRow {
    /// As in "adam · ratio".
    pub label: String,
    /// Lower quartile; `None` where it falls on a run without a value, as for the other two.
    pub lower: Option<f64>,
    /// Median.
    pub median: Option<f64>,
    /// Upper quartile.
    pub upper: Option<f64>,
}

/// What stands for a row without a median.
const FAILED: &str = "failed";

/// Draws the table as lines of text that each end in a newline, at most `style.width` characters wide (at least 24);
/// the axis is of `style.values`, the height that of the rows and two lines more. A bar that ends in an arrow goes on
/// beyond the axis: a quartile that falls on a run without a value, or has no place on a log axis.
pub fn strip(rows: &[StripRow], style: Style) -> String {
    let (width, characters) = (style.width.max(24), style.characters);
    let placed = |value: Option<f64>| value.filter(|v| v.is_finite());
    let values = || rows.iter().flat_map(|row| [row.lower, row.median, row.upper]).filter_map(placed);
    let median = |row: &StripRow| placed(row.median).map_or(FAILED.to_owned(), |median| short(median, characters));
    let labels: Vec<String> = rows.iter().map(|row| plain(&row.label, characters)).collect();
    let widest = |texts: &mut dyn Iterator<Item = usize>| texts.max().unwrap_or(0);
    let numbers = widest(&mut rows.iter().map(|row| median(row).chars().count())).min(width / 3);
    let margin = widest(&mut labels.iter().map(|label| label.chars().count())).min((width - numbers) / 2);
    // A corner below the first column's left, a space before the numbers.
    let columns = width - margin - 1 - numbers - 1;
    let scale = Scale::around(style.values, values(), 0.0, (columns - 1) as f64);
    let mut lines: Vec<String> = rows
        .iter()
        .zip(&labels)
        .map(|(row, label)| {
            let bar: String = bar(row, &scale, style, columns).into_iter().collect();
            let (label, median) = (shortened(label, margin, characters), cut(&median(row), numbers));
            format!("{label:<margin$} {bar} {median:>numbers$}").trim_end().to_owned()
        })
        .collect();
    if values().any(|value| style.values == Spread::Linear || value > 0.0) {
        let ticks = scale.ticks((columns / 9).clamp(2, 9)).into_iter();
        let places = ticks.map(|tick| (scale.position(tick.value).round() as usize, written(&tick, characters)));
        lines.extend(axis(margin, columns, width, places, characters));
    }
    lines.into_iter().map(|line| line + "\n").collect()
}

/// The characters of a row's bar.
fn bar(row: &StripRow, scale: &Scale, style: Style, columns: usize) -> Vec<char> {
    let (rule, dot, left, right) = match style.characters {
        Characters::Unicode => ('─', '●', '◂', '▸'),
        Characters::Ascii => ('-', 'o', '<', '>'),
    };
    let mut out = vec![' '; columns];
    let column = |value: f64| (scale.position(value).round() as usize).min(columns - 1);
    let finite = |value: Option<f64>| value.filter(|v| v.is_finite());
    let (lower, median, upper) = (finite(row.lower), finite(row.median), finite(row.upper));
    let Some(first) = lower.or(median) else { return out };
    let (from, to) = (column(first), upper.map_or(columns - 1, column));
    out[from..=to.max(from)].fill(rule);
    if upper.is_none() {
        out[columns - 1] = right;
    }
    let zero = |value: f64| style.values == Spread::Log && value <= 0.0;
    if let Some(median) = median {
        out[column(median)] = dot;
    }
    if zero(first) {
        out[0] = left;
    }
    out
}

/// `text` in at most `width` characters, the last a mark where it was cut.
pub(super) fn shortened(text: &str, width: usize, characters: Characters) -> String {
    let mark = if characters == Characters::Unicode { "…" } else { "~" };
    if text.chars().count() <= width || width == 0 { cut(text, width) } else { cut(text, width - 1) + mark }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STYLE: Style =
        Style { width: 48, height: 10, steps: Spread::Log, values: Spread::Log, characters: Characters::Unicode };

    fn row(label: &str, lower: Option<f64>, median: Option<f64>, upper: Option<f64>) -> StripRow {
        StripRow { label: label.into(), lower, median, upper }
    }

    fn rows() -> Vec<StripRow> {
        vec![
            row("adam · ratio", Some(0.004), Some(0.006), Some(0.01)),
            row("gd · none", Some(0.9), Some(1.0), Some(1.0)),
            row("muon · ratio", Some(0.1), Some(0.3), None),
            row("sign_gd", None, None, None),
        ]
    }

    #[test]
    fn methods_stand_on_one_axis() {
        let text = strip(&rows(), STYLE);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 6, "{text}");
        let dot = |line: &str| line.chars().position(|c| c == '●');
        assert!(dot(lines[0]) < dot(lines[2]) && dot(lines[2]) < dot(lines[1]), "{text}");
        assert!(lines[0].ends_with(" 0.006") && lines[2].contains('▸') && !lines[0].contains('▸'), "{text}");
        assert!(lines[3].trim_end().ends_with("failed") && dot(lines[3]).is_none(), "{text}");
        // The number below a tick stands under it, and the dot of an equal value above it.
        let one = lines[5].chars().count() - 1;
        assert!(lines[5].ends_with(" 1") && lines[4].chars().nth(one) == Some('┬'), "{text}");
        assert_eq!(dot(lines[1]), Some(one), "{text}");
        assert_eq!(strip(&[], STYLE), "");
    }

    #[test]
    fn ascii_is_ascii_and_zero_is_marked() {
        let style = Style { characters: Characters::Ascii, ..STYLE };
        let mut rows = rows();
        rows.push(row("exact\u{1b}[2J", Some(0.0), Some(0.0), Some(1e-3)));
        let text = strip(&rows, style);
        assert!(text.starts_with("adam - ratio "), "{text}");
        assert!(text.is_ascii() && !text.contains('\u{1b}'), "{text}");
        assert!(text.lines().nth(4).unwrap().contains('<'), "{text}");
        assert!(text.lines().next().unwrap().contains("-o--"), "{text}");
    }

    proptest! {
        #[test]
        fn every_line_keeps_the_width_and_the_characters(
            values in proptest::collection::vec(
                (any::<String>(), proptest::option::of(any::<f64>()), proptest::option::of(-1.0..1e3f64), proptest::option::of(any::<f64>())),
                0..12,
            ),
            width in 0usize..130, log in any::<bool>(), ascii in any::<bool>(),
        ) {
            let rows: Vec<StripRow> = values.iter().map(|(label, l, m, u)| row(label, *l, *m, *u)).collect();
            let values = if log { Spread::Log } else { Spread::Linear };
            let characters = if ascii { Characters::Ascii } else { Characters::Unicode };
            let text = strip(&rows, Style { width, values, characters, ..STYLE });
            prop_assert!(text.lines().all(|line| line.chars().count() <= width.max(24)), "{}", text);
            prop_assert!(text.lines().count() >= rows.len() && text.lines().count() <= rows.len() + 2);
            prop_assert!(!text.chars().any(|c| c.is_control() && c != '\n') && (!ascii || text.is_ascii()));
        }
    }
}
