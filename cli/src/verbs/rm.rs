//! `sweep rm`: removes a sweep.

use crate::failure::{Failure, Result};
use crate::output::{self, Format};
use crate::session;
use std::io::{BufRead, IsTerminal};

/// Removes a sweep with its cells, and the results that no other sweep is linked to.
///
/// # Errors
/// [`Failure::Mistake`] where nobody can be asked and `yes` was not given.
pub async fn run(db: &str, key: &str, yes: bool, format: Format) -> Result {
    let store = session::changing(db).await?;
    let sweep = store.find_sweep(key).await?;
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
    store.close().await;
    let line = format!(
        "removed \"{}\" ({}), {} outcomes; `sweep gc` gives the space back",
        sweep.name, sweep.id, gone.outcomes
    );
    output::note(format, line)
}
