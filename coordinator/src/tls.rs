//! A private CA and the coordinator's certificate, in one directory.
//!
//! | file | what it is |
//! |---|---|
//! | `ca.pem` | the CA's certificate: what workers and users trust |
//! | `ca.key` | its key: needed only to make new certificates |
//! | `server.pem` | the coordinator's certificate, and the CA's after it, so that a joining worker sees it |
//! | `server.key` | its key |
//!
//! Every file is readable by its owner only. Made again, the CA stays and the server's certificate is new: its names may
//! change, and those who trust the CA notice nothing.

use crate::certificate::Certificate;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use sweep_proto::client::fingerprint;

const DAY: Duration = Duration::from_secs(86_400);
/// A CA for ten years.
const CA_LIVES: Duration = Duration::from_secs(3_650 * 86_400);
/// A server's certificate for as long as common verifiers accept.
const SERVER_LIVES: Duration = Duration::from_secs(825 * 86_400);

/// What can go wrong with certificates.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file that cannot be read or written.
    #[error("{} cannot be {verb}: {why}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// `read` or `written`.
        verb: &'static str,
        /// What the system said.
        why: std::io::Error,
    },
    /// No name to be reached by.
    #[error("a certificate needs at least one name or address by which the coordinator is reached")]
    NoNames,
    /// A name, key or certificate that is not one.
    #[error("certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    /// A text that should hold a certificate.
    #[error("the certificate cannot be read")]
    Unreadable,
    /// A file that should hold a certificate.
    #[error("{} does not hold one certificate", .0.display())]
    Empty(PathBuf),
}

/// Shorthand.
pub type Result<T> = std::result::Result<T, Error>;

/// Makes `ca.pem`, `ca.key`, `server.pem` and `server.key` in `directory`, for a coordinator that is reached by `names`
/// (host names and addresses). A CA that is there is kept. The fingerprint of the CA.
///
/// # Errors
/// As [`Error`]; nothing is overwritten but the server's own two files.
pub fn init(directory: &Path, names: &[String]) -> Result<String> {
    if names.is_empty() {
        return Err(Error::NoNames);
    }
    fs::create_dir_all(directory).map_err(|why| Error::File { path: directory.to_owned(), verb: "written", why })?;
    let [ca_pem, ca_key, server_pem, server_key] =
        ["ca.pem", "ca.key", "server.pem", "server.key"].map(|name| directory.join(name));
    let key = if ca_key.exists() { KeyPair::from_pem(&read(&ca_key)?)? } else { KeyPair::generate()? };
    let params = authority(&key);
    if !ca_pem.exists() {
        write(&ca_key, &key.serialize_pem())?;
        write(&ca_pem, &params.self_signed(&key)?.pem())?;
    }
    let issuer = Issuer::new(params, key);
    let mut params = CertificateParams::new(names.to_vec())?;
    params.distinguished_name.push(DnType::CommonName, "sweep coordinator");
    params.use_authority_key_identifier_extension = true;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    (params.not_before, params.not_after) = lifetime(SERVER_LIVES);
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, &issuer)?;
    write(&server_key, &key.serialize_pem())?;
    write(&server_pem, &format!("{}{}", certificate.pem(), read(&ca_pem)?))?;
    ca_fingerprint(&ca_pem)
}

/// The fingerprint of the one certificate in a file: SHA-256, hex.
///
/// # Errors
/// [`Error::File`], [`Error::Empty`].
pub fn ca_fingerprint(path: &Path) -> Result<String> {
    let pem = read(path)?;
    let mut found = certificates(&pem);
    match (found.pop(), found.is_empty()) {
        (Some(certificate), true) => Ok(fingerprint(&certificate)),
        _ => Err(Error::Empty(path.to_owned())),
    }
}

/// The coordinator's certificate chain and key, PEM.
///
/// # Errors
/// [`Error::File`].
pub fn server(directory: &Path) -> Result<(String, String)> {
    Ok((read(&directory.join("server.pem"))?, read(&directory.join("server.key"))?))
}

/// What the first certificate of a chain says of itself.
///
/// # Errors
/// [`Error::Unreadable`].
pub fn shown(chain: &str) -> Result<Certificate> {
    certificates(chain).first().and_then(|first| Certificate::read(first)).ok_or(Error::Unreadable)
}

/// A CA for this key: always the same but for its times, so that it can be made again to sign.
fn authority(key: &KeyPair) -> CertificateParams {
    let mut params = CertificateParams::default();
    let short = &fingerprint(key.public_key_raw())[..8];
    params.distinguished_name.push(DnType::CommonName, format!("sweep private CA {short}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    (params.not_before, params.not_after) = lifetime(CA_LIVES);
    params
}

/// From a day ago, for clocks that go behind, to `lives` from now.
fn lifetime<T: From<SystemTime>>(lives: Duration) -> (T, T) {
    let now = SystemTime::now();
    ((now - DAY).into(), (now + lives).into())
}

/// The certificates of a PEM text.
fn certificates(text: &str) -> Vec<Vec<u8>> {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;
    CertificateDer::pem_slice_iter(text.as_bytes()).filter_map(|found| found.ok().map(|der| der.to_vec())).collect()
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|why| Error::File { path: path.to_owned(), verb: "read", why })
}

/// Writes a file that only its owner may read, whole or not at all.
///
/// # Errors
/// [`Error::File`].
pub fn write(path: &Path, text: &str) -> Result<()> {
    let failed = |why| Error::File { path: path.to_owned(), verb: "written", why };
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}", std::process::id()));
    let mut file =
        fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&name).map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    fs::rename(&name, path).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_ca_is_made_once_and_every_file_is_its_owners() {
        let directory = tempfile::tempdir().unwrap();
        let names = ["localhost".to_owned(), "10.0.0.7".to_owned()];
        let first = init(directory.path(), &names).unwrap();
        let before = server(directory.path()).unwrap();
        assert_eq!(init(directory.path(), &names).unwrap(), first);
        assert_ne!(server(directory.path()).unwrap(), before);
        for entry in fs::read_dir(directory.path()).unwrap() {
            let entry = entry.unwrap();
            assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.path());
        }
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 4);
        assert_eq!(first.len(), 64);
    }

    #[test]
    fn a_certificate_for_nobody_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        assert!(matches!(init(directory.path(), &[]), Err(Error::NoNames)));
        assert!(matches!(server(directory.path()), Err(Error::File { verb: "read", .. })));
    }
}
