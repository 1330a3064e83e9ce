//! Tiles: heat maps and phase diagrams.

use super::board::Entry;
use super::caption::{caption, subtitle};
use super::kind::Form;
use super::lattice::{Group, Lattice};
use super::plan::{Dimension, Places};
use super::{Error, Figure, Scene, Wrong, count, float, names, sql};
use crate::filter::literal_of_filter;
use crate::plot::heatmap::{Category, Contour, Heatmap, Tile, heatmap};
use crate::plot::{Axis, Quartiles, Spread};
use crate::store::{Datum, Table};
use sweep_core::value::Value;

/// Most values along one side, and most tiles of a picture.
const MOST_SIDE: usize = 200;
const MOST_TILES: usize = 6_000;
const MOST_FACETS: usize = 12;

/// Draws the picture.
pub async fn draw(scene: &Scene<'_>) -> Result<Figure, Error> {
    let (lattice, left_out) = lattice(scene).await?;
    let sorted = tokio::task::spawn_blocking(move || {
        let spread: Vec<Quartiles> = lattice.groups.iter().map(Group::quartiles).collect();
        (lattice, spread)
    });
    let (lattice, spread) = sorted.await.map_err(|error| Error::Failed(error.to_string()))?;
    let data = picture(scene, &lattice, &spread, left_out)?;
    let table = table(scene, &lattice, &spread);
    let svg = tokio::task::spawn_blocking(move || heatmap(&data)).await;
    Ok(Figure { svg: svg.map_err(|error| Error::Failed(error.to_string()))?, table, sql: statement(scene) })
}

/// The statement that gives the numbers.
pub fn statement(scene: &Scene<'_>) -> String {
    match scene.ask.kind.form {
        Form::Phase => sql::shares(scene, &axes(scene)),
        _ => sql::medians(scene, scene.plan.metrics[0], &axes(scene)),
    }
}

fn axes(scene: &Scene<'_>) -> Vec<String> {
    let plan = &scene.plan;
    let all = [Some(&plan.x), Some(&plan.y), plan.across.as_ref(), plan.down.as_ref()];
    all.into_iter().flatten().flat_map(|dimension| dimension.axes.clone()).collect()
}

/// The cells put together, without those that have no place along x or y; how many these are.
async fn lattice(scene: &Scene<'_>) -> Result<(Lattice, u64), Error> {
    let mut lattice = scene.lattice(scene.plan.metrics[0], axes(scene)).await?;
    let mut left_out = 0;
    for dimension in [&scene.plan.x, &scene.plan.y] {
        let [name] = &dimension.axes[..] else { continue };
        let Some(column) = lattice.axes.iter().position(|axis| axis.name == *name) else { continue };
        let axis = &mut lattice.axes[column];
        // The last: an axis that does not apply, as the learning rate of a baseline.
        if axis.values.len() > 1
            && axis.values.last() == Some(&None)
            && axis.values[0].as_ref().is_some_and(|v| v.number().is_some())
        {
            let last = axis.values.len() - 1;
            axis.values.pop();
            left_out +=
                lattice.groups.iter().filter(|group| group.at[column] == last).map(|group| group.cells).sum::<u64>();
            lattice.groups.retain(|group| group.at[column] != last);
        }
    }
    Ok((lattice, left_out))
}

/// What a tile says: the median, or the share of runs that succeeded.
fn value(scene: &Scene<'_>, group: &Group, spread: &Quartiles) -> Option<f64> {
    match scene.ask.kind.form {
        Form::Phase => share(scene, group),
        _ => spread.median,
    }
}

/// The share of done runs at most at the level of success. Diverged and inflated runs did not succeed.
fn share(scene: &Scene<'_>, group: &Group) -> Option<f64> {
    let succeeds = |entry: &&Entry| entry.value <= scene.ask.success && !entry.inflated;
    let succeeded = group.done.iter().filter(succeeds).count();
    (!group.done.is_empty()).then(|| succeeded as f64 / group.done.len() as f64)
}

