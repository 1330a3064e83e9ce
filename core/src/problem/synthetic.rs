//! placeholder
use super::*;
use crate::axis::{Axis, Kind};
use crate::value::Literal;
/// gaussian product
pub const ENTRY: Entry<Build> = Entry {
    name: "synthetic",
    doc: "a random rank-r matrix W* = U Vᵀ with ‖W*‖_F = √(n1·n2), m of its entries observed",
    axes: &[
        Axis::needed("n1", "rows", Kind::Int(1, 100_000)).costly(),
        Axis::needed("n2", "columns", Kind::Int(1, 100_000)).costly(),
        Axis::needed("rank", "rank r of the ground truth", Kind::Int(1, 100_000)).costly(),
        Axis::optional("samples", "observed entries m", Kind::Int(0, i64::MAX), Literal::Int(0)).costly(),
    ],
    build: |_| todo!(),
};
