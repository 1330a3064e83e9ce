//! Bringing a database to the schema of this program.
//!
//! Migrations are only ever added (see `migrations/README.md`). Each is one transaction with its entry in the table
//! `migrations`, so a crash leaves whole steps. Views are made from declarations and replaced when their text changed.

use super::database::{Database, Transaction, args};
use super::error::{Error, Result};
use super::views::{self, Dialect};

/// Every migration: number and text.
pub(super) const MIGRATIONS: &[(i64, &str)] = &[
    (1, include_str!("../../../migrations/0001_schema.sql")),
    (2, include_str!("../../../migrations/0002_control.sql")),
    (3, include_str!("../../../migrations/0003_extensions.sql")),
    (4, include_str!("../../../migrations/0004_probe.sql")),
    (5, include_str!("../../../migrations/0005_leading.sql")),
];

/// What was applied.
const BOOK: &str = "CREATE TABLE IF NOT EXISTS migrations (version BIGINT PRIMARY KEY, hash TEXT NOT NULL, applied_at_ms BIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS views (hash TEXT PRIMARY KEY)";
const APPLIED: &str = "SELECT MAX(version) FROM migrations";
const APPLY: &str = "INSERT INTO migrations (version, hash, applied_at_ms) VALUES ($1, $2, $3)";
const VIEWS: &str = "SELECT hash FROM views";
const FORGET_VIEWS: &str = "DELETE FROM views";
const REMEMBER_VIEWS: &str = "INSERT INTO views (hash) VALUES ($1)";
/// Two processes may open one Postgres database at once: the second waits for the first to finish migrating.
const ALONE: &str = "SELECT 1 FROM (SELECT pg_advisory_xact_lock(5771834052)) AS locked";

fn dialect(database: &Database) -> Dialect {
    if database.is_sqlite() { Dialect::Sqlite } else { Dialect::Postgres }
}

