//! The findings as one document, Markdown with pictures: claim by claim what is said, what was measured, and the verdict.

use super::measured::{self, Answer as Said, Edges, Measured};
use super::prediction::{Against, Expects, Prediction};
use super::runs::{self, OTHERS, Quantity, RECOVERED, Reported};
use super::verdict::{Tally, Verdict};
use super::{CLAIMS, Claim, FollowUp, KNOWN, Kind, Picture};
use crate::failure::{Failure, Result};
use crate::session;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::time::Duration;
use sweep_coordinator::answer::{Answer, MOST_RUNS, Row};
use sweep_coordinator::dispatch::Dispatcher;
use sweep_coordinator::figure::{self, Ask};
use sweep_coordinator::plot::methods::Edge;
use sweep_coordinator::store::{self, Datum, Limits, Table};
use sweep_coordinator::words::{count, digits, span};
use sweep_core::sweep::Sweep;

/// Most rows of a table of methods.
const MOST_METHODS: usize = 26;
/// Where pictures lie beside the document.
const PICTURES: &str = "images/findings";

/// A file of the document: its path, and what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Relative to the document's directory.
    pub path: String,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// What is known of one sweep.
struct Known {
    stored: store::Sweep,
    sweep: Sweep,
    answer: Answer,
    runs: Vec<Reported>,
    edges: Edges,
    cpu_seconds: f64,
    /// Whether its data are made, in place of those of the user.
    stand_in: bool,
}

/// Where the numbers come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Made {
    /// The whole set.
    Whole,
    /// In small: nothing is claimed.
    Quick,
}

/// Makes the document of the sweeps whose ids are in `ids`, by name; claims of which a sweep is missing are left out.
///
/// # Errors
/// What the database says; a claim that does not fit its sweep.
pub async fn make(dispatcher: &Dispatcher, ids: &BTreeMap<&'static str, String>, made: Made) -> Result<Vec<File>> {
    let mut known = BTreeMap::new();
    for paper in KNOWN {
        if let Some(id) = ids.get(paper.name) {
            known.insert(paper.name, read(dispatcher, paper.name, id).await?);
        }
    }
    let mut pictures = Vec::new();
    let mut sections = String::new();
    let mut tallies = Vec::new();
    for claim in CLAIMS.iter().copied().filter(|claim| claim.sweeps.iter().all(|sweep| known.contains_key(sweep))) {
        let (text, tally) = section(dispatcher, claim, &known, made, &mut pictures).await?;
        sections.push_str(&text);
        tallies.push((claim, tally));
    }
    let mut document = head(dispatcher, &known, &tallies, made).await?;
    document.push_str(&sections);
    let mut files = vec![File { path: "findings.md".to_owned(), bytes: document.into_bytes() }];
    files.append(&mut pictures);
    Ok(files)
}

async fn read(dispatcher: &Dispatcher, name: &str, id: &str) -> Result<Known> {
    let store = dispatcher.store();
    let stored = store.find_sweep(id).await?;
    let sweep = session::parsed(&stored.name, &stored.source, &stored.extensions)?;
    let courses: BTreeSet<&'static str> = CLAIMS
        .iter()
        .flat_map(|claim| {
            let followed = claim.follow_ups.iter().flat_map(|follow_up| follow_up.predictions);
            claim.predictions.iter().chain(followed).filter(move |p| asked(claim, p) == name)
        })
        .flat_map(Prediction::quantities)
        .filter(|quantity| quantity.is_of_course())
        .map(|quantity| quantity.column())
        .collect();
    let rows = runs::rows(store, &stored.id).await?;
    let cpu = runs::place("cpu_seconds");
    let cpu_seconds = rows.iter().map(|row| if let Datum::Float(x) = row[cpu] { x } else { 0.0 }).sum();
    let reported = runs::reported(store, &rows, &courses).await?;
    let all = store.runs(&stored.id, 0, MOST_RUNS).await?;
    let answer = Answer::new(&sweep, all, &store.selections(&stored.id).await?);
    let mut edges = Edges::new();
    for row in answer.rows.iter().filter(|row| !row.edges.is_empty()) {
        let said = ends(row);
        edges.extend(row.runs.iter().map(|run| (run.cell, said.clone())));
    }
    let stand_in = super::find(name).is_some_and(|paper| super::stands_in(paper, &stored.inputs));
    Ok(Known { stored, sweep, answer, runs: reported, edges, cpu_seconds, stand_in })
}

