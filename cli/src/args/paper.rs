//! `sweep paper`.

use super::Machine;
use clap::Args;
use std::path::PathBuf;
use std::time::Duration;

/// Options of `sweep paper`.
#[derive(Debug, Args)]
pub struct Paper {
    /// Which of the sweeps, by name (`--list` shows them); all when left out. Findings are of the claims whose sweeps are
    /// all there.
    pub sweeps: Vec<String>,
    /// List the claims and sweeps, and how far they are; train nothing.
    #[arg(long)]
    pub list: bool,
    /// In small, in a few minutes: a twentieth of the steps and two replicates.
    #[arg(long, conflicts_with_all = ["from", "keep"])]
    pub quick: bool,
    /// Stop after this long, as in 90m; the same command goes on from there.
    #[arg(long = "for", value_name = "TIME", value_parser = super::duration)]
    pub limit: Option<Duration>,
    /// Train nothing: take the result rows from this directory, as --keep wrote them, into the database.
    #[arg(long, value_name = "DIR")]
    pub from: Option<PathBuf>,
    /// Also write the result rows to this directory, two Parquet files a sweep.
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
    /// Where findings.md and its pictures go.
    #[arg(short, long, value_name = "DIR", default_value = "results/paper")]
    pub out: PathBuf,
    /// Write nothing: compare with what is in --out, and fail on any difference.
    #[arg(long, requires = "from")]
    pub check: bool,
    /// A u.data file of MovieLens-100K in place of made ratings.
    #[arg(long, value_name = "FILE", conflicts_with = "from")]
    pub ratings: Option<PathBuf>,
    #[command(flatten)]
    pub use_of: Machine,
}
