//! As many points of a long line as the plot can show.
//!
//! M4 (Jugel, Jerzak, Hackenbroich, Markl: "M4: a visualization-oriented time series data aggregation", VLDB 2014): of
//! the points within one column of pixels the first, the last, the lowest and the highest are enough for the same
//! picture. Here for the median and both quartiles at once, and the first gap of a column is kept too.

/// A point of a curve in pixels. `None`: no value there, or one without a place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Point {
    pub(super) x: f64,
    pub(super) lower: Option<f64>,
    pub(super) median: Option<f64>,
    pub(super) upper: Option<f64>,
    /// The median falls on a run without a value.
    pub(super) diverged: bool,
}

/// Points per column below which nothing is left out.
const FEW: usize = 4;
/// First, last, and for three lines the lowest, the highest and the first gap.
#[cfg(test)]
const MOST: usize = 2 + 3 * 3;

/// `points`, in the order of the line, without those that change nothing in a plot of `columns` pixels.
pub(super) fn thin(points: Vec<Point>, columns: usize) -> Vec<Point> {
    if points.len() <= FEW * columns.max(1) {
        return points;
    }
    let mut kept = Vec::new();
    for column in points.chunk_by(|a, b| a.x.floor() == b.x.floor()) {
        let mut indices = vec![0, column.len() - 1];
        for line in [|p: &Point| p.lower, |p: &Point| p.median, |p: &Point| p.upper] {
            let known = || column.iter().enumerate().filter_map(|(index, point)| Some((index, line(point)?)));
            indices.extend(known().min_by(|a, b| a.1.total_cmp(&b.1)).map(|(index, _)| index));
            indices.extend(known().max_by(|a, b| a.1.total_cmp(&b.1)).map(|(index, _)| index));
            indices.extend(column.iter().position(|point| line(point).is_none()));
        }
        indices.sort_unstable();
        indices.dedup();
        kept.extend(indices.into_iter().map(|index| column[index]));
    }
    kept
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn point(x: f64, median: Option<f64>) -> Point {
        Point { x, lower: median.map(|y| y - 1.0), median, upper: median.map(|y| y + 1.0), diverged: median.is_none() }
    }

    #[test]
    fn a_short_line_is_untouched() {
        let points: Vec<Point> = (0..400).map(|i| point(f64::from(i) / 4.0, Some(f64::from(i % 7)))).collect();
        assert_eq!(thin(points.clone(), 100), points);
    }

    #[test]
    fn a_spike_and_a_gap_of_one_step_survive() {
        let mut points: Vec<Point> = (0..10_000).map(|i| point(f64::from(i) / 100.0, Some(5.0))).collect();
        points[4321] = point(43.21, Some(99.0));
        points[7777] = point(77.77, None);
        let thinned = thin(points.clone(), 100);
        assert!(thinned.len() < 400, "{}", thinned.len());
        let gap = thinned.iter().position(|p| p.median.is_none()).expect("the gap");
        assert_eq!(thinned.iter().filter(|p| p.median.is_none()).count(), 1);
        assert!(thinned[gap].diverged && thinned[gap - 1].median.is_some() && thinned[gap + 1].median.is_some());
        assert!(thinned.contains(&points[4321]));
    }

    proptest! {
        #[test]
        fn every_column_keeps_its_ends_extremes_and_gaps(
            values in proptest::collection::vec(proptest::option::of(-1e3..1e3f64), 0..3000), columns in 1usize..60,
        ) {
            let count = values.len() as f64;
            let points: Vec<Point> = values
                .iter()
                .enumerate()
                .map(|(i, y)| point(i as f64 * columns as f64 / count, *y))
                .collect();
            let thinned = thin(points.clone(), columns);
            prop_assert!(thinned.len() <= (MOST * columns).max(FEW * columns));
            let extremes = |points: &[Point]| -> Vec<[Option<f64>; 6]> {
                points
                    .chunk_by(|a, b| a.x.floor() == b.x.floor())
                    .map(|column| {
                        let known = || column.iter().filter_map(|p| p.median);
                        let gap = column.iter().any(|p| p.median.is_none());
                        [column[0].median, column[column.len() - 1].median, known().reduce(f64::min),
                         known().reduce(f64::max), gap.then_some(1.0), Some(column[0].x)]
                    })
                    .collect()
            };
            prop_assert_eq!(extremes(&thinned), extremes(&points));
        }
    }
}
