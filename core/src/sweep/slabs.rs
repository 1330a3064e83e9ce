//! Slabs: the cells of a sweep as the products that they are, for whoever looks at all of them at once.
//!
//! What one cell is, [`Sweep::cell`] says; asked a million times that takes seconds. A slab says it of a range.

use super::Sweep;
use crate::grid::Factor;
use std::sync::Arc;

/// A range of cells that is one product of factors.
#[derive(Debug, Clone, Copy)]
pub struct Slab<'s> {
    /// The first cell.
    pub start: u64,
    /// Whether they are refits: the values of the tuned axes are not among the factors.
    pub refits: bool,
    /// The factors, the slowest digit first: cell `start + i` has the mixed-radix digits of i.
    pub factors: &'s [Arc<Factor>],
}

impl Slab<'_> {
    /// How many cells there are.
    pub fn len(&self) -> u64 {
        self.factors.iter().map(|factor| factor.len()).product()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many cells apart neighbours in factor `k` are.
    pub fn stride(&self, k: usize) -> u64 {
        self.factors[k + 1..].iter().map(|factor| factor.len()).product()
    }
}

impl Sweep {
    /// Every cell, in order.
    pub fn slabs(&self) -> impl Iterator<Item = Slab<'_>> {
        self.segments.iter().flat_map(|segment| {
            let blocks = segment.grid.blocks().iter().enumerate();
            blocks.map(|(k, block)| Slab {
                start: segment.start + segment.grid.start(k),
                refits: segment.refits,
                factors: block.factors(),
            })
        })
    }
}
