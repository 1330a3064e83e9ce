//! What is said around a picture: how many runs, which seeds, what failed, what is missing, what is pooled.

use super::Scene;
use super::lattice::{Group, Lattice, Part};
use super::names;
use crate::words::count;

/// What holds for all cells of the picture, as the line under its title.
pub fn subtitle(scene: &Scene<'_>, lattice: &Lattice) -> String {
    const TOLD: [&str; 12] =
        ["problem", "n1", "n2", "rank", "samples", "noise", "optimizer", "penalty", "depth", "lr", "lambda", "steps"];
    let told = |name: &&str| {
        let value = lattice.fixed.get(*name)?;
        let is_usual = match *name {
            "problem" => value.text() == Some("synthetic"),
            "noise" => value.number() == Some(0.0),
            _ => false,
        };
        (!is_usual).then(|| match value.text() {
            Some(_) => names::value(Some(value)),
            None => format!("{} {}", names::axis(name), names::value(Some(value))),
        })
    };
    let fixed: Vec<String> = TOLD.iter().filter_map(told).collect();
    let description = scene.stored.description.lines().next().unwrap_or_default().trim();
    match (description.is_empty(), fixed.is_empty()) {
        (true, _) => fixed.join(" · "),
        (_, true) => description.to_owned(),
        _ => format!("{} · {}", description.trim_end_matches('.'), fixed.join(" · ")),
    }
}

/// What is said below; `what` is the place that runs share, as in "tile".
pub fn caption(scene: &Scene<'_>, lattice: &Lattice, what: &str, left_out: u64) -> String {
    let mut said = Vec::new();
    let groups = || lattice.groups.iter();
    let done = |group: &Group| group.done.len() as u64;
    let (runs, cells) = (groups().map(done).sum::<u64>(), groups().map(|group| group.cells).sum::<u64>());
    let of_one = groups().map(done).filter(|n| *n > 0);
    let (least, most) = (of_one.clone().min().unwrap_or(0), of_one.max().unwrap_or(0));
    let seeds = match lattice.replicates {
        Some((first, last)) if first == last => format!(" (replicate {first})"),
        Some((first, last)) => format!(" (replicates {first}–{last})"),
        None => String::new(),
    };
    match (least, most) {
        (0, _) => {}
        (a, b) if a == b => said.push(format!("{} a {what}{seeds}.", count(a, "run"))),
        (a, b) => said.push(format!("{a} to {b} runs a {what}{seeds}.")),
    }
    if scene.plan.part == Part::Tuning {
        said.push("Candidates of tuning, on the tuning seeds.".to_owned());
    } else if scene.sweep.tune.is_some() {
        said.push("Refits of what validation error chose, on fresh seeds.".to_owned());
    }
    let diverged: u64 = groups().map(Group::diverged).sum();
    let inflated: u64 = groups().map(Group::inflated).sum();
    let failed: u64 = groups().map(|group| group.failed).sum();
    let share = |n: u64, word: &str| format!("{n} of {runs} runs {word}.");
    if diverged > 0 {
        said.push(format!("{} They count as the worst.", share(diverged, "diverged")));
    }
    if inflated > 0 {
        said.push(share(inflated, "are inflated"));
    }
    if failed > 0 {
        said.push(format!(
            "{} given up.",
            if failed == 1 { "1 cell was".to_owned() } else { format!("{failed} cells were") }
        ));
    }
    if runs + failed < cells {
        said.push(format!("{} of {cells} cells are not done.", cells - runs - failed));
    }
    for (name, n) in &lattice.pooled {
        said.push(format!("Pooled: {n} values of {}.", names::axis(name)));
    }
    if left_out > 0 {
        said.push(format!(
            "{} without a value of these axes {} not shown.",
            count(left_out, "cell"),
            if left_out == 1 { "is" } else { "are" }
        ));
    }
    if !scene.ask.filter_text.is_empty() {
        said.push(format!("Where {}.", scene.ask.filter_text));
    }
    said.join(" ")
}
