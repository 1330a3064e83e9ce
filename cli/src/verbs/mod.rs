//! The verbs, one file each: arguments in, something printed, a [`Failure`](crate::failure::Failure) or nothing back.
//!
//! No verb knows another; what they share is in `session`, `output`, `answer` and `threads`.

pub mod backup;
pub mod bench;
pub mod cells;
pub mod check;
pub mod completions;
pub mod control;
pub mod coordinator;
pub mod diff;
pub mod doctor;
pub mod du;
pub mod export;
pub mod extend;
pub mod fsck;
pub mod gc;
pub mod health;
pub mod init;
pub mod known;
pub mod list;
pub mod man;
pub mod paper;
pub mod plan;
pub mod plot;
pub mod report;
pub mod repro;
pub mod rm;
pub mod run;
pub mod show;
pub mod slot;
pub mod sql;
pub mod status;
pub mod submit;
pub mod tag;
pub mod tls;
pub mod token;
pub mod ui;
pub mod watch;
pub mod worker;
pub mod workers;
