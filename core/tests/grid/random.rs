//! Random sweep files, each with an enumeration that knows nothing of blocks.
//!
//! A file is made from a list of bytes (so that a failing one shrinks), as text and as lists of cells: one map per
//! cell, rules applied map by map. What the file cannot mean (a condition that holds nowhere) is left out of both.

use std::collections::{BTreeMap, BTreeSet};
use sweep_core::value::Value;

pub type Coordinates = BTreeMap<String, Value>;

/// Bytes as a source of choices; at the end, always the first.
pub struct Choices(pub std::vec::IntoIter<u8>);

impl Choices {
    pub fn below(&mut self, n: usize) -> usize {
        usize::from(self.0.next().unwrap_or(0)) % n
    }
    fn flip(&mut self) -> bool {
        self.below(2) == 1
    }
    /// One or more of `pool`, in its order or the reverse.
    pub fn some<T: Clone>(&mut self, pool: &[T]) -> Vec<T> {
        let start = self.below(pool.len());
        let count = 1 + self.below(pool.len() - start);
        let mut chosen = pool[start..start + count].to_vec();
        if self.flip() {
            chosen.reverse();
        }
        chosen
    }
}

/// A value as it is written in a file.
fn text(value: &Value) -> String {
    match value {
        Value::Text(t) => format!("\"{t}\""),
        other => other.to_string(),
    }
}

pub fn texts(values: &[Value]) -> String {
    format!("[{}]", values.iter().map(text).collect::<Vec<_>>().join(", "))
}

pub fn pool(axis: &str) -> Vec<Value> {
    let floats = |x: &[f64]| x.iter().map(|&x| Value::Float(x)).collect();
    let ints = |x: &[i64]| x.iter().map(|&x| Value::Int(x)).collect();
    match axis {
        "n1" | "n2" => ints(&[4, 5, 6]),
        "rank" => ints(&[1, 2, 3]),
        "samples" => ints(&[5, 10]),
        "depth" => ints(&[1, 2, 3]),
        "width" => ints(&[0, 4, 7]),
        "steps" => ints(&[10, 20]),
        "lr" => floats(&[0.1, 1.0, 10.0]),
        "lambda" => floats(&[0.0, 0.01, 0.1]),
        "beta1" => floats(&[0.9, 0.5]),
        "init_scale" => floats(&[0.001, 1.0]),
        other => panic!("no pool for {other}"),
    }
}

fn default(axis: &str) -> Option<Value> {
    match axis {
        "depth" => Some(Value::Int(1)),
        "width" => Some(Value::Int(0)),
        "beta1" => Some(Value::Float(0.9)),
        "init_scale" => Some(Value::Float(0.001)),
        _ => None,
    }
}

/// The axes that a cell with these choices has.
fn has(cell: &Coordinates) -> Vec<&'static str> {
    let mut axes = vec!["n1", "n2", "rank", "samples"];
    if cell.contains_key("optimizer") {
        axes.extend(["depth", "width", "steps", "init_scale", "lr"]);
    }
    if cell.get("optimizer").and_then(Value::text) == Some("adam") {
        axes.push("beta1");
    }
    if !matches!(cell.get("penalty").and_then(Value::text), Some("none") | None) {
        axes.push("lambda");
    }
    axes
}

