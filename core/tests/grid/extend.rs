//! A sweep and a longer file: no index moves, and together they are the longer file.

use super::random::{Choices, Coordinates, make};
use super::{all, at, parse, refits, sorted, tuning};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use sweep_core::sweep::{Sweep, Unfit, lengthened};
use sweep_core::trial::Inputs;
use sweep_core::value::Value;

/// What may be typed: values that no random file has, at places that it may have.
const ADDITIONS: &[&[&str]] = &[
    &["n=7"],
    &["n1=7"],
    &["n2=7,8"],
    &["rank=4"],
    &["samples=12,13"],
    &["steps=30"],
    &["train.depth=4"],
    &["optimizer.gd.depth=4"],
    &["width=9"],
    &["train.init_scale=0.5"],
    &["init.init_scale=0.5,0.25"],
    &["train.depth=3", "train.init_scale=0.5"],
    &["lr=3"],
    &["optimizer.gd.lr=3,30"],
    &["optimizer.adam.lr=3"],
    &["optimizer.adam.beta1=0.7"],
    &["penalty.ratio.lambda=0.5"],
    &["penalty.nuclear.lambda=0.5,0.25"],
    &["replicate.count=4"],
    &["tune.replicates=4"],
    &["tune.refit=3"],
    &["noise=0.1"],
    &["loss=sum"],
];

/// A longer file, where the addition can be made in this one.
fn longer(file: &str, choose: &mut Choices) -> Option<String> {
    let start = choose.below(ADDITIONS.len());
    let all = ADDITIONS.iter().cycle().skip(start).take(ADDITIONS.len());
    let mut made = all.filter_map(|additions| lengthened(file, additions).ok());
    made.find(|file| Sweep::parse(file.as_bytes(), 100_000_000).is_ok())
}

/// What a cell trains; of a refit, with its group's first candidate.
fn digest(sweep: &Sweep, index: u64) -> String {
    let coordinates = sweep.refit_coordinates(index, 0).unwrap_or_else(|| at(sweep, index));
    sweep.trial(&coordinates, &Inputs::new()).unwrap().digest().unwrap()
}

