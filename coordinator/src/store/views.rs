//! The views: coordinates as columns, and the statistics over replicates.
//!
//! Their columns follow from the declarations in `sweep_core` (`axis::CHOICES`, `axis::all`, `outcome::COLUMNS`), so a
//! new axis or recorded scalar is a new column. They are dropped and made anew when their text has changed.
//!
//! Portable SQL throughout (window functions, no `FILTER`, no percentile functions), but for one thing: how a value
//! is taken out of the JSON of the coordinates, see [`Dialect`].

use super::keys::is_seed;
use sweep_core::axis::{self, Kind};
use sweep_core::outcome::COLUMNS;

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// `BIGINT`.
    Int,
    /// `DOUBLE PRECISION`.
    Float,
    /// `TEXT`.
    Text,
}

impl ColumnType {
    /// The word in SQL.
    pub fn sql(self) -> &'static str {
        match self {
            ColumnType::Int => "BIGINT",
            ColumnType::Float => "DOUBLE PRECISION",
            ColumnType::Text => "TEXT",
        }
    }
}

/// A column of a view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Name.
    pub name: String,
    /// Type.
    pub kind: ColumnType,
    /// What it holds.
    pub doc: String,
    /// Its expression in the SELECT.
    expression: String,
}

/// A view: its name, what a row is, its columns and its text.
#[derive(Debug, Clone)]
pub struct View {
    /// Name.
    pub name: &'static str,
    /// What one row is.
    pub doc: &'static str,
    /// The columns, in order.
    pub columns: Vec<Column>,
    /// `CREATE VIEW …`.
    pub(super) text: String,
}

/// How a coordinate is taken out of its JSON. SQLite reads one path at a time and remembers the parsed text; Postgres
/// does not remember, so there one call makes a record of all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    /// The value of axis `name` in the coordinates of cell `alias`.
    fn coordinate(self, alias: &str, name: &str, kind: ColumnType) -> String {
        match self {
            Dialect::Sqlite => format!("CAST(json_extract({alias}.coordinates, '$.{name}') AS {})", kind.sql()),
            Dialect::Postgres => format!("{alias}_at.\"{name}\""),
        }
    }

    /// What follows the cells in FROM so that [`Dialect::coordinate`] works for `alias`.
    fn unpacked(self, alias: &str) -> String {
        match self {
            Dialect::Sqlite => String::new(),
            Dialect::Postgres => {
                let columns: Vec<String> =
                    coordinates().iter().map(|c| format!("\"{}\" {}", c.name, c.kind.sql())).collect();
                format!(
                    " CROSS JOIN LATERAL json_to_record(CAST({alias}.coordinates AS json)) AS {alias}_at({})",
                    columns.join(", ")
                )
            }
        }
    }

    /// Order by bytes, the same on both.
    fn in_order(self, column: &str) -> String {
        match self {
            Dialect::Sqlite => column.to_owned(),
            Dialect::Postgres => format!("{column} COLLATE \"C\""),
        }
    }
}

/// A coordinate: name, type, doc.
struct Coordinate {
    name: &'static str,
    kind: ColumnType,
    doc: String,
}

/// `replicate`, the choices, the axes: every coordinate that a cell may have.
fn coordinates() -> Vec<Coordinate> {
    let replicate = Coordinate {
        name: "replicate",
        kind: ColumnType::Int,
        doc: "number of the replicate; its seeds follow from it".to_owned(),
    };
    let choice = |name: &&'static str| {
        let known: Vec<&str> = axis::entries(name).iter().map(|(entry, _, _)| *entry).collect();
        Coordinate { name, kind: ColumnType::Text, doc: known.join(", ") }
    };
    let axis = |axis: &axis::Axis| {
        let kind = match axis.kind {
            Kind::Int(..) => ColumnType::Int,
            Kind::Float(..) | Kind::Above(..) | Kind::Below(..) => ColumnType::Float,
            Kind::Word(_) | Kind::File => ColumnType::Text,
        };
        Coordinate { name: axis.name, kind, doc: axis.doc.to_owned() }
    };
    std::iter::once(replicate).chain(axis::CHOICES.iter().map(choice)).chain(axis::all().iter().map(axis)).collect()
}

fn column(name: impl Into<String>, kind: ColumnType, expression: impl Into<String>, doc: impl Into<String>) -> Column {
    Column { name: name.into(), kind, doc: doc.into(), expression: expression.into() }
}

