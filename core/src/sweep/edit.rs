//! `axis=values` as it is typed: more values at the end of a list of a sweep file.
//!
//! The file stays as it is written but for what is added. What a value may be is checked when the longer file is read;
//! here it is found out which list is meant.

use super::parse::{RECORD, STOP};
use crate::axis::{self, Axis};
use crate::error::Error;
use crate::value::Literal;
use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, TableLike, Value};

/// Why a file cannot be made longer as asked.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Misplaced {
    /// Not what can be typed.
    #[error("\"{0}\" is not AXIS=VALUE,…; write depth=4, optimizer.adam.lr=0.3,1 or replicate.count=10")]
    Form(String),
    /// Neither an axis nor a table.
    #[error(transparent)]
    Unknown(#[from] Error),
    /// A choice, whose values bring axes of their own.
    #[error(
        "\"{0}\" is a choice, whose entries have lists of their own; add a [[{0}]] table to the file, and give it as --file"
    )]
    Choice(String),
    /// An axis that no table of the file can have.
    #[error("axis \"{axis}\" applies to nothing in {place}")]
    Nowhere {
        /// The axis.
        axis: String,
        /// Where it was looked for.
        place: String,
    },
    /// An axis with several lists.
    #[error("axis \"{axis}\" has several lists; name the one that is meant: {}", places.join(", "))]
    Several {
        /// The axis.
        axis: String,
        /// What can be typed in its place.
        places: Vec<String>,
    },
    /// A list of several entries, of which one was named.
    #[error(
        "the list of \"{axis}\" is that of {names} together; for all of them: {whole}=…; for one, split the table in a --file"
    )]
    Shared {
        /// The axis.
        axis: String,
        /// The entries.
        names: String,
        /// What can be typed for all of them.
        whole: String,
    },
    /// A value that is in the list.
    #[error("{place}: {value} is in the list already: {list}")]
    There {
        /// The list.
        place: String,
        /// The value.
        value: String,
        /// What the list holds.
        list: String,
    },
    /// A count that would not grow.
    #[error("{place}: {value} is not allowed; it is {now}, and a larger integer adds to it")]
    Count {
        /// The setting.
        place: String,
        /// As typed.
        value: String,
        /// As it is.
        now: i64,
    },
    /// Not a file that could be submitted.
    #[error("the sweep file cannot be read: {0}")]
    Source(String),
}

/// `source` with each of `additions` (`samples=600,700`, `optimizer.adam.lr=0.3`, `replicate.count=10`) made: values are
/// added at the end of a list, counts are raised.
///
/// # Errors
/// [`Misplaced`]: the first that cannot be made.
pub fn lengthened<S: AsRef<str>>(source: &str, additions: &[S]) -> Result<String, Misplaced> {
    let mut document: DocumentMut =
        source.parse().map_err(|error: toml_edit::TomlError| Misplaced::Source(error.message().to_owned()))?;
    for addition in additions {
        add(&mut document, addition.as_ref())?;
    }
    Ok(document.to_string())
}

/// A table that holds lists.
#[derive(Debug, Clone)]
struct Place {
    /// Its key in the file.
    key: &'static str,
    /// Which of several.
    number: usize,
    /// The entries that it names; none for `train` and its like.
    names: Vec<String>,
    /// Whether the file has it.
    there: bool,
}

impl Place {
    /// What is typed to name `axis` of this table; `alone`: there is no other table of its key.
    fn path(&self, axis: &str, alone: bool) -> String {
        match &self.names[..] {
            _ if alone => format!("{}.{axis}", self.key),
            [name] => format!("{}.{name}.{axis}", self.key),
            names => format!("[[{}]] {} (by --file)", self.key, names.join(", ")),
        }
    }

