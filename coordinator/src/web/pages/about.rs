//! What a sweep asks for, and its results as files.

use super::head::Head;
use super::table::{Field, Table};
use super::{In, Lost, Page, find, render};
use crate::export::{Export, Form};
use crate::web::site::{Frame, Site};
use askama::Template;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::IntoResponse;
use std::sync::Arc;

#[derive(Template)]
#[template(path = "file.html")]
struct About {
    frame: Frame,
    head: Head,
    table: Table,
    sources: Vec<(String, String)>,
    inputs: Vec<(String, String)>,
    commands: String,
}

/// The page.
pub async fn page(State(site): State<Arc<Site>>, Path(id): Path<String>, who: In) -> Page {
    let stored = find(&site, &id).await?;
    let head = Head::of(&site, &stored, "File and results").await?;
    let axes = site.boards().sweep(&stored).map_or(Vec::new(), |sweep| sweep.axes());
    let rows = axes.iter().map(|axis| {
        let of: Vec<String> = axis.of.iter().map(|(choice, name)| format!("{choice} {name}")).collect();
        let values: Vec<String> = axis.values.iter().take(40).map(ToString::to_string).collect();
        let more = axis.values.len().saturating_sub(40);
        let more = if more > 0 { format!(", … ({more} more)") } else { String::new() };
        vec![Field::text(&axis.axis), Field::text(of.join(", ")), Field::text(format!("{}{more}", values.join(", ")))]
    });
    let mut sources = vec![("Sweep file".to_owned(), stored.source.clone())];
    sources.extend(
        stored.extensions.iter().enumerate().map(|(k, source)| (format!("Extended, {}", k + 1), source.clone())),
    );
    let (option, id) = (&site.option, &stored.id);
    let page = About {
        head,
        table: Table::new(&["axis", "of", "values"], rows.collect()),
        sources,
        inputs: stored.inputs.iter().map(|(path, hash)| (path.clone(), hash.clone())).collect(),
        commands: format!(
            "sweep export{option} {id} --format parquet --out results.parquet\nsweep report{option} {id} --out report.html\nsweep \
             sql{option} \"SELECT * FROM results WHERE sweep_id = '{id}' LIMIT 10\""
        ),
        frame: who.frame(&site, stored.name.clone(), format!("/sweeps/{}/live?part_only=progress", stored.id)),
    };
    Ok(render(&page))
}

async fn export(site: &Site, id: &str, form: Form, ending: &str, kind: &'static str) -> Page {
    let stored = find(site, id).await?;
    let export = Export::new(site.store().clone(), stored.id.clone(), form)?;
    let pieces = futures_util::stream::unfold(export, |mut export| async {
        match export.piece().await {
            Ok(Some(piece)) => Some((Ok(Bytes::from(piece)), export)),
            Ok(None) => None,
            // Ends the connection in the middle: a file that is cut short must not look whole.
            Err(error) => Some((Err(std::io::Error::other(error.to_string())), export)),
        }
    });
    let disposition = format!("attachment; filename=\"{}.{ending}\"", stored.id);
    let headers = [(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, disposition)];
    Ok((headers, Body::from_stream(pieces)).into_response())
}

/// All results as CSV.
pub async fn csv(State(site): State<Arc<Site>>, Path(id): Path<String>, _: In) -> Page {
    export(&site, &id, Form::Csv, "csv", "text/csv; charset=utf-8").await
}

/// All results as Parquet.
pub async fn parquet(State(site): State<Arc<Site>>, Path(id): Path<String>, _: In) -> Page {
    export(&site, &id, Form::Parquet, "parquet", "application/vnd.apache.parquet").await
}

/// The sweep as one file.
pub async fn report(State(site): State<Arc<Site>>, Path(id): Path<String>, _: In) -> Page {
    let stored = find(&site, &id).await?;
    let page = crate::web::report(&site.dispatcher, &stored).await.map_err(Lost::from)?;
    let disposition = format!("attachment; filename=\"{}.html\"", stored.id);
    let headers =
        [(header::CONTENT_TYPE, "text/html; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, disposition)];
    Ok((headers, page).into_response())
}
