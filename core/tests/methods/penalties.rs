//! Penalties: gradients against central differences, invariances, and values worked out by hand.

use super::trial;
use ndarray::{Array1, Array2, array};
use ndarray_linalg::{JobSvd, QR, SVDDC};
use sweep_core::error::{Error, Result};
use sweep_core::penalty::{KNOWN, Penalty};
use sweep_core::registry;
use sweep_core::seed::Stream;
use sweep_core::value::Value;

/// The axes worth varying, each with other values than its default.
fn variations() -> Vec<(&'static str, Vec<Value>)> {
    vec![
        ("schatten_p", [1.0 / 3.0, 2.0 / 3.0, 1.0].map(Value::Float).to_vec()),
        ("smoothing", [1e-6, 0.1].map(Value::Float).to_vec()),
        ("relative_smoothing", [1e-9, 0.1].map(Value::Float).to_vec()),
        ("truncation", [0, 2, 3].map(Value::Int).to_vec()),
    ]
}

fn build(name: &str, given: &[(&str, Value)]) -> Penalty {
    let entry = registry::find("penalty", KNOWN, name).unwrap();
    let mut all = vec![("penalty", Value::from(name))];
    if entry.axes.iter().any(|axis| axis.name == "lambda") {
        all.push(("lambda", Value::Float(1.0)));
    }
    all.extend_from_slice(given);
    (entry.build)(&trial(&all))
}

/// Every known penalty but `none`, with its defaults and with each axis varied: a label, its name, and how many
/// leading singular values it treats apart (there it has a kink where σ_k = σ_{k+1}).
fn penalties() -> Vec<(String, &'static str, Option<usize>, Penalty)> {
    let mut all = Vec::new();
    for entry in KNOWN.iter().filter(|entry| entry.name != "none") {
        let mut settings: Vec<Vec<(&str, Value)>> = vec![vec![]];
        for (axis, values) in variations() {
            if entry.axes.iter().any(|a| a.name == axis) {
                settings.extend(values.into_iter().map(|value| vec![(axis, value)]));
            }
        }
        for given in settings {
            let apart = match entry.name {
                "stable_rank" | "nuclear_over_spectral" => Some(1),
                "truncated_nuclear" => match given.first() {
                    Some((_, Value::Int(k))) => Some(*k as usize),
                    _ => Some(1),
                },
                _ => None,
            };
            let label = given.iter().map(|(axis, value)| format!(" {axis}={value}")).collect::<String>();
            all.push((format!("{}{label}", entry.name), entry.name, apart, build(entry.name, &given)));
        }
    }
    all
}

struct Thin {
    u: Array2<f64>,
    s: Array1<f64>,
    vt: Array2<f64>,
}

fn svd(w: &Array2<f64>) -> Thin {
    let (u, s, vt) = w.svddc(JobSvd::Some).unwrap();
    Thin { u: u.unwrap(), s, vt: vt.unwrap() }
}

/// P(W) and ∇P(W), assembled as the traits say.
fn evaluate(penalty: &Penalty, w: &Array2<f64>) -> Result<(f64, Array2<f64>)> {
    match penalty {
        Penalty::None => Ok((0.0, Array2::zeros(w.dim()))),
        Penalty::Entrywise(p) => {
            let mut gradient = Array2::zeros(w.dim());
            let value = p.add(w.as_slice().unwrap(), 1.0, gradient.as_slice_mut().unwrap())?;
            Ok((value, gradient))
        }
        Penalty::Norms(p) => {
            let Thin { u, s, vt } = svd(w);
            let (value, a, b) = p.value(s.sum(), s.dot(&s).sqrt())?;
            let polar = if s[0] == 0.0 { Array2::zeros(w.dim()) } else { u.dot(&vt) };
            Ok((value, a * polar + b * w))
        }
        Penalty::Spectral(p) => {
            let Thin { u, s, vt } = svd(w);
            let mut derivative = Array1::zeros(s.len());
            let value = p.value(s.as_slice().unwrap(), derivative.as_slice_mut().unwrap())?;
            Ok((value, (u * &derivative).dot(&vt)))
        }
    }
}

fn norm(w: &Array2<f64>) -> f64 {
    w.iter().map(|x| x * x).sum::<f64>().sqrt()
}

