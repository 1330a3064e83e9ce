//! From bytes to [`File`]: every table and key, with nothing left unread.
//!
//! A key that is not understood is an error that names the nearest known one. Reading goes on after an error, so that
//! one pass reports all of them.

use super::Order;
use super::diagnostic::{Report, Span};
use super::file::{Entry, File, Listed, MAX_RULES, Rule, Test, Tuning, Zip};
use super::read::{Node, choice, declarations, items};
use crate::axis::{self, Axis, Kind};
use crate::error::Error;
use crate::grid::REPLICATE;
use crate::value::Value;
use std::collections::BTreeMap;
use toml::de::DeTable;

/// Most bytes of a sweep file: 1 MiB.
pub const MAX_BYTES: usize = 1 << 20;

/// The seeds that a replicate sets.
pub(super) const SEEDS: [&str; 4] = ["problem_seed", "mask_seed", "init_seed", "validation_seed"];

const KEYS: &[&str] = &[
    "name",
    "description",
    "tags",
    "order",
    "problem",
    "train",
    "init",
    "optimizer",
    "schedule",
    "penalty",
    "baseline",
    "when",
    "exclude",
    "zip",
    "replicate",
    "stop",
    "record",
    "tune",
];
pub(super) const STOP: &[&str] = &["tolerance", "converge"];
pub(super) const RECORD: &[&str] = &["points", "top_k", "matrices"];

/// The file, as far as it can be understood, and whether that is far enough to look for values that conflict.
pub(super) fn file(table: &DeTable, report: &mut Report) -> (File, bool) {
    let mut parser = Parser { report, zipped: Vec::new() };
    let mut file = File {
        name: String::new(),
        description: String::new(),
        tags: Vec::new(),
        order: Order::LongestFirst,
        entries: Vec::new(),
        shared: Vec::new(),
        whens: Vec::new(),
        excludes: Vec::new(),
        zips: Vec::new(),
        count: 1,
        first: 0,
        fix: BTreeMap::new(),
        seconds: None,
        tune: None,
        train: None,
    };
    let items = items(table);
    // Zips first: they say which lists may hold a value twice.
    if let Some((_, span, node)) = items.iter().find(|(key, ..)| *key == "zip") {
        parser.zips(span, node, &mut file);
    }
    let mut whole = parser.report.is_empty();
    for (key, span, node) in &items {
        let before = parser.report.len();
        parser.key(key, span, node, &mut file);
        whole &= parser.report.len() == before || !matches!(*key, "problem" | "when" | "exclude");
    }
    if !items.iter().any(|(key, ..)| *key == "name") {
        parser.report.add(&(0..0), "key \"name\" is missing; a sweep needs a name: name = \"…\"");
    }
    if file.tune.is_some() && file.count > 1 {
        let span = items.iter().find(|(key, ..)| *key == "replicate").map_or(0..0, |(_, span, _)| span.clone());
        let message = "key \"count\" has no meaning beside [tune]; there: replicates, refit";
        parser.report.add(&span, message);
    }
    (file, whole)
}

struct Parser<'r> {
    report: &'r mut Report,
    /// Axes of some `[[zip]]`: their lists may hold a value several times.
    zipped: Vec<&'static str>,
}

