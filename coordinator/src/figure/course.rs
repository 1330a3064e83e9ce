//! Pictures over the course of runs: measures, singular values, and one measure against another.

use super::board::Entry;
use super::caption::{caption, subtitle};
use super::kind::Form;
use super::lattice::{Group, Lattice};
use super::plan::Places;
use super::{Error, Figure, Scene, Wrong, count, float, names, sql};
use crate::plot::curves::{Curves, Panel, Series, curves};
use crate::plot::{Axis, Spread};
use crate::store::{Datum, Table};
use sweep_core::outcome::{COLUMNS, LR};

/// Most runs whose courses are read for one picture; of each group as many.
const MOST_RUNS: usize = 400;
/// Most series of a panel, most panels, most runs that are drawn one by one.
const MOST_SERIES: usize = 24;
const MOST_PANELS: usize = 9;
const MOST_PATHS: usize = 24;
/// Most singular values that are drawn.
const MOST_SINGULAR: usize = 10;
/// Most rows of the table behind the picture.
const MOST_ROWS: usize = 100_000;

/// A course: for each recorded point its place and the values of the columns.
type Course = Vec<(f64, Vec<Option<f64>>)>;

/// The courses of a group.
struct Courses<'l> {
    group: &'l Group,
    label: String,
    /// Cell and course.
    runs: Vec<(u64, Course)>,
}

/// Draws the picture.
pub async fn draw(scene: &Scene<'_>) -> Result<Figure, Error> {
    let (plan, ask) = (&scene.plan, scene.ask);
    let lattice = scene.lattice(plan.metrics[0], axes(scene)).await?;
    let spectrum = ask.kind.form == Form::Spectrum;
    let columns: Vec<usize> = plan.metrics.iter().map(|measure| measure.column).collect();
    let known: Vec<&Group> = lattice.groups.iter().filter(|group| !group.done.is_empty()).collect();
    let most = if ask.kind.form == Form::Path { MOST_PATHS } else { MOST_RUNS };
    let most = (most / known.len().max(1)).max(1);
    let by = Places::of(&plan.by, &lattice);
    let mut all = Vec::new();
    for group in known {
        let mut runs = Vec::new();
        for Entry { cell, outcome, .. } in group.done.iter().take(most) {
            let course =
                if spectrum { singular(scene, *outcome).await? } else { course(scene, *outcome, &columns).await? };
            runs.push((*cell, course));
        }
        all.push(Courses { group, label: by.series(by.at(group), &lattice), runs });
    }
    let panels = match ask.kind.form {
        Form::Steps => steps(scene, &lattice, &all)?,
        Form::Path => vec![paths(scene, &all)?],
        _ => together(scene, &all)?,
    };
    let cut = all.iter().any(|courses| courses.runs.len() < courses.group.done.len());
    let mut said = match ask.kind.form {
        Form::Path => "Each line is one run. ".to_owned(),
        _ => String::new(),
    };
    said.push_str(&caption(scene, &lattice, "line", 0));
    if cut {
        said.push_str(&format!(
            " Of each only the first {} are drawn; where narrows them down.",
            crate::words::count(most as u64, "run")
        ));
    }
    let x = ask.x.as_deref().unwrap_or("step");
    let x = match COLUMNS.iter().position(|column| column.name == x) {
        Some(column) => names::column(column, None),
        None => Axis { name: names::axis(x), spread: Spread::Log },
    };
    let data =
        Curves { title: scene.stored.name.clone(), subtitle: subtitle(scene, &lattice), caption: said, x, panels };
    let table = table(&lattice, &all, spectrum, &recorded(scene));
    Ok(Figure { svg: curves(&data), table, sql: statement(scene) })
}

/// The statement that gives the numbers.
pub fn statement(scene: &Scene<'_>) -> String {
    sql::course(scene, &axes(scene), &recorded(scene))
}

/// The axes that tell groups apart, each once.
fn axes(scene: &Scene<'_>) -> Vec<String> {
    let mut axes = scene.plan.by.axes.clone();
    let facets = scene.plan.across.iter().flat_map(|dimension| dimension.axes.clone());
    axes.extend(facets.filter(|axis| !scene.plan.by.axes.contains(axis)));
    axes
}

