//! `sweep rm`: removes a sweep.

use crate::failure::{Failure, Result};
use crate::output::{self, Format};
use crate::session;
use std::io::{BufRead, IsTerminal};

/// Removes a sweep with its cells, its picture, and the results that no other sweep is linked to.
///
/// # Errors
/// [`Failure::Mistake`] where nobody can be asked and `yes` was not given.
pub async fn run(db: &str, key: &str, yes: bool, format: Format) -> Result {
    let store = session::changing(db).await?;
    let sweep = session::sweep(&store, key).await?;
    let done = store.counts(&sweep.id).await?.done;
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
    let gone = store.remove_sweep(&sweep.id).await?;
    let picture = session::picture(store.location(), &sweep.name, &sweep.id);
    store.close().await;
    for ending in session::PICTURES {
        let file = picture.with_extension(ending);
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
        session::option(db)
    );
    output::note(format, line)
}
