//! What a sweep file means: the documentation's examples, seeds, identity, selection, differences.

use std::collections::{BTreeMap, BTreeSet};
use sweep_core::grid::{Block, Factor, Grid, MAX_CLASSES, TooLarge};
use sweep_core::sweep::{Cell, MAX_CELLS, Sweep, diff};
use sweep_core::trial::Inputs;
use sweep_core::value::Value;

const BASE: &str = r#"
name = "t"
[problem]
n = 20
rank = [1, 2]
samples = 200
[train]
depth = [1, 3]
steps = 100
[[optimizer]]
name = "gd"
lr = [0.1, 1]
[[optimizer]]
name = "adam"
lr = [1e-3]
[[penalty]]
name = "none"
[[penalty]]
name = "ratio"
lambda = [0.01]
[[baseline]]
name = "zero_fill"
"#;

fn parse(file: &str) -> Sweep {
    Sweep::parse(file.as_bytes(), MAX_CELLS).unwrap_or_else(|found| panic!("{}\n{file}", found[0]))
}

fn fixed(sweep: &Sweep, index: u64) -> BTreeMap<String, Value> {
    match sweep.cell(index) {
        Some(Cell::Fixed(coordinates)) => coordinates,
        other => panic!("cell {index} is {other:?}"),
    }
}

/// The digests of all trials.
fn digests(sweep: &Sweep) -> BTreeSet<String> {
    let none = Inputs::new();
    let digest = |index| sweep.trial(&fixed(sweep, index), &none).unwrap().digest().unwrap();
    (0..sweep.len()).map(digest).collect()
}

#[test]
fn every_example_of_the_documentation_has_the_cells_that_it_says() {
    let text = include_str!("../../docs/sweep-file.md");
    let examples = text.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let cells: BTreeMap<String, u64> = examples.map(parse).map(|sweep| (sweep.name.clone(), sweep.len())).collect();
    assert_eq!(cells.len(), 10, "each example has its own name");
    assert_eq!(cells["first"], 300 + 10);
    assert_eq!(cells["exclusions"], 7);
    assert_eq!(cells["zipped"], 2);
    // adam: 2 β × 2 schedules, gd: 1; each × 2 penalties × 2 λ × 2 init scales.
    assert_eq!(cells["penalties"], (2 * 2 + 1) * 2 * 2 * 2);
    assert_eq!(cells["tuned against tuned"], 108 + 50);
    assert_eq!(cells["problems"], 4 + 2);
}

#[test]
fn every_key_of_a_sweep_file_is_documented() {
    let text = include_str!("../../docs/sweep-file.md");
    let found = Sweep::parse(b"name = \"t\"\nx = 1", MAX_CELLS).unwrap_err();
    let unknown = found.iter().find(|d| d.message.contains("key \"x\"")).unwrap();
    let keys = unknown.message.split("known: ").nth(1).unwrap().split(", ").collect::<Vec<_>>();
    assert!(keys.len() > 10);
    for key in keys {
        assert!(text.contains(&format!("`{key}`")) || text.contains(&format!("[{key}]")), "{key}");
    }
    for table in ["[stop]", "[record]", "[replicate]", "[tune]", "[[zip]]"] {
        let found = Sweep::parse(format!("name = \"t\"\n{table}\nunheard = 1\n").as_bytes(), MAX_CELLS).unwrap_err();
        let unknown = found.iter().find(|d| d.message.contains("key \"unheard\"")).unwrap();
        let keys = unknown.message.split("known: ").nth(1).unwrap().split(", ");
        for key in keys {
            let forms = [format!("`{key}`"), format!(".{key}`"), format!("{table}\n{key} =")];
            assert!(forms.iter().any(|form| text.contains(form)), "{table} {key}");
        }
    }
}

