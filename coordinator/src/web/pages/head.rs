//! The head of every page of a sweep: name, state, tabs, progress.

use super::Lost;
use crate::store;
use crate::web::site::{Site, Standing};
use askama::Template;

/// What is at the top.
pub struct Head {
    /// How it stands.
    pub standing: Standing,
    /// The first lines of its description.
    pub description: String,
    /// The tab that is open.
    pub tab: &'static str,
    /// Cells per second of all workers; empty where nothing runs.
    pub rate: String,
}

impl Head {
    /// The head of a sweep.
    ///
    /// # Errors
    /// What the database says.
    pub async fn of(site: &Site, sweep: &store::Sweep, tab: &'static str) -> Result<Head, Lost> {
        let standing = site.standing(sweep).await?;
        let per_second: f64 = site.dispatcher.present().iter().map(|view| view.per_second).sum();
        let rate = match standing.running {
            0 => String::new(),
            _ if per_second >= 0.095 => format!("{} cells/s", crate::words::digits(per_second, 2)),
            _ if per_second > 0.0 => format!("{} cells/min", crate::words::digits(60.0 * per_second, 2)),
            _ => String::new(),
        };
        Ok(Head { standing, description: sweep.description.trim().to_owned(), tab, rate })
    }

    /// Address (after the sweep's), name, and how many there are where that is worth saying.
    pub fn tabs(&self) -> Vec<(&'static str, &'static str, Option<u64>)> {
        let failed = Some(self.standing.failed).filter(|n| *n > 0);
        vec![
            ("", "Pictures", None),
            ("/best", "Best", None),
            ("/cells", "Cells", None),
            ("/failures", "Failures", failed),
            ("/about", "File and results", None),
        ]
    }
}

#[derive(Template)]
#[template(path = "progress.html")]
struct Progress<'a> {
    head: &'a Head,
}

/// The progress alone, for what is live.
pub fn progress(head: &Head) -> Result<String, Lost> {
    Progress { head }.render().map_err(Lost::broken)
}