    /// The declaration of `axis`, where its cells have it from this table.
    fn declares(&self, axis: &str) -> Option<Axis> {
        let found = |axes: &[Axis]| axes.iter().find(|known| known.name == axis).copied();
        let mine = |key: &str| match key {
            "stop" => STOP.contains(&axis),
            "record" => RECORD.contains(&axis),
            _ => !STOP.contains(&axis) && !RECORD.contains(&axis),
        };
        if self.names.is_empty() {
            return found(axis::TRAINING).or_else(|| found(axis::COMMON)).filter(|_| mine(self.key));
        }
        let entries = axis::entries(self.key);
        entries
            .iter()
            .filter(|(name, ..)| self.names.iter().any(|known| known == name))
            .find_map(|(.., axes)| found(axes))
    }
}

/// The tables of lists that the file has, and those that it could have.
fn places(document: &DocumentMut) -> Vec<Place> {
    let mut places: Vec<Place> = ["train", "stop", "record"]
        .map(|key| Place { key, number: 0, names: Vec::new(), there: document.contains_key(key) })
        .into();
    for &key in axis::CHOICES {
        let default = match key {
            "problem" => vec!["synthetic".to_owned()],
            "init" => vec!["gaussian".to_owned()],
            "schedule" => vec!["constant".to_owned()],
            "penalty" => vec!["none".to_owned()],
            _ => Vec::new(),
        };
        let tables = tables(document, key);
        if tables.is_empty() && !default.is_empty() {
            places.push(Place { key, number: 0, names: default.clone(), there: false });
        }
        for (number, table) in tables.into_iter().enumerate() {
            let names = match table.get("name").map(values) {
                Some(names) => names.into_iter().filter_map(|name| name.as_str().map(str::to_owned)).collect(),
                None => default.clone(),
            };
            places.push(Place { key, number, names, there: true });
        }
    }
    places
}

/// The tables of `key`: one, or several in one of the forms of TOML.
fn tables<'d>(document: &'d DocumentMut, key: &str) -> Vec<&'d dyn TableLike> {
    match document.get(key) {
        Some(Item::ArrayOfTables(tables)) => tables.iter().map(|table| table as &dyn TableLike).collect(),
        Some(Item::Value(Value::Array(array))) => {
            array.iter().filter_map(|value| value.as_inline_table().map(|table| table as &dyn TableLike)).collect()
        }
        Some(item) => item.as_table_like().into_iter().collect(),
        None => Vec::new(),
    }
}

/// The same table, to change it; made where the file has none.
fn table<'d>(document: &'d mut DocumentMut, place: &Place) -> Option<&'d mut dyn TableLike> {
    let new = || Item::Table(Table::new());
    match document.entry(place.key).or_insert_with(new) {
        Item::ArrayOfTables(tables) => tables.get_mut(place.number).map(|table| table as &mut dyn TableLike),
        Item::Value(Value::Array(array)) => {
            let table: Option<&mut InlineTable> = array.get_mut(place.number)?.as_inline_table_mut();
            table.map(|table| table as &mut dyn TableLike)
        }
        item => item.as_table_like_mut(),
    }
}

/// The values of a list; a single value is a list of one.
fn values(item: &Item) -> Vec<&Value> {
    match item {
        Item::Value(Value::Array(array)) => array.iter().collect(),
        Item::Value(value) => vec![value],
        _ => Vec::new(),
    }
}

fn add(document: &mut DocumentMut, addition: &str) -> Result<(), Misplaced> {
    let form = || Misplaced::Form(addition.to_owned());
    let (path, list) = addition.split_once('=').ok_or_else(form)?;
    let parts: Vec<&str> = path.split('.').map(str::trim).collect();
    let typed: Vec<&str> = list.split(',').map(str::trim).collect();
    if parts.iter().chain(&typed).any(|part| part.is_empty()) {
        return Err(form());
    }
    let (within, axis) = match parts[..] {
        [axis] => (Vec::new(), axis),
        [table, axis] => (vec![table], axis),
        [table, name, axis] => (vec![table, name], axis),
        _ => return Err(form()),
    };
    match (&within[..], axis, &typed[..]) {
        (["replicate"], "count", [count]) => return raise(document, ("replicate", "count", 1), count),
        (["tune"], "replicates", [count]) => return raise(document, ("tune", "replicates", 3), count),
        (["tune"], "refit", [count]) => return raise(document, ("tune", "refit", 10), count),
        _ => {}
    }
    if within.is_empty() && axis::CHOICES.contains(&axis) {
        return Err(Misplaced::Choice(axis.to_owned()));
    }
    if axis::find(axis).is_none() && !matches!(axis, "n" | "instance") {
        let known = axis::all().iter().map(|axis| axis.name).chain(["n", "instance"]).collect();
        return Err(Error::Unknown { what: "axis", name: axis.to_owned(), known }.into());
    }
    let place = place(document, &within, axis)?;
    append(document, &place, axis, &typed)
}

