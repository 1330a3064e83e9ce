//! What is typed to run a cluster: coordinator, workers, certificates, tokens.

use super::{Machine, Remote, duration, seconds};
use clap::{Subcommand, ValueEnum};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Where the dashboard is where nothing is said.
const UI: &str = "127.0.0.1:7441";

/// `--ui`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ui {
    /// At the usual address, if it is free.
    Usual(SocketAddr),
    /// There.
    At(SocketAddr),
    /// Nowhere.
    Off,
}

fn ui(text: &str) -> Result<Ui, String> {
    let address = || text.parse().map_err(|_| "allowed: ADDRESS:PORT, off".to_owned());
    match text {
        "off" => Ok(Ui::Off),
        UI => Ok(Ui::Usual(address()?)),
        _ => Ok(Ui::At(address()?)),
    }
}

/// `sweep coordinator`.
#[derive(Debug, clap::Args)]
pub struct Coordinator {
    /// Where to listen: ADDRESS:PORT. Port 0: any that is free.
    #[arg(long, value_name = "ADDR", env = "SWEEP_LISTEN", default_value = "127.0.0.1:7440")]
    pub listen: SocketAddr,
    /// Where browsers find the dashboard: ADDRESS:PORT, or off. Beyond this machine as `--listen` is.
    #[arg(long, value_name = "ADDR", env = "SWEEP_UI", default_value = UI, value_parser = ui)]
    pub ui: Ui,
    /// The directory of the certificates, as `sweep tls init` makes it; plain text on this machine only when left out.
    #[arg(long, value_name = "DIR", env = "SWEEP_TLS_DIR")]
    pub tls_dir: Option<PathBuf>,
    /// Allow plain text beyond this machine.
    #[arg(long, conflicts_with = "tls_dir")]
    pub insecure: bool,
    /// Where admin.token, worker.token and viewer.token are accepted from; admin.token is made if there is no admin yet.
    #[arg(long, value_name = "DIR", env = "SWEEP_DATA", default_value = "results")]
    pub data: PathBuf,
    /// Seconds after which a worker that is not heard loses its leases.
    #[arg(long, value_name = "S", default_value_t = 30.0, value_parser = lease_seconds)]
    pub lease_seconds: f64,
    /// Most GiB of all checkpoints together; a run that has no room for its own trains on without.
    #[arg(long, value_name = "N", default_value_t = 16.0, value_parser = gib)]
    pub checkpoint_gib: f64,
}

/// `sweep worker`.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Worker {
    #[command(subcommand)]
    pub join: Option<Join>,
    #[command(flatten)]
    pub to: Remote,
    #[command(flatten)]
    pub how: Work,
}

/// `sweep worker join`.
#[derive(Debug, Subcommand)]
pub enum Join {
    /// Exchange the code on standard input for a token of its own, then work; the second time without a code.
    Join {
        /// The coordinator: https://HOST:PORT.
        url: String,
        /// SHA-256 of its CA's certificate, as `sweep workers invite` prints it; not needed over plain text.
        fingerprint: Option<String>,
        /// Where the token and the CA's certificate are kept.
        #[arg(long, value_name = "DIR", env = "SWEEP_WORKER_DIR", default_value = ".sweep-worker")]
        dir: PathBuf,
        /// Allow plain text beyond this machine.
        #[arg(long)]
        insecure: bool,
        #[command(flatten)]
        how: Work,
    },
}

/// How a worker works.
#[derive(Debug, clap::Args)]
pub struct Work {
    #[command(flatten)]
    pub use_of: Machine,
    /// Its name; host, process and four random digits when left out. No two workers may share one.
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Train in threads of this process rather than in a process per slot: a run that aborts then ends the worker.
    #[arg(long)]
    pub threads: bool,
    /// Seconds to hand everything back when told to stop.
    #[arg(long, value_name = "S", default_value_t = 8.0, value_parser = seconds)]
    pub grace: f64,
    /// A file to write anew every few seconds while the coordinator is reached, for `sweep health`.
    #[arg(long, value_name = "FILE", env = "SWEEP_ALIVE")]
    pub alive: Option<PathBuf>,
}

/// `sweep workers`.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Workers {
    #[command(subcommand)]
    pub invite: Option<Invite>,
    #[command(flatten)]
    pub of: Remote,
}

/// `sweep workers invite`.
#[derive(Debug, Subcommand)]
pub enum Invite {
    /// Print the one line to paste on the machine of a new worker; good once, for 15 minutes.
    Invite {
        #[command(flatten)]
        of: Remote,
        /// The coordinator as the new machine reaches it; as this one does when left out.
        #[arg(long, value_name = "URL")]
        address: Option<String>,
        /// The container image for the second form of the line.
        #[arg(long, value_name = "IMAGE", default_value = "sweep")]
        image: String,
    },
}

/// `sweep tls`.
#[derive(Debug, Subcommand)]
pub enum Tls {
    /// Make a private CA (where there is none) and a new certificate of the coordinator.
    Init {
        /// Every name and address by which the coordinator is reached, in its certificate.
        #[arg(required = true, value_name = "NAME|ADDRESS")]
        names: Vec<String>,
        /// Where the files go.
        #[arg(long, value_name = "DIR", env = "SWEEP_TLS_DIR", default_value = "tls")]
        dir: PathBuf,
    },
}

/// `sweep token`.
#[derive(Debug, Subcommand)]
pub enum Token {
    /// Make a token; it is shown once.
    Create {
        /// Its name.
        name: String,
        /// What it allows.
        #[arg(long, value_enum)]
        role: Role,
        /// When it ends: 90s, 30m, 2h, 30d; never when left out.
        #[arg(long, value_name = "TIME", value_parser = duration)]
        expires: Option<Duration>,
        /// The file that it goes to, readable by its owner only; standard output when left out.
        #[arg(short, long = "out", value_name = "FILE")]
        out: Option<PathBuf>,
        #[command(flatten)]
        at: Remote,
    },
    /// List the tokens, without their secrets.
    List {
        #[command(flatten)]
        at: Remote,
    },
    /// End a token for good.
    Revoke {
        /// Its name.
        name: String,
        #[command(flatten)]
        at: Remote,
    },
}

/// What a token allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// Everything that a user may do.
    Admin,
    /// To lease and report cells.
    Worker,
    /// To look.
    Viewer,
}

fn lease_seconds(text: &str) -> Result<f64, String> {
    let parsed: Option<f64> = text.parse().ok();
    parsed.filter(|s| (1.0..=3_600.0).contains(s)).ok_or_else(|| "allowed: 1..=3600".to_owned())
}

fn gib(text: &str) -> Result<f64, String> {
    let parsed: Option<f64> = text.parse().ok();
    parsed.filter(|n| (0.0..=1e6).contains(n)).ok_or_else(|| "allowed: 0..=1000000".to_owned())
}
