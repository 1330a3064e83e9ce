//! Whether runs bear a prediction out.
//!
//! One rule: a prediction is a comparison of runs that share instance, mask and initialisation, by the median of their paired
//! differences with a bootstrap interval. It holds where the whole interval is on the predicted side, fails where the whole
//! interval is on the other, and is open in between. A run that diverged is worse than any other; two that recovered the matrix are
//! as good as each other; and what has a penalty without weight is no answer about that penalty.

use super::prediction::{Against, Expects, Prediction};
use super::runs::{Quantity, Reported};
use std::collections::{BTreeMap, BTreeSet};
use sweep_coordinator::figure::is_seed;
use sweep_coordinator::filter::Filter;
use sweep_coordinator::plot::quartiles;
use sweep_coordinator::store::Coordinates;
use sweep_core::seed::Stream;
use sweep_core::value::Value;

/// Resamples of a bootstrap interval.
const RESAMPLES: usize = 2_000;
/// The interval holds this share of them.
const LEVEL: f64 = 0.95;

/// What came of a prediction under one condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It was so.
    Holds,
    /// It was otherwise.
    Fails,
    /// The interval is on both sides.
    Open,
    /// A chosen hyperparameter ends its list: no verdict.
    AtEdge,
    /// Tuning gave a penalty no weight (λ = 0): its side is a run without that penalty.
    NoWeight,
}

impl Answer {
    /// In a word.
    pub fn word(self) -> &'static str {
        match self {
            Answer::Holds => "holds",
            Answer::Fails => "fails",
            Answer::Open => "open",
            Answer::AtEdge => "at edge",
            Answer::NoWeight => "no weight",
        }
    }
}

/// A prediction under one condition, measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// The values of `by`.
    pub condition: Vec<(String, Value)>,
    /// Pairs.
    pub n: usize,
    /// Medians of both sides; `None` where it falls on a run without a value.
    pub medians: (Option<f64>, Option<f64>),
    /// Median of ratios (of differences for [`Expects::More`], their mean for shares), and its interval.
    pub middle: f64,
    /// Likewise.
    pub interval: (f64, f64),
    /// How many of the runs of both sides diverged or are inflated, and how many runs there are.
    pub failed: (usize, usize),
    /// How many runs of the left side recovered the matrix, where that is what is compared, and of the right side, where it has runs.
    pub recovered: Option<(usize, Option<usize>)>,
    /// Whether the left and the right side have a penalty that tuning gave no weight.
    pub unweighted: (bool, bool),
    /// Chosen hyperparameters that end their lists, in words.
    pub edges: Vec<String>,
    /// The settings that were chosen on even replicates, in words: on the left, and on the right.
    pub chosen: (String, String),
    /// What came of it.
    pub answer: Answer,
}

impl Measured {
    /// The values of `by` in words, such as `depth 2, samples 500`; nothing where there are none.
    pub fn under(&self) -> String {
        self.condition.iter().map(|(axis, value)| format!("{axis} {value}")).collect::<Vec<_>>().join(", ")
    }
}

/// What of the tuned hyperparameters of a cell ends its list.
pub type Edges = BTreeMap<u64, Vec<String>>;

type Key = (Vec<String>, i64);
type Side<'r> = BTreeMap<Key, &'r Reported>;