/// `expression AS "name"`, separated by commas.
fn selected(columns: &[Column]) -> String {
    let each: Vec<String> = columns.iter().map(|c| format!("{} AS \"{}\"", c.expression, c.name)).collect();
    each.join(",\n    ")
}

/// The coordinates that `keep` admits as columns of cell `alias`, named with `prefix`.
fn of_cell(dialect: Dialect, alias: &str, prefix: &str, keep: impl Fn(&str) -> bool) -> Vec<Column> {
    coordinates()
        .into_iter()
        .filter(|c| keep(c.name))
        .map(|c| column(format!("{prefix}{}", c.name), c.kind, dialect.coordinate(alias, c.name, c.kind), c.doc))
        .collect()
}

/// Every view, in an order in which each uses only those before it.
pub(super) fn all(dialect: Dialect) -> Vec<View> {
    let results = results(dialect);
    let values = result_values(dialect, &results);
    let medians = medians(dialect);
    let best = best(&medians);
    vec![results, values, medians, best, paired_differences(dialect), trajectory(dialect)]
}

/// The columns of the view `results`, for exports.
pub fn result_columns() -> Vec<Column> {
    results(Dialect::Sqlite).columns
}

/// The recorded scalars of one point of an outcome: `step` first, times left out.
fn point(columns: &mut Vec<Column>, prefix: &str, from: &str, of: &str) {
    columns.push(column(
        format!("{prefix}step"),
        ColumnType::Int,
        format!("o.{from}step"),
        format!("{of}: steps done when it was taken"),
    ));
    for c in COLUMNS.iter().filter(|c| c.result) {
        let doc = if prefix.is_empty() { c.doc.to_owned() } else { format!("{of}: {}", c.name) };
        columns.push(column(format!("{prefix}{}", c.name), ColumnType::Float, format!("o.{from}{}", c.name), doc));
    }
}

const CELL: [(&str, ColumnType, &str, &str); 4] = [
    ("sweep", ColumnType::Text, "s.name", "name of the sweep"),
    ("sweep_id", ColumnType::Text, "c.sweep_id", "id of the sweep"),
    ("cell", ColumnType::Int, "c.cell", "index of the cell in its sweep"),
    ("stage", ColumnType::Text, "c.stage", "grid; or tuning, refit where the sweep tunes"),
];

fn of_sweep(keep: impl Fn(&str) -> bool) -> Vec<Column> {
    CELL.iter().filter(|(name, ..)| keep(name)).map(|&(n, k, e, d)| column(n, k, e, d)).collect()
}

fn results(dialect: Dialect) -> View {
    use ColumnType::{Float, Int, Text};
    let mut columns = of_sweep(|_| true);
    columns.extend(of_cell(dialect, "c", "", |_| true));
    columns.push(column("status", Text, "o.status", "converged, budget, out_of_time or diverged"));
    columns.push(column("inflated", Int, "o.inflated", "1: ‖W‖_F > 1.5·√(n1·n2·mean Y_obs²) at the end"));
    columns.push(column("steps_taken", Int, "o.steps_taken", "steps done (iterations of a baseline)"));
    columns.push(column("measurements", Int, "o.measurements", "training measurements used"));
    point(&mut columns, "", "last_", "the last point");
    point(&mut columns, "oracle_", "oracle_", "the point with the least test error (oracle: for no selection)");
    point(&mut columns, "validated_", "validated_", "the point with the least validation error");
    columns.extend([
        column(
            "fallbacks",
            Int,
            "o.fallbacks",
            "times that a gradient of singular values fell back to a full decomposition (gesdd)",
        ),
        column(
            "unresolved_directions",
            Int,
            "o.unresolved_directions",
            "most directions in any step below the resolution of the polar factor",
        ),
        column("wall_seconds", Float, "o.wall_seconds", "wall seconds of training, recording excluded"),
        column("cpu_seconds", Float, "o.cpu_seconds", "CPU seconds of the training thread, recording excluded"),
        column("recording_seconds", Float, "o.recording_seconds", "wall seconds spent on recording"),
        column("linked", Int, "c.linked", "1: the outcome was recorded by another cell with the same trial"),
        column("trial_digest", Text, "c.trial_digest", "identity of the trial: equal digests, equal numbers"),
        column("outcome_id", Int, "o.id", "the row in outcomes"),
        column("provenance_id", Text, "o.provenance_id", "the row in provenance: machine, library, version"),
        column("recorded_at_ms", Int, "o.recorded_at_ms", "when the outcome was recorded"),
    ]);
    let text = format!(
        "CREATE VIEW results AS SELECT\n    {}\nFROM cells c JOIN sweeps s ON s.id = c.sweep_id JOIN outcomes o ON o.id = c.outcome_id{}",
        selected(&columns),
        dialect.unpacked("c")
    );
    View { name: "results", doc: "One row per done cell: coordinates, how it ended, and every number.", columns, text }
}

