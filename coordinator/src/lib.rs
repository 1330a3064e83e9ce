//! coordinator
pub mod schedule;
