//! The answer of a sweep: one row per method and setting, with medians over replicates, and its picture.
//!
//! Of a sweep that tunes only refits are here, each with the values that its tuning chose and a mark where a chosen
//! value ends its list. Of a plain grid every setting is here: nothing is chosen. Test errors are shown, never used
//! to choose. A run that diverged is the worst of its replicates and is never left out.
//!
//! Programs get one value per column and every axis in which rows differ; people get what they need to tell rows apart.

use crate::plot::methods::{Chosen, Edge, Methods, Replicate, Row as Drawn, TEST_ERROR};
use crate::plot::terminal::StripRow;
use crate::plot::{Reference, quartiles};
use crate::store::{Coordinates, Datum, Run, Selection, Table};
use crate::words::digits;
use std::collections::{BTreeMap, BTreeSet};
use sweep_core::axis;
use sweep_core::grid::same;
use sweep_core::sweep::{Sweep, Tune};
use sweep_core::value::Value;

/// The choices and axes that make a method, which have columns of their own.
const METHOD: [&str; 4] = ["baseline", "optimizer", "penalty", "depth"];

/// Most runs that an answer is made of.
pub const MOST_RUNS: u64 = 200_000;

/// One setting: everything but replicate and seeds.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Its coordinates.
    pub coordinates: Coordinates,
    /// Its runs, by cell.
    pub runs: Vec<Run>,
    /// The tuned axes whose chosen value ends its list, and which end.
    pub edges: Vec<(String, Edge)>,
}

/// The answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// By problem, then by error.
    pub rows: Vec<Row>,
    /// Axes (of problems first) in which rows differ, or that were tuned; those of [`METHOD`] apart.
    varied: Vec<String>,
    /// Of these, the ones that people are shown.
    telling: Vec<String>,
    /// Whether there is a truth: otherwise errors are absolute.
    relative: bool,
    /// Whether hyperparameters were chosen.
    tuned: bool,
}

impl Answer {
    /// The answer that `runs` of `sweep` give, with what tuning chose.
    pub fn new(sweep: &Sweep, runs: Vec<Run>, selections: &[Selection]) -> Answer {
        let relative = runs.is_empty() || runs.iter().any(|run| run.test_rel.is_some());
        let mut rows: Vec<Row> = Vec::new();
        let mut known: BTreeMap<String, usize> = BTreeMap::new();
        for run in runs {
            let mut coordinates = run.coordinates.clone();
            coordinates.retain(|name, _| name != "replicate" && !name.ends_with("_seed"));
            let key = format!("{coordinates:?}");
            let row = *known.entry(key).or_insert_with(|| {
                let edges = sweep.tune.as_ref().map_or(Vec::new(), |tune| edges(tune, &coordinates, selections));
                rows.push(Row { coordinates, runs: Vec::new(), edges });
                rows.len() - 1
            });
            rows[row].runs.push(run);
        }
        let tuned: &[&str] = sweep.tune.as_ref().map_or(&[], |tune| &tune.over);
        let varied = varied(&rows, tuned);
        let of_problem: Vec<&String> = varied.iter().filter(|name| is_of_problem(name)).collect();
        // Problems in the order of the sweep; within one, the least error first and what diverged last.
        let mut problems: Vec<Vec<Option<Value>>> = Vec::new();
        let mut ranked: Vec<(usize, f64, Row)> = Vec::new();
        for row in rows {
            let problem: Vec<_> = of_problem.iter().map(|name| row.coordinates.get(*name).cloned()).collect();
            let place = problems.iter().position(|p| *p == problem).unwrap_or_else(|| {
                problems.push(problem);
                problems.len() - 1
            });
            let error = quartiles(row.errors(relative)).median.unwrap_or(f64::INFINITY);
            ranked.push((place, error, row));
        }
        ranked.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let rows: Vec<Row> = ranked.into_iter().map(|(.., row)| row).collect();
        let telling = telling(&rows, &varied, tuned);
        Answer { rows, varied, telling, relative, tuned: sweep.tune.is_some() }
    }

