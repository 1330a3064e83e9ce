//! `sweep sql`: the user's own question.

use crate::args::Sql;
use crate::failure::Result;
use crate::output::{self, Format, Part};
use crate::remote::{Access, Coordinator};

/// Answers one reading statement.
///
/// # Errors
/// Statements that are not one reading statement, the database's own words, and the limits.
pub async fn run(db: &str, asked: &Sql, format: Format) -> Result {
    let mut coordinator = Coordinator::reach(db, &asked.of, Access::Read).await?;
    let (table, truncated) = coordinator.sql(&asked.query, asked.rows, asked.seconds).await?;
    output::print(format, &[Part::Table("rows", table)])?;
    if truncated {
        crate::say!("warning: there are more rows than {}; raise --rows to see them", asked.rows);
    }
    Ok(())
}
