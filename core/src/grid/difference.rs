//! What one block holds and another does not, as disjoint blocks.

use super::block::Block;
use super::factor::Factor;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Factors of one block.
type Factors = Vec<Arc<Factor>>;

/// Most alternatives of factors that are joined because the two blocks zip their axes differently.
const MAX_JOINED: u64 = 100_000;

impl Block {
    /// The cells of this block that `other` does not hold; this block itself where the two share none. Blocks over
    /// different axes share none. `None` where the two zip their axes differently, with too many combinations to compare.
    pub(crate) fn minus(&self, other: &Block) -> Option<Vec<Block>> {
        let axes = |block: &Block| -> BTreeSet<&'static str> {
            block.factors().iter().flat_map(|factor| factor.axes().iter().copied()).collect()
        };
        if axes(self) != axes(other) {
            return Some(vec![self.clone()]);
        }
        let (mut inside, others) = aligned(self, other)?;
        let mut outside = Vec::new();
        for k in 0..inside.len() {
            let (shared, rest) = inside[k].meet(&others[k]);
            let Some(shared) = shared else { return Some(vec![self.clone()]) };
            for part in rest {
                let mut factors = inside.clone();
                factors[k] = Arc::new(part);
                outside.push(Block::new(factors));
            }
            inside[k] = Arc::new(shared);
        }
        Some(outside)
    }
}

/// The factors of both blocks, which have the same axes, with those joined that are zipped differently: then number k has
/// the same axes on both sides.
fn aligned(a: &Block, b: &Block) -> Option<(Factors, Factors)> {
    // Factors of `a`, with the factors of `b` that share an axis with any of them.
    let mut parts: Vec<(Factors, Factors)> =
        a.factors().iter().map(|factor| (vec![factor.clone()], Vec::new())).collect();
    for factor in b.factors() {
        let touches =
            |part: &(Factors, _)| part.0.iter().any(|mine| mine.axes().iter().any(|axis| factor.axes().contains(axis)));
        let first = parts.iter().position(touches)?;
        parts[first].1.push(factor.clone());
        while let Some(next) = (first + 1..parts.len()).find(|&k| touches(&parts[k])) {
            let (mine, others) = parts.remove(next);
            parts[first].0.extend(mine);
            parts[first].1.extend(others);
        }
    }
    let mut both = (Vec::new(), Vec::new());
    for (mine, others) in parts {
        both.0.push(joined(mine)?);
        both.1.push(joined(others)?);
    }
    Some(both)
}

/// The product of several factors as one.
fn joined(factors: Factors) -> Option<Arc<Factor>> {
    if let [one] = &factors[..] {
        return Some(one.clone());
    }
    let length = factors.iter().try_fold(1u64, |product, factor| product.checked_mul(factor.len()))?;
    if length > MAX_JOINED {
        return None;
    }
    let axes = factors.iter().flat_map(|factor| factor.axes().iter().copied()).collect();
    let mut rows = vec![Vec::new()];
    for factor in &factors {
        rows =
            rows.iter().flat_map(|head| factor.rows().iter().map(move |row| [&head[..], &row[..]].concat())).collect();
    }
    Some(Arc::new(Factor::list(axes, rows)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Value;
    use proptest::prelude::*;

    fn list(axes: &[&'static str], rows: Vec<Vec<i64>>) -> Factor {
        Factor::list(axes.to_vec(), rows.into_iter().map(|row| row.into_iter().map(Value::Int).collect()).collect())
    }

    fn cells(block: &Block) -> Vec<String> {
        let length = block.len().unwrap() as u64;
        (0..length).map(|index| format!("{:?}", block.at(&block.digits(index)))).collect()
    }

    /// Axes a, b, c with values below 3 and replicates; a and b zipped or not.
    fn block() -> impl Strategy<Value = Block> {
        let some = || prop::collection::vec(0i64..3, 1..4);
        (any::<bool>(), some(), some(), some(), (0i64..3, 1u64..4), prop::collection::vec((0i64..3, 0i64..3), 1..6))
            .prop_map(|(zipped, a, b, c, (first, count), pairs)| {
                let one = |axis, values: Vec<i64>| list(&[axis], values.into_iter().map(|v| vec![v]).collect());
                let mut factors = vec![one("depth", c), Factor::replicates(first, count)];
                if zipped {
                    factors.push(list(&["rank", "steps"], pairs.into_iter().map(|(a, b)| vec![a, b]).collect()));
                } else {
                    factors.extend([one("steps", b), one("rank", a)]);
                }
                Block::new(factors)
            })
    }

    proptest! {
        #[test]
        fn a_difference_holds_each_cell_of_the_one_that_is_not_of_the_other_once(a in block(), b in block()) {
            let others: BTreeSet<String> = cells(&b).into_iter().collect();
            let mut expected: Vec<String> = cells(&a).into_iter().filter(|cell| !others.contains(cell)).collect();
            let mut found: Vec<String> = a.minus(&b).unwrap().iter().flat_map(cells).collect();
            expected.sort();
            found.sort();
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn blocks_over_different_axes_share_nothing() {
        let a = Block::new([list(&["rank"], vec![vec![1]])]);
        let b = Block::new([list(&["rank"], vec![vec![1]]), list(&["depth"], vec![vec![1]])]);
        assert_eq!(a.minus(&b), Some(vec![a.clone()]));
        assert_eq!(a.minus(&a), Some(Vec::new()));
    }
}
