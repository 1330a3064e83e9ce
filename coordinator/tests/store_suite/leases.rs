//! Who holds a cell, and what becomes of what is delivered.

use crate::support::{Kind, Scene, cell, coordinates, diverged, outcome, point, replicate};
use crate::{count, rows, text};
use std::ops::Range;
use sweep_coordinator::store::{
    CellState, Counts, Datum, Ending, Error, Finished, Lease, Recorded, Stage, Store, Worker,
};
use sweep_core::outcome::{Outcome, TEST_REL};
use sweep_core::value::Value;

on_both! {
    a_recorded_outcome_reads_back_bit_for_bit
    what_is_not_finite_becomes_null
    a_cell_is_leased_to_one_and_its_fence_rises
    a_late_result_is_kept_compared_and_changes_nothing
    a_duplicate_delivery_is_recorded_once
    a_batch_is_recorded_whole_or_not_at_all
    only_the_current_fence_ends_an_attempt
    orphans_of_a_dead_process_are_found_and_come_back
    cursors_are_rebuilt_from_what_was_touched
    coordinates_of_a_wrong_type_lease_nothing
    two_hundred_cells_in_one_call
}

async fn a_recorded_outcome_reads_back_bit_for_bit(scene: Scene) {
    let sweep = scene.sweep("s").await;
    let mut whole = outcome(0.1 + 0.2, 1e-308);
    // Points apart from the trajectory's ends, a scalar without meaning, the smallest and largest numbers.
    whole.oracle = None;
    whole.trajectory.insert(1, point(7, -f64::MAX));
    whole.trajectory[0].values[TEST_REL] = None;
    whole.validated = Some(whole.trajectory[1].clone());
    whole.matrices.push(sweep_core::outcome::Matrix {
        step: 1000,
        layer: 2,
        rows: 2,
        columns: 2,
        values: vec![f64::MIN_POSITIVE, -0.0, f64::INFINITY, 1.0 / 3.0],
    });
    let id = scene.done(&sweep, cell(3, &[]), &whole).await;
    let stored = scene.store.outcome(id).await.unwrap().unwrap();
    assert_eq!(stored.outcome, whole);
    assert_eq!((stored.sweep, stored.cell, stored.recorded_at_ms), (sweep.clone(), 3, 200));
    assert_eq!(stored.trial_digest, cell(3, &[]).trial_digest);
    assert_eq!(stored.provenance, crate::support::provenance());
    assert_eq!(scene.store.outcome(id + 1).await.unwrap(), None);

    let read = scene.store.cell(&sweep, 3).await.unwrap().unwrap();
    assert_eq!(read.coordinates, coordinates(&[]));
    assert_eq!((read.state, read.outcome, read.linked), (CellState::Done, Some(id), false));
    let [attempt] = &read.attempts[..] else { panic!("{:?}", read.attempts) };
    assert_eq!(
        (attempt.worker.as_deref(), attempt.leased_at_ms, attempt.ended_at_ms, attempt.ending),
        (Some("w"), 100, Some(200), Some(Ending::Recorded))
    );
    assert_eq!(scene.store.cell(&sweep, 4).await.unwrap(), None);

    // A run whose ends are not in its trajectory loses nothing: they join it.
    let bare = Outcome { trajectory: Vec::new(), ..whole.clone() };
    let id = scene.done(&sweep, cell(4, &[]), &bare).await;
    let stored = scene.store.outcome(id).await.unwrap().unwrap().outcome;
    assert_eq!((&stored.last, &stored.validated), (&bare.last, &bare.validated));
    assert_eq!(stored.trajectory.iter().map(|p| p.step).collect::<Vec<_>>(), [7, 1000]);
}

