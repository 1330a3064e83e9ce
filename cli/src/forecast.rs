//! What a sweep will take, before anything runs: one trial of each cost class stands for all of its cells.

use crate::failure::{Failure, Result};
use crate::output::bytes;
use std::collections::BTreeMap;
use sweep_core::sweep::{Cell, Sweep};
use sweep_core::train::cost;
use sweep_core::trial::{Inputs, Trial};
use sweep_core::value::Value;
use sweep_core::{problem, registry};

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
    /// The least min(n1, n2) of any cell; 0 where only a file knows.
    pub side: usize,
}

impl Forecast {
    /// The forecast of every class of `sweep`.
    ///
    /// # Errors
    /// [`Failure::Mistake`] for a cell whose values conflict.
    pub fn new(sweep: &Sweep, inputs: &Inputs) -> Result<Forecast> {
        let mut forecast = Forecast { classes: Vec::new(), side: usize::MAX };
        for class in sweep.classes() {
            let coordinates = match sweep.cell(class.start) {
                Some(Cell::Fixed(coordinates)) => coordinates,
                // Which candidate wins is not known: the first stands for all.
                _ => sweep.refit_coordinates(class.start, 0).unwrap_or_default(),
            };
            let wrong = |e| Failure::Mistake(format!("cell {}: {e}", class.start));
            let trial = sweep.trial(&coordinates, inputs).map_err(wrong)?;
            let cost = cost::forecast(&trial);
            forecast.side = forecast.side.min(side(&trial));
            forecast.classes.push(Class {
                cells: class.len,
                seconds: cost.seconds,
                bytes: cost.bytes,
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

/// min(n1, n2), where it is known without reading a file.
fn side(trial: &Trial) -> usize {
    let problem = registry::find("problem", problem::KNOWN, trial.text("problem")).map(|entry| (entry.build)(trial));
    problem.ok().and_then(|problem| problem.size()).map_or(0, |(n1, n2, _)| n1.min(n2))
}

#[cfg(test)]
mod tests {
    use super::*;

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
