//! `sweep cells`: the cells of a sweep that were ever handed out, each in one line.

use crate::args::Cells;
use crate::failure::{Failure, Result};
use crate::output::{self, Format, Part, Table};
use crate::remote::{Access, Coordinator};
use std::collections::BTreeMap;
use sweep_coordinator::store::Datum;
use sweep_core::axis::{self, CHOICES};
use sweep_core::value::Value;
use sweep_proto::v1::{CellLine, CellsRequest};

/// Prints the cells that fit, with the coordinates in which they differ.
///
/// # Errors
/// A mistake in the filter with its place; what the coordinator says.
pub async fn run(db: &str, asked: &Cells, format: Format) -> Result {
    let mut coordinator = Coordinator::reach(db, &asked.of, Access::Read).await?;
    let sweep = coordinator.sweep(&asked.sweep).await?;
    let request = CellsRequest {
        sweep: sweep.id,
        filter: asked.filter.clone().unwrap_or_default(),
        // One more tells whether there are more.
        most: asked.most.saturating_add(1),
    };
    let answer = coordinator.control().cells(request).await;
    let mut stream = answer.map_err(|status| coordinator.refused(status))?.into_inner();
    let mut cells = Vec::new();
    while let Some(page) = stream.message().await.map_err(|status| coordinator.refused(status))? {
        for mut line in page.cells {
            let coordinates: BTreeMap<String, Value> = std::mem::take(&mut line.coordinates)
                .into_iter()
                .map(|(axis, value)| Ok((axis, Value::try_from(value)?)))
                .collect::<std::result::Result<_, sweep_proto::convert::Error>>()
                .map_err(|error| Failure::Internal(error.into()))?;
            cells.push((line, coordinates));
        }
    }
    let more = cells.len() as u64 > asked.most;
    cells.truncate(usize::try_from(asked.most).unwrap_or(usize::MAX));
    output::print(format, &[Part::Table("cells", table(&cells, format))])?;
    if more {
        let most = asked.most;
        output::note(format, format!("the first {most} cells that fit; --most N shows more, --where FILTER fewer"))?;
    }
    Ok(())
}

/// For people the coordinates that differ, and not what nobody has set; for programs all.
fn table(cells: &[(CellLine, BTreeMap<String, Value>)], format: Format) -> Table {
    let differs = |axis: &&str| {
        let mut values = cells.iter().map(|(_, coordinates)| coordinates.get(*axis));
        let first = values.next().flatten();
        let same = cells.iter().all(|(_, coordinates)| coordinates.get(*axis) == first);
        let default = axis::find(axis).and_then(|axis| axis.default).map(Value::from);
        let unset = cells.iter().filter_map(|(_, all)| all.get(*axis)).all(|value| Some(value) == default.as_ref());
        if format == Format::Table { !same && !unset } else { cells.iter().any(|(_, all)| all.contains_key(*axis)) }
    };
    let axes = CHOICES.iter().copied().chain(axis::all().iter().map(|axis| axis.name)).chain(["replicate"]);
    // A seed follows the replicate, and says the same again.
    let axes: Vec<&str> =
        axes.filter(|axis| format != Format::Table || !axis.ends_with("_seed")).filter(differs).collect();
    let mut columns = vec!["cell", "stage", "state", "status"];
    columns.extend(&axes);
    columns.extend(["test_rel", "train_loss", "seconds", "attempts", "worker", "error"]);
    let mut table = Table::new(&columns);
    let text = |text: &str| if text.is_empty() { Datum::Null } else { Datum::Text(text.to_owned()) };
    for (line, coordinates) in cells {
        let status = match (line.inflated, line.linked) {
            (true, _) => format!("{} inflated", line.status),
            (false, true) => format!("{} linked", line.status),
            (false, false) => line.status.clone(),
        };
        let mut row = vec![Datum::Int(line.cell as i64), text(&line.stage), text(&line.state), text(&status)];
        row.extend(axes.iter().map(|axis| match coordinates.get(*axis) {
            None => Datum::Null,
            Some(Value::Int(i)) => Datum::Int(*i),
            Some(Value::Float(x)) => Datum::Float(*x),
            Some(Value::Text(word)) => Datum::Text(word.clone()),
        }));
        row.extend([line.test_rel, line.train_loss, line.wall_seconds].map(|x| x.map_or(Datum::Null, Datum::Float)));
        row.extend([Datum::Int(line.attempts as i64), text(&line.worker), text(&line.error)]);
        table.rows.push(row);
    }
    table
}
