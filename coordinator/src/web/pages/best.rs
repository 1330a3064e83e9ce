//! The answer: methods and settings, best first.

use super::head::Head;
use super::table::{Column, Table};
use super::{In, Page, find, render};
use crate::answer::{Answer, MOST_RUNS};
use crate::web::site::{Frame, Site};
use askama::Template;
use axum::extract::{Path, State};
use std::sync::Arc;

/// Most rows that are shown.
const MOST_ROWS: usize = 200;

#[derive(Template)]
#[template(path = "best.html")]
struct Best {
    frame: Frame,
    head: Head,
    wrong: Option<String>,
    table: Table,
    notes: Vec<String>,
    sql: String,
    command: String,
}

/// The page.
pub async fn page(State(site): State<Arc<Site>>, Path(id): Path<String>, who: In) -> Page {
    let stored = find(&site, &id).await?;
    let head = Head::of(&site, &stored, "Best").await?;
    let runs = site.store().runs(&stored.id, 0, MOST_RUNS).await?;
    let selections = site.store().selections(&stored.id).await?;
    let (mut wrong, mut table, mut notes) = (None, Table::default(), Vec::new());
    match site.boards().sweep(&stored) {
        Err(why) => wrong = Some(why),
        Ok(_) if runs.is_empty() => {
            notes.push("No answer yet: none of the runs that it is made of has ended.".to_owned())
        }
        Ok(sweep) => {
            let partial = runs.len() as u64 == MOST_RUNS;
            let answer = Answer::new(&sweep, runs, &selections);
            table = Table::of(&answer.shown(MOST_ROWS, true), MOST_ROWS);
            notes = answer.notes();
            if answer.rows.len() > MOST_ROWS {
                notes.push(format!("The first {MOST_ROWS} of {} rows; the CSV has all.", answer.rows.len()));
            }
            if partial {
                notes.push(format!("Of the first {MOST_RUNS} runs."));
            }
        }
    }
    table.columns.iter_mut().for_each(|Column { name, .. }| *name = name.replace('_', " "));
    let sql = format!(
        "SELECT depth, optimizer, penalty, baseline, lr, lambda, test_rel_median, test_rel_q25, test_rel_q75, failures, n\nFROM \
         medians\nWHERE sweep_id = '{}' AND stage <> 'tuning'\nORDER BY test_rel_median",
        stored.id
    );
    let command = format!("sweep show{} {}", site.option, stored.id);
    let frame = who.frame(&site, stored.name.clone(), format!("/sweeps/{}/live?part_only=progress", stored.id));
    Ok(render(&Best { frame, head, wrong, table, notes, sql, command }))
}
