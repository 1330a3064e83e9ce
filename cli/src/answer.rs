//! The answer of a sweep, as a table that fits where it is shown.

use crate::output::{self, Format, Table};
use sweep_coordinator::answer::{Answer, MOST_RUNS};
use sweep_coordinator::store::{Run, Selection};
use sweep_core::sweep::Sweep;

/// The answer of at most [`MOST_RUNS`] runs; a warning where there may be more.
pub fn of_most(sweep: &Sweep, runs: Vec<Run>, selections: &[Selection]) -> Answer {
    if runs.len() as u64 == MOST_RUNS {
        crate::say!("warning: the answer is made of the first {MOST_RUNS} runs; `sweep sql` asks all of them");
    }
    Answer::new(sweep, runs, selections)
}

/// The table of at most `most` rows for people, without quartiles where the terminal is too narrow for them, or of all
/// rows for programs.
pub fn in_form(answer: &Answer, format: Format, most: usize) -> Table {
    if format != Format::Table {
        return answer.table(usize::MAX).into();
    }
    let whole = answer.shown(most, true).into();
    if output::fits(&whole) { whole } else { answer.shown(most, false).into() }
}
