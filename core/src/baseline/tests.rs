//! What every baseline must meet: the fixed instances (case A1 among others), optimality, values by hand.

use super::*;
use crate::problem::fixture::{instance, load, refused, trial};
use crate::problem::{Scaling, load as load_trial};
use crate::train::spectrum;
use ndarray::array;

/// The solution of `baseline` (with its axes) for `data`, whatever problem they are from.
fn solve(baseline: &str, data: &Data) -> Solution {
    let trial = trial(&format!("n1=9 n2=9 rank=1 samples=5 baseline={baseline}"));
    build(&trial).unwrap().solve(data, &mut || true).unwrap()
}

/// Data of these entries alone.
fn seen(n1: usize, n2: usize, entries: &[(usize, usize, f64)]) -> Data {
    let index = entries.iter().map(|e| (e.0 * n2 + e.1) as u32).collect();
    let train = Measurements::Entries(Entries { index, value: entries.iter().map(|e| e.2).collect() });
    let validation = Measurements::Entries(Entries::default());
    Data { n1, n2, train, validation, test: None, truth: None, rank: Some(1), scaling: Scaling::NONE }
}

/// The same measurements as sensing, each operator scaled by another factor.
fn as_sensing(data: &Data) -> Data {
    let Measurements::Entries(e) = &data.train else { panic!("entries") };
    let mut operators = Array2::zeros((e.index.len(), data.n1 * data.n2));
    let scale = |k: usize| 1.0 + 0.1 * k as f64;
    e.index.iter().enumerate().for_each(|(k, &i)| operators[[k, i as usize]] = scale(k));
    let value = e.value.iter().enumerate().map(|(k, y)| scale(k) * y).collect();
    Data { train: Measurements::Sensing { operators, value }, ..data.clone() }
}

fn entries(data: &Data) -> &Entries {
    observed("test", data).unwrap()
}

fn rel(w: &Array2<f64>, data: &Data) -> f64 {
    let test = data.test.as_ref().unwrap();
    (square_error(w, test) / test.value.iter().map(|x| x * x).sum::<f64>()).sqrt()
}

fn close(w: &Array2<f64>, expected: &Array2<f64>, tolerance: f64) {
    assert!(distance(w, expected) <= tolerance, "{w} is not {expected}");
}

/// Case A1: minimum nuclear norm on a fixed instance.
fn a1(name: &str, nuclear: f64, nuclear_tolerance: f64, expected_rel: f64) {
    let data = instance(name);
    let solution = solve("minimum_nuclear", &data);
    let found = solution.objective.unwrap();
    assert!(solution.converged, "{} iterations", solution.iterations);
    assert!((found - nuclear).abs() <= nuclear_tolerance, "‖W‖_* = {found}");
    assert!((rel(&solution.w, &data) - expected_rel).abs() <= 0.003, "rel = {}", rel(&solution.w, &data));
    assert_eq!(square_error(&solution.w, entries(&data)), 0.0, "the constraints hold exactly");
}

#[test]
fn a1_minimum_nuclear_norm_n50_s0() {
    a1("n50_r2_m500_s0", 68.881, 0.02, 0.1769);
}

#[test]
fn a1_minimum_nuclear_norm_n50_s1() {
    a1("n50_r2_m500_s1", 69.243, 0.02, 0.1405);
}

#[test]
fn a1_minimum_nuclear_norm_n50_s2() {
    a1("n50_r2_m500_s2", 67.245, 0.02, 0.2172);
}

#[test]
fn a1_minimum_nuclear_norm_n50_s3() {
    a1("n50_r2_m500_s3", 69.796, 0.02, 0.1274);
}

#[test]
fn a1_minimum_nuclear_norm_n100_s0() {
    a1("n100_r5_m2000_s0", 215.219, 0.05, 0.2819);
}

#[test]
fn minimum_nuclear_norm_by_hand() {
    // W = [[a, b], [c, x]] has ‖W‖_*² = ‖W‖_F² + 2|det W|. For a = 1, b = c = 2: 9 + x² + 2|x − 4|, least at x = 1,
    // where ‖W‖_* = 4 (eigenvalues 3 and −1): not the completion of rank 1, x = 4.
    let data = seen(2, 2, &[(0, 0, 1.0), (0, 1, 2.0), (1, 0, 2.0)]);
    for data in [as_sensing(&data), data] {
        let solution = solve("minimum_nuclear", &data);
        close(&solution.w, &array![[1.0, 2.0], [2.0, 1.0]], 1e-3);
        assert!(solution.converged && (solution.objective.unwrap() - 4.0).abs() < 1e-6);
    }
    // All observed values 0: W = 0 at once.
    let zero = solve("minimum_nuclear", &seen(2, 2, &[(0, 0, 0.0)]));
    assert!(zero.converged && norm(&zero.w) == 0.0);
}

