//! `sweep bench`: the product's own code, measured.

pub mod train;
