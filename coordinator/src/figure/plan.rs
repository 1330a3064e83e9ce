//! Which axes a picture has, for this sweep: what was asked for, else what suits.

use super::ask::{Ask, METHOD, Wrong};
use super::kind::Form;
use super::lattice::{AxisValues, Group, Lattice, Part, is_method, varied, varied_among};
use super::names;
use crate::store::Measure;
use std::collections::BTreeMap;
use std::sync::Arc;
use sweep_core::axis::{self, Kind};
use sweep_core::grid::Factor;
use sweep_core::sweep::Sweep;
use sweep_core::value::Value;

/// Most facets in a row or a column.
const MOST_FACETS: usize = 12;
/// Axes that researchers look at first, in this order.
const FIRST: [&str; 7] = ["samples", "rank", "lr", "lambda", "init_scale", "noise", "n1"];
/// What makes a method, in the order in which it is named.
const METHOD_AXES: [&str; 4] = ["baseline", "optimizer", "penalty", "depth"];

/// A dimension of a picture: one axis, or several together.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Dimension {
    /// Name for people.
    pub name: String,
    /// The axes; none: everything is one.
    pub axes: Vec<String>,
}

/// What is drawn, settled.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Which cells.
    pub part: Part,
    /// Across.
    pub x: Dimension,
    /// Up.
    pub y: Dimension,
    /// Facets.
    pub across: Option<Dimension>,
    /// Facets.
    pub down: Option<Dimension>,
    /// What tells series apart.
    pub by: Dimension,
    /// What is measured; at least one.
    pub metrics: Vec<Measure>,
}

impl Dimension {
    fn single(name: &str) -> Dimension {
        Dimension { name: names::axis(name), axes: vec![name.to_owned()] }
    }
}

impl Plan {
    /// Settles what `ask` asks of `sweep`.
    ///
    /// # Errors
    /// [`Wrong`] for an axis that the sweep does not have.
    pub fn of(sweep: &Sweep, ask: &Ask) -> Result<Plan, Wrong> {
        let tuned = |name: &Option<String>| {
            let tune = sweep.tune.as_ref();
            tune.is_some_and(|tune| name.as_deref().is_some_and(|name| tune.over.contains(&name)))
        };
        let of_tuning = tuned(&ask.x) || tuned(&ask.y) || ask.kind.name == "lambda-lr" && sweep.tune.is_some();
        let part = ask.part.unwrap_or(if of_tuning { Part::Tuning } else { Part::Reported });
        let mut free = varied(sweep, part);
        let size = |free: &[(String, usize)], name: &str| free.iter().find(|(axis, _)| axis == name).map(|(_, n)| *n);
        let has = |name: &str| {
            sweep.slabs().any(|slab| slab.factors.iter().any(|factor| factor.axes().contains(&name)))
                || sweep.tune.as_ref().is_some_and(|tune| tune.over.contains(&name))
        };
        let is_course = matches!(ask.kind.form, Form::Steps | Form::Together | Form::Spectrum | Form::Path);
        let is_heat = matches!(ask.kind.form, Form::Heatmap | Form::Phase);
        let named = |key: &'static str, name: &str, free: &[(String, usize)]| -> Result<Option<Dimension>, Wrong> {
            if name == METHOD {
                return Ok(Some(method(free)));
            }
            if ask.presumes(key) && size(free, name).is_none() {
                return Ok(None);
            }
            if has(name) {
                return Ok(Some(Dimension::single(name)));
            }
            let list: Vec<String> = free.iter().map(|(axis, n)| format!("{axis} ({n})")).collect();
            Err(Wrong(format!("{key}: the sweep has no axis \"{name}\"; it varies {}", list.join(", "))))
        };
        let take = |dimension: &Dimension, free: &mut Vec<(String, usize)>| {
            free.retain(|(axis, _)| !dimension.axes.contains(axis));
        };

