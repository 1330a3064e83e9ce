//! When a point is recorded: dense early, then geometric, and always the last step.

/// The steps at which a run of `total` steps records, at most `points` of them, ascending, from 0 to `total`.
///
/// `s_0 = 0`, then `s_i = max(s_{i−1} + 1, round(T^(i/(P−1))))`: consecutive while the geometric series moves by less than
/// one step, geometric after.
pub fn steps(total: u64, points: usize) -> Vec<u64> {
    let mut steps = vec![0];
    for i in 1..points.max(2) {
        let geometric = (total as f64).powf(i as f64 / (points.max(2) - 1) as f64).round() as u64;
        let next = geometric.max(steps[i - 1] + 1).min(total);
        if next == steps[i - 1] {
            break;
        }
        steps.push(next);
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_dense_then_geometric_and_end_at_the_last_step() {
        for (total, points) in [(1, 2), (1, 100), (5, 100), (100, 100), (6000, 60), (6000, 2), (1_000_000_000, 100)] {
            let steps = steps(total, points);
            assert!(steps.len() <= points, "{total} {points}");
            assert!(steps.windows(2).all(|w| w[0] < w[1]));
            assert_eq!((steps[0], *steps.last().unwrap()), (0, total));
        }
        assert_eq!(steps(6000, 60)[..4], [0, 1, 2, 3]);
        assert_eq!(steps(3, 60), [0, 1, 2, 3]);
    }
}
