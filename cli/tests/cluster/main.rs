//! A cluster of real processes: one coordinator, several workers, killed at random; on SQLite and on Postgres.

mod bench;
mod doctor;
mod kills;
#[path = "../../../coordinator/tests/support/postgres.rs"]
mod postgres;
mod processes;
mod values;
