//! Where the database is, and who owns it.
//!
//! One process writes a SQLite file at a time. It holds an advisory lock on `FILE-lock` as long as it lives; the
//! operating system gives the lock back however the process ends. Readers take no lock.

use super::error::{Error, Result};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

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

/// The right to write a SQLite file; given back when dropped.
#[derive(Debug)]
pub(super) struct Owner {
    _lock: File,
}

impl Owner {
    /// Takes the lock of `database`, making its directory where there is none.
    ///
    /// # Errors
    /// [`Error::Locked`] naming the holder, [`Error::NetworkFileSystem`], [`Error::Unwritable`].
    pub fn take(database: &Path) -> Result<Owner> {
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
                return Err(Error::Locked { path: database.to_owned(), holder });
            }
            Err(TryLockError::Error(e)) => return Err(unwritable(e)),
        }
        lock.set_len(0)
            .and_then(|()| lock.rewind())
            .and_then(|()| write!(lock, "process {}", std::process::id()))
            .map_err(unwritable)?;
        Ok(Owner { _lock: lock })
    }
}

/// The type of the file system that holds `directory` if it is one shared over a network; `mounts` is the text of
/// `/proc/self/mountinfo` (proc(5): the mount point is the fifth field, the type follows the separator `-`).
fn network(directory: &Path, mounts: &str) -> Option<String> {
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
    let (_, kind) = mounts
        .lines()
        .filter_map(|line| {
            let (before, after) = line.split_once(" - ")?;
            let point = before.split(' ').nth(4)?.replace("\\040", " ");
            directory.starts_with(&point).then(|| (point.len(), after.split(' ').next().unwrap_or_default()))
        })
        .max_by_key(|(length, _)| *length)?;
    NETWORK.contains(&kind).then(|| kind.to_owned())
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
        let first = Owner::take(&database).unwrap();
        let refused = Owner::take(&database).unwrap_err().to_string();
        assert!(refused.contains(&format!("process {}", std::process::id())), "{refused}");
        drop(first);
        Owner::take(&database).unwrap();
    }
}
