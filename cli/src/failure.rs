//! Why a verb did not do what it was asked, and the exit code that says so.
//!
//! The user's mistakes and what went wrong on our side never share a variant.

use std::process::ExitCode;

/// How a verb ends when it does not succeed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Something that the user can put right; a fragment that reads well after "error:".
    #[error("{0}")]
    Mistake(String),
    /// Mistakes in a file, rendered with their places.
    #[error("{0}")]
    Rendered(String),
    /// No coordinator answers there, or it is not to be trusted.
    #[error("{0}")]
    Unreachable(String),
    /// The run is over and some cells have no result.
    #[error("{} failed", crate::output::count(*.0, "cell"))]
    JobsFailed(u64),
    /// A cell that was trained again failed.
    #[error("the cell failed: {0}")]
    CellFailed(String),
    /// A result was trained again and is not the same.
    #[error("the result differs")]
    Differs,
    /// What is stored does not agree with itself.
    #[error("{} {} wrong with what is stored", crate::output::count(*.0, "thing"), if *.0 == 1 { "is" } else { "are" })]
    Unsound(u64),
    /// Something does not work, and can be put right.
    #[error("{} found", crate::output::count(*.0, "problem"))]
    Unwell(u64),
    /// Stopped by the user; everything was handed back.
    #[error("interrupted")]
    Interrupted,
    /// Anything else: our bug, or a machine that does not do what it should.
    #[error("{0:#}")]
    Internal(anyhow::Error),
}

/// Shorthand.
pub type Result<T = (), E = Failure> = std::result::Result<T, E>;

impl Failure {
    /// What the process exits with.
    pub fn code(&self) -> ExitCode {
        ExitCode::from(match self {
            Failure::Internal(_) => 1,
            Failure::Mistake(_) | Failure::Rendered(_) | Failure::Unwell(_) => 2,
            Failure::Unreachable(_) => 3,
            Failure::JobsFailed(_) | Failure::CellFailed(_) | Failure::Differs | Failure::Unsound(_) => 4,
            // 128 + SIGINT, as shells have it.
            Failure::Interrupted => 130,
        })
    }
}
