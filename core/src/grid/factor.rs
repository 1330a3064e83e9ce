//! Factors: lists of alternatives, each of which gives values to one or more axes.

use crate::value::Value;
use std::collections::{BTreeMap, HashMap, HashSet};

/// The name of the coordinate that numbers replicates.
pub const REPLICATE: &str = "replicate";

/// A conjunction: each of these axes has one of these values.
pub type Condition = [(&'static str, Vec<Value>)];

/// One digit of a block: what one or more axes (several: zipped) can be, together.
#[derive(Debug, Clone, PartialEq)]
pub struct Factor {
    axes: Vec<&'static str>,
    rows: Rows,
}

#[derive(Debug, Clone, PartialEq)]
enum Rows {
    /// `rows[digit][axis]`; no row occurs twice.
    Listed(Vec<Vec<Value>>),
    /// `first .. first + count`; replicates alone, of which there may be very many.
    Counted { first: i64, count: u64 },
}

/// Whether two values are one number or one text: `1` and `1.0` are one.
pub fn same(a: &Value, b: &Value) -> bool {
    match (a.number(), b.number()) {
        (Some(a), Some(b)) => a == b,
        _ => a == b,
    }
}

/// A value as a key of a hash table: equal for values of one type that are equal, and only for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Key<'v> {
    Int(i64),
    /// The bits: values are finite and zero has one sign.
    Float(u64),
    Text(&'v str),
}

/// The key of several values.
pub(crate) fn row_key<'v>(row: impl IntoIterator<Item = &'v Value>) -> Vec<Key<'v>> {
    let key = |value: &'v Value| match value {
        Value::Int(i) => Key::Int(*i),
        Value::Float(x) => Key::Float(x.to_bits()),
        Value::Text(t) => Key::Text(t),
    };
    row.into_iter().map(key).collect()
}

/// The places of the rows that have occurred before.
pub(crate) fn repeated<'v, R: IntoIterator<Item = &'v Value>>(rows: impl Iterator<Item = R>) -> Vec<usize> {
    let mut seen = HashSet::new();
    rows.enumerate().filter_map(|(k, row)| (!seen.insert(row_key(row))).then_some(k)).collect()
}

impl Factor {
    /// `rows[k]` gives `axes` their values at digit k. A row that occurs again is left out.
    pub fn list(axes: Vec<&'static str>, mut rows: Vec<Vec<Value>>) -> Factor {
        debug_assert!(rows.iter().all(|row| row.len() == axes.len()));
        for k in repeated(rows.iter()).into_iter().rev() {
            rows.remove(k);
        }
        Factor { axes, rows: Rows::Listed(rows) }
    }

    /// One axis with one value.
    pub fn constant(axis: &'static str, value: Value) -> Factor {
        Factor { axes: vec![axis], rows: Rows::Listed(vec![vec![value]]) }
    }

    /// The replicates `first .. first + count`.
    pub fn replicates(first: i64, count: u64) -> Factor {
        Factor { axes: vec![REPLICATE], rows: Rows::Counted { first, count } }
    }

    /// The axes that it gives values to.
    pub fn axes(&self) -> &[&'static str] {
        &self.axes
    }

    /// Whether it numbers the replicates.
    pub fn is_replicates(&self) -> bool {
        self.axes == [REPLICATE]
    }

    /// How many alternatives there are.
    pub fn len(&self) -> u64 {
        match &self.rows {
            Rows::Listed(rows) => rows.len() as u64,
            Rows::Counted { count, .. } => *count,
        }
    }

    /// Whether there is no alternative.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Every alternative of a listed factor; nothing for replicates.
    pub fn rows(&self) -> &[Vec<Value>] {
        match &self.rows {
            Rows::Listed(rows) => rows,
            Rows::Counted { .. } => &[],
        }
    }

    /// The values of `axis`, one per alternative; empty where it is not an axis of this factor.
    pub fn values(&self, axis: &str) -> impl Iterator<Item = &Value> {
        let column = self.axes.iter().position(|a| *a == axis);
        column.into_iter().flat_map(|column| self.rows().iter().map(move |row| &row[column]))
    }

    /// The value of `axis` at `digit < len`; `None` where it is not an axis of this factor.
    pub fn value(&self, axis: &str, digit: u64) -> Option<Value> {
        let column = self.axes.iter().position(|a| *a == axis)?;
        Some(match &self.rows {
            Rows::Listed(rows) => rows[digit as usize][column].clone(),
            Rows::Counted { first, .. } => Value::Int(first + digit as i64),
        })
    }

    /// Adds the alternative at `digit < len` to `coordinates`.
    pub(super) fn put(&self, digit: u64, coordinates: &mut BTreeMap<String, Value>) {
        match &self.rows {
            Rows::Listed(rows) => {
                for (axis, value) in self.axes.iter().zip(&rows[digit as usize]) {
                    coordinates.insert((*axis).to_owned(), value.clone());
                }
            }
            Rows::Counted { first, .. } => {
                coordinates.insert(REPLICATE.to_owned(), Value::Int(first + digit as i64));
            }
        }
    }