/// Which chosen values of a row end their lists.
fn ends(row: &Row) -> Vec<String> {
    let word = |edge: &Edge| match edge {
        Edge::Least => "min",
        Edge::Greatest => "max",
    };
    row.edges.iter().map(|(axis, edge)| format!("{axis} {}", word(edge))).collect()
}

/// The sweep that a prediction asks.
fn asked(claim: &Claim, prediction: &Prediction) -> &'static str {
    if prediction.sweep.is_empty() { claim.sweeps[0] } else { prediction.sweep }
}

async fn head(
    dispatcher: &Dispatcher,
    known: &BTreeMap<&'static str, Known>,
    tallies: &[(&Claim, Tally)],
    made: Made,
) -> Result<String> {
    let mut out = String::from("# Findings\n\n");
    let cells: u64 = known.values().map(|known| known.stored.cells).sum();
    let cpu: f64 = known.values().map(|known| known.cpu_seconds).sum();
    match made {
        Made::Whole => out.push_str(
            "What became of the claims of the research note \"Project Penalty\" and of the papers that it builds on. This page is \
             generated: every number comes from the result rows in [sweeps/paper/results](../sweeps/paper/results), every verdict \
             follows from the numbers by one rule, and `sweep paper --check` makes page and pictures again and fails on any \
             difference.\n\n",
        ),
        Made::Quick => out.push_str(
            "**In small**: a twentieth of the steps and two replicates, to see that everything works. Nothing is claimed of these \
             numbers.\n\n",
        ),
    }
    let _ = writeln!(
        out,
        "{} in {}, {} of one core. {}\n",
        count(cells, "cell"),
        count(known.len() as u64, "sweep"),
        span(cpu),
        machine(dispatcher).await?
    );
    out.push_str(
        &RULE.replace("RECOVERED", &digits(RECOVERED, 3)).replace("OTHERS", &OTHERS.map(|x| digits(x, 3)).join(" or ")),
    );
    out.push_str(
        "| | claim | verdict | holds | fails | open | at edge | no weight |\n|---|---|---|---|---|---|---|---|\n",
    );
    for (claim, tally) in tallies {
        let Tally { holds, fails, open, at_edge, no_weight, .. } = tally;
        let (verdict, anchor) = (verdict(claim, *tally, known), anchor(claim));
        let _ = writeln!(
            out,
            "| [{}](#{anchor}) | {} | {verdict} | {holds} | {fails} | {open} | {at_edge} | {no_weight} |",
            claim.letter, claim.title
        );
    }
    out.push('\n');
    Ok(out)
}

/// How a verdict comes about.
const RULE: &str = "\
**How to read it.** Where a sweep tunes (its line says over what), methods are tuned alike (docs/sweep-file.md, \"Tuning\"): candidates by \
validation error on their own replicates, the winner trained again on all samples and fresh seeds, and only these runs are here. A sweep has at most \
3,000 cells; its lists were cut by coarse passes over wider ones, according to the values that validation chose and the ends that it touched.\n\n\
A prediction compares runs of the same replicate, with one instance and mask: the median of the paired ratios left / right (where the table says so, of \
differences, or the difference of the shares that recovered), with a 95 % bootstrap interval. It *holds* where the whole interval is as predicted, \
*fails* where the whole interval is not, and is *open* in between. Up to a relative error of RECOVERED a matrix counts as *recovered*. In a ratio of the \
errors of two runs a smaller one counts as that: errors far below it follow the steps and λ of a run, and do not tell whether a method finds the \
matrix. Medians are shown as they are, and beside them how many runs of each side recovered; where none does, what is said of shares is open. Answers that \
would be others with OTHERS in place of RECOVERED are named below the tables. A diverged run is worse than any other; diverged and inflated runs are counted under \
*failed*. *No weight*: tuning gave a penalty λ = 0, so that nothing is said of that penalty. *At edge*: a chosen value ends its list, so nothing is said. \
Intervals are over instances, given the winner that tuning found; they are not widened for the number of predictions.\n\n\
A claim is reproduced where every prediction holds under every condition, only under some conditions where every prediction holds under one of them, in \
part where some hold under none, and not reproduced where none holds; with a condition at edge it can be neither the first nor the last, and where nothing else \
is known there is no verdict. Of a question nobody said the answer: its predictions are what we expected. The table counts predictions, each condition by \
itself, without those of follow-ups.\n\n";

