//! Cells in a list: those of a tile, or those that fit a filter.

use super::head::Head;
use super::table::{Field, Table};
use super::{In, Lost, Page, find, render};
use crate::filter::Filter;
use crate::store::{self, Touched};
use crate::web::site::{Frame, Site};
use crate::words::{self, percent};
use askama::Template;
use axum::extract::{Path, Query, State};
use serde::Deserialize;
use std::sync::Arc;
use sweep_core::axis::{self, CHOICES};
use sweep_core::grid::REPLICATE;

/// Cells of a page.
const PAGE: usize = 100;
/// Cells that are looked at for one page; the next goes on from there.
const MOST_LOOKED_AT: usize = 20_000;
/// Cells that are read at a time.
const STRIDE: u64 = 1_000;

#[derive(Template)]
#[template(path = "cells.html")]
struct Cells {
    frame: Frame,
    head: Head,
    filter: String,
    heading: String,
    wrong: Option<String>,
    table: Table,
    next: Option<String>,
    sql: String,
}

/// Which cells, and after which one.
#[derive(Deserialize)]
pub struct Which {
    #[serde(rename = "where", default)]
    filter: String,
    after: Option<u64>,
}

/// The page.
pub async fn page(
    State(site): State<Arc<Site>>,
    Path(id): Path<String>,
    Query(Which { filter, after }): Query<Which>,
    who: In,
) -> Page {
    let stored = find(&site, &id).await?;
    let head = Head::of(&site, &stored, "Cells").await?;
    let filter = filter.trim().to_owned();
    let (mut wrong, mut cells, mut next) = (None, Vec::new(), None);
    let mut condition = None;
    match Filter::parse(&filter) {
        Err(error) => wrong = Some(error.to_string()),
        Ok(parsed) => {
            condition = parsed.sql();
            (cells, next) = fitting(&site, &stored, &parsed, after).await?;
        }
    }
    let heading = match (&next, after) {
        (None, None) => words::count(cells.len() as u64, "cell"),
        _ => format!(
            "{} from number {}",
            words::count(cells.len() as u64, "cell"),
            cells.first().map_or(0, |cell| cell.cell)
        ),
    };
    let next = next.map(|after| format!("/sweeps/{}/cells?where={}&after={after}", stored.id, percent(&filter)));
    let sql = format!(
        "SELECT *\nFROM results\nWHERE sweep_id = '{}'{}\nORDER BY cell",
        stored.id,
        condition.map_or(String::new(), |condition| format!("\n  AND {condition}"))
    );
    let table = table(&stored, &cells);
    let frame = who.frame(&site, stored.name.clone(), format!("/sweeps/{}/live?part_only=progress", stored.id));
    Ok(render(&Cells { frame, head, filter, heading, wrong, table, next, sql }))
}

/// The first cells that fit, from after `after` on, and where to go on.
async fn fitting(
    site: &Site,
    stored: &store::Sweep,
    filter: &Filter,
    after: Option<u64>,
) -> Result<(Vec<Touched>, Option<u64>), Lost> {
    if let Some(indices) = by_axes(site, stored, filter, after) {
        let mut cells = Vec::new();
        for index in indices.iter().take(PAGE) {
            // The page that begins before a cell begins with it, if it was ever leased.
            let page = site.store().touched(&stored.id, index.checked_sub(1), 1).await?;
            cells.extend(page.into_iter().filter(|cell| cell.cell == *index && filter.fits(cell)));
        }
        let next = (indices.len() > PAGE).then(|| indices[PAGE - 1]);
        return Ok((cells, next));
    }
    let (mut last, mut cells, mut looked) = (after, Vec::new(), 0);
    loop {
        let page = site.store().touched(&stored.id, last, STRIDE).await?;
        let over = (page.len() as u64) < STRIDE;
        for cell in page {
            last = Some(cell.cell);
            looked += 1;
            if filter.fits(&cell) {
                cells.push(cell);
                if cells.len() == PAGE {
                    return Ok((cells, last));
                }
            }
        }
        if over {
            return Ok((cells, None));
        }
        if looked >= MOST_LOOKED_AT {
            return Ok((cells, last));
        }
    }
}