async fn what_is_not_finite_becomes_null(scene: Scene) {
    let sweep = scene.sweep("s").await;
    let mut o = diverged(0.5);
    o.wall_seconds = f64::NAN;
    o.last.values[TEST_REL] = Some(f64::INFINITY);
    o.trajectory[1].values[TEST_REL] = Some(f64::NAN);
    o.trajectory[1].singular_values = vec![f64::NAN, 1.0];
    scene.done(&sweep, cell(0, &[]), &o).await;
    assert_eq!(
        rows(&scene.store, "SELECT status, test_rel, wall_seconds FROM results").await,
        [[text("diverged"), Datum::Null, Datum::Null]]
    );
    assert_eq!(
        rows(&scene.store, "SELECT test_rel, singular_values FROM trajectory WHERE step = 1000").await,
        [[Datum::Null, text("[null,1.0]")]]
    );
}

async fn a_cell_is_leased_to_one_and_its_fence_rises(scene: Scene) {
    let sweep = scene.sweep("s").await;
    let first = scene.lease(&sweep, cell(5, &[])).await;
    // The taken cell is refused, the free one beside it is not.
    let both = scene.store.lease(&sweep, &[cell(5, &[]), cell(6, &[])], "w", 101).await.unwrap();
    assert_eq!(both[0], None);
    assert_eq!(both[1].as_ref().map(|lease| lease.cell), Some(6));

    assert!(scene.store.end_attempt(&first, Ending::Returned, None, CellState::Ready, 102).await.unwrap());
    let second = scene.lease(&sweep, cell(5, &[])).await;
    assert!(second.fence > first.fence);
    scene.record(&second, &outcome(0.1, 0.1)).await;
    assert_eq!(scene.store.lease(&sweep, &[cell(5, &[])], "w", 103).await.unwrap(), [None], "a done cell is final");
    let attempts = scene.store.cell(&sweep, 5).await.unwrap().unwrap().attempts;
    assert_eq!(
        attempts.iter().map(|a| (a.fence, a.ending)).collect::<Vec<_>>(),
        [(first.fence, Some(Ending::Returned)), (second.fence, Some(Ending::Recorded))]
    );
}

async fn a_late_result_is_kept_compared_and_changes_nothing(scene: Scene) {
    let sweep = scene.sweep("s").await;
    let old = scene.lease(&sweep, cell(0, &[])).await;
    scene.store.end_attempt(&old, Ending::Suspected, None, CellState::Ready, 110).await.unwrap();
    assert_eq!(scene.record(&old, &outcome(0.5, 0.5)).await, Recorded::Late { differs: None });

    let new = scene.lease(&sweep, cell(0, &[])).await;
    let accepted = scene.record(&new, &outcome(0.5, 0.5)).await;
    let Recorded::Accepted(id) = accepted else { panic!("{accepted:?}") };
    // The same numbers in another time are the same result.
    let slower = Outcome { wall_seconds: 99.0, ..outcome(0.5, 0.5) };
    assert_eq!(scene.record(&old, &slower).await, Recorded::Late { differs: Some(false) });
    assert_eq!(scene.record(&old, &outcome(0.6, 0.5)).await, Recorded::Late { differs: Some(true) });

    let read = scene.store.cell(&sweep, 0).await.unwrap().unwrap();
    assert_eq!((read.state, read.outcome, read.fence), (CellState::Done, Some(id), new.fence));
    assert_eq!(scene.store.outcome(id).await.unwrap().unwrap().outcome, outcome(0.5, 0.5));
    assert_eq!(count(&scene.store, "SELECT COUNT(*) FROM outcomes").await, 1);
    let late = &read.attempts[0];
    assert_eq!((late.ending, late.ended_at_ms), (Some(Ending::Late), Some(110)));
    assert!(late.error.as_deref().unwrap().contains("differ"), "{late:?}");

    let stranger = Lease { fence: 77, ..new };
    assert_eq!(scene.record(&stranger, &outcome(0.5, 0.5)).await, Recorded::Unknown);
}