    fn metric(&self) -> &'static str {
        if self.relative { "test_rel" } else { "test_rmse" }
    }

    /// As a table of at most `most` rows, for programs.
    pub fn table(&self, most: usize) -> Table {
        let metric = self.metric();
        let (lower, upper) = (format!("{metric}_q25"), format!("{metric}_q75"));
        let (before, after): (Vec<&str>, Vec<&str>) =
            self.varied.iter().map(String::as_str).partition(|n| is_of_problem(n));
        let columns: Vec<&str> = (before.iter().copied())
            .chain(["depth", "method", "penalty"])
            .chain(after.iter().copied())
            .chain([metric, &lower, &upper, "effective_rank", "failed", "n", "at_edge"])
            .collect();
        let mut table = Table::new(&columns);
        for row in self.rows.iter().take(most) {
            let error = quartiles(row.errors(self.relative));
            let value = |name: &str| row.coordinates.get(name).map_or(Datum::Null, datum);
            let mut values: Vec<Datum> = before.iter().map(|name| value(name)).collect();
            values.extend([value("depth"), Datum::Text(row.method()), value("penalty")]);
            values.extend(after.iter().map(|name| value(name)));
            values.extend([error.median, error.lower, error.upper].map(|x| x.map_or(Datum::Null, Datum::Float)));
            let rank = quartiles(row.runs.iter().map(|run| run.effective_rank)).median;
            let failed = row.runs.iter().filter(|run| run.failed()).count();
            let edges: Vec<String> = row.edges.iter().map(|(axis, edge)| format!("{axis} {}", word(*edge))).collect();
            values.extend([
                rank.map_or(Datum::Null, Datum::Float),
                Datum::Float(failed as f64 / row.runs.len().max(1) as f64),
                Datum::Int(row.runs.len() as i64),
                Datum::Text(edges.join(", ")),
            ]);
            table.rows.push(values);
        }
        table
    }

    /// As a table of at most `most` rows, for people; its quartiles only where asked for.
    pub fn shown(&self, most: usize, quartile: bool) -> Table {
        let (before, after): (Vec<&str>, Vec<&str>) =
            self.telling.iter().map(String::as_str).partition(|n| is_of_problem(n));
        let (tested, several) = (self.is_tested(), quartile && self.rows.iter().any(|row| row.runs.len() > 1));
        let rank = if before.contains(&"rank") { "eff. rank" } else { "rank" };
        let metric = tested.then(|| self.metric()).into_iter().chain((tested && several).then_some("[q25, q75]"));
        let columns: Vec<&str> = (before.iter().copied())
            .chain(["depth", "method", "penalty"])
            .chain(after.iter().map(|name| short_name(name)))
            .chain(metric)
            .chain([rank, "failed"])
            .chain(self.tuned.then_some("at_edge"))
            .collect();
        let mut table = Table::new(&columns);
        for row in self.rows.iter().take(most) {
            let value = |name: &str| row.coordinates.get(name).map_or(Datum::Null, datum);
            let mut values: Vec<Datum> = before.iter().map(|name| value(name)).collect();
            values.extend([value("depth"), Datum::Text(row.method()), value("penalty")]);
            values.extend(after.iter().map(|name| value(name)));
            let error = quartiles(row.errors(self.relative));
            if tested {
                values.push(error.median.map_or(Datum::Null, Datum::Float));
            }
            if tested && several {
                let end = |x: Option<f64>| x.map_or("-".to_owned(), |x| digits(x, 2));
                values.push(Datum::Text(format!("[{}, {}]", end(error.lower), end(error.upper))));
            }
            let rank = quartiles(row.runs.iter().map(|run| run.effective_rank)).median;
            values.push(rank.map_or(Datum::Null, Datum::Float));
            let failed = row.runs.iter().filter(|run| run.failed()).count();
            values.push(Datum::Text(format!("{failed}/{}", row.runs.len())));
            if self.tuned {
                let edge = |(axis, edge): &(String, Edge)| format!("{} {}", short_name(axis), word(*edge));
                values.push(Datum::Text(row.edges.iter().map(edge).collect::<Vec<_>>().join(", ")));
            }
            table.rows.push(values);
        }
        table
    }

    /// What the headings of [`Answer::shown`] mean, a line each.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if !self.is_tested() {
            notes.push("no truth and no test entries are known, so there is no test error".to_owned());
        } else if self.relative {
            notes.push(
                "test_rel: error over unobserved entries, relative to the truth; median over replicates".to_owned(),
            );
        } else {
            notes.push("test_rmse: root mean square error over the test entries; median over replicates".to_owned());
        }
        notes.push("rank: effective rank; failed: how many replicates diverged or are inflated".to_owned());
        if self.tuned {
            let remedy = "extend the list before believing the row (empty: none)";
            notes.push(format!("at_edge: a chosen value ends its list; {remedy}"));
        }
        notes
    }

    /// Whether errors are relative to a truth.
    pub fn is_relative(&self) -> bool {
        self.relative
    }

    /// Whether any run has a test error.
    pub fn is_tested(&self) -> bool {
        self.rows.iter().flat_map(|row| &row.runs).any(|run| run.test_rel.is_some() || run.test_rmse.is_some())
    }

    /// Its picture in characters: a row for each of its rows.
    pub fn strip(&self) -> Vec<StripRow> {
        let row = |row: &Row| {
            let q = quartiles(row.errors(self.relative));
            let drawn = self.drawn(row);
            let label = if self.groups_differ() { format!("{} · {}", drawn.group, drawn.label) } else { drawn.label };
            StripRow { label, lower: q.lower, median: q.median, upper: q.upper }
        };
        self.rows.iter().map(row).collect()
    }

    fn groups_differ(&self) -> bool {
        let mut groups = self.rows.iter().map(|row| self.drawn(row).group);
        let first = groups.next();
        groups.any(|group| Some(&group) != first.as_ref())
    }

    /// Its picture.
    pub fn picture(&self, sweep: &Sweep) -> Methods {
        let mut rows: Vec<Drawn> = self.rows.iter().map(|row| self.drawn(row)).collect();
        // Neighbours of one group share a band: groups in the order of their best rows.
        let groups: Vec<String> = rows.iter().map(|row| row.group.clone()).collect();
        rows.sort_by_key(|row| groups.iter().position(|group| *group == row.group));
        let baseline = self.rows.iter().filter(|row| row.method() == "minimum_nuclear").collect::<Vec<_>>();
        let reference = match baseline[..] {
            [row] => quartiles(row.errors(self.relative)).median,
            _ => None,
        };
        let metric = if self.relative { TEST_ERROR } else { "root mean square error over unobserved entries" };
        let chosen = if sweep.tune.is_some() {
            "Hyperparameters were chosen by validation error on other seeds; shown are refits on all observed entries."
        } else {
            "Every setting of the grid is shown; nothing was chosen."
        };
        Methods {
            title: sweep.name.clone(),
            subtitle: sweep.description.lines().next().unwrap_or_default().to_owned(),
            caption: chosen.to_owned(),
            seeds: String::new(),
            metric: metric.to_owned(),
            baseline: reference.map(|value| Reference { label: "minimum nuclear norm".to_owned(), value }),
            rows,
        }
    }

    fn drawn(&self, row: &Row) -> Drawn {
        let of_problem = self.telling.iter().filter(|name| is_of_problem(name));
        let shown = |name: &String| row.coordinates.get(name).map(|value| format!("{name} {value}"));
        let depth = row.coordinates.get("depth").map_or("no network".to_owned(), |depth| format!("depth {depth}"));
        let group: Vec<String> = of_problem.filter_map(shown).chain([depth]).collect();
        let penalty = row.coordinates.get("penalty").map(Value::to_string);
        let label = match &penalty {
            Some(penalty) if penalty == "none" => format!("{} · no penalty", row.method()),
            Some(penalty) => format!("{} · {penalty}", row.method()),
            None => row.method(),
        };
        let chosen = self.telling.iter().filter(|name| !is_of_problem(name)).filter_map(|name| {
            let edge = row.edges.iter().find(|(axis, _)| axis == name).map(|(_, edge)| *edge);
            Some(Chosen { name: short_name(name).to_owned(), value: row.coordinates.get(name)?.to_string(), edge })
        });
        let error = |run: &Run| if self.relative { run.test_rel } else { run.test_rmse };
        Drawn {
            group: group.join(" · "),
            label: label.replace('_', " "),
            key: penalty.unwrap_or_else(|| "baseline".to_owned()).replace('_', " "),
            chosen: chosen.collect(),
            replicates: row.runs.iter().map(|run| Replicate { value: error(run), inflated: run.inflated }).collect(),
        }
    }
}

