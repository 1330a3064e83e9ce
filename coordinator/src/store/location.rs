//! Where the database is, and who owns it.
//!
//! One process writes a database at a time. Of a SQLite file it holds an advisory lock on `FILE-lock`, of a Postgres
//! database an advisory lock of a session of its own: the operating system, or the server, gives the lock back however
//! the process ends. Readers take no lock.

use super::database::without_password;
use super::error::{Error, Result};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Connection};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;
use tokio::sync::Mutex;

/// The advisory lock of the process that writes: "sweep" in ASCII.
const LOCK: i64 = 0x73_77_65_65_70;
/// How long a new process waits for the lock: a server takes a moment to see that the one before is dead.
const PATIENCE: Duration = Duration::from_secs(3);
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(100);

/// A database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A file.
    Sqlite(PathBuf),
    /// A server, as a URL.
    Postgres(String),
}

impl std::str::FromStr for Location {
    type Err = Error;

    /// A path, `sqlite://PATH`, or `postgres://…`.
    fn from_str(text: &str) -> Result<Location> {
        let path = text.strip_prefix("sqlite://").or_else(|| text.strip_prefix("sqlite:")).unwrap_or(text);
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            Ok(Location::Postgres(text.to_owned()))
        } else if path.is_empty() || path.contains("://") {
            Err(Error::Location(text.to_owned()))
        } else {
            Ok(Location::Sqlite(PathBuf::from(path)))
        }
    }
}

/// The right to write a database; given back when dropped.
#[derive(Debug)]
pub(super) enum Owner {
    /// The lock file of a SQLite file.
    File { _lock: File },
    /// A session of a Postgres server, which ends with the connection.
    Session { url: String, connection: Mutex<PgConnection> },
}

impl Owner {
    /// Takes the right to write `location`; of a SQLite file, makes its directory where there is none.
    ///
    /// # Errors
    /// [`Error::Locked`] naming the holder, [`Error::NetworkFileSystem`], [`Error::Unwritable`].
    pub async fn take(location: &Location) -> Result<Owner> {
        match location {
            Location::Sqlite(path) => Owner::file(path),
            Location::Postgres(url) => {
                Ok(Owner::Session { url: url.clone(), connection: Mutex::new(session(url).await?) })
            }
        }
    }

    /// Asserts that the right is still there, and takes it again where a server was restarted meanwhile.
    ///
    /// # Errors
    /// [`Error::Locked`] where another process has it now: this one must stop. Anything else may pass.
    pub async fn assert(&self) -> Result<()> {
        if let Owner::Session { url, connection } = self {
            let mut connection = connection.lock().await;
            if connection.ping().await.is_err() {
                *connection = session(url).await?;
            }
        }
        Ok(())
    }

    fn file(database: &Path) -> Result<Owner> {
        let unwritable = |e: std::io::Error| Error::Unwritable { path: database.to_owned(), reason: e.to_string() };
        let directory = match database.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        std::fs::create_dir_all(directory).map_err(unwritable)?;
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        if let Some(kind) = network(&directory.canonicalize().map_err(unwritable)?, &mounts) {
            return Err(Error::NetworkFileSystem { path: database.to_owned(), kind });
        }
        let mut name = database.as_os_str().to_owned();
        name.push("-lock");
        let mut lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(PathBuf::from(name))
            .map_err(unwritable)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // The holder's name is a courtesy; the lock itself has already answered.
                let _ = lock.read_to_string(&mut holder);
                let holder = if holder.is_empty() { "another process".to_owned() } else { holder };
                return Err(Error::Locked { database: database.display().to_string(), holder });
            }
            Err(TryLockError::Error(e)) => return Err(unwritable(e)),
        }
        lock.set_len(0)
            .and_then(|()| lock.rewind())
            .and_then(|()| write!(lock, "process {}", std::process::id()))
            .map_err(unwritable)?;
        Ok(Owner::File { _lock: lock })
    }
}

