//! Penalties, optimizers and schedules against formulas, theorems and reference values. Every test that can loops
//! over `KNOWN`, so a new entry is tested, or fails for want of reference values, as soon as it is listed.

mod optimizers;
mod penalties;
mod schedules;

use std::collections::BTreeMap;
use sweep_core::trial::Trial;
use sweep_core::value::Value;

/// A training trial with these choices and axes; the small problem it needs is never made.
fn trial(given: &[(&str, Value)]) -> Trial {
    let scene: &[(&str, Value)] = &[
        ("n1", 3.into()),
        ("n2", 3.into()),
        ("rank", 1.into()),
        ("samples", 5.into()),
        ("optimizer", "gd".into()),
        ("steps", 10.into()),
    ];
    let mut all: BTreeMap<String, Value> = scene.iter().map(|(k, v)| (k.to_string(), v.clone())).collect();
    all.extend(given.iter().map(|(k, v)| (k.to_string(), v.clone())));
    all.entry("lr".to_owned()).or_insert(Value::Float(0.1));
    Trial::new(&all, &BTreeMap::new()).unwrap_or_else(|e| panic!("{given:?}: {e}"))
}