fn verdict(claim: &Claim, tally: Tally, known: &BTreeMap<&'static str, Known>) -> String {
    let on = if claim.sweeps.iter().any(|sweep| known[sweep].stand_in) { " on made data" } else { "" };
    let words = match (claim.kind, tally.verdict()) {
        (Kind::Question, _) => format!("{} of {} as expected", tally.holds, tally.all()),
        (Kind::Claim, Verdict::Reproduced) => "**reproduced**".to_owned(),
        (Kind::Claim, other) => other.words().to_owned(),
    };
    words + on
}

async fn machine(dispatcher: &Dispatcher) -> Result<String> {
    let text = "SELECT DISTINCT cpu, blas_library, trainer_version, revision FROM provenance ORDER BY cpu, revision";
    let table = dispatcher.store().query(text, &Limits::default()).await?;
    let shown = |datum: &Datum| match datum {
        Datum::Text(text) => text.split_whitespace().take(6).collect::<Vec<_>>().join(" "),
        Datum::Int(x) => x.to_string(),
        _ => String::new(),
    };
    let line = |row: &Vec<Datum>| {
        format!("{}, {}, trainer {} revision {}", shown(&row[0]), shown(&row[1]), shown(&row[2]), shown(&row[3]))
    };
    Ok(table.rows.iter().map(line).collect::<Vec<_>>().join("; "))
}

/// The link of a section, as GitHub makes it of its heading.
fn anchor(claim: &Claim) -> String {
    heading(claim)
        .to_lowercase()
        .chars()
        .filter_map(|c| match c {
            ' ' => Some('-'),
            c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c),
            _ => None,
        })
        .collect()
}

fn heading(claim: &Claim) -> String {
    format!("({}) {}", claim.letter, claim.title)
}

async fn section(
    dispatcher: &Dispatcher,
    claim: &Claim,
    known: &BTreeMap<&'static str, Known>,
    made: Made,
    pictures: &mut Vec<File>,
) -> Result<(String, Tally)> {
    let said = match claim.kind {
        Kind::Claim => "Said",
        Kind::Question => "Asked",
    };
    let mut out = format!("## {}\n\n**{said}.** {} *({})*\n\n", heading(claim), claim.says, claim.source);
    for name in claim.sweeps {
        let _ = writeln!(out, "**Run.** {}\n", about(name, &known[name]));
    }
    let measured = all(claim, claim.predictions, known, made, RECOVERED)?;
    let tally = Tally::of(measured.iter().map(|(_, measured)| &measured[..]));
    out.push_str("**Measured.**\n\n");
    out.push_str(&table(&measured));
    let verdict = verdict(claim, tally, known).replace("**", "");
    let word = match claim.kind {
        Kind::Claim => "Verdict",
        Kind::Question => "Answer",
    };
    let elsewhere = changed(claim, claim.predictions, &measured, known, made)?;
    let _ = write!(out, "**{word}: {verdict}.** {}\n\n{elsewhere}", reasons(&measured));
    for remark in claim.remarks {
        let _ = writeln!(out, "{remark}\n");
    }
    for picture in claim.pictures {
        draw(dispatcher, claim, picture, known, pictures, &mut out).await?;
    }
    for FollowUp { question, predictions, pictures: drawn } in claim.follow_ups {
        let measured = all(claim, predictions, known, made, RECOVERED)?;
        let elsewhere = changed(claim, predictions, &measured, known, made)?;
        let _ = write!(out, "**Followed up.** {question}\n\n{}{}\n\n{elsewhere}", table(&measured), reasons(&measured));
        for picture in *drawn {
            draw(dispatcher, claim, picture, known, pictures, &mut out).await?;
        }
    }
    for name in claim.sweeps {
        methods(name, &known[name], &mut out);
    }
    for name in claim.sweeps {
        for text in statements(claim, name) {
            // What is shown must work.
            dispatcher.store().query(&text, &Limits { rows: 1, time: Duration::from_secs(60) }).await?;
            let _ = writeln!(out, "```sql\n{text}\n```\n");
        }
    }
    Ok((out, tally))
}

type Asked<'p> = Vec<(&'p Prediction, Vec<Measured>)>;

