//! Optimizers: reference values from `tests/reference/torch_optim.py`, and what every one of them must keep.

use super::{allocations, trial};
use ndarray::{Array2, array};
use serde::Deserialize;
use std::collections::BTreeMap;
use sweep_core::optimizer::{KNOWN, Layers, Optimizer, State};
use sweep_core::registry;
use sweep_core::seed::Stream;
use sweep_core::value::Value;

/// `optimizers.json`: f(W) = ½‖AW − B‖_F² for 3×3 matrices, row-major, and the iterates of each run.
#[derive(Deserialize)]
struct Reference {
    a: [f64; 9],
    b: [f64; 9],
    start: [f64; 9],
    runs: Vec<Run>,
}

#[derive(Deserialize)]
struct Run {
    optimizer: String,
    given: BTreeMap<String, Value>,
    iterates: Vec<[f64; 9]>,
}

fn reference() -> Reference {
    serde_json::from_str(include_str!("../../../tests/reference/optimizers.json")).unwrap()
}

fn square(entries: &[f64; 9]) -> Array2<f64> {
    Array2::from_shape_vec((3, 3), entries.to_vec()).unwrap()
}

/// An optimizer with its weights and state.
struct Scene {
    optimizer: Box<dyn Optimizer>,
    weights: Vec<Array2<f64>>,
    state: State,
}

impl Scene {
    fn new(name: &str, given: &[(&str, Value)], weights: Vec<Array2<f64>>) -> Scene {
        let given = [&[("optimizer", name.into())], given].concat();
        let optimizer = (registry::find("optimizer", KNOWN, name).unwrap().build)(&trial(&given));
        let state = State::new(&*optimizer, &weights);
        Scene { optimizer, weights, state }
    }

    fn step(&mut self, lr: f64, gradients: &[Array2<f64>]) {
        self.state.t += 1;
        self.optimizer.step(lr, &mut Layers::F64(&mut self.weights, gradients), &mut self.state).unwrap();
    }
}

/// A learning rate at which each optimizer makes good way on a problem of size 1 in some hundred steps.
fn fair_lr(name: &str) -> f64 {
    match name {
        "gd" | "momentum" | "nesterov" => 0.05,
        "adadelta" => 10.0,
        "adagrad" => 0.3,
        _ => 0.02,
    }
}

fn normal(seed: i64, (rows, columns): (usize, usize)) -> Array2<f64> {
    let mut stream = Stream::new("test/optimizers", seed);
    Array2::from_shape_simple_fn((rows, columns), || stream.normal())
}

fn bits(matrix: &Array2<f64>) -> Vec<u64> {
    matrix.iter().map(|x| x.to_bits()).collect()
}

#[test]
fn every_optimizer_makes_the_steps_of_its_reference() {
    let reference = reference();
    let (a, b) = (square(&reference.a), square(&reference.b));
    for entry in KNOWN {
        let runs: Vec<&Run> = reference.runs.iter().filter(|run| run.optimizer == entry.name).collect();
        let changed = |run: &&Run| entry.axes.iter().all(|axis| run.given.contains_key(axis.name));
        assert!(
            runs.iter().any(changed),
            "optimizer \"{}\" has no run with all of its axes in tests/reference/optimizers.json: add it to \
             torch_optim.py and run that",
            entry.name
        );
        for run in runs {
            let given: Vec<(&str, Value)> = run.given.iter().map(|(k, v)| (k.as_str(), v.clone())).collect();
            let lr = run.given["lr"].number().unwrap();
            let mut scene = Scene::new(entry.name, &given, vec![square(&reference.start)]);
            assert!(run.iterates.len() >= 5);
            for (t, expected) in run.iterates.iter().enumerate() {
                let g = a.t().dot(&(a.dot(&scene.weights[0]) - &b));
                scene.step(lr, &[g]);
                let off = (&scene.weights[0] - &square(expected)).iter().fold(0.0f64, |m, x| m.max(x.abs()));
                // A few ulps of entries of size 1 per step.
                assert!(off <= 1e-13, "{} {:?}: off by {off:e} at step {}", entry.name, run.given, t + 1);
            }
        }
    }
}