fn result_values(dialect: Dialect, results: &View) -> View {
    const ABOUT_THE_RUN: [&str; 9] = [
        "sweep_id",
        "wall_seconds",
        "cpu_seconds",
        "recording_seconds",
        "linked",
        "trial_digest",
        "outcome_id",
        "provenance_id",
        "recorded_at_ms",
    ];
    let columns: Vec<Column> = results
        .columns
        .iter()
        .filter(|c| !ABOUT_THE_RUN.contains(&c.name.as_str()))
        .map(|c| Column { expression: format!("\"{}\"", c.name), ..c.clone() })
        .collect();
    let text = format!(
        "CREATE VIEW result_values AS SELECT\n    {}\nFROM results ORDER BY {}, sweep_id, cell",
        selected(&columns),
        dialect.in_order("sweep")
    );
    View {
        name: "result_values",
        doc: "Coordinates and numbers of `results` alone, in the order of sweep and cell: what two runs on one kind of \
              machine must agree on, byte for byte. No times, hosts, attempts or ids.",
        columns,
        text,
    }
}

/// Where a failed run stands among others when they are put in order: after all of them.
const WORST: &str = "CAST('1e300' AS DOUBLE PRECISION)";

/// The quartile `k`/4 of `value` over rows ranked by `rank` (0-based) of `n`, interpolated linearly between the two
/// neighbours as NumPy and R (type 7) do. NULL where a failed run is one of the two.
fn quartile(k: u32, value: &str, rank: &str, group: &str) -> String {
    let below = format!("({k} * (n - 1)) / 4");
    let part = format!("(({k} * (n - 1)) % 4) * 0.25");
    let sum = format!(
        "SUM(CASE WHEN {rank} = {below} THEN {value} * (1 - {part}) WHEN {rank} = {below} + 1 THEN {value} * {part} ELSE 0 END)
            OVER (PARTITION BY {group})"
    );
    format!("CASE WHEN {sum} < 1e290 THEN {sum} END")
}

