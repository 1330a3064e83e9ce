//! A small writer of SVG: shapes and text, with every name escaped and every number finite.

use std::fmt::Write;

use super::text::{self, CAP_HEIGHT, FAMILY, SUBSCRIPT, Weight};

/// Where a text's x stands in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// A piece of a line of text.
#[derive(Debug, Clone)]
pub(super) struct Span<'a> {
    pub(super) text: &'a str,
    pub(super) colour: &'a str,
    pub(super) weight: Weight,
    pub(super) subscript: bool,
}

/// How a text is set.
#[derive(Debug, Clone, Copy)]
pub(super) struct Face {
    pub(super) size: f64,
    pub(super) weight: Weight,
    pub(super) colour: &'static str,
    pub(super) anchor: Anchor,
}

impl Face {
    pub(super) const fn new(size: f64, colour: &'static str) -> Face {
        Face { size, weight: Weight::Regular, colour, anchor: Anchor::Start }
    }
    pub(super) const fn bold(self) -> Face {
        Face { weight: Weight::SemiBold, ..self }
    }
    pub(super) const fn middle(self) -> Face {
        Face { anchor: Anchor::Middle, ..self }
    }
    pub(super) const fn end(self) -> Face {
        Face { anchor: Anchor::End, ..self }
    }
    /// Width of `text` in this face, pixels.
    pub(super) fn width(&self, text: &str) -> f64 {
        text::width(text, self.size, self.weight)
    }
    /// `text` cut to `limit` pixels.
    pub(super) fn fit(&self, text: &str, limit: f64) -> String {
        text::fit(text, self.size, self.weight, limit)
    }
}

/// An attribute's value.
pub(super) enum Value<'a> {
    Number(f64),
    Text(&'a str),
}

impl From<f64> for Value<'_> {
    fn from(value: f64) -> Self {
        Value::Number(value)
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(value: &'a str) -> Self {
        Value::Text(value)
    }
}

/// A drawing in progress; later shapes cover earlier ones.
#[derive(Debug, Default)]
pub(super) struct Canvas {
    body: String,
}