impl Row {
    /// The optimizer, or the baseline that stands in its place.
    fn method(&self) -> String {
        let named = ["baseline", "optimizer"].into_iter().find_map(|choice| self.coordinates.get(choice));
        named.map_or(String::new(), Value::to_string)
    }

    /// Its errors; `None` where a run diverged.
    fn errors(&self, relative: bool) -> impl Iterator<Item = Option<f64>> {
        use sweep_core::outcome::Status::Diverged;
        let error = move |run: &Run| if relative { run.test_rel } else { run.test_rmse };
        self.runs.iter().map(move |run| error(run).filter(|_| run.status != Diverged))
    }
}

/// The axes in which rows that have them differ, or that were tuned; those of problems first.
fn varied(rows: &[Row], tuned: &[&str]) -> Vec<String> {
    let mut seen: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (name, value) in rows.iter().flat_map(|row| &row.coordinates) {
        seen.entry(name).or_default().insert(value.to_string());
    }
    let differs = |(name, values): &(&str, BTreeSet<String>)| {
        !METHOD.contains(name) && (values.len() > 1 || tuned.contains(name))
    };
    let mut varied: Vec<String> = seen.into_iter().filter(differs).map(|(name, _)| name.to_owned()).collect();
    // The learning rate and the weight first among the rest: they are what a reader looks for.
    let rank = |name: &str| match name {
        _ if is_of_problem(name) => 0,
        "lr" => 1,
        "lambda" => 2,
        _ => 3,
    };
    varied.sort_by_key(|name| rank(name));
    varied
}

