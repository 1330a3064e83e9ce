//! The claims of the note and of its sources, and what came of them: `sweep paper`.
//!
//! - a [`Claim`] (one file of `claims`) says what is claimed, what that predicts of which sweep, and what is drawn
//! - a [`Paper`] is a sweep of `sweeps/paper`, built into the program
//! - `prediction`: what a claim leads one to expect; `runs`: the reported runs; `measured`: whether they bear it out;
//!   `verdict`: what a claim's answers come to
//! - `kept`: result rows as Parquet; `replay`: such rows back into a database
//! - `findings`: all of it as one document with its pictures
//! - `quick`: a sweep in small; `ratings`: ratings that may be given away
//!
//! One rule: no number of the document is typed. Text is written here, numbers come from rows, and the verdict follows from them.

mod claims;
mod findings;
mod kept;
mod measured;
mod prediction;
mod quick;
mod ratings;
mod replay;
mod runs;
mod verdict;

pub use claims::CLAIMS;
pub use findings::{File, Made, make};
pub use kept::{is_kept, read, write};
pub use quick::smaller;
pub use replay::replay;

use crate::inputs::Contents;
use prediction::Prediction;
use std::collections::BTreeMap;
use sweep_core::trial::Inputs;

/// The sweeps whose data the user may bring.
const RATINGS: [&str; 2] = ["ratings", "ratings-steps"];

/// What of the trajectories of a sweep is kept beside its rows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Course {
    /// Recorded scalars.
    pub columns: &'static [&'static str],
    /// Leading singular values.
    pub singular_values: usize,
    /// Step 0 alone.
    pub first_alone: bool,
}

/// A sweep of the set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Paper {
    /// Its name; `sweeps/paper/NAME.toml` is its file.
    pub name: &'static str,
    /// The file.
    pub file: &'static str,
    /// What of its trajectories is kept.
    pub course: Option<Course>,
}

macro_rules! paper {
    ($name:literal) => {
        paper!($name, None)
    };
    ($name:literal, $course:expr) => {
        Paper { name: $name, file: include_str!(concat!("../../../sweeps/paper/", $name, ".toml")), course: $course }
    };
}

/// Every sweep of the set, in the order in which they are run: what is short first.
pub const KNOWN: &[Paper] = &[
    paper!(
        "norms",
        Some(Course {
            columns: &["train_loss", "unobserved_max", "nuclear_norm", "frobenius_norm", "effective_rank"],
            singular_values: 0,
            first_alone: false,
        })
    ),
    paper!(
        "steps",
        Some(Course {
            columns: &[
                "step_cosine_gd",
                "step_cosine_momentum",
                "step_cosine_adam",
                "step_cosine_flow",
                "sigma_rate_error",
                "effective_rank",
            ],
            singular_values: 0,
            first_alone: false,
        })
    ),
    paper!(
        "dynamics",
        Some(Course {
            columns: &[
                "leading_diagonal",
                "leading_off_diagonal",
                "alignment_diagonal",
                "alignment_off_diagonal",
                "effective_rank",
                "test_rel",
            ],
            singular_values: 8,
            first_alone: false,
        })
    ),
    paper!("discretisation"),
    paper!("guard"),
    paper!("scale"),
    paper!("limit"),
    paper!("adam"),
    paper!("normalised"),
    paper!("depth-penalty"),
    paper!("headline"),
    paper!("regimes"),
    paper!("scarce"),
    paper!("noise"),
    paper!("head-to-head"),
    paper!("deep"),
    paper!("acceleration", Some(Course { columns: &["train_loss"], singular_values: 0, first_alone: false })),
    paper!("minimum-frobenius"),
    paper!("implicit", Some(Course { columns: &["frobenius_norm"], singular_values: 0, first_alone: true })),
    paper!("patience"),
    paper!("budget"),
    paper!("size"),
    paper!("ratings"),
    paper!("ratings-steps"),
];

/// A picture of a sweep.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Picture {
    /// The sweep.
    pub sweep: &'static str,
    /// What is drawn, as `sweep plot` takes it.
    pub settings: &'static [(&'static str, &'static str)],
    /// What it shows.
    pub caption: &'static str,
}

