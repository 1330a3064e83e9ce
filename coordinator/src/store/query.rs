//! A user's own SQL: one reading statement, on a connection that cannot write, within limits.

use super::database::{Database, Datum, postgres_row, sqlite_row};
use super::error::{Error, Result};
use super::hint::hint;
use super::statements as sql;
use super::{Store, database::args};
use futures_util::TryStreamExt;
use sqlx::{AssertSqlSafe, Column, Connection, Executor, SqlSafeStr, Statement};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// What a query may cost.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Rows at most; the rest is left out, and said so.
    pub rows: usize,
    /// Time at most.
    pub time: Duration,
}

impl Default for Limits {
    /// 100,000 rows, 60 seconds.
    fn default() -> Limits {
        Limits { rows: 100_000, time: Duration::from_secs(60) }
    }
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Table {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// The rows.
    pub rows: Vec<Vec<Datum>>,
    /// Whether the limit left rows out.
    pub truncated: bool,
}

impl Table {
    /// No rows yet.
    pub fn new(columns: &[&str]) -> Table {
        Table { columns: columns.iter().map(|&name| name.to_owned()).collect(), ..Table::default() }
    }

    /// Takes a row; whether there is room for more.
    fn push(&mut self, row: Vec<Datum>, limits: &Limits) -> bool {
        if self.rows.len() == limits.rows {
            self.truncated = true;
        } else {
            self.rows.push(row);
        }
        !self.truncated
    }
}

impl Store {
    /// Answers a user's statement: one SELECT, WITH, VALUES or EXPLAIN.
    ///
    /// The connection cannot write (SQLite: opened read-only with `query_only`; Postgres: a read-only transaction, of a
    /// role that sees this database alone, see `asker`).
    ///
    /// # Errors
    /// [`Error::Refused`], [`Error::Query`] with the database's words, [`Error::TooSlow`].
    pub async fn query(&self, text: &str, limits: &Limits) -> Result<Table> {
        single_reading_statement(text)?;
        // Reviewed: this is the user's own query, meant to be one; the connection cannot write.
        let statement = || AssertSqlSafe(text.to_owned()).into_sql_str();
        let mut table = Table::default();
        match &self.database {
            Database::Sqlite { read, .. } => {
                let mut connection = read.acquire().await?;
                sqlx::query("PRAGMA query_only = ON").execute(&mut *connection).await?;
                let out_of_time = Arc::new(AtomicBool::new(false));
                let (flag, deadline) = (out_of_time.clone(), Instant::now() + limits.time);
                // Asked every 10,000 instructions of SQLite's machine, well under a millisecond.
                connection.lock_handle().await?.set_progress_handler(10_000, move || {
                    let late = Instant::now() >= deadline;
                    flag.fetch_or(late, Ordering::Relaxed);
                    !late
                });
                let answer = async {
                    let prepared = (&mut *connection).prepare(statement()).await?;
                    table.columns = prepared.columns().iter().map(|c| c.name().to_owned()).collect();
                    let mut rows = sqlx::query(statement()).persistent(false).fetch(&mut *connection);
                    while let Some(row) = rows.try_next().await? {
                        let row = sqlite_row(&row).map_err(|e| sqlx::Error::Decode(e.into()))?;
                        if !table.push(row, limits) {
                            break;
                        }
                    }
                    Ok(())
                }
                .await;
                connection.lock_handle().await?.remove_progress_handler();
                answer.map_err(|e| if out_of_time.load(Ordering::Relaxed) { slow(limits) } else { said(e, text) })?;
            }
            Database::Postgres { asker, .. } => {
                let mut connection = asker.acquire().await?;
                let mut transaction = connection.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
                let millis = limits.time.as_millis().clamp(1, i32::MAX as u128).to_string();
                sqlx::query("SELECT set_config('statement_timeout', $1, true)")
                    .bind(millis)
                    .execute(&mut *transaction)
                    .await?;
                let answer = async {
                    let prepared = (&mut *transaction).prepare(statement()).await?;
                    table.columns = prepared.columns().iter().map(|c| c.name().to_owned()).collect();
                    let mut rows = sqlx::query(statement()).persistent(false).fetch(&mut *transaction);
                    while let Some(row) = rows.try_next().await? {
                        let row = postgres_row(&row).map_err(|e| sqlx::Error::Decode(e.into()))?;
                        if !table.push(row, limits) {
                            break;
                        }
                    }
                    Ok(())
                }
                .await;
                // 57014: query_canceled, which is what a statement_timeout ends in.
                answer.map_err(|e: sqlx::Error| match e.as_database_error().and_then(|e| e.code()) {
                    Some(code) if code == "57014" => slow(limits),
                    _ => said(e, text),
                })?;
                transaction.rollback().await?;
            }
        }
        Ok(table)
    }