/// The columns of points that are drawn.
fn recorded(scene: &Scene<'_>) -> Vec<&'static str> {
    match scene.ask.kind.form {
        Form::Spectrum => vec!["singular_values"],
        _ => scene.plan.metrics.iter().map(|measure| COLUMNS[measure.column].name).collect(),
    }
}

/// What a run is drawn against, and what is drawn.
async fn course(scene: &Scene<'_>, outcome: i64, columns: &[usize]) -> Result<Course, Error> {
    let x = scene.ask.x.as_deref().unwrap_or("step");
    let against = COLUMNS.iter().position(|column| column.name == x);
    let wanted: Vec<usize> = columns.iter().copied().chain([against.unwrap_or(LR)]).collect();
    let points = scene.store().course(outcome, &wanted).await?;
    let mut travelled = 0.0;
    let mut before: Option<(u64, f64)> = None;
    let mut course = Vec::with_capacity(points.len());
    for (step, mut values) in points {
        let last = values.pop().flatten();
        if let Some((from, lr)) = before {
            // Between two recorded points the rate counts as constant.
            travelled += lr * (step - from) as f64;
        }
        before = last.map(|lr| (step, lr));
        let place = match (against, x) {
            (Some(_), _) => last,
            (None, "travel") => Some(travelled),
            _ => Some(step as f64),
        };
        if let Some(place) = place {
            course.push((place, values));
        }
    }
    Ok(course)
}

/// The leading singular values of a run.
async fn singular(scene: &Scene<'_>, outcome: i64) -> Result<Course, Error> {
    let points = scene.store().singular_values(outcome).await?;
    Ok(points.into_iter().map(|(step, values)| (step as f64, values.into_iter().map(Some).collect())).collect())
}

/// The values of column `k` of each run. A diverged run counts as the worst at all points after its last.
fn runs(courses: &Courses<'_>, k: usize) -> Vec<Vec<(f64, Option<f64>)>> {
    let mut places: Vec<f64> = courses.runs.iter().flat_map(|(_, course)| course.iter().map(|(x, _)| *x)).collect();
    places.sort_by(f64::total_cmp);
    places.dedup();
    let of = |(cell, course): &(u64, Course)| {
        let mut run: Vec<(f64, Option<f64>)> =
            course.iter().map(|(x, values)| (*x, values.get(k).copied().flatten())).collect();
        let diverged = courses.group.done.iter().any(|entry| entry.cell == *cell && entry.diverged);
        let last = run.last().map_or(f64::NEG_INFINITY, |(x, _)| *x);
        if diverged {
            run.extend(places.iter().filter(|x| **x > last).map(|x| (*x, None)));
        }
        run
    };
    courses.runs.iter().map(of).collect()
}

fn limit(what: &str, n: usize, most: usize) -> Result<(), Wrong> {
    if n <= most {
        return Ok(());
    }
    Err(Wrong(format!("by: {n} {what} do not fit, at most {most} do; choose some by where, or other axes")))
}

/// One panel for each measure or facet, one series for each group.
fn steps(scene: &Scene<'_>, lattice: &Lattice, all: &[Courses<'_>]) -> Result<Vec<Panel>, Wrong> {
    let facets = scene.plan.across.as_ref().map(|dimension| (dimension, Places::of(dimension, lattice)));
    let mut panels = Vec::new();
    for (k, measure) in scene.plan.metrics.iter().enumerate() {
        for facet in 0..facets.as_ref().map_or(1, |(_, places)| places.len()) {
            let here =
                |courses: &&Courses<'_>| facets.as_ref().is_none_or(|(_, places)| places.at(courses.group) == facet);
            let series: Vec<Series> = all
                .iter()
                .filter(here)
                .map(|courses| Series { marks: false, ..Series::over(&courses.label, &runs(courses, k)) })
                .collect();
            limit("series", series.len(), MOST_SERIES)?;
            let title = match &facets {
                Some((dimension, places)) => format!("{} {}", dimension.name, places.label(facet, lattice)),
                None => String::new(),
            };
            panels.push(Panel {
                title,
                y: names::column(measure.column, scene.ask.scale),
                references: Vec::new(),
                series,
            });
        }
    }
    limit("panels", panels.len(), MOST_PANELS)?;
    Ok(panels)
}

