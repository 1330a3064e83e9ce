//! The command line: verbs and their options, as clap reads them.
//!
//! Help texts are the doc comments below. What a verb does is in `verbs/`, one file each.

mod bench;
mod cluster;
mod paper;
mod plot;

pub use bench::{Bench, Dispatch, Eta, Page, Scale, Start, Train, Workers as BenchWorkers};
pub use cluster::{Coordinator, Invite, Join, Role, Tls, Token, Ui, Work, Worker, Workers};
pub use paper::Paper;
pub use plot::Plot;

use crate::output::Format;
use clap::{Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// The database where none is named: beside the working directory.
pub const DEFAULT_DB: &str = "results/sweep.db";

/// Grids of matrix-completion experiments: a sweep file becomes trained cells and SQL rows.
#[derive(Debug, Parser)]
#[command(name = "sweep", version, arg_required_else_help = true, disable_help_subcommand = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
    /// The database: a path, sqlite://PATH or postgres://USER@HOST/NAME; used where no coordinator is named. Typed,
    /// it stands above SWEEP_COORDINATOR.
    #[arg(long, global = true, env = "SWEEP_DB", hide_env_values = true, default_value = DEFAULT_DB)]
    pub db: String,
    /// The form of what is printed.
    #[arg(long, global = true, value_enum, default_value_t = Format::Table)]
    pub output: Format,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Train what a sweep file asks for and is not there yet.
    Run(Run),
    /// Show the axes, the number of cells, and a forecast of time and memory; train nothing.
    Plan(Plan),
    /// Check a sweep file and the files that it names.
    Check(SweepFile),
    /// List what can be named in a sweep file.
    Known {
        /// Which list; all of them, by name only, when left out.
        #[arg(value_enum)]
        what: Option<Listing>,
    },
    /// Serve workers and users: the one process that owns the database.
    Coordinator(Coordinator),
    /// Train for a coordinator until told to stop.
    Worker(Worker),
    /// Show the workers of a coordinator, or invite one.
    Workers(Workers),
    /// Make what a cluster needs before its first start: certificates, tokens, the password of its database.
    ///
    /// One directory for each who reads it. What is there stays; the coordinator's certificate is made anew.
    Init {
        /// Every name and address by which the coordinator is reached, in its certificate.
        #[arg(required = true, value_name = "NAME|ADDRESS")]
        names: Vec<String>,
        /// Where the directories go.
        #[arg(long, value_name = "DIR", default_value = "secrets")]
        dir: PathBuf,
    },
    /// Ask a coordinator, or a worker on this machine, whether it is well.
    Health {
        #[command(flatten)]
        of: Remote,
        /// The file that a worker writes anew while it reaches its coordinator (`sweep worker --alive FILE`).
        #[arg(long, value_name = "FILE", env = "SWEEP_ALIVE")]
        alive: Option<PathBuf>,
    },
    /// Make the certificates of a coordinator.
    Tls {
        #[command(subcommand)]
        verb: Tls,
    },
    /// Make, list and revoke tokens: at a coordinator, or in the database of one that does not run.
    Token {
        #[command(subcommand)]
        verb: Token,
    },
    /// Store a sweep for others to train: at a coordinator, or in the database.
    Submit(Submit),
    /// Give a stored sweep more values of an axis: new cells, beside those that it has.
    Extend(Extend),
    /// Show how a sweep stands, live, until every cell is final; or all that are running.
    Watch {
        /// Name, tag, id or start of an id; every sweep that is running when left out.
        sweep: Option<String>,
        #[command(flatten)]
        of: Remote,
    },
    /// Show how a sweep stands.
    Status {
        /// Name, tag, id or start of an id.
        sweep: String,
        #[command(flatten)]
        of: Remote,
    },
    /// List the sweeps of a coordinator or of the database.
    List {
        #[command(flatten)]
        of: Remote,
    },
    /// Hand out no cell of a sweep for now; what runs is finished.
    Pause(Named),
    /// Go on with a sweep that was paused or cancelled.
    Resume(Named),
    /// End a sweep: its runs are dropped, its results stay.
    Cancel(Named),
    /// Work on a sweep before those of a lower priority.
    Priority {
        /// Name, tag, id or start of an id.
        sweep: String,
        /// From -1000 to 1000; 0 where nothing was said.
        #[arg(allow_hyphen_values = true)]
        priority: i64,
        #[command(flatten)]
        of: Remote,
    },
    /// Run cells once more that failed, or any others that are final.
    Retry {
        /// Name, tag, id or start of an id.
        sweep: String,
        #[command(flatten)]
        which: Again,
        #[command(flatten)]
        of: Remote,
    },
    /// Show the cells of a sweep that were ever handed out.
    Cells(Cells),
    /// Show a sweep (its name, tag, id or the start of its id), or one cell of it as SWEEP/CELL.
    Show {
        /// SWEEP or SWEEP/CELL.
        what: String,
        /// Also draw the answer of the sweep, with every replicate: a file that ends with .svg or .png.
        #[arg(long, value_name = "FILE", value_parser = picture)]
        picture: Option<PathBuf>,
        #[command(flatten)]
        of: Remote,
    },
    /// Draw a sweep: heat maps, phase diagrams, curves, spectra; as SVG, PNG, or the numbers as CSV.
    Plot(Box<Plot>),
    /// Write everything about a sweep as one HTML file that needs no program and no network.
    Report {
        /// Name, tag, id or start of an id.
        sweep: String,
        /// Where to; NAME-ID.html beside the working directory when left out.
        #[arg(short, long = "out", value_name = "FILE")]
        out: Option<PathBuf>,
        #[command(flatten)]
        of: Remote,
    },
    /// Serve the dashboard over a database at which nobody works.
    Ui {
        /// Where: ADDRESS:PORT on this machine.
        #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7441")]
        listen: SocketAddr,
    },
    /// Test the claims that this program was written for: train their sweeps, and write up what came out.
    Paper(Paper),
    /// Train a cell again and compare the result bit for bit with the recorded one.
    Repro {
        /// SWEEP/CELL.
        cell: String,
        /// BLAS threads; those of the recorded result when left out.
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
        blas_threads: Option<u16>,
        #[command(flatten)]
        of: Remote,
    },
    /// Ask the database: one SELECT over the views of docs/sql.md, read-only.
    Sql(Sql),
    /// Write the results of a sweep, or the matrices of a cell (SWEEP/CELL), to files.
    Export(Export),
    /// Remove a sweep with everything that is its own.
    Rm {
        /// Name, tag, id or start of an id.
        sweep: String,
        /// Do not ask.
        #[arg(long, short)]
        yes: bool,
        #[command(flatten)]
        of: Remote,
    },
    /// Drop what nothing refers to any more, and give the space back.
    Gc {
        #[command(flatten)]
        of: Remote,
    },
    /// Copy a SQLite database to a new file, also while a coordinator writes it.
    Backup {
        /// The new file.
        file: PathBuf,
    },
    /// Check that what is stored agrees with itself, of a coordinator or of the database; changes nothing.
    Fsck {
        #[command(flatten)]
        of: Remote,
    },
    /// Look whether all is well with this machine, and with a coordinator or the database.
    Doctor {
        #[command(flatten)]
        of: Remote,
    },
    /// Show how much is stored.
    Du {
        #[command(flatten)]
        of: Remote,
    },
    /// Show the tags of a sweep, after adding and taking away some.
    Tag {
        /// Name, tag, id or start of an id.
        sweep: String,
        /// Tags to add.
        #[arg(value_name = "TAG")]
        add: Vec<String>,
        /// A tag to take away; may be repeated.
        #[arg(long, value_name = "TAG")]
        remove: Vec<String>,
        #[command(flatten)]
        of: Remote,
    },
    /// Print what a shell needs to complete these verbs and their options.
    Completions {
        /// The shell.
        #[arg(value_enum)]
        shell: Shell,
    },
    /// Write the help as manual pages, one for each verb.
    Man {
        /// Where they go.
        #[arg(long, value_name = "DIR")]
        dir: PathBuf,
    },
    /// Measure this program on this machine.
    Bench {
        /// What.
        #[command(subcommand)]
        what: Bench,
    },
    /// Train what a worker says on standard input.
    #[command(hide = true)]
    Slot,
    /// Compare what two sweep files ask for.
    Diff {
        /// The one.
        a: PathBuf,
        /// The other.
        b: PathBuf,
        /// Most cells that a sweep file may have.
        #[arg(long, default_value_t = sweep_core::sweep::MAX_CELLS, value_name = "N")]
        max_cells: u64,
    },
}

