//! What is typed to measure this program on this machine.

use clap::Subcommand;

/// `sweep bench`.
#[derive(Debug, Subcommand)]
pub enum Bench {
    /// Hand out cells that take no time, over the network of this machine, and record their results.
    ///
    /// A coordinator process of its own, on a database of its own (--db, new; a file on this disk when left out), and workers
    /// that train nothing. Everything else is as in a cluster: what is counted is on the disk.
    Dispatch(Dispatch),
    /// The same from 1,000 cells to a million: whether the rate depends on the size.
    Scale(Scale),
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
    /// Also train a small mixed sweep, for about a minute.
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
