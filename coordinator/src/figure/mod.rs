//! Figures: what of a sweep is drawn, with the numbers behind it and the SQL that gives them.
//!
//! A question ([`Ask`]) of some [`Kind`] is settled against the sweep ([`plan`](self)), the cells are put together by
//! their axes ([`Lattice`]) with what the [`Boards`] know of them, and [`crate::plot`] draws. The dashboard,
//! `sweep plot` and `sweep report` all come here.
//!
//! One rule: nothing is left out in silence. Cells that are not done, runs that failed, values that are pooled and cells
//! that have no place in the picture are drawn, counted or named in the caption.
//!
//! | file | idea |
//! |---|---|
//! | `kind` | the kinds, and what each presumes: a new one is an entry there |
//! | `ask` | what is asked for, checked |
//! | `plan` | which axes, for this sweep |
//! | `board` | one number of every cell, in memory |
//! | `lattice` | cells put together by axes |
//! | `heat`, `lines`, `course` | the forms: tiles; measures against axes; against steps |
//! | `caption` | what is said below: n, seeds, failures, what is missing |
//! | `sql` | the statement that gives the same numbers |
//! | `names` | metrics and axes in words |

mod ask;
mod board;
mod caption;
mod course;
mod heat;
pub mod kind;
mod lattice;
mod lines;
pub mod names;
mod plan;
mod sql;

pub use ask::{Ask, KEYS, METHOD, Wrong};
pub use board::{Board, Boards, Entry};
pub use kind::{Form, Kind};
pub use lattice::{Group, Lattice, Part, TooMany, is_seed, varied};
pub use plan::Plan;

use crate::answer::{Answer, MOST_RUNS};
use crate::plot;
use crate::store::{self, Datum, Measure, Selection, Store, Table};
use std::sync::Arc;
use sweep_core::sweep::Sweep;

/// Most rows of the picture of methods.
const MOST_METHODS: usize = 60;

/// A picture with what is behind it.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// The picture.
    pub svg: String,
    /// The numbers behind it.
    pub table: Table,
    /// A statement over the documented views that gives them.
    pub sql: String,
}

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What is asked for cannot be drawn.
    #[error(transparent)]
    Wrong(#[from] Wrong),
    /// The database refused.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A stored sweep file that this version of the program does not accept.
    #[error("the file of the sweep is not accepted by this version of the program: {0}")]
    Source(String),
    /// A bug.
    #[error("the picture failed: {0}")]
    Failed(String),
}

impl From<TooMany> for Error {
    fn from(error: TooMany) -> Error {
        Error::Wrong(Wrong(error.to_string()))
    }
}

/// A sweep with what is needed to draw it.
pub(crate) struct Scene<'a> {
    boards: &'a Boards,
    stored: &'a store::Sweep,
    sweep: Arc<Sweep>,
    ask: &'a Ask,
    plan: Plan,
    /// Where a click on a tile leads: the page of the sweep.
    links: Option<&'a str>,
}

/// Draws what is asked for. `links`: the address of the sweep's page, where tiles are to lead somewhere.
///
/// # Errors
/// [`Error::Wrong`] with what is allowed; what the database says.
pub async fn draw(boards: &Boards, stored: &store::Sweep, ask: &Ask, links: Option<&str>) -> Result<Figure, Error> {
    let sweep = boards.sweep(stored).map_err(Error::Source)?;
    let plan = Plan::of(&sweep, ask)?;
    let scene = Scene { boards, stored, sweep, ask, plan, links };
    match ask.kind.form {
        Form::Heatmap | Form::Phase => {
            let board = boards.board(&stored.id, scene.plan.metrics[0]).await?;
            let key = format!("{} {} {links:?} {ask:?} {:?}", stored.id, stored.cells, scene.selections().await?);
            if let Some(known) = boards.drawn(&key, &board) {
                return Ok(Figure::clone(&known));
            }
            let figure = heat::draw(&scene).await?;
            boards.keep_drawn(key, board, Arc::new(figure.clone()));
            Ok(figure)
        }
        Form::Curves => lines::draw(&scene).await,
        Form::Steps | Form::Together | Form::Spectrum | Form::Path => course::draw(&scene).await,
        Form::Methods => methods(&scene).await,
    }
}

/// The statement that gives the numbers of a picture, without drawing it.
///
/// # Errors
/// [`Error::Wrong`] with what is allowed.
pub fn statement(boards: &Boards, stored: &store::Sweep, ask: &Ask) -> Result<String, Error> {
    let sweep = boards.sweep(stored).map_err(Error::Source)?;
    let plan = Plan::of(&sweep, ask)?;
    let scene = Scene { boards, stored, sweep, ask, plan, links: None };
    Ok(match ask.kind.form {
        Form::Heatmap | Form::Phase => heat::statement(&scene),
        Form::Curves => lines::statement(&scene),
        Form::Steps | Form::Together | Form::Spectrum | Form::Path => course::statement(&scene),
        Form::Methods => sql::methods(&scene),
    })
}

impl Scene<'_> {
    fn store(&self) -> &Store {
        self.boards.store()
    }

    async fn selections(&self) -> Result<Vec<Selection>, Error> {
        Ok(if self.sweep.tune.is_some() { self.store().selections(&self.stored.id).await? } else { Vec::new() })
    }

    /// The cells put together by `axes`, with their values of `measure`.
    async fn lattice(&self, measure: Measure, axes: Vec<String>) -> Result<Lattice, Error> {
        let board = self.boards.board(&self.stored.id, measure).await?;
        let (sweep, selections, part) = (Arc::clone(&self.sweep), self.selections().await?, self.plan.part);
        let filter = self.ask.filter.clone();
        let work = move || Lattice::of(&sweep, &board, &selections, part, &axes, &filter);
        let done = tokio::task::spawn_blocking(work).await.map_err(|error| Error::Failed(error.to_string()))?;
        Ok(done?)
    }
}

/// The answer of the sweep as a picture.
async fn methods(scene: &Scene<'_>) -> Result<Figure, Error> {
    let Scene { stored, sweep, ask, .. } = scene;
    let mut runs = scene.store().runs(&stored.id, 0, MOST_RUNS).await?;
    runs.retain(|run| ask.filter.fits_values(|name| run.coordinates.get(name).cloned()));
    let answer = Answer::new(sweep, runs, &scene.selections().await?);
    if answer.rows.len() > MOST_METHODS {
        return Err(Error::Wrong(Wrong(format!(
            "{} rows do not fit into a picture of methods, at most {MOST_METHODS} do; choose some by where, or take a heat map",
            answer.rows.len()
        ))));
    }
    Ok(Figure {
        svg: plot::methods::methods(&answer.picture(sweep)),
        table: answer.table(usize::MAX),
        sql: sql::methods(scene),
    })
}

fn text(text: impl Into<String>) -> Datum {
    Datum::Text(text.into())
}

fn count(n: u64) -> Datum {
    Datum::Int(n as i64)
}

fn float(x: Option<f64>) -> Datum {
    x.map_or(Datum::Null, Datum::Float)
}
