//! What can vary, and between which values.
//!
//! An axis is declared once: here where it belongs to every run, or in the registry entry that brings it
//! (`lr` with an optimizer, `rank` with a synthetic problem). Sweep files, trials, SQL columns, help and error
//! texts are all made from these declarations.

use crate::error::{Error, Result};
use crate::value::{Literal, Value};
use crate::{baseline, init, optimizer, penalty, problem, schedule};
use std::collections::HashMap;
use std::sync::OnceLock;

/// What values an axis takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// An integer in `min..=max`.
    Int(i64, i64),
    /// A finite number in `min..=max`.
    Float(f64, f64),
    /// A finite number with `min < x ≤ max`.
    Above(f64, f64),
    /// A finite number with `min ≤ x < max`.
    Below(f64, f64),
    /// One of these words.
    Word(&'static [&'static str]),
    /// The path of a data file; a trial's identity holds the hash of its content instead.
    File,
}

impl Kind {
    /// What is allowed, for error and help texts.
    pub fn allowed(&self) -> String {
        let n = |x: f64| Value::Float(x).to_string();
        match *self {
            Kind::Int(a, i64::MAX) => format!("{a}.. (an integer)"),
            Kind::Int(a, b) => format!("{a}..={b}"),
            Kind::Float(f64::MIN, f64::MAX) => "any finite number".to_owned(),
            Kind::Float(a, f64::MAX) => format!("a finite number ≥ {}", n(a)),
            Kind::Float(a, b) => format!("[{}, {}]", n(a), n(b)),
            Kind::Above(a, f64::MAX) => format!("a finite number > {}", n(a)),
            Kind::Above(a, b) => format!("({}, {}]", n(a), n(b)),
            Kind::Below(a, b) => format!("[{}, {})", n(a), n(b)),
            Kind::Word(words) => words.join(", "),
            Kind::File => "the path of a file".to_owned(),
        }
    }

    /// `value` in the type of this axis: an integer is accepted where a number is asked.
    ///
    /// # Errors
    /// [`Error::Type`], [`Error::Range`], [`Error::Unknown`] naming the axis.
    pub fn check(&self, axis: &str, value: &Value) -> Result<Value> {
        let mismatch = |expected| Error::Type { axis: axis.to_owned(), value: shown(value), expected };
        let range = || Error::Range { axis: axis.to_owned(), value: shown(value), allowed: self.allowed() };
        match *self {
            Kind::Int(a, b) => match value {
                Value::Int(i) if (a..=b).contains(i) => Ok(value.clone()),
                Value::Int(_) => Err(range()),
                _ => Err(mismatch("an integer")),
            },
            Kind::Float(..) | Kind::Above(..) | Kind::Below(..) => {
                let x = value.number().ok_or_else(|| mismatch("a number"))?;
                let inside = match *self {
                    Kind::Above(a, b) => x > a && x <= b,
                    Kind::Below(a, b) => x >= a && x < b,
                    Kind::Float(a, b) => x >= a && x <= b,
                    _ => unreachable!("the outer arm holds real kinds only"),
                };
                // -0.0 and 0.0 are one value, and must have one digest.
                if x.is_finite() && inside { Ok(Value::Float(x + 0.0)) } else { Err(range()) }
            }
            Kind::Word(words) => match value.text().ok_or_else(|| mismatch("text"))? {
                word if words.contains(&word) => Ok(value.clone()),
                word => Err(Error::Unknown { what: "value", name: word.to_owned(), known: words.to_vec() }),
            },
            Kind::File => match value.text() {
                Some("") | None => Err(mismatch("the path of a file")),
                Some(_) => Ok(value.clone()),
            },
        }
    }
}

/// A value as it stands in an error: text in quotes.
fn shown(value: &Value) -> String {
    match value {
        Value::Text(t) => format!("\"{t}\""),
        other => other.to_string(),
    }
}