fn hash(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

/// Applies what is missing of `migrations`, then the views.
///
/// # Errors
/// [`Error::Newer`] if the database knows more than this program.
pub(super) async fn migrate(database: &Database, migrations: &[(i64, &str)], now_ms: i64) -> Result<()> {
    let mut transaction = begin(database).await?;
    transaction.script(BOOK).await?;
    transaction.commit().await?;
    for &(version, text) in migrations {
        let mut transaction = begin(database).await?;
        let found = applied(&mut transaction).await?;
        let known = migrations.last().map_or(0, |&(version, _)| version);
        if found > known {
            return Err(Error::Newer { found, known });
        }
        if found < version {
            // A view stands in the way of a change to its tables.
            drop_views(&mut transaction, dialect(database)).await?;
            transaction.script(text).await?;
            transaction.execute(APPLY, args![version, hash(text), now_ms]).await?;
        }
        transaction.commit().await?;
    }
    let mut transaction = begin(database).await?;
    if !views_are_current(&mut transaction, dialect(database)).await? {
        drop_views(&mut transaction, dialect(database)).await?;
        for view in views::all(dialect(database)) {
            transaction.script(&view.text).await?;
        }
        transaction.execute(REMEMBER_VIEWS, args![views_hash(dialect(database))]).await?;
    }
    transaction.commit().await
}

/// Checks that a database opened for reading needs nothing applied.
///
/// # Errors
/// [`Error::Newer`], [`Error::Older`].
pub(super) async fn check(database: &Database) -> Result<()> {
    let known = MIGRATIONS.last().map_or(0, |&(version, _)| version);
    let mut transaction = database.read().await?;
    // Without its book this is no database of ours, or a new one.
    let found = applied(&mut transaction).await.map_err(|_| Error::Older)?;
    if found > known {
        return Err(Error::Newer { found, known });
    }
    if found < known || !views_are_current(&mut transaction, dialect(database)).await? {
        return Err(Error::Older);
    }
    Ok(())
}

async fn begin(database: &Database) -> Result<Transaction> {
    let mut transaction = database.write().await?;
    if !database.is_sqlite() {
        transaction.rows(ALONE, &[]).await?;
    }
    Ok(transaction)
}

async fn applied(transaction: &mut Transaction) -> Result<i64> {
    Ok(transaction.row(APPLIED, &[]).await?.map(|mut row| row.maybe_int()).transpose()?.flatten().unwrap_or(0))
}

fn views_hash(dialect: Dialect) -> String {
    hash(&views::all(dialect).into_iter().map(|view| view.text).collect::<Vec<_>>().join(";\n"))
}

async fn views_are_current(transaction: &mut Transaction, dialect: Dialect) -> Result<bool> {
    let stored = transaction.row(VIEWS, &[]).await?.map(|mut row| row.text()).transpose()?;
    Ok(stored == Some(views_hash(dialect)))
}

async fn drop_views(transaction: &mut Transaction, dialect: Dialect) -> Result<()> {
    for view in views::all(dialect).iter().rev() {
        transaction.script(&format!("DROP VIEW IF EXISTS {}", view.name)).await?;
    }
    transaction.execute(FORGET_VIEWS, &[]).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::location::Location;

    async fn text(database: &Database, statement: &'static str) -> String {
        database.read().await.unwrap().row(statement, &[]).await.unwrap().unwrap().text().unwrap()
    }

    #[tokio::test]
    async fn a_migration_keeps_the_data_and_a_newer_database_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let database = Database::open(&Location::Sqlite(directory.path().join("x.db")), true).await.unwrap();
        migrate(&database, MIGRATIONS, 1).await.unwrap();
        let mut transaction = database.write().await.unwrap();
        const SWEEP: &str = "INSERT INTO sweeps (id, name, description, source, digest, cells, state, created_at_ms) \
                             VALUES ('a', 'kept', '', '', 'd', 1, 'running', 5)";
        transaction.execute(SWEEP, &[]).await.unwrap();
        transaction.commit().await.unwrap();

        // A later version: a column that the views' tables get, with the old rows filled in.
        let next = MIGRATIONS.last().unwrap().0 + 1;
        let later = "ALTER TABLE sweeps ADD COLUMN note TEXT NOT NULL DEFAULT 'none';
                     UPDATE sweeps SET note = 'from before'";
        let with_later: Vec<(i64, &str)> = MIGRATIONS.iter().copied().chain([(next, later)]).collect();
        migrate(&database, &with_later, 2).await.unwrap();
        migrate(&database, &with_later, 3).await.unwrap();
        assert_eq!(text(&database, "SELECT name || ', ' || note FROM sweeps").await, "kept, from before");
        assert_eq!(
            text(&database, "SELECT CAST(COUNT(*) AS TEXT) || '/' || MAX(applied_at_ms) FROM migrations").await,
            format!("{}/2", with_later.len()),
            "each migration is applied once"
        );
        database.read().await.unwrap().rows("SELECT * FROM results", &[]).await.unwrap();

        for refused in [migrate(&database, MIGRATIONS, 4).await, check(&database).await] {
            let refused = refused.unwrap_err();
            assert!(
                matches!(refused, Error::Newer { found, known } if found == next && known == next - 1),
                "{refused}"
            );
        }
    }

    #[tokio::test]
    async fn views_follow_their_definitions_and_a_half_made_migration_leaves_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let database = Database::open(&Location::Sqlite(directory.path().join("x.db")), true).await.unwrap();
        migrate(&database, MIGRATIONS, 1).await.unwrap();
        // As an older program would have left it.
        let mut transaction = database.write().await.unwrap();
        transaction
            .script("DROP VIEW best; CREATE VIEW best AS SELECT 1 AS old; UPDATE views SET hash = 'old'")
            .await
            .unwrap();
        transaction.commit().await.unwrap();
        assert!(matches!(check(&database).await, Err(Error::Older)));
        migrate(&database, MIGRATIONS, 2).await.unwrap();
        check(&database).await.unwrap();
        database.read().await.unwrap().rows("SELECT at_edge FROM best", &[]).await.unwrap();

        let broken = "CREATE TABLE half (x BIGINT); CREATE TABLE half (x BIGINT)";
        let next = MIGRATIONS.last().unwrap().0 + 1;
        let with_broken: Vec<(i64, &str)> = MIGRATIONS.iter().copied().chain([(next, broken)]).collect();
        migrate(&database, &with_broken, 3).await.unwrap_err();
        check(&database).await.unwrap();
        assert!(database.read().await.unwrap().rows("SELECT * FROM half", &[]).await.is_err());
    }
}
