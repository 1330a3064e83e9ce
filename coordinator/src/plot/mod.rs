//! Pictures: plain data in, SVG text out.
//!
//! Pure functions without SQL, files or a clock. Every name that is drawn is escaped, every coordinate is finite and
//! inside the picture, and no run is left out: what has no place on an axis is drawn at its edge and counted.
//!
//! [`methods`] is the answer of a sweep (error by method), [`curves`] metrics against steps or an axis, in one panel or
//! several, [`heatmap`] two axes, in facets for a third and a fourth; [`terminal`] draws with characters: a trajectory, a
//! table of methods, a heat map. [`render_png`] makes a PNG. They share the scales and ticks of `scale`, the title,
//! caption, axes and colours of `frame`, the embedded font of `text` and the writer `svg`; `thin` keeps long lines short.

pub mod curves;
mod frame;
pub mod heatmap;
#[cfg(test)]
mod inspect;
pub mod methods;
mod png;
mod quartiles;
mod scale;
mod svg;
pub mod terminal;
mod text;
mod thin;

pub use png::{Error, render_png};
pub use quartiles::{Quartiles, quartiles};
pub use scale::{Scale, Spread, Tick, number};
pub(crate) use text::escape;
pub use text::{REGULAR, SEMI_BOLD};

/// A value to compare with, drawn as a dashed line.
#[derive(Debug, Clone, PartialEq)]
pub struct Reference {
    /// What it is, such as "minimum nuclear norm".
    pub label: String,
    /// Where it stands, in the units of the axis.
    pub value: f64,
}

/// What an axis or a colour stands for.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// Name and unit, `_{…}` a subscript.
    pub name: String,
    /// How its values are spread.
    pub spread: Spread,
}

impl Axis {
    /// The name with the mark of a log scale.
    fn title(&self) -> String {
        match self.spread {
            Spread::Linear => self.name.clone(),
            Spread::Log => format!("{} (log)", self.name),
        }
    }

    /// The name without the formula that follows it after two spaces.
    pub fn short(&self) -> &str {
        self.name.split("  ").next().unwrap_or_default()
    }

    /// The title in at most `limit` pixels: without the formula, and at last cut, where it is wider.
    fn title_within(&self, face: svg::Face, limit: f64) -> String {
        let whole = self.title();
        if svg::formula_width(&whole, face) <= limit {
            return whole;
        }
        let short = Axis { name: self.short().to_owned(), spread: self.spread };
        svg::formula_fit(&short.title(), face, limit)
    }
}
