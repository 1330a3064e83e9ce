//! What is asked for: pairs of a key and a value, from the command line or from the address of a page, checked.

use super::kind::{self, Form, Kind};
use super::lattice::Part;
use crate::filter::Filter;
use crate::plot::Spread;
use crate::store::{At, Measure};
use sweep_core::axis;
use sweep_core::error;
use sweep_core::grid::REPLICATE;
use sweep_core::outcome::COLUMNS;

/// A key with what it means, for help and pages.
pub const KEYS: &[(&str, &str)] = &[
    ("kind", "what is drawn"),
    ("x", "the axis across; of pictures over steps: step, travel (the sum of learning rates) or a metric"),
    ("y", "the axis up"),
    ("across", "facets side by side, one for each value of this axis"),
    ("down", "facets one below the other"),
    ("by", "axes that tell series apart, separated by commas; method: all of optimizer, baseline, penalty and depth"),
    ("metric", "what is measured, as in test_rel or validated_test_rel; of curves also several"),
    ("along", "a metric whose median takes the place of the axis across"),
    ("part", "of a sweep that tunes: reported (the refits) or tuning (the candidates)"),
    ("where", "which cells, as in: optimizer = adam and depth < 3"),
    ("scale", "log or linear; what suits the metric when left out"),
    ("success", "a run succeeded where its metric is at most this and it is neither diverged nor inflated"),
    ("share", "the share of runs at which the line of a phase diagram is drawn"),
];

/// The name for all axes that tell methods apart.
pub const METHOD: &str = "method";
/// Most characters of a value.
const MOST_VALUE: usize = 4_000;
/// Most measures of one picture.
const MOST_METRICS: usize = 6;

/// What is wrong with what was asked.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct Wrong(pub String);

/// A checked question; axes are checked against the sweep when it is drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Ask {
    /// What is drawn.
    pub kind: &'static Kind,
    /// As [`KEYS`] says; `None` where nothing was said.
    pub x: Option<String>,
    /// Likewise.
    pub y: Option<String>,
    /// Likewise.
    pub across: Option<String>,
    /// Likewise.
    pub down: Option<String>,
    /// Likewise.
    pub by: Vec<String>,
    /// Likewise.
    pub metrics: Vec<Measure>,
    /// Likewise.
    pub along: Option<Measure>,
    /// Likewise.
    pub part: Option<Part>,
    /// Likewise.
    pub filter: Filter,
    /// The filter as it was written.
    pub filter_text: String,
    /// Likewise.
    pub scale: Option<Spread>,
    /// Likewise.
    pub success: f64,
    /// Likewise.
    pub share: f64,
    /// Which of the axes came from the kind, and may be left out where the sweep does not vary them.
    pub presumed: Vec<&'static str>,
}

impl Ask {
    /// Reads pairs of key and value; an empty value says nothing, as an empty field of a form does.
    ///
    /// # Errors
    /// [`Wrong`] names the key, the value and what is allowed.
    pub fn parse<K: AsRef<str>, V: AsRef<str>>(pairs: impl IntoIterator<Item = (K, V)>) -> Result<Ask, Wrong> {
        let mut given: Vec<(&'static str, String)> = Vec::new();
        for (key, value) in pairs {
            let (key, value) = (key.as_ref(), value.as_ref().trim());
            let Some((key, _)) = KEYS.iter().find(|(known, _)| *known == key) else {
                let known = KEYS.iter().map(|(key, _)| *key).collect();
                return Err(unknown("setting of a picture", key, known));
            };
            if value.chars().count() > MOST_VALUE {
                return Err(Wrong(format!("{key}: more than {MOST_VALUE} characters")));
            }
            if value.is_empty() {
                continue;
            }
            if given.iter().any(|(known, _)| known == key) {
                return Err(Wrong(format!("{key} is given twice")));
            }
            given.push((key, value.to_owned()));
        }
        let said = |key: &str| given.iter().find(|(known, _)| *known == key).map(|(_, value)| value.as_str());
        let name = said("kind").unwrap_or("heatmap");
        let kind = kind::find(name)
            .ok_or_else(|| unknown("kind of picture", name, kind::KNOWN.iter().map(|kind| kind.name).collect()))?;
        let presumed: Vec<&'static str> =
            kind.settings.iter().map(|(key, _)| *key).filter(|key| said(key).is_none()).collect();
        let of = |key: &str| {
            said(key).or_else(|| kind.settings.iter().find(|(known, _)| *known == key).map(|(_, value)| *value))
        };
        let over_steps = matches!(kind.form, Form::Steps | Form::Together | Form::Spectrum | Form::Path);
        let x = of("x").map(|x| if over_steps { course(x) } else { axis_named("x", x) }).transpose()?;
        let one = |key: &'static str| of(key).map(|value| axis_named(key, value)).transpose();
        let by =
            of("by").map_or(Ok(Vec::new()), |by| by.split(',').map(|one| axis_named("by", one.trim())).collect())?;
        let metrics = of("metric").map_or(Ok(Vec::new()), |text| {
            text.split(',').map(|one| measure("metric", one.trim())).collect::<Result<Vec<_>, _>>()
        })?;
        let several = matches!(kind.form, Form::Curves | Form::Steps | Form::Together);
        if metrics.len() > if several { MOST_METRICS } else { 1 } {
            let most = if several { MOST_METRICS } else { 1 };
            return Err(Wrong(format!(
                "metric: {} of them; a picture of kind {name} takes at most {most}",
                metrics.len()
            )));
        }
        if let Some(whole) = metrics.iter().find(|measure| over_steps && measure.at == At::Run) {
            return Err(Wrong(format!(
                "metric: {} is one number of a run; along a run (kind {name}) it has no course",
                whole.name()
            )));
        }
        let number = |key: &'static str, default: f64, allowed: &str, fits: fn(f64) -> bool| {
            let Some(text) = of(key) else { return Ok(default) };
            let parsed: Option<f64> = text.parse().ok().filter(|x| fits(*x));
            parsed.ok_or_else(|| Wrong(format!("{key}: \"{text}\"; allowed: {allowed}")))
        };
        let filter_text = of("where").unwrap_or_default().to_owned();
        let filter = Filter::parse(&filter_text).map_err(|error| Wrong(format!("where: {error}")))?;
        let coordinate = |name: &str| name == REPLICATE || axis::CHOICES.contains(&name) || axis::find(name).is_some();
        if let Some(fact) = filter.names().into_iter().find(|name| !coordinate(name)) {
            return Err(Wrong(format!(
                "where: a picture chooses cells by their axes alone, not by what became of them (\"{fact}\"): failed runs \
                 are part of it"
            )));
        }
        Ok(Ask {
            kind,
            x,
            y: one("y")?,
            across: one("across")?,
            down: one("down")?,
            by,
            metrics,
            along: of("along").map(|text| measure("along", text)).transpose()?,
            part: match of("part") {
                None => None,
                Some("reported") => Some(Part::Reported),
                Some("tuning") => Some(Part::Tuning),
                Some(other) => return Err(unknown("part", other, vec!["reported", "tuning"])),
            },
            filter,
            filter_text,
            scale: match of("scale") {
                None => None,
                Some("log") => Some(Spread::Log),
                Some("linear") => Some(Spread::Linear),
                Some(other) => return Err(unknown("scale", other, vec!["log", "linear"])),
            },
            success: number("success", 0.05, "a number above 0", |x| x > 0.0 && x.is_finite())?,
            share: number("share", 0.5, "a number between 0 and 1", |x| x > 0.0 && x < 1.0)?,
            presumed,
        })
    }

