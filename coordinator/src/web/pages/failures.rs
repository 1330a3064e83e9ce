//! What failed, error by error.

use super::head::Head;
use super::{In, Page, find, render};
use crate::store::Measure;
use crate::web::site::{Frame, Site};
use crate::words;
use askama::Template;
use axum::extract::{Path, State};
use std::sync::Arc;

/// Most cells that were given up and are looked at.
const MOST: u64 = 5_000;
/// Most cells of an error that are shown, and that one form names.
const MOST_SHOWN: usize = 40;
const MOST_NAMED: usize = 800;

struct Group {
    error: String,
    count: String,
    shown: Vec<u64>,
    more: u64,
    filter: String,
}

#[derive(Template)]
#[template(path = "failures.html")]
struct Failures {
    frame: Frame,
    head: Head,
    groups: Vec<Group>,
    diverged: String,
    inflated: String,
    sql: String,
}

/// The page.
pub async fn page(State(site): State<Arc<Site>>, Path(id): Path<String>, who: In) -> Page {
    let stored = find(&site, &id).await?;
    let head = Head::of(&site, &stored, "Failures").await?;
    let mut by_error: Vec<(String, Vec<u64>)> = Vec::new();
    for (cell, error) in site.store().given_up(&stored.id, MOST).await? {
        match by_error.iter_mut().find(|(known, _)| *known == error) {
            Some((_, cells)) => cells.push(cell),
            None => by_error.push((error, vec![cell])),
        }
    }
    by_error.sort_by_key(|(_, cells)| std::cmp::Reverse(cells.len()));
    let group = |(error, cells): (String, Vec<u64>)| {
        let named: Vec<String> = cells.iter().take(MOST_NAMED).map(u64::to_string).collect();
        Group {
            error: if error.is_empty() { "no error was told".to_owned() } else { error },
            count: words::count(cells.len() as u64, "cell"),
            more: cells.len().saturating_sub(MOST_SHOWN) as u64,
            filter: format!("cell in ({})", named.join(", ")),
            shown: cells.into_iter().take(MOST_SHOWN).collect(),
        }
    };
    let measure = Measure::named("test_rel").expect("a recorded column");
    let (diverged, inflated) = match site.boards().known(&stored.id, measure) {
        Some(board) => {
            let count = |fits: fn(&crate::figure::Entry) -> bool| board.entries().filter(|entry| fits(entry)).count();
            (count(|entry| entry.diverged).to_string(), count(|entry| entry.inflated).to_string())
        }
        None => ("list them".to_owned(), "list them".to_owned()),
    };
    let sql = format!(
        "SELECT c.cell, c.state, a.error\nFROM cells c JOIN attempts a ON a.sweep_id = c.sweep_id AND a.cell = c.cell AND a.fence = \
         c.fence\nWHERE c.sweep_id = '{}' AND c.state IN ('failed', 'quarantined')\nORDER BY c.cell",
        stored.id
    );
    let frame = who.frame(&site, stored.name.clone(), format!("/sweeps/{}/live?part_only=progress", stored.id));
    let groups = by_error.into_iter().map(group).collect();
    Ok(render(&Failures { frame, head, groups, diverged, inflated, sql }))
}
