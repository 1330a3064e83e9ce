//! What a run computes.
//!
//! *Placeholder for the model in one page.*

pub mod axis;
pub mod baseline;
pub mod error;
pub mod grid;
pub mod init;
pub mod job;
pub mod optimizer;
pub mod outcome;
pub mod penalty;
pub mod problem;
pub mod registry;
pub mod schedule;
pub mod seed;
pub mod sweep;
pub mod train;
pub mod trial;
pub mod value;