        let mut x = None;
        let mut y = None;
        let mut across = None;
        let mut down = None;
        let mut by = Dimension { name: String::new(), axes: Vec::new() };
        // What was asked for first, so that nothing is presumed twice.
        if !is_course && let Some(name) = &ask.x {
            x = named("x", name, &free)?;
            x.iter().for_each(|dimension| take(dimension, &mut free));
        }
        if is_heat && let Some(name) = &ask.y {
            y = named("y", name, &free)?;
            y.iter().for_each(|dimension| take(dimension, &mut free));
        }
        for (key, name, place) in [("across", &ask.across, &mut across), ("down", &ask.down, &mut down)] {
            if let Some(name) = name {
                *place = named(key, name, &free)?;
                place.iter().for_each(|dimension| take(dimension, &mut free));
            }
        }
        if is_course || ask.kind.form == Form::Curves {
            for name in &ask.by {
                if let Some(dimension) = named("by", name, &free)? {
                    take(&dimension, &mut free);
                    by.axes.extend(dimension.axes);
                }
            }
        }
        if ask.along.is_some() && x.is_none() {
            let name = ask.x.as_deref().unwrap_or("x");
            return Err(Wrong(format!(
                "x: the sweep does not vary \"{name}\", which this picture is about; --x names another axis"
            )));
        }
        if !is_course {
            x = x.or_else(|| first_number(sweep, &free).map(|name| Dimension::single(&name)));
            x.iter().for_each(|dimension| take(dimension, &mut free));
        }
        if ask.kind.form == Form::Curves && ask.by.is_empty() {
            by = method(&free);
            take(&by, &mut free);
        }
        if is_heat {
            y = y.or_else(|| first_number(sweep, &free).map(|name| Dimension::single(&name)));
            y.iter().for_each(|dimension| take(dimension, &mut free));
            if x.is_none() {
                // Nothing but methods: penalties across, the rest up.
                let words = ["penalty", "optimizer", "baseline", "depth"];
                x = words.into_iter().find(|name| size(&free, name).is_some()).map(Dimension::single);
                x.iter().for_each(|dimension| take(dimension, &mut free));
            }
            if y.is_none() {
                y = Some(method(&free));
                y.iter().for_each(|dimension| take(dimension, &mut free));
            }
            // Facets tell apart the cells that have a place along x and y.
            let having: Vec<String> =
                [&x, &y].into_iter().flatten().flat_map(|dimension| dimension.axes.clone()).collect();
            let having: Vec<String> = having.into_iter().filter(|name| !is_method(name)).collect();
            let taken = |name: &String| {
                [&x, &y, &across, &down].into_iter().flatten().any(|dimension| dimension.axes.contains(name))
            };
            let mut free: Vec<(String, usize)> = varied_among(sweep, part, &having);
            free.retain(|(name, n)| *n > 1 && !taken(name));
            for place in [&mut across, &mut down] {
                if place.is_none() {
                    let fits = |name: &&str| size(&free, name).is_some_and(|n| n <= MOST_FACETS);
                    let next = ["optimizer", "penalty", "depth", "baseline"].into_iter().find(fits).map(str::to_owned);
                    let next = next.or_else(|| {
                        let fits = |(name, n): &&(String, usize)| *n <= 6 && !is_method(name) && crosses(sweep, name);
                        free.iter().find(fits).map(|(axis, _)| axis.clone())
                    });
                    *place = next.map(|name| Dimension::single(&name));
                    place.iter().for_each(|dimension| take(dimension, &mut free));
                }
            }
        }
        if by.axes.len() == 1 {
            by.name = names::axis(&by.axes[0]);
        } else if !by.axes.is_empty() && by.name.is_empty() {
            by.name = METHOD.to_owned();
        }
        if !is_course && x.is_none() && ask.kind.form != Form::Methods && !is_heat {
            return Err(Wrong("x: the sweep varies no axis of numbers; take kind methods or heatmap".to_owned()));
        }
        let metrics = if ask.metrics.is_empty() { vec![usual(sweep, part)] } else { ask.metrics.clone() };
        let one = Dimension::default;
        Ok(Plan { part, x: x.unwrap_or_else(one), y: y.unwrap_or_else(one), across, down, by, metrics })
    }
}

/// What is measured where nothing is said: of tuning what it selects by.
fn usual(sweep: &Sweep, part: Part) -> Measure {
    let rated = sweep.slabs().any(|slab| {
        let mut problems = slab.factors.iter().flat_map(|factor| factor.values("problem"));
        problems.any(|problem| problem.text() == Some("ratings"))
    });
    let name = match part {
        Part::Tuning => "validated_validation_mse",
        Part::Reported if rated => "test_rmse",
        Part::Reported => "test_rel",
    };
    Measure::named(name).expect("a recorded column")
}

/// Everything that tells methods apart in this sweep.
fn method(free: &[(String, usize)]) -> Dimension {
    let axes = METHOD_AXES.into_iter().filter(|name| free.iter().any(|(axis, _)| axis == name));
    Dimension { name: METHOD.to_owned(), axes: axes.map(str::to_owned).collect() }
}