    /// Whether this axis was presumed by the kind and not asked for.
    pub fn presumes(&self, key: &str) -> bool {
        self.presumed.contains(&key)
    }
}

fn unknown(what: &'static str, name: &str, known: Vec<&'static str>) -> Wrong {
    Wrong(error::Error::Unknown { what, name: name.to_owned(), known }.to_string())
}

fn axis_named(key: &'static str, name: &str) -> Result<String, Wrong> {
    let known = [METHOD, REPLICATE].into_iter().chain(axis::CHOICES.iter().copied());
    let known: Vec<&'static str> = known.chain(axis::all().iter().map(|axis| axis.name)).collect();
    if known.contains(&name) {
        Ok(name.to_owned())
    } else {
        Err(Wrong(format!("{key}: {}", unknown("axis", name, known))))
    }
}

fn measure(key: &'static str, name: &str) -> Result<Measure, Wrong> {
    Measure::named(name).ok_or_else(|| {
        let known = Measure::of_the_end().collect();
        Wrong(format!(
            "{key}: {}; before a recorded one may stand oracle_, validated_ or initial_",
            unknown("metric", name, known)
        ))
    })
}

/// What a run can be drawn against.
fn course(x: &str) -> Result<String, Wrong> {
    let known = ["step", "travel"].into_iter().chain(COLUMNS.iter().map(|column| column.name));
    let known: Vec<&'static str> = known.collect();
    if known.contains(&x) { Ok(x.to_owned()) } else { Err(Wrong(format!("x: {}", unknown("course", x, known)))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(pairs: &[(&str, &str)]) -> String {
        Ask::parse(pairs.iter().copied()).unwrap_err().to_string()
    }

    #[test]
    fn a_kind_presumes_what_is_not_said() {
        let ask = Ask::parse([("kind", "optimizer-penalty"), ("across", ""), ("down", "depth")]).unwrap();
        assert_eq!(
            (ask.x.as_deref(), ask.across.as_deref(), ask.down.as_deref()),
            (Some("penalty"), Some("depth"), Some("depth"))
        );
        assert!(ask.presumes("across") && !ask.presumes("down"));
        assert_eq!(Ask::parse([("", ""); 0]).unwrap().kind.name, "heatmap");
    }

    #[test]
    fn every_kind_is_a_question() {
        for kind in kind::KNOWN {
            assert!(Ask::parse([("kind", kind.name)]).is_ok(), "{}", kind.name);
        }
    }

    #[test]
    fn a_mistake_names_what_is_allowed() {
        assert!(wrong(&[("kind", "heatmp")]).contains("heatmap"));
        assert!(wrong(&[("z", "1")]).contains("\"z\""));
        assert!(wrong(&[("x", "learning")]).starts_with("x: "));
        assert!(wrong(&[("metric", "tst_rel")]).contains("test_rel"));
        assert!(wrong(&[("metric", "test_rel,train_loss")]).contains("at most 1"));
        assert!(wrong(&[("kind", "loss"), ("metric", "steps_taken")]).contains("one number of a run"));
        assert!(wrong(&[("metric", "oracle_steps_taken")]).contains("steps_taken"));
        assert!(wrong(&[("where", "lr >")]).starts_with("where: filter, character"));
        assert!(wrong(&[("where", "status = diverged")]).contains("failed runs are part of it"));
        assert!(wrong(&[("share", "1.5")]).contains("between 0 and 1"));
        assert!(wrong(&[("success", "NaN")]).contains("above 0"));
        assert!(wrong(&[("x", "lr"), ("x", "lr")]).contains("twice"));
        assert!(wrong(&[("where", &"x".repeat(5_000))]).contains("characters"));
    }
}
