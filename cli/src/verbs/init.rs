//! `sweep init`: what a cluster needs before its first start, in one directory for each who reads it.
//!
//! | directory | what is in it | who reads it |
//! |---|---|---|
//! | `ca` | the CA, as `sweep tls init` makes it | this verb alone |
//! | `coordinator` | `ca.pem`, `server.pem`, `server.key`, `admin.token`, `worker.token`, `pgpass` | the coordinator |
//! | `worker` | `ca.pem`, `token` | workers |
//! | `user` | `ca.pem`, `token`, which is an admin's | users |
//! | `postgres` | `password` | Postgres |
//!
//! One rule: what is there stays, so that it can run before every start. Only the coordinator's certificate is made anew,
//! for the names that are given now. Files are their owner's alone, but for the password: Postgres runs as a user of its
//! own, and its directory is to be shown to nobody else.

use crate::failure::{Failure, Result};
use crate::output::{self, Format, Part};
use anyhow::Context;
use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;
use sweep_coordinator::store::{Datum, secret};
use sweep_coordinator::tls;

/// Bytes of a token.
const TOKEN: usize = 32;
/// Bytes of the password.
const PASSWORD: usize = 24;

/// Makes what is missing in `dir` and prints the fingerprint of the CA.
///
/// # Errors
/// [`Failure::Mistake`] for names that cannot be in a certificate, or a directory that cannot be written.
pub fn run(names: &[String], dir: &Path, format: Format) -> Result {
    let fingerprint = make(names, dir)?;
    let fields = vec![
        ("directory", Datum::Text(dir.display().to_string())),
        ("names", Datum::Text(names.join(" "))),
        ("fingerprint", Datum::Text(fingerprint)),
    ];
    output::print(format, &[Part::Record("secrets", fields)])
}

fn make(names: &[String], dir: &Path) -> Result<String> {
    let [ca, coordinator, worker, user, postgres] =
        ["ca", "coordinator", "worker", "user", "postgres"].map(|reader| dir.join(reader));
    for directory in [&ca, &coordinator, &worker, &user, &postgres] {
        let failed = |error| Failure::Mistake(format!("{} cannot be made: {error}", directory.display()));
        // For its owner alone; one that is there, as a volume is, keeps its mode.
        fs::DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(failed)?;
    }
    let fingerprint = tls::init(&ca, names).map_err(mistake)?;
    for file in ["server.key", "server.pem"] {
        write(&coordinator.join(file), &read(&ca.join(file))?)?;
    }
    let authority = read(&ca.join("ca.pem"))?;
    for directory in [&coordinator, &worker, &user] {
        write(&directory.join("ca.pem"), &authority)?;
    }
    write(&coordinator.join("admin.token"), &kept(&user.join("token"), TOKEN)?)?;
    write(&coordinator.join("worker.token"), &kept(&worker.join("token"), TOKEN)?)?;

    let password = postgres.join("password");
    // Host, port, database, user: whatever they are.
    write(&coordinator.join("pgpass"), &format!("*:*:*:*:{}", kept(&password, PASSWORD)?))?;
    let readable = fs::set_permissions(&password, fs::Permissions::from_mode(0o644));
    readable.with_context(|| format!("failed to open {} to readers", password.display())).map_err(Failure::Internal)?;
    Ok(fingerprint)
}

/// What `path` holds; where there is nothing yet, new random bytes in hex.
fn kept(path: &Path, bytes: usize) -> Result<String> {
    if !path.exists() {
        write(path, &format!("{}\n", secret(bytes)))?;
    }
    read(path)
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|error| Failure::Mistake(format!("{} cannot be read: {error}", path.display())))
}

fn write(path: &Path, text: &str) -> Result {
    tls::write(path, text).map_err(mistake)
}

fn mistake(error: tls::Error) -> Failure {
    Failure::Mistake(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// Every file below `dir` with its mode and content.
    fn files(dir: &Path) -> BTreeMap<String, (u32, String)> {
        let mut found = BTreeMap::new();
        for reader in fs::read_dir(dir).unwrap() {
            for file in fs::read_dir(reader.unwrap().path()).unwrap() {
                let path = file.unwrap().path();
                let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
                let name = path.strip_prefix(dir).unwrap().display().to_string();
                found.insert(name, (mode, fs::read_to_string(&path).unwrap()));
            }
        }
        found
    }

    #[test]
    fn a_second_time_only_the_certificate_is_new() {
        let dir = tempfile::tempdir().unwrap();
        let names = ["coordinator".to_owned()];
        let fingerprint = make(&names, dir.path()).unwrap();
        let before = files(dir.path());
        assert_eq!(make(&names, dir.path()).unwrap(), fingerprint);
        let after = files(dir.path());
        assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
        for (name, was) in &before {
            assert_eq!(after[name] != *was, name.contains("server."), "{name}");
        }
        assert_eq!(after["coordinator/server.key"].1, after["ca/server.key"].1);
    }

    #[test]
    fn every_reader_has_its_own_and_only_the_password_is_readable_to_others() {
        let dir = tempfile::tempdir().unwrap();
        make(&["coordinator".to_owned()], dir.path()).unwrap();
        let files = files(dir.path());
        for (name, (mode, _)) in &files {
            assert_eq!(*mode, if name == "postgres/password" { 0o644 } else { 0o600 }, "{name}");
        }
        for directory in fs::read_dir(dir.path()).unwrap() {
            let mode = directory.unwrap().metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o700);
        }
        let text = |name: &str| files[name].1.as_str();
        assert_ne!(text("worker/token"), text("user/token"));
        assert_eq!(text("coordinator/admin.token"), text("user/token"));
        assert_eq!(text("coordinator/worker.token"), text("worker/token"));
        assert_eq!(text("coordinator/pgpass"), format!("*:*:*:*:{}", text("postgres/password")));
        let keys: Vec<_> = files.keys().filter(|name| name.ends_with("ca.key")).collect();
        assert_eq!(keys, ["ca/ca.key"]);
    }
}
