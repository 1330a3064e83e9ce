//! The files of a run: the sweep file, and the data files that it names.
//!
//! Data files are read whole, once, and known by the hash of their content from then on; paths are relative to the sweep
//! file. A run that was submitted needs them no more: the database holds them.

use crate::failure::{Failure, Result};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use sweep_core::problem::Files;
use sweep_core::trial::Inputs;

/// Most bytes of a data file.
const MOST: u64 = 256 << 20;

/// The content of `path`, at most `most` bytes.
///
/// # Errors
/// What the system says, or the size and what is allowed; a fragment without the path.
pub fn read(path: &Path, most: u64) -> std::result::Result<Vec<u8>, String> {
    let file = std::fs::File::open(path).map_err(|e| e.to_string())?;
    let metadata = file.metadata().map_err(|e| e.to_string())?;
    if metadata.is_dir() {
        return Err("it is a directory".to_owned());
    }
    let mut bytes = Vec::new();
    // A device or a pipe has no length: what counts is what comes.
    file.take(most + 1).read_to_end(&mut bytes).map_err(|e| e.to_string())?;
    if bytes.len() as u64 > most {
        let size = if metadata.len() > most { format!("{} bytes", metadata.len()) } else { "it".to_owned() };
        return Err(format!("{size} is more than the {most} bytes allowed"));
    }
    Ok(bytes)
}

/// The data files that a sweep file names.
#[derive(Debug, Default)]
pub struct Contents {
    /// Content hash by path, as the sweep file names it.
    pub inputs: Inputs,
    /// Content by path.
    pub files: BTreeMap<String, Vec<u8>>,
}

impl Contents {
    /// Of bytes at hand, by path.
    pub fn of(files: BTreeMap<String, Vec<u8>>) -> Contents {
        let inputs =
            files.iter().map(|(name, bytes)| (name.clone(), blake3::hash(bytes).to_hex().to_string())).collect();
        Contents { inputs, files }
    }

    /// Reads the files called `names`, relative to the directory of `sweep_file`.
    ///
    /// # Errors
    /// `(name, what is wrong)` for every file that cannot be read.
    pub fn read<'n>(
        sweep_file: &Path,
        names: impl IntoIterator<Item = &'n str>,
    ) -> std::result::Result<Contents, Vec<(String, String)>> {
        let (mut contents, mut wrong) = (Contents::default(), Vec::new());
        let beside = sweep_file.parent().unwrap_or_else(|| Path::new(""));
        for name in names {
            match read(&beside.join(name), MOST) {
                Ok(bytes) => {
                    contents.inputs.insert(name.to_owned(), blake3::hash(&bytes).to_hex().to_string());
                    contents.files.insert(name.to_owned(), bytes);
                }
                Err(why) => wrong.push((name.to_owned(), why)),
            }
        }
        if wrong.is_empty() { Ok(contents) } else { Err(wrong) }
    }
}

impl Files for Contents {
    fn content(&self, hash: &str) -> Option<Arc<[u8]>> {
        let (path, _) = self.inputs.iter().find(|(_, known)| *known == hash)?;
        self.files.get(path).map(|bytes| Arc::from(bytes.as_slice()))
    }
}

/// A sweep file's bytes.
///
/// # Errors
/// [`Failure::Mistake`] naming the path.
pub fn sweep_file(path: &Path, most: u64) -> Result<Vec<u8>> {
    read(path, most).map_err(|why| Failure::Mistake(format!("the sweep file {} cannot be read: {why}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_known_by_its_content() {
        let directory = tempfile::tempdir().unwrap();
        for name in ["a.csv", "b.csv"] {
            std::fs::write(directory.path().join(name), "1,2\n").unwrap();
        }
        let contents = Contents::read(&directory.path().join("x.toml"), ["a.csv", "b.csv"]).unwrap();
        assert_eq!(contents.inputs["a.csv"], contents.inputs["b.csv"]);
        assert_eq!(contents.inputs["a.csv"], blake3::hash(b"1,2\n").to_hex().to_string());
        assert_eq!(contents.files["b.csv"], b"1,2\n");
        assert_eq!(contents.content(&contents.inputs["b.csv"]).as_deref(), Some(&b"1,2\n"[..]));
        assert_eq!(contents.content("of another file"), None);
    }

    #[test]
    fn every_file_that_cannot_be_read_is_named() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("d")).unwrap();
        let wrong = Contents::read(&directory.path().join("x.toml"), ["d", "missing.csv"]).unwrap_err();
        assert_eq!(wrong[0], ("d".to_owned(), "it is a directory".to_owned()));
        assert!(wrong[1].1.contains("No such file"), "{wrong:?}");
    }

    #[test]
    fn a_file_that_is_too_large_is_refused_unread() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("large");
        std::fs::write(&path, "12345").unwrap();
        assert_eq!(read(&path, 5).unwrap(), b"12345");
        assert_eq!(read(&path, 4).unwrap_err(), "5 bytes is more than the 4 bytes allowed");
        // A device that never ends.
        assert!(read(Path::new("/dev/zero"), 4).unwrap_err().contains("more than the 4 bytes"));
    }
}
