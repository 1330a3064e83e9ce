//! Quartiles over replicates, by the rule of the SQL view `medians`.
//!
//! A run without a value (it diverged) counts as the worst of all and is never left out.

/// Lower quartile, median, upper quartile; `None` where one falls on a run without a value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quartiles {
    /// A quarter of the runs are at most this.
    pub lower: Option<f64>,
    /// Half of the runs are at most this.
    pub median: Option<f64>,
    /// Three quarters of the runs are at most this.
    pub upper: Option<f64>,
}

/// The quartiles of `values`, interpolated linearly between the neighbours (type 7, as in NumPy and R). `None` or not
/// finite: a run without a value, after all others. No values at all: `None` throughout.
pub fn quartiles(values: impl IntoIterator<Item = Option<f64>>) -> Quartiles {
    let mut sorted: Vec<f64> =
        values.into_iter().map(|v| v.filter(|v| v.is_finite()).unwrap_or(f64::INFINITY)).collect();
    sorted.sort_by(f64::total_cmp);
    let at = |quarter: usize| {
        let last = sorted.len().checked_sub(1)?;
        let (below, part) = (quarter * last / 4, (quarter * last % 4) as f64 / 4.0);
        // An infinite neighbour of weight 0 does not count.
        let value = if part == 0.0 { sorted[below] } else { sorted[below] * (1.0 - part) + sorted[below + 1] * part };
        value.is_finite().then_some(value)
    };
    Quartiles { lower: at(1), median: at(2), upper: at(3) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles_interpolate_as_numpy_does() {
        // numpy.quantile([1, 2, 3, 4], [.25, .5, .75]) = [1.75, 2.5, 3.25]
        let q = quartiles([3.0, 1.0, 4.0, 2.0].map(Some));
        assert_eq!(q, Quartiles { lower: Some(1.75), median: Some(2.5), upper: Some(3.25) });
    }

    #[test]
    fn a_diverged_run_is_the_worst_and_never_left_out() {
        // Of 1, 2, ∞: the median is 2, the upper quartile lies half way to ∞.
        let q = quartiles([None, Some(1.0), Some(2.0)]);
        assert_eq!(q, Quartiles { lower: Some(1.5), median: Some(2.0), upper: None });
        assert_eq!(quartiles([Some(1.0), None, Some(f64::NAN)]).median, None);
        assert_eq!(quartiles([]).median, None);
        assert_eq!(quartiles([Some(7.0)]).upper, Some(7.0));
    }
}