/// Whether an axis varies by itself somewhere, and not only with others.
fn crosses(sweep: &Sweep, name: &str) -> bool {
    let own = |factor: &Arc<Factor>| factor.axes().contains(&name) && factor.len() > 1;
    sweep.slabs().any(|slab| slab.factors.iter().any(own))
}

/// The axis of numbers that one looks at first. One that only follows another (as an init scale that goes with the depth) is
/// none.
fn first_number(sweep: &Sweep, free: &[(String, usize)]) -> Option<String> {
    let is_number = |name: &str| {
        let number = |axis: &axis::Axis| {
            matches!(axis.kind, Kind::Int(..) | Kind::Float(..) | Kind::Above(..) | Kind::Below(..))
        };
        name == "validation" || !is_method(name) && axis::find(name).is_some_and(number)
    };
    let rank = |name: &str| FIRST.iter().position(|first| *first == name).unwrap_or(FIRST.len());
    let mut numbers: Vec<&(String, usize)> =
        free.iter().filter(|(name, n)| *n > 1 && is_number(name) && crosses(sweep, name)).collect();
    numbers.sort_by_key(|(name, n)| (rank(name), std::cmp::Reverse(*n)));
    numbers.first().map(|(name, _)| name.clone())
}

/// The places along a dimension: for each the numbers of its axes' values.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Places {
    columns: Vec<usize>,
    /// In order.
    known: Vec<Vec<usize>>,
}

impl Places {
    /// The places of `dimension` that occur in a lattice.
    pub fn of(dimension: &Dimension, lattice: &Lattice) -> Places {
        let column = |name: &String| lattice.axes.iter().position(|axis| axis.name == *name);
        let columns: Vec<usize> = dimension.axes.iter().filter_map(column).collect();
        let mut known: Vec<Vec<usize>> =
            lattice.groups.iter().map(|group| columns.iter().map(|k| group.at[*k]).collect()).collect();
        known.sort();
        known.dedup();
        Places { columns, known }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Where a group stands.
    pub fn at(&self, group: &Group) -> usize {
        let key: Vec<usize> = self.columns.iter().map(|k| group.at[*k]).collect();
        self.known.binary_search(&key).unwrap_or(0)
    }

    /// The values at a place, by axis.
    pub fn values<'l>(&self, place: usize, lattice: &'l Lattice) -> Vec<(&'l AxisValues, Option<&'l Value>)> {
        let numbers = self.known.get(place).into_iter().flatten();
        let axis = |(column, number): (&usize, &usize)| {
            let axis = &lattice.axes[*column];
            (axis, axis.values[*number].as_ref())
        };
        self.columns.iter().zip(numbers).map(axis).collect()
    }

    /// A place in words.
    pub fn label(&self, place: usize, lattice: &Lattice) -> String {
        let values = self.values(place, lattice);
        if let [(_, value)] = values[..] {
            return names::value(value);
        }
        let told: BTreeMap<&str, &Value> =
            values.iter().filter_map(|(axis, value)| Some((axis.name.as_str(), (*value)?))).collect();
        let part = |(axis, value): &(&AxisValues, Option<&Value>)| match (axis.name.as_str(), *value) {
            (_, None) => None,
            // Whatever a baseline is, it has no network.
            ("optimizer" | "penalty" | "depth", _) if told.contains_key("baseline") => None,
            ("penalty", Some(Value::Text(none))) if none == "none" => Some("no penalty".to_owned()),
            (_, Some(value @ Value::Text(_))) => Some(names::value(Some(value))),
            (name, value) => Some(format!("{} {}", names::axis(name), names::value(value))),
        };
        let parts: Vec<String> = values.iter().filter_map(part).collect();
        if parts.is_empty() { "all runs".to_owned() } else { parts.join(" · ") }
    }

    /// A place as the name of a series, where no axis says what a number is.
    pub fn series(&self, place: usize, lattice: &Lattice) -> String {
        match self.values(place, lattice)[..] {
            [(axis, Some(value))] if value.text().is_none() => {
                format!("{} {}", names::axis(&axis.name), names::value(Some(value)))
            }
            _ => self.label(place, lattice),
        }
    }

    /// The number at a place of one axis of numbers.
    pub fn number(&self, place: usize, lattice: &Lattice) -> Option<f64> {
        match self.values(place, lattice)[..] {
            [(_, value)] => value?.number(),
            _ => None,
        }
    }
}