/// `sweep run`.
#[derive(Debug, clap::Args)]
pub struct Run {
    #[command(flatten)]
    pub file: SweepFile,
    #[command(flatten)]
    pub use_of: Machine,
    /// Begin a new sweep, and train every cell of it even where a result is there.
    #[arg(long)]
    pub fresh: bool,
    /// Stop after this time, as Ctrl-C does: 90s, 30m, 2h, 1d, 1h30m.
    #[arg(long = "for", value_name = "TIME", value_parser = duration)]
    pub limit: Option<Duration>,
    /// A tag for the sweep; may be repeated.
    #[arg(long, value_name = "TAG")]
    pub tag: Vec<String>,
    /// Also serve the dashboard meanwhile, on this machine.
    #[arg(long, value_name = "ADDR", num_args = 0..=1, default_missing_value = "127.0.0.1:7441")]
    pub ui: Option<SocketAddr>,
}

/// `sweep plan`.
#[derive(Debug, clap::Args)]
pub struct Plan {
    #[command(flatten)]
    pub file: SweepFile,
    #[command(flatten)]
    pub use_of: Machine,
}

/// A sweep file and how large it may be.
#[derive(Debug, clap::Args)]
pub struct SweepFile {
    /// The sweep file.
    #[arg(value_name = "FILE")]
    pub path: PathBuf,
    /// Most cells that a sweep file may have.
    #[arg(long, default_value_t = sweep_core::sweep::MAX_CELLS, value_name = "N")]
    pub max_cells: u64,
}

