//! `sweep slot`: the child of a worker that trains for it; no verb for people.

use crate::failure::{Failure, Result};
use anyhow::Context;

/// Trains what the worker at the other end of standard input says, until that closes.
///
/// # Errors
/// [`Failure::Internal`] where the pipes carry something else.
pub fn run() -> Result {
    sweep_worker::child::main().context("failed to train for a worker").map_err(Failure::Internal)
}
