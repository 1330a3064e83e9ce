//! Blocks: products of factors, and the algebra of conditions on them.
//!
//! A condition cuts a block of d factors into the part where it holds and at most d disjoint parts where it does not:
//! inside on the factors before k, outside on factor k, everything after. So conditional lists, exclusions and
//! collapsing axes all stay products, and a cell is found by arithmetic.

use super::factor::{Condition, Factor, row_key};
use crate::value::Value;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// A product of factors over different axes, the first the slowest digit. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Block {
    factors: Vec<Arc<Factor>>,
}

impl Block {
    /// The product of `factors`, in this order.
    pub fn new(factors: impl IntoIterator<Item = impl Into<Arc<Factor>>>) -> Block {
        Block { factors: factors.into_iter().map(Into::into).collect() }
    }

    /// The factors, slowest digit first.
    pub fn factors(&self) -> &[Arc<Factor>] {
        &self.factors
    }

    /// The factor that holds `axis`.
    pub fn factor(&self, axis: &str) -> Option<&Factor> {
        self.factors.iter().map(Arc::as_ref).find(|factor| factor.axes().contains(&axis))
    }

    /// The number of cells; `None` beyond u128.
    pub fn len(&self) -> Option<u128> {
        self.factors.iter().try_fold(1u128, |product, factor| product.checked_mul(u128::from(factor.len())))
    }

    /// Whether it has no cell.
    pub fn is_empty(&self) -> bool {
        self.factors.iter().any(|factor| factor.is_empty())
    }

    /// The digits of cell `index`, slowest first. `index` is below the length.
    pub(crate) fn digits(&self, mut index: u64) -> Vec<u64> {
        let mut digits = vec![0; self.factors.len()];
        for (digit, factor) in digits.iter_mut().zip(&self.factors).rev() {
            *digit = index % factor.len();
            index /= factor.len();
        }
        digits
    }

    /// The cell with these digits: the inverse of [`Block::digits`].
    pub(crate) fn index(&self, digits: &[u64]) -> u64 {
        self.factors.iter().zip(digits).fold(0, |index, (factor, digit)| index * factor.len() + digit)
    }

    /// The coordinates at these digits.
    pub(crate) fn at(&self, digits: &[u64]) -> BTreeMap<String, Value> {
        let mut coordinates = BTreeMap::new();
        for (factor, &digit) in self.factors.iter().zip(digits) {
            factor.put(digit, &mut coordinates);
        }
        coordinates
    }

    /// The cell with these coordinates, no more and no less.
    pub(crate) fn index_of(&self, coordinates: &BTreeMap<String, Value>) -> Option<u64> {
        if self.factors.iter().map(|factor| factor.axes().len()).sum::<usize>() != coordinates.len() {
            return None;
        }
        let digits = self.factors.iter().map(|factor| factor.digit(coordinates)).collect::<Option<Vec<_>>>()?;
        Some(self.index(&digits))
    }

    /// The number of leading factors that a cost class fixes: those before the replicates. Without replicates the
    /// block is one class.
    pub(super) fn cost_factors(&self) -> (usize, u64) {
        match self.factors.iter().position(|factor| factor.is_replicates()) {
            Some(k) => (k, self.factors[k].len()),
            None => (0, 1),
        }
    }

    /// The cells where `condition` holds, and the others in disjoint blocks. A condition on an axis that the block does
    /// not have holds nowhere in it.
    pub fn split(&self, condition: &Condition) -> (Option<Block>, Vec<Block>) {
        if condition.iter().any(|(axis, _)| self.factor(axis).is_none()) {
            return (None, vec![self.clone()]);
        }
        let mut inside = self.clone();
        let mut outside = Vec::new();
        for k in 0..self.factors.len() {
            if !condition.iter().any(|(axis, _)| self.factors[k].axes().contains(axis)) {
                continue;
            }
            if let Some((holds, fails)) = self.factors[k].part(condition) {
                if holds.is_empty() {
                    return (None, vec![self.clone()]);
                }
                let mut rest = inside.clone();
                rest.factors[k] = Arc::new(fails);
                outside.push(rest);
                inside.factors[k] = Arc::new(holds);
            }
        }
        (Some(inside), outside)
    }

    /// The block with `factors` in place of what it says of their axes. Zipped partners of a replaced axis keep the
    /// values that they have, each once. The new factors are last: the caller puts them in order.
    pub fn replace(&self, factors: Vec<Factor>) -> Block {
        let gone: Vec<&'static str> = factors.iter().flat_map(|factor| factor.axes().iter().copied()).collect();
        let kept = self.factors.iter().filter_map(|factor| {
            if factor.axes().iter().any(|axis| gone.contains(axis)) {
                factor.without(&gone).map(Arc::new)
            } else {
                Some(factor.clone())
            }
        });
        Block { factors: kept.chain(factors.into_iter().map(Arc::new)).collect() }
    }

    /// Whether a cell lies in both, as far as the axes outside `ignored` tell. (A factor that holds an ignored axis must
    /// hold ignored axes only.)
    ///
    /// Exact, except that factors zipped differently on the two sides with more than a hundred thousand combinations
    /// count as overlapping.
    pub fn overlaps(&self, other: &Block, ignored: &[&'static str]) -> bool {
        let counted = |block: &Block| -> Vec<Arc<Factor>> {
            block.factors.iter().filter(|f| !f.axes().iter().any(|axis| ignored.contains(axis))).cloned().collect()
        };
        let (mine, others) = (counted(self), counted(other));
        let axes = |factors: &[Arc<Factor>]| {
            let mut axes: Vec<_> = factors.iter().flat_map(|factor| factor.axes().iter().copied()).collect();
            axes.sort_unstable();
            axes
        };
        if axes(&mine) != axes(&others) {
            return false;
        }
        let mut unlike: Vec<Arc<Factor>> = Vec::new();
        for factor in mine {
            match others.iter().find(|f| f.axes() == factor.axes()) {
                Some(twin) if factor.is_replicates() => {
                    let (a, b) = (range(&factor), range(twin));
                    if a.1 <= b.0 || b.1 <= a.0 {
                        return false;
                    }
                }
                Some(twin) => {
                    let known: HashSet<_> = twin.rows().iter().map(row_key).collect();
                    if !factor.rows().iter().any(|row| known.contains(&row_key(row))) {
                        return false;
                    }
                }
                None => unlike.push(factor),
            }
        }
        let unlike = Block { factors: unlike };
        match unlike.len() {
            Some(n) if n <= 100_000 => (0..n as u64).any(|index| {
                let cell = unlike.at(&unlike.digits(index));
                let touched = others.iter().filter(|f| f.axes().iter().any(|axis| cell.contains_key(*axis)));
                touched.into_iter().all(|factor| factor.digit(&cell).is_some())
            }),
            _ => true,
        }
    }

    /// A text that is equal for equal blocks, and only for them.
    pub fn canonical(&self) -> String {
        self.factors.iter().map(|factor| factor.canonical()).collect::<Vec<_>>().join(";")
    }
}

/// The replicates of a factor, half open.
fn range(factor: &Factor) -> (i128, i128) {
    let mut first = BTreeMap::new();
    factor.put(0, &mut first);
    let first = first.values().next().and_then(Value::number).unwrap_or(0.0) as i128;
    (first, first + i128::from(factor.len()))
}
