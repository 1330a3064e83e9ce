//! One coordinate: the value that an axis takes in a cell.

use serde::{Deserialize, Serialize};

/// A value of an axis. Floats are finite; text is a name or a path.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// A count or a seed.
    Int(i64),
    /// A real number; always finite.
    Float(f64),
    /// A name or a path.
    Text(String),
}

impl Value {
    /// The number, where it is one.
    pub fn number(&self) -> Option<f64> {
        match self {
            Value::Int(i) => Some(*i as f64),
            Value::Float(f) => Some(*f),
            Value::Text(_) => None,
        }
    }
    /// The text, where it is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Value::Text(t) => Some(t),
            _ => None,
        }
    }
}

impl std::fmt::Display for Value {
    /// As a person writes it: `0.001`, `1e-9`, `adam`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Value::Int(i) => write!(f, "{i}"),
            Value::Float(x) if *x != 0.0 && (x.abs() < 1e-3 || x.abs() >= 1e6) => write!(f, "{x:e}"),
            Value::Float(x) => write!(f, "{x}"),
            Value::Text(t) => write!(f, "{t}"),
        }
    }
}

impl From<i64> for Value {
    fn from(i: i64) -> Self {
        Value::Int(i)
    }
}
impl From<f64> for Value {
    fn from(x: f64) -> Self {
        Value::Float(x)
    }
}
impl From<&str> for Value {
    fn from(t: &str) -> Self {
        Value::Text(t.to_owned())
    }
}

/// A value that can stand in a `const`: the default of an axis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Literal {
    /// An integer.
    Int(i64),
    /// A real number.
    Float(f64),
    /// Text.
    Text(&'static str),
}

impl Literal {
    /// Whether `value` is this one.
    pub fn is(&self, value: &Value) -> bool {
        match (self, value) {
            (Literal::Int(a), Value::Int(b)) => a == b,
            (Literal::Float(a), Value::Float(b)) => a == b,
            (Literal::Text(a), Value::Text(b)) => a == b,
            _ => false,
        }
    }
}

impl From<Literal> for Value {
    fn from(l: Literal) -> Self {
        match l {
            Literal::Int(i) => Value::Int(i),
            Literal::Float(x) => Value::Float(x),
            Literal::Text(t) => Value::Text(t.to_owned()),
        }
    }
}
