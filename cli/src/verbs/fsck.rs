//! `sweep fsck`: whether what is stored agrees with itself.

use crate::args::Remote;
use crate::failure::{Failure, Result};
use crate::output::{self, Format, Part, Table};
use crate::remote::{Access, Coordinator};
use sweep_coordinator::store::Datum;
use sweep_proto::v1;

/// Prints what was checked and what is wrong.
///
/// # Errors
/// [`Failure::Unsound`] where something is.
pub async fn run(db: &str, of: &Remote, format: Format) -> Result {
    let checks = Coordinator::reach(db, of, Access::Read).await?.check().await?;
    let text = |text: &str| Datum::Text(text.to_owned());
    let mut all = Table::new(&["check", "wrong", "claim"]);
    let mut wrong = Table::new(&["check", "sweep", "cell", "what"]);
    let (mut count, mut shown) = (0, 0);
    for check in &checks {
        all.rows.push(vec![text(&check.name), Datum::Int(check.violations as i64), text(&check.claim)]);
        count += check.violations;
        shown += check.examples.len() as u64;
        for v1::Violation { sweep, cell, what } in &check.examples {
            let cell = cell.map_or(Datum::Null, |cell| Datum::Int(cell as i64));
            wrong.rows.push(vec![text(&check.name), sweep.as_deref().map_or(Datum::Null, text), cell, text(what)]);
        }
    }
    let mut parts = vec![Part::Table("checks", all)];
    if format == Format::Json || count > 0 {
        parts.push(Part::Table("wrong", wrong));
    }
    output::print(format, &parts)?;
    if count > shown {
        output::note(format, format!("and {} more", count - shown))?;
    }
    if count > 0 { Err(Failure::Unsound(count)) } else { Ok(()) }
}