/// How much of the machine is used.
#[derive(Debug, clap::Args)]
pub struct Machine {
    /// Cells trained at a time; as many as there are cores when left out.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub slots: Option<u16>,
    /// Threads of a BLAS call, or auto: several where there are fewer cells than cores and the matrices are large.
    #[arg(long, value_name = "N|auto", default_value = "1", value_parser = blas_threads)]
    pub blas_threads: BlasThreads,
    /// Allow more slots × BLAS threads than there are cores.
    #[arg(long)]
    pub oversubscribe: bool,
}

/// `--blas-threads`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlasThreads {
    /// This many.
    Fixed(usize),
    /// As the sweep and the machine suggest.
    Auto,
}

/// A coordinator on the network, in place of a database.
#[derive(Debug, Default, clap::Args)]
pub struct Remote {
    /// The coordinator: https://HOST:PORT, or http://HOST:PORT on this machine.
    #[arg(long, env = "SWEEP_COORDINATOR", value_name = "URL", help_heading = "Coordinator")]
    pub coordinator: Option<String>,
    /// The file that holds the token.
    #[arg(long, env = "SWEEP_TOKEN_FILE", value_name = "FILE", help_heading = "Coordinator")]
    pub token_file: Option<PathBuf>,
    /// The certificate of the CA to trust; the system's own when left out.
    #[arg(long, env = "SWEEP_CA", value_name = "FILE", help_heading = "Coordinator")]
    pub ca: Option<PathBuf>,
    /// Allow plain text beyond this machine.
    #[arg(long, help_heading = "Coordinator")]
    pub insecure: bool,
}

/// A sweep, and where it is.
#[derive(Debug, clap::Args)]
pub struct Named {
    /// Name, tag, id or start of an id.
    pub sweep: String,
    #[command(flatten)]
    pub of: Remote,
}

/// Which cells are run once more.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub struct Again {
    /// Those that failed for good or were set aside.
    #[arg(long)]
    pub failed: bool,
    /// Those that fit, as "status = diverged and lr >= 0.1"; a result that is there is replaced.
    #[arg(long = "where", value_name = "FILTER")]
    pub filter: Option<String>,
}

/// `sweep cells`.
#[derive(Debug, clap::Args)]
pub struct Cells {
    /// Name, tag, id or start of an id.
    pub sweep: String,
    /// Only those that fit, as "state = failed" or "optimizer = adam and test_rel < 0.1".
    #[arg(long = "where", value_name = "FILTER")]
    pub filter: Option<String>,
    /// Most cells.
    #[arg(long, default_value_t = 1000, value_name = "N")]
    pub most: u64,
    #[command(flatten)]
    pub of: Remote,
}

/// `sweep submit`.
#[derive(Debug, clap::Args)]
pub struct Submit {
    #[command(flatten)]
    pub file: SweepFile,
    #[command(flatten)]
    pub to: Remote,
    /// Show how it stands until every cell is final.
    #[arg(long, requires = "coordinator")]
    pub watch: bool,
    /// Begin a new sweep, and train every cell of it even where a result is there.
    #[arg(long)]
    pub fresh: bool,
    /// A tag for the sweep; may be repeated.
    #[arg(long, value_name = "TAG")]
    pub tag: Vec<String>,
}

/// `sweep extend`.
#[derive(Debug, clap::Args)]
pub struct Extend {
    /// Name, tag, id or start of an id.
    pub sweep: String,
    /// Values to add to a list (depth=4, optimizer.adam.lr=0.3,1), or a larger count (replicate.count=10).
    #[arg(value_name = "AXIS=VALUE,…", required_unless_present = "file", conflicts_with = "file")]
    pub values: Vec<String>,
    /// The whole sweep file with what is to be added, instead.
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Show how many cells it would be, and add none.
    #[arg(long)]
    pub dry_run: bool,
    /// Most cells that the sweep may have then.
    #[arg(long, default_value_t = sweep_core::sweep::MAX_CELLS, value_name = "N")]
    pub max_cells: u64,
    #[command(flatten)]
    pub to: Remote,
}

