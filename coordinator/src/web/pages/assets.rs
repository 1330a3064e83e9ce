//! What pages load: in the binary, kept by browsers until it changes.

use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

const FILES: [(&str, &str, &[u8]); 5] = [
    ("style.css", "text/css; charset=utf-8", include_bytes!("../assets/style.css")),
    ("live.js", "text/javascript; charset=utf-8", include_bytes!("../assets/live.js")),
    ("icon.svg", "image/svg+xml", include_bytes!("../assets/icon.svg")),
    ("Inter-Regular.ttf", "font/ttf", crate::plot::REGULAR),
    ("Inter-SemiBold.ttf", "font/ttf", crate::plot::SEMI_BOLD),
];

/// The style, for a page that stands alone.
pub const STYLE: &str = include_str!("../assets/style.css");

/// A file by its name.
pub async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let Some((_, kind, bytes)) = FILES.iter().find(|(known, ..)| *known == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let mark = format!("\"{}\"", &blake3::hash(bytes).to_hex()[..16]);
    let kept = [(header::ETAG, mark.as_str()), (header::CACHE_CONTROL, "no-cache")];
    if headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == mark.as_bytes()) {
        return (StatusCode::NOT_MODIFIED, kept).into_response();
    }
    (kept, [(header::CONTENT_TYPE, *kind)], *bytes).into_response()
}
