//! The way in and out.

use super::{In, Lost, render};
use crate::web::entry::is_ours;
use crate::web::site::Site;
use askama::Template;
use axum::Form;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use std::sync::Arc;

#[derive(Template)]
#[template(path = "enter.html")]
struct Enter {
    wrong: Option<String>,
    by_key: bool,
}

/// The key of the printed address.
#[derive(Deserialize)]
pub struct Shown {
    key: Option<String>,
}

/// The door; who brings the key in the address is in.
pub async fn page(State(site): State<Arc<Site>>, Query(Shown { key }): Query<Shown>) -> Response {
    match key.filter(|_| site.sessions.by_key()) {
        None => render(&Enter { wrong: None, by_key: site.sessions.by_key() }),
        Some(key) => let_in(&site, &key).await,
    }
}

/// A token that was typed.
#[derive(Deserialize)]
pub struct Typed {
    token: String,
}

/// Lets somebody in who shows a token.
pub async fn enter(State(site): State<Arc<Site>>, headers: HeaderMap, Form(Typed { token }): Form<Typed>) -> Response {
    // A form of another site must not choose who one is here.
    if headers.get("sec-fetch-site").is_some_and(|from| from != "same-origin" && from != "none") {
        return Lost::forbidden("This form was not sent from here.").into_response();
    }
    let_in(&site, &token).await
}

async fn let_in(site: &Site, shown: &str) -> Response {
    match site.sessions.enter(shown).await {
        Ok(cookie) => ([(header::SET_COOKIE, cookie)], Redirect::to("/")).into_response(),
        Err(wrong) => {
            let page = Enter { wrong: Some(wrong), by_key: site.sessions.by_key() };
            (StatusCode::UNAUTHORIZED, render(&page)).into_response()
        }
    }
}

/// The session's word.
#[derive(Deserialize)]
pub struct Word {
    word: String,
}

/// Ends a session.
pub async fn leave(
    State(site): State<Arc<Site>>,
    headers: HeaderMap,
    who: In,
    Form(Word { word }): Form<Word>,
) -> Response {
    if !is_ours(&who.visitor, &word, &headers) {
        return Lost::forbidden("This form was not sent from here.").into_response();
    }
    ([(header::SET_COOKIE, site.sessions.leave(&headers))], Redirect::to("/enter")).into_response()
}