/// One varied quantity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Axis {
    /// The name in sweep files and the column in SQL.
    pub name: &'static str,
    /// One sentence with the unit.
    pub doc: &'static str,
    /// What is allowed.
    pub kind: Kind,
    /// The value where none is given; `None`: it must be given.
    pub default: Option<Literal>,
    /// Whether it moves the time or memory that a run takes.
    pub cost: bool,
}

impl Axis {
    /// An axis that must be given.
    pub const fn needed(name: &'static str, doc: &'static str, kind: Kind) -> Axis {
        Axis { name, doc, kind, default: None, cost: false }
    }
    /// An axis with a default.
    pub const fn optional(name: &'static str, doc: &'static str, kind: Kind, default: Literal) -> Axis {
        Axis { name, doc, kind, default: Some(default), cost: false }
    }
    /// The same axis, marked as one that moves the cost.
    pub const fn costly(self) -> Axis {
        Axis { cost: true, ..self }
    }
}

/// Any seed: a replicate's number unless fixed.
pub const SEED: Kind = Kind::Int(0, i64::MAX);

/// The axes of every run, training or baseline, beside those that its problem brings.
pub const COMMON: &[Axis] = &[
    Axis::optional("problem_seed", "seed of the ground truth and the noise", SEED, Literal::Int(0)),
    Axis::optional("mask_seed", "seed of the observation mask", SEED, Literal::Int(0)),
    Axis::optional(
        "validation",
        "share of the observed entries held out for selection",
        Kind::Below(0.0, 0.9),
        Literal::Float(0.0),
    ),
    Axis::optional("validation_seed", "seed of the validation split", SEED, Literal::Int(0)),
    Axis::optional("top_k", "leading singular values recorded at each point", Kind::Int(0, 64), Literal::Int(10)),
    Axis::optional(
        "matrices",
        "matrices recorded: none, at the end, or at every point",
        Kind::Word(&["none", "final", "points"]),
        Literal::Text("none"),
    ),
];

/// The axes of every training run, beside those that its init, optimizer, schedule and penalty bring.
pub const TRAINING: &[Axis] = &[
    Axis::optional("depth", "number N of layers, W = W_N ⋯ W_1", Kind::Int(1, 8), Literal::Int(1)).costly(),
    Axis::optional("width", "hidden width; 0 means min(n1, n2)", Kind::Int(0, 100_000), Literal::Int(0)).costly(),
    Axis::optional("init_seed", "seed of the initial factors", SEED, Literal::Int(0)),
    Axis::optional(
        "loss",
        "error over the observed entries: mean, sum or half the sum of squares; mean of fourth powers",
        Kind::Word(&["mean", "sum", "half_sum", "mean_fourth"]),
        Literal::Text("mean"),
    ),
    Axis::optional(
        "penalty_on",
        "the end-to-end matrix, or each layer",
        Kind::Word(&["end_to_end", "layers"]),
        Literal::Text("end_to_end"),
    )
    .costly(),
    Axis::needed("steps", "step budget T", Kind::Int(1, 1_000_000_000)).costly(),
    Axis::optional(
        "tolerance",
        "stop when the train loss is at most this; 0: never",
        Kind::Float(0.0, f64::MAX),
        Literal::Float(0.0),
    ),
    Axis::optional(
        "converge",
        "stop on a relative change below this over 100 steps (objective and W); 0: never",
        Kind::Float(0.0, 1.0),
        Literal::Float(0.0),
    ),
    Axis::optional(
        "dtype",
        "numbers of 64 or of 32 bits for weights, products and gradients; what is measured is of 64",
        Kind::Word(&["f64", "f32"]),
        Literal::Text("f64"),
    )
    .costly(),
    Axis::optional(
        "decomposition",
        "how a penalty's gradient is had from the singular values: partial fractions; those with reductions of 32 bits \
         (less exact); a full singular value decomposition each step (slow)",
        Kind::Word(&["poles", "mixed", "svd"]),
        Literal::Text("poles"),
    )
    .costly(),
    Axis::optional(
        "probe",
        "whether the step before each point is compared with those that gradient descent, momentum, Adam and the \
         end-to-end flow would take from the same W",
        Kind::Word(&["off", "on"]),
        Literal::Text("off"),
    )
    .costly(),
    Axis::optional("points", "trajectory points recorded at most", Kind::Int(2, 100_000), Literal::Int(40)),
];