fn picture(scene: &Scene<'_>, lattice: &Lattice, spread: &[Quartiles], left_out: u64) -> Result<Heatmap, Wrong> {
    let plan = &scene.plan;
    let of = |dimension: &Dimension| Places::of(dimension, lattice);
    let (x, y) = (of(&plan.x), of(&plan.y));
    let (across, down) = (plan.across.as_ref().map(of), plan.down.as_ref().map(of));
    let facets = |places: &Option<Places>| places.as_ref().map_or(1, Places::len);
    for (key, n, most) in [
        ("x", x.len(), MOST_SIDE),
        ("y", y.len(), MOST_SIDE),
        ("across", facets(&across), MOST_FACETS),
        ("down", facets(&down), MOST_FACETS),
        ("x × y × across × down", x.len() * y.len() * facets(&across) * facets(&down), MOST_TILES),
    ] {
        if n > most {
            return Err(Wrong(format!(
                "{key}: {n} values do not fit, at most {most} do; choose some by where, or another axis"
            )));
        }
    }
    let category = |dimension: &Dimension, places: &Places| Category {
        name: dimension.name.clone(),
        values: (0..places.len()).map(|place| places.label(place, lattice)).collect(),
    };
    let small = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
    let tile = |(group, spread): (&Group, &Quartiles)| Tile {
        x: x.at(group),
        y: y.at(group),
        across: across.as_ref().map_or(0, |places| places.at(group)),
        down: down.as_ref().map_or(0, |places| places.at(group)),
        value: value(scene, group, spread),
        cells: small(group.cells),
        done: small(group.done.len() as u64),
        running: small(group.running),
        failed: small(group.failed),
        diverged: small(group.diverged()),
        inflated: small(group.inflated()),
        href: scene.links.map(|page| href(scene, page, lattice, group)),
    };
    let phase = scene.ask.kind.form == Form::Phase;
    let metric = match phase {
        true => Axis {
            name: format!("share with {} ≤ {}", names::measure(plan.metrics[0], None).short(), scene.ask.success),
            spread: Spread::Linear,
        },
        false => names::measure(plan.metrics[0], scene.ask.scale),
    };
    let percent = (100.0 * scene.ask.share).round();
    let under = match phase {
        true => "Diverged and inflated runs count as failed. ",
        false => "Colour: median over the runs of a tile. ",
    };
    Ok(Heatmap {
        title: scene.stored.name.clone(),
        subtitle: subtitle(scene, lattice),
        caption: format!("{under}{}", caption(scene, lattice, "tile", left_out)),
        x: category(&plan.x, &x),
        y: category(&plan.y, &y),
        across: plan.across.as_ref().zip(across.as_ref()).map(|(dimension, places)| category(dimension, places)),
        down: plan.down.as_ref().zip(down.as_ref()).map(|(dimension, places)| category(dimension, places)),
        metric,
        word: if phase { "share" } else { "median" },
        range: phase.then_some((0.0, 1.0)),
        contour: phase
            .then(|| Contour { level: scene.ask.share, label: format!("success in {percent} % of the runs") }),
        tiles: lattice.groups.iter().zip(spread).map(tile).collect(),
    })
}

/// The page of the one cell of a tile, or the list of its cells.
fn href(scene: &Scene<'_>, page: &str, lattice: &Lattice, group: &Group) -> String {
    let one = format!("{page}/cells/{}", group.first);
    if group.cells == 1 {
        return one;
    }
    let mut parts: Vec<String> = Vec::new();
    for (axis, number) in lattice.axes.iter().zip(&group.at) {
        let value: Option<&Value> = axis.values[*number].as_ref();
        match value {
            // Nothing says that an axis is absent.
            None => {}
            Some(value) => match literal_of_filter(value) {
                Some(value) => parts.push(format!("{} = {value}", axis.name)),
                None => return one,
            },
        }
    }
    if !scene.ask.filter_text.is_empty() {
        parts.push(format!("({})", scene.ask.filter_text));
    }
    let stage = match (scene.plan.part, scene.sweep.tune.is_some()) {
        (super::Part::Tuning, _) => Some("stage = tuning"),
        (super::Part::Reported, true) => Some("stage = refit"),
        _ => None,
    };
    parts.extend(stage.map(str::to_owned));
    format!("{page}/cells?where={}", crate::words::percent(&parts.join(" and ")))
}

fn table(scene: &Scene<'_>, lattice: &Lattice, spread: &[Quartiles]) -> Table {
    let phase = scene.ask.kind.form == Form::Phase;
    let metric = scene.plan.metrics[0].name();
    let mut columns: Vec<String> = lattice.axes.iter().map(|axis| axis.name.clone()).collect();
    if phase {
        columns.push("success".to_owned());
    }
    columns.extend(["q25", "median", "q75"].map(|part| format!("{metric}_{part}")));
    columns.extend(["n", "cells", "running", "failed", "diverged", "inflated"].map(str::to_owned));
    let mut table = Table { columns, ..Table::default() };
    for (group, q) in lattice.groups.iter().zip(spread) {
        let value = |(axis, number): (&super::lattice::AxisValues, &usize)| {
            axis.values[*number].as_ref().map_or(Datum::Null, crate::answer::datum)
        };
        let mut row: Vec<Datum> = lattice.axes.iter().zip(&group.at).map(value).collect();
        if phase {
            row.push(float(share(scene, group)));
        }
        row.extend([q.lower, q.median, q.upper].map(float));
        let done = group.done.len() as u64;
        row.extend([done, group.cells, group.running, group.failed, group.diverged(), group.inflated()].map(count));
        table.rows.push(row);
    }
    table
}