fn all<'p>(
    claim: &Claim,
    predictions: &'p [Prediction],
    known: &BTreeMap<&'static str, Known>,
    made: Made,
    floor: f64,
) -> Result<Asked<'p>> {
    let one = |prediction: &'p Prediction| {
        let known = &known[asked(claim, prediction)];
        match measured::measure(prediction, &known.runs, &known.edges, floor) {
            Ok(measured) => Ok((prediction, measured)),
            // In small there are other steps, and fewer values.
            Err(_) if made == Made::Quick => Ok((prediction, Vec::new())),
            Err(why) => Err(Failure::Mistake(format!("claim {}: {why}", claim.letter))),
        }
    };
    predictions.iter().map(one).collect()
}

/// Which answers are others where a matrix counts as recovered up to another error.
fn changed(
    claim: &Claim,
    predictions: &[Prediction],
    as_it_is: &Asked,
    known: &BTreeMap<&'static str, Known>,
    made: Made,
) -> Result<String> {
    let mut out = String::new();
    for floor in OTHERS {
        let mut said = Vec::new();
        for ((prediction, others), (_, all)) in all(claim, predictions, known, made, floor)?.iter().zip(as_it_is) {
            for (other, one) in others.iter().zip(all).filter(|(other, one)| other.answer != one.answer) {
                let under = one.under();
                let at = if under.is_empty() { String::new() } else { format!(" at {under}") };
                said.push(format!("\"{}\"{at}: {}", prediction.says, other.answer.word()));
            }
        }
        if !said.is_empty() {
            let _ = writeln!(out, "*Recovered up to {} instead:* {}.\n", digits(floor, 3), said.join("; "));
        }
    }
    Ok(out)
}

/// What was run.
fn about(name: &str, known: &Known) -> String {
    let Known { stored, sweep, answer, .. } = known;
    let mut out = format!("[sweeps/paper/{name}.toml](../sweeps/paper/{name}.toml): {}", count(stored.cells, "cell"));
    let reported: usize = answer.rows.iter().map(|row| row.runs.len()).sum();
    if let Some(tune) = &sweep.tune {
        let _ = write!(
            out,
            ", {} of tuning ({} over {}, {} a candidate) and {reported} of {} refits",
            stored.cells - reported as u64,
            count(tune.len(), "group"),
            tune.over.join(", "),
            count(tune.replicates, "replicate"),
            tune.refit
        );
    }
    let runs = || answer.rows.iter().flat_map(|row| &row.runs);
    let diverged = runs().filter(|run| run.status == sweep_core::outcome::Status::Diverged).count();
    let inflated = runs().filter(|run| run.inflated).count();
    let _ = write!(out, ". Of {reported} reported runs {diverged} diverged and {inflated} are inflated");
    let edges: Vec<String> = answer
        .rows
        .iter()
        .filter(|row| !row.edges.is_empty())
        .map(|row| format!("{} ({})", method(row, &answer.rows), ends(row).join(", ")))
        .collect();
    if sweep.tune.is_some() {
        match edges.len() {
            0 => out.push_str("; no chosen value ends its list"),
            n if n <= 6 => {
                let _ = write!(out, "; chosen values that end their lists: {}", edges.join("; "));
            }
            n => {
                let _ = write!(out, "; in {n} of {} rows a chosen value ends its list", answer.rows.len());
            }
        }
    }
    out.push('.');
    out
}

/// What tells a row of the answer from others.
fn method(row: &Row, all: &[Row]) -> String {
    let of = |name: &str| row.coordinates.get(name).map(ToString::to_string);
    let mut parts: Vec<String> = ["baseline", "optimizer", "penalty"].into_iter().filter_map(of).collect();
    for name in ["depth", "rank", "samples", "noise", "steps"] {
        let varies = all.iter().any(|other| other.coordinates.get(name) != row.coordinates.get(name));
        parts.extend(of(name).filter(|_| varies).map(|value| format!("{name} {value}")));
    }
    parts.join(" ")
}

