//! `sweep man`: the help of every verb as a page for `man`.

use crate::args::Cli;
use crate::failure::{Failure, Result};
use clap::CommandFactory;
use std::path::Path;

/// Writes a page for the program and one for each verb to `directory`, which is made where there is none.
///
/// # Errors
/// [`Failure::Mistake`] where it cannot be written.
pub fn run(directory: &Path) -> Result {
    let written = std::fs::create_dir_all(directory).and_then(|()| clap_mangen::generate_to(Cli::command(), directory));
    written.map_err(|error| Failure::Mistake(format!("{} cannot be written: {error}", directory.display())))?;
    crate::say!("written to {0}; to read one: man {0}/sweep-run.1", directory.display());
    Ok(())
}
