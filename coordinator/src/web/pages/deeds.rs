//! What an admin does to a sweep: forms, each with the session's word.

use super::{In, Lost, Page, find};
use crate::filter::Filter;
use crate::web::entry::is_ours;
use crate::web::site::Site;
use crate::words;
use axum::Form;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect};
use serde::Deserialize;
use std::sync::Arc;

/// A form.
#[derive(Deserialize)]
pub struct Deed {
    word: String,
    deed: String,
    #[serde(default)]
    filter: String,
    #[serde(default)]
    back: String,
}

/// Does it, and goes back to where it was asked.
pub async fn deed(
    State(site): State<Arc<Site>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    who: In,
    Form(Deed { word, deed, filter, back }): Form<Deed>,
) -> Page {
    if !is_ours(&who.visitor, &word, &headers) {
        return Err(Lost::forbidden(
            "This form was not sent from a page of this dashboard, or is of an earlier session.",
        ));
    }
    if !who.visitor.admin {
        return Err(Lost::forbidden("A viewer may look; changing needs an admin's token."));
    }
    let stored = find(&site, &id).await?;
    let dispatcher = Arc::clone(&site.dispatcher);
    let of = stored.id.clone();
    // What was begun is finished, whether or not the browser waits.
    let work = async move {
        match deed.as_str() {
            "pause" => dispatcher
                .pause(&of)
                .await
                .map(|()| "It is paused; what runs is finished.".to_owned())
                .map_err(Lost::from),
            "resume" => dispatcher.go_on(&of).await.map(|()| "It goes on.".to_owned()).map_err(Lost::from),
            "cancel" => dispatcher
                .cancel(&of)
                .await
                .map(|()| "It is cancelled; its results stay.".to_owned())
                .map_err(Lost::from),
            "retry" if filter.trim().is_empty() => Err(Lost::wrong("A filter is needed that says which cells.")),
            "retry" => {
                let filter = Filter::parse(&filter).map_err(|error| Lost::wrong(error.to_string()))?;
                let cells = dispatcher.retry(&of, &filter).await?;
                Ok(format!(
                    "{} run once more.",
                    match cells {
                        1 => "1 cell is".to_owned(),
                        n => format!("{} are", words::count(n, "cell")),
                    }
                ))
            }
            other => Err(Lost::wrong(format!("\"{other}\" is not known; known: pause, resume, cancel, retry"))),
        }
    };
    let said = tokio::spawn(work).await.map_err(Lost::broken)??;
    tracing::info!("sweep {}: \"{}\" by \"{}\"", stored.id, said, who.visitor.name);
    site.sessions.say(&headers, said);
    let back = match back.as_str() {
        "failures" => format!("/sweeps/{}/failures", stored.id),
        cell if !cell.is_empty() && cell.bytes().all(|b| b.is_ascii_digit()) => {
            format!("/sweeps/{}/cells/{cell}", stored.id)
        }
        _ => format!("/sweeps/{}", stored.id),
    };
    Ok(Redirect::to(&back).into_response())
}