#[test]
fn the_quickstart_is_fair_and_holds_the_question() {
    let sweep = parse(include_str!("../../sweeps/quickstart.toml"));
    assert!(sweep.warnings().is_empty(), "{:?}", sweep.warnings());
    let tune = sweep.tune.as_ref().unwrap();
    let methods: BTreeSet<String> = (0..tune.len())
        .map(|g| {
            let group = tune.group(g).unwrap().coordinates;
            let of = |axis: &str| group.get(axis).map_or(String::new(), Value::to_string);
            format!("{}{} {} {}", of("baseline"), of("depth"), of("optimizer"), of("penalty"))
        })
        .collect();
    assert_eq!(methods.len() as u64, tune.len());
    for depth in [1, 3] {
        for method in ["gd none", "gd ratio", "adam none", "adam ratio"] {
            assert!(methods.contains(&format!("{depth} {method}")), "{methods:?}");
        }
    }
    assert!(methods.contains("minimum_nuclear  "), "{methods:?}");
}

#[test]
fn the_replicate_gives_every_seed_that_is_neither_fixed_nor_an_axis() {
    let sweep = parse(&format!("{BASE}[replicate]\ncount = 2\nfirst = 5\nfix = {{ mask_seed = 3 }}\n"));
    let mut baselines = 0;
    for index in 0..sweep.len() {
        let cell = fixed(&sweep, index);
        let Value::Int(replicate) = cell["replicate"] else { panic!("{cell:?}") };
        assert!((5..7).contains(&replicate));
        let trial = sweep.trial(&cell, &Inputs::new()).unwrap();
        assert_eq!(
            [trial.int("problem_seed"), trial.int("mask_seed"), trial.int("validation_seed")],
            [replicate, 3, replicate]
        );
        assert_eq!(trial.get("init_seed").is_some(), trial.is_training());
        baselines += u64::from(!trial.is_training());
    }
    assert_eq!(baselines, 2 * 2, "a baseline is one cell per problem and replicate");
    let sweep = parse(&BASE.replace("depth =", "init_seed = [8, 9]\ndepth ="));
    let seeds: BTreeSet<i64> = (0..sweep.len())
        .filter_map(|index| sweep.trial(&fixed(&sweep, index), &Inputs::new()).unwrap().get("init_seed").cloned())
        .filter_map(|seed| seed.number().map(|seed| seed as i64))
        .collect();
    assert_eq!(seeds, [8, 9].into());
}

#[test]
fn another_value_or_axis_changes_no_trial_that_was_there() {
    let before = digests(&parse(BASE));
    assert_eq!(before.len() as u64, parse(BASE).len());
    for (text, longer) in [
        ("depth = [1, 3]", "depth = [2, 1, 3]"),
        ("rank = [1, 2]", "rank = [3, 1, 2]"),
        ("lr = [1e-3]", "lr = [1e-3, 1]"),
        ("steps = 100", "steps = 100\nwidth = [0, 5]\ninit_scale = 1e-3"),
        ("name = \"none\"", "name = [\"none\", \"nuclear\"]\nlambda = 0.5"),
        ("[train]", "[replicate]\ncount = 3\n[train]"),
        ("[train]", "[record]\npoints = 40\n[train]"),
    ] {
        assert!(BASE.contains(text));
        let after = digests(&parse(&BASE.replacen(text, longer, 1)));
        assert!(before.is_subset(&after), "{longer}");
    }
}

#[test]
fn a_sweep_is_its_cells_and_not_its_comments() {
    let none = Inputs::new();
    let digest = |file: &str| parse(file).digest(&none);
    let base = digest(BASE);
    let commented =
        BASE.replace("steps = 100", "# a comment\nsteps    = 1_00 # another").replace("[0.1, 1]", "[ 0.10, 1.0, ]");
    assert_eq!(digest(&commented), base);
    assert_eq!(
        digest(&BASE.replace("name = \"t\"", "name = \"t\"\ndescription = \"d\"\norder = \"replicates-first\"")),
        base
    );
    for (text, other) in [
        ("name = \"t\"", "name = \"u\""),
        ("[0.1, 1]", "[1, 0.1]"),
        ("[0.1, 1]", "[0.1, 1, 2]"),
        ("steps = 100", "steps = 101"),
        ("[train]", "[stop]\nseconds = 5\n[train]"),
        ("[train]", "[replicate]\nfix = { init_seed = 0 }\n[train]"),
        ("[train]", "[replicate]\nfirst = 1\n[train]"),
        ("[[baseline]]", "[[exclude]]\ndepth = 1\nlr = 1\n[[baseline]]"),
        ("[[baseline]]", "[tune]\nover = [\"lr\"]\n[[baseline]]"),
    ] {
        assert_ne!(digest(&BASE.replacen(text, other, 1)), base, "{other}");
    }
}

