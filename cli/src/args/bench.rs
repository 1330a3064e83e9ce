//! What is typed to measure this program on this machine.

use clap::Subcommand;
use std::path::PathBuf;

/// `sweep bench`.
#[derive(Debug, Subcommand)]
pub enum Bench {
    /// Time one training run, on an instance that other programs can be given too; prints one JSON line.
    Train(Box<Train>),
    /// Hand out cells that take no time, over the network of this machine, and record their results.
    ///
    /// A coordinator process of its own, on a database of its own (--db, new; a file on this disk when left out), and workers
    /// that train nothing. Everything else is as in a cluster: what is counted is on the disk.
    Dispatch(Dispatch),
    /// The same from 1,000 cells to a million: whether the rate depends on the size.
    Scale(Scale),
    /// Load pages of the dashboard over a sweep of a million finished cells, and look whether that delays who writes.
    Page(Page),
    /// Compare the time left, as told early in a mixed sweep, with what it then took.
    Eta(Eta),
    /// Measure how long this program takes to start, and what it needs where it waits.
    Start(Start),
}

/// `sweep bench dispatch`.
#[derive(Debug, clap::Args)]
pub struct Dispatch {
    /// Cells of the sweep.
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    pub cells: u64,
    /// Leases that are taken and reported one by one, for the latency.
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub singles: u64,
    #[command(flatten)]
    pub by: Workers,
}

/// `sweep bench scale`.
#[derive(Debug, clap::Args)]
pub struct Scale {
    /// The largest sweep; the others have a tenth, a hundredth, … of its cells, down to 1,000.
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1_000..=100_000_000))]
    pub max_cells: u64,
    #[command(flatten)]
    pub by: Workers,
}

/// `sweep bench page`.
#[derive(Debug, clap::Args)]
pub struct Page {
    /// Finished cells.
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1_000..=100_000_000))]
    pub cells: u64,
    /// Times that each page is loaded.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(3..=1_000))]
    pub times: u16,
    /// Leases that are taken and reported one by one, without and with a reader beside them.
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u64).range(10..=100_000))]
    pub singles: u64,
    #[command(flatten)]
    pub by: Workers,
}

/// Who works.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct Workers {
    /// Workers, each with a connection of its own.
    #[arg(long, value_name = "W", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub workers: u16,
    /// Slots of a worker.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub slots: u16,
}

/// `sweep bench eta`.
#[derive(Debug, clap::Args)]
pub struct Eta {
    /// Also train sweeps/bench/mixed.toml, for about a minute of one core.
    #[arg(long)]
    pub real: bool,
    /// Simulated sweeps, each with other durations.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub sweeps: u64,
    /// Slots that work on them.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub slots: u16,
}

/// `sweep bench start`.
#[derive(Debug, clap::Args)]
pub struct Start {
    /// Times that each is measured.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    pub times: u16,
}

/// One training run, in the words of the scripts that time other libraries.
#[derive(Debug, clap::Args)]
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