#[test]
fn every_optimizer_descends_a_quadratic() {
    // Two layers W_j with f = ½Σ‖W_j − C_j‖², so the gradient is W_j − C_j.
    let targets = [normal(1, (4, 6)), normal(2, (5, 4))];
    let loss = |weights: &[Array2<f64>]| -> f64 {
        weights.iter().zip(&targets).map(|(w, c)| (w - c).mapv(|x| x * x).sum() / 2.0).sum()
    };
    for entry in KNOWN {
        let mut scene = Scene::new(entry.name, &[], targets.iter().map(|c| Array2::zeros(c.dim())).collect());
        let first = loss(&scene.weights);
        for _ in 0..500 {
            let gradients: Vec<Array2<f64>> = scene.weights.iter().zip(&targets).map(|(w, c)| w - c).collect();
            scene.step(fair_lr(entry.name), &gradients);
        }
        let last = loss(&scene.weights);
        assert!(last < 0.05 * first, "{}: {first} → {last}", entry.name);
    }
}

#[test]
fn an_entry_without_gradient_keeps_its_bits() {
    for entry in KNOWN.iter().filter(|entry| entry.name != "muon") {
        let has = |axis: &str| entry.axes.iter().any(|a| a.name == axis);
        let decay: Vec<(&str, Value)> = if has("weight_decay") { vec![("weight_decay", 0.0.into())] } else { vec![] };
        let guards: &[Option<f64>] = if has("epsilon") { &[None, Some(0.0), Some(1e-300), Some(1.0)] } else { &[None] };
        for epsilon in guards {
            let given = [&decay[..], &epsilon.map(|e| ("epsilon", e.into())).into_iter().collect::<Vec<_>>()].concat();
            for lr in [0.01, 1.0, 100.0] {
                let mut start = normal(3, (5, 7));
                start[[4, 6]] = 0.0;
                start[[3, 5]] = -0.0;
                start[[2, 2]] = f64::MIN_POSITIVE / 8.0;
                let seen = |i: usize, j: usize| (i + 2 * j) % 3 == 1 && start[[i, j]].abs() > 1e-9;
                let mut scene = Scene::new(entry.name, &given, vec![start.clone()]);
                // The whole gradient is 0 in the first two steps.
                for t in 0..50 {
                    let g = normal(100 + t, (5, 7));
                    let g = Array2::from_shape_fn((5, 7), |(i, j)| if t > 1 && seen(i, j) { g[[i, j]] } else { 0.0 });
                    scene.step(lr, &[g]);
                }
                let mut moved = 0;
                for ((i, j), w) in scene.weights[0].indexed_iter() {
                    assert!(w.is_finite(), "{} {epsilon:?}: {w}", entry.name);
                    if seen(i, j) {
                        moved += usize::from(*w != start[[i, j]]);
                    } else {
                        assert_eq!(w.to_bits(), start[[i, j]].to_bits(), "{} {epsilon:?} ({i}, {j})", entry.name);
                    }
                }
                // Adadelta takes its first step from √ε: without ε it stays.
                let still = entry.name == "adadelta" && epsilon.is_some_and(|e| e < 1e-100);
                assert!(still || moved > 5, "{} {epsilon:?} moved {moved} entries", entry.name);
            }
        }
    }
}

#[test]
fn a_zero_gradient_from_the_start_moves_nothing() {
    for entry in KNOWN {
        let decay: &[(&str, Value)] = if entry.name == "adamw" { &[("weight_decay", Value::Float(0.0))] } else { &[] };
        let mut scene = Scene::new(entry.name, decay, vec![normal(4, (3, 2)), normal(5, (2, 3))]);
        let start = scene.weights.clone();
        for _ in 0..3 {
            scene.step(1.0, &[Array2::zeros((3, 2)), Array2::zeros((2, 3))]);
        }
        assert_eq!(scene.weights, start, "{}", entry.name);
    }
}

#[test]
fn all_that_is_carried_lives_in_the_state() {
    for entry in KNOWN {
        let settings: Vec<Vec<(&str, Value)>> = match entry.name {
            "muon" => ["exact", "newton_schulz"].map(|polar| vec![("polar", polar.into())]).to_vec(),
            _ => vec![vec![]],
        };
        for given in &settings {
            let start = vec![normal(6, (3, 5)), normal(7, (4, 3))];
            let gradients = |t: i64| [normal(200 + t, (3, 5)), normal(300 + t, (4, 3))];
            let mut whole = Scene::new(entry.name, given, start);
            for t in 0..7 {
                whole.step(0.1, &gradients(t));
            }
            // A fresh optimizer, as after a resume, with the weights and the state as serde carries them.
            let mut resumed = Scene::new(entry.name, given, whole.weights.clone());
            let bytes = postcard::to_stdvec(&whole.state).unwrap();
            resumed.state = postcard::from_bytes(&bytes).unwrap();
            for t in 7..15 {
                whole.step(0.1, &gradients(t));
                resumed.step(0.1, &gradients(t));
            }
            assert_eq!(whole.state, resumed.state, "{}", entry.name);
            for (a, b) in whole.weights.iter().zip(&resumed.weights) {
                assert_eq!(bits(a), bits(b), "{}", entry.name);
            }
        }
    }
}