/// Asks `runs` whether the prediction holds, condition by condition, where up to a relative error of `floor` a matrix counts as recovered.
///
/// # Errors
/// A fragment: what of the prediction does not fit the sweep.
pub fn measure(prediction: &Prediction, runs: &[Reported], edges: &Edges, floor: f64) -> Result<Vec<Measured>, String> {
    let (left, left_chosen, _) = side(prediction, prediction.of, runs)?;
    let (right, right_chosen, had) = match prediction.against {
        Against::Runs(filter) => side(prediction, filter, runs)?,
        Against::Own(_) | Against::Number(_) => (left.clone(), BTreeMap::new(), vec![true; prediction.by.len()]),
    };
    // A baseline has few axes: it stands against every value of those that it lacks.
    let projected = |condition: &[String]| -> Vec<String> {
        condition.iter().zip(&had).map(|(value, had)| if *had { value.clone() } else { String::new() }).collect()
    };
    let conditions: Vec<&Vec<String>> = {
        let mut seen = BTreeSet::new();
        let mut in_order: Vec<(&Vec<String>, u64)> = Vec::new();
        for ((condition, _), run) in &left {
            if seen.insert(condition) {
                in_order.push((condition, run.cell));
            }
        }
        in_order.sort_by(|a, b| order(a.0, b.0));
        in_order.into_iter().map(|(condition, _)| condition).collect()
    };
    let mut all = Vec::new();
    for condition in conditions {
        let pairs: Vec<(&Reported, &Reported)> = (left.iter())
            .filter(|((known, _), _)| known == condition)
            .filter_map(|((condition, replicate), run)| Some((*run, *right.get(&(projected(condition), *replicate))?)))
            .collect();
        if pairs.is_empty() {
            continue;
        }
        let mut at_edge: Vec<String> = Vec::new();
        let mut choice = |known: &Chosen, condition: &[String]| match known.get(condition) {
            Some((setting, ends)) => {
                at_edge.extend(ends.iter().cloned());
                setting.clone()
            }
            None => String::new(),
        };
        let chosen = (choice(&left_chosen, condition), choice(&right_chosen, &projected(condition)));
        for (a, b) in &pairs {
            at_edge.extend([a, b].iter().filter_map(|run| edges.get(&run.cell)).flatten().cloned());
        }
        at_edge.sort();
        at_edge.dedup();
        let first = pairs[0].0;
        let values = |of: &Reported| {
            prediction
                .by
                .iter()
                .filter_map(|axis| Some(((*axis).to_owned(), of.coordinates.get(*axis)?.clone())))
                .collect()
        };
        all.push(one(prediction, &pairs, values(first), at_edge, chosen, floor)?);
    }
    if all.is_empty() {
        return Err(format!("\"{}\": no run fits \"{}\" and has a partner", prediction.says, prediction.of));
    }
    Ok(all)
}

/// By numbers where they are some.
fn order(a: &[String], b: &[String]) -> std::cmp::Ordering {
    let number = |text: &String| text.parse::<f64>().ok();
    a.iter().zip(b).fold(std::cmp::Ordering::Equal, |known, (a, b)| {
        known.then_with(|| match (number(a), number(b)) {
            (Some(a), Some(b)) => a.total_cmp(&b),
            _ => a.cmp(b),
        })
    })
}

/// By condition: what was chosen, and which of it is at an end.
type Chosen = BTreeMap<Vec<String>, (String, Vec<String>)>;

/// The runs of one side by condition and replicate; where a choice was needed, what was chosen; and which axes of the
/// condition they have.
fn side<'r>(
    prediction: &Prediction,
    filter: &str,
    runs: &'r [Reported],
) -> Result<(Side<'r>, Chosen, Vec<bool>), String> {
    let parsed = Filter::parse(filter).map_err(|error| format!("\"{filter}\": {error}"))?;
    let fits = |run: &&Reported| parsed.fits_values(|name| run.coordinates.get(name).cloned());
    let mut groups: BTreeMap<Vec<String>, BTreeMap<String, Vec<&Reported>>> = BTreeMap::new();
    let mut had = vec![false; prediction.by.len()];
    for run in runs.iter().filter(fits) {
        let condition: Vec<String> = prediction.by.iter().map(|axis| shown(&run.coordinates, axis)).collect();
        had.iter_mut().zip(prediction.by).for_each(|(had, axis)| *had |= run.coordinates.contains_key(*axis));
        groups.entry(condition).or_default().entry(setting(run)).or_default().push(run);
    }
    let mut side = Side::new();
    let mut chosen = Chosen::new();
    for (condition, mut settings) in groups {
        let runs = match (settings.len(), prediction.chosen_by) {
            (1, None) => settings.pop_first().map(|(_, runs)| runs).unwrap_or_default(),
            (several, None) => {
                let all: Vec<&String> = settings.keys().collect();
                return Err(format!(
                    "\"{}\": {several} settings fit \"{filter}\" where one is compared: {} and {}",
                    prediction.says, all[0], all[1]
                ));
            }
            (_, Some(quantity)) => {
                let (runs, said, ends) = best(&settings, quantity);
                chosen.insert(condition.clone(), (said, ends));
                runs
            }
        };
        for run in runs {
            side.insert((condition.clone(), run.replicate()), run);
        }
    }
    Ok((side, chosen, had))
}