fn normal(stream: &mut Stream, (rows, columns): (usize, usize)) -> Array2<f64> {
    Array2::from_shape_simple_fn((rows, columns), || stream.normal())
}

fn orthogonal(stream: &mut Stream, n: usize) -> Array2<f64> {
    normal(stream, (n, n)).qr().unwrap().0
}

const SHAPES: [(usize, usize); 4] = [(4, 4), (6, 3), (3, 7), (9, 9)];

/// Random inputs away from every kink: σ_min ≥ 1e-2, all |w_ij| ≥ 1e-3, and σ_k − σ_{k+1} ≥ 1e-2 where a penalty
/// treats the first k apart. Half of them with a smallest singular value just above the bound.
fn inputs(apart: Option<usize>) -> Vec<Array2<f64>> {
    let mut stream = Stream::new("test/penalties", 0);
    let mut found = Vec::new();
    for shape in SHAPES {
        for smallest in [None, Some(0.0105)] {
            let mut here = 0;
            while here < 2 {
                let mut w = normal(&mut stream, shape);
                if let Some(smallest) = smallest {
                    let Thin { u, mut s, vt } = svd(&w);
                    s[shape.0.min(shape.1) - 1] = smallest;
                    w = (u * &s).dot(&vt).as_standard_layout().into_owned();
                }
                let s = svd(&w).s;
                let gap = |k: usize| k == 0 || k >= s.len() || s[k - 1] - s[k] >= 1e-2;
                if s[s.len() - 1] >= 1e-2 && w.iter().all(|x| x.abs() >= 1e-3) && apart.is_none_or(gap) {
                    found.push(w);
                    here += 1;
                }
            }
        }
    }
    found
}

#[test]
fn every_gradient_matches_central_differences() {
    const H: f64 = 1e-5;
    for (label, _, apart, penalty) in penalties() {
        for mut w in inputs(apart) {
            let (_, analytic) = evaluate(&penalty, &w).unwrap();
            let mut off = 0.0;
            for i in 0..w.nrows() {
                for j in 0..w.ncols() {
                    let here = w[[i, j]];
                    let mut at = |x: f64| {
                        w[[i, j]] = x;
                        evaluate(&penalty, &w).unwrap().0
                    };
                    let central = (at(here + H) - at(here - H)) / (2.0 * H);
                    w[[i, j]] = here;
                    off += (central - analytic[[i, j]]).powi(2);
                }
            }
            let (off, size) = (off.sqrt(), norm(&analytic));
            assert!(off <= 1e-6 * size, "{label} {:?}: {off:e} against {size:e}", w.dim());
        }
    }
}

#[test]
fn gradients_are_added_with_their_weight() {
    let w = array![[1.0, -2.0], [0.5, 3.0]];
    for (label, _, _, penalty) in penalties() {
        let Penalty::Entrywise(p) = &penalty else { continue };
        let (value, gradient) = evaluate(&penalty, &w).unwrap();
        let mut sum = Array2::from_elem((2, 2), 10.0);
        assert_eq!(p.add(w.as_slice().unwrap(), 0.25, sum.as_slice_mut().unwrap()).unwrap(), value, "{label}");
        assert!(norm(&(sum - 10.0 - 0.25 * gradient)) < 1e-14, "{label}");
    }
}

#[test]
fn spectral_penalties_are_orthogonally_invariant_and_entrywise_ones_are_not() {
    let mut stream = Stream::new("test/penalties/orthogonal", 0);
    for shape in SHAPES {
        let (q, z) = (orthogonal(&mut stream, shape.0), orthogonal(&mut stream, shape.1));
        let turn = |w: &Array2<f64>| q.dot(w).dot(&z).as_standard_layout().into_owned();
        let w = normal(&mut stream, shape);
        for (label, name, _, penalty) in penalties() {
            let (value, gradient) = evaluate(&penalty, &w).unwrap();
            let (turned, turned_gradient) = evaluate(&penalty, &turn(&w)).unwrap();
            let kept = (turned - value).abs() <= 1e-12 * value.abs();
            if ["l1", "l1_over_l2"].contains(&name) {
                assert!(!kept, "{label}");
            } else {
                assert!(kept, "{label} {shape:?}: {value} → {turned}");
                // The singular vectors of a gap of 0.01 are good to 1e-14/0.01.
                assert!(norm(&(turned_gradient - turn(&gradient))) <= 1e-10 * norm(&gradient), "{label} {shape:?}");
            }
        }
    }
}

