//! Curves: measures against an axis, median and quartiles of each series.

use super::caption::{caption, subtitle};
use super::lattice::{Group, Lattice};
use super::plan::{Dimension, Places};
use super::{Error, Figure, Scene, Wrong, count, float, names, sql};
use crate::plot::curves::{Curves, Panel, Series, Spot, curves};
use crate::plot::{Axis, Reference, Spread};
use crate::store::{Datum, Measure, Table};
use std::collections::BTreeMap;

/// Most series of a panel, and most panels.
const MOST_SERIES: usize = 24;
const MOST_PANELS: usize = 12;

/// Draws the picture.
pub async fn draw(scene: &Scene<'_>) -> Result<Figure, Error> {
    let plan = &scene.plan;
    let axes = axes(scene);
    let mut lattices: Vec<(Measure, Lattice)> = Vec::new();
    for measure in &plan.metrics {
        lattices.push((*measure, scene.lattice(*measure, axes.clone()).await?));
    }
    let along = match scene.ask.along {
        Some(measure) => Some((measure, scene.lattice(measure, axes.clone()).await?)),
        None => None,
    };
    let mut table = Table { columns: axes.clone(), ..Table::default() };
    table.columns.extend(["metric", "x", "q25", "median", "q75", "n"].map(str::to_owned));
    let mut panels = Vec::new();
    for (measure, lattice) in &lattices {
        let along = along.as_ref().map(|(_, lattice)| lattice);
        panels.extend(of_measure(scene, *measure, lattice, along, &mut table)?);
    }
    if panels.len() > MOST_PANELS {
        return Err(Error::Wrong(Wrong(format!("{} panels do not fit, at most {MOST_PANELS} do", panels.len()))));
    }
    let Some((_, first)) = lattices.first() else { return Err(Error::Failed("nothing is measured".to_owned())) };
    let x = match scene.ask.along {
        Some(measure) => names::measure(measure, None),
        None => Axis { name: plan.x.name.clone(), spread: spread(&plan.x, first) },
    };
    let data = Curves {
        title: scene.stored.name.clone(),
        subtitle: subtitle(scene, first),
        caption: caption(scene, first, "point", 0),
        x,
        panels,
    };
    Ok(Figure { svg: curves(&data), table, sql: statement(scene) })
}

/// The statement that gives the numbers of the first measure.
pub fn statement(scene: &Scene<'_>) -> String {
    sql::medians(scene, scene.plan.metrics[0], &axes(scene))
}

/// The axes that tell points apart, each once.
fn axes(scene: &Scene<'_>) -> Vec<String> {
    let plan = &scene.plan;
    let mut axes: Vec<String> = Vec::new();
    for axis in [&plan.by, &plan.x].into_iter().chain(&plan.across).flat_map(|dimension| &dimension.axes) {
        if !axes.contains(axis) {
            axes.push(axis.clone());
        }
    }
    axes
}

/// Log where the values are positive and span more than a decade.
fn spread(x: &Dimension, lattice: &Lattice) -> Spread {
    let places = Places::of(x, lattice);
    let numbers: Vec<f64> = (0..places.len()).filter_map(|place| places.number(place, lattice)).collect();
    let (least, most) =
        (numbers.iter().copied().fold(f64::INFINITY, f64::min), numbers.iter().copied().fold(0.0, f64::max));
    if least > 0.0 && most / least >= 8.0 { Spread::Log } else { Spread::Linear }
}

/// The panels of one measure: one for each facet.
fn of_measure(
    scene: &Scene<'_>,
    measure: Measure,
    lattice: &Lattice,
    along: Option<&Lattice>,
    table: &mut Table,
) -> Result<Vec<Panel>, Wrong> {
    let plan = &scene.plan;
    let (x, by) = (Places::of(&plan.x, lattice), Places::of(&plan.by, lattice));
    let facets = plan.across.as_ref().map(|dimension| Places::of(dimension, lattice));
    if by.len() > MOST_SERIES {
        return Err(Wrong(format!(
            "by: {} series do not fit, at most {MOST_SERIES} do; choose some by where",
            by.len()
        )));
    }
    let mut panels: BTreeMap<usize, BTreeMap<usize, Vec<&Group>>> = BTreeMap::new();
    for group in &lattice.groups {
        let facet = facets.as_ref().map_or(0, |places| places.at(group));
        panels.entry(facet).or_default().entry(by.at(group)).or_default().push(group);
    }
    let place = |group: &Group| match along {
        None => x.number(x.at(group), lattice),
        Some(along) => {
            let same = along.groups.iter().find(|other| other.at == group.at)?;
            x.number(x.at(group), lattice)?;
            same.quartiles().median
        }
    };
    let mut drawn = Vec::new();
    for (facet, series) in panels {
        let mut panel = Panel {
            title: match (&facets, &plan.across) {
                (Some(places), Some(dimension)) => format!("{} {}", dimension.name, places.label(facet, lattice)),
                _ => String::new(),
            },
            y: names::measure(measure, scene.ask.scale),
            references: Vec::new(),
            series: Vec::new(),
        };
        for (name, groups) in series {
            let label = by.series(name, lattice);
            let mut points = Vec::new();
            for group in groups {
                let q = group.quartiles();
                let at = place(group);
                let mut row: Vec<Datum> = lattice
                    .axes
                    .iter()
                    .zip(&group.at)
                    .map(|(axis, number)| axis.values[*number].as_ref().map_or(Datum::Null, crate::answer::datum))
                    .collect();
                row.extend([super::text(measure.name()), float(at), float(q.lower), float(q.median), float(q.upper)]);
                row.push(count(group.done.len() as u64));
                table.rows.push(row);
                match (at, q.median) {
                    _ if group.done.is_empty() => {}
                    (Some(at), _) => points.push(Spot { x: at, lower: q.lower, median: q.median, upper: q.upper }),
                    // What has no place across, as a solver has no learning rate, is a line from end to end.
                    (None, Some(value)) => panel.references.push(Reference { label: label.clone(), value }),
                    (None, None) => {}
                }
            }
            points.sort_by(|a, b| a.x.total_cmp(&b.x));
            if !points.is_empty() {
                panel.series.push(Series { label, points, marks: true });
            }
        }
        drawn.push(panel);
    }
    Ok(drawn)
}
