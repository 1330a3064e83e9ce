//! Every sweep, latest first.

use super::{In, Lost, Page, render};
use crate::web::site::{Frame, Site, Standing};
use askama::Template;
use axum::extract::State;
use std::sync::Arc;

#[derive(Template)]
#[template(path = "sweeps.html")]
struct Sweeps {
    frame: Frame,
    sweeps: Vec<Standing>,
}

#[derive(Template)]
#[template(path = "sweeps_table.html")]
struct Rows {
    sweeps: Vec<Standing>,
}

async fn standings(site: &Site) -> Result<Vec<Standing>, Lost> {
    let mut sweeps = Vec::new();
    for sweep in site.store().sweeps().await? {
        sweeps.push(site.standing(&sweep).await?);
    }
    Ok(sweeps)
}

/// The rows, for what is live.
pub async fn rows(site: &Site) -> Result<String, Lost> {
    Rows { sweeps: standings(site).await? }.render().map_err(Lost::broken)
}

/// The page.
pub async fn page(State(site): State<Arc<Site>>, who: In) -> Page {
    let sweeps = standings(&site).await?;
    Ok(render(&Sweeps { frame: who.frame(&site, "Sweeps", "/live".to_owned()), sweeps }))
}
