//! What the answers of a claim come to.

use super::measured::{Answer, Measured};

/// What all answers of a claim come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Every prediction holds under every condition.
    Reproduced,
    /// Every prediction holds under some condition.
    UnderConditions,
    /// Some predictions hold, and some under no condition.
    InPart,
    /// None does.
    NotReproduced,
    /// None does, and somewhere a chosen hyperparameter ends its list.
    Withheld,
}

/// How many answers of a claim there are of each kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    pub holds: usize,
    pub fails: usize,
    pub open: usize,
    pub at_edge: usize,
    pub no_weight: usize,
    /// How many predictions that got an answer hold under no condition.
    pub nowhere: usize,
}

impl Tally {
    /// Of all answers of a claim, prediction by prediction.
    pub fn of<'m>(all: impl Iterator<Item = &'m [Measured]>) -> Tally {
        let mut tally = Tally::default();
        for prediction in all {
            for measured in prediction {
                *match measured.answer {
                    Answer::Holds => &mut tally.holds,
                    Answer::Fails => &mut tally.fails,
                    Answer::Open => &mut tally.open,
                    Answer::AtEdge => &mut tally.at_edge,
                    Answer::NoWeight => &mut tally.no_weight,
                } += 1;
            }
            let holds = prediction.iter().any(|measured| measured.answer == Answer::Holds);
            let asked = prediction.iter().any(|measured| measured.answer != Answer::NoWeight);
            tally.nowhere += usize::from(asked && !holds);
        }
        tally
    }

    /// How many answers there are, without those about a penalty that got no weight.
    pub fn all(self) -> usize {
        self.holds + self.fails + self.open + self.at_edge
    }

    /// What they come to.
    pub fn verdict(self) -> Verdict {
        match self {
            // What has no answer might have gone either way.
            Tally { holds: 0, at_edge, .. } if at_edge > 0 => Verdict::Withheld,
            Tally { holds: 0, .. } => Verdict::NotReproduced,
            Tally { fails: 0, open: 0, at_edge: 0, .. } => Verdict::Reproduced,
            Tally { nowhere: 0, .. } => Verdict::UnderConditions,
            _ => Verdict::InPart,
        }
    }
}

impl Verdict {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Verdict::Reproduced => "reproduced",
            Verdict::UnderConditions => "reproduced only under some conditions",
            Verdict::InPart => "reproduced in part",
            Verdict::NotReproduced => "not reproduced",
            Verdict::Withheld => "no verdict: a chosen hyperparameter ends its list",
        }
    }
}
