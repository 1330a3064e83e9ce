//! Random sweep files against an enumeration that knows nothing of blocks, and what a longer file adds to them.

mod extend;
mod random;

use proptest::prelude::*;
use random::{Coordinates, make, times};
use std::collections::BTreeMap;
use sweep_core::grid::Class;
use sweep_core::sweep::{Cell, FIRST_REFIT, Sweep};
use sweep_core::value::Value;

fn parse(file: &str) -> Sweep {
    Sweep::parse(file.as_bytes(), 200_000_000).unwrap_or_else(|found| panic!("{}\n{file}", found[0]))
}

fn with_replicates(cells: &[Coordinates], first: i64, count: i64) -> Vec<Coordinates> {
    let replicates: Vec<Value> = (first..first + count).map(Value::Int).collect();
    times(cells.to_vec(), "replicate", &replicates)
}

fn sorted(cells: impl IntoIterator<Item = Coordinates>) -> Vec<String> {
    let mut cells: Vec<String> = cells.into_iter().map(|cell| format!("{cell:?}")).collect();
    cells.sort();
    cells
}

/// Coordinates of a cell; of a refit, but for the tuned axes.
fn at(sweep: &Sweep, index: u64) -> Coordinates {
    match sweep.cell(index).unwrap() {
        Cell::Fixed(coordinates) | Cell::Refit { coordinates, .. } => coordinates,
    }
}

fn all(sweep: &Sweep, cells: impl IntoIterator<Item = u64>) -> Vec<Coordinates> {
    cells.into_iter().map(|index| at(sweep, index)).collect()
}

fn tuning(sweep: &Sweep) -> Vec<u64> {
    sweep.tuning_ranges().into_iter().flatten().collect()
}

fn refits(sweep: &Sweep) -> Vec<u64> {
    sweep.refit_ranges().into_iter().flatten().collect()
}

/// Classes partition the cells; each has one cost; each replicate is a contiguous part of it.
fn check_classes(sweep: &Sweep, classes: &[Class], first: i64) {
    let mut next = classes[0].start;
    for class in classes {
        assert_eq!(class.start, next);
        assert!(class.len > 0 && class.len.is_multiple_of(class.replicates));
        let each = class.len / class.replicates;
        for (k, index) in (class.start..class.start + class.len).enumerate() {
            let cell = at(sweep, index);
            assert_eq!(cell["replicate"], Value::Int(first + (k as u64 / each) as i64));
            assert!(class.coordinates.iter().all(|(axis, value)| cell[axis] == *value), "{class:?} {cell:?}");
            for axis in ["n1", "rank", "samples", "problem"] {
                assert!(class.coordinates.contains_key(axis), "{axis} moves the cost");
            }
        }
        next += class.len;
    }
}

