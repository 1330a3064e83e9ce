//! What a person reads: the values of each axis, by the choices that they depend on; warnings; and the difference
//! between two sweeps.

use super::file::File;
use super::{Order, Sweep};
use crate::axis::CHOICES;
use crate::grid::{Factor, REPLICATE, same};
use crate::value::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// The values of an axis in the cells of some choices.
#[derive(Debug, Clone, PartialEq)]
pub struct AxisSummary {
    /// The axis or choice.
    pub axis: String,
    /// The choices that its values depend on, with what is chosen: `optimizer`, `gd`. Empty: the same everywhere.
    pub of: Vec<(&'static str, String)>,
    /// All values there, in the order of the file.
    pub values: Vec<Value>,
}

/// One thing in which two sweeps differ.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// An axis, `lr where optimizer = gd`, or a setting, `replicates`.
    pub what: String,
    /// What only the first sweep has.
    pub removed: Vec<String>,
    /// What only the second sweep has.
    pub added: Vec<String>,
}

impl std::fmt::Display for Difference {
    /// `lr where optimizer = gd: - 0.1  + 3, 10`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:", self.what)?;
        for (sign, values) in [("-", &self.removed), ("+", &self.added)] {
            if !values.is_empty() {
                write!(f, " {sign} {}", values.join(", "))?;
            }
        }
        Ok(())
    }
}

/// Chosen entries, in the order of [`CHOICES`]; empty text where a choice does not apply.
type Chosen = Vec<String>;

/// Per axis: the values in the cells of each combination of entries.
fn tabulate(sweep: &Sweep) -> BTreeMap<String, Vec<(Chosen, Vec<Value>)>> {
    let mut table: BTreeMap<String, Vec<(Chosen, Vec<Value>)>> = BTreeMap::new();
    for factors in sweep.products() {
        let chosen: Chosen = (CHOICES.iter())
            .map(|choice| {
                let value = factors.iter().find_map(|factor| factor.values(choice).next());
                value.map_or(String::new(), Value::to_string)
            })
            .collect();
        for (axis, factor) in
            factors.iter().flat_map(|factor: &&Factor| factor.axes().iter().map(move |a| (*a, factor)))
        {
            if axis == REPLICATE {
                continue;
            }
            let rows = table.entry(axis.to_owned()).or_default();
            let row = match rows.iter().position(|(known, _)| *known == chosen) {
                Some(row) => row,
                None => {
                    rows.push((chosen.clone(), Vec::new()));
                    rows.len() - 1
                }
            };
            merge(&mut rows[row].1, factor.values(axis));
        }
    }
    table
}

/// Adds the values that are not there.
fn merge<'v>(values: &mut Vec<Value>, more: impl Iterator<Item = &'v Value>) {
    for value in more {
        if !values.iter().any(|known| same(known, value)) {
            values.push(value.clone());
        }
    }
}

/// The fewest choices that tell the values of every table apart, as indices into [`CHOICES`].
fn depends_on(tables: &[&[(Chosen, Vec<Value>)]]) -> Vec<usize> {
    let subsets = 0u32..1 << CHOICES.len();
    let mut subsets: Vec<Vec<usize>> =
        subsets.map(|bits| (0..CHOICES.len()).filter(|k| bits >> k & 1 == 1).collect()).collect();
    subsets.sort_by_key(Vec::len);
    let tells = |subset: &Vec<usize>| {
        tables.iter().all(|table| {
            let mut known: BTreeMap<Vec<&String>, &Vec<Value>> = BTreeMap::new();
            table.iter().all(|(chosen, values)| {
                *known.entry(subset.iter().map(|&k| &chosen[k]).collect()).or_insert(values) == values
            })
        })
    };
    subsets.into_iter().find(tells).unwrap_or_default()
}

