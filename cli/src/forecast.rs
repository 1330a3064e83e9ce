//! What a sweep will take, before anything runs: one trial of each cost class stands for all of its cells.

use crate::failure::{Failure, Result};
use crate::output::bytes;
use crate::session::Checked;
use std::collections::BTreeMap;
use sweep_core::sweep::Cell;
use sweep_core::train::cost::{self, Cost};
use sweep_core::value::Value;
use sweep_core::{axis, problem};

/// A range of cells of one cost.
#[derive(Debug, Clone, PartialEq)]
pub struct Class {
    /// How many.
    pub cells: u64,
    /// Core seconds of one.
    pub seconds: f64,
    /// Bytes of one, at the peak.
    pub bytes: f64,
    /// The axes that move the cost.
    pub coordinates: BTreeMap<String, Value>,
}

/// A forecast of a sweep.
#[derive(Debug, Clone, PartialEq)]
pub struct Forecast {
    /// By class, in the order of the cells.
    pub classes: Vec<Class>,
    /// The least min(n1, n2) of any cell.
    pub side: usize,
}

impl Forecast {
    /// The forecast of every class of a checked sweep. Where several files make one class, its time is their mean, its
    /// memory that of the largest.
    ///
    /// # Errors
    /// [`Failure::Mistake`] for a cell whose values conflict.
    pub fn new(checked: &Checked) -> Result<Forecast> {
        let sweep = &checked.sweep;
        let mut forecast = Forecast { classes: Vec::new(), side: usize::MAX };
        for class in sweep.classes() {
            let coordinates = match sweep.cell(class.start) {
                Some(Cell::Fixed(coordinates)) => coordinates,
                // Which candidate wins is not known: the first stands for all.
                _ => sweep.refit_coordinates(class.start, 0).unwrap_or_default(),
            };
            let wrong = |e| Failure::Mistake(format!("cell {}: {e}", class.start));
            let trial = sweep.trial(&coordinates, &checked.contents.inputs).map_err(wrong)?;
            let sizes = match problem::build(&trial).map_err(wrong)?.size() {
                Some(size) => vec![size],
                None => sizes(checked, &coordinates, &class.coordinates),
            };
            forecast.side = sizes.iter().fold(forecast.side, |side, (n1, n2, _)| side.min(*n1.min(n2)));
            // Too many files to read them all: a guess.
            let guess = || vec![cost::forecast(&trial)];
            let costs: Vec<Cost> = sizes.iter().map(|&size| cost::forecast_of(&trial, size)).collect();
            let costs = if costs.is_empty() { guess() } else { costs };
            forecast.classes.push(Class {
                cells: class.len,
                seconds: costs.iter().map(|cost| cost.seconds).sum::<f64>() / costs.len() as f64,
                bytes: costs.iter().map(|cost| cost.bytes).fold(0.0, f64::max),
                coordinates: class.coordinates,
            });
        }
        Ok(forecast)
    }

    /// Core seconds of all cells.
    pub fn core_seconds(&self) -> f64 {
        self.classes.iter().map(|class| class.cells as f64 * class.seconds).sum()
    }

    /// Wall seconds on `slots`: no less than the longest cell.
    pub fn wall_seconds(&self, slots: usize) -> f64 {
        let longest = self.classes.iter().map(|class| class.seconds).fold(0.0, f64::max);
        longest.max(self.core_seconds() / slots as f64)
    }

    /// Bytes of the largest cell.
    pub fn largest(&self) -> f64 {
        self.classes.iter().map(|class| class.bytes).fold(0.0, f64::max)
    }