#[test]
fn files_count_by_content() {
    let file =
        "name = \"t\"\n[problem]\nname = \"csv\"\ninstance = [\"a\", \"b\"]\n[[baseline]]\nname = \"zero_fill\"\n";
    let sweep = parse(file);
    assert_eq!(sweep.len(), 2);
    let files: Vec<String> = sweep.files().into_iter().collect();
    assert_eq!(files, ["a.gt.csv", "a.obs.csv", "b.gt.csv", "b.obs.csv"]);
    let inputs =
        |content: &str| files.iter().map(|file| (file.clone(), format!("{content}{file}"))).collect::<Inputs>();
    assert_eq!(sweep.digest(&inputs("x")), sweep.digest(&inputs("x")));
    assert_ne!(sweep.digest(&inputs("x")), sweep.digest(&inputs("y")));
    let cell = fixed(&sweep, 0);
    assert_eq!((cell["observed"].text(), cell["truth"].text()), (Some("a.obs.csv"), Some("a.gt.csv")));
    assert!(sweep.trial(&cell, &inputs("x")).unwrap().digest().is_ok());
}

fn tuned() -> Sweep {
    parse(
        r#"
name = "t"
[problem]
n = 20
rank = 2
samples = 200
[train]
steps = 100
[[optimizer]]
name = "gd"
lr = [0.1, 1, 10]
[[optimizer]]
name = "adam"
lr = [1e-3]
[[penalty]]
name = "ratio"
lambda = [0, 0.1]
[[when]]
optimizer = "adam"
set = { lambda = 0.5 }
[tune]
over = ["lambda", "lr"]
replicates = 3
"#,
    )
}

#[test]
fn a_list_ends_where_the_candidates_beside_the_winner_end() {
    let sweep = parse(
        r#"
name = "ragged"
[problem]
n = 20
rank = 2
samples = 200
[train]
steps = 100
[[optimizer]]
name = "gd"
lr = [1, 10]
[[penalty]]
name = "ratio"
lambda = [0.1, 1]
[[when]]
lr = 10
set = { lambda = [1, 10, 100] }
[tune]
over = ["lambda", "lr"]
replicates = 1
"#,
    );
    let tune = sweep.tune.as_ref().unwrap();
    let candidates: Vec<_> = (0..tune.group(0).unwrap().candidates).map(|c| tune.candidate(0, c).unwrap()).collect();
    assert_eq!(candidates.len(), 5);
    let edges = |lambda: f64, lr: f64| {
        let wins = |c: &BTreeMap<String, Value>| c["lambda"] == Value::Float(lambda) && c["lr"] == Value::Float(lr);
        let errors: Vec<_> = candidates.iter().map(|c| vec![Some(if wins(c) { 0.1 } else { 1.0 })]).collect();
        tune.select(0, &errors).unwrap().at_edge
    };
    assert_eq!(edges(1.0, 10.0), ["lambda", "lr"], "1 is inside of all λ, and the least beside lr = 10");
    assert_eq!(edges(1.0, 1.0), ["lambda", "lr"], "and the largest beside lr = 1");
    assert_eq!(
        edges(10.0, 10.0),
        ["lr"],
        "10 is inside; beside λ = 10 there is one rate, and of all it is the largest"
    );
}

