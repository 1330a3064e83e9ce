//! Two sweeps side by side: what they ask for, and the settings that both have.

use super::table::{Field, Table};
use super::{In, Lost, Page, find, render};
use crate::figure::{self, Ask, Lattice, Part, is_seed, varied};
use crate::filter::Filter;
use crate::store::{self, Measure};
use crate::web::site::{Frame, Site};
use crate::words;
use askama::Template;
use axum::extract::{Query, State};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use sweep_core::sweep::diff;

/// Most settings that are shown.
const MOST_ROWS: usize = 200;

#[derive(Template)]
#[template(path = "compare.html")]
struct Compare {
    frame: Frame,
    known: Vec<(String, String)>,
    sides: [(&'static str, String); 2],
    measures: Vec<(&'static str, bool)>,
    wrong: Option<String>,
    found: Option<Found>,
}

struct Found {
    differences: Table,
    summary: String,
    common: Table,
    sql: String,
    a: String,
    b: String,
}

/// Which two, and by what.
#[derive(Deserialize)]
pub struct Which {
    #[serde(default)]
    a: String,
    #[serde(default)]
    b: String,
    #[serde(default)]
    metric: String,
}

/// The page.
pub async fn page(State(site): State<Arc<Site>>, Query(Which { a, b, metric }): Query<Which>, who: In) -> Page {
    let all = site.store().sweeps().await?;
    let metric = if metric.is_empty() { "test_rel".to_owned() } else { metric };
    let mut page = Compare {
        frame: who.frame(&site, "Compare", String::new()),
        known: all.iter().map(|sweep| (sweep.id.clone(), sweep.name.clone())).collect(),
        measures: Measure::of_the_end().map(|name| (name, name == metric)).collect(),
        wrong: None,
        found: None,
        sides: [("a", a.clone()), ("b", b.clone())],
    };
    if a.is_empty() || b.is_empty() {
        // The two latest, to begin with.
        let id = |k: usize| all.get(k).map_or(String::new(), |sweep| sweep.id.clone());
        page.sides = [("a", id(1)), ("b", id(0))];
        return Ok(render(&page));
    }
    let (a, b) = (find(&site, &a).await?, find(&site, &b).await?);
    page.sides = [("a", a.id.clone()), ("b", b.id.clone())];
    match Measure::named(&metric) {
        None => page.wrong = Some(format!("metric: \"{metric}\" is not known")),
        Some(measure) => match compared(&site, &a, &b, measure).await {
            Ok(found) => page.found = Some(found),
            Err(Failed::Wrong(why)) => page.wrong = Some(why),
            Err(Failed::Lost(lost)) => return Err(lost),
        },
    }
    Ok(render(&page))
}

enum Failed {
    Wrong(String),
    Lost(Lost),
}

impl From<store::Error> for Failed {
    fn from(error: store::Error) -> Failed {
        Failed::Lost(error.into())
    }
}

/// The settings of a sweep, by their coordinates: median and number of runs.
type Settings = BTreeMap<Vec<(String, String)>, (Option<f64>, usize)>;

async fn settings(site: &Site, stored: &store::Sweep, measure: Measure, axes: &[String]) -> Result<Settings, Failed> {
    let sweep = site.boards().sweep(stored).map_err(Failed::Wrong)?;
    let board = site.boards().board(&stored.id, measure).await?;
    let selections = site.store().selections(&stored.id).await?;
    let (everything, axes) = (Filter::parse("").expect("blank fits everything"), axes.to_vec());
    let work = move || Lattice::of(&sweep, &board, &selections, Part::Reported, &axes, &everything);
    let lattice = tokio::task::spawn_blocking(work).await.map_err(|error| Failed::Lost(Lost::broken(error)))?;
    let lattice = lattice.map_err(|many| Failed::Wrong(many.to_string()))?;
    let setting = |group: &figure::Group| {
        let values = lattice.axes.iter().zip(&group.at);
        let key =
            values.filter_map(|(axis, k)| Some((axis.name.clone(), axis.values[*k].as_ref()?.to_string()))).collect();
        (key, (group.quartiles().median, group.done.len()))
    };
    Ok(lattice.groups.iter().filter(|group| !group.done.is_empty()).map(setting).collect())
}

async fn compared(site: &Site, a: &store::Sweep, b: &store::Sweep, measure: Measure) -> Result<Found, Failed> {
    let sweeps = [a, b].map(|stored| site.boards().sweep(stored).map_err(Failed::Wrong));
    let [first, second] = sweeps;
    let (first, second) = (first?, second?);
    let differences = diff(&first, &second);
    let list = |values: &[String]| values.iter().take(20).cloned().collect::<Vec<_>>().join(", ");
    let rows = differences.iter().map(|difference| {
        vec![
            Field::text(&difference.what),
            Field::text(list(&difference.removed)),
            Field::text(list(&difference.added)),
        ]
    });
    let differences = Table::new(&["axis", "only in a", "only in b"], rows.collect());
    // Whatever varies in one of them is told of both.
    let mut axes: Vec<String> = Vec::new();
    for sweep in [&first, &second] {
        axes.extend(varied(sweep, Part::Reported).into_iter().map(|(name, _)| name).filter(|name| !is_seed(name)));
    }
    axes.extend(["optimizer", "penalty", "baseline", "depth"].map(str::to_owned));
    axes.sort();
    axes.dedup();
    let (of_a, of_b) = (settings(site, a, measure, &axes).await?, settings(site, b, measure, &axes).await?);
    let mut common: Vec<_> = of_a.iter().filter_map(|(key, a)| Some((key, a, of_b.get(key)?))).collect();
    let ratio = |a: Option<f64>, b: Option<f64>| a.zip(b).filter(|(a, b)| *a > 0.0 && *b > 0.0).map(|(a, b)| b / a);
    let far =
        |a: &(Option<f64>, usize), b: &(Option<f64>, usize)| ratio(a.0, b.0).map_or(f64::INFINITY, |r| r.ln().abs());
    common.sort_by(|(_, a, b), (_, c, d)| far(c, d).total_cmp(&far(a, b)));
    let better = common.iter().filter(|(_, a, b)| ratio(a.0, b.0).is_some_and(|r| r < 1.0)).count();
    let worse = common.iter().filter(|(_, a, b)| ratio(a.0, b.0).is_some_and(|r| r > 1.0)).count();
    let summary = format!(
        "{} in both, {} only in a, {} only in b. {} is lower in b for {better} and higher for {worse}. Medians over replicates; \
         the largest changes first.",
        words::count(common.len() as u64, "setting"),
        of_a.len() - common.len(),
        of_b.len() - common.len(),
        measure.name(),
    );
    let tells = |axis: &&String| {
        let values: Vec<Option<&String>> =
            common.iter().map(|(key, ..)| key.iter().find(|(name, _)| name == *axis).map(|(_, value)| value)).collect();
        values.windows(2).any(|pair| pair[0] != pair[1])
    };
    let shown: Vec<&String> = axes.iter().filter(tells).collect();
    let number = |x: Option<f64>| Field { text: x.map_or("–".to_owned(), words::short), numeric: true, href: None };
    let rows = common.iter().take(MOST_ROWS).map(|(key, a, b)| {
        let value = |axis: &&String| {
            Field::text(key.iter().find(|(name, _)| name == *axis).map_or(String::new(), |(_, value)| value.clone()))
        };
        let mut row: Vec<Field> = shown.iter().map(value).collect();
        row.extend([
            number(a.0),
            number(b.0),
            number(ratio(a.0, b.0)),
            number(Some(a.1 as f64)),
            number(Some(b.1 as f64)),
        ]);
        row
    });
    let mut columns: Vec<&str> = shown.iter().map(|axis| axis.as_str()).collect();
    columns.extend(["a", "b", "b / a", "n of a", "n of b"]);
    let common = Table::new(&columns, rows.collect());
    let select: Vec<String> = shown.iter().map(|axis| format!("\"{axis}\"")).collect();
    let select = if select.is_empty() { String::new() } else { format!("{}, ", select.join(", ")) };
    let sql = format!(
        "SELECT {select}sweep_id, replicate, status, {}\nFROM results\nWHERE sweep_id IN ('{}', '{}') AND stage <> \
         'tuning'\nORDER BY {select}sweep_id, replicate",
        measure.name(),
        a.id,
        b.id
    );
    let ask = Ask::parse([("metric", measure.name())]).expect("a metric is all that is asked");
    let mut pictures = Vec::new();
    for stored in [a, b] {
        let page = format!("/sweeps/{}", stored.id);
        pictures.push(match figure::draw(site.boards(), stored, &ask, Some(&page)).await {
            Ok(figure) => figure.svg,
            Err(figure::Error::Store(error)) => return Err(error.into()),
            Err(_) => "<p class=\"empty\">It has no heat map.</p>".to_owned(),
        });
    }
    let b = pictures.pop().unwrap_or_default();
    let a = pictures.pop().unwrap_or_default();
    Ok(Found { differences, summary, common, sql, a, b })
}