/// The axes of `varied` that people need: those of problems, the learning rate and λ, what was tuned, and else what tells
/// apart two rows of one problem and method. A truth goes with its observed entries.
fn telling(rows: &[Row], varied: &[String], tuned: &[&str]) -> Vec<String> {
    let of_problem: Vec<&String> = varied.iter().filter(|name| is_of_problem(name)).collect();
    let method = |row: &Row| {
        let names = of_problem.iter().map(|name| name.as_str()).chain(METHOD);
        names.map(|name| row.coordinates.get(name).map(Value::to_string)).collect::<Vec<_>>()
    };
    let tells = |name: &str| {
        let mut values: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for row in rows {
            values.entry(method(row)).or_default().insert(row.coordinates.get(name).map(Value::to_string));
        }
        values.values().any(|values| values.len() > 1)
    };
    let observed = varied.iter().any(|name| name == "observed");
    let wanted = |name: &&String| match name.as_str() {
        "truth" => !observed,
        "lr" | "lambda" => true,
        name => is_of_problem(name) || tuned.contains(&name) || tells(name),
    };
    varied.iter().filter(wanted).cloned().collect()
}

/// The name of an axis where there is little room.
fn short_name(name: &str) -> &str {
    if name == "lambda" { "λ" } else { name }
}

fn is_of_problem(name: &str) -> bool {
    name == "problem" || axis::entries("problem").iter().any(|(_, _, axes)| axes.iter().any(|axis| axis.name == name))
}

