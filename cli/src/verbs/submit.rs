//! `sweep submit`: a sweep goes to a coordinator, or into a database, and is trained there by whoever works for it.

use crate::args::Submit;
use crate::failure::Result;
use crate::output::{self, Format, Part};
use crate::remote::Coordinator;
use crate::session::{self, Checked};
use crate::verbs::watch;
use std::sync::Arc;
use sweep_coordinator::clock::SystemClock;
use sweep_coordinator::dispatch::{Dispatcher, Submission};
use sweep_coordinator::store::{self, Datum};

/// Checks the file here, sends it with the files that it names, and prints the id of the sweep.
///
/// # Errors
/// Mistakes in the file; what the coordinator or the database says.
pub async fn run(db: &str, asked: &Submit, format: Format) -> Result {
    asked.tag.iter().try_for_each(|tag| store::check_tag(tag))?;
    let Checked { sweep, source, contents, .. } = session::check(&asked.file)?;
    let Some(mut coordinator) = Coordinator::named(&asked.to).await? else {
        let dispatcher = Dispatcher::open(session::writing(db).await?, Arc::new(SystemClock)).await?;
        let how = Submission { fresh: asked.fresh, tags: asked.tag.clone() };
        let asked_for = sweep.len();
        let id = dispatcher.submit(sweep, &source, &contents.files, &how).await?;
        let cells = dispatcher.store().find_sweep(&id).await?.cells;
        extended(asked_for, cells);
        dispatcher.store().clone().close().await;
        let file = asked.file.path.display();
        crate::say!("to train it here: sweep run{} {file}", session::option(db));
        return answer(format, &id, cells);
    };
    let max_cells = asked.file.max_cells;
    let submitted = coordinator.submit(&source, &contents.files, &asked.tag, asked.fresh, max_cells).await?;
    let (id, cells) = (submitted.id, submitted.cells);
    extended(sweep.len(), cells);
    if !asked.watch {
        crate::say!("to see how it stands: sweep watch {id}");
        return answer(format, &id, cells);
    }
    crate::say!("sweep \"{}\" ({id}): {}", sweep.name, output::count(cells, "cell"));
    watch::until_final(&mut coordinator, &id).await
}

/// Says so where the sweep of a file has more cells than the file.
pub fn extended(file: u64, sweep: u64) {
    if sweep > file {
        let more = output::count(sweep - file, "cell");
        crate::say!("this sweep was extended since: {more} on top of the file's; --fresh begins one of the file alone");
    }
}

fn answer(format: Format, id: &str, cells: u64) -> Result {
    let record = vec![("sweep", Datum::Text(id.to_owned())), ("cells", Datum::Int(cells as i64))];
    output::print(format, &[Part::Record("submitted", record)])
}