/// The rows of one axis, by the choices in `subset`.
fn summarize(axis: &str, table: &[(Chosen, Vec<Value>)], subset: &[usize]) -> Vec<AxisSummary> {
    let mut rows: Vec<AxisSummary> = Vec::new();
    for (chosen, values) in table {
        let of = subset.iter().filter(|&&k| !chosen[k].is_empty()).map(|&k| (CHOICES[k], chosen[k].clone())).collect();
        match rows.iter_mut().find(|row| row.of == of) {
            Some(row) => merge(&mut row.values, values.iter()),
            None => rows.push(AxisSummary { axis: axis.to_owned(), of, values: values.clone() }),
        }
    }
    rows
}

/// A choice has all of its values in one row.
fn subset_of(axis: &str, tables: &[&[(Chosen, Vec<Value>)]]) -> Vec<usize> {
    if CHOICES.contains(&axis) { Vec::new() } else { depends_on(tables) }
}

impl Sweep {
    /// The values of every axis that the file speaks of: choices first, then by name. One row where the values are the
    /// same everywhere, otherwise one for each choice that they depend on.
    pub fn axes(&self) -> Vec<AxisSummary> {
        let table = tabulate(self);
        let choices = CHOICES.iter().copied().filter(|choice| table.contains_key(*choice));
        let others = table.keys().map(String::as_str).filter(|axis| !CHOICES.contains(axis));
        let axes = choices.chain(others);
        axes.flat_map(|axis| summarize(axis, &table[axis], &subset_of(axis, &[&table[axis]]))).collect()
    }

    /// What is not an axis, by name.
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        let order = if self.order == Order::LongestFirst { "longest-first" } else { "replicates-first" };
        let mut settings = vec![
            ("name", self.name.clone()),
            ("description", self.description.clone()),
            ("tags", self.tags.join(", ")),
            ("order", order.to_owned()),
            ("cells", self.len().to_string()),
            ("replicates", self.replicates.to_string()),
            ("first replicate", self.first.to_string()),
            ("seconds", self.seconds.map_or(String::new(), |seconds| Value::Float(seconds).to_string())),
        ];
        let fixed = self.fix.iter().map(|(seed, value)| format!("{seed} = {value}"));
        settings.push(("fixed seeds", fixed.collect::<Vec<_>>().join(", ")));
        if let Some(tune) = &self.tune {
            settings.push(("tuned", tune.over.join(", ")));
            settings.push(("validation", Value::Float(tune.validation).to_string()));
            settings.push(("refits", tune.refit.to_string()));
        }
        settings
    }

    /// What is allowed and yet likely not meant, for `check` and `plan`.
    pub fn warnings(&self) -> Vec<String> {
        let Some(tune) = &self.tune else { return Vec::new() };
        // Tuning cells per replicate, by what stands where an optimizer stands, and its penalty.
        let mut methods: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
        for (number, block) in tune.groups.blocks().iter().enumerate() {
            let candidates = tune.candidates_of(number);
            let method =
                ["optimizer", "penalty"].map(|choice| block.factor(choice).and_then(|f| f.values(choice).next()));
            if let ([Some(optimizer), Some(penalty)], 2..) = (method, candidates) {
                methods.entry(format!("{optimizer} with penalty {penalty}")).or_default().insert(candidates);
            } else if let (Some(baseline), 2..) =
                (block.factor("baseline").and_then(|factor| factor.values("baseline").next()), candidates)
            {
                methods.entry(baseline.to_string()).or_default().insert(candidates);
            } else if let [Some(optimizer), Some(penalty)] = method {
                // A training method with one candidate is not tuned at all, which is as unequal as can be.
                methods.entry(format!("{optimizer} with penalty {penalty}")).or_default().insert(candidates);
            }
        }
        let counts: BTreeSet<u64> = methods.values().flatten().copied().collect();
        let mut warnings = Vec::new();
        if self.tuning_ranges().iter().all(Range::is_empty) {
            warnings.push("nothing is tuned: every group has one candidate".to_owned());
        } else if counts.len() > 1 {
            let count = |counts: &BTreeSet<u64>| counts.iter().map(u64::to_string).collect::<Vec<_>>().join(" or ");
            let methods: Vec<String> =
                methods.iter().map(|(method, counts)| format!("{method}: {}", count(counts))).collect();
            warnings.push(format!(
                "methods differ in tuning cells per replicate, so the comparison favours those with more ({})",
                methods.join("; ")
            ));
        }
        warnings
    }
}