#[test]
fn minimum_nuclear_treats_sensing_as_it_treats_entries() {
    let data = load("n1=12 n2=9 rank=2 samples=70");
    let (by_entries, by_sensing) = (solve("minimum_nuclear", &data), solve("minimum_nuclear", &as_sensing(&data)));
    close(&by_sensing.w, &by_entries.w, 1e-3 * norm(&by_entries.w));
    let gap = by_entries.objective.unwrap() / by_sensing.objective.unwrap() - 1.0;
    assert!(by_sensing.converged && gap.abs() < 2e-7, "{gap}");
}

#[test]
fn minimum_nuclear_recovers_from_enough_gaussian_measurements() {
    let data = load("problem=sensing n1=10 n2=8 rank=1 samples=60");
    let truth = data.truth.clone().unwrap();
    close(&solve("minimum_nuclear", &data).w, &truth, 1e-3 * norm(&truth));
    // The solution of least Frobenius norm does not: it has no preference for low rank.
    let least = solve("minimum_frobenius", &data).w;
    assert!(distance(&least, &truth) > 0.2 * norm(&truth));
}

#[test]
fn minimum_frobenius_by_hand_and_by_pythagoras() {
    // One operator A = [[1, 2], [2, 0]] with ⟨A, W⟩ = 9 = ‖A‖_F²: the least-norm W is A itself.
    let mut data = seen(2, 2, &[(0, 0, 3.0)]);
    close(&solve("minimum_frobenius", &data).w, &array![[3.0, 0.0], [0.0, 0.0]], 0.0);
    data.train = Measurements::Sensing { operators: array![[1.0, 2.0, 2.0, 0.0]], value: vec![9.0] };
    let solution = solve("minimum_frobenius", &data);
    close(&solution.w, &array![[1.0, 2.0], [2.0, 0.0]], 1e-14);
    assert!((solution.objective.unwrap() - 3.0).abs() < 1e-14);
    // W is orthogonal to W* − W, which no measurement sees.
    let data = load("problem=sensing n1=6 n2=5 rank=1 samples=12");
    let (w, truth) = (solve("minimum_frobenius", &data).w, data.truth.unwrap());
    let (a, b, c) = (norm(&w), distance(&w, &truth), norm(&truth));
    assert!((a * a + b * b - c * c).abs() < 1e-10 * c * c && b > 0.1 * c);
}

#[test]
fn soft_impute_reaches_the_optimum_of_case_a6() {
    for (seed, expected) in [(0, 0.066496), (1, 0.066876), (2, 0.064937)] {
        let solution = solve("soft_impute soft_lambda=0.001", &instance(&format!("n50_r2_m500_s{seed}")));
        // The expected values have five digits; the certificate is a relative gap of 1e-8.
        assert!(solution.converged && (solution.objective.unwrap() - expected).abs() <= 5.1e-7, "{solution:?}");
    }
}

#[test]
fn soft_impute_by_hand() {
    // All of diag(3, 1) observed, m = 4, λ = 1: σ shrinks by mλ/2 = 2, so W = diag(1, 0) and
    // F = (2² + 1²)/4 + 1·1 = 9/4.
    let data = seen(2, 2, &[(0, 0, 3.0), (0, 1, 0.0), (1, 0, 0.0), (1, 1, 1.0)]);
    let solution = solve("soft_impute soft_lambda=1.0", &data);
    close(&solution.w, &array![[1.0, 0.0], [0.0, 0.0]], 1e-14);
    assert!(solution.converged && (solution.objective.unwrap() - 2.25).abs() < 1e-14);
    // From λ_max = 2‖Y‖_2/m = 1.5 on, W = 0 and F = ‖Y‖²/m = 10/4.
    let solution = solve("soft_impute soft_lambda=1.5", &data);
    assert!(solution.converged && norm(&solution.w) == 0.0 && solution.objective == Some(2.5));
}

#[test]
fn soft_impute_meets_the_optimality_conditions() {
    // 0 ∈ (2/m)·P_Ω(W − Y) + λ∂‖W‖_*: the scaled residual Λ = (2/(mλ))·P_Ω(Y − W) has ‖Λ‖_2 ≤ 1 and ⟨Λ, W⟩ = ‖W‖_*.
    let data = load("n1=20 n2=15 rank=2 noise=0.3 samples=150");
    let w = solve("soft_impute soft_lambda=0.02", &data).w;
    let mut residual = Array2::zeros(w.dim());
    let e = entries(&data);
    e.index.iter().zip(&e.value).for_each(|(&i, &y)| flat_mut(&mut residual)[i as usize] = y - flat(&w)[i as usize]);
    let dual = residual * (2.0 / (150.0 * 0.02));
    let nuclear: f64 = spectrum::svd(&w).unwrap().1.iter().sum();
    let inner: f64 = flat(&dual).iter().zip(flat(&w)).map(|(a, b)| a * b).sum();
    assert!(spectrum::svd(&dual).unwrap().1[0] < 1.0 + 1e-3);
    assert!((inner / nuclear - 1.0).abs() < 1e-3 && nuclear > 1.0, "{inner} {nuclear}");
}

