//! Ratings of the shape of MovieLens-100K, which cannot be bundled: 943 users, 1682 items, 100,000 ratings from 1 to 5, every user
//! at least 20, items of very unequal popularity. Tastes are of rank 3, with the noise that people have.

use std::fmt::Write;
use sweep_core::seed::Stream;

const USERS: usize = 943;
const ITEMS: usize = 1_682;
const RATINGS: usize = 100_000;
const LEAST: usize = 20;
const RANK: usize = 3;

/// The file, in the format of `u.data`; the same on every machine.
pub fn made() -> Vec<u8> {
    let mut stream = Stream::new("paper/ratings", 0);
    let mut normals = |n: usize, scale: f64| (0..n).map(|_| scale * stream.normal()).collect::<Vec<f64>>();
    // A mean of 3.5 and deviations as MovieLens-100K has them: about .4 by user, .6 by item, .9 within.
    let (by_user, by_item) = (normals(USERS, 0.4), normals(ITEMS, 0.5));
    let (users, items) = (normals(USERS * RANK, 1.0), normals(ITEMS * RANK, 0.35));
    let mut stream = Stream::new("paper/ratings/mask", 0);
    // How many each user rates: as 1/u, and never fewer than asked for.
    let weight: Vec<f64> = (0..USERS).map(|u| 1.0 / (u as f64 + 60.0)).collect();
    let total: f64 = weight.iter().sum();
    let spare = (RATINGS - LEAST * USERS) as f64;
    let mut counts: Vec<usize> = weight.iter().map(|w| LEAST + (spare * w / total) as usize).collect();
    let missing = RATINGS - counts.iter().sum::<usize>();
    counts.iter_mut().take(missing).for_each(|count| *count += 1);
    // Which: by popularity, without replacement (the smallest exponential clocks).
    let popular = stream.permutation(ITEMS);
    let mut text = String::new();
    for (user, count) in counts.into_iter().enumerate() {
        let mut clocks: Vec<(f64, usize)> =
            (0..ITEMS).map(|place| (-(1.0 - stream.uniform()).ln() * (place as f64 + 30.0), popular[place])).collect();
        clocks.sort_by(|a, b| a.0.total_cmp(&b.0));
        for &(_, item) in clocks.iter().take(count) {
            let taste: f64 = (0..RANK).map(|k| users[user * RANK + k] * items[item * RANK + k]).sum();
            let rating = (3.5 + by_user[user] + by_item[item] + taste + 0.8 * stream.normal()).round().clamp(1.0, 5.0);
            let _ = writeln!(text, "{}\t{}\t{rating}\t{}", user + 1, item + 1, 880_000_000);
        }
    }
    text.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_shape_is_that_of_movielens_100k() {
        let text = String::from_utf8(made()).unwrap();
        let rows: Vec<Vec<usize>> =
            text.lines().map(|line| line.split('\t').map(|field| field.parse().unwrap()).collect()).collect();
        assert_eq!(rows.len(), RATINGS);
        let pairs: BTreeSet<(usize, usize)> = rows.iter().map(|row| (row[0], row[1])).collect();
        assert_eq!(pairs.len(), RATINGS, "nobody rates twice");
        assert!(rows.iter().all(|row| (1..=USERS).contains(&row[0]) && (1..=ITEMS).contains(&row[1])));
        let of = |user: usize| rows.iter().filter(|row| row[0] == user).count();
        assert!((1..=USERS).all(|user| of(user) >= LEAST) && of(1) > 300, "{}", of(1));
        let mean = rows.iter().map(|row| row[2] as f64).sum::<f64>() / RATINGS as f64;
        let variance = rows.iter().map(|row| (row[2] as f64 - mean).powi(2)).sum::<f64>() / RATINGS as f64;
        // MovieLens-100K: 3.53 and 1.13.
        assert!((mean - 3.5).abs() < 0.2 && (variance.sqrt() - 1.1).abs() < 0.15, "{mean} {}", variance.sqrt());
        assert_eq!(made(), text.into_bytes());
    }
}
