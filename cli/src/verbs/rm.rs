//! `sweep rm`: removes a sweep.

use crate::args::Remote;
use crate::failure::{Failure, Result};
use crate::output::{self, Format};
use crate::remote::{Access, Coordinator};
use crate::session;
use std::io::{BufRead, IsTerminal};

/// Removes a sweep with its cells, its picture, and the results that no other sweep is linked to.
///
/// # Errors
/// [`Failure::Mistake`] where nobody can be asked and `yes` was not given.
pub async fn run(db: &str, of: &Remote, key: &str, yes: bool, format: Format) -> Result {
    let mut coordinator = Coordinator::reach(db, of, Access::Write).await?;
    let sweep = coordinator.sweep(key).await?;
    let done = sweep.done;
    if !yes {
        if !std::io::stdin().is_terminal() {
            return Err(Failure::Mistake(format!("removing \"{}\" ({done} results) needs --yes", sweep.name)));
        }
        crate::say!("remove \"{}\" ({}) with {done} results? [y/N] ", sweep.name, sweep.id);
        let mut answer = String::new();
        let asked = std::io::stdin().lock().read_line(&mut answer);
        if asked.is_err() || !matches!(answer.trim(), "y" | "Y" | "yes") {
            return Err(Failure::Mistake("nothing was removed".to_owned()));
        }
    }
    let gone = coordinator.remove(&sweep.id).await?;
    // What `sweep run` drew lies beside the database of this machine.
    let picture = coordinator.location().map(|location| session::picture(location, &sweep.name, &sweep.id));
    let at = if picture.is_some() { session::option(db) } else { String::new() };
    coordinator.close().await;
    for file in picture.iter().flat_map(|path| session::PICTURES.map(|ending| path.with_extension(ending))) {
        match std::fs::remove_file(&file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                crate::say!("warning: the picture {} cannot be removed: {error}", file.display());
            }
            _ => {}
        }
    }
    let line = format!(
        "removed \"{}\" ({}), {}; `sweep gc{}` gives the space back",
        sweep.name,
        sweep.id,
        output::count(gone.outcomes, "outcome"),
        at
    );
    output::note(format, line)
}