#[test]
fn every_degree_is_kept_and_the_rest_have_none() {
    let mut stream = Stream::new("test/penalties/scale", 0);
    for shape in SHAPES {
        let w = normal(&mut stream, shape);
        for (label, name, _, penalty) in penalties() {
            let (value, gradient) = evaluate(&penalty, &w).unwrap();
            let at = |c: f64| evaluate(&penalty, &(c * &w)).unwrap();
            match penalty.degree() {
                Some(d) => {
                    for c in [-1.0f64, 0.3, -7.0, 1e-6, 1e6] {
                        let factor = c.abs().powf(d);
                        let (scaled, scaled_gradient) = at(c);
                        // P(cW) = |c|^d P(W), and ∇P(cW) = |c|^d/c ∇P(W).
                        assert!((scaled - factor * value).abs() <= 1e-12 * factor * value, "{label} at {c}");
                        let off = norm(&(scaled_gradient - factor / c * &gradient));
                        assert!(off <= 1e-10 * factor / c.abs() * norm(&gradient), "{label} at {c}: {off}");
                    }
                    // Euler: ⟨∇P, W⟩ = d·P.
                    let radial = (&gradient * &w).sum();
                    assert!((radial - d * value).abs() <= 1e-12 * value, "{label}: {radial}");
                }
                // Were there a degree, both quotients would be 10^d; the smoothing shows at the small scale.
                None => {
                    let (large, small) = (at(1.0).0 / at(0.1).0, at(1e-6).0 / at(1e-7).0);
                    assert!((large - small).abs() > 1e-3, "{label}: {large} and {small}");
                }
            }
            let doc = registry::find("penalty", KNOWN, name).unwrap().doc;
            assert_eq!(doc.contains("scale-free"), penalty.degree() == Some(0.0), "doc of {label}");
        }
    }
}

#[test]
fn the_ratio_is_scale_free_and_its_gradient_orthogonal_to_w() {
    let ratio = build("ratio", &[]);
    for w in inputs(None) {
        let (value, gradient) = evaluate(&ratio, &w).unwrap();
        assert!((&gradient * &w).sum().abs() <= 1e-12);
        let rank = w.nrows().min(w.ncols()) as f64;
        assert!(value >= 1.0 && value <= rank.sqrt());
        for c in [-3.0, 0.01, 250.0] {
            let (scaled, scaled_gradient) = evaluate(&ratio, &(c * &w)).unwrap();
            assert!((scaled - value).abs() <= 1e-13 * value);
            assert!(norm(&(scaled_gradient * c - &gradient)) <= 1e-11 * norm(&gradient));
        }
    }
}

#[test]
fn at_zero_exactly_the_scale_free_penalties_are_undefined() {
    for shape in [(3, 3), (2, 4)] {
        for (label, _, _, penalty) in penalties() {
            let result = evaluate(&penalty, &Array2::zeros(shape));
            if penalty.degree() == Some(0.0) {
                assert_eq!(result, Err(Error::ZeroMatrix), "{label}");
            } else {
                let (value, gradient) = result.unwrap();
                assert!(value.is_finite() && gradient.iter().all(|&g| g == 0.0), "{label}: {value} {gradient}");
            }
        }
    }
}

#[test]
fn gradients_at_low_rank_are_finite() {
    // Rank 1 with exact zeros in W, and equal largest singular values.
    for w in
        [array![[2.0, 0.0, 0.0], [0.0, 0.0, 0.0]], array![[1.0, 0.0], [0.0, 1.0]], array![[5.0, 0.0], [0.0, 1e-14]]]
    {
        for (label, _, _, penalty) in penalties() {
            let (value, gradient) = evaluate(&penalty, &w).unwrap();
            assert!(value.is_finite() && gradient.iter().all(|g| g.is_finite()), "{label}: {gradient}");
            if let Some(d) = penalty.degree() {
                assert!(((&gradient * &w).sum() - d * value).abs() < 1e-12, "{label}");
            }
        }
    }
}