/// A question that a finding raised, with the experiment that answers it.
#[derive(Debug, Clone, Copy)]
pub struct FollowUp {
    /// The question.
    pub question: &'static str,
    /// What would answer it.
    pub predictions: &'static [Prediction],
    /// What is drawn of it.
    pub pictures: &'static [Picture],
}

/// What a claim is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Somebody says so: it is reproduced or not.
    Claim,
    /// Nobody said how it is: its predictions are what we expected.
    Question,
}

/// A claim.
#[derive(Debug, Clone, Copy)]
pub struct Claim {
    /// Its letter, for short.
    pub letter: char,
    /// What it is about.
    pub title: &'static str,
    /// Who says it.
    pub source: &'static str,
    /// What is said.
    pub says: &'static str,
    /// Whether it is said, or only asked.
    pub kind: Kind,
    /// The sweeps that are asked, the first where a prediction names none.
    pub sweeps: &'static [&'static str],
    /// What it leads one to expect.
    pub predictions: &'static [Prediction],
    /// What is drawn.
    pub pictures: &'static [Picture],
    /// What a reader must know beside the numbers.
    pub remarks: &'static [&'static str],
    /// What was asked then.
    pub follow_ups: &'static [FollowUp],
}

/// The sweep of this name, if it is of the set.
pub fn find(name: &str) -> Option<&'static Paper> {
    KNOWN.iter().find(|paper| paper.name == name)
}

/// The data files that a sweep of the set names: built in, made, or (`ratings`) the user's own.
pub fn inputs(paper: &Paper, ratings: Option<&[u8]>) -> Contents {
    let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    match paper.name {
        "norms" => {
            let content = include_bytes!("../../../sweeps/paper/two-by-two.obs.csv");
            files.insert("two-by-two.obs.csv".to_owned(), content.to_vec());
        }
        name if RATINGS.contains(&name) => {
            files.insert("u.data".to_owned(), ratings.map_or_else(ratings::made, <[u8]>::to_vec));
        }
        _ => {}
    }
    Contents::of(files)
}

/// Whether a sweep had made data where its user may have their own.
fn stands_in(paper: &Paper, given: &Inputs) -> bool {
    RATINGS.contains(&paper.name) && inputs(paper, None).inputs == *given
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use sweep_coordinator::figure::Ask;
    use sweep_core::outcome::COLUMNS;

    #[test]
    fn every_claim_names_what_there_is() {
        let mut letters = BTreeSet::new();
        for claim in CLAIMS {
            assert!(letters.insert(claim.letter), "{} twice", claim.letter);
            assert!(!claim.predictions.is_empty(), "{}", claim.letter);
            let known = |name: &str| name.is_empty() || claim.sweeps.contains(&name);
            for sweep in claim.sweeps {
                assert!(find(sweep).is_some(), "{}: {sweep}", claim.letter);
            }
            let followed = claim.follow_ups.iter().flat_map(|follow_up| follow_up.predictions);
            for prediction in claim.predictions.iter().chain(followed) {
                assert!(known(prediction.sweep), "{}: {}", claim.letter, prediction.sweep);
            }
            let more = claim.follow_ups.iter().flat_map(|follow_up| follow_up.pictures);
            for picture in claim.pictures.iter().chain(more) {
                assert!(known(picture.sweep), "{}: {}", claim.letter, picture.sweep);
                Ask::parse(picture.settings.iter().copied()).unwrap_or_else(|why| panic!("{}: {why}", claim.letter));
            }
        }
        let asked: BTreeSet<&str> = CLAIMS.iter().flat_map(|claim| claim.sweeps.iter().copied()).collect();
        assert!(KNOWN.iter().all(|paper| asked.contains(paper.name)), "a sweep that nobody asks");
    }

    #[test]
    fn what_is_kept_of_a_course_is_recorded() {
        for course in KNOWN.iter().filter_map(|paper| paper.course) {
            for name in course.columns {
                assert!(COLUMNS.iter().any(|column| column.name == *name), "{name}");
            }
        }
    }
}
