//! What is measured: `sweep bench`.

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// What is measured.
#[derive(Debug, Subcommand)]
pub enum Bench {
    /// Time one training run, on an instance that other programs can be given too; prints one JSON line.
    Train(Box<Train>),
}

/// One training run, in the words of the scripts that time other libraries.
#[derive(Debug, Args)]
pub struct Train {
    /// Directory of the instance: gt.csv, obs.csv, init_1.csv … init_N.csv. Without it, a synthetic problem of the seed.
    #[arg(long, value_name = "DIR")]
    pub instance: Option<PathBuf>,
    /// n, or n1×n2 as N1xN2.
    #[arg(long, value_name = "N|N1xN2", default_value = "100")]
    pub dim: String,
    /// Rank of the ground truth.
    #[arg(long, default_value_t = 5)]
    pub rank: i64,
    /// Observed entries.
    #[arg(long, default_value_t = 2500)]
    pub samples: i64,
    /// Number of layers.
    #[arg(long, default_value_t = 1)]
    pub depth: i64,
    /// A name of `sweep known optimizers`.
    #[arg(long, default_value = "adam")]
    pub optimizer: String,
    /// A name of `sweep known penalties`, or nuc, fro, fro2, schatten:P.
    #[arg(long, default_value = "ratio")]
    pub penalty: String,
    /// Weight of the penalty.
    #[arg(long, default_value_t = 0.1)]
    pub lambda: f64,
    /// Learning rate.
    #[arg(long, default_value_t = 1e-3)]
    pub lr: f64,
    /// Steps.
    #[arg(long, default_value_t = 1000)]
    pub steps: i64,
    /// Seed of the problem, the mask and the initial factors, where there is no instance.
    #[arg(long, default_value_t = 0)]
    pub seed: i64,
    /// Scale of the initial factors, where there is no instance.
    #[arg(long, default_value_t = 1e-3)]
    pub init_scale: f64,
    /// Numbers of 64 or of 32 bits.
    #[arg(long, default_value = "f64")]
    pub dtype: String,
    /// BLAS threads.
    #[arg(long, default_value_t = 1)]
    pub threads: usize,
    /// Untimed steps before, on a copy.
    #[arg(long, default_value_t = 5)]
    pub warmup: i64,
    /// Any axis beside, as `sweep known axes` lists them; several times.
    #[arg(long, value_name = "AXIS=VALUE")]
    pub set: Vec<String>,
}