/// The table whose list of `axis` is meant.
fn place(document: &DocumentMut, within: &[&str], axis: &str) -> Result<Place, Misplaced> {
    let all = places(document);
    let known: Vec<&'static str> = ["train", "stop", "record"].iter().chain(axis::CHOICES).copied().collect();
    if let Some(table) = within.first().filter(|table| !known.contains(table)) {
        return Err(Error::Unknown { what: "table", name: (*table).to_owned(), known }.into());
    }
    let named = |place: &&Place| match within {
        [key, name] => place.key == *key && place.names.iter().any(|known| known == name),
        [key] => place.key == *key,
        _ => true,
    };
    let among: Vec<&Place> = all.iter().filter(named).collect();
    let has = |place: &&&Place| {
        place.there && tables(document, place.key).get(place.number).is_some_and(|table| table.contains_key(axis))
    };
    let mut found: Vec<&Place> = among.iter().filter(has).copied().collect();
    if found.is_empty() {
        // Nothing is said of it: it stands at its default in the one place that it belongs to.
        found = among.iter().filter(|place| place.declares(axis).is_some()).copied().collect();
    }
    let alone = |place: &Place| all.iter().filter(|other| other.key == place.key).count() == 1;
    let whens = tables(document, "when").into_iter().enumerate().filter(|(_, when)| {
        let set = when.get("set").and_then(Item::as_table_like);
        within.is_empty() && set.is_some_and(|set| set.contains_key(axis))
    });
    let whens: Vec<String> = whens.map(|(k, _)| format!("[[when]] number {} (by --file)", k + 1)).collect();
    match &found[..] {
        [place] if whens.is_empty() => {
            let path = place.path(axis, alone(place));
            match within {
                [key, _] if place.names.len() > 1 => Err(Misplaced::Shared {
                    axis: axis.to_owned(),
                    names: place.names.join(", "),
                    whole: if alone(place) { path } else { format!("{key}.{axis}") },
                }),
                _ => Ok((*place).clone()),
            }
        }
        [] if whens.is_empty() => {
            let place = if within.is_empty() { "the cells of this sweep".to_owned() } else { within.join(" ") };
            Err(Misplaced::Nowhere { axis: axis.to_owned(), place })
        }
        several => {
            let path = |place: &&Place| {
                let path = place.path(axis, alone(place));
                // Tables of one name are told apart in the file only.
                let twin =
                    several.iter().any(|other| other.number != place.number && other.path(axis, alone(other)) == path);
                if twin { format!("[[{}]] number {} (by --file)", place.key, place.number + 1) } else { path }
            };
            let places = several.iter().map(path).chain(whens).collect();
            Err(Misplaced::Several { axis: axis.to_owned(), places })
        }
    }
}