/// In what two sweeps differ: settings, then axes, then rules. Empty where nothing but layout does.
pub fn diff(a: &Sweep, b: &Sweep) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut compare = |what: String, a: Vec<String>, b: Vec<String>| {
        let only = |these: &[String], others: &[String]| -> Vec<String> {
            these.iter().filter(|value| !others.contains(value)).cloned().collect()
        };
        let (removed, added) = (only(&a, &b), only(&b, &a));
        if !removed.is_empty() || !added.is_empty() {
            found.push(Difference { what, removed, added });
        } else if a != b {
            found.push(Difference { what: format!("order of {what}"), removed: a, added: b });
        }
    };
    let settings: [BTreeMap<&str, String>; 2] = [a, b].map(|sweep| sweep.settings().into_iter().collect());
    for what in settings[0].keys().chain(settings[1].keys()).copied().collect::<BTreeSet<_>>() {
        let [a, b] = [0, 1].map(|side| settings[side].get(what).filter(|text| !text.is_empty()).cloned());
        compare(what.to_owned(), a.into_iter().collect(), b.into_iter().collect());
    }
    let tables = [tabulate(a), tabulate(b)];
    let none: &[(Chosen, Vec<Value>)] = &[];
    for axis in tables[0].keys().chain(tables[1].keys()).collect::<BTreeSet<_>>() {
        let sides = [0, 1].map(|side| tables[side].get(axis).map_or(none, Vec::as_slice));
        let subset = subset_of(axis, &sides);
        let rows = sides.map(|side| summarize(axis, side, &subset));
        let mut labels: Vec<&Vec<(&'static str, String)>> = Vec::new();
        for row in rows.iter().flatten().filter(|row| !row.values.is_empty()) {
            if !labels.contains(&&row.of) {
                labels.push(&row.of);
            }
        }
        for of in labels {
            let shown = |side: &[AxisSummary]| -> Vec<String> {
                let row = side.iter().find(|row| row.of == *of);
                row.map_or(Vec::new(), |row| row.values.iter().map(Value::to_string).collect())
            };
            let context: Vec<String> = of.iter().map(|(choice, name)| format!("{choice} = {name}")).collect();
            let context = if context.is_empty() { String::new() } else { format!(" where {}", context.join(", ")) };
            compare(format!("{axis}{context}"), shown(&rows[0]), shown(&rows[1]));
        }
    }
    for kind in ["zip", "when", "exclude"] {
        let [a, b] = [a, b].map(|sweep| {
            let of_kind = sweep.rules.iter().filter(|(known, _)| *known == kind);
            of_kind.map(|(_, text)| text.clone()).collect::<Vec<_>>()
        });
        compare(kind.to_owned(), a, b);
    }
    found
}

/// The rules of a file as text.
pub(super) fn rules(file: &File) -> Vec<(&'static str, String)> {
    let shown = |values: Vec<&Value>| {
        let text = values.iter().map(|value| value.to_string()).collect::<Vec<_>>().join(", ");
        if values.len() == 1 { text } else { format!("[{text}]") }
    };
    let condition = |rule: &super::file::Rule| {
        let test = |test: &super::file::Test| {
            format!("{} = {}", test.axis, shown(test.values.iter().map(|(value, _)| value).collect()))
        };
        rule.tests.iter().map(test).collect::<Vec<_>>().join(" and ")
    };
    let mut rules: Vec<(&'static str, String)> = Vec::new();
    rules.extend(file.zips.iter().map(|zip| ("zip", zip.axes.join(" with "))));
    for rule in &file.whens {
        let set = rule.set.iter().map(|list| {
            let values = list.rows.iter().flat_map(|row| row.first()).collect();
            format!("{} = {}", list.axes.join(", "), shown(values))
        });
        rules.push(("when", format!("{}: {}", condition(rule), set.collect::<Vec<_>>().join("; "))));
    }
    rules.extend(file.excludes.iter().map(|rule| ("exclude", condition(rule))));
    rules
}