/// The predictions, a row for each condition.
fn table(measured: &Asked) -> String {
    let mut out = String::from(
        "| prediction | under | left | right | left / right, 95 % interval | predicted | n | recovered, left and right | failed | |\n\
         |---|---|---|---|---|---|---|---|---|---|\n",
    );
    for (prediction, all) in measured {
        for (k, one) in all.iter().enumerate() {
            let says = if k == 0 { format!("{} ({})", prediction.says, compared(prediction)) } else { String::new() };
            let mut under: Vec<String> = vec![one.under()];
            under.retain(|words| !words.is_empty());
            for (side, chosen) in [("left", &one.chosen.0), ("right", &one.chosen.1)] {
                under.extend((!chosen.is_empty()).then(|| format!("{side}: {chosen}")));
            }
            let mut notes = vec![if one.answer == Said::Holds { "**holds**" } else { one.answer.word() }.to_owned()];
            notes.extend(one.edges.iter().cloned());
            notes.extend(one.unweighted.0.then(|| "left λ = 0".to_owned()));
            notes.extend(one.unweighted.1.then(|| "right λ = 0".to_owned()));
            let number = |x: Option<f64>| x.map_or("diverged".to_owned(), |x| digits(x, 3));
            let difference = match prediction.expects {
                expects if expects.is_of_shares() => "difference of shares ",
                Expects::More(_) => "difference ",
                _ => "",
            };
            let _ = writeln!(
                out,
                "| {says} | {} | {} | {} | {difference}{} [{}, {}] | {} | {} | {} | {}/{} | {} |",
                if under.is_empty() { "–".to_owned() } else { under.join("; ") },
                number(one.medians.0),
                number(one.medians.1),
                digits(one.middle, 3),
                digits(one.interval.0, 3),
                digits(one.interval.1, 3),
                prediction.expects.shown(),
                one.n,
                match one.recovered {
                    Some((left, Some(right))) => format!("{left}, {right}"),
                    Some((left, None)) => left.to_string(),
                    None => "–".to_owned(),
                },
                one.failed.0,
                one.failed.1,
                notes.join(", "),
            );
        }
    }
    out.push('\n');
    out
}

/// What is compared: `test_rel`, `mean step_cosine_adam − mean step_cosine_gd`.
fn compared(prediction: &Prediction) -> String {
    let sign = if prediction.expects.is_difference() { "−" } else { "/" };
    let what = if prediction.expects.is_of_shares() { "recovered".to_owned() } else { prediction.what.shown() };
    match prediction.against {
        Against::Runs(_) => what,
        Against::Own(other) => format!("{what} {sign} {}", other.shown()),
        Against::Number(number) => format!("{what} {sign} {}", digits(number, 3)),
    }
}

/// Under which conditions each prediction holds, in words.
fn reasons(measured: &Asked) -> String {
    let mut sentences = Vec::new();
    for (prediction, all) in measured {
        let mut by_answer: Vec<String> = Vec::new();
        for answer in [Said::Holds, Said::Open, Said::Fails, Said::AtEdge, Said::NoWeight] {
            let which: Vec<&Measured> = all.iter().filter(|one| one.answer == answer).collect();
            if which.is_empty() {
                continue;
            }
            let whole = which.len() == all.len();
            let under = match which.len() {
                _ if whole => String::new(),
                n if n > 6 => format!(" under {n} of {} conditions", all.len()),
                _ => format!(" at {}", which.iter().map(|one| one.under()).collect::<Vec<_>>().join("; ")),
            };
            let word = match answer {
                Said::Holds => "holds",
                Said::Open => "is open",
                Said::Fails => "fails",
                Said::AtEdge => "gets no answer (at edge)",
                Said::NoWeight => "gets no answer (no weight)",
            };
            by_answer.push(format!("{word}{under}"));
        }
        if by_answer.is_empty() {
            by_answer.push("is not asked in small".to_owned());
        }
        sentences.push(format!("\"{}\" {}.", prediction.says, by_answer.join(", ")));
    }
    sentences.join(" ")
}

/// The answer of a sweep as a table, where it is short or says what was tuned.
fn methods(name: &str, known: &Known, out: &mut String) {
    let rows = known.answer.rows.len();
    if rows > MOST_METHODS && known.sweep.tune.is_none() {
        let _ = writeln!(
            out,
            "*All {rows} rows of the answer of {name}:* `sweep show {name}` *after* `sweep paper --from`.\n"
        );
        return;
    }
    let _ = write!(
        out,
        "<details><summary>the answer of {name}, {rows} rows</summary>\n\n{}\n",
        markdown(&known.answer.shown(rows, true))
    );
    let _ = writeln!(out, "{}.\n\n</details>\n", known.answer.notes().join(". "));
}