/// `sweep sql`.
#[derive(Debug, clap::Args)]
pub struct Sql {
    #[command(flatten)]
    pub of: Remote,
    /// One SELECT, WITH, VALUES or EXPLAIN.
    pub query: String,
    /// Most rows.
    #[arg(long, default_value_t = 100_000, value_name = "N")]
    pub rows: usize,
    /// Most seconds.
    #[arg(long, default_value_t = 60.0, value_name = "S", value_parser = seconds)]
    pub seconds: f64,
}

/// `sweep export`.
#[derive(Debug, clap::Args)]
pub struct Export {
    #[command(flatten)]
    pub of: Remote,
    /// SWEEP, or SWEEP/CELL with --matrices.
    pub what: String,
    /// The form of a sweep's results.
    #[arg(long, value_enum, default_value_t = ExportFormat::Csv, conflicts_with = "matrices")]
    pub format: ExportFormat,
    /// Write a cell's recorded end-to-end matrix and factors instead.
    #[arg(long, value_enum)]
    pub matrices: Option<MatrixFormat>,
    /// Where to: a file (standard output when left out; needed for parquet), or with --matrices a directory.
    #[arg(short, long = "out", value_name = "PATH")]
    pub out: Option<PathBuf>,
}

/// Forms of a table in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// RFC 4180, with a header.
    Csv,
    /// Apache Parquet.
    Parquet,
}

/// Forms of a matrix in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum MatrixFormat {
    /// One line per row, 17 digits.
    Csv,
    /// NumPy's format, version 1.0.
    Npy,
}

/// The lists of `sweep known`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Listing {
    /// What a run can be measured against.
    Baselines,
    /// What can vary.
    Axes,
    /// Initial factors.
    Inits,
    /// Rules for a step.
    Optimizers,
    /// Penalties of W.
    Penalties,
    /// Sources of data.
    Problems,
    /// Learning rates over time.
    Schedules,
}

fn blas_threads(text: &str) -> Result<BlasThreads, String> {
    if text == "auto" {
        return Ok(BlasThreads::Auto);
    }
    match text.parse() {
        Ok(threads @ 1..=256) => Ok(BlasThreads::Fixed(threads)),
        _ => Err("allowed: 1..=256, auto".to_owned()),
    }
}

fn picture(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    let known = path.extension().is_some_and(|ending| ["svg", "png"].iter().any(|known| ending == *known));
    if known { Ok(path) } else { Err("allowed: a name that ends with .svg or .png".to_owned()) }
}

fn seconds(text: &str) -> Result<f64, String> {
    let parsed: Option<f64> = text.parse().ok();
    parsed.filter(|s| *s > 0.0 && *s <= 86_400.0).ok_or_else(|| "allowed: more than 0, at most 86400".to_owned())
}

/// `1h30m`: whole numbers, each with its unit (d, h, m, s), largest first or not.
fn duration(text: &str) -> Result<Duration, String> {
    let refused = || "allowed: whole numbers with units d, h, m, s, such as 2h or 1h30m; at most 365d".to_owned();
    let mut seconds = 0u64;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(refused)?;
        let number: u64 = rest[..digits].parse().map_err(|_| refused())?;
        let unit = rest[digits..].chars().next().ok_or_else(refused)?;
        let each = match unit {
            'd' => 86_400,
            'h' => 3_600,
            'm' => 60,
            's' => 1,
            _ => return Err(refused()),
        };
        seconds = number.checked_mul(each).and_then(|s| seconds.checked_add(s)).ok_or_else(refused)?;
        rest = &rest[digits + unit.len_utf8()..];
    }
    if (1..=365 * 86_400).contains(&seconds) { Ok(Duration::from_secs(seconds)) } else { Err(refused()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_duration_is_a_sum_of_numbers_with_units() {
        let seconds = |text| duration(text).map(|d| d.as_secs());
        assert_eq!(seconds("90s"), Ok(90));
        assert_eq!(seconds("1h30m"), Ok(5_400));
        assert_eq!(seconds("1d"), Ok(86_400));
        for bad in ["", "2", "h", "2 h", "-1h", "0s", "1.5h", "2λ", "99999999999999999999d", "400d"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn blas_threads_are_a_count_or_auto() {
        assert_eq!(blas_threads("auto"), Ok(BlasThreads::Auto));
        assert_eq!(blas_threads("2"), Ok(BlasThreads::Fixed(2)));
        for bad in ["0", "-1", "many", "257", ""] {
            assert!(blas_threads(bad).is_err(), "{bad}");
        }
    }
}