#[test]
fn the_soft_impute_path_ends_near_minimum_nuclear_norm_without_a_split() {
    let data = instance("n50_r2_m500_s0");
    let solution = solve("soft_impute", &data);
    assert!(solution.converged && (rel(&solution.w, &data) - 0.1769).abs() < 0.003, "{}", rel(&solution.w, &data));
}

#[test]
fn the_soft_impute_path_is_chosen_by_validation_error() {
    let given = "n1=40 n2=30 rank=2 noise=1.0 samples=700 validation=0.2 baseline=soft_impute";
    let data = load_trial(&trial(given), &crate::problem::NoFiles).unwrap();
    let Measurements::Entries(held_out) = &data.validation else { panic!("entries") };
    assert_eq!((held_out.index.len(), entries(&data).index.len()), (140, 560));
    let chosen = solve("soft_impute", &data).w;
    let without = Data { validation: Measurements::Entries(Entries::default()), ..data.clone() };
    let last = solve("soft_impute", &without).w;
    // With noise of the size of the signal the end of the path overfits.
    assert!(square_error(&chosen, held_out) < 0.95 * square_error(&last, held_out));
    assert!(rel(&chosen, &data) < 0.8 * rel(&last, &data));
}

#[test]
fn svt_by_hand_and_its_stop_rule() {
    // Everything observed: the constraints leave W = Y, so the objective is τ·4 + (9 + 1)/2.
    let data = seen(2, 2, &[(0, 0, 3.0), (0, 1, 0.0), (1, 0, 0.0), (1, 1, 1.0)]);
    let solution = solve("svt svt_tau=2.0 svt_step=1.0", &data);
    close(&solution.w, &array![[3.0, 0.0], [0.0, 1.0]], 1e-4 * 10f64.sqrt());
    assert!(solution.converged && (solution.objective.unwrap() - 13.0).abs() < 1e-2);
    let well = load("n1=40 n2=30 rank=1 samples=800");
    let solution = solve("svt", &well);
    assert!(
        solution.converged && rel(&solution.w, &well) < 1e-3,
        "{} {}",
        solution.iterations,
        rel(&solution.w, &well)
    );
}

#[test]
fn svt_converges_on_the_scarce_instances() {
    // Relative errors of the plain iteration with step 1.9 after 20,000 iterations.
    for (name, expected) in [("n50_r2_m500_s0", 0.2507), ("n50_r2_m500_s1", 0.2237)] {
        let data = instance(name);
        let solution = solve("svt", &data);
        assert!(solution.converged, "{name}: {} iterations", solution.iterations);
        assert!((rel(&solution.w, &data) - expected).abs() < 1e-3, "{name}: {}", rel(&solution.w, &data));
    }
}

#[test]
fn svt_with_too_long_a_step_ends_finite_and_not_converged() {
    let solution = solve("svt svt_step=6.0 svt_tau=50.0", &instance("n50_r2_m500_s0"));
    assert!(!solution.converged && solution.iterations < 5000 && norm(&solution.w).is_finite());
}

#[test]
fn hard_impute_ends_at_a_fixed_point_of_its_rank() {
    for (axes, rank) in [("", 2), ("baseline_rank=3", 3)] {
        let data = load("n1=20 n2=15 rank=2 noise=0.2 samples=240");
        let solution = solve(&format!("hard_impute {axes}"), &data);
        let mut filled = solution.w.clone();
        write(&mut filled, entries(&data));
        let again = shrink::hard(&filled, rank).unwrap();
        assert!(solution.converged, "{}", solution.iterations);
        close(&again, &solution.w, 1e-8 * norm(&solution.w));
        let sigma = spectrum::svd(&solution.w).unwrap().1;
        assert!(sigma[rank] < 1e-12 * sigma[0] && sigma[rank - 1] > 1e-3 * sigma[0], "{sigma:?}");
    }
}

#[test]
fn hard_impute_by_hand() {
    // All of diag(3, 1) observed: the nearest matrix of rank 1, and a mean square error of 1/4.
    let data = seen(2, 2, &[(0, 0, 3.0), (0, 1, 0.0), (1, 0, 0.0), (1, 1, 1.0)]);
    let solution = solve("hard_impute", &data);
    close(&solution.w, &array![[3.0, 0.0], [0.0, 0.0]], 1e-14);
    assert!(solution.converged && (solution.objective.unwrap() - 0.25).abs() < 1e-14);
}

