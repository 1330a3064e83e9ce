//! `sweep sql`: the user's own question.

use crate::args::Sql;
use crate::failure::Result;
use crate::output::{self, Format, Part, Table};
use crate::session;
use std::time::Duration;
use sweep_coordinator::store::Limits;

/// Answers one reading statement.
///
/// # Errors
/// Statements that are not one reading statement, the database's own words, and the limits.
pub async fn run(db: &str, asked: &Sql, format: Format) -> Result {
    let store = session::reading(db).await?;
    let limits = Limits { rows: asked.rows, time: Duration::from_secs_f64(asked.seconds) };
    let answer = store.query(&asked.query, &limits).await?;
    let table = Table { columns: answer.columns, rows: answer.rows };
    output::print(format, &[Part::Table("rows", table)])?;
    if answer.truncated {
        crate::say!("warning: there are more rows than {}; raise --rows to see them", asked.rows);
    }
    Ok(())
}