/// A session that holds the lock.
async fn session(url: &str) -> Result<PgConnection> {
    const HOLDER: &str = "SELECT a.application_name || ' (server process ' || a.pid || COALESCE(', from ' ||
        host(a.client_addr), '') || ')' FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
        WHERE l.locktype = 'advisory' AND l.granted AND l.database = (SELECT oid FROM pg_database WHERE datname =
        current_database()) AND (CAST(l.classid AS BIGINT) << 32) + CAST(l.objid AS BIGINT) = $1";
    // A holder whose machine is gone without a word is found out within half a minute.
    let keepalive = [("tcp_keepalives_idle", "15"), ("tcp_keepalives_interval", "5"), ("tcp_keepalives_count", "3")];
    let name = format!("sweep process {}", std::process::id());
    let options = PgConnectOptions::from_str(url)?.application_name(&name).options(keepalive);
    let mut connection = options.connect().await?;
    let end = tokio::time::Instant::now() + PATIENCE;
    while !sqlx::query_scalar::<_, bool>("SELECT pg_try_advisory_lock($1)")
        .bind(LOCK)
        .fetch_one(&mut connection)
        .await?
    {
        if tokio::time::Instant::now() > end {
            let holder = sqlx::query_scalar::<_, String>(HOLDER).bind(LOCK).fetch_optional(&mut connection).await?;
            let database = without_password(url);
            return Err(Error::Locked { database, holder: holder.unwrap_or_else(|| "another process".to_owned()) });
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(connection)
}

/// The type of the file system that holds `directory` if it is one shared over a network; `mounts` as of
/// [`file_system`].
pub(super) fn network(directory: &Path, mounts: &str) -> Option<String> {
    const NETWORK: [&str; 12] = [
        "nfs",
        "nfs4",
        "cifs",
        "smb3",
        "smbfs",
        "afs",
        "ceph",
        "lustre",
        "beegfs",
        "gpfs",
        "fuse.sshfs",
        "fuse.glusterfs",
    ];
    file_system(directory, mounts).filter(|kind| NETWORK.contains(&&kind[..]))
}

/// The type of the file system that holds `directory`; `mounts` is the text of `/proc/self/mountinfo` (proc(5): the mount
/// point is the fifth field, the type follows the separator `-`).
pub(super) fn file_system(directory: &Path, mounts: &str) -> Option<String> {
    let (_, kind) = mounts
        .lines()
        .filter_map(|line| {
            let (before, after) = line.split_once(" - ")?;
            let point = before.split(' ').nth(4)?.replace("\\040", " ");
            directory.starts_with(&point).then(|| (point.len(), after.split(' ').next().unwrap_or_default()))
        })
        .max_by_key(|(length, _)| *length)?;
    Some(kind.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_a_path_or_a_url() {
        let sqlite = |path: &str| Location::Sqlite(PathBuf::from(path));
        assert_eq!("a/b.db".parse::<Location>().unwrap(), sqlite("a/b.db"));
        assert_eq!("sqlite:///tmp/b.db".parse::<Location>().unwrap(), sqlite("/tmp/b.db"));
        assert_eq!("sqlite:b.db".parse::<Location>().unwrap(), sqlite("b.db"));
        assert_eq!("postgres://h/n".parse::<Location>().unwrap(), Location::Postgres("postgres://h/n".to_owned()));
        for bad in ["", "sqlite:", "mysql://h/n"] {
            assert!(matches!(bad.parse::<Location>(), Err(Error::Location(t)) if t == bad), "{bad}");
        }
    }

    #[test]
    fn the_innermost_mount_decides_whether_a_directory_is_shared() {
        let mounts = "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n\
                      40 22 0:35 / /home rw,relatime shared:1 - nfs4 server:/home rw\n\
                      41 40 8:2 / /home/local\\040disk rw - xfs /dev/sdb1 rw\n";
        assert_eq!(network(Path::new("/home/ada/x"), mounts).as_deref(), Some("nfs4"));
        assert_eq!(network(Path::new("/home/local disk/x"), mounts), None);
        assert_eq!(network(Path::new("/srv"), mounts), None);
        // A name that merely begins like a mount point is not below it.
        assert_eq!(network(Path::new("/homework"), mounts), None);
    }

    #[test]
    fn the_second_owner_is_told_who_holds_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let database = directory.path().join("new/x.db");
        let first = Owner::file(&database).unwrap();
        let refused = Owner::file(&database).unwrap_err().to_string();
        assert!(refused.contains(&format!("process {}", std::process::id())), "{refused}");
        drop(first);
        Owner::file(&database).unwrap();
    }
}
