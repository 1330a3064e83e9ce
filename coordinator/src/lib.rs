//! Which cell runs next, who may run it, and the database that remembers.

pub mod export;
pub mod store;
