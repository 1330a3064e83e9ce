//! Text: the embedded font, widths, fitting, and escaping for XML.
//!
//! The pictures are drawn in Inter, of which two weights are embedded (`font/`, SIL Open Font License 1.1), so that a
//! PNG looks the same on every machine. A browser without Inter takes the next family of [`FAMILY`]; all of them are
//! at most a little wider.

use std::sync::OnceLock;

use skrifa::instance::{LocationRef, Size};
use skrifa::{FontRef, MetadataProvider};

/// Inter at weight 400.
pub const REGULAR: &[u8] = include_bytes!("font/Inter-Regular.ttf");
/// Inter at weight 600.
pub const SEMI_BOLD: &[u8] = include_bytes!("font/Inter-SemiBold.ttf");
/// The family and its fallbacks, as an SVG attribute.
pub(super) const FAMILY: &str = "Inter, 'Helvetica Neue', Arial, 'Liberation Sans', sans-serif";
/// Height of a capital letter, in units of the font size.
pub(super) const CAP_HEIGHT: f64 = 0.727;
/// Size of a subscript, in units of the font size.
pub(super) const SUBSCRIPT: f64 = 0.72;

/// One of the two embedded weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    Regular,
    SemiBold,
}

impl Weight {
    /// The number in SVG.
    pub(super) fn number(self) -> &'static str {
        match self {
            Weight::Regular => "400",
            Weight::SemiBold => "600",
        }
    }

    fn font(self) -> &'static FontRef<'static> {
        static FONTS: OnceLock<[FontRef<'static>; 2]> = OnceLock::new();
        // Unwrap safety: the bytes are compiled in, and every test that draws reads them.
        let fonts = FONTS.get_or_init(|| [REGULAR, SEMI_BOLD].map(|bytes| FontRef::new(bytes).expect("embedded font")));
        match self {
            Weight::Regular => &fonts[0],
            Weight::SemiBold => &fonts[1],
        }
    }
}

/// Width of `text` in pixels at `size` pixels, from the advance widths without kerning. A character that the font
/// lacks counts as one em, the width of the widest scripts.
pub(super) fn width(text: &str, size: f64, weight: Weight) -> f64 {
    let font = weight.font();
    let (charmap, metrics) = (font.charmap(), font.glyph_metrics(Size::new(size as f32), LocationRef::default()));
    let advance = |c: char| charmap.map(c).and_then(|glyph| metrics.advance_width(glyph)).map_or(size, f64::from);
    text.chars().map(advance).sum()
}

/// `text` if it is at most `limit` pixels wide, else its longest beginning that is, with "…".
pub(super) fn fit(text: &str, size: f64, weight: Weight, limit: f64) -> String {
    if width(text, size, weight) <= limit {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut used = width("…", size, weight);
    for c in text.chars() {
        used += width(c.encode_utf8(&mut [0; 4]), size, weight);
        if used > limit {
            break;
        }
        kept.push(c);
    }
    format!("{}…", kept.trim_end())
}

/// `text` in at most `lines` lines of at most `limit` pixels, broken at spaces; the last ends in "…" where text is
/// left over. No line for an empty text.
pub(super) fn wrap(text: &str, size: f64, weight: Weight, limit: f64, lines: usize) -> Vec<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut out = Vec::new();
    let mut next = 0;
    while next < words.len() && out.len() < lines {
        let last_line = out.len() + 1 == lines;
        let fits = |end: usize| width(&words[next..end].join(" "), size, weight) <= limit;
        // A word wider than the line stands alone and is cut.
        let end = (next + 2..=words.len()).take_while(|&end| fits(end)).last().unwrap_or(next + 1);
        let end = if last_line { words.len() } else { end };
        out.push(fit(&words[next..end].join(" "), size, weight, limit));
        next = end;
    }
    out
}

/// `text` as XML character data or attribute value: `< > & " '` as entities, white space as a space, and what XML 1.0
/// forbids or what reorders its neighbours (bidirectional controls) as U+FFFD.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\t' | '\n' | '\r' => out.push(' '),
            c if c.is_control() => out.push('\u{fffd}'),
            '\u{fffe}' | '\u{ffff}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn widths_are_the_fonts_advances() {
        // Inter: a digit zero is 0.62 em or so, a space 0.28; a wider weight is wider, a doubled size doubles.
        let zero = width("0", 100.0, Weight::Regular);
        assert!((55.0..70.0).contains(&zero), "{zero}");
        assert!(width("depth", 20.0, Weight::SemiBold) > width("depth", 20.0, Weight::Regular));
        let (once, twice) = (width("λ‖W‖", 10.0, Weight::Regular), width("λ‖W‖", 20.0, Weight::Regular));
        assert!((twice - 2.0 * once).abs() < 0.1, "{once} {twice}");
    }

    #[test]
    fn a_long_text_is_cut_with_an_ellipsis() {
        assert_eq!(fit("depth 1", 12.0, Weight::Regular, 500.0), "depth 1");
        let cut = fit(&"optimizer ".repeat(20), 12.0, Weight::Regular, 100.0);
        assert!(cut.ends_with('…') && width(&cut, 12.0, Weight::Regular) <= 100.0, "{cut}");
    }

    #[test]
    fn wrapping_keeps_words_and_width() {
        let lines = wrap("one two three four five six seven", 12.0, Weight::Regular, 70.0, 9);
        assert_eq!(lines.join(" "), "one two three four five six seven");
        assert!(lines.len() > 2 && lines.iter().all(|line| width(line, 12.0, Weight::Regular) <= 70.0), "{lines:?}");
        assert!(wrap("one two three four", 12.0, Weight::Regular, 60.0, 1)[0].ends_with('…'));
        assert!(wrap("  ", 12.0, Weight::Regular, 60.0, 3).is_empty());
    }

    proptest! {
        #[test]
        fn escaped_text_reads_back_as_text(text in any::<String>()) {
            let xml = format!("<t a=\"{0}\">{0}</t>", escape(&text));
            let document = resvg::usvg::roxmltree::Document::parse(&xml).map_err(|e| TestCaseError::fail(e.to_string()))?;
            let root = document.root_element();
            prop_assert!(root.children().all(|child| child.is_text()));
            let legal = |c: char| !c.is_control() && !('\u{202a}'..='\u{202e}').contains(&c) && !('\u{2066}'..='\u{2069}').contains(&c)
                && c != '\u{fffe}' && c != '\u{ffff}';
            let expected: String = text.chars().map(|c| match c {
                '\t' | '\n' | '\r' => ' ',
                c if legal(c) => c,
                _ => '\u{fffd}',
            }).collect();
            prop_assert_eq!(root.text().unwrap_or(""), &expected);
            prop_assert_eq!(root.attribute("a").unwrap_or(""), &expected);
        }
    }
}