/// The chosen values of a refit that end their list.
fn edges(tune: &Tune, coordinates: &Coordinates, selections: &[Selection]) -> Vec<(String, Edge)> {
    let agrees = |name: &String, value: &Value| coordinates.get(name).is_some_and(|mine| same(mine, value));
    let chose = |selection: &&Selection| {
        let mut chosen = selection.coordinates.iter().filter(|(name, _)| *name != "validation");
        // An extension may have told groups apart by an axis that a selection of before does not name.
        let group = || tune.group(selection.group).map(|group| group.coordinates).unwrap_or_default();
        chosen.all(|(name, value)| agrees(name, value)) && group().iter().all(|(name, value)| agrees(name, value))
    };
    let Some(selection) = selections.iter().find(chose) else { return Vec::new() };
    let value = |candidate: u64, name: &str| tune.candidate(selection.group, candidate)?.get(name)?.number();
    let at_edge = selection.at_edge.split_whitespace().map(|name| {
        let mine = value(selection.candidate, name);
        let less = (0..selection.candidates).any(|other| value(other, name) < mine);
        (name.to_owned(), if less { Edge::Greatest } else { Edge::Least })
    });
    at_edge.collect()
}

fn word(edge: Edge) -> &'static str {
    match edge {
        Edge::Least => "min",
        Edge::Greatest => "max",
    }
}

