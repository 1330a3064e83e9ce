//! Same trial, same binary, one BLAS thread: the same bits, however often the run is interrupted.

use sweep_core::outcome::{COLUMNS, Outcome, Point};
use sweep_core::train::{self, Control, Ended, Monitor};
use sweep_core::trial::Trial;
use sweep_core::value::Value;
use sweep_core::{optimizer, penalty, schedule};
use sweep_tests::{Instances, outcome, synthetic, trial};

/// Hands the run back at every `every`-th step.
struct Interrupting {
    every: u64,
}

impl Monitor for Interrupting {
    fn seconds(&self) -> (f64, f64) {
        (0.0, 0.0)
    }
    fn control(&mut self, step: u64) -> Control {
        if step.is_multiple_of(self.every) { Control::HandBack } else { Control::Continue }
    }
    fn checkpoint(&mut self, _: u64, _: Vec<u8>) {}
}

fn interrupted(instances: &Instances, trial: &Trial, every: u64) -> (Outcome, u32) {
    let (mut state, mut interruptions) = (None::<Vec<u8>>, 0);
    loop {
        match train::run(trial, instances, state.as_deref(), &mut Interrupting { every }).unwrap() {
            Ended::Outcome(outcome) => return (*outcome, interruptions),
            Ended::HandedBack(bytes) => (state, interruptions) = (Some(bytes), interruptions + 1),
        }
    }
}

/// Every bit of an outcome but times.
fn bits(outcome: &Outcome) -> Vec<u64> {
    let point = |p: &Point| {
        let scalars = COLUMNS.iter().zip(&p.values).filter(|(c, _)| c.result).map(|(_, v)| v.map_or(0, f64::to_bits));
        let lists = p.singular_values.iter().chain(&p.layer_norms).map(|x| x.to_bits());
        std::iter::once(p.step).chain(scalars).chain(lists).collect::<Vec<_>>()
    };
    let points = outcome.trajectory.iter().chain([&outcome.last]).chain(&outcome.oracle).chain(&outcome.validated);
    let matrices = outcome.matrices.iter().flat_map(|m| m.values.iter().map(|x| x.to_bits()));
    points
        .flat_map(point)
        .chain(matrices)
        .chain([outcome.steps, outcome.status as u64, u64::from(outcome.inflated)])
        .collect()
}

/// Settings that a choice needs beside its name, within reach for every entry of the registries.
fn needed(axes: &[sweep_core::axis::Axis]) -> Vec<(&'static str, Value)> {
    axes.iter()
        .filter(|axis| axis.default.is_none())
        .map(|axis| (axis.name, if axis.name == "lr" { Value::Float(0.01) } else { Value::Float(0.02) }))
        .collect()
}