/// What must hold of `whole`, which is `before` with the cells that the file of `next` adds.
fn check(before: &Sweep, whole: &Sweep, next: &Sweep) {
    // Cells that were there stay: their trials, and what is said of them.
    for index in 0..before.len() {
        let (old, new) = (at(before, index), at(whole, index));
        assert!(old.iter().all(|(axis, value)| new[axis] == *value), "cell {index}: {old:?} {new:?}");
        assert_eq!(digest(before, index), digest(whole, index), "cell {index}");
        assert_eq!(before.group_of(index), whole.group_of(index));
        assert_eq!(before.place(index), whole.place(index));
    }
    // Together they are the longer file, each cell once.
    assert_eq!(sorted(all(whole, 0..whole.len())), sorted(all(next, 0..next.len())));
    for index in 0..whole.len() {
        assert_eq!(whole.index_of(&at(whole, index)), Some(index));
    }
    assert_eq!(whole.cell(whole.len()), None);
    // So are its axes, but for the order of their values.
    let axes = |sweep: &Sweep| -> BTreeMap<String, BTreeSet<String>> {
        let mut values: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for axis in sweep.axes() {
            values.entry(axis.axis).or_default().extend(axis.values.iter().map(Value::to_string));
        }
        values
    };
    assert_eq!(axes(whole), axes(next));
    assert_eq!((whole.replicates, whole.first), (next.replicates, next.first));
    // Classes: those that were there, and others after them.
    let ranges = |sweep: &Sweep| -> Vec<(u64, u64, u64)> {
        sweep.classes().into_iter().map(|class| (class.start, class.len, class.replicates)).collect()
    };
    assert!(ranges(whole).starts_with(&ranges(before)));
    let end = ranges(whole).into_iter().fold(0, |next, (start, length, _)| {
        assert_eq!(start, next);
        start + length
    });
    assert_eq!(end, whole.len());

    let (Some(old), Some(tune)) = (&before.tune, &whole.tune) else { return };
    let changed: BTreeSet<u64> = tune.retuned(old).into_iter().flatten().collect();
    let (mut tuning_seen, mut refits_seen) = (0, 0);
    for g in 0..tune.len() {
        let group = tune.group(g).unwrap();
        let mut cells = 0;
        for c in 0..group.candidates {
            let of = whole.tuning_cells(g, c);
            assert_eq!(of.len() as u64, if group.candidates > 1 { tune.replicates } else { 0 });
            for (r, &index) in of.iter().enumerate() {
                let place = whole.place(index).unwrap();
                assert_eq!((place.group, place.candidate, place.replicate), (g, c, r as u64));
                let cell = at(whole, index);
                let expected = tune.candidate(g, c).unwrap();
                assert!(group.coordinates.iter().chain(&expected).all(|(axis, value)| cell[axis] == *value));
                assert_eq!(cell["replicate"], Value::Int(whole.first + r as i64));
            }
            cells += of.len();
        }
        assert_eq!(whole.refit_cells(g).len() as u64, tune.refit);
        tuning_seen += cells;
        refits_seen += whole.refit_cells(g).len();
        let Some(was) = old.group(g) else {
            assert!(!changed.contains(&g));
            continue;
        };
        assert!(was.coordinates.iter().all(|(axis, value)| group.coordinates[axis] == *value));
        let mut cells_before = 0;
        for c in 0..was.candidates {
            let (earlier, now) = (old.candidate(g, c).unwrap(), tune.candidate(g, c).unwrap());
            assert!(earlier.iter().all(|(axis, value)| now[axis] == *value));
            assert!(whole.tuning_cells(g, c).starts_with(&before.tuning_cells(g, c)));
            cells_before += before.tuning_cells(g, c).len();
        }
        assert!(whole.refit_cells(g).starts_with(&before.refit_cells(g)));
        assert_eq!(changed.contains(&g), cells > cells_before);
    }
    assert_eq!((tuning_seen, refits_seen), (tuning(whole).len(), refits(whole).len()));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, max_shrink_iters: 300, cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn an_extension_moves_no_index_and_gives_the_longer_file(
        bytes in prop::collection::vec(any::<u8>(), 0..160), more in prop::collection::vec(any::<u8>(), 2..8), tune: bool,
    ) {
        let mut file = make(bytes, tune).file;
        let mut choose = Choices(more.into_iter());
        let mut whole = parse(&file);
        // One extension after the other.
        for _ in 0..3 {
            let Some(text) = longer(&file, &mut choose) else { break };
            let next = parse(&text);
            // Cells are enumerated here.
            if next.len() > 3_000 {
                break;
            }
            let extended = match whole.extended(&next) {
                Ok(extended) => extended,
                // More tuning replicates, where nothing is tuned.
                Err(Unfit::Nothing) => {
                    prop_assert_eq!(whole.len(), next.len());
                    break;
                }
                Err(unfit) => panic!("{unfit}\n{file}\n{text}"),
            };
            check(&whole, &extended, &next);
            // The way back takes cells away, and the first of them is named.
            let shorter = parse(&file);
            let stay: BTreeSet<String> = all(&shorter, 0..shorter.len()).iter().map(told).collect();
            match extended.extended(&shorter).unwrap_err() {
                Unfit::Gone { cell, coordinates } if !tune => {
                    prop_assert_eq!(&at(&extended, cell), &coordinates);
                    let first = (0..extended.len()).find(|&index| !stay.contains(&told(&at(&extended, index))));
                    prop_assert_eq!(Some(cell), first);
                }
                Unfit::Gone { .. } | Unfit::Setting { .. } => {}
                other => panic!("{other}\n{file}\n{text}"),
            }
            prop_assert_eq!(extended.extended(&next), Err(Unfit::Nothing));
            (file, whole) = (text, extended);
        }
    }
}

/// Coordinates without values that a file may leave out.
fn told(cell: &Coordinates) -> String {
    let told = cell.iter().filter(|(axis, value)| !is_default(axis, value));
    told.map(|(axis, value)| format!("{axis}={value} ")).collect()
}

fn is_default(axis: &str, value: &Value) -> bool {
    let float = |x: f64| *value == Value::Float(x);
    match axis {
        "depth" => *value == Value::Int(1),
        "width" => *value == Value::Int(0),
        "beta1" => float(0.9),
        "init_scale" => float(0.001),
        "noise" => float(0.0),
        "loss" => *value == Value::from("mean"),
        _ => false,
    }
}

const FILE: &str = r#"
name = "t"
problem = { n = 20, rank = [1, 2], samples = 200 }
train = { depth = [1, 3], steps = 100 }
[[optimizer]]
name = "gd"
lr = [0.1, 1]
[[baseline]]
name = "zero_fill"
"#;