#[test]
fn selection_is_by_the_median_and_failures_are_infinitely_bad() {
    let sweep = tuned();
    let tune = sweep.tune.as_ref().unwrap();
    let gd = (0..tune.len()).find(|&g| tune.group(g).unwrap().coordinates["optimizer"] == "gd".into()).unwrap();
    let candidates: Vec<_> = (0..tune.group(gd).unwrap().candidates).map(|c| tune.candidate(gd, c).unwrap()).collect();
    assert_eq!(candidates.len(), 6);
    let find = |lambda: f64, lr: f64| {
        let found = candidates.iter().position(|c| c["lambda"] == Value::Float(lambda) && c["lr"] == Value::Float(lr));
        found.unwrap()
    };
    let with = |values: &[(usize, [Option<f64>; 3])]| {
        let mut errors = vec![vec![Some(9.0); 3]; 6];
        for (candidate, runs) in values {
            errors[*candidate] = runs.to_vec();
        }
        tune.select(gd, &errors).unwrap()
    };
    // The median of (0.1, 5, 0.2) is 0.2, below that of (0.3, 0.3, 0.3).
    let chosen = with(&[(find(0.1, 1.0), [Some(0.1), Some(5.0), Some(0.2)]), (find(0.0, 1.0), [Some(0.3); 3])]);
    assert_eq!((chosen.candidate, chosen.median), (find(0.1, 1.0) as u64, Some(0.2)));
    assert_eq!(chosen.at_edge, ["lambda"], "0.1 is the largest λ, 1 is inside the learning rates");
    // Two failures of three: the median is +∞, whatever the third.
    let chosen = with(&[(find(0.1, 1.0), [None, Some(0.0), None]), (find(0.0, 10.0), [Some(1.0), None, Some(2.0)])]);
    assert_eq!((chosen.candidate, chosen.median), (find(0.0, 10.0) as u64, Some(2.0)));
    assert_eq!(chosen.at_edge, ["lr"], "λ = 0 is the end of λ itself");
    // λ decides nothing between two that tie exactly, though the first of them has the largest; lr = 10 wins in both.
    let chosen = with(&[(find(0.1, 10.0), [Some(1.0); 3]), (find(0.0, 10.0), [Some(1.0); 3])]);
    assert_eq!(chosen.at_edge, ["lr"], "{chosen:?}");
    // Nothing depends on either: a tie of all is no edge. A failure of all is: the list holds no answer.
    assert_eq!(with(&[]).at_edge, [""; 0], "all tie");
    assert_eq!(tune.select(gd, &[]).unwrap().at_edge, ["lr"], "the first");
    // NaN is a failure too; equals go to the first.
    let chosen = with(&[(1, [Some(f64::NAN), Some(f64::NAN), Some(0.0)]), (2, [Some(1.0); 3]), (4, [Some(1.0); 3])]);
    assert_eq!((chosen.candidate, chosen.median), (2, Some(1.0)));
    // What is not there has failed.
    let chosen = tune.select(gd, &[vec![Some(1.0)], vec![Some(3.0); 3]]).unwrap();
    assert_eq!((chosen.candidate, chosen.median), (1, Some(3.0)));
    assert_eq!(tune.select(gd, &[]).unwrap().median, None);
    assert_eq!(tune.select(tune.len(), &[]), None);
}

#[test]
fn a_group_with_one_candidate_is_only_refitted() {
    let sweep = tuned();
    let tune = sweep.tune.as_ref().unwrap();
    assert_eq!((tune.len(), sweep.len()), (2, 6 * 3 + 2 * 10));
    assert!(sweep.tuning_ranges().into_iter().eq([(0, 6 * 3)].map(|(start, end)| start..end)));
    let adam = (0..2).find(|&g| tune.group(g).unwrap().candidates == 1).unwrap();
    assert_eq!(sweep.tuning_cells(adam, 0), [0; 0]);
    let cell = sweep.refit_cells(adam)[0];
    let whole = sweep.refit_coordinates(cell, 0).unwrap();
    assert_eq!((&whole["lr"], &whole["lambda"]), (&Value::Float(1e-3), &Value::Float(0.5)));
    assert_eq!((&whole["replicate"], &whole["validation"]), (&Value::Int(1000), &Value::Float(0.0)));
    assert_eq!(sweep.refit_coordinates(cell, 1), None);
    let warnings = sweep.warnings();
    assert_eq!(warnings.len(), 1);
    assert!(warnings[0].contains("adam with penalty ratio: 1; gd with penalty ratio: 6"), "{warnings:?}");
}

#[test]
fn the_summary_names_the_choices_that_values_depend_on() {
    let lines: Vec<String> = (parse(BASE).axes().iter())
        .map(|row| {
            let of: Vec<String> = row.of.iter().map(|(choice, name)| format!("{choice} {name}")).collect();
            let values: Vec<String> = row.values.iter().map(Value::to_string).collect();
            format!("{} [{}]: {}", row.axis, of.join(", "), values.join(", "))
        })
        .collect();
    for line in ["optimizer []: gd, adam", "depth []: 1, 3", "lr [optimizer gd]: 0.1, 1", "lr [optimizer adam]: 0.001"]
    {
        assert!(lines.iter().any(|known| known == line), "{line}: {lines:?}");
    }
}