/// Adds values at the end of a list, which is made of the default where there is none.
fn append(document: &mut DocumentMut, place: &Place, axis: &str, typed: &[&str]) -> Result<(), Misplaced> {
    // The list of a zipped axis may hold a value several times.
    let zipped = tables(document, "zip").iter().any(|zip| {
        zip.get("axes").is_some_and(|axes| values(axes).into_iter().any(|known| known.as_str() == Some(axis)))
    });
    let nowhere = || Misplaced::Nowhere { axis: axis.to_owned(), place: place.key.to_owned() };
    let path = [&[place.key.to_owned()][..], &place.names[..], &[axis.to_owned()][..]].concat().join(".");
    let default = place.declares(axis).and_then(|axis| axis.default);
    let table = table(document, place).ok_or_else(nowhere)?;
    if table.get(axis).is_none() {
        let default = match default.ok_or_else(nowhere)? {
            Literal::Int(i) => Value::from(i),
            Literal::Float(x) => Value::from(x),
            Literal::Text(text) => Value::from(text),
        };
        table.insert(axis, Item::Value(default));
    }
    let Some(Item::Value(list)) = table.get_mut(axis) else { return Err(nowhere()) };
    if !list.is_array() {
        let mut array = Array::new();
        array.push(bare(list));
        let decor = list.decor().clone();
        *list = Value::Array(array);
        *list.decor_mut() = decor;
    }
    let Value::Array(array) = list else { return Err(nowhere()) };
    for text in typed {
        let value = text.parse::<Value>().ok().filter(|value| value.is_integer() || value.is_float() || value.is_str());
        let value = value.unwrap_or_else(|| Value::from(*text));
        if !zipped && array.iter().any(|known| same(known, &value)) {
            let list: Vec<String> = array.iter().map(|known| bare(known).to_string()).collect();
            return Err(Misplaced::There { place: path, value: (*text).to_owned(), list: list.join(", ") });
        }
        array.push(bare(&value));
    }
    Ok(())
}

/// A value without the spaces and comments around it.
fn bare(value: &Value) -> Value {
    let mut value = value.clone();
    value.decor_mut().clear();
    value
}

fn same(a: &Value, b: &Value) -> bool {
    let number = |value: &Value| value.as_float().or_else(|| value.as_integer().map(|i| i as f64));
    match (number(a), number(b)) {
        (Some(a), Some(b)) => a == b,
        _ => a.as_str().is_some() && a.as_str() == b.as_str(),
    }
}