impl Parser<'_> {
    fn key(&mut self, key: &str, span: &Span, node: &Node, file: &mut File) {
        match key {
            "name" => {
                file.name = self.report.text(key, node, 200).unwrap_or_default();
                if node.get_ref().as_str().is_some_and(|name| name.trim().is_empty()) {
                    self.report.add(&node.span(), "key \"name\": the text is empty; a sweep needs a name");
                }
            }
            "description" => file.description = self.report.text(key, node, 10_000).unwrap_or_default(),
            "tags" => self.tags(node, file),
            "order" => {
                if let Some(word) = self.report.name("order", node, &["longest-first", "replicates-first"]) {
                    file.order = if word == "longest-first" { Order::LongestFirst } else { Order::ReplicatesFirst };
                }
            }
            "train" => {
                file.train = Some(span.clone());
                let known: Vec<_> = axis::TRAINING.iter().map(|axis| axis.name).collect();
                self.shared("train", node, &known, true, file);
            }
            "stop" => self.shared("stop", node, STOP, false, file),
            "record" => self.shared("record", node, RECORD, false, file),
            "when" => self.rules("when", span, node, file),
            "exclude" => self.rules("exclude", span, node, file),
            "zip" => {}
            "replicate" => self.replicate(node, file),
            "tune" => self.tune(span, node, file),
            _ => match choice(key) {
                Some(choice) => {
                    for (table, header) in self.report.tables(choice, span, node) {
                        self.entry(choice, table, &header, file);
                    }
                }
                None => self.report.unknown("key", key, span, KEYS),
            },
        }
    }

    fn tags(&mut self, node: &Node, file: &mut File) {
        for tag in self.report.nodes("key \"tags\"", node).unwrap_or_default() {
            match self.report.text("tags", tag, 100) {
                Some(text) if file.tags.contains(&text) => {
                    self.report.add(&tag.span(), format!("key \"tags\": \"{text}\" is given twice"));
                }
                Some(text) => file.tags.push(text),
                None => {}
            }
        }
    }

    /// `[train]`, `[stop]`, `[record]`: lists for all cells.
    fn shared(&mut self, table: &'static str, node: &Node, known: &[&'static str], open: bool, file: &mut File) {
        let Some(items) = self.report.table(table, node).map(items) else { return };
        for (key, span, node) in items {
            if table == "stop" && key == "seconds" {
                let seconds = self.report.setting(key, node, Kind::Above(0.0, 1e9));
                file.seconds = seconds.and_then(|value| value.number());
                continue;
            }
            let declared = declarations(key);
            let of_problem = axis::entries("problem").iter().any(|(_, _, axes)| axes.iter().any(|a| a.name == key));
            if !known.contains(&key) && (!open || declared.is_empty() || of_problem || key == "n") {
                if open && (of_problem || key == "n") {
                    self.report.add(&span, format!("axis \"{key}\" is one of the problem; give it in [problem]"));
                } else {
                    let known: Vec<_> = known.iter().copied().chain((table == "stop").then_some("seconds")).collect();
                    self.unknown_key(key, &span, &known);
                }
            } else if let Some(list) = self.list(key, &span, node, &declared) {
                self.push(&mut file.shared, list);
            }
        }
    }

    /// A table of a choice: `[[optimizer]]`, `[problem]`, ….
    fn entry(&mut self, choice: &'static str, table: &DeTable, header: &Span, file: &mut File) {
        let known = axis::entries(choice);
        let names: Vec<_> = known.iter().map(|(name, ..)| *name).collect();
        let named = items(table).into_iter().find(|(key, ..)| *key == "name");
        let default = match choice {
            "problem" => Some("synthetic"),
            "init" => Some("gaussian"),
            "schedule" => Some("constant"),
            "penalty" => Some("none"),
            _ => None,
        };
        let chosen = match (named, default) {
            (Some((_, _, node)), _) => match self.report.names(choice, node, &names) {
                Some(chosen) => chosen,
                None => return,
            },
            (None, Some(default)) => vec![(default, header.clone())],
            (None, None) => {
                let message = format!("key \"name\" is missing in [[{choice}]]; known: {}", names.join(", "));
                return self.report.add(header, message);
            }
        };
        let entries: Vec<_> = chosen
            .into_iter()
            .filter_map(|(name, span)| known.iter().find(|(known, ..)| *known == name).map(|k| (name, k.2, span)))
            .collect();
        let own: Vec<Axis> = entries.iter().flat_map(|(_, axes, _)| axes.iter().copied()).collect();
        let (mut lists, mut with) = (Vec::new(), Vec::new());
        for (key, span, node) in items(table) {
            if key == "name" {
                continue;
            }
            if let Some(other) = self::choice(key).filter(|other| *other != choice) {
                let known: Vec<_> = axis::entries(other).iter().map(|(name, ..)| *name).collect();
                if (choice == "baseline" && other != "problem") || other == "baseline" && choice != "problem" {
                    let message = format!("choice \"{key}\" does not apply to [[{choice}]]");
                    self.report.add(&span, message);
                } else if let Some(names) = self.report.names(other, node, &known) {
                    with.push((other, names.into_iter().map(|(name, _)| name).collect()));
                }
                continue;
            }
            if let Some(list) = self.entry_list(choice, key, &span, node, &own) {
                self.push(&mut lists, list);
            }
        }
        for (name, axes, span) in entries {
            // A list that came with several names stays with those that have its axes.
            let brought_by_choice = |axis: &str| known.iter().any(|(_, _, axes)| axes.iter().any(|a| a.name == axis));
            let applies = |list: &&Listed| {
                list.axes.iter().all(|&axis| axes.iter().any(|a| a.name == axis) || !brought_by_choice(axis))
            };
            let lists = lists.iter().filter(applies).cloned().collect();
            file.entries.push(Entry { choice, name, axes, lists, with: with.clone(), bare: false, span });
        }
    }

    /// One key of an entry: an axis of its own, or any other that its cells have.
    fn entry_list(&mut self, choice: &str, key: &str, span: &Span, node: &Node, own: &[Axis]) -> Option<Listed> {
        let mine: Vec<Axis> = own.iter().filter(|axis| axis.name == key).copied().collect();
        let has = |name: &str| own.iter().any(|axis| axis.name == name);
        if key == "n" && has("n1") && has("n2") {
            let kinds: Vec<Axis> = own.iter().filter(|axis| axis.name == "n1").copied().collect();
            return self.list(key, span, node, &kinds);
        }
        if key == "instance" && has("observed") && has("truth") {
            return self.instances(span, node);
        }
        if !mine.is_empty() {
            return self.list(key, span, node, &mine);
        }
        // Brought by others: not by another name of this choice alone, and not by training for a baseline.
        let holds = |axes: &[Axis]| axes.iter().any(|axis| axis.name == key);
        let elsewhere = axis::CHOICES.iter().any(|&other| {
            let reached = other != choice && (choice != "baseline" || other == "problem") && other != "baseline";
            reached && axis::entries(other).iter().any(|(_, _, axes)| holds(axes))
        });
        if elsewhere || holds(axis::COMMON) || (choice != "baseline" && holds(axis::TRAINING)) {
            return self.list(key, span, node, &declarations(key));
        }
        let mut known = vec!["name"];
        for axis in own {
            if !known.contains(&axis.name) {
                known.push(axis.name);
            }
        }
        known.extend((has("n1") && has("n2")).then_some("n"));
        known.extend((has("observed") && has("truth")).then_some("instance"));
        if axis::find(key).is_some() {
            let error = Error::NotApplicable { axis: key.to_owned(), to: format!("this {choice}"), known };
            self.report.error(span, &error);
        } else {
            self.unknown_key(key, span, &known);
        }
        None
    }

    /// An unknown key of a table that may also hold any other axis.
    fn unknown_key(&mut self, key: &str, span: &Span, known: &[&'static str]) {
        let error = Error::Unknown { what: "key", name: key.to_owned(), known: known.to_vec() };
        let message = error.to_string();
        let all = axis::all().iter().map(|axis| axis.name);
        let near = (!message.contains("nearest")).then(|| {
            let far = |name: &&str| strsim::osa_distance(key, name);
            let near = all.min_by_key(far).filter(|name| far(name) <= 1 + name.len() / 4);
            near.map(|name| format!("did you mean the axis \"{name}\"?"))
        });
        self.report.add_with(span, message, near.flatten());
    }

    /// The list of one axis, or of n1 and n2 under the name n.
    fn list(&mut self, key: &str, span: &Span, node: &Node, declared: &[Axis]) -> Option<Listed> {
        let axes = axes_of(key)?;
        let kinds: Vec<Kind> = declared.iter().map(|axis| axis.kind).collect();
        let repeated = axes.iter().any(|axis| self.zipped.contains(axis));
        let values = self.report.values(key, node, &kinds, repeated)?;
        let (rows, spans) = values.into_iter().map(|(value, span)| (vec![value; axes.len()], span)).unzip();
        Some(Listed { axes, rows, spans, key: span.clone() })
    }

    /// `instance = ["X"]`: `X.obs.csv` with `X.gt.csv`.
    fn instances(&mut self, span: &Span, node: &Node) -> Option<Listed> {
        let values = self.report.values("instance", node, &[Kind::File], false)?;
        let path = |stem: &Value, suffix: &str| Value::Text(format!("{stem}{suffix}"));
        let pair = |(stem, span): (Value, Span)| (vec![path(&stem, ".obs.csv"), path(&stem, ".gt.csv")], span);
        let (rows, spans) = values.into_iter().map(pair).unzip();
        let axes = ["observed", "truth"].iter().filter_map(|name| axis::find(name)).map(|axis| axis.name).collect();
        Some(Listed { axes, rows, spans, key: span.clone() })
    }

    /// Adds a list unless one of its axes has one.
    fn push(&mut self, lists: &mut Vec<Listed>, list: Listed) {
        let taken = lists.iter().find_map(|known| known.axes.iter().find(|axis| list.axes.contains(axis)));
        match taken {
            Some(axis) => self.report.add(&list.key, format!("axis \"{axis}\" is given twice for the same cells")),
            None => lists.push(list),
        }
    }

    fn rules(&mut self, table: &'static str, span: &Span, node: &Node, file: &mut File) {
        let tables = self.report.tables(table, span, node);
        if tables.len() > MAX_RULES {
            let message = format!("{} [[{table}]] are more than the {MAX_RULES} allowed", tables.len());
            return self.report.add(span, message);
        }
        for (fields, header) in tables {
            let before = self.report.len();
            let mut rule = Rule { tests: Vec::new(), set: Vec::new(), span: header.clone() };
            let mut set = false;
            for (key, span, node) in items(fields) {
                if table == "when" && key == "set" {
                    set = true;
                    self.set(node, &mut rule);
                } else {
                    self.test(key, &span, node, &mut rule);
                }
            }
            if rule.tests.is_empty() && self.report.len() == before {
                let message = format!("[[{table}]] has no condition; name an axis or a choice and its values");
                self.report.add(&header, message);
            }
            if table == "when" && (!set || rule.set.is_empty()) && self.report.len() == before {
                self.report.add(&header, "[[when]] sets nothing; give set = { axis = [values] }");
            }
            let own = rule.set.iter().find(|l| l.axes.iter().any(|a| rule.tests.iter().any(|t| t.axis == *a)));
            if let Some(list) = own {
                let axis = list.axes.join(", ");
                self.report.add(&list.key, format!("axis \"{axis}\" is set where it is the condition; set other axes"));
            }
            if self.report.len() == before {
                if table == "when" { &mut file.whens } else { &mut file.excludes }.push(rule);
            }
        }
    }

    /// One axis or choice of a condition.
    fn test(&mut self, key: &str, span: &Span, node: &Node, rule: &mut Rule) {
        if let Some(choice) = choice(key) {
            let known: Vec<_> = axis::entries(choice).iter().map(|(name, ..)| *name).collect();
            if let Some(names) = self.report.names(choice, node, &known) {
                let values = names.into_iter().map(|(name, span)| (Value::from(name), span)).collect();
                rule.tests.push(Test { axis: choice, values });
            }
        } else if key == REPLICATE || SEEDS.contains(&key) {
            let message = format!("\"{key}\" cannot be in a condition: replicates are alike for all cells");
            self.report.add(span, message);
        } else if let Some(axes) = axes_of(key) {
            let kinds: Vec<Kind> = declarations(axes[0]).iter().map(|axis| axis.kind).collect();
            let values = self.report.values(key, node, &kinds, false).unwrap_or_default();
            rule.tests.extend(axes.into_iter().map(|axis| Test { axis, values: values.clone() }));
        } else {
            self.report.unknown("axis", key, span, &named());
        }
    }

    /// `set = { axis = [values] }` of a `[[when]]`.
    fn set(&mut self, node: &Node, rule: &mut Rule) {
        let Some(table) = self.report.table("set", node) else { return };
        for (key, span, node) in items(table) {
            if choice(key).is_some() {
                let message =
                    format!("choice \"{key}\" cannot be set; name it in the entry, or leave cells out by [[exclude]]");
                self.report.add(&span, message);
            } else if key == REPLICATE || SEEDS.contains(&key) {
                self.report.add(&span, format!("\"{key}\" cannot be set by [[when]]; see [replicate]"));
            } else if let Some(axes) = axes_of(key) {
                let list = self.list(key, &span, node, &declarations(axes[0]));
                list.into_iter().for_each(|list| self.push(&mut rule.set, list));
            } else {
                self.report.unknown("axis", key, &span, &named());
            }
        }
    }

    fn zips(&mut self, span: &Span, node: &Node, file: &mut File) {
        let tables = self.report.tables("zip", span, node);
        if tables.len() > MAX_RULES {
            return self.report.add(span, format!("{} [[zip]] are more than the {MAX_RULES} allowed", tables.len()));
        }
        for (table, header) in tables {
            let before = self.report.len();
            let mut zip = Zip { axes: Vec::new(), span: header.clone() };
            for (key, span, node) in items(table) {
                if key != "axes" {
                    self.report.unknown("key", key, &span, &["axes"]);
                    continue;
                }
                for node in self.report.nodes("key \"axes\"", node).unwrap_or_default() {
                    let mut known = named();
                    known.retain(|name| choice(name).is_none());
                    let axes = self.report.name("axis", node, &known).and_then(axes_of).unwrap_or_default();
                    for axis in axes {
                        if self.zipped.contains(&axis) || SEEDS.contains(&axis) {
                            let why = if SEEDS.contains(&axis) { "a seed" } else { "zipped already" };
                            self.report.add(&node.span(), format!("axis \"{axis}\" is {why}; zip other axes"));
                        }
                        zip.axes.push(axis);
                        self.zipped.push(axis);
                    }
                    zip.span = node.span();
                }
            }
            if zip.axes.len() < 2 && self.report.len() == before {
                self.report.add(&header, "[[zip]] needs axes = [\"…\", \"…\"]: two axes or more");
            }
            if self.report.len() == before {
                file.zips.push(zip);
            }
        }
    }

    fn replicate(&mut self, node: &Node, file: &mut File) {
        let Some(items) = self.report.table("replicate", node).map(items) else { return };
        for (key, span, node) in items {
            match key {
                // 10^9 replicates and a first of 10^12: bounds that no index arithmetic can overflow.
                "count" => file.count = self.report.integer(key, node, 1, 1_000_000_000).unwrap_or(1) as u64,
                "first" => file.first = self.report.integer(key, node, 0, 1_000_000_000_000).unwrap_or(0),
                "fix" => {
                    let Some(table) = self.report.table("fix", node) else { continue };
                    for (key, span, node) in self::items(table) {
                        match SEEDS.iter().find(|seed| **seed == key) {
                            Some(seed) => {
                                let value = self.report.integer(key, node, 0, i64::MAX);
                                file.fix.extend(value.map(|value| (*seed, value)));
                            }
                            None => self.report.unknown("seed", key, &span, &SEEDS),
                        }
                    }
                    if file.fix.len() == SEEDS.len() {
                        let message = "every seed is fixed, so all replicates are one run; leave one of them free";
                        self.report.add(&span, message);
                    }
                }
                _ => self.report.unknown("key", key, &span, &["count", "first", "fix"]),
            }
        }
    }

    fn tune(&mut self, span: &Span, node: &Node, file: &mut File) {
        let Some(table) = self.report.table("tune", node) else { return };
        let before = self.report.len();
        let mut tune = Tuning { over: Vec::new(), replicates: 3, validation: 0.1, refit: 10 };
        for (key, span, node) in items(table) {
            match key {
                "over" => tune.over = self.report.names("axis", node, &tunable()).unwrap_or_default(),
                // Refits are numbered from 1000 on, so that their seeds are fresh.
                "replicates" => tune.replicates = self.report.integer(key, node, 1, 1_000).unwrap_or(3) as u64,
                "validation" => {
                    let share = self.report.setting(key, node, Kind::Below(0.0, 0.9)).and_then(|v| v.number());
                    if share == Some(0.0) {
                        self.report.add(&node.span(), "key \"validation\": 0 is outside (0, 0.9)");
                    }
                    tune.validation = share.unwrap_or(0.1);
                }
                "refit" => tune.refit = self.report.integer(key, node, 1, 1_000_000).unwrap_or(10) as u64,
                _ => self.report.unknown("key", key, &span, &["over", "replicates", "validation", "refit"]),
            }
        }
        if tune.over.is_empty() && self.report.len() == before {
            self.report.add(span, format!("key \"over\" is missing in [tune]; axes: {}", tunable().join(", ")));
        }
        file.tune = (self.report.len() == before).then_some(tune);
    }
}

/// The axes under a key: `n` stands for n1 and n2.
fn axes_of(key: &str) -> Option<Vec<&'static str>> {
    let axis = |name| axis::find(name).map(|axis| axis.name);
    if key == "n" { Some(vec![axis("n1")?, axis("n2")?]) } else { Some(vec![axis(key)?]) }
}

/// What a condition can name.
fn named() -> Vec<&'static str> {
    let axes = axis::all().iter().map(|axis| axis.name).filter(|name| !SEEDS.contains(name));
    axis::CHOICES.iter().copied().chain(axes).chain(["n"]).collect()
}

/// The axes that a method brings and that do not move its cost: what can be tuned.
fn tunable() -> Vec<&'static str> {
    let methods = ["init", "optimizer", "schedule", "penalty", "baseline"];
    let brought = |name| {
        let entries = methods.iter().flat_map(|choice| axis::entries(choice));
        entries.flat_map(|(_, _, axes)| axes).any(|axis| axis.name == name)
    };
    let problem = |name| axis::entries("problem").iter().any(|(_, _, axes)| axes.iter().any(|a| a.name == name));
    let axes = axis::all().iter().filter(|axis| !axis.cost && brought(axis.name) && !problem(axis.name));
    axes.map(|axis| axis.name).collect()
}
