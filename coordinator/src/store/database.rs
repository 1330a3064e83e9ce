//! Two databases, one text per statement.
//!
//! Everything that differs between SQLite and Postgres at run time is in this file: how a transaction begins, how a
//! value is bound and read. A [`Transaction`] takes named statements with `$1` placeholders and plain arguments, and
//! gives plain rows.
//!
//! A SQLite file has one writing connection, so writers queue in order, and a few reading ones. Writes begin with
//! `BEGIN IMMEDIATE`: a transaction that starts as a reader cannot always become a writer. On commit the log is on
//! the disk before the call returns (`synchronous=FULL`, `synchronous_commit=on`, asserted at open).

use super::error::{Error, Result};
use super::location::Location;
use futures_util::TryStreamExt;
use sqlx::postgres::{PgArguments, PgConnectOptions, PgPool, PgPoolOptions, PgRow, PgValueFormat};
use sqlx::sqlite::{SqliteArguments, SqliteConnectOptions, SqlitePool, SqlitePoolOptions, SqliteRow, SqliteValueRef};
use sqlx::{Arguments, Column, Connection, Decode, Postgres, Row as _, Sqlite, TypeInfo, ValueRef};
use std::path::Path;
use std::str::FromStr;
use std::sync::OnceLock;
use std::time::Duration;

/// How long a connection waits for another one's lock.
const BUSY: Duration = Duration::from_secs(10);

/// A statement that reads the file.
const PROBE: &str = "SELECT name FROM sqlite_master LIMIT 1";
/// SQLITE_NOTADB.
const NOT_A_DATABASE: &str = "26";

/// The database's code of an error.
fn code(error: &sqlx::Error) -> Option<String> {
    error.as_database_error()?.code().map(|code| code.into_owned())
}

/// Whether there is a log that is not empty beside the SQLite file at `path`.
fn has_log(path: &Path) -> bool {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    std::fs::metadata(log).is_ok_and(|metadata| metadata.len() > 0)
}

/// A value in a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Datum {
    /// No value.
    Null,
    /// A count, flag or time.
    Int(i64),
    /// A real number, finite where this program wrote it.
    Float(f64),
    /// Text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