#[test]
fn als_recovers_an_exactly_low_rank_matrix_from_enough_entries() {
    let data = load("n1=40 n2=30 rank=3 samples=800");
    let truth = data.truth.clone().unwrap();
    let solution = solve("als ridge=1e-9", &data);
    close(&solution.w, &truth, 1e-6 * norm(&truth));
    assert!(solution.converged);
}

#[test]
fn als_by_hand_and_where_a_row_is_empty() {
    // One entry y = 2, μ = ½: (ab − 2)² + μ(a² + b²) = (w − 2)² + 2μ|w| at its best split a² = b² = |w|, so
    // w = 2 − μ = 1.5 and the objective is ¼ + 1.5.
    let solution = solve("als ridge=0.5", &seen(1, 1, &[(0, 0, 2.0)]));
    assert!(solution.converged && (solution.w[[0, 0]] - 1.5).abs() < 1e-6, "{solution:?}");
    assert!((solution.objective.unwrap() - 1.75).abs() < 1e-9);
    let solution = solve("als", &seen(3, 2, &[(0, 0, 2.0), (2, 0, 4.0), (2, 1, 6.0)]));
    close(&solution.w, &array![[2.0, 3.0], [0.0, 0.0], [4.0, 6.0]], 1e-4);
}

#[test]
fn fills_and_means_by_hand() {
    let data = seen(3, 2, &[(0, 0, 2.0), (0, 1, 4.0), (2, 0, 9.0)]);
    close(&solve("zero_fill", &data).w, &array![[2.0, 4.0], [0.0, 0.0], [9.0, 0.0]], 0.0);
    // Row 1 has no entry: the mean of all is 15/3 = 5.
    close(&solve("row_means", &data).w, &array![[3.0, 3.0], [5.0, 5.0], [9.0, 9.0]], 0.0);
    close(&solve("column_means", &data).w, &array![[5.5, 4.0], [5.5, 4.0], [5.5, 4.0]], 0.0);
}

#[test]
fn a_solver_that_is_cut_short_says_so() {
    let data = load("n1=20 n2=15 rank=2 noise=0.3 samples=150");
    for name in ["minimum_nuclear", "soft_impute", "soft_impute soft_lambda=0.001", "svt", "hard_impute", "als"] {
        let capped = solve(&format!("{name} iterations=3"), &data);
        assert_eq!((capped.iterations, capped.converged), (3, false), "{name}");
        let mut left = 2;
        let mut go_on = || {
            left -= 1;
            left >= 0
        };
        let trial = trial(&format!("n1=9 n2=9 rank=1 samples=5 baseline={name}"));
        let stopped = build(&trial).unwrap().solve(&data, &mut go_on).unwrap();
        assert_eq!((stopped.iterations, stopped.converged), (2, false), "{name}");
    }
}

#[test]
fn what_a_baseline_cannot_treat_is_refused_before_any_data_are_made() {
    for entry in KNOWN {
        let name = entry.name;
        let given = format!("problem=sensing n1=5 n2=5 rank=1 samples=9 baseline={name}");
        if ["minimum_frobenius", "minimum_nuclear", "ground_truth"].contains(&name) {
            trial(&given);
            continue;
        }
        if name != "zero_fill" {
            let message = format!("baseline \"{name}\" needs observed entries, not problem \"sensing\"");
            assert_eq!(refused(&given), message);
        }
        let sensing = as_sensing(&seen(2, 2, &[(0, 0, 1.0)]));
        let trial = trial(&format!("n1=5 n2=5 rank=1 samples=9 baseline={name}"));
        assert!(build(&trial).unwrap().solve(&sensing, &mut || true).is_err());
    }
    assert_eq!(
        refused("n1=5 n2=7 rank=1 samples=9 baseline=als baseline_rank=6"),
        "axis \"baseline_rank\": 6 is outside 1..=5 (min(n1, n2)), or 0"
    );
    assert_eq!(
        refused("problem=ratings ratings=u.data baseline=als"),
        "axis \"baseline_rank\": 0 (that of the truth) needs a truth, which this problem does not have; give a rank"
    );
}

#[test]
fn the_ground_truth_is_itself_and_needs_one() {
    let data = instance("n50_r2_m500_s0");
    assert!(rel(&solve("ground_truth", &data).w, &data) <= 1e-15);
    // In the units of training: original = 2 + 4·W.
    let scaled = Data { scaling: Scaling { shift: 2.0, scale: 4.0 }, ..data.clone() };
    close(&solve("ground_truth", &scaled).w, &data.truth.as_ref().unwrap().mapv(|x| (x - 2.0) / 4.0), 1e-12);
    let without = Data { truth: None, ..data };
    let built = build(&trial("n1=9 n2=9 rank=1 samples=5 baseline=ground_truth")).unwrap();
    assert!(built.solve(&without, &mut || true).unwrap_err().to_string().contains("needs a problem whose truth"));
}