type Lists = Vec<(&'static str, Vec<Value>)>;

/// A rule: axis or choice → values, and what is set.
#[derive(Debug, Clone)]
struct Rule {
    condition: Lists,
    set: Lists,
}

impl Rule {
    fn holds(&self, cell: &Coordinates) -> bool {
        self.condition.iter().all(|(axis, values)| cell.get(*axis).is_some_and(|value| values.contains(value)))
    }
}

#[derive(Debug)]
pub struct Made {
    pub file: String,
    /// Without replicates.
    pub cells: Vec<Coordinates>,
    pub count: i64,
    pub tuned: Vec<&'static str>,
}

/// Every cell with each of `values` at `axis`.
pub fn times(cells: Vec<Coordinates>, axis: &str, values: &[Value]) -> Vec<Coordinates> {
    let with = |cell: &Coordinates, value: &Value| {
        let mut cell = cell.clone();
        cell.insert(axis.to_owned(), value.clone());
        cell
    };
    cells.iter().flat_map(|cell| values.iter().map(|value| with(cell, value))).collect()
}

fn distinct(mut cells: Vec<Coordinates>) -> Vec<Coordinates> {
    let mut seen = BTreeSet::new();
    cells.retain(|cell| seen.insert(format!("{cell:?}")));
    cells
}

pub fn make(bytes: Vec<u8>, tune: bool) -> Made {
    let mut choose = Choices(bytes.into_iter());
    let mut file = "name = \"random\"\n".to_owned();
    let mut tuned: Vec<&'static str> = if tune { vec!["lr"] } else { Vec::new() };
    tuned.extend(["lambda", "init_scale"].into_iter().filter(|_| tune && choose.flip()));
    let mut mentioned: BTreeSet<&'static str> = ["n1", "n2", "rank", "samples", "steps", "lr"].into();

    // The problem: n for both sides, or a side each.
    let mut problem: Lists = ["rank", "samples"].map(|axis| (axis, choose.some(&pool(axis)))).into();
    let square = choose.flip().then(|| choose.some(&pool("n1")));
    let sides: Lists = ["n1", "n2"].map(|axis| (axis, choose.some(&pool(axis)))).into();
    file += "[problem]\n";
    match &square {
        Some(n) => file += &format!("n = {}\n", texts(n)),
        None => problem.extend(sides),
    }
    for (axis, values) in &problem {
        file += &format!("{axis} = {}\n", texts(values));
    }

    // Shared lists, two of which may be zipped.
    let mut train: Lists = vec![("steps", choose.some(&pool("steps")))];
    for axis in ["depth", "width", "init_scale"] {
        if choose.flip() {
            train.push((axis, choose.some(&pool(axis))));
        }
    }
    let mut zipped: Vec<(&'static str, &'static str)> = Vec::new();
    if choose.flip() {
        let length = 1 + choose.below(4);
        let mut draw = |axis: &'static str, other: &'static str| {
            let values: Vec<Value> = (0..length).map(|_| pool(axis)[choose.below(pool(axis).len())].clone()).collect();
            (axis, values, other)
        };
        let (a, b) = (draw("depth", "init_scale"), draw("init_scale", "depth"));
        let pairs: BTreeSet<String> = a.1.iter().zip(&b.1).map(|pair| format!("{pair:?}")).collect();
        if pairs.len() == length {
            train.retain(|(axis, _)| *axis != "depth" && *axis != "init_scale");
            train.extend([(a.0, a.1), (b.0, b.1)]);
            zipped.push(("depth", "init_scale"));
            file += "[[zip]]\naxes = [\"depth\", \"init_scale\"]\n";
        }
    }
    file += "[train]\n";
    for (axis, values) in &train {
        file += &format!("{axis} = {}\n", texts(values));
        mentioned.insert(axis);
    }

    // Entries.
    let mut optimizers: Vec<(&'static str, Lists)> = Vec::new();
    let names = choose.some(&["gd", "adam"]);
    for name in names.iter().copied() {
        let mut lists: Lists = vec![("lr", choose.some(&pool("lr")))];
        if name == "adam" && choose.flip() {
            lists.push(("beta1", choose.some(&pool("beta1"))));
        }
        // A shared list that every entry replaces is an error, so the last one leaves it.
        let shared = train.iter().any(|(axis, _)| *axis == "depth") && Some(&name) == names.last();
        if zipped.is_empty() && !shared && choose.flip() {
            lists.push(("depth", choose.some(&pool("depth"))));
        }
        optimizers.push((name, lists));
    }
    let mut penalties: Vec<(&'static str, Lists)> = Vec::new();
    for name in choose.some(&["none", "ratio", "nuclear"]) {
        let lambda = (name != "none").then(|| ("lambda", choose.some(&pool("lambda"))));
        penalties.push((name, lambda.into_iter().collect()));
    }
    for (choice, entries) in [("optimizer", &optimizers), ("penalty", &penalties)] {
        for (name, lists) in entries {
            file += &format!("[[{choice}]]\nname = \"{name}\"\n");
            for (axis, values) in lists {
                file += &format!("{axis} = {}\n", texts(values));
                mentioned.insert(axis);
            }
        }
    }
    let baseline = choose.flip();
    if baseline {
        file += "[[baseline]]\nname = \"zero_fill\"\n";
    }

    // The rules, as they may be: conditions on what may occur, sets of what may apply.
    let mut rules: Vec<Rule> = Vec::new();
    let conditions = ["depth", "rank", "lr", "lambda", "init_scale", "width", "optimizer", "penalty"];
    for _ in 0..choose.below(4) {
        let mut condition: Lists = Vec::new();
        for _ in 0..1 + choose.below(2) {
            let axis = conditions[choose.below(conditions.len())];
            let values = match axis {
                "optimizer" => choose.some(&["gd", "adam"]).into_iter().map(Value::from).collect(),
                "penalty" => choose.some(&["none", "ratio", "nuclear"]).into_iter().map(Value::from).collect(),
                axis => choose.some(&pool(axis)),
            };
            if !condition.iter().any(|(known, _)| *known == axis) {
                condition.push((axis, values));
            }
        }
        let mut set: Lists = Vec::new();
        for axis in ["lr", "lambda", "init_scale", "beta1", "width"] {
            if choose.below(3) == 2 && !condition.iter().any(|(known, _)| *known == axis) {
                set.push((axis, choose.some(&pool(axis))));
            }
        }
        rules.push(Rule { condition, set });
    }

    // What is mentioned counts from the start, so the rules that will be dropped must be known first: those that are
    // refused by their form here, those that hold nowhere below, with everything mentioned.
    let mut asked: BTreeSet<&'static str> = BTreeSet::new();
    rules.retain(|rule| {
        let allowed = rule.set.iter().all(|(axis, _)| {
            !asked.contains(axis) && (tuned.contains(axis) || !rule.condition.iter().any(|(on, _)| tuned.contains(on)))
        });
        if allowed && !rule.set.is_empty() {
            asked.extend(rule.condition.iter().map(|(axis, _)| *axis));
        }
        allowed
    });
    loop {
        let of_rules = rules.iter().flat_map(|rule| rule.condition.iter().chain(&rule.set).map(|(axis, _)| *axis));
        let mut all = mentioned.clone();
        all.extend(of_rules.filter(|axis| !["optimizer", "penalty"].contains(axis)));

        // Every combination, with each axis from the first that lists it.
        let mut cells: Vec<Coordinates> = Vec::new();
        let mut combinations: Vec<(Coordinates, Lists)> = Vec::new();
        let names = |pairs: &[(&str, &str)]| -> Coordinates {
            pairs.iter().map(|(choice, name)| ((*choice).to_owned(), Value::from(*name))).collect()
        };
        for (optimizer, mine) in &optimizers {
            for (penalty, theirs) in &penalties {
                let chosen = [
                    ("problem", "synthetic"),
                    ("init", "gaussian"),
                    ("schedule", "constant"),
                    ("optimizer", *optimizer),
                    ("penalty", *penalty),
                ];
                combinations.push((names(&chosen), mine.iter().chain(theirs).cloned().collect()));
            }
        }
        if baseline {
            combinations.push((names(&[("problem", "synthetic"), ("baseline", "zero_fill")]), Vec::new()));
        }
        for (chosen, own) in combinations {
            let mut part = vec![chosen.clone()];
            let lists: Lists = own.into_iter().chain(problem.clone()).chain(train.clone()).collect();
            for axis in has(&chosen) {
                let list = lists.iter().find(|(known, _)| *known == axis).map(|(_, values)| values);
                match (axis, list) {
                    ("n1", None) => part = times(part, "n1", square.as_ref().unwrap()),
                    ("n2", None) => part.iter_mut().for_each(|cell| {
                        cell.insert("n2".to_owned(), cell["n1"].clone());
                    }),
                    ("init_scale", Some(_)) if !zipped.is_empty() => {}
                    ("depth", Some(depths)) if !zipped.is_empty() => {
                        let scales = &lists.iter().find(|(known, _)| *known == "init_scale").unwrap().1;
                        let mut pairs = Vec::new();
                        for (depth, scale) in depths.iter().zip(scales) {
                            let one = times(part.clone(), "depth", std::slice::from_ref(depth));
                            pairs.extend(times(one, "init_scale", std::slice::from_ref(scale)));
                        }
                        part = pairs;
                    }
                    (axis, Some(values)) => part = times(part, axis, values),
                    (axis, None) if all.contains(axis) => part = times(part, axis, &[default(axis).unwrap()]),
                    _ => {}
                }
            }
            cells.extend(part);
        }
        // The rules in turn; the first that cannot stand is dropped, and everything begins again.
        let mut refused = None;
        let (whens, excludes): (Vec<usize>, Vec<usize>) = (0..rules.len()).partition(|&i| !rules[i].set.is_empty());
        for i in whens.iter().chain(&excludes).copied() {
            let rule = &rules[i];
            let occurs = rule.condition.iter().all(|(axis, values)| {
                values.iter().all(|value| cells.iter().any(|cell| cell.get(*axis) == Some(value)))
            });
            let (inside, outside): (Vec<_>, Vec<_>) = cells.iter().cloned().partition(|cell| rule.holds(cell));
            let applies = |axis: &str| inside.iter().any(|cell| has(cell).contains(&axis));
            if !occurs || inside.is_empty() || !rule.set.iter().all(|(axis, _)| applies(axis)) {
                refused = Some(i);
                break;
            }
            if rule.set.is_empty() {
                if outside.is_empty() || (tune && !outside.iter().any(|cell| cell.contains_key("lr"))) {
                    refused = Some(i);
                    break;
                }
                cells = outside;
                continue;
            }
            let mut inside = inside;
            for (axis, values) in &rule.set {
                let (with, without): (Vec<_>, Vec<_>) = inside.into_iter().partition(|cell| has(cell).contains(axis));
                let bare = with.into_iter().map(|mut cell| {
                    cell.remove(*axis);
                    cell
                });
                inside = times(distinct(bare.collect()), axis, values);
                inside.extend(without);
            }
            cells = outside;
            cells.extend(inside);
        }
        if let Some(i) = refused {
            rules.remove(i);
            continue;
        }
        for rule in &rules {
            file += if rule.set.is_empty() { "[[exclude]]\n" } else { "[[when]]\n" };
            for (axis, values) in &rule.condition {
                file += &format!("{axis} = {}\n", texts(values));
            }
            if !rule.set.is_empty() {
                let set: Vec<_> = rule.set.iter().map(|(axis, values)| format!("{axis} = {}", texts(values))).collect();
                file += &format!("set = {{ {} }}\n", set.join(", "));
            }
        }
        let count = 1 + choose.below(3) as i64;
        tuned.retain(|axis| cells.iter().any(|cell| cell.contains_key(*axis)));
        if tune {
            file += &format!("[tune]\nover = {}\n", texts(&tuned.iter().map(|a| Value::from(*a)).collect::<Vec<_>>()));
            file += &format!("replicates = {count}\nrefit = 2\nvalidation = 0.2\n[replicate]\nfirst = 7\n");
        } else {
            file += &format!("[replicate]\ncount = {count}\nfirst = 7\n");
        }
        return Made { file, cells, count, tuned };
    }
}
