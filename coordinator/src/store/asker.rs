//! Who asks, on Postgres: users' own statements run as a role of their own.
//!
//! One rule: it may read the tables and views of this database, `tokens` apart, and nothing of the server, whatever the role may
//! that the coordinator has. Its password is made anew with every start and known to this process alone.

use super::database::{Database, args};
use super::error::Result;
use super::tokens::secret;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;

/// Whether there is a role.
const ROLE: &str = "SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = $1";
/// Names differ by database, for a server has its roles in common.
const DATABASE: &str = "SELECT current_database()";

/// Makes the role, or brings its rights up to date, and connects as it.
///
/// # Errors
/// What the database says, as where the coordinator's role may not make others.
pub(super) async fn connect(database: &Database, pool: &PgPool) -> Result<PgPool> {
    let mut transaction = database.write().await?;
    let name = transaction.row(DATABASE, &[]).await?.map(|mut row| row.text()).transpose()?.unwrap_or_default();
    let role = format!("sweep_asker_{}", &blake3::hash(name.as_bytes()).to_hex()[..8]);
    let there = transaction.row(ROLE, args![&role]).await?.is_some();
    let password = secret(32);
    let verb = if there { "ALTER" } else { "CREATE" };
    transaction
        .script(&format!(
            "{verb} ROLE {role} LOGIN PASSWORD '{password}';
             GRANT USAGE ON SCHEMA public TO {role};
             GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role};
             REVOKE ALL ON tokens FROM {role}"
        ))
        .await?;
    transaction.commit().await?;
    let options = (*pool.connect_options()).clone().username(&role).password(&password);
    Ok(PgPoolOptions::new().max_connections(4).connect_with(options).await?)
}
