//! What a claim leads one to expect of a sweep.

use super::runs::Quantity;
use sweep_coordinator::words::digits;

/// How the left side of a prediction is to stand to its right side.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Expects {
    /// left / right < factor.
    Below(f64),
    /// left / right > factor.
    Above(f64),
    /// 1/factor < left / right < factor.
    Within(f64),
    /// left − right > amount: for numbers that may be negative or 0.
    More(f64),
    /// More runs of the left side recover the matrix than of the right: by the difference of their shares.
    Oftener,
    /// No fewer do. Open where no run of either side does.
    NoLessOften,
}

/// What is on the right side.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Against {
    /// Other runs, by a filter.
    Runs(&'static str),
    /// Another number of the same run.
    Own(Quantity),
    /// A number.
    Number(f64),
}

/// A prediction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prediction {
    /// In words.
    pub says: &'static str,
    /// The sweep that is asked; the claim's first where it is empty.
    pub sweep: &'static str,
    /// Which runs, by a filter.
    pub of: &'static str,
    /// What of them.
    pub what: Quantity,
    /// What they are compared with.
    pub against: Against,
    /// How they are to compare.
    pub expects: Expects,
    /// Axes for each of whose values it is asked apart.
    pub by: &'static [&'static str],
    /// Where a side has several settings: of those without a diverged run, the one with the least median of this on the
    /// replicates of even number is taken,
    /// and those of odd number are compared.
    pub chosen_by: Option<Quantity>,
}

impl Prediction {
    /// That the test error of `of` is less than that of `against`.
    pub const fn new(says: &'static str, of: &'static str, against: &'static str) -> Prediction {
        Prediction {
            says,
            sweep: "",
            of,
            what: Quantity::Last("test_rel"),
            against: Against::Runs(against),
            expects: Expects::Below(1.0),
            by: &[],
            chosen_by: None,
        }
    }
    /// That a number of `of` is less than `number`.
    pub const fn number(says: &'static str, of: &'static str, what: Quantity, number: f64) -> Prediction {
        Prediction { what, against: Against::Number(number), ..Prediction::new(says, of, "") }
    }
    /// That a number of `of` is less than another of the same run.
    pub const fn own(says: &'static str, of: &'static str, what: Quantity, other: Quantity) -> Prediction {
        Prediction { what, against: Against::Own(other), ..Prediction::new(says, of, "") }
    }
    /// In another sweep than the claim's first.
    pub const fn in_sweep(self, sweep: &'static str) -> Prediction {
        Prediction { sweep, ..self }
    }
    /// Of another number than the test error.
    pub const fn what(self, what: Quantity) -> Prediction {
        Prediction { what, ..self }
    }
    /// With another relation.
    pub const fn expects(self, expects: Expects) -> Prediction {
        Prediction { expects, ..self }
    }
    /// For each value of these axes.
    pub const fn by(self, by: &'static [&'static str]) -> Prediction {
        Prediction { by, ..self }
    }
    /// Every number that it asks for.
    pub fn quantities(&self) -> impl Iterator<Item = Quantity> {
        let own = match self.against {
            Against::Own(quantity) => Some(quantity),
            Against::Runs(_) | Against::Number(_) => None,
        };
        [Some(self.what), own, self.chosen_by].into_iter().flatten()
    }
    /// With the setting that is best by this.
    pub const fn chosen_by(self, quantity: Quantity) -> Prediction {
        Prediction { chosen_by: Some(quantity), ..self }
    }
}

impl Expects {
    /// Whether a difference is looked at, not a ratio.
    pub fn is_difference(self) -> bool {
        self.is_of_shares() || matches!(self, Expects::More(_))
    }

    /// Whether it is about the shares of runs that recovered.
    pub fn is_of_shares(self) -> bool {
        matches!(self, Expects::Oftener | Expects::NoLessOften)
    }
    /// In characters: `< 1`, `within ×/÷ 1.25`.
    pub fn shown(self) -> String {
        match self {
            Expects::Below(factor) => format!("< {}", digits(factor, 4)),
            Expects::Above(factor) => format!("> {}", digits(factor, 4)),
            Expects::Within(factor) => format!("{} to {}", digits(1.0 / factor, 4), digits(factor, 4)),
            Expects::More(amount) => format!("> {}", digits(amount, 3)),
            Expects::Oftener => "> 0".to_owned(),
            Expects::NoLessOften => "≥ 0".to_owned(),
        }
    }
}
