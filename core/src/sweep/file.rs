//! A sweep file after reading: names resolved, each value in its type and with its place; nothing combined yet.

use super::diagnostic::Span;
use crate::axis::Axis;
use crate::value::Value;
use std::collections::BTreeMap;

/// Most values of one list.
pub(super) const MAX_LIST: usize = 10_000;
/// Most `[[when]]`, `[[exclude]]` and `[[zip]]` tables, each.
pub(super) const MAX_RULES: usize = 1_000;

/// A key with its values. A shorthand (`n`, `instance`) gives several axes at once.
#[derive(Debug, Clone)]
pub(super) struct Listed {
    pub(super) axes: Vec<&'static str>,
    /// `rows[k]`: one value per axis.
    pub(super) rows: Vec<Vec<Value>>,
    /// The place of each row.
    pub(super) spans: Vec<Span>,
    /// The place of the key.
    pub(super) key: Span,
}

/// One table of a choice, with one name.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) choice: &'static str,
    pub(super) name: &'static str,
    /// The axes that it brings.
    pub(super) axes: &'static [Axis],
    pub(super) lists: Vec<Listed>,
    /// Other choices that it restricts to these names.
    pub(super) with: Vec<(&'static str, Vec<&'static str>)>,
    /// Not a table of the file: named in another entry's `with`, and used by such entries only.
    pub(super) bare: bool,
    /// The place of its name.
    pub(super) span: Span,
}

/// One axis or choice of a condition.
#[derive(Debug, Clone)]
pub(super) struct Test {
    pub(super) axis: &'static str,
    pub(super) values: Vec<(Value, Span)>,
}

/// A `[[when]]` or, without `set`, an `[[exclude]]`.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub(super) tests: Vec<Test>,
    pub(super) set: Vec<Listed>,
    pub(super) span: Span,
}

/// Axes that are walked together.
#[derive(Debug, Clone)]
pub(super) struct Zip {
    pub(super) axes: Vec<&'static str>,
    pub(super) span: Span,
}

/// `[tune]`.
#[derive(Debug, Clone)]
pub(super) struct Tuning {
    pub(super) over: Vec<(&'static str, Span)>,
    pub(super) replicates: u64,
    pub(super) validation: f64,
    pub(super) refit: u64,
}

/// All of a file.
#[derive(Debug, Clone)]
pub(super) struct File {
    pub(super) name: String,
    pub(super) description: String,
    pub(super) tags: Vec<String>,
    pub(super) order: super::Order,
    pub(super) entries: Vec<Entry>,
    /// Lists of `[train]`, `[stop]` and `[record]`.
    pub(super) shared: Vec<Listed>,
    pub(super) whens: Vec<Rule>,
    pub(super) excludes: Vec<Rule>,
    pub(super) zips: Vec<Zip>,
    pub(super) count: u64,
    pub(super) first: i64,
    pub(super) fix: BTreeMap<&'static str, i64>,
    pub(super) seconds: Option<f64>,
    pub(super) tune: Option<Tuning>,
    /// The place of `[train]`, where it stands.
    pub(super) train: Option<Span>,
}

impl File {
    /// The tuned axes.
    pub(super) fn tuned(&self) -> Vec<&'static str> {
        self.tune.iter().flat_map(|tune| tune.over.iter().map(|(axis, _)| *axis)).collect()
    }
}

impl Listed {
    /// The place of `value` of `axis`, where this list holds it.
    pub(super) fn span_of(&self, axis: &str, value: &Value) -> Option<&Span> {
        let column = self.axes.iter().position(|a| *a == axis)?;
        let row = self.rows.iter().position(|row| crate::grid::same(&row[column], value))?;
        Some(&self.spans[row])
    }
}

impl Rule {
    /// The condition, for the algebra of blocks.
    pub(super) fn condition(&self) -> Vec<(&'static str, Vec<Value>)> {
        self.tests
            .iter()
            .map(|test| (test.axis, test.values.iter().map(|(value, _)| value.clone()).collect()))
            .collect()
    }
}
