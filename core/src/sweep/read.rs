//! Reading of single keys: values, lists, and names, each with its place.

use super::diagnostic::{Report, Span};
use super::file::MAX_LIST;
use crate::axis::{self, Axis, Kind};
use crate::error::Error;
use crate::grid::row_key;
use crate::value::Value;
use std::collections::HashSet;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A value with its place.
pub(super) type Node<'t> = Spanned<DeValue<'t>>;

/// The keys of a table, in the order of the file.
pub(super) fn items<'a, 't>(table: &'a DeTable<'t>) -> Vec<(&'a str, Span, &'a Node<'t>)> {
    let mut items: Vec<_> = table.iter().map(|(key, value)| (key.get_ref().as_ref(), key.span(), value)).collect();
    items.sort_by_key(|(_, span, _)| span.start);
    items
}

/// Every declaration of an axis: with all runs, and with each entry that brings it.
pub(super) fn declarations(name: &str) -> Vec<Axis> {
    let brought = axis::CHOICES.iter().flat_map(|choice| axis::entries(choice)).flat_map(|(_, _, axes)| axes);
    axis::COMMON.iter().chain(axis::TRAINING).chain(brought).filter(|axis| axis.name == name).copied().collect()
}

/// The choice called `name`.
pub(super) fn choice(name: &str) -> Option<&'static str> {
    axis::CHOICES.iter().copied().find(|choice| *choice == name)
}

/// What a value is, where it is no number and no text.
fn shown(value: &DeValue) -> String {
    match value {
        DeValue::Boolean(b) => b.to_string(),
        DeValue::Datetime(date) => date.to_string(),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
        DeValue::Integer(i) => i.to_string(),
        DeValue::Float(x) => x.to_string(),
        DeValue::String(text) => format!("\"{text}\""),
    }
}

fn expected(kind: &Kind) -> &'static str {
    match kind {
        Kind::Int(..) => "an integer",
        Kind::Float(..) | Kind::Above(..) | Kind::Below(..) => "a number",
        Kind::Word(_) => "text",
        Kind::File => "the path of a file",
    }
}

/// A number or a text of any of `kinds`.
fn scalar(axis: &str, node: &Node, kinds: &[Kind]) -> Result<Value, Error> {
    let mismatch = |expected| Error::Type { axis: axis.to_owned(), value: shown(node.get_ref()), expected };
    let value = match node.get_ref() {
        DeValue::String(text) if text.chars().any(char::is_control) => {
            return Err(mismatch("text without control characters"));
        }
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(i) => Value::Int(i64::from_str_radix(i.as_str(), i.radix()).map_err(|_| Error::Range {
            axis: axis.to_owned(),
            value: i.to_string(),
            allowed: kinds.iter().map(Kind::allowed).next().unwrap_or_default(),
        })?),
        DeValue::Float(x) => Value::Float(x.as_str().parse().map_err(|_| mismatch("a number"))?),
        _ => return Err(mismatch(kinds.first().map_or("a value", expected))),
    };
    let mut refused = None;
    for kind in kinds {
        match kind.check(axis, &value) {
            Ok(value) => return Ok(value),
            Err(error) => refused = refused.or(Some(error)),
        }
    }
    refused.map_or(Ok(value), Err)
}

impl Report {
    /// A number or a text of any of `kinds`.
    pub(super) fn value(&mut self, axis: &str, node: &Node, kinds: &[Kind]) -> Option<Value> {
        scalar(axis, node, kinds).map_err(|error| self.error(&node.span(), &error)).ok()
    }

    /// A number or text of a key that is no axis.
    pub(super) fn setting(&mut self, key: &str, node: &Node, kind: Kind) -> Option<Value> {
        let refused = |error: Error| self.add(&node.span(), error.to_string().replacen("axis", "key", 1));
        scalar(key, node, &[kind]).map_err(refused).ok()
    }

    /// The nodes of a list; a single value is a list of one. Reports an empty or an overlong one.
    pub(super) fn nodes<'a, 't>(&mut self, axis: &str, node: &'a Node<'t>) -> Option<Vec<&'a Node<'t>>> {
        let DeValue::Array(nodes) = node.get_ref() else { return Some(vec![node]) };
        if nodes.is_empty() {
            self.add(&node.span(), format!("axis \"{axis}\": the list is empty; at least one value is needed"));
            return None;
        }
        if nodes.len() > MAX_LIST {
            let length = nodes.len();
            self.add(&node.span(), format!("axis \"{axis}\": {length} values are more than the {MAX_LIST} allowed"));
            return None;
        }
        Some(nodes.iter().collect())
    }