    /// The digit whose alternative `coordinates` holds.
    pub(super) fn digit(&self, coordinates: &BTreeMap<String, Value>) -> Option<u64> {
        let given = self.axes.iter().map(|axis| coordinates.get(*axis)).collect::<Option<Vec<_>>>()?;
        match &self.rows {
            Rows::Listed(rows) => {
                let found = rows.iter().position(|row| row.iter().zip(&given).all(|(a, b)| same(a, b)))?;
                Some(found as u64)
            }
            Rows::Counted { first, count } => match given[0] {
                Value::Int(r) => u64::try_from(r.checked_sub(*first)?).ok().filter(|digit| digit < count),
                _ => None,
            },
        }
    }

    /// The alternatives that satisfy `condition` as far as it speaks of these axes, and the others. `None` where all of
    /// them satisfy it.
    pub(super) fn part(&self, condition: &Condition) -> Option<(Factor, Factor)> {
        let asked: Vec<(usize, &Vec<Value>)> = (condition.iter())
            .filter_map(|(axis, values)| Some((self.axes.iter().position(|a| a == axis)?, values)))
            .collect();
        let holds =
            |row: &&Vec<Value>| asked.iter().all(|(column, values)| values.iter().any(|v| same(v, &row[*column])));
        let (inside, outside): (Vec<_>, Vec<_>) = self.rows().iter().partition(holds);
        let of = |rows: Vec<&Vec<Value>>| Factor {
            axes: self.axes.clone(),
            rows: Rows::Listed(rows.into_iter().cloned().collect()),
        };
        (!outside.is_empty()).then(|| (of(inside), of(outside)))
    }

    /// The alternatives that `other`, which is over the same axes, has too, and the rest. `None`: it shares none.
    pub(super) fn meet(&self, other: &Factor) -> (Option<Factor>, Vec<Factor>) {
        if let (Rows::Counted { first, count }, Rows::Counted { first: theirs, count: many }) =
            (&self.rows, &other.rows)
        {
            let (end, their_end) = (first + *count as i64, theirs + *many as i64);
            let (from, to) = ((*first).max(*theirs), end.min(their_end));
            if from >= to {
                return (None, vec![self.clone()]);
            }
            let range = |from: i64, to: i64| (from < to).then(|| Factor::replicates(from, (to - from) as u64));
            return (range(from, to), [range(*first, from), range(to, end)].into_iter().flatten().collect());
        }
        // Zipped axes may stand in another order.
        let columns: Vec<usize> =
            self.axes.iter().filter_map(|axis| other.axes.iter().position(|theirs| theirs == axis)).collect();
        let known: HashSet<Vec<Key>> =
            other.rows().iter().map(|row| row_key(columns.iter().map(|&column| &row[column]))).collect();
        let (shared, rest): (Vec<_>, Vec<_>) =
            self.rows().iter().cloned().partition(|row| known.contains(&row_key(row)));
        let of = |rows: Vec<Vec<Value>>| {
            (!rows.is_empty()).then(|| Factor { axes: self.axes.clone(), rows: Rows::Listed(rows) })
        };
        (of(shared), of(rest).into_iter().collect())
    }

    /// What is left without `axes`: `None` where nothing is.
    pub(super) fn without(&self, axes: &[&'static str]) -> Option<Factor> {
        let kept: Vec<usize> = (0..self.axes.len()).filter(|&i| !axes.contains(&self.axes[i])).collect();
        if kept.len() == self.axes.len() {
            return Some(self.clone());
        }
        let rows = self.rows().iter().map(|row| kept.iter().map(|&i| row[i].clone()).collect()).collect();
        (!kept.is_empty()).then(|| Factor::list(kept.iter().map(|&i| self.axes[i]).collect(), rows))
    }

    /// One factor per distinct value of the axes that are not in `tuned`, in order.
    pub(crate) fn divide(&self, tuned: &[&'static str]) -> Vec<Factor> {
        let fixed: Vec<usize> = (0..self.axes.len()).filter(|&i| !tuned.contains(&self.axes[i])).collect();
        let mut parts: Vec<Vec<Vec<Value>>> = Vec::new();
        let mut known: HashMap<Vec<Key>, usize> = HashMap::new();
        for row in self.rows() {
            let at = *known.entry(row_key(fixed.iter().map(|&i| &row[i]))).or_insert_with(|| {
                parts.push(Vec::new());
                parts.len() - 1
            });
            parts[at].push(row.clone());
        }
        parts.into_iter().map(|rows| Factor { axes: self.axes.clone(), rows: Rows::Listed(rows) }).collect()
    }

    /// A text that is equal for equal factors, and only for them.
    pub fn canonical(&self) -> String {
        let rows = match &self.rows {
            Rows::Listed(rows) => rows.iter().map(|row| format!("{:?}", row_key(row))).collect::<String>(),
            Rows::Counted { first, count } => format!("{first}+{count}"),
        };
        format!("{}={rows}", self.axes.join(","))
    }
}
