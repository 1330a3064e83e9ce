//! From SVG to PNG with the embedded font: the same pixels on every machine.

use std::sync::{Arc, OnceLock};

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{ImageHrefResolver, Options, Tree, fontdb};

use super::text::{REGULAR, SEMI_BOLD};

/// A picture that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The text is no SVG.
    #[error("SVG is not readable: {0}")]
    Svg(#[from] resvg::usvg::Error),
    /// No picture of this size.
    #[error("scale {scale}: a picture of {width} × {height} pixels is not possible; each side must be 1 to {MOST}")]
    Size {
        /// The factor that was asked for.
        scale: f32,
        /// Pixels across.
        width: f32,
        /// Pixels down.
        height: f32,
    },
    /// The compressed picture could not be written.
    #[error("PNG could not be encoded: {0}")]
    Encode(String),
}

/// Most pixels of a side: 16 384² pixels of 4 bytes are 1 GiB.
const MOST: f32 = 16_384.0;

/// The SVG as the bytes of a PNG, `scale` pixels for each of its units (2 for a screen or a talk).
/// References to files are not followed.
///
/// # Errors
/// [`Error::Svg`] if `svg` is no SVG; [`Error::Size`] if the scaled picture would have no pixel or too many.
pub fn render_png(svg: &str, scale: f32) -> Result<Vec<u8>, Error> {
    let tree = parse(svg)?;
    let (width, height) = ((tree.size().width() * scale).ceil(), (tree.size().height() * scale).ceil());
    let possible = |side: f32| (1.0..=MOST).contains(&side);
    let pixmap = (possible(width) && possible(height)).then(|| Pixmap::new(width as u32, height as u32)).flatten();
    let mut pixmap = pixmap.ok_or(Error::Size { scale, width, height })?;
    resvg::render(&tree, Transform::from_scale(scale, scale), &mut pixmap.as_mut());
    pixmap.encode_png().map_err(|error| Error::Encode(error.to_string()))
}

/// The SVG laid out with the embedded font.
pub(super) fn parse(svg: &str) -> Result<Tree, resvg::usvg::Error> {
    static FONTS: OnceLock<Arc<fontdb::Database>> = OnceLock::new();
    let fonts = FONTS.get_or_init(|| {
        let mut fonts = fontdb::Database::new();
        fonts.load_font_data(REGULAR.to_vec());
        fonts.load_font_data(SEMI_BOLD.to_vec());
        fonts.set_sans_serif_family("Inter");
        Arc::new(fonts)
    });
    let nothing = ImageHrefResolver { resolve_data: Box::new(|_, _, _| None), resolve_string: Box::new(|_, _| None) };
    let options = Options {
        fontdb: fonts.clone(),
        font_family: "Inter".into(),
        image_href_resolver: nothing,
        ..Options::default()
    };
    Tree::from_str(svg, &options)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SQUARE: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 10 10\" width=\"10\" height=\"10\">\
                          <rect width=\"10\" height=\"10\" fill=\"#ff0000\"/></svg>";

    #[test]
    fn a_picture_has_the_scaled_size_and_colour() {
        let picture = Pixmap::decode_png(&render_png(SQUARE, 2.5).unwrap()).unwrap();
        assert_eq!((picture.width(), picture.height()), (25, 25));
        let pixel = picture.pixel(12, 12).unwrap();
        assert_eq!((pixel.red(), pixel.green(), pixel.alpha()), (255, 0, 255));
    }

    #[test]
    fn an_impossible_picture_is_refused() {
        assert!(matches!(render_png("depth 1", 1.0), Err(Error::Svg(_))));
        for scale in [0.0, -1.0, f32::NAN, f32::INFINITY, 1e6] {
            assert!(matches!(render_png(SQUARE, scale), Err(Error::Size { .. })), "{scale}");
        }
    }

    #[test]
    fn both_weights_of_the_font_are_found() {
        let ink = |weight: &str| {
            let svg = format!(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 90 30\" width=\"90\" height=\"30\">\
                 <text x=\"2\" y=\"20\" font-family=\"Inter\" font-size=\"20\" font-weight=\"{weight}\">λ ratio</text></svg>"
            );
            let picture = Pixmap::decode_png(&render_png(&svg, 1.0).unwrap()).unwrap();
            picture.pixels().iter().map(|pixel| u64::from(pixel.alpha())).sum::<u64>()
        };
        assert!(ink("400") > 0 && ink("600") as f64 > 1.1 * ink("400") as f64);
    }
}