#[test]
fn unresolved_directions_have_no_kink_derivative() {
    for name in ["nuclear_over_spectral", "effective_rank", "truncated_nuclear"] {
        let Penalty::Spectral(p) = build(name, &[]) else { panic!("{name} is spectral") };
        let mut derivative = [f64::NAN; 4];
        p.value(&[3.0, 1e-6, 1e-13, 0.0], &mut derivative).unwrap();
        assert!(derivative[1] > 0.0, "{name}: {derivative:?}");
        assert_eq!(derivative[2..], [0.0, 0.0], "{name}");
    }
}

#[test]
fn every_formula_has_its_value_worked_out_by_hand() {
    // Singular values 4 and 3 (columns orthogonal, of these lengths), ‖W‖_F = 5; entries ±2.4, 3.2, 1.8.
    let full = array![[2.4, -2.4], [3.2, 1.8]];
    // Singular values 4 and 0; ‖W‖_F = 4.
    let single = array![[2.4, 0.0], [3.2, 0.0]];
    for entry in KNOWN {
        let (given, w, expected): (&[(&str, Value)], _, f64) = match entry.name {
            "none" => (&[], &full, 0.0),
            // 4 + 3
            "nuclear" => (&[], &full, 7.0),
            // √(16 + 9)
            "frobenius" => (&[], &full, 5.0),
            // 16 + 9
            "frobenius_squared" => (&[], &full, 25.0),
            // 7/5
            "ratio" => (&[], &full, 1.4),
            // 49/25
            "ratio_squared" => (&[], &full, 1.96),
            // 7 − 5
            "nuclear_minus_frobenius" => (&[], &full, 2.0),
            // p = ½, δ = 3: (16 + 9)^¼ + 9^¼ = √5 + √3
            "schatten" => (&[("smoothing", Value::Float(3.0))], &single, 5f64.sqrt() + 3f64.sqrt()),
            // p = ½, x = (1, 0), ε = ¾: (1 + 9/16)^¼ = √(5/4), (9/16)^¼ = √(3/4);
            // (√(5/4) + √(3/4))² = 2 + 2√(15/16) = 2 + √15/2
            "schatten_ratio" => (&[("relative_smoothing", Value::Float(0.75))], &single, 2.0 + 15f64.sqrt() / 2.0),
            // 25/16
            "stable_rank" => (&[], &full, 1.5625),
            // 7/4
            "nuclear_over_spectral" => (&[], &full, 1.75),
            // δ = 1: ln(1 + 16) + ln(1 + 9) = ln 170
            "log_det" => (&[("smoothing", Value::Float(1.0))], &full, 170f64.ln()),
            // p = (4/7, 3/7): H = ln 7 − (4 ln 4 + 3 ln 3)/7, exp H = 7/(4^(4/7)·3^(3/7)) = 7/(256·27)^(1/7)
            "effective_rank" => (&[], &full, 7.0 / 6912f64.powf(1.0 / 7.0)),
            // without the largest: 3
            "truncated_nuclear" => (&[], &full, 3.0),
            // 2.4 + 2.4 + 3.2 + 1.8
            "l1" => (&[], &full, 9.8),
            // 9.8/5
            "l1_over_l2" => (&[], &full, 1.96),
            other => panic!("penalty \"{other}\" has no hand-worked value in this test"),
        };
        let (value, _) = evaluate(&build(entry.name, given), w).unwrap();
        assert!((value - expected).abs() <= 1e-14 * expected.max(1.0), "{}: {value}, not {expected}", entry.name);
    }
}

#[test]
fn limits_join_the_families() {
    let w = normal(&mut Stream::new("test/penalties/limits", 0), (5, 4));
    let value = |name: &str, given: &[(&str, Value)]| evaluate(&build(name, given), &w).unwrap().0;
    let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-9 * b, "{a} {b}");
    let one = ("schatten_p", Value::Float(1.0));
    near(value("schatten", &[one.clone(), ("smoothing", 1e-9.into())]), value("nuclear", &[]));
    near(value("schatten_ratio", &[one, ("relative_smoothing", 1e-9.into())]), value("ratio", &[]));
    near(value("truncated_nuclear", &[("truncation", 0.into())]), value("nuclear", &[]));
    near(value("truncated_nuclear", &[("truncation", 4.into())]) + 1.0, 1.0);
    near(value("ratio_squared", &[]), value("ratio", &[]).powi(2));
    near(value("stable_rank", &[]).sqrt() * value("ratio", &[]), value("nuclear_over_spectral", &[]));
}
