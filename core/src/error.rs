//! The one error type of this crate. Messages are fragments that read well after "failed to …",
//! name the value and say what is allowed.

/// What can go wrong between a sweep file and an outcome. Divergence is not here: it is a result.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// A name that no registry knows.
    #[error("{what} \"{name}\" is not known{}; known: {}", nearest(name, known), known.join(", "))]
    Unknown {
        /// What kind of thing was named: "penalty", "axis", …
        what: &'static str,
        /// The name as given.
        name: String,
        /// Every known name.
        known: Vec<&'static str>,
    },
    /// A value outside what its axis allows.
    #[error("axis \"{axis}\": {value} is outside {allowed}")]
    Range {
        /// The axis.
        axis: String,
        /// The value as given.
        value: String,
        /// What is allowed, as text: `1..=8`.
        allowed: String,
    },
    /// A value of the wrong type.
    #[error("axis \"{axis}\": {value} is not {expected}")]
    Type {
        /// The axis.
        axis: String,
        /// The value as given.
        value: String,
        /// What is expected: "an integer", "a number", "text".
        expected: &'static str,
    },
    /// An axis that the choice made elsewhere does not have.
    #[error("axis \"{axis}\" does not apply to {to}; what applies: {}", known.join(", "))]
    NotApplicable {
        /// The axis.
        axis: String,
        /// The choice that does not have it: `optimizer "gd"`.
        to: String,
        /// The axes that do apply.
        known: Vec<&'static str>,
    },
    /// A needed axis without a value.
    #[error("axis \"{axis}\" needs a value for {of}: {allowed}")]
    Missing {
        /// The axis.
        axis: String,
        /// The choice that needs it.
        of: String,
        /// What is allowed.
        allowed: String,
    },
    /// Values that are each fine and together are not.
    #[error("{0}")]
    Conflict(String),
    /// A data file that cannot be read as what it is said to be.
    #[error("{file}:{line}:{column}: {message}")]
    File {
        /// The path or content hash.
        file: String,
        /// 1-based line, 0 where none applies.
        line: usize,
        /// 1-based column, 0 where none applies.
        column: usize,
        /// What is wrong and what is allowed.
        message: String,
    },
    /// `R(W)` is undefined where `‖W‖_F = 0`.
    #[error("the penalty is undefined at W = 0")]
    ZeroMatrix,
    /// NaN or ∞ where a finite matrix is needed.
    #[error("a matrix has an entry that is not finite")]
    NotFinite,
    /// LAPACK refused.
    #[error("lapack {routine} returned info = {info}")]
    Lapack {
        /// The routine.
        routine: &'static str,
        /// Its `info`.
        info: i32,
    },
    /// A checkpoint that does not belong to this trial, or is damaged.
    #[error("checkpoint: {0}")]
    Checkpoint(String),
}

/// ` (nearest: "ratio")` where one known name is near, or is the only one that holds `name` as its first or last words.
fn nearest(name: &str, known: &[&'static str]) -> String {
    let near = known
        .iter()
        .map(|candidate| (strsim::osa_distance(name, candidate), candidate))
        .min()
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len() / 4)
        .map(|(_, candidate)| candidate);
    let (last, first) = (format!("_{name}"), format!("{name}_"));
    let mut longer = known.iter().filter(|candidate| candidate.ends_with(&last) || candidate.starts_with(&first));
    let only = longer.next().filter(|_| !name.is_empty() && longer.next().is_none());
    near.or(only).map_or(String::new(), |candidate| format!(" (nearest: \"{candidate}\")"))
}

/// Shorthand.
pub type Result<T> = std::result::Result<T, Error>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_and_a_part_of_a_name_find_the_name() {
        let known = ["init_scale", "ratings_scaling", "ratings_test", "lr", "lambda"];
        for (name, expected) in [("lamda", "lambda"), ("scaling", "ratings_scaling"), ("scale", "init_scale")] {
            assert_eq!(nearest(name, &known), format!(" (nearest: \"{expected}\")"));
        }
        // Two names hold it, none does, and nothing at all.
        for name in ["ratings", "momentum", ""] {
            assert_eq!(nearest(name, &known), "", "{name}");
        }
    }
}
