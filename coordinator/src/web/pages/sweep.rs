//! A sweep in pictures: any kind over any axes, as it grows.

use super::head::Head;
use super::{In, Lost, Page, find, render};
use crate::figure::{self, Ask, Form, Kind, METHOD, Part, Plan, Wrong, kind, varied};
use crate::plot::escape;
use crate::store::{self, Measure};
use crate::web::site::{Frame, Site};
use crate::words::percent;
use askama::Template;
use axum::extract::{Path, Query, State};
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;
use sweep_core::sweep::Sweep;

/// What is said in an address: pairs of key and value.
pub type Pairs = Vec<(String, String)>;

/// A page does not wait longer for numbers that are being read for the first time.
const PATIENCE: Duration = Duration::from_millis(120);

#[derive(Template)]
#[template(path = "sweep.html")]
struct Pictures {
    frame: Frame,
    head: Head,
    kinds: &'static [Kind],
    asked: Asked,
    figure: Shown,
    behind: Option<Behind>,
    query: String,
}

/// What the forms of the page hold.
struct Asked {
    kind: String,
    fields: Vec<Select>,
    inputs: Vec<Input>,
}

struct Select {
    key: &'static str,
    label: &'static str,
    options: Vec<Choice>,
}

struct Choice {
    value: String,
    label: String,
    chosen: bool,
}

struct Input {
    key: &'static str,
    label: &'static str,
    value: String,
    hint: &'static str,
}

/// A picture, or why there is none.
pub struct Shown {
    /// Safe to put into a page: a picture of ours, or an escaped text.
    pub html: String,
}

/// What is behind a picture.
pub struct Behind {
    /// The statement that gives its numbers.
    pub sql: String,
    /// The command that draws it.
    pub command: String,
}

/// The page.
pub async fn page(State(site): State<Arc<Site>>, Path(id): Path<String>, Query(pairs): Query<Pairs>, who: In) -> Page {
    let stored = find(&site, &id).await?;
    let head = Head::of(&site, &stored, "Pictures").await?;
    let pairs: Pairs = pairs.into_iter().filter(|(_, value)| !value.is_empty()).collect();
    let asked = asked(&site, &stored, &pairs);
    let query = query(&pairs);
    let figure = shown(&site, &stored, &pairs, PATIENCE).await?;
    let behind = behind(&site, &stored, &pairs);
    let mark = if query.is_empty() { String::new() } else { format!("?{query}") };
    let live = format!("/sweeps/{}/live{mark}", stored.id);
    let frame = who.frame(&site, stored.name.clone(), live);
    Ok(render(&Pictures { frame, head, kinds: kind::KNOWN, asked, figure, behind, query }))
}

/// Pairs as part of an address.
pub fn query(pairs: &Pairs) -> String {
    let each: Vec<String> = pairs.iter().map(|(key, value)| format!("{}={}", percent(key), percent(value))).collect();
    each.join("&")
}

/// The picture that is asked for, or in words why there is none (yet).
///
/// # Errors
/// What the database says.
pub async fn shown(site: &Arc<Site>, stored: &store::Sweep, pairs: &Pairs, patience: Duration) -> Result<Shown, Lost> {
    let wrong = |why: &str| format!("<p class=\"wrong\" role=\"alert\">{}</p>", escape(why));
    let ask = match Ask::parse(pairs.iter().map(|(key, value)| (key, value))) {
        Ok(ask) => ask,
        Err(Wrong(why)) => return Ok(Shown { html: wrong(&why) }),
    };
    let key = format!("{} {}", stored.id, query(pairs));
    let (drawing_site, drawing_stored) = (Arc::clone(site), stored.clone());
    let drawing = async move {
        let page = format!("/sweeps/{}", drawing_stored.id);
        match figure::draw(drawing_site.boards(), &drawing_stored, &ask, Some(&page)).await {
            Ok(figure) => Some(figure.svg),
            Err(error @ (figure::Error::Wrong(_) | figure::Error::Source(_))) => Some(wrong(&error.to_string())),
            Err(error) => {
                tracing::error!("a picture failed: {error}");
                Some(wrong("The picture failed; the coordinator's log says why."))
            }
        }
    };
    if let Some(html) = site.slow(&key, patience, drawing).await {
        return Ok(Shown { html: html.to_string() });
    }
    let (done, all) = site.boards().progress();
    let read = if all > 0 { format!(": {done} of {all} cells") } else { String::new() };
    let html = format!(
        "<p class=\"empty\" role=\"status\">The numbers are being read{read}. The picture comes by itself, or with the next load \
         of the page.</p>"
    );
    Ok(Shown { html })
}

/// What is behind a picture that can be drawn.
fn behind(site: &Site, stored: &store::Sweep, pairs: &Pairs) -> Option<Behind> {
    let ask = Ask::parse(pairs.iter().map(|(key, value)| (key, value))).ok()?;
    let sql = figure::statement(site.boards(), stored, &ask).ok()?;
    Some(Behind { sql, command: command(site, stored, pairs) })
}

/// The command that draws the same.
fn command(site: &Site, stored: &store::Sweep, pairs: &Pairs) -> String {
    let mut command = format!("sweep plot{} {}", site.option, stored.id);
    for (key, value) in pairs {
        let plain = value.bytes().all(|b| b.is_ascii_alphanumeric() || b"_,.-".contains(&b));
        let value = if plain { value.clone() } else { format!("'{}'", value.replace('\'', "'\\''")) };
        // Writing to a String cannot fail.
        let _ = write!(command, " --{key} {value}");
    }
    command.push_str(" --out picture.svg");
    command
}

