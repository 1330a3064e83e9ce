//! The command line from outside: the real binary on small sweeps, in a folder of its own.
//!
//! Each test says what a user does and what is there afterwards, by value: what is printed, the exit code, the rows.

mod bench;
mod cluster;
mod control;
mod export;
mod extend;
mod faults;
mod files;
mod fsck;
mod interrupt;
mod look;
mod paper;
mod path;
mod run;
mod scene;
mod shell;
mod sql;