#[test]
fn steps_after_the_first_do_not_allocate() {
    for entry in KNOWN {
        let mut scene = Scene::new(entry.name, &[], vec![normal(11, (20, 30)), normal(12, (30, 20))]);
        let gradients = [normal(13, (20, 30)), normal(14, (30, 20))];
        scene.step(0.1, &gradients);
        assert_eq!(allocations(|| (0..10).for_each(|_| scene.step(0.1, &gradients))), 0, "{}", entry.name);
    }
    assert!(allocations(|| drop(std::hint::black_box(vec![1u8; 10]))) > 0);
}

#[test]
fn nan_in_the_gradient_is_not_hidden() {
    for entry in KNOWN {
        let mut scene = Scene::new(entry.name, &[], vec![normal(8, (2, 2))]);
        let mut g = normal(9, (2, 2));
        g[[0, 1]] = f64::NAN;
        scene.step(0.1, &[g]);
        assert!(scene.weights[0][[0, 1]].is_nan(), "{}", entry.name);
    }
}

#[test]
fn group_rules_take_the_norm_over_all_layers() {
    // ‖(3, 4)‖ = 5 over two layers of one entry each.
    let gradients = [array![[3.0]], array![[4.0]]];
    let mut scene = Scene::new("normalised_gd", &[], vec![array![[0.0]], array![[0.0]]]);
    scene.step(1.0, &gradients);
    assert_eq!(scene.weights, [array![[-0.6]], array![[-0.8]]]);

    // At t = 1 the corrected mean is ‖g‖² = 25; with ε = 5 the denominator is 10.
    let mut scene = Scene::new("group_rmsprop", &[("epsilon", 5.0.into())], vec![array![[0.0]], array![[0.0]]]);
    scene.step(1.0, &gradients);
    for (w, expected) in scene.weights.iter().zip([-0.3, -0.4]) {
        // (1 − α)·25/(1 − α) is 25 up to the rounding of 1 − 0.99.
        assert!((w[[0, 0]] - expected).abs() < 1e-14);
    }
}

#[test]
fn muon_steps_are_orthogonal_and_scaled_by_shape() {
    for shape in [(5, 5), (6, 3), (3, 6)] {
        let g = normal(10, shape);
        let scale = (shape.0 as f64 / shape.1 as f64).max(1.0).sqrt();
        for (polar, slack) in [("exact", 1e-12), ("newton_schulz", 0.35)] {
            let mut scene = Scene::new("muon", &[("polar", polar.into())], vec![Array2::zeros(shape)]);
            scene.step(0.5, std::slice::from_ref(&g));
            let o = &scene.weights[0] / (-0.5 * scale);
            // With SVD g = U diag(σ) Vᵀ and o = U diag(s) Vᵀ, s_i near 1: ⟨g, o⟩ = Σ σ_i s_i > 0, and the short
            // side's Gram matrix has eigenvalues s_i².
            let gram = if shape.0 <= shape.1 { o.dot(&o.t()) } else { o.t().dot(&o) };
            let k = gram.nrows() as f64;
            let mean_square = gram.diag().sum() / k;
            assert!((mean_square.sqrt() - 1.0).abs() <= slack, "{polar} {shape:?}: {mean_square}");
            assert!((&g * &o).sum() > 0.0);
            // Transposing the layer transposes the step.
            let mut turned = Scene::new("muon", &[("polar", polar.into())], vec![Array2::zeros((shape.1, shape.0))]);
            turned.step(0.5, &[g.t().as_standard_layout().into_owned()]);
            let other = (shape.1 as f64 / shape.0 as f64).max(1.0).sqrt();
            let off = &turned.weights[0].t() / (-0.5 * other) - &o;
            assert!(off.iter().all(|x| x.abs() < 1e-12), "{polar} {shape:?}");
        }
    }
}
