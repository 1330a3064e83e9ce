//! The pages: one file each.
//!
//! A page takes what its address says, asks, and fills its template; whoever is not in is shown the door.

mod about;
pub(super) mod assets;
mod best;
mod cell;
mod cells;
mod compare;
mod deeds;
mod door;
mod failures;
mod figure;
pub(super) mod head;
pub(super) mod sweep;
mod sweeps;
pub(super) mod table;
mod workers;

pub(super) use sweeps::rows as sweeps_rows;
pub(super) use workers::rows as workers_rows;

use super::entry::Visitor;
use super::site::{Frame, Site};
use crate::{dispatch, figure as figures, store};
use askama::Template;
use axum::Router;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use std::sync::Arc;

/// Everything that is served, but for what is live.
pub fn routes() -> Router<Arc<Site>> {
    Router::new()
        .route("/", get(sweeps::page))
        .route("/enter", get(door::page).post(door::enter))
        .route("/leave", post(door::leave))
        .route("/workers", get(workers::page))
        .route("/compare", get(compare::page))
        .route("/sweeps/{id}", get(sweep::page))
        .route("/sweeps/{id}/best", get(best::page))
        .route("/sweeps/{id}/cells", get(cells::page))
        .route("/sweeps/{id}/cells/{cell}", get(cell::page))
        .route("/sweeps/{id}/failures", get(failures::page))
        .route("/sweeps/{id}/about", get(about::page))
        .route("/sweeps/{id}/do", post(deeds::deed))
        .route("/sweeps/{id}/figure.svg", get(figure::svg))
        .route("/sweeps/{id}/figure.png", get(figure::png))
        .route("/sweeps/{id}/figure.csv", get(figure::csv))
        .route("/sweeps/{id}/results.csv", get(about::csv))
        .route("/sweeps/{id}/results.parquet", get(about::parquet))
        .route("/sweeps/{id}/report.html", get(about::report))
        .route("/assets/{name}", get(assets::asset))
        .fallback(lost)
}

/// Somebody who has entered.
pub struct In {
    /// Who.
    pub visitor: Visitor,
    headers: HeaderMap,
}

impl FromRequestParts<Arc<Site>> for In {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, site: &Arc<Site>) -> Result<In, Response> {
        match site.sessions.visitor(&parts.headers).await {
            Some(visitor) => Ok(In { visitor, headers: parts.headers.clone() }),
            None => Err(Redirect::to("/enter").into_response()),
        }
    }
}

impl In {
    /// The frame of a page, with what is to be said at its top.
    pub fn frame(self, site: &Site, title: impl Into<String>, live: String) -> Frame {
        let said = site.sessions.said(&self.headers);
        Frame { title: title.into(), visitor: self.visitor, live, said }
    }
}

/// What goes wrong with a page.
#[derive(Debug)]
pub struct Lost {
    status: StatusCode,
    why: String,
}

impl Lost {
    /// Something that is not there.
    pub fn missing(why: impl Into<String>) -> Lost {
        Lost { status: StatusCode::NOT_FOUND, why: why.into() }
    }

    /// Something that is not allowed.
    pub fn forbidden(why: impl Into<String>) -> Lost {
        Lost { status: StatusCode::FORBIDDEN, why: why.into() }
    }

    /// Something that cannot be.
    pub fn wrong(why: impl Into<String>) -> Lost {
        Lost { status: StatusCode::BAD_REQUEST, why: why.into() }
    }

    /// A bug or a broken database.
    pub fn broken(why: impl std::fmt::Display) -> Lost {
        tracing::error!("a page failed: {why}");
        Lost {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            why: "The page failed; the coordinator's log says why.".to_owned(),
        }
    }
}

impl From<store::Error> for Lost {
    fn from(error: store::Error) -> Lost {
        match error {
            store::Error::UnknownSweep { .. } => Lost::missing(error.to_string()),
            error => Lost::broken(error),
        }
    }
}

impl From<figures::Error> for Lost {
    fn from(error: figures::Error) -> Lost {
        match error {
            figures::Error::Wrong(wrong) => Lost::wrong(wrong.to_string()),
            figures::Error::Store(error) => error.into(),
            figures::Error::Source(_) => Lost::wrong(error.to_string()),
            figures::Error::Failed(why) => Lost::broken(why),
        }
    }
}

impl From<dispatch::Error> for Lost {
    fn from(error: dispatch::Error) -> Lost {
        match error {
            dispatch::Error::Store(error) => error.into(),
            dispatch::Error::State { .. } => Lost::wrong(error.to_string()),
            error => Lost::broken(error),
        }
    }
}

impl IntoResponse for Lost {
    fn into_response(self) -> Response {
        let visitor = Visitor { name: String::new(), admin: false, word: String::new() };
        let heading = if self.status == StatusCode::NOT_FOUND { "Not here" } else { "This does not work" };
        let frame = Frame { title: heading.to_owned(), visitor, live: String::new(), said: None };
        (self.status, render(&Wrong { frame, heading, wrong: self.why })).into_response()
    }
}

#[derive(Template)]
#[template(path = "wrong.html")]
struct Wrong {
    frame: Frame,
    heading: &'static str,
    wrong: String,
}

/// A page or a part of one.
type Page = Result<Response, Lost>;

/// Fills a template.
fn render(template: &impl Template) -> Response {
    match template.render() {
        Ok(text) => Html(text).into_response(),
        Err(error) => {
            tracing::error!("a page failed: {error}");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// The sweep with this id, name or tag.
async fn find(site: &Site, key: &str) -> Result<store::Sweep, Lost> {
    Ok(site.store().find_sweep(key).await?)
}

async fn lost(_: In) -> Lost {
    Lost::missing("There is no such page.")
}