/// An argument of a statement. The type is known even where the value is NULL, as Postgres asks.
#[derive(Debug, Clone)]
pub(super) enum Arg<'a> {
    Int(Option<i64>),
    Float(Option<f64>),
    Text(Option<&'a str>),
    Owned(String),
    Bytes(&'a [u8]),
}

macro_rules! arg_from {
    ($($type:ty, $value:ident => $arg:expr;)*) => {
        $(impl<'a> From<$type> for Arg<'a> { fn from($value: $type) -> Arg<'a> { $arg } })*
    };
}
arg_from! {
    i64, x => Arg::Int(Some(x));
    Option<i64>, x => Arg::Int(x);
    bool, x => Arg::Int(Some(i64::from(x)));
    // Counts, cells and steps stay far below 2^63: the grid is capped, and i64 seconds outlive the machine.
    u64, x => Arg::Int(Some(i64::try_from(x).unwrap_or(i64::MAX)));
    u32, x => Arg::Int(Some(i64::from(x)));
    f64, x => Arg::Float(x.is_finite().then_some(x));
    Option<f64>, x => Arg::Float(x.filter(|x| x.is_finite()));
    &'a str, x => Arg::Text(Some(x));
    &'a String, x => Arg::Text(Some(x));
    Option<&'a str>, x => Arg::Text(x);
    String, x => Arg::Owned(x);
    &'a [u8], x => Arg::Bytes(x);
}

/// Arguments of a statement, in the order of their placeholders.
macro_rules! args {
    ($($value:expr),* $(,)?) => { &[$($crate::store::database::Arg::from($value)),*] };
}
pub(super) use args;

/// One row, read from left to right.
#[derive(Debug)]
pub(super) struct Row(std::vec::IntoIter<Datum>);

impl Row {
    /// What [`Transaction::each`] hands on.
    pub fn new(data: Vec<Datum>) -> Row {
        Row(data.into_iter())
    }
    /// The next column, whatever it is.
    pub fn any(&mut self) -> Datum {
        self.0.next().unwrap_or(Datum::Null)
    }
    /// The next column, an integer.
    pub fn int(&mut self) -> Result<i64> {
        self.maybe_int()?.ok_or_else(|| Error::Corrupt("NULL where an integer belongs".to_owned()))
    }
    /// The next column, a count.
    pub fn count(&mut self) -> Result<u64> {
        let value = self.int()?;
        u64::try_from(value).map_err(|_| Error::Corrupt(format!("{value} where a count belongs")))
    }
    /// The next column, an integer or NULL.
    pub fn maybe_int(&mut self) -> Result<Option<i64>> {
        match self.any() {
            Datum::Null => Ok(None),
            Datum::Int(x) => Ok(Some(x)),
            other => Err(Error::Corrupt(format!("{other:?} where an integer belongs"))),
        }
    }
    /// The next column, a number or NULL.
    pub fn maybe_float(&mut self) -> Result<Option<f64>> {
        match self.any() {
            Datum::Null => Ok(None),
            Datum::Float(x) => Ok(Some(x)),
            other => Err(Error::Corrupt(format!("{other:?} where a number belongs"))),
        }
    }
    /// The next column, text.
    pub fn text(&mut self) -> Result<String> {
        self.maybe_text()?.ok_or_else(|| Error::Corrupt("NULL where text belongs".to_owned()))
    }
    /// The next column, text or NULL.
    pub fn maybe_text(&mut self) -> Result<Option<String>> {
        match self.any() {
            Datum::Null => Ok(None),
            Datum::Text(x) => Ok(Some(x)),
            other => Err(Error::Corrupt(format!("{other:?} where text belongs"))),
        }
    }
    /// The next column, bytes.
    pub fn bytes(&mut self) -> Result<Vec<u8>> {
        match self.any() {
            Datum::Bytes(x) => Ok(x),
            other => Err(Error::Corrupt(format!("{other:?} where bytes belong"))),
        }
    }
}

/// An open database.
#[derive(Debug, Clone)]
pub(super) enum Database {
    Sqlite {
        write: Option<SqlitePool>,
        read: SqlitePool,
    },
    /// `asker`: for users' own statements.
    Postgres {
        pool: PgPool,
        asker: PgPool,
        writable: bool,
    },
}

impl Database {
    /// Opens `location`; with `writable`, a missing SQLite file is made.
    pub async fn open(location: &Location, writable: bool) -> Result<Database> {
        match location {
            Location::Sqlite(path) => Database::open_sqlite(path, writable).await,
            Location::Postgres(url) => {
                let options = PgConnectOptions::from_str(url)
                    .map_err(|_| Error::Location(without_password(url)))?
                    .application_name("sweep")
                    .options([("synchronous_commit", "on"), ("extra_float_digits", "3")]);
                let pool = PgPoolOptions::new().max_connections(8).connect_with(options).await?;
                Ok(Database::Postgres { asker: pool.clone(), pool, writable })
            }
        }
    }

    async fn open_sqlite(path: &Path, writable: bool) -> Result<Database> {
        let options = SqliteConnectOptions::new().filename(path).busy_timeout(BUSY).foreign_keys(true);
        let unwritable = |e: sqlx::Error| match Error::from(e) {
            Error::Database(e) if code(&e).as_deref() == Some(NOT_A_DATABASE) => Error::NotOurs(path.to_owned()),
            Error::Database(e) => Error::Unwritable { path: path.to_owned(), reason: e.to_string() },
            other => other,
        };
        let write = if writable {
            let options = options
                .clone()
                .create_if_missing(true)
                .journal_mode(sqlx::sqlite::SqliteJournalMode::Wal)
                .synchronous(sqlx::sqlite::SqliteSynchronous::Full)
                // KiB of pages in memory, pages in the log before it is folded into the file, and the journal of a
                // statement in memory: a commit of many rows is written once, and read back by nobody.
                .pragma("cache_size", "-16384")
                .pragma("wal_autocheckpoint", "4000")
                .pragma("temp_store", "memory");
            // One connection: writers queue here, in order, rather than in SQLite's busy loop.
            let pool = SqlitePoolOptions::new()
                .max_connections(1)
                .idle_timeout(None)
                .max_lifetime(None)
                // It lies in this process: there is nothing that could have dropped it.
                .test_before_acquire(false)
                // After some errors (a full disk) SQLite has rolled back by itself, and sqlx, whose own ROLLBACK then
                // fails, still counts a transaction: such a connection is replaced. The ping waits for the ROLLBACK; after a
                // commit there is none.
                .after_release(|connection, _| {
                    Box::pin(async move {
                        if connection.is_in_transaction() {
                            connection.ping().await?;
                        }
                        Ok(!connection.is_in_transaction())
                    })
                })
                .connect_with(options)
                .await
                .map_err(unwritable)?;
            Some(pool)
        } else {
            None
        };
        let pool = |options| SqlitePoolOptions::new().max_connections(4).connect_with(options);
        let mut read = pool(options.clone().read_only(true)).await?;
        if let Err(error) = sqlx::query(PROBE).fetch_optional(&read).await {
            if code(&error).as_deref() == Some(NOT_A_DATABASE) {
                return Err(Error::NotOurs(path.to_owned()));
            }
            // Readers of a log share memory through a file beside the database. Where that cannot be made (a read-only
            // directory), a database without a log can be read as it is: nobody is writing it.
            if has_log(path) {
                let reason = format!("{error}; there is a log beside it that only someone who may write can read");
                return Err(Error::Unreadable { path: path.to_owned(), reason });
            }
            read = pool(options.read_only(true).immutable(true)).await?;
            sqlx::query(PROBE)
                .fetch_optional(&read)
                .await
                .map_err(|e| Error::Unreadable { path: path.to_owned(), reason: e.to_string() })?;
        }
        Ok(Database::Sqlite { write, read })
    }

    /// Lets users' own statements run as a role of their own, where this is Postgres and the role of this process may make it.
    /// One that may not is no superuser either.
    pub async fn separate_asker(&mut self) {
        let Database::Postgres { pool, .. } = &*self else { return };
        let made = super::asker::connect(self, pool).await;
        match (made, self) {
            (Ok(separate), Database::Postgres { asker, .. }) => *asker = separate,
            (Err(error), _) => {
                tracing::warn!(
                    "users' statements run as the coordinator's own role, for there can be no other: {error}"
                );
            }
            (Ok(_), Database::Sqlite { .. }) => {}
        }
    }

    /// Whether this is SQLite.
    pub fn is_sqlite(&self) -> bool {
        matches!(self, Database::Sqlite { .. })
    }

    /// Begins a transaction that may write. On SQLite it waits for the one before.
    pub async fn write(&self) -> Result<Transaction> {
        match self {
            Database::Sqlite { write: Some(pool), .. } => {
                Ok(Transaction::Sqlite(pool.begin_with("BEGIN IMMEDIATE").await?))
            }
            Database::Postgres { pool, writable: true, .. } => Ok(Transaction::Postgres(pool.begin().await?)),
            _ => Err(Error::ReadOnly),
        }
    }

    /// Begins a transaction that reads one consistent state of the database.
    pub async fn read(&self) -> Result<Transaction> {
        match self {
            Database::Sqlite { read, .. } => Ok(Transaction::Sqlite(read.begin().await?)),
            Database::Postgres { pool, .. } => {
                const SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
                Ok(Transaction::Postgres(pool.begin_with(SNAPSHOT).await?))
            }
        }
    }

    /// Runs a statement that cannot stand in a transaction (VACUUM).
    pub async fn outside(&self, text: &'static str) -> Result<()> {
        match self {
            Database::Sqlite { write: Some(pool), .. } => sqlx::raw_sql(text).execute(pool).await.map(|_| ())?,
            Database::Postgres { pool, writable: true, .. } => sqlx::raw_sql(text).execute(pool).await.map(|_| ())?,
            _ => return Err(Error::ReadOnly),
        }
        Ok(())
    }

    /// Writes one consistent state of a SQLite database to a new file, also while another process writes.
    pub async fn copy(&self, to: &Path) -> Result<()> {
        let Database::Sqlite { read, .. } = self else { return Err(Error::Server) };
        sqlx::query("VACUUM INTO $1").bind(to.to_string_lossy().into_owned()).execute(read).await?;
        Ok(())
    }

    /// Closes every connection.
    pub async fn close(&self) {
        match self {
            Database::Sqlite { write, read } => {
                read.close().await;
                if let Some(write) = write {
                    write.close().await;
                }
            }
            Database::Postgres { pool, asker, .. } => {
                asker.close().await;
                pool.close().await;
            }
        }
    }
}

/// `url` with the password left out, for an error text.
pub(super) fn without_password(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://…@{host}"),
        _ => url.to_owned(),
    }
}

/// A running transaction; undone unless committed.
pub(super) enum Transaction {
    Sqlite(sqlx::Transaction<'static, Sqlite>),
    Postgres(sqlx::Transaction<'static, Postgres>),
}

/// `sqlx::query(text)` with the arguments bound, for whichever database the context asks.
macro_rules! bound {
    ($text:expr, $args:expr, $arguments:ty) => {{
        let mut arguments = <$arguments>::default();
        // One list for the thousands of values of a bulk, made once.
        arguments.reserve($args.len(), 0);
        for arg in $args {
            match arg {
                Arg::Int(x) => arguments.add(*x),
                Arg::Float(x) => arguments.add(*x),
                Arg::Text(x) => arguments.add(*x),
                Arg::Owned(x) => arguments.add(x.as_str()),
                Arg::Bytes(x) => arguments.add(*x),
            }
            .map_err(sqlx::Error::Encode)?;
        }
        sqlx::query_with($text, arguments)
    }};
}

impl Transaction {
    /// Runs a statement; the number of rows changed.
    pub async fn execute(&mut self, text: &'static str, args: &[Arg<'_>]) -> Result<u64> {
        Ok(match self {
            Transaction::Sqlite(t) => bound!(text, args, SqliteArguments).execute(&mut **t).await?.rows_affected(),
            Transaction::Postgres(t) => bound!(text, args, PgArguments).execute(&mut **t).await?.rows_affected(),
        })
    }

    /// Every row of a statement.
    pub async fn rows(&mut self, text: &'static str, args: &[Arg<'_>]) -> Result<Vec<Row>> {
        let mut rows = Vec::new();
        self.each(text, args, |data| {
            rows.push(Row(data.into_iter()));
            Ok(())
        })
        .await?;
        Ok(rows)
    }

    /// The first row of a statement, if there is one.
    pub async fn row(&mut self, text: &'static str, args: &[Arg<'_>]) -> Result<Option<Row>> {
        Ok(self.rows(text, args).await?.into_iter().next())
    }

    /// Hands each row on as it arrives, so that memory does not grow with their number.
    pub async fn each(
        &mut self,
        text: &'static str,
        args: &[Arg<'_>],
        mut with: impl FnMut(Vec<Datum>) -> Result<()>,
    ) -> Result<()> {
        match self {
            Transaction::Sqlite(t) => {
                let mut rows = bound!(text, args, SqliteArguments).fetch(&mut **t);
                while let Some(row) = rows.try_next().await? {
                    with(sqlite_row(&row)?)?;
                }
            }
            Transaction::Postgres(t) => {
                let mut rows = bound!(text, args, PgArguments).fetch(&mut **t);
                while let Some(row) = rows.try_next().await? {
                    with(postgres_row(&row)?)?;
                }
            }
        }
        Ok(())
    }

    /// Runs a text of several statements without arguments: a migration, the views.
    pub async fn script(&mut self, text: &str) -> Result<()> {
        // Reviewed: the texts are this program's own migrations and views; nothing of a user's is in them.
        let text = sqlx::AssertSqlSafe(text.to_owned());
        match self {
            Transaction::Sqlite(t) => sqlx::raw_sql(text).execute(&mut **t).await.map(|_| ())?,
            Transaction::Postgres(t) => sqlx::raw_sql(text).execute(&mut **t).await.map(|_| ())?,
        }
        Ok(())
    }

    /// Checks that a statement is understood, without running it.
    #[cfg(test)]
    pub async fn prepare(&mut self, text: &'static str) -> Result<()> {
        use sqlx::{Executor, SqlSafeStr};
        match self {
            Transaction::Sqlite(t) => t.prepare(text.into_sql_str()).await.map(|_| ())?,
            Transaction::Postgres(t) => t.prepare(text.into_sql_str()).await.map(|_| ())?,
        }
        Ok(())
    }

    /// Makes everything durable.
    pub async fn commit(self) -> Result<()> {
        match self {
            Transaction::Sqlite(t) => t.commit().await?,
            Transaction::Postgres(t) => t.commit().await?,
        }
        Ok(())
    }
}

/// A statement for many rows at once: `prefix (…), (…) suffix`. A statement costs far more than a row.
pub(super) struct Bulk {
    prefix: String,
    suffix: &'static str,
    width: usize,
    texts: [[OnceLock<&'static str>; Bulk::SIZES.len()]; 2],
}

impl Bulk {
    /// Rows per statement; few sizes, so that the prepared statements stay few. 256 rows of the widest table stay
    /// below SQLite's 32766 parameters.
    const SIZES: [usize; 4] = [256, 64, 8, 1];

    /// Rows of `columns` into `table`; `suffix` may hold ON CONFLICT and RETURNING.
    pub fn new(table: &str, columns: &[String], suffix: &'static str) -> Bulk {
        Bulk::around(format!("INSERT INTO {table} ({}) VALUES ", columns.join(", ")), columns.len(), suffix)
    }

    /// Any statement around a list of rows of `width` values.
    pub fn around(prefix: String, width: usize, suffix: &'static str) -> Bulk {
        Bulk { prefix, suffix, width, texts: Default::default() }
    }

    /// The statement for `SIZES[size]` rows. Made once and kept for the life of the program. The one place where the
    /// databases get two texts: SQLite looks up the name of each `$n` in a list, at a cost of the square of their
    /// number, and has `?` without a name; Postgres knows `$n` alone.
    fn text(&self, size: usize, sqlite: bool) -> &'static str {
        self.texts[usize::from(sqlite)][size].get_or_init(|| {
            let place = |n: usize| if sqlite { "?".to_owned() } else { format!("${n}") };
            let row = |r: usize| {
                let places: Vec<String> = (1..=self.width).map(|c| place(r * self.width + c)).collect();
                format!("({})", places.join(", "))
            };
            let rows: Vec<String> = (0..Bulk::SIZES[size]).map(row).collect();
            Box::leak(format!("{}{} {}", self.prefix, rows.join(", "), self.suffix).into_boxed_str())
        })
    }

    /// Every text, for the test that prepares all statements.
    #[cfg(test)]
    pub fn texts(&self, sqlite: bool) -> Vec<&'static str> {
        (0..Bulk::SIZES.len()).map(|size| self.text(size, sqlite)).collect()
    }

    /// Runs it with `values`, row after row; whatever the suffix returns.
    pub async fn run(&self, transaction: &mut Transaction, values: &[Arg<'_>]) -> Result<Vec<Row>> {
        let mut rest = values;
        let mut returned = Vec::new();
        while !rest.is_empty() {
            let rows = rest.len() / self.width;
            let size = Bulk::SIZES.iter().position(|&s| s <= rows).expect("1 is a size");
            let (now, later) = rest.split_at(Bulk::SIZES[size] * self.width);
            let text = self.text(size, matches!(transaction, Transaction::Sqlite(_)));
            returned.append(&mut transaction.rows(text, now).await?);
            rest = later;
        }
        Ok(returned)
    }
}

/// A row of SQLite, by the type that each value has.
pub(super) fn sqlite_row(row: &SqliteRow) -> Result<Vec<Datum>> {
    let datum = |i: usize| -> Result<Datum> {
        let value = row.try_get_raw(i)?;
        if value.is_null() {
            return Ok(Datum::Null);
        }
        // Chosen first: the type is the value's, and decoding consumes that.
        type Read = fn(SqliteValueRef<'_>) -> std::result::Result<Datum, sqlx::error::BoxDynError>;
        let read: Read = match value.type_info().name() {
            "INTEGER" | "BOOLEAN" => |value| <i64 as Decode<Sqlite>>::decode(value).map(Datum::Int),
            "REAL" => |value| <f64 as Decode<Sqlite>>::decode(value).map(Datum::Float),
            "BLOB" => |value| <Vec<u8> as Decode<Sqlite>>::decode(value).map(Datum::Bytes),
            _ => |value| <String as Decode<Sqlite>>::decode(value).map(Datum::Text),
        };
        let read = read(value);
        read.map_err(|e| Error::Corrupt(format!("column {}: {e}", row.column(i).name())))
    };
    (0..row.len()).map(datum).collect()
}

/// A row of Postgres, by the type that each column has.
pub(super) fn postgres_row(row: &PgRow) -> Result<Vec<Datum>> {
    let datum = |i: usize| -> Result<Datum> {
        let value = row.try_get_raw(i)?;
        if value.is_null() {
            return Ok(Datum::Null);
        }
        let kind = value.type_info().name().to_owned();
        let read = match kind.as_str() {
            "INT8" => <i64 as Decode<Postgres>>::decode(value).map(Datum::Int),
            "INT4" => <i32 as Decode<Postgres>>::decode(value).map(|x| Datum::Int(x.into())),
            "INT2" => <i16 as Decode<Postgres>>::decode(value).map(|x| Datum::Int(x.into())),
            "BOOL" => <bool as Decode<Postgres>>::decode(value).map(|x| Datum::Int(x.into())),
            "FLOAT8" => <f64 as Decode<Postgres>>::decode(value).map(Datum::Float),
            "FLOAT4" => <f32 as Decode<Postgres>>::decode(value).map(|x| Datum::Float(x.into())),
            "BYTEA" => <Vec<u8> as Decode<Postgres>>::decode(value).map(Datum::Bytes),
            "NUMERIC" if value.format() == PgValueFormat::Binary => value.as_bytes().and_then(numeric),
            "TEXT" | "VARCHAR" | "CHAR" | "BPCHAR" | "NAME" | "UNKNOWN" => {
                <String as Decode<Postgres>>::decode(value).map(Datum::Text)
            }
            other => Err(format!("type {other} is not read here; cast it to text").into()),
        };
        read.map_err(|e| Error::Query(format!("column {}: {e}", row.column(i).name())))
    };
    (0..row.len()).map(datum).collect()
}

/// Postgres' `NUMERIC` on the wire (`numeric_send`): count of base-10000 digits, weight of the first, sign, digits
/// shown after the point, then the digits. SUM of BIGINT and AVG come in this type. An integer where it is one.
fn numeric(bytes: &[u8]) -> std::result::Result<Datum, sqlx::error::BoxDynError> {
    let word = |i: usize| {
        let pair = bytes.get(2 * i..2 * i + 2).ok_or("NUMERIC is cut short")?;
        Ok::<_, &str>(i16::from_be_bytes([pair[0], pair[1]]))
    };
    let (digits, weight, sign, shown) = (word(0)?, word(1)?, word(2)? as u16, word(3)?);
    if sign != 0 && sign != 0x4000 {
        return Ok(Datum::Null); // NaN and ∞ have no place in this schema.
    }
    let mut text = if sign == 0x4000 { "-0".to_owned() } else { "0".to_owned() };
    for i in 0..digits {
        text.push_str(&format!("{:04}", word(4 + i as usize)?));
    }
    // The decimal point stands after `weight + 1` groups of four digits.
    let exponent = 4 * (i32::from(weight) + 1 - i32::from(digits));
    let float: f64 = format!("{text}e{exponent}").parse()?;
    let whole = shown == 0 && exponent >= 0;
    let int = format!("{text}{}", "0".repeat(exponent.max(0) as usize)).parse::<i64>().ok().filter(|_| whole);
    Ok(int.map_or(Datum::Float(float), Datum::Int))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numerics_are_read_by_hand() {
        let wire = |words: &[i16]| words.iter().flat_map(|w| w.to_be_bytes()).collect::<Vec<u8>>();
        // 12345 = 1·10000 + 2345
        assert_eq!(numeric(&wire(&[2, 1, 0, 0, 1, 2345])).unwrap(), Datum::Int(12345));
        // 30000 = 3·10000, trailing zero groups are left out
        assert_eq!(numeric(&wire(&[1, 1, 0, 0, 3])).unwrap(), Datum::Int(30000));
        // −0.25 = −2500·10000⁻¹
        assert_eq!(numeric(&wire(&[1, -1, 0x4000, 2, 2500])).unwrap(), Datum::Float(-0.25));
        assert_eq!(numeric(&wire(&[0, 0, 0, 0])).unwrap(), Datum::Int(0));
        assert!(numeric(&wire(&[2, 0, 0])).is_err());
    }

    #[test]
    fn a_password_does_not_reach_an_error() {
        assert_eq!(without_password("postgres://ada:secret@host/x"), "postgres://…@host/x");
    }
}