/// A table in Markdown.
fn markdown(table: &Table) -> String {
    let cell = |datum: &Datum| match datum {
        Datum::Null => String::new(),
        Datum::Int(x) => x.to_string(),
        Datum::Float(x) => digits(*x, 4),
        Datum::Text(text) => text.replace('|', "\\|"),
        Datum::Bytes(_) => String::new(),
    };
    let mut out = format!("| {} |\n|{}\n", table.columns.join(" | "), "---|".repeat(table.columns.len()));
    for row in &table.rows {
        let _ = writeln!(out, "| {} |", row.iter().map(cell).collect::<Vec<_>>().join(" | "));
    }
    out
}

/// A picture, with the statement behind it.
async fn draw(
    dispatcher: &Dispatcher,
    claim: &Claim,
    picture: &Picture,
    known: &BTreeMap<&'static str, Known>,
    pictures: &mut Vec<File>,
    out: &mut String,
) -> Result {
    let name = if picture.sweep.is_empty() { claim.sweeps[0] } else { picture.sweep };
    let refused = |why: String| Failure::Internal(anyhow::anyhow!("claim {}, picture of {name}: {why}", claim.letter));
    let ask = Ask::parse(picture.settings.iter().copied()).map_err(|why| refused(why.to_string()))?;
    let figure = figure::draw(dispatcher.boards(), &known[name].stored, &ask, None).await;
    let figure = figure.map_err(|why| refused(why.to_string()))?;
    let nth =
        1 + pictures.iter().filter(|file| file.path.starts_with(&format!("{PICTURES}/{}-", claim.letter))).count();
    let path = format!("{PICTURES}/{}-{nth}.svg", claim.letter);
    let options: Vec<String> = picture.settings.iter().map(|(key, value)| option(key, value)).collect();
    let _ = writeln!(
        out,
        "![{}]({path})\n\n*{}* `sweep plot {name} {}`\n",
        picture.caption.replace(['[', ']'], ""),
        picture.caption,
        options.join(" ")
    );
    pictures.push(File { path, bytes: figure.svg.into_bytes() });
    Ok(())
}

fn option(key: &str, value: &str) -> String {
    if value.bytes().all(|b| b.is_ascii_alphanumeric() || b",-_.".contains(&b)) {
        format!("--{key} {value}")
    } else {
        format!("--{key} '{value}'")
    }
}

/// Statements that give the numbers that the claim asks of a sweep: of ends, and of trajectories.
fn statements(claim: &Claim, name: &str) -> Vec<String> {
    let followed = claim.follow_ups.iter().flat_map(|follow_up| follow_up.predictions);
    let predictions = claim.predictions.iter().chain(followed).filter(|prediction| asked(claim, prediction) == name);
    let mut by: Vec<&str> = vec!["cell", "replicate", "baseline", "optimizer", "penalty", "depth"];
    let (mut ends, mut courses): (Vec<&str>, Vec<String>) = (Vec::new(), Vec::new());
    for prediction in predictions {
        by.extend(prediction.by);
        for quantity in prediction.quantities() {
            match quantity {
                Quantity::Last(column) => ends.push(column),
                Quantity::Mean(column) => courses.push(format!("AVG({column}) AS mean_{column}")),
                Quantity::Initial(column) => {
                    courses.push(format!("MAX(CASE WHEN step = 0 THEN {column} END) AS initial_{column}"));
                }
            }
        }
    }
    let unique = |names: &mut Vec<&str>| {
        let mut seen = BTreeSet::new();
        names.retain(|name| seen.insert(*name));
    };
    unique(&mut by);
    unique(&mut ends);
    courses.sort_unstable();
    courses.dedup();
    let quoted = |names: &[&str]| names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
    let mut all = Vec::new();
    if !ends.is_empty() {
        by.extend(&ends);
        unique(&mut by);
        all.push(format!(
            "SELECT {}\nFROM results WHERE sweep = '{name}' AND stage <> 'tuning' ORDER BY cell",
            quoted(&by)
        ));
    }
    if !courses.is_empty() {
        const BY: &str = "cell, replicate, optimizer, penalty, depth, init, init_scale, lr";
        all.push(format!(
            "SELECT {BY}, {}\nFROM trajectory WHERE sweep = '{name}' GROUP BY {BY} ORDER BY cell",
            courses.join(", ")
        ));
    }
    all
}
