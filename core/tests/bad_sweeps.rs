//! Bad sweep files: each mistake with its line, its column, the value and what is allowed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;
use sweep_core::problem::Files;
use sweep_core::sweep::{Diagnostic, MAX_BYTES, MAX_CELLS, Sweep};
use sweep_core::train;
use sweep_core::trial::{Inputs, Trial};
use sweep_core::value::Value;

/// A good file; a case changes one text in it.
const GOOD: &str = r#"name = "t"
[problem]
n = 20
rank = 2
samples = 200
[train]
depth = [1, 3]
steps = 100
[[optimizer]]
name = "gd"
lr = [0.1, 1]
[[penalty]]
name = "ratio"
lambda = [0.01]
"#;

/// Text, what stands there instead, line, column, and what the message says.
type Case = (&'static str, &'static str, usize, usize, &'static [&'static str]);

const END: &str = "lambda = [0.01]\n";

const CASES: &[Case] = &[
    // Names.
    ("name = \"ratio\"", "name = \"ratoi\"", 13, 8, &["penalty \"ratoi\"", "nearest: \"ratio\"", "none", "nuclear"]),
    ("\"gd\"", "\"adma\"", 10, 8, &["optimizer \"adma\"", "nearest: \"adam\"", "gd"]),
    ("[problem]\n", "[problem]\nname = \"synthetik\"\n", 3, 8, &["problem \"synthetik\"", "nearest: \"synthetic\""]),
    ("[train]", "[init]\nname = \"gausian\"\n[train]", 7, 8, &["init \"gausian\"", "nearest: \"gaussian\""]),
    ("[train]", "[schedule]\nname = \"cosin\"\n[train]", 7, 8, &["schedule \"cosin\"", "\"cosine\"", "constant"]),
    (END, "lambda = 1\n[[baseline]]\nname = \"zero\"\n", 16, 8, &["baseline \"zero\"", "zero_fill"]),
    ("name = \"gd\"\n", "", 9, 1, &["\"name\" is missing in [[optimizer]]", "gd", "adam"]),
    ("\"gd\"", "3", 10, 8, &["\"optimizer\": 3 is not a name"]),
    ("\"gd\"", "[\"gd\", \"gd\"]", 10, 15, &["optimizer: gd is given twice"]),
    // Keys.
    ("lambda", "lamda", 14, 1, &["key \"lamda\"", "nearest: \"lambda\"", "known: name, lambda"]),
    ("depth", "detph", 7, 1, &["key \"detph\"", "nearest: \"depth\"", "width", "steps"]),
    ("samples =", "sample =", 5, 1, &["key \"sample\"", "nearest: \"samples\"", "n1", "n2", "rank"]),
    ("[[penalty]]", "[[penalties]]", 12, 3, &["key \"penalties\"", "penalty", "optimizer", "tune"]),
    ("[train]", "[stop]\nsecond = 3\n[train]", 7, 1, &["key \"second\"", "\"seconds\"", "tolerance, converge"]),
    ("[train]", "[record]\npoint = 3\n[train]", 7, 1, &["key \"point\"", "\"points\"", "top_k, matrices"]),
    ("[train]", "[replicate]\ncounts = 3\n[train]", 7, 1, &["key \"counts\"", "\"count\"", "first, fix"]),
    (
        "[train]",
        "[replicate]\nfix = { seed = 1 }\n[train]",
        7,
        9,
        &["seed \"seed\"", "problem_seed, mask_seed, init_seed"],
    ),
    ("lambda = [0.01]", "lambda = 1\nbeta1 = 0.5", 15, 1, &["\"beta1\" applies to no cell"]),
    ("\"ratio\"", "\"none\"", 14, 1, &["\"lambda\" does not apply to this penalty"]),
    ("steps = 100", "steps = 100\nrank = 3", 9, 1, &["\"rank\" is one of the problem", "[problem]"]),
    ("name = \"t\"\n", "", 1, 1, &["\"name\" is missing"]),
    // Values.
    ("[1, 3]", "[1, 0]", 7, 13, &["\"depth\": 0 is outside 1..=8"]),
    ("[1, 3]", "[1, 9]", 7, 13, &["\"depth\": 9 is outside 1..=8"]),
    ("[1, 3]", "[1, -3]", 7, 13, &["\"depth\": -3 is outside 1..=8"]),
    ("[1, 3]", "[1, 2.5]", 7, 13, &["\"depth\": 2.5 is not an integer"]),
    ("[1, 3]", "[1, \"3\"]", 7, 13, &["\"depth\": \"3\" is not an integer"]),
    ("[1, 3]", "[1, true]", 7, 13, &["\"depth\": true is not an integer"]),
    ("[1, 3]", "[1, [3]]", 7, 13, &["\"depth\": a list is not an integer"]),
    ("[1, 3]", "{ a = 1 }", 7, 9, &["\"depth\": a table is not an integer"]),
    ("[1, 3]", "1979-05-27", 7, 9, &["\"depth\": 1979-05-27 is not an integer"]),
    ("[1, 3]", "[]", 7, 9, &["\"depth\": the list is empty"]),
    ("[1, 3]", "[1, 3, 1]", 7, 16, &["\"depth\": 1 is given twice"]),
    ("[0.1, 1]", "[0.1, 1, 1.0]", 11, 15, &["\"lr\": 1 is given twice"]),
    ("[0.1, 1]", "[nan]", 11, 7, &["\"lr\": NaN is outside (0, 1e12]"]),
    ("[0.1, 1]", "[0.1, inf]", 11, 12, &["\"lr\": inf is outside"]),
    ("[0.1, 1]", "[0.1, 1e999]", 11, 12, &["\"lr\": inf is outside (0, 1e12]"]),
    ("[0.1, 1]", "[0]", 11, 7, &["\"lr\": 0 is outside (0, 1e12]"]),
    ("[0.1, 1]", "-0.1", 11, 6, &["\"lr\": -0.1 is outside"]),
    ("[0.1, 1]", "[\"fast\"]", 11, 7, &["\"lr\": \"fast\" is not a number"]),
    ("= 200", "= -1", 5, 11, &["\"samples\": -1 is outside"]),
    ("= 100\n", "= 99999999999999999999\n", 8, 9, &["\"steps\": 99999999999999999999 is outside 1..=1000000000"]),
    ("n = 20", "n = 0", 3, 5, &["\"n\": 0 is outside 1..=100000"]),
    ("steps =", "loss = \"men\"\nsteps =", 8, 8, &["\"men\"", "nearest: \"mean\"", "sum, half_sum"]),
    ("\"t\"", "\"\"", 1, 8, &["\"name\": the text is empty"]),
    ("\"t\"", "3", 1, 8, &["\"name\": 3 is not text"]),
    ("\"t\"", "\"a\\u0000\"", 1, 8, &["control character"]),
    ("\"t\"", "\"t\"\norder = \"shortest\"", 2, 9, &["order \"shortest\"", "longest-first, replicates-first"]),
    ("\"t\"", "\"t\"\ntags = [\"a\", \"a\"]", 2, 14, &["\"a\" is given twice"]),
    ("[train]", "[stop]\nseconds = 0\n[train]", 7, 11, &["key \"seconds\": 0 is outside (0, 1e9]"]),
    ("[train]", "[replicate]\ncount = 0\n[train]", 7, 9, &["key \"count\": 0 is outside 1..=1000000000"]),
    ("[train]", "[replicate]\nfirst = -1\n[train]", 7, 9, &["key \"first\": -1 is outside 0..="]),
    // What is missing, and what stands twice.
    ("rank = 2\n", "", 2, 2, &["\"rank\" needs a value for problem \"synthetic\"", "1..=100000"]),
    ("steps = 100\n", "", 6, 2, &["\"steps\" needs a value for a training run"]),
    ("lr = [0.1, 1]\n", "", 10, 8, &["\"lr\" needs a value for optimizer \"gd\""]),
    (END, "", 13, 8, &["\"lambda\" needs a value for penalty \"ratio\""]),
    (
        "[[optimizer]]\nname = \"gd\"\nlr = [0.1, 1]\n",
        "",
        1,
        1,
        &["needs an [[optimizer]] or a [[baseline]]", "optimizers: gd, ", "zero_fill"],
    ),
    (
        "lr =",
        "schedule = \"constant\"\n[schedule]\nname = [\"constant\", \"cosine\"]\nlr =",
        13,
        21,
        &["schedule \"cosine\" is part of no cell"],
    ),
    ("lr = [0.1, 1]", "lr = 1\nlr = 2", 12, 1, &["not TOML", "duplicate key"]),
    ("n = 20", "n = 20\nn1 = 10", 4, 1, &["\"n1\" is given twice"]),
    ("[train]", "[stop]\ntolerance = 0\n[train]\ntolerance = 1", 9, 1, &["\"tolerance\" is given twice"]),
    (
        "lr = [0.1, 1]",
        "lr = 1\ninit_scale = 1\n[init]\ninit_scale = 1",
        14,
        1,
        &["\"init_scale\"", "another list replaces it"],
    ),
    ("lambda =", "steps = 5\nlambda =", 8, 1, &["\"steps\"", "another list replaces it"]),
    ("lr = [0.1, 1]\n", "lr = 1\nwidth = 2\n[schedule]\nwidth = 3\n", 14, 1, &["\"width\" is given twice", "[[when]]"]),
    (
        END,
        "lambda = 1\n[[penalty]]\nname = \"ratio\"\nlambda = [2, 1]\n",
        16,
        8,
        &["two entries of one name share a cell"],
    ),
    (
        "[problem]\nn = 20\nrank = 2\nsamples = 200\n",
        "problem = 3\n",
        2,
        11,
        &["key \"problem\": 3 is not a table", "[[problem]]"],
    ),
    ("[train]\n", "[[train]]\n", 6, 1, &["key \"train\": a list is not a table; write [train]"]),
    // Values that conflict.
    ("rank = 2", "rank = [2, 21]", 4, 12, &["\"rank\": 21 is outside 1..=20", "min(n1, n2)"]),
    (
        "n = 20\nrank = 2\nsamples = 200",
        "n1 = [9, 4]\nn2 = 20\nrank = [1, 5]\nsamples = 80",
        5,
        12,
        &["\"rank\": 5 is outside 1..=4"],
    ),
    ("= 200", "= [400, 401]", 5, 17, &["\"samples\": 401 is outside 1..=400", "n1·n2"]),
    (
        "[train]\ndepth = [1, 3]\nsteps = 100\n[[optimizer]]\nname = \"gd\"\nlr = [0.1, 1]\n[[penalty]]\nname = \"ratio\"",
        "[train]\ndepth = [1, 3]\nsteps = 9\n[init]\nname = [\"gaussian\", \"zero\"]\n[[optimizer]]\nname = \"gd\"\nlr = 1\n[[penalty]]\nname = \"l1\"",
        7,
        13,
        &["\"depth\": 3 is outside 1..=1", "init \"zero\""],
    ),
    (
        "[train]\ndepth = [1, 3]",
        "[init]\nname = \"zero\"\n[train]\ndepth = 1",
        7,
        8,
        &["init \"zero\"", "penalty \"ratio\" is scale-free"],
    ),
    (
        END,
        "lambda = 1\n[[penalty]]\nname = \"truncated_nuclear\"\nlambda = 1\ntruncation = [2, 20]\n",
        18,
        18,
        &["\"truncation\": 20 is outside 0..=19", "min(n1, n2)"],
    ),
    (
        "[train]\ndepth = [1, 3]",
        "[init]\nname = \"zero\"\n[[penalty]]\nname = \"l1\"\nlambda = 1\n[train]\ndepth = 1",
        7,
        8,
        &["init \"zero\"", "penalty \"ratio\" is scale-free"],
    ),
    (
        END,
        "lambda = 1\n[[baseline]]\nname = \"als\"\nbaseline_rank = [2, 21]\n",
        17,
        21,
        &["\"baseline_rank\": 21", "20"],
    ),
    (END, "lambda = 1\n[[problem]]\n", 15, 3, &["not TOML"]),
    // Rules.
    (END, "lambda = 1\n[[exclude]]\ndepht = 3\n", 16, 1, &["axis \"depht\"", "nearest: \"depth\""]),
    (END, "lambda = 1\n[[exclude]]\ndepth = 4\n", 16, 9, &["no cell has depth = 4", "1, 3"]),
    (END, "lambda = 1\n[[exclude]]\noptimizer = \"adam\"\n", 16, 13, &["no cell has optimizer = adam", "gd"]),
    (END, "lambda = 1\n[[exclude]]\ndepth = [1, 3]\n", 15, 1, &["no cell is left"]),
    (END, "lambda = 1\n[[exclude]]\n", 15, 1, &["[[exclude]] has no condition"]),
    (END, "lambda = 1\n[[exclude]]\nreplicate = 0\n", 16, 1, &["\"replicate\" cannot be in a condition"]),
    (END, "lambda = 1\n[[when]]\ndepth = 3\n", 15, 1, &["[[when]] sets nothing"]),
    (
        END,
        "lambda = 1\n[[when]]\ndepth = 3\nset = { depth = 2 }\n",
        17,
        9,
        &["\"depth\" is set where it is the condition"],
    ),
    (END, "lambda = 1\n[[when]]\ndepth = 3\nset = { penalty = \"none\" }\n", 17, 9, &["\"penalty\" cannot be set"]),
    (END, "lambda = 1\n[[when]]\ndepth = 3\nset = { lr = [2, 2] }\n", 17, 18, &["\"lr\": 2 is given twice"]),
    (
        END,
        "lambda = 1\n[[when]]\ndepth = 3\nset = { beta1 = 0.5 }\n",
        17,
        9,
        &["\"beta1\" applies to none of the cells"],
    ),
    (
        END,
        "lambda = 1\n[[when]]\nlr = 1\nset = { width = 5 }\n[[when]]\ndepth = 3\nset = { lr = 7 }\n",
        20,
        9,
        &["\"lr\" is a condition of an earlier [[when]]"],
    ),
    (
        END,
        "lambda = 1\n[[zip]]\naxes = [\"depth\", \"lr\", \"width\"]\n[[zip]]\naxes = [\"lr\", \"steps\"]\n",
        18,
        9,
        &["\"lr\" is zipped already"],
    ),
    (
        END,
        "lambda = [1, 2, 3]\n[[zip]]\naxes = [\"lr\", \"lambda\"]\n",
        16,
        15,
        &["one length", "lr (2)", "lambda (3)"],
    ),
    (END, "lambda = 1\n[[zip]]\naxes = [\"depth\"]\n", 15, 1, &["two axes or more"]),
    // Tuning.
    (END, "lambda = 1\n[tune]\nover = [\"depth\"]\n", 16, 9, &["axis \"depth\" is not known", "lr", "lambda"]),
    (END, "lambda = 1\n[tune]\n", 15, 2, &["\"over\" is missing", "lr"]),
    (
        END,
        "lambda = 1\n[tune]\nover = [\"lr\"]\nvalidation = 1.0\n",
        17,
        14,
        &["\"validation\": 1 is outside [0, 0.9)"],
    ),
    (END, "lambda = 1\n[tune]\nover = [\"lr\"]\nreplicates = 1001\n", 17, 14, &["1001 is outside 1..=1000"]),
    (
        END,
        "lambda = 1\n[tune]\nover = [\"lr\"]\n[replicate]\ncount = 3\n",
        17,
        2,
        &["\"count\" has no meaning beside [tune]"],
    ),
    (END, "lambda = 1\n[tune]\nover = [\"beta1\"]\n", 16, 9, &["\"beta1\" is tuned", "no cell"]),
    (
        END,
        "lambda = 1\n[tune]\nover = [\"lr\"]\n[[zip]]\naxes = [\"lr\", \"depth\"]\n[[when]]\npenalty = \"ratio\"\nset = { depth = 5 }\n",
        21,
        9,
        &["\"depth\" cannot be set: it is zipped with \"lr\", which is tuned"],
    ),
    (
        END,
        "lambda = 1\n[tune]\nover = [\"lr\", \"lambda\"]\n[[penalty]]\nname = \"ratio\"\nlambda = 2\ndepth = [1, 2]\n",
        18,
        8,
        &["two entries of one name share some of the groups"],
    ),
    (
        END,
        "lambda = 1\n[tune]\nover = [\"lr\"]\n[[when]]\nlr = 1\nset = { width = 5 }\n",
        19,
        9,
        &["\"width\" cannot depend on \"lr\", which is tuned"],
    ),
];

