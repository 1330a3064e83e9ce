//! Schedules: the learning rates they give, worked out by hand.

use super::trial;
use sweep_core::registry;
use sweep_core::schedule::KNOWN;
use sweep_core::value::Value;

/// The factors of steps 1 … T on these objectives.
fn factors(name: &str, given: &[(&str, Value)], objectives: &[f64]) -> Vec<f64> {
    let given = [&[("schedule", name.into())], given].concat();
    let schedule = (registry::find("schedule", KNOWN, name).unwrap().build)(&trial(&given));
    let mut scalars = vec![0.0; schedule.scalars()];
    let total = objectives.len() as u64;
    (1..).zip(objectives).map(|(t, &objective)| schedule.factor(t, total, objective, &mut scalars)).collect()
}

fn close(actual: &[f64], expected: &[f64]) {
    assert_eq!(actual.len(), expected.len());
    for (a, e) in actual.iter().zip(expected) {
        // Rounding of a few operations.
        assert!((a - e).abs() <= 1e-14 * e.abs() + 1e-16, "{actual:?} is not {expected:?}");
    }
}

#[test]
fn every_schedule_gives_its_formula() {
    for entry in KNOWN {
        match entry.name {
            "constant" => close(&factors("constant", &[], &[5.0; 3]), &[1.0, 1.0, 1.0]),
            // (1 + cos(π(t−1)/4))/2 at t = 1 … 4: cosines 1, √½, 0, −√½.
            "cosine" => {
                let r = 0.5f64.sqrt();
                close(&factors("cosine", &[], &[5.0; 4]), &[1.0, (1.0 + r) / 2.0, 0.5, (1.0 - r) / 2.0]);
                // Half way from there to 1; and 1 throughout.
                let half = [1.0, (3.0 + r) / 4.0, 0.75, (3.0 - r) / 4.0];
                close(&factors("cosine", &[("floor", 0.5.into())], &[5.0; 4]), &half);
                close(&factors("cosine", &[("floor", 1.0.into())], &[5.0; 3]), &[1.0; 3]);
            }
            // ½^(t−1)
            "exponential" => {
                close(&factors("exponential", &[("decay", 0.5.into())], &[5.0; 4]), &[1.0, 0.5, 0.25, 0.125]);
            }
            // ⌊(t−1)/2⌋ = 0, 0, 1, 1, 2
            "step" => close(
                &factors("step", &[("step_every", 2.into()), ("step_factor", 0.1.into())], &[5.0; 5]),
                &[1.0, 1.0, 0.1, 0.1, 0.01],
            ),
            "plateau" => {} // below
            other => panic!("schedule \"{other}\" has no values in this test"),
        }
    }
}

#[test]
fn plateau_drops_after_patience_and_one_step_without_gain() {
    let given = [("patience", 1.into()), ("plateau_factor", 0.5.into()), ("plateau_threshold", 0.1.into())];
    // t:         1     2    3     4    5    6    7
    // objective: 10    8    7.5   8    7    9    9
    // 8 < 9 is a gain (best 8). 7.5 is not below 7.2: one step without; 8: two, more than the patience: drop, and
    // the count starts again. 7 < 7.2 is a gain (best 7). 9: one without; 9: two: drop.
    close(&factors("plateau", &given, &[10.0, 8.0, 7.5, 8.0, 7.0, 9.0, 9.0]), &[1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.25]);
}

#[test]
fn warmup_multiplies_every_schedule() {
    for entry in KNOWN {
        let objectives = [10.0, 9.0, 8.0, 7.0, 6.0, 5.0];
        let plain = factors(entry.name, &[], &objectives);
        let warm = factors(entry.name, &[("warmup", 4.into())], &objectives);
        let ramp = [0.25, 0.5, 0.75, 1.0, 1.0, 1.0];
        close(&warm, &plain.iter().zip(ramp).map(|(p, r)| p * r).collect::<Vec<_>>());
    }
}
