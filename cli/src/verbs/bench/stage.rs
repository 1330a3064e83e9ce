//! A database of one's own, which is taken away again, and the disk that it lies on.

use crate::args::{DEFAULT_DB, Remote};
use crate::failure::{Failure, Result};
use crate::remote::{Access, Coordinator};
use crate::session;
use anyhow::Context;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;
use sweep_coordinator::store::{Datum, Facts, Location, Role, secret};

/// Flushes that are timed.
const FLUSHES: usize = 200;
/// Bytes of each: a page of the database.
const PAGE: [u8; 4096] = [1; 4096];

/// A database that held nothing, and a directory for what else a coordinator needs.
pub struct Stage {
    /// Tokens and logs.
    pub directory: PathBuf,
    /// The database.
    pub db: String,
    /// What it is and where it lies.
    pub facts: Facts,
    location: Location,
}

impl Stage {
    /// Prepares `db`: a SQLite file that is not there yet, or a Postgres database without a sweep. Where `db` is what
    /// other verbs take by default, a file in a new directory below the working directory.
    ///
    /// # Errors
    /// [`Failure::Mistake`] for a database that holds something, or one in memory.
    pub async fn new(db: &str) -> Result<Stage> {
        let name = format!("sweep-bench-{}", std::process::id());
        let beside = |path: &Path| path.parent().unwrap_or_else(|| Path::new("")).join(&name);
        let (directory, db) = match db.parse()? {
            Location::Sqlite(_) if db == DEFAULT_DB => {
                let directory = PathBuf::from(&name);
                let db = directory.join("sweep.db").display().to_string();
                (directory, db)
            }
            Location::Sqlite(path) if path.exists() => {
                return Err(Failure::Mistake(format!(
                    "{} is there already, and what is measured would be stored among what it holds; allowed: --db with a \
                     new file",
                    path.display()
                )));
            }
            Location::Sqlite(path) => (beside(&path), db.to_owned()),
            Location::Postgres(_) => (PathBuf::from(&name), db.to_owned()),
        };
        let made = std::fs::create_dir_all(&directory);
        made.map_err(|error| Failure::Mistake(format!("{} cannot be made: {error}", directory.display())))?;
        let location: Location = db.parse()?;
        let store = session::writing(&db).await?;
        // From here on everything is taken away again, whatever happens.
        let stage = Stage { directory, db, facts: store.facts().await?, location };
        let sweeps = store.sweeps().await?.len();
        store.close().await;
        if sweeps > 0 {
            return Err(Failure::Mistake(format!(
                "the database holds {}, among which what is measured would be stored; allowed: an empty one",
                crate::output::count(sweeps as u64, "sweep")
            )));
        }
        if let Some(kind @ ("tmpfs" | "ramfs")) = stage.facts.file_system.as_deref() {
            return Err(Failure::Mistake(format!(
                "the database lies in memory ({kind} at {}), where nothing is ever flushed; allowed: --db on a disk",
                stage.facts.directory.as_deref().unwrap_or(Path::new("?")).display()
            )));
        }
        // The coordinator takes them with its start; the secrets go with the directory.
        for role in [Role::Admin, Role::Worker] {
            let kept = sweep_coordinator::tls::write(&stage.token(role), &format!("{}\n", secret(32)));
            kept.context("failed to make a token").map_err(Failure::Internal)?;
        }
        Ok(stage)
    }

    /// Where the token of a role is.
    pub fn token(&self, role: Role) -> PathBuf {
        self.directory.join(format!("{}.token", role.word()))
    }

    /// An empty database again; nobody may have it open.
    ///
    /// # Errors
    /// What the database says.
    pub async fn clear(&self) -> Result {
        match &self.location {
            Location::Sqlite(path) => {
                remove(path);
                Ok(())
            }
            Location::Postgres(_) => {
                let mut users = Coordinator::reach(&self.db, &Remote::default(), Access::Write).await?;
                for sweep in users.list().await? {
                    users.remove(&sweep.id).await?;
                }
                users.gc().await?;
                users.close().await;
                Ok(())
            }
        }
    }

    /// What was found of the database, for a record.
    pub fn described(&self) -> Vec<(&'static str, Datum)> {
        let Facts { engine, settings, directory, file_system, .. } = &self.facts;
        let settings: Vec<String> = settings.iter().map(|(name, value, _)| format!("{name}={value}")).collect();
        let text = |text: Option<String>| text.map_or(Datum::Null, Datum::Text);
        vec![
            ("database", Datum::Text(engine.clone())),
            ("durability", Datum::Text(settings.join(", "))),
            ("file_system", text(file_system.clone())),
            ("directory", text(directory.as_ref().map(|directory| directory.display().to_string()))),
        ]
    }

    /// Seconds of a bare flush of one page, again and again, on the disk of the database; none where that is not at hand.
    ///
    /// # Errors
    /// [`Failure::Internal`] where the disk refuses.
    pub fn flushes(&self) -> Result<Vec<f64>> {
        let Some(data) = &self.facts.directory else { return Ok(Vec::new()) };
        // Nothing of ours belongs into the directory of a server: beside it, if that is the same disk.
        let beside =
            data.parent().filter(|beside| matches!(self.location, Location::Postgres(_)) && same(beside, data));
        let directory = match (&self.location, beside) {
            (Location::Sqlite(_), _) => data.as_path(),
            (Location::Postgres(_), Some(beside)) => beside,
            (Location::Postgres(_), None) => return Ok(Vec::new()),
        };
        let path = directory.join(format!("sweep-bench-{}.flush", std::process::id()));
        let timed = File::create(&path).and_then(|mut file| {
            let mut seconds = Vec::with_capacity(FLUSHES);
            for _ in 0..FLUSHES {
                let started = Instant::now();
                file.write_all(&PAGE)?;
                file.sync_data()?;
                seconds.push(started.elapsed().as_secs_f64());
            }
            Ok(seconds)
        });
        // It may never have been made.
        let _ = std::fs::remove_file(&path);
        match timed {
            // A server's directory need not be ours to write.
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => Ok(Vec::new()),
            timed => timed.context("failed to flush").map_err(Failure::Internal),
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if let Location::Sqlite(path) = &self.location {
            remove(path);
        }
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// Takes a SQLite file away, with what lies beside it; what is not there is no trouble.
fn remove(path: &Path) {
    for end in ["", "-wal", "-shm", "-lock"] {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        let _ = std::fs::remove_file(PathBuf::from(name));
    }
}

/// Whether two directories lie on one disk.
fn same(a: &Path, b: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let device = |path: &Path| std::fs::metadata(path).map(|found| found.dev());
    matches!((device(a), device(b)), (Ok(a), Ok(b)) if a == b)
}