fn check(file: &str) -> Vec<Diagnostic> {
    Sweep::parse(file.as_bytes(), MAX_CELLS).err().unwrap_or_default()
}

#[test]
fn every_mistake_is_reported_at_its_place_with_what_is_allowed() {
    assert_eq!(check(GOOD), []);
    let mut wrong = Vec::new();
    for (text, other, line, column, says) in CASES {
        assert!(GOOD.contains(text), "{text}");
        let file = GOOD.replacen(text, other, 1);
        let found = check(&file);
        let hit = |d: &Diagnostic| {
            let all = d.to_string();
            (d.line, d.column) == (*line, *column) && says.iter().all(|part| all.contains(part))
        };
        if !matches!(&found[..], [only] if hit(only)) {
            let found = found.iter().map(Diagnostic::to_string).collect::<Vec<_>>().join("\n    ");
            wrong.push(format!("{other:?}: expected {line}:{column} {says:?}, found\n    {found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

struct OneFile;

impl Files for OneFile {
    fn content(&self, _: &str) -> Option<Arc<[u8]>> {
        Some(b"row,col,value\n0,0,1\n1,2,3\n"[..].into())
    }
}

#[test]
fn a_truncation_that_leaves_nothing_to_penalise_is_refused_once_the_file_tells_the_size() {
    let refused = |truncation: i64| {
        let given: [(&str, Value); 8] = [
            ("problem", "csv".into()),
            ("observed", "f".into()),
            ("optimizer", "gd".into()),
            ("lr", 1.0.into()),
            ("steps", 1.into()),
            ("penalty", "truncated_nuclear".into()),
            ("lambda", 1.0.into()),
            ("truncation", truncation.into()),
        ];
        let given: BTreeMap<String, Value> = given.into_iter().map(|(k, v)| (k.to_owned(), v)).collect();
        let trial = Trial::new(&given, &Inputs::from([("f".to_owned(), "f".to_owned())])).unwrap();
        train::inspect(&trial, &OneFile).err().map(|error| error.to_string())
    };
    assert_eq!(refused(1), None);
    assert!(refused(2).unwrap().contains("\"truncation\": 2 is outside 0..=1"), "{:?}", refused(2));
}

#[test]
fn all_independent_mistakes_are_reported_at_once() {
    let file =
        GOOD.replace("lambda", "lamda").replace("depth = [1, 3]", "depth = [0, 9]").replace("rank = 2", "rank = 30");
    let found: Vec<_> = check(&file).iter().map(|d| (d.line, d.column)).collect();
    assert_eq!(found, [(4, 8), (7, 10), (7, 13), (14, 1)]);
}

#[test]
fn a_file_that_is_no_text_or_too_long_is_refused() {
    let found = Sweep::parse(b"name = \"t\"\nx = \"\xff\"", MAX_CELLS).unwrap_err();
    assert_eq!((found.len(), found[0].line, found[0].column), (1, 2, 6));
    assert!(found[0].message.contains("byte 0xff is not UTF-8"), "{}", found[0]);
    let long = format!("{GOOD}# {}", "x".repeat(2_000_000));
    let found = check(&long);
    assert_eq!((found.len(), found[0].line, found[0].column), (1, 1, 1));
    assert!(found[0].message.contains(&format!("{} bytes, more than the {MAX_BYTES} allowed", long.len())));
    assert_eq!(check(&format!("{GOOD}#{}", "x".repeat(MAX_BYTES - GOOD.len() - 1))), []);
}

#[test]
fn many_mistakes_are_cut_short() {
    let file = GOOD.replace("[0.1, 1]", &format!("[{}]", "-1, ".repeat(5_000)));
    let found = check(&file);
    assert_eq!(found.len(), 100);
    assert_eq!(found[99].help.as_deref(), Some("4900 more mistakes are not shown"));
}

#[test]
fn a_million_million_cells_are_refused_at_once_with_the_axes_and_their_lengths() {
    let floats = |n: i64| (1..=n).map(|k| format!("{k}e-3")).collect::<Vec<_>>().join(", ");
    let ints = |n: i64| (1..=n).map(|k| k.to_string()).collect::<Vec<_>>().join(", ");
    // 100 · 100 · 2000 · 500 · 100 = 10^12.
    let file = GOOD
        .replace("rank = 2", &format!("rank = [{}]", ints(100)))
        .replace("n = 20", "n = 200")
        .replace("= 200\n[", &format!("= [{}]\n[", ints(100)))
        .replace("[0.1, 1]", &format!("[{}]", floats(2_000)))
        .replace("[0.01]", &format!("[{}]", floats(500)))
        .replace("[1, 3]", "1")
        .replace("[train]", "[replicate]\ncount = 100\n[train]");
    // The best of five, as other tests run beside this one.
    let timed = |_| {
        let start = Instant::now();
        check(&file);
        start.elapsed().as_secs_f64() * 1e3
    };
    let milliseconds = (0..5).map(timed).fold(f64::INFINITY, f64::min);
    let found = check(&file);
    assert_eq!(found.len(), 1);
    let message = &found[0].message;
    assert!(message.contains("1000000000000 cells are more than the 100000000 allowed"), "{message}");
    for axis in ["rank (100)", "samples (100)", "lr (2000)", "lambda (500)", "replicate (100)"] {
        assert!(message.contains(axis), "{message}");
    }
    assert_eq!((found[0].line, found[0].column), (13, 1), "the longest list");
    assert!(milliseconds < 10.0, "{milliseconds} ms");
}

#[test]
fn a_conflict_among_too_many_combinations_to_try_is_found_at_the_extremes() {
    let list = |from: i64, to: i64| (from..=to).map(|k| k.to_string()).collect::<Vec<_>>().join(", ");
    // 30³ combinations, of which one row of extremes has rank 31 above min(n1, n2).
    let problem = format!("n1 = [{}]\nn2 = [{}]\nrank = [{}]\n", list(30, 59), list(31, 60), list(1, 30));
    let good = GOOD.replace("n = 20\nrank = 2\n", &problem);
    assert_eq!(check(&good), []);
    let found = check(&good.replace("29, 30]\nsamples", "29, 31]\nsamples"));
    assert_eq!(found.len(), 1);
    assert!(found[0].message.contains("\"rank\": 31 is outside 1..=30"), "{}", found[0]);
    assert_eq!((found[0].line, found[0].length), (5, 2));
}

#[test]
fn the_cap_on_cells_is_exact() {
    // 2 depths × 2 learning rates.
    assert!(Sweep::parse(GOOD.as_bytes(), 4).is_ok());
    let found = Sweep::parse(GOOD.as_bytes(), 3).unwrap_err();
    assert!(found[0].message.starts_with("4 cells are more than the 3 allowed"), "{}", found[0]);
}

#[test]
fn conditions_cannot_cut_the_grid_without_bound() {
    let list = |n: i64| (1..=n).map(|k| k.to_string()).collect::<Vec<_>>().join(", ");
    let mut file =
        GOOD.replace("[0.1, 1]", &format!("[{}]", list(2000))).replace("[0.01]", &format!("[{}]", list(1000)));
    for k in 1..=1000 {
        file += &format!("[[exclude]]\nlr = {k}\nlambda = {k}\n");
    }
    assert_eq!(check(&file), [], "a thousand single cells can be left out");
    let found = check(&format!("{file}[[exclude]]\nlr = 1500\nlambda = 1\n"));
    assert!(found[0].message.contains("1001 [[exclude]] are more than the 1000 allowed"), "{}", found[0]);
}

#[test]
fn no_text_makes_the_parser_panic() {
    // Every prefix, and every character replaced in turn.
    let file = format!("{GOOD}[[when]]\ndepth = 3\nset = {{ lr = [2] }}\n[tune]\nover = [\"lr\"]\n");
    for end in 0..file.len() {
        check(&file[..end]);
        for other in ["[", "\"", "=", "9", "-", "\n", "é", ""] {
            check(&format!("{}{other}{}", &file[..end], &file[end + 1..]));
        }
    }
}