/// What the forms hold, given what was asked.
fn asked(site: &Site, stored: &store::Sweep, pairs: &Pairs) -> Asked {
    let said = |key: &str| pairs.iter().find(|(known, _)| known == key).map_or("", |(_, value)| value.as_str());
    let name = if said("kind").is_empty() { "heatmap" } else { said("kind") };
    let form = kind::find(name).map_or(Form::Heatmap, |kind| kind.form);
    let sweep = site.boards().sweep(stored).ok();
    let axes = sweep.as_deref().map_or(Vec::new(), axes);
    // What is drawn where nothing is chosen.
    let plan = sweep.as_deref().and_then(|sweep| {
        let ask = Ask::parse(pairs.iter().map(|(key, value)| (key, value))).ok()?;
        Plan::of(sweep, &ask).ok()
    });
    let settled = |key: &str| {
        let plan = plan.as_ref()?;
        let dimension = match key {
            "x" => Some(&plan.x),
            "y" => Some(&plan.y),
            "across" => plan.across.as_ref(),
            "down" => plan.down.as_ref(),
            _ => Some(&plan.by),
        };
        let name = dimension.map_or("none", |dimension| dimension.name.as_str());
        Some(format!("auto: {}", if name.is_empty() { "none" } else { name }))
    };
    let choose = |key: &'static str, label: &'static str, more: &[&str]| {
        let label_of_none = settled(key).filter(|_| said(key).is_empty()).unwrap_or_else(|| "auto".to_owned());
        let mut options = vec![Choice { value: String::new(), label: label_of_none, chosen: said(key).is_empty() }];
        let known = more.iter().map(|name| (*name).to_owned()).chain(axes.iter().cloned());
        options.extend(known.map(|axis| Choice { chosen: axis == said(key), label: axis.clone(), value: axis }));
        if !said(key).is_empty() && !options.iter().any(|option| option.chosen) {
            options.push(Choice { value: said(key).to_owned(), label: said(key).to_owned(), chosen: true });
        }
        Select { key, label, options }
    };
    let mut fields = Vec::new();
    match form {
        Form::Heatmap | Form::Phase => {
            fields.push(choose("x", "across", &[METHOD]));
            fields.push(choose("y", "up", &[METHOD]));
            fields.push(choose("across", "facets across", &[METHOD]));
            fields.push(choose("down", "facets down", &[METHOD]));
        }
        Form::Curves => {
            fields.push(choose("x", "across", &[]));
            fields.push(choose("by", "lines by", &[METHOD]));
            fields.push(choose("across", "panels by", &[METHOD]));
        }
        Form::Steps | Form::Together | Form::Spectrum | Form::Path => {
            fields.push(choose("by", "lines by", &[METHOD]));
            if form == Form::Steps {
                fields.push(choose("across", "panels by", &[METHOD]));
            }
        }
        Form::Methods => {}
    }
    if !matches!(form, Form::Methods | Form::Spectrum | Form::Together) {
        let metrics =
            plan.as_ref().map(|plan| plan.metrics.iter().map(|measure| measure.name()).collect::<Vec<_>>().join(", "));
        let label =
            metrics.filter(|_| said("metric").is_empty()).map_or("auto".to_owned(), |name| format!("auto: {name}"));
        let mut options = vec![Choice { value: String::new(), label, chosen: said("metric").is_empty() }];
        let names = Measure::of_the_end().map(str::to_owned);
        let validated = ["validated_validation_mse", "validated_test_rel", "oracle_test_rel"].map(str::to_owned);
        options.extend(names.chain(validated).map(|name| Choice {
            chosen: name == said("metric"),
            label: name.clone(),
            value: name,
        }));
        if !said("metric").is_empty() && !options.iter().any(|option| option.chosen) {
            options.push(Choice { value: said("metric").to_owned(), label: said("metric").to_owned(), chosen: true });
        }
        fields.push(Select { key: "metric", label: "metric", options });
    }
    let words = |key: &'static str, label: &'static str, words: &[&str]| {
        let mut options = vec![Choice { value: String::new(), label: "auto".to_owned(), chosen: said(key).is_empty() }];
        options.extend(words.iter().map(|word| Choice {
            value: (*word).to_owned(),
            label: (*word).to_owned(),
            chosen: *word == said(key),
        }));
        Select { key, label, options }
    };
    if !matches!(form, Form::Methods | Form::Phase) {
        fields.push(words("scale", "scale", &["log", "linear"]));
    }
    if sweep.is_some_and(|sweep| sweep.tune.is_some()) && form != Form::Methods {
        fields.push(words("part", "part", &["reported", "tuning"]));
    }
    let input = |key, label, hint| Input { key, label, value: said(key).to_owned(), hint };
    let mut inputs = Vec::new();
    if form == Form::Phase {
        inputs.push(input("success", "success up to", "0.05"));
        inputs.push(input("share", "line at", "0.5"));
    }
    inputs.push(input("where", "where", "optimizer = adam and depth < 3"));
    Asked { kind: name.to_owned(), fields, inputs }
}

/// Every axis that a picture of the sweep can have.
fn axes(sweep: &Sweep) -> Vec<String> {
    let mut axes: Vec<String> = Vec::new();
    for part in [Part::Reported, Part::Tuning] {
        axes.extend(varied(sweep, part).into_iter().map(|(name, _)| name));
    }
    axes.sort();
    axes.dedup();
    axes.push("replicate".to_owned());
    axes
}