async fn a_duplicate_delivery_is_recorded_once(scene: Scene) {
    let sweep = scene.sweep("s").await;
    let lease = scene.lease(&sweep, cell(0, &[])).await;
    let o = outcome(0.5, 0.5);
    let finished = Finished { lease: &lease, outcome: &o, provenance: &scene.provenance };
    // Twice in one batch, and once more.
    let answers = scene.store.record(&[finished, finished], 200).await.unwrap();
    assert!(matches!(answers[..], [Recorded::Accepted(_), Recorded::Again]), "{answers:?}");
    assert_eq!(scene.record(&lease, &o).await, Recorded::Again);
    assert_eq!(count(&scene.store, "SELECT COUNT(*) FROM outcomes").await, 1);
    assert_eq!(count(&scene.store, "SELECT COUNT(*) FROM points").await, 2);
}

async fn a_batch_is_recorded_whole_or_not_at_all(scene: Scene) {
    let sweep = scene.sweep("s").await;
    let (a, b) = (scene.lease(&sweep, cell(0, &[])).await, scene.lease(&sweep, cell(1, &[])).await);
    let o = outcome(0.5, 0.5);
    let good = Finished { lease: &a, outcome: &o, provenance: &scene.provenance };
    let bad = Finished { lease: &b, outcome: &o, provenance: "nobody" };
    scene.store.record(&[good, bad], 200).await.unwrap_err();
    assert_eq!(count(&scene.store, "SELECT COUNT(*) FROM outcomes").await, 0);
    assert_eq!(scene.store.counts(&sweep).await.unwrap(), Counts { leased: 2, ..Counts::default() });
    assert!(matches!(scene.record(&a, &o).await, Recorded::Accepted(_)), "the store goes on");
}

async fn only_the_current_fence_ends_an_attempt(scene: Scene) {
    let sweep = scene.sweep("s").await;
    let old = scene.lease(&sweep, cell(0, &[])).await;
    assert!(scene.store.end_attempt(&old, Ending::Failed, Some("panic: x"), CellState::Ready, 110).await.unwrap());
    let new = scene.lease(&sweep, cell(0, &[])).await;
    assert!(!scene.store.end_attempt(&old, Ending::Failed, Some("again"), CellState::Failed, 111).await.unwrap());
    assert_eq!(scene.store.counts(&sweep).await.unwrap(), Counts { leased: 1, ..Counts::default() });

    assert!(scene.store.end_attempt(&new, Ending::Suspected, None, CellState::Ready, 112).await.unwrap());
    let [back] = &scene.store.came_back(&sweep).await.unwrap()[..] else { panic!() };
    assert_eq!((back.cell, back.stage, back.failed, back.suspected), (0, Stage::Grid, 1, 1));

    let last = scene.lease(&sweep, cell(0, &[])).await;
    scene.store.end_attempt(&last, Ending::Failed, Some("panic: x"), CellState::Quarantined, 113).await.unwrap();
    assert_eq!(scene.store.counts(&sweep).await.unwrap(), Counts { quarantined: 1, ..Counts::default() });
    assert_eq!(scene.store.came_back(&sweep).await.unwrap(), []);
    let attempts = scene.store.cell(&sweep, 0).await.unwrap().unwrap().attempts;
    assert_eq!(attempts[0].error.as_deref(), Some("panic: x"));
    // A cell cannot be called done without an outcome.
    let other = scene.lease(&sweep, cell(1, &[])).await;
    scene.store.end_attempt(&other, Ending::Recorded, None, CellState::Done, 114).await.unwrap_err();
}

async fn orphans_of_a_dead_process_are_found_and_come_back(scene: Scene) {
    let (a, b) = (scene.sweep("a").await, scene.sweep("b").await);
    let leases =
        [scene.lease(&a, cell(0, &[])).await, scene.lease(&a, cell(9, &[])).await, scene.lease(&b, cell(4, &[])).await];
    scene.done(&a, cell(1, &[("lr", Value::Float(0.5))]), &outcome(0.1, 0.1)).await;
    scene.store.clone().close().await;
    let location = scene.location.clone();
    let Scene { store, directory, .. } = scene;
    drop(store);

    let store = Store::open(&location, 300).await.unwrap();
    let found = store.outstanding().await.unwrap();
    let mut expected = leases.to_vec();
    expected.sort_by(|x, y| (&x.sweep, x.cell).cmp(&(&y.sweep, y.cell)));
    assert_eq!(found.iter().map(|o| o.lease.clone()).collect::<Vec<_>>(), expected);
    assert!(found.iter().all(|o| o.worker == "w" && o.leased_at_ms == 100 && o.suspected == 0));
    for orphan in &found {
        assert!(store.end_attempt(&orphan.lease, Ending::Suspected, None, CellState::Ready, 301).await.unwrap());
    }
    assert_eq!(store.outstanding().await.unwrap(), []);
    assert_eq!(store.counts(&a).await.unwrap(), Counts { ready: 2, done: 1, ..Counts::default() });
    assert_eq!(store.came_back(&b).await.unwrap()[0].suspected, 1);
    drop(directory);
}