    /// Rows of the view `results` of one sweep, in the order of cells from cell `from` on and of
    /// [`super::result_columns`], at most `most`. Between two such pages nothing is held open, so that a reader who takes
    /// its time is in nobody's way.
    ///
    /// # Errors
    /// What the database says.
    pub async fn results(&self, sweep: &str, from: u64, most: u64) -> Result<Vec<Vec<Datum>>> {
        let mut rows = Vec::new();
        let mut transaction = self.database.read().await?;
        let keep = |row| {
            rows.push(row);
            Ok(())
        };
        transaction.each(sql::RESULTS, args![sweep, from, most], keep).await?;
        Ok(rows)
    }
}

fn slow(limits: &Limits) -> Error {
    Error::TooSlow { seconds: limits.time.as_secs_f64() }
}

/// The database's own words, where it has any, and what the query may have meant.
fn said(error: sqlx::Error, query: &str) -> Error {
    match &error {
        sqlx::Error::Database(e) => Error::Query(format!("{}{}", e.message(), hint(e.message(), query))),
        sqlx::Error::Decode(e) => Error::Query(e.to_string()),
        _ => Error::Database(error),
    }
}

/// Checks that `text` is one statement that begins like a reading one. The connection is what keeps it from writing;
/// this keeps it from attaching other files, changing settings, or hiding a second statement behind the first.
fn single_reading_statement(text: &str) -> Result<()> {
    let refused = |why: String| Err(Error::Refused(why));
    let bare = without_literals(text);
    let first: String =
        bare.trim_start().chars().take_while(|c| c.is_ascii_alphabetic()).collect::<String>().to_ascii_lowercase();
    if bare.trim().is_empty() {
        return refused("it is empty".to_owned());
    }
    if !["select", "with", "values", "explain"].contains(&first.as_str()) {
        return refused(format!("it begins with \"{first}\""));
    }
    if let Some((_, rest)) = bare.split_once(';')
        && rest.contains(|c: char| !c.is_whitespace() && c != ';')
    {
        return refused("it holds more than one statement".to_owned());
    }
    Ok(())
}

/// `text` without comments and with quoted parts emptied.
fn without_literals(text: &str) -> String {
    let mut bare = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let end = |from: usize, mark: &str| rest[from..].find(mark).map_or(rest.len(), |i| from + i + mark.len());
        let skipped = match c {
            '\'' | '"' | '`' => {
                bare.push('x');
                end(1, &c.to_string())
            }
            '[' => {
                bare.push('x');
                end(1, "]")
            }
            '-' if rest.starts_with("--") => end(2, "\n"),
            '/' if rest.starts_with("/*") => end(2, "*/"),
            _ => {
                bare.push(c);
                c.len_utf8()
            }
        };
        rest = &rest[skipped..];
    }
    bare
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_reading_statement_is_let_through() {
        for fine in [
            "SELECT 1",
            "  -- a comment; with a semicolon\n select ';' AS \"a;b\" ; ",
            "WITH x AS (SELECT 1) SELECT * FROM x",
            "/* ; */ VALUES (1)",
            "EXPLAIN QUERY PLAN SELECT 1",
            "SELECT 'it''s; fine'",
        ] {
            single_reading_statement(fine).unwrap();
        }
        for (bad, why) in [
            ("", "empty"),
            ("-- nothing", "empty"),
            ("DELETE FROM cells", "\"delete\""),
            ("ATTACH 'x' AS y", "\"attach\""),
            ("PRAGMA query_only = OFF", "\"pragma\""),
            ("SELECT 1; DROP TABLE cells", "more than one"),
            ("SELECT [']; ATTACH 'x' AS y --']", "more than one"),
            ("SELECT ';'; ATTACH 'x' AS y", "more than one"),
            ("/* select */ UPDATE cells SET fence = 0", "\"update\""),
        ] {
            let refused = single_reading_statement(bad).unwrap_err().to_string();
            assert!(refused.contains(why), "{bad}: {refused}");
        }
    }
}
