//! `sweep sql`: the user's own question.

use crate::args::Sql;
use crate::failure::Result;
use crate::output::{self, Format, Part, Table};
use crate::remote::Coordinator;
use crate::session;
use std::time::Duration;
use sweep_coordinator::store::Limits;

/// Answers one reading statement.
///
/// # Errors
/// Statements that are not one reading statement, the database's own words, and the limits.
pub async fn run(db: &str, asked: &Sql, format: Format) -> Result {
    let (table, truncated) = match Coordinator::named(&asked.of).await? {
        Some(mut coordinator) => coordinator.sql(&asked.query, asked.rows, asked.seconds).await?,
        None => {
            let store = session::reading(db).await?;
            let limits = Limits { rows: asked.rows, time: Duration::from_secs_f64(asked.seconds) };
            let answer = store.query(&asked.query, &limits).await?;
            (Table { columns: answer.columns, rows: answer.rows }, answer.truncated)
        }
    };
    output::print(format, &[Part::Table("rows", table)])?;
    if truncated {
        crate::say!("warning: there are more rows than {}; raise --rows to see them", asked.rows);
    }
    Ok(())
}