/// Raises a count: its table, its key, and what it is where it is not given.
fn raise(
    document: &mut DocumentMut,
    (key, setting, default): (&'static str, &str, i64),
    typed: &str,
) -> Result<(), Misplaced> {
    let path = format!("{key}.{setting}");
    let place = Place { key, number: 0, names: Vec::new(), there: document.contains_key(key) };
    if key == "tune" && !place.there {
        return Err(Misplaced::Nowhere {
            axis: setting.to_owned(),
            place: "this sweep, which has no [tune]".to_owned(),
        });
    }
    let nowhere = || Misplaced::Source(format!("[{key}] is not a table"));
    let table = table(document, &place).ok_or_else(nowhere)?;
    let now = table.get(setting).and_then(Item::as_integer).unwrap_or(default);
    let more = typed.parse::<i64>().ok().filter(|more| *more > now);
    let more = more.ok_or_else(|| Misplaced::Count { place: path, value: typed.to_owned(), now })?;
    let mut value = Value::from(more);
    if let Some(Item::Value(old)) = table.get(setting) {
        *value.decor_mut() = old.decor().clone();
    }
    table.insert(setting, Item::Value(value));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"# a map
name = "map"
problem = { n = 20, rank = [1, 2], samples = 200 } # small
[train]
depth = [1, 3] # few
steps = 100
[[optimizer]]
name = "gd"
lr = [
  0.1, # small
  1,
]
[[optimizer]]
name = "adam"
lr = 1e-3 # usual
[[penalty]]
name = ["ratio", "nuclear"]
lambda = [0.01]
[[penalty]]
name = "none"
[[when]]
penalty = "ratio"
set = { init_scale = 0.1 }
"#;

    fn with(additions: &[&str]) -> String {
        lengthened(FILE, additions).unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn values_go_to_the_end_of_the_list_and_the_rest_of_the_file_stays() {
        for (addition, before, after) in [
            ("depth=4", "[1, 3] # few", "[1, 3, 4] # few"),
            ("samples=300,400", "samples = 200 }", "samples = [200, 300, 400] }"),
            ("problem.rank = 3", "[1, 2]", "[1, 2, 3]"),
            ("optimizer.adam.lr=0.3,1", "1e-3 # usual", "[1e-3, 0.3, 1] # usual"),
            ("optimizer.gd.lr=10", "  1,\n]", "  1, 10,\n]"),
            ("penalty.lambda=0", "[0.01]", "[0.01, 0]"),
            ("lambda=1e-1", "[0.01]", "[0.01, 1e-1]"),
        ] {
            assert!(FILE.contains(before));
            assert_eq!(with(&[addition]), FILE.replacen(before, after, 1), "{addition}");
        }
    }

    #[test]
    fn an_axis_at_its_default_gets_a_list_that_begins_with_it() {
        assert!(with(&["width=5"]).contains("steps = 100\nwidth = [0, 5]\n"));
        assert!(with(&["optimizer.adam.beta1=0.5"]).contains("lr = 1e-3 # usual\nbeta1 = [0.9, 0.5]\n"));
        assert!(with(&["loss=sum"]).contains("loss = [\"mean\", \"sum\"]"));
        assert!(with(&["tolerance=1e-9"]).ends_with("[stop]\ntolerance = [0.0, 1e-9]\n"));
        assert!(with(&["schedule.constant.warmup=5"].map(|_| "noise=0.1")).contains("noise = [0.0, 0.1] } # small"));
    }

    #[test]
    fn counts_are_raised() {
        assert!(with(&["replicate.count=10"]).ends_with("[replicate]\ncount = 10\n"));
        let tuned = format!("{FILE}[tune]\nover = [\"lr\"]\nrefit = 5 # few\n");
        let more = lengthened(&tuned, &["tune.refit=8", "tune.replicates=4"]).unwrap();
        assert!(more.ends_with("refit = 8 # few\nreplicates = 4\n"), "{more}");
        for (addition, said) in [
            ("replicate.count=1", "replicate.count: 1 is not allowed; it is 1, and a larger integer"),
            ("replicate.count=ten", "replicate.count: ten is not allowed"),
            ("tune.refit=20", "\"refit\" applies to nothing in this sweep, which has no [tune]"),
        ] {
            let error = lengthened(FILE, &[addition]).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_what_can() {
        for (addition, said) in [
            ("lr=3", "axis \"lr\" has several lists; name the one that is meant: optimizer.gd.lr, optimizer.adam.lr"),
            ("optimizer.lr=3", "optimizer.gd.lr, optimizer.adam.lr"),
            ("momentum=0.5", "axis \"momentum\" applies to nothing in the cells of this sweep"),
            ("init_scale=1", "init.init_scale, [[when]] number 1 (by --file)"),
            ("penalty.ratio.lambda=1", "is that of ratio, nuclear together; for all of them: penalty.lambda=…"),
            ("depth=3", "train.depth: 3 is in the list already: 1, 3"),
            ("optimizer.gd.lr=1.0", "optimizer.gd.lr: 1.0 is in the list already: 0.1, 1"),
            ("width=0", "train.width: 0 is in the list already: 0"),
            ("dpeth=3", "axis \"dpeth\" is not known (nearest: \"depth\")"),
            ("optimiser.adam.lr=3", "table \"optimiser\" is not known (nearest: \"optimizer\")"),
            ("optimizer.muon.lr=3", "axis \"lr\" applies to nothing in optimizer muon"),
            ("optimizer=muon", "\"optimizer\" is a choice"),
            ("depth", "\"depth\" is not AXIS=VALUE"),
            ("depth=4,", "is not AXIS=VALUE"),
            ("a.b.c.d=4", "is not AXIS=VALUE"),
        ] {
            let error = lengthened(FILE, &[addition]).unwrap_err().to_string();
            assert!(error.contains(said), "{addition}: {error}");
        }
    }

    #[test]
    fn lists_that_are_zipped_may_repeat_a_value() {
        let zipped = format!("{FILE}[[zip]]\naxes = [\"depth\", \"width\"]\n");
        assert!(lengthened(&zipped, &["depth=3", "width=7"]).is_ok());
    }
}