fn shown(coordinates: &Coordinates, axis: &str) -> String {
    coordinates.get(axis).map(Value::to_string).unwrap_or_default()
}

fn setting(run: &Reported) -> String {
    let parts =
        run.coordinates.iter().filter(|(axis, _)| !is_seed(axis)).map(|(axis, value)| format!("{axis} {value}"));
    parts.collect::<Vec<_>>().join(", ")
}

/// The setting with the least median of `quantity` on even replicates, none of which diverged, by its odd ones; in words what tells it from the others,
/// and which of that is the least or the greatest of all.
fn best<'r>(
    settings: &BTreeMap<String, Vec<&'r Reported>>,
    quantity: Quantity,
) -> (Vec<&'r Reported>, String, Vec<String>) {
    let even = |run: &&&Reported| run.replicate() % 2 == 0;
    // A setting that fails now and then is not one that anybody would choose.
    let score = |runs: &Vec<&Reported>| {
        let values: Option<Vec<f64>> = runs.iter().filter(even).map(|run| run.value(quantity)).collect();
        values.and_then(|values| quartiles(values.into_iter().map(Some)).median).unwrap_or(f64::INFINITY)
    };
    let best = settings.values().min_by(|a, b| score(a).total_cmp(&score(b)));
    let Some(best) = best.filter(|runs| !runs.is_empty()) else { return (Vec::new(), String::new(), Vec::new()) };
    let (mut said, mut ends) = (Vec::new(), Vec::new());
    for (axis, value) in best[0].coordinates.iter().filter(|(axis, _)| !is_seed(axis)) {
        let all: Vec<&Value> = settings.values().filter_map(|runs| runs[0].coordinates.get(axis)).collect();
        if all.iter().all(|other| *other == value) {
            continue;
        }
        said.push(format!("{axis} {value}"));
        let numbers: Vec<f64> = all.iter().filter_map(|value| value.number()).collect();
        if let Some(x) = value.number().filter(|_| numbers.len() == all.len()) {
            // What is exactly as good with another value says that nothing lies beyond.
            let tied =
                |other: &Vec<&Reported>| score(other) == score(best) && other[0].coordinates.get(axis) != Some(value);
            if !settings.values().any(tied) {
                let (least, most) = numbers.iter().fold((f64::INFINITY, 0.0_f64), |(a, b), x| (a.min(*x), b.max(*x)));
                if x == least {
                    ends.push(format!("{axis} min"));
                } else if x == most {
                    ends.push(format!("{axis} max"));
                }
            }
        }
    }
    let odd = best.iter().filter(|run| run.replicate() % 2 != 0).copied().collect();
    (odd, said.join(", "), ends)
}

/// A number of a run; `None` where the run diverged.
fn number(run: &Reported, quantity: Quantity) -> Result<Option<f64>, String> {
    match run.value(quantity) {
        None if run.diverged && !quantity.is_of_failure() => {
            Err(format!("cell {} diverged: it has no {}", run.cell, quantity.shown()))
        }
        None if !run.diverged => Err(format!(
            "cell {} has no {}: it was trained before that was recorded; train its sweep in a new database",
            run.cell,
            quantity.column()
        )),
        value => Ok(value),
    }
}