fn medians(dialect: Dialect) -> View {
    use ColumnType::{Float, Int, Text};
    let mut columns = of_sweep(|name| name != "cell");
    columns.extend(of_cell(dialect, "c", "", |name| !is_seed(name)));
    columns.push(column("n", Int, "q.n", "runs: done cells that differ in replicate and seeds alone"));
    columns.push(column("failures", Int, "q.failures", "how many of them diverged or are inflated"));
    columns.push(column("failure_share", Float, "CAST(q.failures AS DOUBLE PRECISION) / q.n", "failures / n"));
    for metric in ["test_rel", "reconstruction_mse", "validation_mse"] {
        let whose = if metric == "validation_mse" { "of the validated point" } else { "of the last point" };
        for (part, doc) in [("q25", "lower quartile"), ("median", "median"), ("q75", "upper quartile")] {
            let doc = format!("{doc} of {metric} {whose}; a diverged run counts as the worst");
            columns.push(column(format!("{metric}_{part}"), Float, format!("q.{metric}_{part}"), doc));
        }
    }
    columns.push(column("problem_key", Text, "q.problem_key", "equal where the problem's axes are equal"));
    columns.push(column("method_key", Text, "q.method_key", "equal where optimizer, penalty, depth and baseline are"));
    columns.push(column("setting_key", Text, "q.setting_key", "equal where all but replicate and seeds are equal"));

    let metrics = [
        ("test_rel", "last_test_rel"),
        ("reconstruction_mse", "last_reconstruction_mse"),
        ("validation_mse", "validated_validation_mse"),
    ];
    // Partitioned by the name too, and windows all the way instead of GROUP BY, so that both databases carry a
    // condition on the sweep's name to the innermost query.
    const GROUP: &str = "sweep, sweep_id, stage, setting_key";
    let mut values = String::new();
    let mut ranks = String::new();
    let mut quartiles = String::new();
    for (metric, from) in metrics {
        // Below 1e-300 a product with a quarter could underflow, which Postgres refuses.
        values.push_str(&format!(
            ",\n        CASE WHEN o.status = 'diverged' OR o.{from} IS NULL THEN {WORST}
            WHEN o.{from} < 1e-300 THEN 0 ELSE o.{from} END AS {metric}"
        ));
        ranks.push_str(&format!(
            ",\n        ROW_NUMBER() OVER (PARTITION BY {GROUP} ORDER BY {metric}, cell) - 1 AS {metric}_rank"
        ));
        for (k, part) in [(1, "q25"), (2, "median"), (3, "q75")] {
            let quartile = quartile(k, metric, &format!("{metric}_rank"), GROUP);
            quartiles.push_str(&format!(",\n        {quartile} AS {metric}_{part}"));
        }
    }
    let text = format!(
        "CREATE VIEW medians AS
WITH runs AS (
    SELECT s.name AS sweep, c.sweep_id, c.stage, c.setting_key, c.problem_key, c.method_key, c.cell,
        CASE WHEN o.status = 'diverged' OR o.inflated = 1 THEN 1 ELSE 0 END AS failed{values}
    FROM cells c JOIN sweeps s ON s.id = c.sweep_id JOIN outcomes o ON o.id = c.outcome_id
), ranked AS (
    SELECT runs.*, COUNT(*) OVER (PARTITION BY {GROUP}) AS n{ranks}
    FROM runs
), q AS (
    SELECT {GROUP}, problem_key, method_key, n, cell, ROW_NUMBER() OVER (PARTITION BY {GROUP} ORDER BY cell) AS place,
        CAST(SUM(failed) OVER (PARTITION BY {GROUP}) AS BIGINT) AS failures{quartiles}
    FROM ranked
)
SELECT
    {}
FROM q JOIN cells c ON c.sweep_id = q.sweep_id AND c.cell = q.cell{}
WHERE q.place = 1",
        selected(&columns).replace("s.name AS", "q.sweep AS"),
        dialect.unpacked("c")
    );
    View {
        name: "medians",
        doc: "One row per setting: quartiles over its replicates, and how often it failed. Diverged runs count as the \
              worst and are never dropped; a quartile that falls on one is NULL.",
        columns,
        text,
    }
}

fn best(medians: &View) -> View {
    use ColumnType::{Int, Text};
    let mut columns: Vec<Column> =
        medians.columns.iter().map(|c| Column { expression: format!("\"{}\"", c.name), ..c.clone() }).collect();
    columns.push(column("candidates", Int, "candidates", "settings that were compared"));
    columns.push(column(
        "at_edge",
        Text,
        "at_edge",
        "axes whose chosen value is the least or greatest of its list, as in `lr max, lambda min`; empty: none, or a \
         setting with another value is exactly as good. Extend the list before believing the winner",
    ));
    const GROUP: &str = "sweep, sweep_id, stage, problem_key, method_key";
    let edges: Vec<String> = ["lr", "lambda", "init_scale"]
        .into_iter()
        .filter(|name| axis::find(name).is_some())
        .map(|name| {
            let (min, max) = (
                format!("MIN(\"{name}\") OVER (PARTITION BY {GROUP})"),
                format!("MAX(\"{name}\") OVER (PARTITION BY {GROUP})"),
            );
            // The values among those that are as good as the best.
            let best = |end: &str| {
                let value = format!("CASE WHEN validation_mse_median = least THEN \"{name}\" END");
                format!("{end}({value}) OVER (PARTITION BY {GROUP})")
            };
            format!(
                "CASE WHEN {min} = {max} OR {} < {} THEN '' WHEN \"{name}\" = {min} THEN '{name} min, ' \
                 WHEN \"{name}\" = {max} THEN '{name} max, ' ELSE '' END",
                best("MIN"),
                best("MAX")
            )
        })
        .collect();
    let text = format!(
        "CREATE VIEW best AS SELECT\n    {}\nFROM (
    SELECT compared.*,
        COUNT(*) OVER (PARTITION BY {GROUP}) AS candidates,
        ROW_NUMBER() OVER (PARTITION BY {GROUP} ORDER BY CASE WHEN validation_mse_median IS NULL THEN 1 ELSE 0 END,
            validation_mse_median, setting_key) AS place,
        RTRIM(({}), ', ') AS at_edge
    FROM (SELECT medians.*, MIN(validation_mse_median) OVER (PARTITION BY {GROUP}) AS least FROM medians) AS compared
) AS ranked WHERE place = 1 AND validation_mse_median IS NOT NULL",
        selected(&columns),
        edges.join(" || ")
    );
    View {
        name: "best",
        doc: "The setting with the least median validation error for each sweep, stage, problem and method \
              (optimizer, penalty, depth, baseline). Test errors are shown, never used.",
        columns,
        text,
    }
}

