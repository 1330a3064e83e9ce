//! The grid: cell index ↔ coordinates.
//!
//! A grid is an ordered list of disjoint blocks; a block is an ordered product of factors; a factor is a list of
//! alternatives, each giving values to one or more axes. Cells are never listed: an index is found by prefix sums over
//! the blocks, then mixed radix within one. An extension appends blocks, so an index never moves.
//!
//! Inside a block the axes that move the cost are the slow digits, then the replicate, then the rest: a cost class is
//! one range of indices, and a replicate within it a range of that.
//!
//! [`Block::split`] and [`Block::replace`] are the algebra that `sweep` makes conditional lists and exclusions from;
//! `Block::minus` tells what an extension adds.

mod block;
mod difference;
mod factor;

pub use block::Block;
pub(crate) use factor::repeated;
pub use factor::{Condition, Factor, REPLICATE, same};

use crate::value::Value;
use std::collections::BTreeMap;

/// Most blocks of a grid: a bound on the memory that conditions can take.
pub const MAX_BLOCKS: usize = 100_000;

/// Most classes that [`Grid::classes`] gives; past it, neighbours merge.
pub const MAX_CLASSES: u64 = 10_000;

/// A function from `0 .. len` to coordinates, and its inverse.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Grid {
    blocks: Vec<Block>,
    /// `ends[k]`: cells in blocks `0 ..= k`.
    ends: Vec<u64>,
}

/// A range of cells that cost about the same.
#[derive(Debug, Clone, PartialEq)]
pub struct Class {
    /// The first cell.
    pub start: u64,
    /// How many there are.
    pub len: u64,
    /// The range is this many equal parts, one a replicate; 1 where classes were merged.
    pub replicates: u64,
    /// The axes that move the cost (of the first of the merged classes).
    pub coordinates: BTreeMap<String, Value>,
}

/// A grid with more cells, or more blocks, than are allowed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum TooLarge {
    /// More cells than allowed.
    #[error(
        "{} cells are more than the {most} allowed: {}",
        cells.map_or("more than 10^38".to_owned(), |n| n.to_string()),
        axes.iter().map(|(axis, length)| format!("{axis} ({length})")).collect::<Vec<_>>().join(" × ")
    )]
    Cells {
        /// How many there would be; `None` beyond u128.
        cells: Option<u128>,
        /// How many are allowed.
        most: u64,
        /// The factors of the largest block with more than one alternative, longest first. Zipped axes are joined
        /// with `+`.
        axes: Vec<(String, u64)>,
    },
    /// More blocks than allowed.
    #[error("the conditions cut the grid into more than {MAX_BLOCKS} blocks")]
    Blocks,
}

impl Grid {
    /// The grid of `blocks`, which are disjoint. Takes no longer for many cells than for few.
    ///
    /// # Errors
    /// [`TooLarge`] beyond `most` cells or [`MAX_BLOCKS`] blocks.
    pub fn new(blocks: Vec<Block>, most: u64) -> Result<Grid, TooLarge> {
        let mut grid = Grid::default();
        grid.append(blocks, most)?;
        Ok(grid)
    }

    /// Adds blocks after the others, which keep their indices. The new ones share no cell with them. On an error the
    /// grid is as it was.
    ///
    /// # Errors
    /// As [`Grid::new`]; `most` counts all cells, old and new.
    pub fn append(&mut self, blocks: Vec<Block>, most: u64) -> Result<(), TooLarge> {
        if self.blocks.len() + blocks.len() > MAX_BLOCKS {
            return Err(TooLarge::Blocks);
        }
        let total = (blocks.iter())
            .try_fold(u128::from(self.len()), |sum, block| block.len().and_then(|length| sum.checked_add(length)));
        if total.is_none_or(|total| total > u128::from(most)) {
            // Beyond u128 a block counts as the largest.
            let largest = blocks.iter().max_by_key(|block| block.len().unwrap_or(u128::MAX));
            let factors = largest.map_or(&[][..], Block::factors);
            let mut axes: Vec<(String, u64)> =
                factors.iter().filter(|f| f.len() > 1).map(|f| (f.axes().join("+"), f.len())).collect();
            axes.sort_by_key(|(_, length)| std::cmp::Reverse(*length));
            return Err(TooLarge::Cells { cells: total, most, axes });
        }
        for block in blocks {
            // The total, which no block exceeds, fits: it is at most `most`.
            let length = block.len().unwrap_or_default() as u64;
            if length > 0 {
                self.ends.push(self.len() + length);
                self.blocks.push(block);
            }
        }
        Ok(())
    }

    /// The number of cells.
    pub fn len(&self) -> u64 {
        self.ends.last().copied().unwrap_or(0)
    }

    /// Whether there is no cell.
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// The blocks, in order.
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// The first cell of block `k`.
    pub(crate) fn start(&self, k: usize) -> u64 {
        if k == 0 { 0 } else { self.ends[k - 1] }
    }

    /// The block of cell `index` and the cell's place in it.
    pub(crate) fn locate(&self, index: u64) -> Option<(usize, u64)> {
        let k = self.ends.partition_point(|&end| end <= index);
        (k < self.blocks.len()).then(|| (k, index - self.start(k)))
    }

    /// The coordinates of cell `index`, `replicate` included; `None` beyond the last cell.
    pub fn coordinates(&self, index: u64) -> Option<BTreeMap<String, Value>> {
        let (k, index) = self.locate(index)?;
        Some(self.blocks[k].at(&self.blocks[k].digits(index)))
    }

    /// The cell with exactly these coordinates.
    pub fn index_of(&self, coordinates: &BTreeMap<String, Value>) -> Option<u64> {
        let mut found = self.blocks.iter().enumerate();
        found.find_map(|(k, block)| Some(self.start(k) + block.index_of(coordinates)?))
    }

    /// The cost classes, in the order of their cells, which they partition. At most [`MAX_CLASSES`]: beyond that,
    /// neighbours merge.
    pub fn classes(&self) -> Vec<Class> {
        let mut ends = Vec::with_capacity(self.blocks.len());
        let mut total = 0;
        for block in &self.blocks {
            let (leading, _) = block.cost_factors();
            total += block.factors()[..leading].iter().map(|factor| factor.len()).product::<u64>();
            ends.push(total);
        }
        let merged = total.div_ceil(MAX_CLASSES).max(1);
        // Class c of all, as its first cell and what it fixes.
        let class = |c: u64| {
            let k = ends.partition_point(|&end| end <= c);
            let Some(block) = self.blocks.get(k) else { return (self.len(), BTreeMap::new(), 1) };
            let (leading, replicates) = block.cost_factors();
            let before = if k == 0 { 0 } else { ends[k - 1] };
            let each = (self.ends[k] - self.start(k)) / (ends[k] - before);
            let start = self.start(k) + (c - before) * each;
            let mut digits = block.digits(start - self.start(k));
            digits.truncate(leading);
            (start, block.at(&digits), replicates)
        };
        (0..total.div_ceil(merged))
            .map(|group| {
                let (start, coordinates, replicates) = class(group * merged);
                let (end, ..) = class((group + 1) * merged);
                Class { start, len: end - start, replicates: if merged == 1 { replicates } else { 1 }, coordinates }
            })
            .collect()
    }
}
