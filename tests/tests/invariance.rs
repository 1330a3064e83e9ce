//! What must not move: unobserved entries, and anything at all by test data.
//!
//! A2: at depth 1 without a penalty no optimizer touches an unobserved entry, and gradient descent shrinks each observed
//! residual by exactly the factor of its equation.

use sweep_core::optimizer;
use sweep_core::outcome::{Matrix, Outcome, TEST_REL};
use sweep_core::problem::{self, Measurements};
use sweep_core::value::Value;
use sweep_tests::{Instances, instance, outcome, trial};

fn first_and_last(instances: &Instances, optimizer: &str, lr: f64, steps: i64) -> (Vec<Matrix>, problem::Data) {
    let given: Vec<(&str, Value)> = vec![
        ("optimizer", optimizer.into()),
        ("lr", lr.into()),
        ("steps", steps.into()),
        ("init_scale", 1.0.into()),
        ("points", 2.into()),
        ("matrices", "points".into()),
    ];
    let mut given = given;
    if optimizer == "adamw" {
        given.push(("weight_decay", 0.0.into()));
    }
    let trial = trial(instances, &[&instance("n50_r2_m500_s0"), &given]);
    (outcome(instances, &trial).matrices, problem::load(&trial, instances).unwrap())
}

#[test]
fn a2_unobserved_entries_keep_their_bits_under_every_optimizer_but_muon() {
    let instances = Instances::read();
    let mut seen = 0;
    for entry in optimizer::KNOWN.iter().filter(|entry| entry.name != "muon") {
        let (matrices, data) = first_and_last(&instances, entry.name, 0.01, 200);
        let Measurements::Entries(observed) = &data.train else { unreachable!("a completion problem") };
        let (first, last) = (&matrices[0].values, &matrices[1].values);
        for i in 0..first.len() {
            let is_observed = observed.index.binary_search(&(i as u32)).is_ok();
            if !is_observed {
                assert_eq!(first[i].to_bits(), last[i].to_bits(), "{}: entry {i}", entry.name);
            }
        }
        assert!(observed.index.iter().any(|&i| first[i as usize] != last[i as usize]), "{} moved nothing", entry.name);
        seen += 1;
    }
    assert!(seen >= 2);
}

#[test]
fn a2_gradient_descent_shrinks_residuals_by_its_equation() {
    let instances = Instances::read();
    for lr in [0.01, 1.0, 100.0] {
        let (matrices, data) = first_and_last(&instances, "gd", lr, 1_000);
        let Measurements::Entries(observed) = &data.train else { unreachable!("a completion problem") };
        let residual = |matrix: &Matrix| {
            observed.index.iter().zip(&observed.value).map(|(&i, y)| matrix.values[i as usize] - y).collect::<Vec<_>>()
        };
        let (first, last) = (residual(&matrices[0]), residual(&matrices[1]));
        let largest = first.iter().fold(0.0f64, |a, r| a.max(r.abs()));
        // Mean loss: each step multiplies a residual by 1 − 2η/m.
        let factor = (1.0 - 2.0 * lr / 500.0f64).powi(1_000);
        for (r, r0) in last.iter().zip(&first) {
            assert!((r - factor * r0).abs() <= 1e-10 * largest, "lr {lr}: {r} from {r0}");
        }
    }
}

#[test]
fn the_truth_moves_no_step_no_stop_and_no_selection() {
    let instances = Instances::read();
    for (schedule, penalty) in [("plateau", "ratio"), ("cosine", "none"), ("constant", "nuclear")] {
        let run = |truth: &str| {
            let mut given: Vec<(&str, Value)> = vec![
                ("problem", "csv".into()),
                ("observed", "n50_r2_m500_s0.obs.csv".into()),
                ("optimizer", "gd".into()),
                ("lr", 200.0.into()),
                ("schedule", schedule.into()),
                ("penalty", penalty.into()),
                ("init_scale", 1.0.into()),
                ("steps", 1_000.into()),
                ("tolerance", 1e-4.into()),
                ("validation", 0.1.into()),
                ("matrices", "points".into()),
                ("n1", 50.into()),
                ("n2", 50.into()),
            ];
            if penalty != "none" {
                given.push(("lambda", 1e-3.into()));
            }
            if !truth.is_empty() {
                given.push(("truth", truth.into()));
            }
            outcome(&instances, &trial(&instances, &[&given]))
        };
        let outcomes = ["n50_r2_m500_s0.gt.csv", "n50_r2_m500_s1.gt.csv", ""].map(run);
        let errors = outcomes.each_ref().map(|o| o.last.get(TEST_REL));
        assert!(errors[0] != errors[1] && errors[2].is_none(), "{errors:?}");
        let all = |o: &Outcome| {
            let validated = o.validated.as_ref().map(|point| point.step);
            (
                o.status as u64,
                o.steps,
                validated,
                o.matrices.iter().flat_map(|m| m.values.iter().map(|x| x.to_bits())).collect::<Vec<_>>(),
            )
        };
        assert!(outcomes[0].validated.is_some());
        assert!(
            all(&outcomes[0]) == all(&outcomes[1]) && all(&outcomes[0]) == all(&outcomes[2]),
            "{schedule} {penalty}"
        );
    }
}