/// A coordinate in a table.
pub fn datum(value: &Value) -> Datum {
    match value {
        Value::Int(i) => Datum::Int(*i),
        Value::Float(x) => Datum::Float(*x),
        Value::Text(text) => Datum::Text(text.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sweep_core::outcome::Status;

    const FILE: &str = r#"
name = "t"
[problem]
n = 8
rank = 1
samples = 30
[train]
steps = 5
[[optimizer]]
name = "gd"
lr = [0.1, 1.0, 10.0]
[[baseline]]
name = "zero_fill"
[tune]
over = ["lr"]
replicates = 2
validation = 0.2
refit = 3
"#;

    fn run(cell: u64, coordinates: &Coordinates, test_rel: Option<f64>, status: Status) -> Run {
        let coordinates = coordinates.clone();
        Run { cell, coordinates, status, inflated: false, test_rel, test_rmse: None, effective_rank: Some(2.0) }
    }

    fn scene() -> (Sweep, Vec<Run>, Vec<Selection>) {
        let sweep = Sweep::parse(FILE.as_bytes(), 1000).unwrap();
        let tune = sweep.tune.clone().unwrap();
        let (mut runs, mut selections) = (Vec::new(), Vec::new());
        for g in 0..tune.len() {
            let group = tune.group(g).unwrap();
            let candidate = group.candidates - 1;
            let mut coordinates = group.coordinates.clone();
            coordinates.extend(tune.candidate(g, candidate).unwrap());
            let tuned = group.candidates > 1;
            selections.push(Selection {
                group: g,
                candidate,
                candidates: group.candidates,
                coordinates,
                validation_error: Some(0.1),
                at_edge: if tuned { "lr".to_owned() } else { String::new() },
            });
            for (i, cell) in sweep.refit_cells(g).into_iter().enumerate() {
                let trial =
                    sweep.trial(&sweep.refit_coordinates(cell, candidate).unwrap(), &Default::default()).unwrap();
                let mut whole: Coordinates = trial.values().map(|(n, v)| (n.to_owned(), v.clone())).collect();
                whole.insert("replicate".to_owned(), Value::Int(1000 + i as i64));
                let error = if tuned { [Some(0.3), None, Some(0.1)][i] } else { Some(1.0) };
                let status = if error.is_none() { Status::Diverged } else { Status::Budget };
                runs.push(run(cell, &whole, error, status));
            }
        }
        (sweep, runs, selections)
    }

    #[test]
    fn a_row_is_a_method_with_what_was_chosen_and_its_edge() {
        let (sweep, runs, selections) = scene();
        let table = Answer::new(&sweep, runs, &selections).table(10);
        let expected = [
            "depth",
            "method",
            "penalty",
            "lr",
            "test_rel",
            "test_rel_q25",
            "test_rel_q75",
            "effective_rank",
            "failed",
            "n",
            "at_edge",
        ];
        assert_eq!(table.columns, expected);
        let text = |t: &str| Datum::Text(t.to_owned());
        // Of .1, .3 and a diverged run the median is .3, the lower quartile .2, and there is no upper one.
        let gd = [
            Datum::Int(1),
            text("gd"),
            text("none"),
            Datum::Float(10.0),
            Datum::Float(0.3),
            Datum::Float(0.2),
            Datum::Null,
            Datum::Float(2.0),
            Datum::Float(1.0 / 3.0),
            Datum::Int(3),
            text("lr max"),
        ];
        assert_eq!(table.rows[0], gd);
        let zero = [
            Datum::Null,
            text("zero_fill"),
            Datum::Null,
            Datum::Null,
            Datum::Float(1.0),
            Datum::Float(1.0),
            Datum::Float(1.0),
            Datum::Float(2.0),
            Datum::Float(0.0),
            Datum::Int(3),
            text(""),
        ];
        assert_eq!(table.rows[1], zero);
    }

    #[test]
    fn people_get_quartiles_in_one_column_and_counts() {
        let (sweep, runs, selections) = scene();
        let answer = Answer::new(&sweep, runs, &selections);
        let table = answer.shown(10, true);
        let expected = ["depth", "method", "penalty", "lr", "test_rel", "[q25, q75]", "rank", "failed", "at_edge"];
        assert_eq!(table.columns, expected);
        let text = |t: &str| Datum::Text(t.to_owned());
        assert_eq!(
            table.rows[0][4..],
            [Datum::Float(0.3), text("[0.2, -]"), Datum::Float(2.0), text("1/3"), text("lr max")]
        );
        assert_eq!(answer.shown(1, true).rows.len(), 1);
        let notes = answer.notes();
        assert!(notes[0].starts_with("test_rel:") && notes[2].starts_with("at_edge:"), "{notes:?}");
        assert!(notes.iter().all(|note| note.chars().count() <= 100), "{notes:?}");
    }

    #[test]
    fn an_axis_that_goes_with_the_method_is_not_shown_to_people() {
        let of = |depth: i64, init_scale: f64, lambda: f64| {
            let coordinates: [(&str, Value); 4] = [
                ("optimizer", "gd".into()),
                ("depth", depth.into()),
                ("init_scale", init_scale.into()),
                ("lambda", lambda.into()),
            ];
            coordinates.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Coordinates>()
        };
        let telling = |cells: &[Coordinates], tuned: &[&str]| {
            let rows: Vec<Row> = cells
                .iter()
                .map(|coordinates| Row { coordinates: coordinates.clone(), runs: Vec::new(), edges: Vec::new() })
                .collect();
            super::telling(&rows, &varied(&rows, tuned), tuned)
        };
        let apart = [of(1, 1.0, 0.1), of(3, 1e-3, 0.2)];
        assert_eq!(telling(&apart, &[]), ["lambda"]);
        assert_eq!(telling(&apart, &["init_scale"]), ["lambda", "init_scale"]);
        assert_eq!(telling(&[of(1, 1.0, 0.1), of(1, 1e-3, 0.1)], &[]), ["init_scale"]);
    }

    #[test]
    fn without_a_test_error_there_is_no_column_for_one() {
        let (sweep, mut runs, selections) = scene();
        runs.iter_mut().for_each(|run| run.test_rel = None);
        let answer = Answer::new(&sweep, runs, &selections);
        assert_eq!(answer.shown(9, true).columns, ["depth", "method", "penalty", "lr", "rank", "failed", "at_edge"]);
        assert!(answer.notes()[0].starts_with("no truth"));
    }

    #[test]
    fn the_picture_shows_every_run() {
        let (sweep, runs, selections) = scene();
        let picture = Answer::new(&sweep, runs, &selections).picture(&sweep);
        assert_eq!(picture.rows.iter().map(|row| row.replicates.len()).sum::<usize>(), 6);
        assert_eq!(picture.rows[0].label, "gd · no penalty");
        assert_eq!(picture.rows[0].chosen[0].edge, Some(Edge::Greatest));
        assert_eq!((picture.rows[1].label.as_str(), picture.rows[1].group.as_str()), ("zero fill", "no network"));
    }
}
