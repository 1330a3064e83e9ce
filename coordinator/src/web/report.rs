//! A sweep as one file that stands alone: a colleague opens it without the program and without a network.

use super::pages::assets::STYLE;
use super::pages::table::Table;
use crate::answer::{Answer, MOST_RUNS};
use crate::dispatch::Dispatcher;
use crate::figure::{self, Ask, Error, Form, kind};
use crate::store::{self, Limits};
use crate::words;
use askama::Template;
use std::time::Duration;

/// Most rows of the answer.
const MOST_ROWS: usize = 200;
/// Kinds that suit every sweep only if they have something of their own to say.
const BESIDE: [&str; 9] =
    ["lambda-lr", "optimizer-penalty", "phase", "samples", "init", "effective-rank", "loss", "spectrum", "alignment"];

struct Picture {
    name: &'static str,
    doc: &'static str,
    svg: String,
    sql: String,
}

#[derive(Template)]
#[template(path = "report.html")]
struct Report<'a> {
    stored: &'a store::Sweep,
    style: String,
    date: String,
    made: String,
    facts: Vec<(&'static str, String)>,
    pictures: Vec<Picture>,
    table: Table,
    notes: Vec<String>,
    failures: Vec<(u64, String)>,
    machines: Table,
    version: &'static str,
}

/// The report of a sweep, HTML.
///
/// # Errors
/// What the database says.
pub async fn report(dispatcher: &Dispatcher, stored: &store::Sweep) -> Result<String, Error> {
    let (store, boards) = (dispatcher.store(), dispatcher.boards());
    let sweep = boards.sweep(stored).map_err(Error::Source)?;
    let mut pictures: Vec<Picture> = Vec::new();
    for name in ["methods", "heatmap"].into_iter().chain(BESIDE) {
        let ask = Ask::parse([("kind", name)]).map_err(Error::Wrong)?;
        if !suits(&ask, &sweep) {
            continue;
        }
        match figure::draw(boards, stored, &ask, None).await {
            // The same picture by another name says nothing new.
            Ok(figure) if pictures.iter().any(|known| known.svg == figure.svg) => {}
            Ok(figure) => {
                let doc = kind::find(name).map_or("", |kind| kind.doc);
                pictures.push(Picture { name, doc, svg: figure.svg, sql: figure.sql });
            }
            // It does not fit this sweep.
            Err(Error::Wrong(_)) => {}
            Err(error) => return Err(error),
        }
    }
    let counts = store.counts(&stored.id).await?;
    let runs = store.runs(&stored.id, 0, MOST_RUNS).await?;
    let answer = Answer::new(&sweep, runs, &store.selections(&stored.id).await?);
    let mut facts = vec![
        ("id", stored.id.clone()),
        ("state", stored.state.word().to_owned()),
        ("cells", stored.cells.to_string()),
        ("done", counts.done.to_string()),
        ("linked", counts.linked.to_string()),
        ("failed", (counts.failed + counts.quarantined).to_string()),
        ("tags", stored.tags.join(" ")),
    ];
    facts.retain(|(_, value)| !value.is_empty());
    let text = "SELECT DISTINCT p.host, p.cpu, p.blas_library, p.blas_kernel, p.blas_threads, p.trainer_version, p.git_commit FROM \
                results r JOIN provenance p ON p.id = r.provenance_id WHERE r.sweep_id = ";
    let query = format!("{text}'{}'", stored.id.replace('\'', "''"));
    let machines = store.query(&query, &Limits { rows: 50, time: Duration::from_secs(20) }).await?;
    let mut notes = answer.notes();
    if answer.rows.len() > MOST_ROWS {
        notes.push(format!("The first {MOST_ROWS} of {} rows.", answer.rows.len()));
    }
    let page = Report {
        stored,
        // The fonts of the dashboard are not here; the next family of the list is.
        style: STYLE.lines().filter(|line| !line.starts_with("@font-face")).collect::<Vec<_>>().join("\n"),
        date: words::date(stored.created_at_ms),
        made: words::date(dispatcher.clock().now_ms()),
        facts,
        pictures,
        table: Table::of(&answer.shown(MOST_ROWS, true), MOST_ROWS),
        notes,
        failures: store.given_up(&stored.id, 100).await?,
        machines: Table::of(&machines, 50),
        version: env!("CARGO_PKG_VERSION"),
    };
    page.render().map_err(|error| Error::Failed(error.to_string()))
}

/// Whether a kind has the axes that it is about.
fn suits(ask: &Ask, sweep: &sweep_core::sweep::Sweep) -> bool {
    let varies = |name: &str| {
        [figure::Part::Reported, figure::Part::Tuning]
            .iter()
            .any(|part| figure::varied(sweep, *part).iter().any(|(axis, n)| axis == name && *n > 1))
    };
    match ask.kind.form {
        Form::Heatmap | Form::Phase if ask.kind.name != "heatmap" => {
            [&ask.x, &ask.y].into_iter().flatten().all(|axis| varies(axis))
        }
        Form::Curves => ask.x.as_deref().is_some_and(varies),
        _ => true,
    }
}