async fn cursors_are_rebuilt_from_what_was_touched(scene: Scene) {
    let (a, b) = (scene.sweep("a").await, scene.sweep("b").await);
    for index in [0, 3, 10, 19] {
        scene.lease(&a, cell(index, &[("lr", Value::Float(1.0 + index as f64))])).await;
    }
    scene.lease(&b, cell(15, &[])).await;
    let ranges: [Range<u64>; 5] = [0..10, 10..19, 11..19, 19..20, 5..5];
    assert_eq!(scene.store.last_touched(&a, &ranges).await.unwrap(), [Some(3), Some(10), None, Some(19), None]);
}

async fn coordinates_of_a_wrong_type_lease_nothing(scene: Scene) {
    let sweep = scene.sweep("s").await;
    let cells = [cell(0, &[]), cell(1, &[("lr", Value::from("fast"))])];
    let refused = scene.store.lease(&sweep, &cells, "w", 100).await.unwrap_err();
    assert!(matches!(refused, Error::Coordinate { cell: 1, .. }), "{refused}");
    assert_eq!(scene.store.counts(&sweep).await.unwrap(), Counts::default());
    // Nor does a worker that nobody has seen.
    scene.store.lease(&sweep, &cells[..1], "stranger", 100).await.unwrap_err();
    assert_eq!(scene.store.counts(&sweep).await.unwrap(), Counts::default());
    let stranger = Worker { id: "stranger".to_owned(), provenance: scene.provenance.clone(), cores: 1, slots: 1 };
    scene.store.see_worker(&stranger, 90).await.unwrap();
    scene.store.see_worker(&stranger, 95).await.unwrap();
    assert!(scene.store.lease(&sweep, &cells[..1], "stranger", 100).await.unwrap()[0].is_some());
    assert_eq!(
        rows(&scene.store, "SELECT first_seen_at_ms, last_seen_at_ms FROM workers WHERE id = 'stranger'").await,
        [[Datum::Int(90), Datum::Int(95)]]
    );
}

/// 137 = 2·64 + 8 + 1: every size of a statement that inserts many rows.
async fn two_hundred_cells_in_one_call(scene: Scene) {
    let sweep = scene.sweep("s").await;
    let cells: Vec<_> = (0..137).map(|i| cell(i, &replicate(i as i64))).collect();
    let leases = scene.store.lease(&sweep, &cells, "w", 100).await.unwrap();
    assert!(leases.iter().enumerate().all(|(i, lease)| lease.as_ref().is_some_and(|l| l.cell == i as u64)));
    let outcomes: Vec<Outcome> = (0..137).map(|i| outcome(f64::from(i) + 0.5, 1.0)).collect();
    let finished: Vec<Finished> = leases
        .iter()
        .flatten()
        .zip(&outcomes)
        .map(|(lease, outcome)| Finished { lease, outcome, provenance: &scene.provenance })
        .collect();
    let answers = scene.store.record(&finished, 200).await.unwrap();
    assert!(answers.iter().all(|answer| matches!(answer, Recorded::Accepted(_))));
    assert_eq!(count(&scene.store, "SELECT COUNT(*) FROM results WHERE test_rel = cell + 0.5").await, 137);
    assert_eq!(count(&scene.store, "SELECT COUNT(*) FROM points").await, 274);
}