fn same_bits(instances: &Instances, what: &str, given: &[(&'static str, Value)]) {
    let common: Vec<(&str, Value)> = vec![
        ("steps", 60.into()),
        ("points", 12.into()),
        ("init_scale", 1.0.into()),
        ("matrices", "final".into()),
        ("validation", 0.1.into()),
    ];
    let common: Vec<_> = common.into_iter().filter(|(axis, _)| given.iter().all(|(other, _)| other != axis)).collect();
    let trial = trial(instances, &[&synthetic(12, 2, 80, 1), &common, given]);
    let straight = bits(&outcome(instances, &trial));
    assert_eq!(straight, bits(&outcome(instances, &trial)), "{what}: two runs differ");
    let (resumed, interruptions) = interrupted(instances, &trial, 7);
    assert_eq!(interruptions, 8, "{what}");
    assert_eq!(straight, bits(&resumed), "{what}: an interrupted run differs");
}

#[test]
fn an_interrupted_run_gives_the_same_bits_for_every_optimizer() {
    let instances = Instances::read();
    for entry in optimizer::KNOWN {
        for depth in [1, 3] {
            let mut given = vec![
                ("optimizer", entry.name.into()),
                ("depth", depth.into()),
                ("penalty", "ratio".into()),
                ("lambda", 0.01.into()),
            ];
            given.extend(needed(entry.axes));
            same_bits(&instances, entry.name, &given);
        }
    }
}

#[test]
fn an_interrupted_run_gives_the_same_bits_for_every_penalty_and_schedule() {
    let instances = Instances::read();
    let adam = [("optimizer", Value::from("adam")), ("lr", 0.01.into())];
    for entry in penalty::KNOWN {
        for on in ["end_to_end", "layers"] {
            let mut given = adam.to_vec();
            given.extend([("penalty", entry.name.into()), ("penalty_on", on.into()), ("depth", 2.into())]);
            given.extend(needed(entry.axes));
            same_bits(&instances, entry.name, &given);
        }
    }
    for entry in schedule::KNOWN {
        let mut given = adam.to_vec();
        given.push(("schedule", entry.name.into()));
        given.extend(needed(entry.axes));
        same_bits(&instances, entry.name, &given);
    }
}

/// Numbers of 32 bits, the other decompositions, and products of which few entries are made.
#[test]
fn an_interrupted_run_gives_the_same_bits_however_it_is_computed() {
    let instances = Instances::read();
    let few = [("n1", Value::from(40)), ("n2", 30.into()), ("samples", 60.into())];
    for dtype in ["f64", "f32"] {
        for (depth, optimizer) in [(1, "adam"), (2, "gd"), (3, "muon")] {
            let method = [
                ("dtype", dtype.into()),
                ("depth", depth.into()),
                ("optimizer", optimizer.into()),
                ("lr", 0.01.into()),
            ];
            for decomposition in ["poles", "mixed", "svd"] {
                for penalty in ["ratio", "schatten"] {
                    let mut given = method.to_vec();
                    given.extend([("decomposition", decomposition.into()), ("penalty", penalty.into())]);
                    given.push(("lambda", 0.02.into()));
                    same_bits(&instances, &format!("{dtype} {decomposition} {penalty}"), &given);
                }
            }
            same_bits(&instances, &format!("{dtype}, few entries"), &[&method[..], &few].concat());
            let probed = [("probe", Value::from("on")), ("loss", "mean_fourth".into())];
            same_bits(&instances, &format!("{dtype}, probed"), &[&method[..], &probed].concat());
            same_bits(&instances, &format!("{dtype}, few entries, probed"), &[&method[..], &few, &probed].concat());
        }
    }
}

#[test]
fn the_stop_rules_survive_an_interruption() {
    let instances = Instances::read();
    let given = [("optimizer", "gd".into()), ("lr", 10.0.into()), ("steps", 5_000.into()), ("converge", 1e-8.into())];
    let trial = trial(&instances, &[&synthetic(12, 2, 80, 1), &given]);
    let straight = outcome(&instances, &trial);
    assert_eq!(straight.status, sweep_core::outcome::Status::Converged);
    assert!(straight.steps < 5_000);
    assert_eq!(bits(&straight), bits(&interrupted(&instances, &trial, 30).0));
}

#[test]
fn a_checkpoint_of_another_trial_or_a_damaged_one_is_refused() {
    let instances = Instances::read();
    let of = |lr: f64| {
        trial(
            &instances,
            &[&synthetic(12, 2, 80, 1), &[("optimizer", "gd".into()), ("lr", lr.into()), ("steps", 60.into())]],
        )
    };
    let Ok(Ended::HandedBack(mut bytes)) = train::run(&of(1.0), &instances, None, &mut Interrupting { every: 7 })
    else {
        panic!("not handed back")
    };
    let refused = |trial: &Trial, bytes: &[u8]| {
        train::run(trial, &instances, Some(bytes), &mut Interrupting { every: 1000 }).unwrap_err().to_string()
    };
    assert!(refused(&of(2.0), &bytes).contains("of trial"));
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    assert!(refused(&of(1.0), &bytes).contains("check sum"));
    assert!(refused(&of(1.0), &bytes[..10]).contains("damaged"));
}

#[test]
fn divergence_is_a_result_with_the_last_finite_point() {
    let instances = Instances::read();
    let trial = trial(
        &instances,
        &[
            &synthetic(12, 2, 80, 1),
            &[("optimizer", "gd".into()), ("lr", 1e9.into()), ("steps", 500.into()), ("depth", 2.into())],
        ],
    );
    let outcome = outcome(&instances, &trial);
    assert_eq!(outcome.status, sweep_core::outcome::Status::Diverged);
    assert!(outcome.steps < 500 && outcome.last.values.iter().flatten().all(|x| x.is_finite()));
}
