//! `sweep completions`: what a shell needs to complete the command line.

use crate::args::Cli;
use crate::failure::Result;
use crate::output;
use clap::CommandFactory;
use clap_complete::Shell;

/// Prints the completions for `shell`.
///
/// # Errors
/// Standard output that cannot be written.
pub fn run(shell: Shell) -> Result {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "sweep", &mut script);
    output::write(&script)
}