/// The indices of the cells that fit a filter of axes alone, found by arithmetic; `None` for any other filter.
fn by_axes(site: &Site, stored: &store::Sweep, filter: &Filter, after: Option<u64>) -> Option<Vec<u64>> {
    const MOST: usize = 10_000;
    let of_axes =
        |name: &&str| *name == REPLICATE || *name == "stage" || CHOICES.contains(name) || axis::find(name).is_some();
    let names = filter.names();
    let sweep = site.boards().sweep(stored).ok()?;
    if names.is_empty() || !names.iter().all(of_axes) || sweep.tune.is_some() {
        return None;
    }
    let from = after.map_or(0, |after| after + 1);
    let mut found = Vec::new();
    for slab in sweep.slabs() {
        // The digits of the axes of the filter; the others run free.
        let told: Vec<usize> = (0..slab.factors.len())
            .filter(|k| slab.factors[*k].axes().iter().any(|axis| names.contains(axis)))
            .collect();
        let sizes: Vec<u64> = told.iter().map(|k| slab.factors[*k].len()).collect();
        let free: Vec<usize> = (0..slab.factors.len()).filter(|k| !told.contains(k)).collect();
        let places: u64 = sizes.iter().product();
        if places as usize > MOST {
            return None;
        }
        for place in 0..places {
            let (mut rest, mut offset) = (place, 0);
            let mut digits = vec![0; told.len()];
            for (j, k) in told.iter().enumerate() {
                digits[j] = rest % sizes[j];
                rest /= sizes[j];
                offset += digits[j] * slab.stride(*k);
            }
            let fits = filter.fits_values(|name| {
                if name == "stage" {
                    return Some(sweep_core::value::Value::Text("grid".to_owned()));
                }
                told.iter().zip(&digits).find_map(|(k, digit)| slab.factors[*k].value(name, *digit))
            });
            if !fits {
                continue;
            }
            let others: u64 = free.iter().map(|k| slab.factors[*k].len()).product();
            for other in 0..others {
                let (mut rest, mut index) = (other, slab.start + offset);
                for k in &free {
                    let len = slab.factors[*k].len();
                    index += rest % len * slab.stride(*k);
                    rest /= len;
                }
                if index >= from {
                    found.push(index);
                }
                if found.len() > MOST {
                    return None;
                }
            }
        }
    }
    found.sort_unstable();
    Some(found)
}

/// The axes that tell the cells of a page apart, and what became of them.
fn table(stored: &store::Sweep, cells: &[Touched]) -> Table {
    let mut telling: Vec<&String> = Vec::new();
    for name in cells.iter().flat_map(|cell| cell.coordinates.keys()) {
        let first = cells[0].coordinates.get(name);
        if !telling.contains(&name) && cells.iter().any(|cell| cell.coordinates.get(name) != first) {
            telling.push(name);
        }
    }
    telling.sort();
    telling.truncate(10);
    let mut columns = vec!["cell"];
    columns.extend(telling.iter().map(|name| name.as_str()));
    columns.extend(["state", "status", "test_rel", "train_loss", "seconds", "attempts", "worker", "error"]);
    let number =
        |x: Option<f64>| x.map_or(Field::default(), |x| Field { text: words::short(x), numeric: true, href: None });
    let rows = cells.iter().map(|cell| {
        let mut row = vec![Field::link(cell.cell.to_string(), format!("/sweeps/{}/cells/{}", stored.id, cell.cell))];
        row.extend(telling.iter().map(|name| {
            cell.coordinates.get(*name).map_or(Field::default(), |value| {
                let numeric = value.number().is_some();
                Field { text: value.to_string(), numeric, href: None }
            })
        }));
        let mut status = cell.status.clone().unwrap_or_default();
        if cell.inflated {
            status.push_str(", inflated");
        }
        let state = if cell.linked { format!("{}, linked", cell.state.word()) } else { cell.state.word().to_owned() };
        row.extend([Field::text(state), Field::text(status), number(cell.test_rel), number(cell.train_loss)]);
        row.extend([number(cell.wall_seconds), Field { text: cell.attempts.to_string(), numeric: true, href: None }]);
        row.extend([cell.worker.clone(), cell.error.clone()].map(|text| Field::text(text.unwrap_or_default())));
        row
    });
    Table::new(&columns, rows.collect())
}