fn paired_differences(dialect: Dialect) -> View {
    use ColumnType::{Float, Int, Text};
    const SIDE: [&str; 10] =
        ["optimizer", "penalty", "depth", "baseline", "init", "schedule", "lr", "lambda", "init_scale", "width"];
    let of_problem = |name: &str| {
        name == "problem"
            || (!is_seed(name)
                && axis::entries("problem").iter().any(|(_, _, axes)| axes.iter().any(|axis| axis.name == name)))
    };
    let mut columns = of_sweep(|name| name != "cell");
    columns.extend(of_cell(dialect, "c", "", of_problem));
    columns.extend(of_cell(dialect, "c", "a_", |name| SIDE.contains(&name)));
    columns.extend(of_cell(dialect, "d", "b_", |name| SIDE.contains(&name)));
    columns.push(column("n", Int, "q.n", "pairs: runs of a and b on the same instance (problem and seeds)"));
    columns.push(column(
        "log10_ratio_median",
        Float,
        "q.log10_ratio_median",
        "median of log10(test_rel of a) − log10(test_rel of b): −1 means that a's error is a tenth of b's; \
         NULL where it falls on a diverged run",
    ));
    columns.push(column("wins", Int, "q.wins", "pairs in which a is better (or b alone diverged)"));
    columns.push(column("losses", Int, "q.losses", "pairs in which b is better (or a alone diverged)"));
    columns.push(column("ties", Int, "q.ties", "pairs that are equal (or both diverged)"));
    columns.push(column("a_setting_key", Text, "q.a_setting_key", "setting_key of a, see medians"));
    columns.push(column("b_setting_key", Text, "q.b_setting_key", "setting_key of b"));
    columns.push(column("problem_key", Text, "q.problem_key", "equal where the problem's axes are equal"));

    // A baseline has no init_seed: it is paired with every initialisation.
    const GROUP: &str = "sweep, sweep_id, stage, problem_key, a_setting_key, b_setting_key";
    let text = format!(
        "CREATE VIEW paired_differences AS
WITH runs AS (
    SELECT s.name AS sweep, c.sweep_id, c.stage, c.cell, c.instance_key, c.problem_key, c.method_key, c.setting_key,
        c.init_seed, CASE WHEN o.status = 'diverged' THEN 1 ELSE 0 END AS diverged, o.log10_test_rel
    FROM cells c JOIN sweeps s ON s.id = c.sweep_id JOIN outcomes o ON o.id = c.outcome_id
    WHERE c.stage <> 'tuning' AND (o.status = 'diverged' OR o.log10_test_rel IS NOT NULL)
), pairs AS (
    SELECT a.sweep, a.sweep_id, a.stage, a.problem_key, a.setting_key AS a_setting_key, b.setting_key AS b_setting_key,
        a.cell AS a_cell, b.cell AS b_cell,
        CASE WHEN a.diverged = 1 AND b.diverged = 1 THEN 0 WHEN a.diverged = 1 THEN {WORST}
            WHEN b.diverged = 1 THEN -{WORST} ELSE a.log10_test_rel - b.log10_test_rel END AS difference
    FROM runs a JOIN runs b ON b.sweep_id = a.sweep_id AND b.stage = a.stage AND b.instance_key = a.instance_key
        AND b.method_key <> a.method_key
        AND (a.init_seed = b.init_seed OR a.init_seed IS NULL OR b.init_seed IS NULL)
), ranked AS (
    SELECT pairs.*, COUNT(*) OVER (PARTITION BY {GROUP}) AS n,
        ROW_NUMBER() OVER (PARTITION BY {GROUP} ORDER BY difference, a_cell, b_cell) - 1 AS place
    FROM pairs
), counted AS (
    SELECT {GROUP}, n, a_cell, b_cell, place,
        MIN(CASE WHEN place = (n - 1) / 2 THEN difference END) OVER (PARTITION BY {GROUP}) AS lower,
        MIN(CASE WHEN place = n / 2 THEN difference END) OVER (PARTITION BY {GROUP}) AS upper,
        COUNT(CASE WHEN difference < 0 THEN 1 END) OVER (PARTITION BY {GROUP}) AS wins,
        COUNT(CASE WHEN difference > 0 THEN 1 END) OVER (PARTITION BY {GROUP}) AS losses,
        COUNT(CASE WHEN difference = 0 THEN 1 END) OVER (PARTITION BY {GROUP}) AS ties
    FROM ranked
), q AS (
    SELECT counted.*, CASE WHEN ABS(lower) < 1e290 AND ABS(upper) < 1e290 THEN (lower + upper) / 2 END
        AS log10_ratio_median
    FROM counted WHERE place = 0
)
SELECT
    {}
FROM q JOIN cells c ON c.sweep_id = q.sweep_id AND c.cell = q.a_cell
    JOIN cells d ON d.sweep_id = q.sweep_id AND d.cell = q.b_cell{}{}",
        selected(&columns).replace("s.name AS", "q.sweep AS"),
        dialect.unpacked("c"),
        dialect.unpacked("d"),
    );
    View {
        name: "paired_differences",
        doc: "One row per two methods a and b (with their settings) and problem: how their test errors differ on \
              shared instances. Tuning runs are left out; each pair of methods stands here twice, once each way.",
        columns,
        text,
    }
}