/// One condition.
fn one(
    prediction: &Prediction,
    pairs: &[(&Reported, &Reported)],
    condition: Vec<(String, Value)>,
    edges: Vec<String>,
    chosen: (String, String),
    floor: f64,
) -> Result<Measured, String> {
    let left = pairs.iter().map(|(a, _)| number(a, prediction.what)).collect::<Result<Vec<_>, _>>()?;
    let right = (pairs.iter())
        .map(|(_, b)| match prediction.against {
            Against::Runs(_) => number(b, prediction.what),
            Against::Own(quantity) => number(b, quantity),
            Against::Number(number) => Ok(Some(number)),
        })
        .collect::<Result<Vec<_>, _>>()?;
    let by_difference = prediction.expects.is_difference();
    let recovery = prediction.what.tells_recovery();
    let both = matches!(prediction.against, Against::Runs(_));
    let least = if recovery && both { floor } else { f64::NEG_INFINITY };
    let recovers = |error: &Option<f64>| error.is_some_and(|error| error <= floor);
    let differences: Vec<f64> = left
        .iter()
        .zip(&right)
        .map(|(a, b)| match (a, b) {
            (a, b) if prediction.expects.is_of_shares() => f64::from(recovers(a)) - f64::from(recovers(b)),
            (Some(a), Some(b)) if by_difference => a - b,
            // 0/0: equal.
            (Some(a), Some(b)) if a == b => 1.0,
            (Some(a), Some(b)) => a.max(least) / b.max(least),
            // The worst of all: infinitely large, or as little as can be where more is better.
            (None, Some(_)) if by_difference => f64::NEG_INFINITY,
            (Some(_), None) if by_difference => f64::INFINITY,
            (None, Some(_)) => f64::INFINITY,
            (Some(_), None) => 0.0,
            (None, None) => {
                if by_difference {
                    0.0
                } else {
                    1.0
                }
            }
        })
        .collect();
    // The median of what is only 0 or 1 says little.
    let middle = if prediction.expects.is_of_shares() { mean } else { median };
    let interval = interval(&differences, middle);
    let unweighted = |run: &Reported| run.coordinates.get("lambda").and_then(Value::number) == Some(0.0);
    let unweighted = (unweighted(pairs[0].0), both && unweighted(pairs[0].1));
    let (low, high) = interval;
    let answer = match prediction.expects {
        _ if !edges.is_empty() => Answer::AtEdge,
        _ if unweighted.0 || unweighted.1 => Answer::NoWeight,
        Expects::Below(factor) => judged(high < factor, low >= factor),
        Expects::Above(factor) => judged(low > factor, high <= factor),
        Expects::Within(factor) => judged(low > 1.0 / factor && high < factor, low >= factor || high <= 1.0 / factor),
        Expects::More(amount) => judged(low > amount, high <= amount),
        Expects::Oftener | Expects::NoLessOften if !left.iter().chain(&right).any(recovers) => Answer::Open,
        Expects::Oftener => judged(low > 0.0, high <= 0.0),
        Expects::NoLessOften => judged(low >= 0.0, high < 0.0),
    };
    let recovered = |side: &[Option<f64>]| side.iter().filter(|error| recovers(error)).count();
    let mut runs: Vec<&Reported> = pairs.iter().flat_map(|(a, b)| [*a, *b]).collect();
    runs.sort_by_key(|run| run.cell);
    runs.dedup_by_key(|run| run.cell);
    Ok(Measured {
        condition,
        n: pairs.len(),
        medians: (quartiles(left.iter().copied()).median, quartiles(right.iter().copied()).median),
        middle: middle(&mut differences.clone()),
        interval,
        failed: (runs.iter().filter(|run| run.failed()).count(), runs.len()),
        recovered: recovery.then(|| (recovered(&left), both.then(|| recovered(&right)))),
        unweighted,
        edges,
        chosen,
        answer,
    })
}

