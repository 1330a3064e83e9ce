//! What the store can say no to. Messages are fragments that read well after "failed to …".

use std::path::PathBuf;

/// Errors of the store.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A database that is neither `sqlite://…`, a path, nor `postgres://…`.
    #[error("database \"{0}\" is not understood; allowed: a path, sqlite://PATH, postgres://USER@HOST/NAME")]
    Location(String),
    /// Reading a database that is not there.
    #[error("there is no database at {}", .0.display())]
    Missing(PathBuf),
    /// Another process writes the database.
    #[error(
        "{database} is in use by {holder}; one process writes at a time (reading with `sweep sql` works meanwhile)"
    )]
    Locked {
        /// The file, or the URL without its password.
        database: String,
        /// Who holds it: `process 4711`.
        holder: String,
    },
    /// SQLite's write-ahead log needs memory shared between processes, which network file systems do not give.
    #[error("{} is on a network file system ({kind}), where SQLite can lose data; use a local directory, or postgres://…", path.display())]
    NetworkFileSystem {
        /// The database file.
        path: PathBuf,
        /// The type of the file system: `nfs4`.
        kind: String,
    },
    /// A directory or file that this process may not write.
    #[error("{} cannot be written: {reason}", path.display())]
    Unwritable {
        /// The database file.
        path: PathBuf,
        /// What the operating system said.
        reason: String,
    },
    /// No space is left. Whatever was acknowledged before is intact.
    #[error("the disk (or quota) of the database is full; everything recorded so far is intact")]
    Full,
    /// A checkpoint beyond the quota.
    #[error(
        "a checkpoint of {bytes} bytes has no room: the others have {used} of the {quota} bytes that all may have \
         (`sweep coordinator --checkpoint-gib`)"
    )]
    NoRoom {
        /// Its size.
        bytes: u64,
        /// Size of all others together.
        used: u64,
        /// Most bytes of all.
        quota: u64,
    },
    /// The system takes no more writes. Whatever was acknowledged before is intact.
    #[error(
        "the database cannot be written any more ({0}): a quota, a limit on file sizes or a failing disk; everything \
         recorded so far is intact"
    )]
    WriteFailed(String),
    /// A database made by a newer program.
    #[error(
        "the database has migration {found}, this program knows up to {known}: a newer program made it, use that one"
    )]
    Newer {
        /// Highest migration in the database.
        found: i64,
        /// Highest migration known here.
        known: i64,
    },
    /// A database that this program has to bring up to date before it can be read.
    #[error("the database was made by another version of this program; open it once for writing (any `sweep run`)")]
    Older,
    /// A file that is not a database of this program.
    #[error("{} is not a database of sweeps", .0.display())]
    NotOurs(PathBuf),
    /// A database that cannot be read.
    #[error("{} cannot be read: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        reason: String,
    },
    /// A copy of a database that lies on a server.
    #[error("a Postgres database is backed up by pg_dump (docs/operations.md)")]
    Server,
    /// A write on a store that was opened for reading.
    #[error("the database was opened for reading only")]
    ReadOnly,
    /// The database would acknowledge what it may lose.
    #[error("the database is not durable: {setting} is {value}, needed: {needed}")]
    NotDurable {
        /// The setting asked for.
        setting: &'static str,
        /// Its value.
        value: String,
        /// The value needed.
        needed: &'static str,
    },
    /// No such sweep.
    #[error("sweep \"{key}\" is not known; known: {}", if known.is_empty() { "none".to_owned() } else { known.join(", ") })]
    UnknownSweep {
        /// Id, start of an id, name or tag, as given.
        key: String,
        /// Names of the latest sweeps.
        known: Vec<String>,
    },
    /// A text that is no tag.
    #[error("tag \"{0}\" is not 1 to 100 printable characters")]
    Tag(String),
    /// A token's name that cannot be.
    #[error("the token name \"{0}\" is not allowed; allowed: 1 to 100 bytes, no control characters")]
    TokenName(String),
    /// A token's name that another has.
    #[error("the token name \"{0}\" is taken, also where it was revoked; choose another")]
    TokenTaken(String),
    /// Coordinates that are not those of a checked trial.
    #[error("cell {cell}: {message}")]
    Coordinate {
        /// The cell.
        cell: u64,
        /// What is wrong.
        message: String,
    },
    /// A user's query that is not a single reading statement.
    #[error("query refused: {0}; allowed: one SELECT, WITH, VALUES or EXPLAIN")]
    Refused(String),
    /// A user's query that the database did not understand, in its own words.
    #[error("query: {0}")]
    Query(String),
    /// A user's query that ran too long.
    #[error("query stopped after {seconds} s; narrow it (WHERE sweep = …), or raise the time limit")]
    TooSlow {
        /// The limit.
        seconds: f64,
    },
    /// A row that this program cannot have written.
    #[error("the database holds something unreadable: {0}")]
    Corrupt(String),
    /// Anything else that the database says.
    #[error("database: {0}")]
    Database(sqlx::Error),
    /// Writing an export.
    #[error("export: {0}")]
    Export(String),
}

/// Shorthand.
pub type Result<T> = std::result::Result<T, Error>;

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Error {
        let code = error.as_database_error().and_then(|e| e.code()).map(|code| code.into_owned());
        match code.as_deref() {
            // SQLITE_FULL; Postgres disk_full.
            Some("13" | "53100") => Error::Full,
            // SQLITE_IOERR_WRITE, _FSYNC, _DIR_FSYNC, _TRUNCATE, _SHMSIZE.
            Some("778" | "1034" | "1290" | "1546" | "4874") => {
                Error::WriteFailed(error.as_database_error().map_or(String::new(), |e| e.message().to_owned()))
            }
            _ => Error::Database(error),
        }
    }
}