/// Two digits after the point, no trailing zeros: a hundredth of a pixel is not seen. A number that is not finite is a
/// bug of the caller; it is drawn at 0 rather than as `NaN`, which would void the whole picture.
pub(super) fn pixels(value: f64) -> String {
    debug_assert!(value.is_finite(), "coordinate {value}");
    let value = if value.is_finite() { value } else { 0.0 };
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

impl Canvas {
    /// An element without content.
    pub(super) fn add(&mut self, name: &str, attributes: &[(&str, Value)]) {
        self.open(name, attributes);
        self.body.truncate(self.body.len() - 1);
        self.body.push_str("/>\n");
    }

    /// The beginning of an element that [`Canvas::close`] ends.
    pub(super) fn open(&mut self, name: &str, attributes: &[(&str, Value)]) {
        let _ = write!(self.body, "<{name}");
        for (key, value) in attributes {
            let _ = match value {
                Value::Number(number) => write!(self.body, " {key}=\"{}\"", pixels(*number)),
                Value::Text(text) => write!(self.body, " {key}=\"{}\"", text::escape(text)),
            };
        }
        self.body.push('>');
    }

    /// The end of an element.
    pub(super) fn close(&mut self, name: &str) {
        let _ = writeln!(self.body, "</{name}>");
    }

    /// The tooltip of the element that is open.
    pub(super) fn tooltip(&mut self, text: &str) {
        let _ = write!(self.body, "<title>{}</title>", text::escape(text));
    }

    /// The outline of `path`, a string of moves and lines.
    pub(super) fn stroke(&mut self, class: &str, path: &str, colour: &str, width: f64) {
        self.add(
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

    /// A straight line.
    pub(super) fn line(&mut self, class: &str, from: (f64, f64), to: (f64, f64), colour: &str, width: f64) {
        self.add(
            "line",
            &[
                ("class", class.into()),
                ("x1", from.0.into()),
                ("y1", from.1.into()),
                ("x2", to.0.into()),
                ("y2", to.1.into()),
                ("stroke", colour.into()),
                ("stroke-width", width.into()),
            ],
        );
    }

    /// A filled rectangle with corners of radius `rx`.
    pub(super) fn rect(&mut self, class: &str, x: f64, y: f64, size: (f64, f64), rx: f64, fill: &str) {
        self.add(
            "rect",
            &[
                ("class", class.into()),
                ("x", x.into()),
                ("y", y.into()),
                ("width", size.0.into()),
                ("height", size.1.into()),
                ("rx", rx.into()),
                ("fill", fill.into()),
            ],
        );
    }

    /// A filled rectangle with hard edges, which shows no seam against its neighbours.
    pub(super) fn tile(&mut self, class: &str, x: f64, y: f64, size: (f64, f64), fill: &str) {
        self.add(
            "rect",
            &[
                ("class", class.into()),
                ("x", x.into()),
                ("y", y.into()),
                ("width", size.0.into()),
                ("height", size.1.into()),
                ("shape-rendering", "crispEdges".into()),
                ("fill", fill.into()),
            ],
        );
    }

    /// One line of text; `y` is the baseline.
    pub(super) fn text(&mut self, x: f64, y: f64, text: &str, face: Face) {
        self.spans(x, y, face, &[Span { text, colour: face.colour, weight: face.weight, subscript: false }], None);
    }

    /// One line of text whose capitals are centred on `y`.
    pub(super) fn centred(&mut self, x: f64, y: f64, text: &str, face: Face) {
        self.text(x, y + face.size * CAP_HEIGHT / 2.0, text, face);
    }

    /// One line of text cut to `limit` pixels, centred on `y`; the whole text is its tooltip where it was cut.
    pub(super) fn cut(&mut self, x: f64, y: f64, text: &str, face: Face, limit: f64) {
        let shown = face.fit(text, limit);
        let span = Span { text: &shown, colour: face.colour, weight: face.weight, subscript: false };
        let tooltip = (shown != text).then_some(text);
        self.spans(x, y + face.size * CAP_HEIGHT / 2.0, face, &[span], tooltip);
    }

    /// One line of text in which `_{…}` is a subscript.
    pub(super) fn formula(&mut self, x: f64, y: f64, text: &str, face: Face) {
        self.spans(x, y, face, &formula_spans(text, face), None);
    }

    /// One line of text in pieces.
    pub(super) fn spans(&mut self, x: f64, y: f64, face: Face, spans: &[Span], tooltip: Option<&str>) {
        self.set(x, y, face, None, spans, tooltip);
    }

    /// A formula that reads upwards, its middle at (`x`, `y`).
    pub(super) fn upright(&mut self, x: f64, y: f64, text: &str, face: Face) {
        let turn = format!("rotate(-90 {} {})", pixels(x), pixels(y));
        self.set(x, y, face.middle(), Some(&turn), &formula_spans(text, face), None);
    }

    /// A text that reads upwards and ends at (`x`, `y`).
    pub(super) fn upright_end(&mut self, x: f64, y: f64, text: &str, face: Face) {
        let turn = format!("rotate(-90 {} {})", pixels(x), pixels(y));
        let span = Span { text, colour: face.colour, weight: face.weight, subscript: false };
        self.set(x, y, face.end(), Some(&turn), &[span], None);
    }

    /// One line of text with a border of the colour `ground` around its letters, which no pointer meets.
    pub(super) fn text_on(&mut self, x: f64, y: f64, text: &str, face: Face, ground: &str) {
        self.open(
            "g",
            &[
                ("stroke", ground.into()),
                ("stroke-width", 7.0.into()),
                ("stroke-linejoin", "round".into()),
                ("paint-order", "stroke".into()),
                ("pointer-events", "none".into()),
            ],
        );
        self.text(x, y, text, face);
        self.close("g");
    }

    fn set(&mut self, x: f64, y: f64, face: Face, turn: Option<&str>, spans: &[Span], tooltip: Option<&str>) {
        let anchor = match face.anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let mut attributes = vec![
            ("x", x.into()),
            ("y", y.into()),
            ("font-size", face.size.into()),
            ("font-weight", face.weight.number().into()),
            ("fill", face.colour.into()),
            ("text-anchor", anchor.into()),
        ];
        attributes.extend(turn.map(|turn| ("transform", turn.into())));
        self.open("text", &attributes);
        if let Some(tooltip) = tooltip {
            self.tooltip(tooltip);
        }
        let plain = |span: &Span| span.colour == face.colour && span.weight == face.weight && !span.subscript;
        let mut lowered = 0.0;
        for span in spans {
            let wanted = if span.subscript { 0.22 * face.size } else { 0.0 };
            if plain(span) && lowered == 0.0 {
                self.body.push_str(&text::escape(span.text));
                continue;
            }
            let size = if span.subscript { face.size * SUBSCRIPT } else { face.size };
            self.open(
                "tspan",
                &[
                    ("dy", (wanted - lowered).into()),
                    ("font-size", size.into()),
                    ("font-weight", span.weight.number().into()),
                    ("fill", span.colour.into()),
                ],
            );
            let _ = write!(self.body, "{}</tspan>", text::escape(span.text));
            lowered = wanted;
        }
        self.body.push_str("</text>\n");
    }

    /// The finished document, `width` × `height` pixels on white. `title` and `description` are for screen readers.
    pub(super) fn finish(self, width: f64, height: f64, title: &str, description: &str) -> String {
        let (w, h) = (pixels(width.ceil()), pixels(height.ceil()));
        let (title, description) = (text::escape(title), text::escape(description));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {w} {h}\" width=\"{w}\" height=\"{h}\" role=\"img\" \
             font-family=\"{FAMILY}\" xml:space=\"preserve\">\n<title>{title}</title>\n<desc>{description}</desc>\n\
             <rect width=\"{w}\" height=\"{h}\" fill=\"#ffffff\"/>\n{}</svg>\n",
            self.body
        )
    }
}

/// The pieces of a text in which `_{…}` is a subscript; an opened brace that is not closed is text.
fn formula_spans<'a>(text: &'a str, face: Face) -> Vec<Span<'a>> {
    let span = |text: &'a str, subscript| Span { text, colour: face.colour, weight: face.weight, subscript };
    let mut spans = Vec::new();
    let mut rest = text;
    while let Some((before, inside, after)) = rest
        .split_once("_{")
        .and_then(|(before, tail)| tail.split_once('}').map(|(inside, after)| (before, inside, after)))
    {
        spans.extend((!before.is_empty()).then(|| span(before, false)));
        spans.push(span(inside, true));
        rest = after;
    }
    spans.extend((!rest.is_empty()).then(|| span(rest, false)));
    spans
}

/// Width of a text in which `_{…}` is a subscript, pixels.
pub(super) fn formula_width(text: &str, face: Face) -> f64 {
    formula_spans(text, face)
        .iter()
        .map(|span| text::width(span.text, if span.subscript { face.size * SUBSCRIPT } else { face.size }, span.weight))
        .sum()
}

/// `text` in which `_{…}` is a subscript, cut to `limit` pixels where it is wider.
pub(super) fn formula_fit(text: &str, face: Face, limit: f64) -> String {
    if formula_width(text, face) <= limit { text.to_owned() } else { face.fit(text, limit) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subscript_is_split_off_and_an_open_brace_is_text() {
        let face = Face::new(10.0, "#000");
        let parts: Vec<_> =
            formula_spans("‖W_{unobs}‖_{F} of lr_{", face).iter().map(|s| (s.text, s.subscript)).collect::<Vec<_>>();
        assert_eq!(parts, [("‖W", false), ("unobs", true), ("‖", false), ("F", true), (" of lr_{", false)]);
        assert_eq!(formula_spans("nuclear_norm", face).len(), 1);
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!([1.0, 0.126, -0.0001, 12.50].map(pixels), ["1", "0.13", "0", "12.5"]);
    }
}