/// One panel for each group, one series for each measure or singular value.
fn together(scene: &Scene<'_>, all: &[Courses<'_>]) -> Result<Vec<Panel>, Wrong> {
    limit("panels", all.len(), MOST_PANELS)?;
    let spectrum = scene.ask.kind.form == Form::Spectrum;
    let panel = |courses: &Courses<'_>| {
        let widest = courses.runs.iter().flat_map(|(_, course)| course.iter().map(|(_, values)| values.len())).max();
        let n = if spectrum { widest.unwrap_or(0).min(MOST_SINGULAR) } else { scene.plan.metrics.len() };
        let series = (0..n).map(|k| {
            let label = match spectrum {
                true => format!("σ_{{{}}}", k + 1),
                false => names::column(scene.plan.metrics[k].column, None).name,
            };
            Series { marks: false, ..Series::over(&label, &runs(courses, k)) }
        });
        let y = match spectrum {
            true => Axis { name: "singular values of W".to_owned(), spread: scene.ask.scale.unwrap_or(Spread::Linear) },
            false => Axis {
                name: if n == 1 { names::column(scene.plan.metrics[0].column, None).name } else { "value".to_owned() },
                spread: scene.ask.scale.unwrap_or(Spread::Log),
            },
        };
        Panel { title: courses.label.clone(), y, references: Vec::new(), series: series.collect() }
    };
    Ok(all.iter().map(panel).collect())
}

/// Every run by itself.
fn paths(scene: &Scene<'_>, all: &[Courses<'_>]) -> Result<Panel, Wrong> {
    limit("runs", all.iter().map(|courses| courses.runs.len()).sum(), MOST_PATHS)?;
    let series = all.iter().flat_map(|courses| {
        courses.runs.iter().map(|(cell, course)| {
            // From the last step to the first: a falling loss leads to the left, and the label stands where a run began.
            let run = course.iter().rev().map(|(x, values)| (*x, values[0]));
            let label = if courses.runs.len() == 1 {
                courses.label.clone()
            } else {
                format!("{} · cell {cell}", courses.label)
            };
            Series::path(&label, run)
        })
    });
    let y = names::column(scene.plan.metrics[0].column, scene.ask.scale);
    Ok(Panel { title: String::new(), y, references: Vec::new(), series: series.collect() })
}

/// Every point of every run that was read.
fn table(lattice: &Lattice, all: &[Courses<'_>], spectrum: bool, names: &[&str]) -> Table {
    let widest =
        all.iter().flat_map(|courses| &courses.runs).flat_map(|(_, course)| course).map(|(_, values)| values.len());
    let mut table = Table { columns: lattice.axes.iter().map(|axis| axis.name.clone()).collect(), ..Table::default() };
    table.columns.extend(["cell", "x"].map(str::to_owned));
    let of = if spectrum { widest.max().unwrap_or(0) } else { names.len() };
    match spectrum {
        true => table.columns.extend((1..=of).map(|k| format!("singular_value_{k}"))),
        false => table.columns.extend(names.iter().map(|name| (*name).to_owned())),
    }
    for courses in all {
        let axes: Vec<Datum> = (lattice.axes.iter().zip(&courses.group.at))
            .map(|(axis, number)| axis.values[*number].as_ref().map_or(Datum::Null, crate::answer::datum))
            .collect();
        for (cell, course) in &courses.runs {
            for (x, values) in course {
                if table.rows.len() == MOST_ROWS {
                    table.truncated = true;
                    return table;
                }
                let mut row = axes.clone();
                row.extend([count(*cell), Datum::Float(*x)]);
                row.extend((0..of).map(|k| float(values.get(k).copied().flatten())));
                table.rows.push(row);
            }
        }
    }
    table
}