    /// Bytes of `slots` cells of the largest kind.
    ///
    /// # Errors
    /// [`Failure::Mistake`] if that is more than `memory`, where it is known.
    pub fn fit(&self, slots: usize, memory: Option<u64>) -> Result<f64> {
        let needed = slots as f64 * self.largest();
        match memory {
            Some(memory) if needed > memory as f64 => {
                let fitting = (memory as f64 / self.largest()).floor();
                let remedy = if fitting >= 1.0 { format!("; --slots {fitting} would fit") } else { String::new() };
                Err(Failure::Mistake(format!(
                    "{slots} slots × {} for the largest cell are {}, more than the {} of memory that this process may \
                     use{remedy}",
                    bytes(self.largest()),
                    bytes(needed),
                    bytes(memory as f64)
                )))
            }
            _ => Ok(needed),
        }
    }
}

/// The sizes of the problems from files that a class holds: those of the problem of `cell` that agree in the axes of the
/// class.
fn sizes(
    checked: &Checked,
    cell: &BTreeMap<String, Value>,
    class: &BTreeMap<String, Value>,
) -> Vec<(usize, usize, usize)> {
    let named = |(name, ..): &(&str, &str, &'static [axis::Axis])| cell.get("problem") == Some(&Value::from(*name));
    let own = axis::entries("problem").into_iter().find(named).map_or(&[][..], |(.., axes)| axes);
    let agrees = |other: &BTreeMap<String, Value>| {
        other.get("problem") == cell.get("problem")
            && own.iter().all(|axis| class.get(axis.name).is_none_or(|value| other.get(axis.name) == Some(value)))
    };
    checked.sizes.iter().filter(|known| agrees(&known.coordinates)).map(|known| known.size).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_from_a_file_counts_with_its_size() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: String| std::fs::write(folder.path().join(name), text).unwrap();
        let rows = |n: usize| (0..n).map(|i| format!("{i},{i},1\n")).collect::<String>();
        write("a.csv", format!("row,col,value\n{}", rows(30)));
        write("b.csv", format!("row,col,value\n{}", rows(60)));
        let file = |observed: &str| {
            format!("name = \"t\"\n[problem]\nname = \"csv\"\nobserved = {observed}\n[[baseline]]\nname = \"svt\"\n")
        };
        let of = |observed: &str| {
            write("t.toml", file(observed));
            let asked = crate::args::SweepFile { path: folder.path().join("t.toml"), max_cells: 100 };
            Forecast::new(&crate::session::check(&asked).unwrap()).unwrap()
        };
        let (small, large, both) = (of("\"a.csv\""), of("\"b.csv\""), of("[\"a.csv\", \"b.csv\"]"));
        assert_eq!((small.side, large.side, both.side), (30, 60, 30));
        assert!(small.largest() < large.largest() && large.largest() < 1e6, "{small:?} {large:?}");
        assert_eq!(both.largest(), large.largest());
        let sum = small.core_seconds() + large.core_seconds();
        assert!((both.core_seconds() - sum).abs() < 1e-12 * sum, "{both:?}");
    }

    fn two() -> Forecast {
        let class = |cells, seconds, bytes| Class { cells, seconds, bytes, coordinates: BTreeMap::new() };
        Forecast { classes: vec![class(10, 1.0, 1024.0), class(1, 8.0, 4096.0)], side: 50 }
    }

    #[test]
    fn no_sweep_is_shorter_than_its_longest_cell() {
        assert_eq!(two().wall_seconds(1), 18.0);
        assert_eq!(two().wall_seconds(2), 9.0);
        assert_eq!(two().wall_seconds(100), 8.0);
    }

    #[test]
    fn slots_that_do_not_fit_in_memory_are_refused_with_a_number_that_does() {
        assert_eq!(two().fit(2, Some(8192)).unwrap(), 8192.0);
        assert_eq!(two().fit(9, None).unwrap(), 36_864.0);
        let refused = two().fit(3, Some(8192)).unwrap_err().to_string();
        assert!(refused.contains("3 slots × 4.0 KiB") && refused.contains("--slots 2"), "{refused}");
        let refused = two().fit(1, Some(4000)).unwrap_err().to_string();
        assert!(!refused.contains("would fit"), "{refused}");
    }
}
