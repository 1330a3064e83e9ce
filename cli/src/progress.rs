//! Live progress on standard error: a bar on a terminal, a line every few seconds anywhere else.

use crate::output::{self, count as cells, span};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// Between two lines where there is no terminal.
const EVERY: Duration = Duration::from_secs(5);

/// Where a run is.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Snapshot {
    /// Cells of the sweep.
    pub total: u64,
    /// Cells with a result, linked ones included.
    pub done: u64,
    /// Being trained now.
    pub running: u64,
    /// Given up.
    pub failed: u64,
    /// Of those done, taken from an earlier result of the same trial.
    pub linked: u64,
    /// Trained by this run.
    pub trained: u64,
    /// Workers that are connected; 0 where they are of no account.
    pub workers: u64,
    /// Forecast of the time left, as measured so far; `None` before anything was measured.
    pub seconds_left: Option<f64>,
}

/// Several sweeps at a time: a bar for each, one below the other.
pub struct Several(MultiProgress);

impl Several {
    /// No bar yet.
    pub fn new() -> Several {
        Several(MultiProgress::with_draw_target(ProgressDrawTarget::stderr()))
    }

    /// What is shown of the sweep called `name`.
    pub fn of(&self, name: &str) -> Progress {
        let mut progress = Progress::new();
        progress.bar = progress.bar.map(|bar| self.0.add(bar));
        progress.name = format!("{}: ", output::printable(name));
        progress
    }
}

/// What is shown while cells are trained.
pub struct Progress {
    bar: Option<ProgressBar>,
    /// Which sweep, where there are several; else empty.
    name: String,
    started: Instant,
    said: Instant,
}

impl Progress {
    /// Nothing is shown before the first [`Progress::update`].
    pub fn new() -> Progress {
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{bar:12} {wide_msg}").expect("the template is well-formed");
            ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()).with_style(style.progress_chars("━╸─"))
        });
        Progress { bar, name: String::new(), started: Instant::now(), said: Instant::now() }
    }

    /// Shows where the run is.
    pub fn update(&mut self, now: &Snapshot) {
        let line = format!("{}{}", self.name, described(now, self.started.elapsed()));
        match &self.bar {
            Some(bar) => {
                bar.set_length(now.total);
                bar.set_position(now.done + now.failed);
                bar.set_message(line);
            }
            None if self.said.elapsed() >= EVERY => {
                self.said = Instant::now();
                crate::say!("{line}");
            }
            None => {}
        }
    }

    /// Says something that stays.
    pub fn say(&self, text: &str) {
        let name = &self.name;
        match &self.bar {
            Some(bar) => bar.suspend(|| crate::say!("{name}{text}")),
            None => crate::say!("{name}{text}"),
        }
    }

    /// Takes the bar away, and says how it ended.
    pub fn finish(self, end: &Snapshot) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        crate::say!("{}{}", self.name, summary(end, self.started.elapsed()));
    }
}

/// `12/96 cells · 20 s left · 4.1 cells/s · 2 running · 1 failed · 3 linked`: what a narrow terminal cuts off comes last.
fn described(now: &Snapshot, elapsed: Duration) -> String {
    let mut parts = vec![format!("{}/{} cells", now.done, now.total)];
    if let Some(seconds) = now.seconds_left {
        parts.push(format!("{} left", span(seconds)));
    }
    if now.trained > 0 {
        parts.push(rate(now.trained, elapsed));
    }
    let mut count = |n: u64, what: &str| {
        if n > 0 {
            parts.push(format!("{n} {what}"));
        }
    };
    match now.workers {
        0 => count(now.running, "running"),
        n => count(now.running, &format!("running on {}", cells(n, "worker"))),
    }
    count(now.failed, "failed");
    count(now.linked, "linked");
    parts.join(" · ")
}

/// `trained 93 cells in 24 s · 3 linked · 1 failed · 96/96 done`.
fn summary(end: &Snapshot, elapsed: Duration) -> String {
    let mut parts = match end.trained {
        0 if end.done + end.failed < end.total => vec!["trained no cell".to_owned()],
        0 => vec!["nothing left to train".to_owned()],
        n => vec![format!("trained {} in {}", cells(n, "cell"), span(elapsed.as_secs_f64())), rate(n, elapsed)],
    };
    let mut count = |n: u64, what: &str| {
        if n > 0 {
            parts.push(format!("{n} {what}"));
        }
    };
    count(end.linked, "linked");
    count(end.failed, "failed");
    parts.push(format!("{}/{} done", end.done, end.total));
    parts.join(" · ")
}

/// A rate in the unit that reads best.
fn rate(cells: u64, elapsed: Duration) -> String {
    let per_second = cells as f64 / elapsed.as_secs_f64().max(1e-3);
    let (value, unit) = match per_second {
        r if r >= 0.5 => (r, "s"),
        r if 60.0 * r >= 0.5 => (60.0 * r, "min"),
        r => (3_600.0 * r, "h"),
    };
    if value < 9.95 { format!("{value:.1} cells/{unit}") } else { format!("{value:.0} cells/{unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_there_is_to_say() {
        let mut now = Snapshot { total: 96, ..Snapshot::default() };
        assert_eq!(described(&now, Duration::from_secs(3)), "0/96 cells");
        now = Snapshot { done: 15, running: 2, failed: 1, linked: 3, trained: 12, seconds_left: Some(20.0), ..now };
        let line = "15/96 cells · 20 s left · 4.0 cells/s · 2 running · 1 failed · 3 linked";
        assert_eq!(described(&now, Duration::from_secs(3)), line);
        now.workers = 3;
        assert!(described(&now, Duration::from_secs(3)).contains(" · 2 running on 3 workers · "));
    }

    #[test]
    fn the_end_says_whether_anything_was_trained() {
        let end = Snapshot { total: 4, done: 4, linked: 1, trained: 3, ..Snapshot::default() };
        assert_eq!(
            summary(&end, Duration::from_secs(90)),
            "trained 3 cells in 1 min 30 s · 2.0 cells/min · 1 linked · 4/4 done"
        );
        let one = Snapshot { trained: 1, done: 2, ..end };
        assert_eq!(
            summary(&one, Duration::from_secs(2)),
            "trained 1 cell in 2.0 s · 0.5 cells/s · 1 linked · 2/4 done"
        );
        let none = Snapshot { trained: 0, done: 1, ..end };
        assert_eq!(summary(&none, Duration::from_secs(1)), "trained no cell · 1 linked · 1/4 done");
        let again = Snapshot { trained: 0, ..end };
        assert_eq!(summary(&again, Duration::from_secs(1)), "nothing left to train · 1 linked · 4/4 done");
    }

    #[test]
    fn slow_rates_have_larger_units() {
        assert_eq!(rate(1000, Duration::from_secs(10)), "100 cells/s");
        assert_eq!(rate(2, Duration::from_secs(7_200)), "1.0 cells/h");
    }
}
