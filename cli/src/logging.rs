//! The log of a process that runs on: lines for people, on standard error.

use tracing_subscriber::EnvFilter;

/// What is logged where nothing is asked for: of Postgres' notices, which tell of every view that was not there, only
/// warnings.
const DEFAULT: &str = "info,sqlx::postgres::notice=warn";

/// Logs from now on, what SWEEP_LOG names (`info` when unset; `debug`, `sweep_worker=debug`, …).
pub fn start() {
    start_at(DEFAULT);
}

/// The same with another filter where SWEEP_LOG is unset.
pub fn start_at(filter: &str) {
    let filter = EnvFilter::try_from_env("SWEEP_LOG").unwrap_or_else(|_| EnvFilter::new(filter));
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(crate::output::colour())
        .with_target(false)
        .finish();
    // A process has one log: a second start changes nothing.
    let _ = tracing::subscriber::set_global_default(subscriber);
}