fn trajectory(dialect: Dialect) -> View {
    use ColumnType::{Float, Int, Text};
    const ESSENTIAL: [&str; 7] = ["replicate", "depth", "lr", "lambda", "init_scale", "rank", "samples"];
    let mut columns = of_sweep(|_| true);
    columns.extend(of_cell(dialect, "c", "", |name| axis::CHOICES.contains(&name) || ESSENTIAL.contains(&name)));
    columns.push(column("step", Int, "p.step", "steps done; 0 is the initialisation"));
    for c in COLUMNS {
        columns.push(column(c.name, Float, format!("p.{}", c.name), c.doc));
    }
    columns.push(column("singular_values", Text, "p.singular_values", "JSON list of the leading singular values"));
    columns.push(column("layer_norms", Text, "p.layer_norms", "JSON list of ‖W_j‖_F, j = 1 … N"));
    columns.push(column("outcome_id", Int, "p.outcome_id", "the row in outcomes"));
    let text = format!(
        "CREATE VIEW trajectory AS SELECT\n    {}\nFROM cells c JOIN sweeps s ON s.id = c.sweep_id JOIN points p ON p.outcome_id = c.outcome_id{}",
        selected(&columns),
        dialect.unpacked("c")
    );
    View { name: "trajectory", doc: "One row per recorded point of a done cell.", columns, text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_axis_takes_the_name_of_another_column() {
        for view in all(Dialect::Sqlite) {
            for (i, column) in view.columns.iter().enumerate() {
                let twice = view.columns[..i].iter().any(|c| c.name == column.name);
                assert!(!twice, "{}.{} is there twice", view.name, column.name);
            }
        }
    }

    #[test]
    fn every_axis_and_choice_is_a_typed_column() {
        let columns = result_columns();
        let kind = |name: &str| columns.iter().find(|c| c.name == name).map(|c| c.kind);
        for axis in axis::all() {
            assert!(kind(axis.name).is_some(), "{}", axis.name);
        }
        assert_eq!(kind("optimizer"), Some(ColumnType::Text));
        assert_eq!(kind("lr"), Some(ColumnType::Float));
        assert_eq!(kind("depth"), Some(ColumnType::Int));
    }

    #[test]
    fn both_databases_have_the_same_columns() {
        let names = |dialect| {
            all(dialect)
                .into_iter()
                .map(|v| (v.name, v.columns.into_iter().map(|c| c.name).collect::<Vec<_>>()))
                .collect::<Vec<_>>()
        };
        assert_eq!(names(Dialect::Sqlite), names(Dialect::Postgres));
    }
}
