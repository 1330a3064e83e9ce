//! What a database is and where it lies: version, durability, file system, free space.

use super::database::Datum;
use super::error::Result;
use super::{Location, Store, location};
use std::path::{Path, PathBuf};

/// What a database is and where it lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// `SQLite 3.50.4`, `PostgreSQL 17.2`.
    pub engine: String,
    /// What decides whether a commit lasts: setting, value, value needed.
    pub settings: Vec<(&'static str, String, &'static str)>,
    /// Where the data lie, where that is known and on this machine.
    pub directory: Option<PathBuf>,
    /// Type of the file system there.
    pub file_system: Option<String>,
    /// Whether that is shared over a network.
    pub over_network: bool,
    /// Bytes that may still be written there.
    pub free_bytes: Option<u64>,
}

/// Settings by which a commit is on the disk before it is answered: name, how to ask, value needed.
type Settings = [(&'static str, &'static str, &'static str)];
pub(super) const SQLITE: &Settings =
    &[("journal_mode", "PRAGMA journal_mode", "wal"), ("synchronous", "PRAGMA synchronous", "2")];
pub(super) const POSTGRES: &Settings = &[("synchronous_commit", "SHOW synchronous_commit", "on")];
/// Of the whole server; a coordinator does not insist.
const POSTGRES_SERVER: &Settings =
    &[("fsync", "SHOW fsync", "on"), ("full_page_writes", "SHOW full_page_writes", "on")];

/// The directory of a server on this machine, reached by a socket or over the loopback interface.
const DATA_DIRECTORY: &str = "SELECT CAST(setting AS TEXT) FROM pg_settings WHERE name = 'data_directory'
    AND (inet_server_addr() IS NULL OR host(inet_server_addr()) IN ('127.0.0.1', '::1'))";

impl Store {
    /// What this database is and where it lies.
    ///
    /// # Errors
    /// What the database says.
    pub async fn facts(&self) -> Result<Facts> {
        // How far a commit is flushed is a setting of the connection that writes; a reader has none that matters.
        let mut transaction =
            if self.owner.is_some() { self.database.write().await? } else { self.database.read().await? };
        let mut asked = Vec::new();
        let sqlite = self.database.is_sqlite();
        match (sqlite, self.owner.is_some()) {
            (true, true) => asked.extend_from_slice(SQLITE),
            (true, false) => asked.extend_from_slice(&SQLITE[..1]),
            (false, _) => asked.extend(POSTGRES.iter().chain(POSTGRES_SERVER).copied()),
        }
        let mut settings = Vec::new();
        for (name, ask, needed) in asked {
            settings.push((name, shown(transaction.row(ask, &[]).await?.map(|mut row| row.any())), needed));
        }
        const VERSIONS: [&str; 2] = ["SELECT sqlite_version()", "SHOW server_version"];
        let version = shown(transaction.row(VERSIONS[usize::from(!sqlite)], &[]).await?.map(|mut row| row.any()));
        let engine = format!("{} {version}", if sqlite { "SQLite" } else { "PostgreSQL" });
        let directory = match &self.location {
            Location::Sqlite(path) => path
                .parent()
                .map(|parent| if parent.as_os_str().is_empty() { Path::new(".") } else { parent }.to_owned()),
            // No row where this role may not know, or where the server is on another machine.
            Location::Postgres(_) => {
                transaction.row(DATA_DIRECTORY, &[]).await?.map(|mut row| PathBuf::from(shown(Some(row.any()))))
            }
        };
        let directory = directory.and_then(|directory| directory.canonicalize().ok());
        let mut facts = Facts { engine, settings, directory, file_system: None, over_network: false, free_bytes: None };
        if let Some(directory) = &facts.directory {
            let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
            facts.file_system = location::file_system(directory, &mounts);
            facts.over_network = location::network(directory, &mounts).is_some();
            facts.free_bytes = free(directory);
        }
        Ok(facts)
    }
}

/// A setting's value as text.
pub(super) fn shown(value: Option<Datum>) -> String {
    match value {
        Some(Datum::Text(text)) => text,
        Some(Datum::Int(number)) => number.to_string(),
        _ => String::new(),
    }
}

/// Bytes that a user may still write in `directory`.
fn free(directory: &Path) -> Option<u64> {
    use std::os::unix::ffi::OsStrExt;
    let path = std::ffi::CString::new(directory.as_os_str().as_bytes()).ok()?;
    let mut told = std::mem::MaybeUninit::<libc::statvfs>::uninit();
    // Safety: the path is terminated, and the struct is read only where the call says that it filled it.
    let told = unsafe {
        if libc::statvfs(path.as_ptr(), told.as_mut_ptr()) != 0 {
            return None;
        }
        told.assume_init()
    };
    Some((told.f_bavail as u64).saturating_mul(told.f_frsize as u64))
}
