//! A picture as a file: SVG, PNG, and the numbers behind it.

use super::sweep::Pairs;
use super::{In, Lost, Page, find};
use crate::export::field;
use crate::figure::{self, Ask, Figure};
use crate::plot;
use crate::web::site::Site;
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::IntoResponse;
use std::sync::Arc;

async fn drawn(site: &Site, id: &str, pairs: &Pairs) -> Result<(String, Figure), Lost> {
    let stored = find(site, id).await?;
    let ask =
        Ask::parse(pairs.iter().map(|(key, value)| (key, value))).map_err(|wrong| Lost::wrong(wrong.to_string()))?;
    let name = format!("{}-{}", stored.id, ask.kind.name);
    Ok((name, figure::draw(site.boards(), &stored, &ask, None).await?))
}

fn file(name: &str, kind: &'static str, bytes: Vec<u8>) -> Page {
    let disposition = format!("attachment; filename=\"{name}\"");
    Ok(([(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, disposition)], bytes).into_response())
}

/// As SVG.
pub async fn svg(State(site): State<Arc<Site>>, Path(id): Path<String>, Query(pairs): Query<Pairs>, _: In) -> Page {
    let (name, figure) = drawn(&site, &id, &pairs).await?;
    file(&format!("{name}.svg"), "image/svg+xml", figure.svg.into_bytes())
}

/// As PNG.
pub async fn png(State(site): State<Arc<Site>>, Path(id): Path<String>, Query(pairs): Query<Pairs>, _: In) -> Page {
    let (name, figure) = drawn(&site, &id, &pairs).await?;
    let png = tokio::task::spawn_blocking(move || plot::render_png(&figure.svg, 2.0)).await.map_err(Lost::broken)?;
    file(&format!("{name}.png"), "image/png", png.map_err(Lost::broken)?)
}

/// The numbers, as CSV.
pub async fn csv(State(site): State<Arc<Site>>, Path(id): Path<String>, Query(pairs): Query<Pairs>, _: In) -> Page {
    let (name, figure) = drawn(&site, &id, &pairs).await?;
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut put = |row: Vec<String>| writer.write_record(&row).map_err(Lost::broken);
    put(figure.table.columns.clone())?;
    for row in &figure.table.rows {
        put(row.iter().map(field).collect())?;
    }
    file(&format!("{name}.csv"), "text/csv; charset=utf-8", writer.into_inner().map_err(Lost::broken)?)
}