fn judged(holds: bool, fails: bool) -> Answer {
    match (holds, fails) {
        (true, _) => Answer::Holds,
        (_, true) => Answer::Fails,
        _ => Answer::Open,
    }
}

/// The median; the mean of the two in the middle of an even number.
fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let n = values.len();
    let (a, b) = (values[(n - 1) / 2], values[n / 2]);
    if a == b { a } else { (a + b) / 2.0 }
}

fn mean(values: &mut [f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The percentile bootstrap interval of the middle (Efron 1979), from a stream of its own: the same on every machine.
fn interval(values: &[f64], middle: fn(&mut [f64]) -> f64) -> (f64, f64) {
    let mut stream = Stream::new("paper/bootstrap", 0);
    let mut middles: Vec<f64> = (0..RESAMPLES)
        .map(|_| middle(&mut values.iter().map(|_| values[stream.below(values.len())]).collect::<Vec<_>>()))
        .collect();
    middles.sort_by(f64::total_cmp);
    let at = |share: f64| middles[(share * (RESAMPLES - 1) as f64).round() as usize];
    (at((1.0 - LEVEL) / 2.0), at((1.0 + LEVEL) / 2.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paper::runs::RECOVERED;
    use crate::paper::verdict::{Tally, Verdict};
    use std::collections::BTreeMap;

    fn run(cell: u64, optimizer: &str, samples: i64, replicate: i64, error: Option<f64>) -> Reported {
        let coordinates: Coordinates = [
            ("optimizer".to_owned(), Value::from(optimizer)),
            ("samples".to_owned(), samples.into()),
            ("replicate".to_owned(), replicate.into()),
            ("init_seed".to_owned(), replicate.into()),
        ]
        .into();
        let values = error.map(|error| ("test_rel".to_owned(), error)).into_iter().collect();
        Reported {
            cell,
            coordinates,
            diverged: error.is_none(),
            inflated: false,
            outcome: cell as i64,
            values,
            course: BTreeMap::new(),
        }
    }

    fn runs(adam: impl Fn(i64, i64) -> Option<f64>) -> Vec<Reported> {
        let mut all = Vec::new();
        for samples in [100, 200] {
            for replicate in 0..10 {
                let cell = all.len() as u64;
                all.push(run(cell, "adam", samples, replicate, adam(samples, replicate)));
                all.push(run(cell + 1, "gd", samples, replicate, Some(1.0 + 0.1 * replicate as f64)));
            }
        }
        all
    }

    /// The verdict of a claim of one prediction.
    fn whole(found: &[Measured]) -> Verdict {
        Tally::of([found].into_iter()).verdict()
    }

    const BETTER: Prediction = Prediction::new("Adam is better", "optimizer = adam", "optimizer = gd").by(&["samples"]);

    #[test]
    fn each_condition_is_paired_by_replicate() {
        let all = runs(|samples, r| Some((1.0 + 0.1 * r as f64) * if samples == 100 { 0.5 } else { 2.0 }));
        let found = measure(&BETTER, &all, &Edges::new(), RECOVERED).unwrap();
        let said: Vec<_> = found.iter().map(|m| (m.condition[0].1.to_string(), m.n, m.middle, m.answer)).collect();
        assert_eq!(said, [("100".to_owned(), 10, 0.5, Answer::Holds), ("200".to_owned(), 10, 2.0, Answer::Fails)]);
        assert_eq!(whole(&found), Verdict::UnderConditions);
        // 0.5 exactly in every pair: an interval of no width.
        assert_eq!(found[0].interval, (0.5, 0.5));
    }

    #[test]
    fn what_lies_on_both_sides_is_open_and_a_diverged_run_is_the_worst() {
        let all = runs(|_, r| Some(if r % 2 == 0 { 0.5 } else { 3.0 }));
        assert!(measure(&BETTER, &all, &Edges::new(), RECOVERED).unwrap().iter().all(|m| m.answer == Answer::Open));
        let all = runs(|_, _| None);
        let found = measure(&BETTER, &all, &Edges::new(), RECOVERED).unwrap();
        assert!(found.iter().all(|m| m.answer == Answer::Fails && m.failed == (10, 20) && m.medians.0.is_none()));
        assert_eq!(whole(&found), Verdict::NotReproduced);
    }

    #[test]
    fn a_claim_holds_in_part_where_a_prediction_holds_nowhere() {
        let found = measure(&BETTER, &runs(|_, _| Some(0.1)), &Edges::new(), RECOVERED).unwrap();
        let failed = measure(&BETTER, &runs(|_, _| Some(9.0)), &Edges::new(), RECOVERED).unwrap();
        let tally = Tally::of([&found[..], &failed].into_iter());
        assert_eq!((tally.holds, tally.fails, tally.nowhere, tally.all()), (2, 2, 1, 4));
        assert_eq!(tally.verdict(), Verdict::InPart);
    }

    #[test]
    fn what_both_sides_recover_is_equal() {
        let mut all = runs(|samples, r| Some(if samples == 100 || r > 6 { 1e-9 } else { 0.5 }));
        for run in all.iter_mut().filter(|run| run.coordinates["optimizer"] == Value::from("gd")) {
            run.values.insert("test_rel".to_owned(), 1e-5);
        }
        let found = measure(&BETTER, &all, &Edges::new(), RECOVERED).unwrap();
        assert_eq!((found[0].middle, found[0].interval, found[0].recovered), (1.0, (1.0, 1.0), Some((10, Some(10)))));
        // The medians are shown as they are.
        assert_eq!(found[0].medians, (Some(1e-9), Some(1e-5)));
        // .5 against 1e-3.
        assert_eq!((found[1].middle, found[1].recovered, found[1].answer), (500.0, Some((3, Some(10))), Answer::Fails));
        // Shares: equal, and .3 against 1.
        let found = measure(&BETTER.expects(Expects::Oftener), &all, &Edges::new(), RECOVERED).unwrap();
        assert_eq!((found[0].middle, found[0].answer), (0.0, Answer::Fails));
        assert!((found[1].middle + 0.7).abs() < 1e-12 && found[1].answer == Answer::Fails, "{:?}", found[1]);
        let fewer = Prediction { of: "optimizer = gd", ..BETTER };
        let fewer = Prediction { against: Against::Runs("optimizer = adam"), ..fewer }.expects(Expects::Oftener);
        let found = measure(&fewer, &all, &Edges::new(), RECOVERED).unwrap();
        assert_eq!(found.iter().map(|m| m.answer).collect::<Vec<_>>(), [Answer::Fails, Answer::Holds]);
        let found = measure(&BETTER.expects(Expects::NoLessOften), &all, &Edges::new(), RECOVERED).unwrap();
        assert_eq!(found.iter().map(|m| m.answer).collect::<Vec<_>>(), [Answer::Holds, Answer::Fails]);
    }

    #[test]
    fn another_floor_is_another_answer() {
        let all = runs(|_, _| Some(1e-5));
        let mut both = all.clone();
        for run in both.iter_mut().filter(|run| run.coordinates["optimizer"] == Value::from("gd")) {
            run.values.insert("test_rel".to_owned(), 5e-4);
        }
        let answer = |floor| measure(&BETTER, &both, &Edges::new(), floor).unwrap()[0].answer;
        assert_eq!((answer(RECOVERED), answer(1e-4)), (Answer::Fails, Answer::Holds));
    }

    #[test]
    fn a_norm_of_a_run_that_diverged_is_no_answer() {
        let rank = BETTER.what(Quantity::Last("effective_rank"));
        let wrong = measure(&rank, &runs(|_, _| None), &Edges::new(), RECOVERED).unwrap_err();
        assert!(wrong.contains("diverged: it has no effective_rank"), "{wrong}");
    }

    #[test]
    fn a_penalty_without_weight_is_told() {
        let mut all = runs(|_, _| Some(0.1));
        for run in all.iter_mut().filter(|run| run.coordinates["optimizer"] == Value::from("adam")) {
            run.coordinates.insert("lambda".to_owned(), 0.0.into());
        }
        let found = measure(&BETTER, &all, &Edges::new(), RECOVERED).unwrap();
        assert_eq!((found[0].unweighted, found[0].answer), ((true, false), Answer::NoWeight));
        let tally = Tally::of([&found[..]].into_iter());
        assert_eq!((tally.no_weight, tally.nowhere, tally.all()), (2, 0, 0));
    }

    #[test]
    fn an_edge_withholds_the_verdict() {
        let all = runs(|_, _| Some(0.1));
        let edges = Edges::from([(0, vec!["lr max".to_owned()])]);
        let found = measure(&BETTER, &all, &edges, RECOVERED).unwrap();
        assert_eq!(found.iter().map(|m| m.answer).collect::<Vec<_>>(), [Answer::AtEdge, Answer::Holds]);
        assert_eq!(whole(&found), Verdict::UnderConditions, "the other condition has its answer");
        assert_eq!(whole(&found[..1]), Verdict::Withheld);
        let all = runs(|_, _| Some(10.0));
        let found = measure(&BETTER, &all, &edges, RECOVERED).unwrap();
        assert_eq!(whole(&found), Verdict::Withheld, "one fails, and of the other nothing is known");
    }

    #[test]
    fn several_settings_on_a_side_are_refused_or_chosen_on_half_of_the_replicates() {
        let all = runs(|samples, r| Some(if (samples == 100) == (r % 2 == 0) { 0.1 } else { 5.0 }));
        let prediction = Prediction { by: &[], ..BETTER };
        let wrong = measure(&prediction, &all, &Edges::new(), RECOVERED).unwrap_err();
        assert!(wrong.contains("2 settings fit \"optimizer = adam\""), "{wrong}");
        // On even replicates 100 is better; on the odd ones, which count, it is worse.
        let prediction = prediction.chosen_by(Quantity::Last("test_rel"));
        let found = measure(&prediction, &all, &Edges::new(), RECOVERED).unwrap();
        assert_eq!((found[0].n, found[0].medians.0), (5, Some(5.0)));
        assert_eq!(found[0].chosen, ("samples 100".to_owned(), "samples 100".to_owned()));
        // The least of its list; of gd's two settings, which are equally good, nothing points beyond.
        assert_eq!((found[0].answer, &found[0].edges[..]), (Answer::AtEdge, &["samples min".to_owned()][..]));
    }

    #[test]
    fn what_was_not_recorded_is_no_answer() {
        let wrong = measure(&BETTER.what(Quantity::Last("ratio")), &runs(|_, _| Some(1.0)), &Edges::new(), RECOVERED)
            .unwrap_err();
        assert!(wrong.contains("cell 0 has no ratio"), "{wrong}");
    }

    #[test]
    fn a_filter_that_no_run_fits_is_a_mistake() {
        let prediction = Prediction { of: "optimizer = muon", ..BETTER };
        assert!(
            measure(&prediction, &runs(|_, _| Some(1.0)), &Edges::new(), RECOVERED)
                .unwrap_err()
                .contains("no run fits")
        );
    }

    #[test]
    fn the_interval_is_that_of_the_median() {
        let values: Vec<f64> = (1..=101).map(f64::from).collect();
        let (low, high) = interval(&values, median);
        // For n = 101 the binomial interval of the median is about 51 ± 10.
        assert!((38.0..46.0).contains(&low) && (56.0..64.0).contains(&high), "{low} {high}");
        assert_eq!(interval(&[2.0], median), (2.0, 2.0));
        assert_eq!(interval(&values, median), interval(&values, median));
    }
}