/// Slabs hold every cell in order, and say of it what [`Sweep::cell`] says.
fn check_slabs(sweep: &Sweep) {
    let mut next = 0;
    for slab in sweep.slabs() {
        assert_eq!(slab.start, next);
        for i in 0..slab.len() {
            let mut cell = Coordinates::new();
            for (k, factor) in slab.factors.iter().enumerate() {
                let digit = i / slab.stride(k) % factor.len();
                let values = factor.axes().iter().filter_map(|axis| Some((*axis, factor.value(axis, digit)?)));
                cell.extend(values.map(|(axis, value)| (axis.to_owned(), value)));
            }
            assert_eq!(cell, at(sweep, slab.start + i));
            assert_eq!(slab.refits, sweep.is_refit(slab.start + i));
        }
        next += slab.len();
    }
    assert_eq!(next, sweep.len());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_grid_holds_the_cells_of_an_enumeration_each_once(bytes in prop::collection::vec(any::<u8>(), 0..160)) {
        let made = make(bytes, false);
        let sweep = parse(&made.file);
        let cells = all(&sweep, 0..sweep.len());
        prop_assert_eq!(sorted(cells.clone()), sorted(with_replicates(&made.cells, 7, made.count)), "{}", made.file);
        for (index, cell) in cells.iter().enumerate() {
            prop_assert_eq!(sweep.index_of(cell), Some(index as u64));
        }
        prop_assert_eq!(sweep.cell(sweep.len()), None);
        check_slabs(&sweep);
        check_classes(&sweep, &sweep.classes(), 7);
        prop_assert_eq!(sweep.classes().iter().map(|class| class.len).sum::<u64>(), sweep.len());
    }

    #[test]
    fn tuning_cells_are_groups_times_candidates_and_refits_are_groups(bytes in prop::collection::vec(any::<u8>(), 0..160)) {
        let made = make(bytes, true);
        let sweep = parse(&made.file);
        let tune = sweep.tune.as_ref().unwrap();
        // Groups, by enumeration.
        let mut groups: BTreeMap<String, (Coordinates, Vec<Coordinates>)> = BTreeMap::new();
        for cell in &made.cells {
            let (tuned, group): (Coordinates, Coordinates) =
                cell.clone().into_iter().partition(|(axis, _)| made.tuned.contains(&axis.as_str()));
            groups.entry(format!("{group:?}")).or_insert((group, Vec::new())).1.push(tuned);
        }
        let tuned: Vec<Coordinates> = made.cells.iter().filter(|cell| {
            let group: Coordinates = (*cell).clone().into_iter().filter(|(a, _)| !made.tuned.contains(&a.as_str())).collect();
            groups[&format!("{group:?}")].1.len() > 1
        }).cloned().collect();
        let cells = times(with_replicates(&tuned, 7, made.count), "validation", &[Value::Float(0.2)]);
        prop_assert_eq!(sorted(all(&sweep, tuning(&sweep))), sorted(cells), "{}", made.file);
        let fixed: Vec<Coordinates> = groups.values().map(|(group, _)| group.clone()).collect();
        let cells = times(with_replicates(&fixed, 7 + FIRST_REFIT, 2), "validation", &[Value::Float(0.0)]);
        prop_assert_eq!(sorted(all(&sweep, refits(&sweep))), sorted(cells), "{}", made.file);

        prop_assert_eq!(tune.len(), groups.len() as u64);
        let (mut tuning_seen, mut refits_seen) = (0, 0);
        for g in 0..tune.len() {
            let group = tune.group(g).unwrap();
            let (_, candidates) = &groups[&format!("{:?}", group.coordinates)];
            prop_assert_eq!(sorted((0..group.candidates).map(|c| tune.candidate(g, c).unwrap())), sorted(candidates.clone()));
            prop_assert_eq!(tune.candidate(g, group.candidates), None);
            for c in 0..group.candidates {
                for (r, index) in sweep.tuning_cells(g, c).into_iter().enumerate() {
                    tuning_seen += 1;
                    let place = sweep.place(index).unwrap();
                    prop_assert_eq!((place.group, place.candidate, place.replicate), (g, c, r as u64));
                    prop_assert_eq!(sweep.group_of(index), Some(g));
                    let cell = at(&sweep, index);
                    let expected = tune.candidate(g, c).unwrap();
                    prop_assert!(group.coordinates.iter().chain(&expected).all(|(axis, value)| cell[axis] == *value));
                    prop_assert_eq!(&cell["replicate"], &Value::Int(7 + r as i64));
                }
            }
            for (r, index) in sweep.refit_cells(g).into_iter().enumerate() {
                refits_seen += 1;
                prop_assert_eq!(sweep.group_of(index), Some(g));
                let whole = sweep.refit_coordinates(index, 0).unwrap();
                prop_assert_eq!(&whole["replicate"], &Value::Int(7 + FIRST_REFIT + r as i64));
                prop_assert_eq!(sweep.index_of(&whole), Some(index));
                prop_assert!(sweep.trial(&whole, &BTreeMap::new()).is_ok());
            }
        }
        prop_assert_eq!((tuning_seen, refits_seen), (tuning(&sweep).len(), refits(&sweep).len()));
        let classes = sweep.classes();
        let (held, free): (Vec<Class>, Vec<Class>) = classes.into_iter().partition(|class| sweep.is_refit(class.start));
        let start = held[0].start;
        prop_assert_eq!(free.iter().map(|class| class.len).sum::<u64>(), start);
        prop_assert_eq!(held.iter().map(|class| class.len).sum::<u64>(), sweep.len() - start);
        if !free.is_empty() {
            check_classes(&sweep, &free, 7);
        }
        check_classes(&sweep, &held, 7 + FIRST_REFIT);
        check_slabs(&sweep);
    }
}