#[test]
fn what_takes_a_cell_away_or_changes_one_is_refused_by_name() {
    let refused = |from: &str, to: &str| {
        assert!(FILE.contains(from));
        parse(FILE).extended(&parse(&FILE.replace(from, to))).unwrap_err().to_string()
    };
    let gone = refused("depth = [1, 3]", "depth = [1, 2]");
    assert!(gone.starts_with("cell ") && gone.contains("depth = 3") && gone.contains("adds cells"), "{gone}");
    let cell: u64 = gone.split(' ').nth(1).unwrap().parse().unwrap();
    assert_eq!(at(&parse(FILE), cell)["depth"], Value::Int(3));
    assert!(refused("steps = 100", "steps = 200").contains("steps = 100"));
    assert!(refused("samples = 200", "samples = 200, noise = 0.1").contains("noise = 0"));
    assert!(refused("[[baseline]]\nname = \"zero_fill\"", "").contains("baseline = zero_fill"));
    assert!(refused("name = \"t\"", "name = \"u\"").starts_with("name: \"t\" cannot become \"u\""));
    let end = "name = \"zero_fill\"\n";
    assert!(
        refused(end, &format!("{end}[stop]\nseconds = 5\n")).starts_with("seconds of [stop]: no limit cannot become 5")
    );
    assert!(refused(end, &format!("{end}[replicate]\nfix = {{ mask_seed = 3 }}\n")).contains("mask_seed = 3"));
    assert!(
        refused(end, &format!("{end}[tune]\nover = [\"lr\"]\n")).starts_with("what is tuned: nothing cannot become lr")
    );
    assert!(refused("rank = [1, 2]", "rank = [2, 1]").ends_with("nothing is added"), "an order is no cell");
}

#[test]
fn replicates_axes_rules_and_methods_can_be_added() {
    for (from, to, cells) in [
        ("rank = [1, 2]", "rank = [3, 1, 2]", 15),
        ("[[baseline]]", "[[baseline]]\nname = \"minimum_nuclear\"\n[[baseline]]", 12),
        ("[[optimizer]]", "[replicate]\ncount = 3\n[[optimizer]]", 30),
        ("steps = 100", "steps = 100, width = [5, 0]", 18),
        ("lr = [0.1, 1]", "lr = [0.1, 1]\n[[when]]\ndepth = 3\nset = { lr = [0.1, 1, 3] }", 12),
    ] {
        assert!(FILE.contains(from));
        let (before, next) = (parse(FILE), parse(&FILE.replace(from, to)));
        let whole = before.extended(&next).unwrap_or_else(|unfit| panic!("{to}: {unfit}"));
        check(&before, &whole, &next);
        assert_eq!((before.len(), whole.len()), (10, cells), "{to}");
    }
}

#[test]
fn a_group_that_was_only_refitted_is_tuned_with_its_first_candidate() {
    let file = FILE.replace("lr = [0.1, 1]", "lr = 0.1") + "[tune]\nover = [\"lr\"]\nreplicates = 2\nrefit = 3\n";
    let before = parse(&file);
    assert_eq!((tuning(&before).len(), before.len()), (0, 6 * 3));
    let next = parse(&file.replace("lr = 0.1", "lr = [0.1, 1]"));
    let whole = before.extended(&next).unwrap();
    check(&before, &whole, &next);
    // 2 ranks × 2 depths × 2 candidates × 2 replicates, after the refits, of which there are no more.
    assert_eq!((tuning(&whole), refits(&whole)), ((18..34).collect(), (0..18).collect()));
    let tune = whole.tune.as_ref().unwrap();
    let trained = (0..tune.len()).filter(|&g| tune.group(g).unwrap().coordinates.contains_key("optimizer"));
    assert_eq!(
        tune.retuned(before.tune.as_ref().unwrap()).into_iter().flatten().collect::<Vec<_>>(),
        trained.collect::<Vec<_>>()
    );
}

#[test]
fn candidates_for_some_of_the_groups_that_were_alike_are_refused() {
    let file = format!("{FILE}[tune]\nover = [\"lr\"]\n");
    let some = file.replace("[[baseline]]", "[[when]]\ndepth = 3\nset = { lr = [0.1, 1, 3] }\n[[baseline]]");
    let refused = parse(&file).extended(&parse(&some)).unwrap_err();
    assert!(matches!(&refused, Unfit::Apart(group) if group["depth"] == Value::Int(1)), "{refused}");
    // Where they were apart before, they can stay so.
    let more = some.replace("[0.1, 1, 3]", "[0.1, 1, 3, 10]");
    let (before, next) = (parse(&some), parse(&more));
    check(&before, &before.extended(&next).unwrap(), &next);
}

#[test]
fn a_grid_of_many_cells_is_extended_without_a_list_of_them() {
    let file = FILE.replace("[[baseline]]\nname = \"zero_fill\"\n", "[replicate]\ncount = 10_000_000\n");
    let whole = parse(&file).extended(&parse(&file.replace("[1, 3]", "[1, 3, 5]"))).unwrap();
    assert_eq!(whole.len(), 120_000_000);
    assert_eq!(at(&whole, 119_999_999)["depth"], Value::Int(5));
}