    /// A list of values of any of `kinds`, each once unless `repeated`. All bad values are reported.
    pub(super) fn values(
        &mut self,
        axis: &str,
        node: &Node,
        kinds: &[Kind],
        repeated: bool,
    ) -> Option<Vec<(Value, Span)>> {
        let (mut seen, mut values, before) = (HashSet::new(), Vec::new(), self.len());
        for node in self.nodes(axis, node)? {
            let Some(value) = self.value(axis, node, kinds) else { continue };
            if !seen.insert(row_key([&value])) && !repeated {
                self.twice(axis, &value, &node.span());
            }
            values.push((value, node.span()));
        }
        (self.len() == before).then_some(values)
    }

    /// A value that stands in a list already.
    pub(super) fn twice(&mut self, axis: &str, value: &Value, span: &Span) {
        self.add(span, format!("axis \"{axis}\": {value} is given twice; each value stands once in a list"));
    }

    /// An integer setting.
    pub(super) fn integer(&mut self, key: &str, node: &Node, least: i64, most: i64) -> Option<i64> {
        match self.setting(key, node, Kind::Int(least, most))? {
            Value::Int(i) => Some(i),
            _ => None,
        }
    }

    /// A text setting of at most `most` characters.
    pub(super) fn text(&mut self, key: &str, node: &Node, most: usize) -> Option<String> {
        let DeValue::String(text) = node.get_ref() else {
            self.add(&node.span(), format!("key \"{key}\": {} is not text", shown(node.get_ref())));
            return None;
        };
        let length = text.chars().count();
        if length > most {
            self.add(&node.span(), format!("key \"{key}\": {length} characters are more than the {most} allowed"));
        } else if text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
            self.add(&node.span(), format!("key \"{key}\": a control character is not allowed in text"));
        } else {
            return Some(text.to_string());
        }
        None
    }

    /// One of `known` names.
    pub(super) fn name(&mut self, what: &'static str, node: &Node, known: &[&'static str]) -> Option<&'static str> {
        let DeValue::String(name) = node.get_ref() else {
            let error = Error::Type { axis: what.to_owned(), value: shown(node.get_ref()), expected: "a name" };
            self.error(&node.span(), &error);
            return None;
        };
        let found = known.iter().copied().find(|known| *known == name.as_ref());
        if found.is_none() {
            self.unknown(what, name, &node.span(), known);
        }
        found
    }

    /// A list of `known` names, each once.
    pub(super) fn names(
        &mut self,
        what: &'static str,
        node: &Node,
        known: &[&'static str],
    ) -> Option<Vec<(&'static str, Span)>> {
        let (mut names, before) = (Vec::<(&'static str, Span)>::new(), self.len());
        for node in self.nodes(what, node)? {
            let Some(name) = self.name(what, node, known) else { continue };
            if names.iter().any(|(known, _)| *known == name) {
                self.twice(what, &Value::from(name), &node.span());
            }
            names.push((name, node.span()));
        }
        (self.len() == before).then_some(names)
    }

    /// A name that is not among `known`.
    pub(super) fn unknown(&mut self, what: &'static str, name: &str, span: &Span, known: &[&'static str]) {
        self.error(span, &Error::Unknown { what, name: name.to_owned(), known: known.to_vec() });
    }

    /// The table of `[key]`.
    pub(super) fn table<'a, 't>(&mut self, key: &str, node: &'a Node<'t>) -> Option<&'a DeTable<'t>> {
        if let DeValue::Table(table) = node.get_ref() {
            return Some(table);
        }
        self.add(&node.span(), format!("key \"{key}\": {} is not a table; write [{key}]", shown(node.get_ref())));
        None
    }

    /// The tables of `[[key]]` (or a single `[key]`), each with its place.
    pub(super) fn tables<'a, 't>(
        &mut self,
        key: &str,
        key_span: &Span,
        node: &'a Node<'t>,
    ) -> Vec<(&'a DeTable<'t>, Span)> {
        match node.get_ref() {
            DeValue::Table(table) => vec![(table, key_span.clone())],
            DeValue::Array(nodes) if nodes.iter().all(|node| node.get_ref().is_table()) => {
                let tables = nodes.iter().filter_map(|node| Some((node.get_ref().as_table()?, node.span())));
                tables.collect()
            }
            other => {
                let shown = shown(other);
                self.add(&node.span(), format!("key \"{key}\": {shown} is not a table; write [{key}] or [[{key}]]"));
                Vec::new()
            }
        }
    }
}
