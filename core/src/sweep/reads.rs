//! The cells that read files, so that files are checked before anything runs.

use super::Sweep;
use crate::axis::{self, Kind};
use crate::grid::Factor;
use crate::value::Value;
use std::collections::{BTreeMap, BTreeSet};

impl Sweep {
    /// One cell, by its coordinates, for each way in which a file is read: every combination of the axes of its problem
    /// and its init, and of depth and width where an init reads one. The first values stand for all other axes. Of more
    /// than `most` ways, the first ones.
    pub fn reading_cells(&self, most: usize) -> Vec<BTreeMap<String, Value>> {
        let mut cells = Vec::new();
        let mut seen = BTreeSet::new();
        for part in self.products() {
            let factors: Vec<&Factor> = part.into_iter().filter(|factor| !factor.is_replicates()).collect();
            let named =
                |axis: &str| factors.iter().any(|f| f.values(axis).any(|v| v.text().is_some_and(|t| !t.is_empty())));
            let read: Vec<&str> =
                axis::all().iter().filter(|a| a.kind == Kind::File && named(a.name)).map(|a| a.name).collect();
            if read.is_empty() {
                continue;
            }
            let of_init = read.iter().any(|axis| brings("init", axis));
            let decides = |axis: &str| {
                axis == "problem"
                    || brings("problem", axis)
                    || (of_init && (matches!(axis, "init" | "depth" | "width") || brings("init", axis)))
            };
            let mut digits = vec![0; factors.len()];
            loop {
                if cells.len() == most {
                    return cells;
                }
                let cell = at(&factors, &digits);
                let way: Vec<String> = cell
                    .iter()
                    .filter(|(axis, _)| decides(axis))
                    .map(|(axis, value)| format!("{axis}={value}"))
                    .collect();
                if seen.insert(way) {
                    cells.push(cell);
                }
                // The next combination of the factors that decide; the last of them turns fastest.
                let turning = |f: &Factor| f.axes().iter().any(|axis| decides(axis));
                let next = (0..factors.len()).rev().find(|&k| {
                    let carry = turning(factors[k]) && digits[k] + 1 < factors[k].rows().len();
                    digits[k] = if carry { digits[k] + 1 } else { 0 };
                    carry
                });
                if next.is_none() {
                    break;
                }
            }
        }
        cells
    }
}

/// Whether an entry of `choice` brings `axis`.
fn brings(choice: &str, axis: &str) -> bool {
    axis::entries(choice).iter().any(|(_, _, axes)| axes.iter().any(|brought| brought.name == axis))
}

fn at(factors: &[&Factor], digits: &[usize]) -> BTreeMap<String, Value> {
    let row = |(factor, &digit): (&&Factor, &usize)| {
        let names = factor.axes().iter().map(|axis| (*axis).to_owned());
        names.zip(factor.rows()[digit].iter().cloned()).collect::<Vec<_>>()
    };
    factors.iter().zip(digits).flat_map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"
name = "t"
[[problem]]
name = "csv"
instance = ["a", "b"]
samples = [0, 30]
[[problem]]
n = 8
rank = 1
samples = 30
[train]
steps = 5
depth = [1, 2]
[[optimizer]]
name = "gd"
lr = [0.1, 1.0]
[replicate]
count = 3
"#;

    fn ways(source: &str, axes: &[&str]) -> Vec<String> {
        let sweep = Sweep::parse(source.as_bytes(), 1000).unwrap();
        let shown = |cell: &BTreeMap<String, Value>| {
            axes.iter()
                .map(|axis| cell.get(*axis).map_or("-".to_owned(), Value::to_string))
                .collect::<Vec<_>>()
                .join(" ")
        };
        let mut ways: Vec<String> = sweep.reading_cells(100).iter().map(shown).collect();
        ways.sort();
        ways
    }

    #[test]
    fn every_way_to_read_a_file_has_one_cell_and_problems_without_files_none() {
        let found = ways(FILE, &["observed", "truth", "samples"]);
        let expected =
            ["a.obs.csv a.gt.csv 0", "a.obs.csv a.gt.csv 30", "b.obs.csv b.gt.csv 0", "b.obs.csv b.gt.csv 30"];
        assert_eq!(found, expected);
        let sweep = Sweep::parse(FILE.as_bytes(), 1000).unwrap();
        assert_eq!(sweep.reading_cells(3).len(), 3);
    }

    #[test]
    fn a_file_of_factors_is_read_for_every_depth() {
        let file = FILE.replace("instance = [\"a\", \"b\"]\nsamples = [0, 30]", "observed = \"a\"");
        let file = file.replace("[train]", "[init]\nname = \"file\"\ninit_file = \"w\"\n[train]");
        let found = ways(&file, &["problem", "init_file", "depth"]);
        assert_eq!(found, ["csv w 1", "csv w 2", "synthetic w 1", "synthetic w 2"]);
    }
}
