//! Which cell runs next, who may run it, and the database that remembers.
//!
//! - [`store`]: the only place that knows SQL; SQLite and Postgres by the same statements
//! - [`schedule`]: longest first, by a cost that learns; pure
//! - [`dispatch`]: sweeps go in, leases go out, reports come back; tuning is settled here
//! - [`service`]: the same over the network, for workers and users; [`tls`]: its certificates
//! - [`filter`]: what `--where` says of cells; pure
//! - [`certificate`]: what a certificate says of itself; pure
//! - [`doctor`]: whether all is well with a coordinator and its database
//! - [`export`]: results as CSV and Parquet; [`tables`]: tables as Parquet, both ways
//! - [`figure`]: what of a sweep is drawn, from the board of its cells; [`answer`]: its methods side by side
//! - [`plot`]: pictures as SVG, PNG and characters; pure
//! - [`words`]: numbers, sizes and times as people read them
//! - [`web`]: the dashboard
//! - [`clock`]: time, as an argument

pub mod answer;
pub mod certificate;
pub mod clock;
pub mod dispatch;
pub mod doctor;
pub mod export;
pub mod figure;
pub mod filter;
pub mod plot;
pub mod schedule;
pub mod service;
pub mod store;
pub mod tables;
pub mod tls;
pub mod web;
pub mod words;