#[test]
fn a_difference_names_the_axis_where_it_lies_and_both_sides() {
    let text = |file: &str| diff(&parse(BASE), &parse(file)).iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(text(BASE), [""; 0]);
    assert_eq!(text(&BASE.replace("steps = 100", "steps = 100 # many")), [""; 0]);
    let changed = BASE.replace("[0.1, 1]", "[0.1, 3]").replace("depth = [1, 3]", "depth = [1, 2, 3]");
    assert_eq!(text(&changed), ["cells: - 26 + 38", "depth: + 2", "lr where optimizer = gd: - 1 + 3"]);
    let ruled = BASE.replace("[[baseline]]", "[[exclude]]\ndepth = 3\npenalty = \"ratio\"\n[[baseline]]");
    assert_eq!(
        text(&ruled),
        ["cells: - 26 + 20", "depth where penalty = ratio: - 3", "exclude: + depth = 3 and penalty = ratio"]
    );
    assert_eq!(text(&BASE.replace("[1, 3]", "[3, 1]")), ["order of depth: - 1, 3 + 3, 1"]);
}

fn counted(axis: &'static str, count: i64) -> Factor {
    Factor::list(vec![axis], (0..count).map(|k| vec![Value::Int(k)]).collect())
}

#[test]
fn many_classes_merge_with_their_neighbours() {
    let block = |depths, widths, optimizer: &str| {
        let name = Factor::constant("optimizer", optimizer.into());
        Block::new([
            name,
            counted("depth", depths),
            counted("width", widths),
            Factor::replicates(0, 3),
            counted("lr", 2),
        ])
    };
    // 150 · 100 + 7 · 11 classes of 3 · 2 cells: merged by two.
    let grid = Grid::new(vec![block(150, 100, "a"), block(7, 11, "b")], MAX_CELLS).unwrap();
    let classes = grid.classes();
    assert_eq!(classes.len(), (150 * 100 + 7 * 11usize).div_ceil(2));
    assert!(classes.len() as u64 <= MAX_CLASSES);
    let mut next = 0;
    for class in &classes {
        assert_eq!((class.start, class.replicates), (next, 1));
        assert!(class.len == 12 || class.start + class.len == grid.len());
        next += class.len;
    }
    assert_eq!(next, grid.len());
    let small = Grid::new(vec![block(3, 2, "a"), block(1, 1, "b")], MAX_CELLS).unwrap();
    assert!(small.classes().iter().all(|class| (class.len, class.replicates) == (6, 3)));
    assert_eq!(small.classes().len(), 7);
}

#[test]
fn appended_blocks_move_no_index() {
    let block = |optimizer: &str, count| {
        Block::new([Factor::constant("optimizer", optimizer.into()), Factor::replicates(0, 2), counted("lr", count)])
    };
    let mut grid = Grid::new(vec![block("a", 5)], 100).unwrap();
    let before: Vec<_> = (0..10).map(|index| grid.coordinates(index).unwrap()).collect();
    grid.append(vec![block("b", 7)], 100).unwrap();
    assert_eq!(grid.len(), 24);
    assert!((0..10).all(|index| grid.coordinates(index).unwrap() == before[index as usize]));
    assert_eq!(grid.index_of(&grid.coordinates(23).unwrap()), Some(23));
    let kept = grid.clone();
    let refused = grid.append(vec![block("c", 39)], 100).unwrap_err();
    assert_eq!(
        refused,
        TooLarge::Cells { cells: Some(102), most: 100, axes: vec![("lr".into(), 39), ("replicate".into(), 2)] }
    );
    assert_eq!(grid, kept);
}

#[test]
fn lengths_beyond_128_bits_are_refused_too() {
    let axes = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n"];
    let grid = Grid::new(vec![Block::new(axes.map(|axis| counted(axis, 1000)))], MAX_CELLS);
    assert!(
        grid.unwrap_err()
            .to_string()
            .starts_with("more than 10^38 cells are more than the 100000000 allowed: a (1000) × b")
    );
}