/// The choices: axes whose value is a registry entry that brings axes of its own. In the order of columns.
pub const CHOICES: &[&str] = &["problem", "baseline", "init", "optimizer", "schedule", "penalty"];

/// Does `$with` with the registry of a choice.
macro_rules! with_registry {
    ($choice:expr, $known:ident => $with:expr) => {
        match $choice {
            "problem" => with_registry!(@ problem, $known => $with),
            "baseline" => with_registry!(@ baseline, $known => $with),
            "init" => with_registry!(@ init, $known => $with),
            "optimizer" => with_registry!(@ optimizer, $known => $with),
            "schedule" => with_registry!(@ schedule, $known => $with),
            "penalty" => with_registry!(@ penalty, $known => $with),
            other => unreachable!("{other} is not one of CHOICES"),
        }
    };
    (@ $registry:ident, $known:ident => $with:expr) => {{
        let $known = $registry::KNOWN;
        $with
    }};
}

/// The entries of a choice: name, sentence, axes.
pub fn entries(choice: &str) -> Vec<(&'static str, &'static str, &'static [Axis])> {
    with_registry!(choice, known => known.iter().map(|e| (e.name, e.doc, e.axes)).collect())
}

/// The entry of a choice that has this name, if there is one: name, axes.
pub fn entry(choice: &str, name: &str) -> Option<(&'static str, &'static [Axis])> {
    with_registry!(choice, known => known.iter().find(|e| e.name == name).map(|e| (e.name, e.axes)))
}

/// Every axis but the choices, once each, in the order of columns. (`default` and `doc` are those of the
/// first entry that declares it; what a given entry takes is in that entry.)
pub fn all() -> &'static [Axis] {
    static ALL: OnceLock<Vec<Axis>> = OnceLock::new();
    ALL.get_or_init(|| {
        let mut axes: Vec<Axis> = Vec::new();
        let brought = CHOICES.iter().flat_map(|choice| entries(choice)).flat_map(|(_, _, axes)| axes.iter());
        for axis in COMMON.iter().chain(TRAINING).chain(brought) {
            if !axes.iter().any(|known| known.name == axis.name) {
                axes.push(*axis);
            }
        }
        axes
    })
}

/// The axis called `name`, if it is one (choices are not).
pub fn find(name: &str) -> Option<&'static Axis> {
    static BY_NAME: OnceLock<HashMap<&'static str, &'static Axis>> = OnceLock::new();
    BY_NAME.get_or_init(|| all().iter().map(|axis| (axis.name, axis)).collect()).get(name).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_means_the_same_wherever_it_is_declared() {
        for choice in CHOICES {
            for (entry, _, axes) in entries(choice) {
                for axis in axes {
                    let first = find(axis.name).unwrap();
                    assert_eq!(
                        std::mem::discriminant(&first.kind),
                        std::mem::discriminant(&axis.kind),
                        "{entry}.{}",
                        axis.name
                    );
                    assert_eq!(first.cost, axis.cost, "{entry}.{}", axis.name);
                    assert!(!CHOICES.contains(&axis.name), "{entry}.{}", axis.name);
                    if let Some(default) = axis.default
                        && !(axis.kind == Kind::File && default == Literal::Text(""))
                    {
                        axis.kind.check(axis.name, &default.into()).unwrap();
                    }
                }
            }
        }
    }

    #[test]
    fn zero_has_one_sign() {
        let zero = Kind::Float(-1.0, 1.0).check("x", &Value::Float(-0.0)).unwrap();
        assert!(zero.number().unwrap().is_sign_positive());
    }
}
