//! Segments: the cells that came together, of one stage.
//!
//! A sweep's cells are its segments one after the other. An extension adds segments at the end, so that no index moves and
//! no cost class of an earlier segment changes.

use crate::grid::Grid;

/// Cells of one stage that came together: those of the file, or what an extension added.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Segment {
    /// The index of its first cell.
    pub(super) start: u64,
    pub(super) grid: Grid,
    /// Whether these are the refits of a sweep with `[tune]`.
    pub(super) refits: bool,
    /// Per block of the grid, what it is of; empty without `[tune]`.
    pub(super) origins: Vec<Origin>,
}

/// What a block of a segment is of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Origin {
    /// Its block of groups.
    pub(super) group: usize,
    /// Which of that block's candidates it holds; of a refit, 0.
    pub(super) part: usize,
    /// How many replicates of the same are in earlier blocks.
    pub(super) before: u64,
}

impl Segment {
    /// Cells of a sweep without `[tune]`.
    pub(super) fn plain(start: u64, grid: Grid) -> Segment {
        Segment { start, grid, refits: false, origins: Vec::new() }
    }

    /// The index after its last cell.
    pub(super) fn end(&self) -> u64 {
        self.start + self.grid.len()
    }
}
