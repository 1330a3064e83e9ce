//! Every behaviour of the store, on both databases.

mod support;

use std::ops::Range;
use std::time::Duration;
use support::{Kind, Scene, cell, coordinates, diverged, outcome, point, replicate};
use sweep_coordinator::store::{
    CellState, Counts, Datum, Ending, Error, Finished, Lease, Limits, NewSweep, Recorded, Selection, Stage, Store,
    SweepState, Worker,
};
use sweep_core::outcome::{Outcome, Status, TEST_REL};
use sweep_core::trial::Inputs;
use sweep_core::value::Value;

/// Each behaviour becomes one test per database.
macro_rules! on_both {
    ($($name:ident)*) => {
        mod sqlite { $(#[tokio::test] async fn $name() { super::$name(super::Scene::new(super::Kind::Sqlite).await).await; })* }
        mod postgres { $(#[tokio::test] async fn $name() { super::$name(super::Scene::new(super::Kind::Postgres).await).await; })* }
    };
}

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
    a_known_trial_is_linked_unless_out_of_time
    an_outcome_belongs_to_one_cell_that_recorded_it
    removing_a_sweep_keeps_what_others_are_linked_to
    a_checkpoint_is_the_latest_and_goes_with_the_outcome
    a_failed_cell_keeps_no_checkpoint
    a_checkpoint_beyond_the_quota_is_refused_and_the_one_before_stays
    gc_removes_what_nothing_refers_to
    sweeps_are_found_by_id_name_tag_and_digest
    payloads_in_names_are_stored_as_they_are
    selections_are_replaced_and_read_back
    tuning_reads_its_scores
    medians_and_quartiles_by_hand
    extreme_numbers_do_not_spoil_a_view
    the_best_setting_is_chosen_by_validation_and_marked_at_an_edge
    paired_differences_by_hand
    a_baseline_is_paired_with_every_initialisation
    result_values_hold_numbers_only_in_a_fixed_order
    queries_are_answered_within_limits
    queries_cannot_write
    a_point_query_uses_an_index
    coordinates_of_a_wrong_type_lease_nothing
    two_hundred_cells_in_one_call
}

/// Rows of a query.
async fn rows(store: &Store, text: &str) -> Vec<Vec<Datum>> {
    store.query(text, &Limits::default()).await.unwrap_or_else(|e| panic!("{text}: {e}")).rows
}

async fn count(store: &Store, text: &str) -> i64 {
    match rows(store, text).await[..] {
        [ref row] => match row[..] {
            [Datum::Int(n)] => n,
            ref other => panic!("{text}: {other:?}"),
        },
        ref other => panic!("{text}: {other:?}"),
    }
}

fn text(value: &str) -> Datum {
    Datum::Text(value.to_owned())
}

fn close(value: &Datum, expected: f64) {
    let Datum::Float(x) = value else { panic!("{value:?} where {expected} is expected") };
    assert!((x - expected).abs() <= 1e-12 * expected.abs().max(1.0), "{x} is not {expected}");
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
    assert_eq!(stored.provenance, support::provenance());
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

async fn a_known_trial_is_linked_unless_out_of_time(scene: Scene) {
    let (a, b) = (scene.sweep("a").await, scene.sweep("b").await);
    let cut_short = Outcome { status: Status::OutOfTime, ..outcome(0.9, 0.9) };
    scene.done(&a, cell(0, &[]), &cut_short).await;
    assert_eq!(scene.store.outcome_for(&cell(0, &[]).trial_digest).await.unwrap(), None);
    assert_eq!(scene.store.link(&b, &[cell(7, &[])], 300).await.unwrap(), [false]);

    let known = [("lr", Value::Float(0.5))];
    let id = scene.done(&a, cell(1, &known), &outcome(0.1, 0.1)).await;
    assert_eq!(scene.store.outcome_for(&cell(1, &known).trial_digest).await.unwrap(), Some(id));
    let taken = scene.lease(&b, cell(8, &known)).await;
    let cells = [cell(7, &[]), cell(8, &known), cell(9, &known)];
    assert_eq!(scene.store.link(&b, &cells, 301).await.unwrap(), [false, false, true], "a leased cell is left alone");
    let read = scene.store.cell(&b, 9).await.unwrap().unwrap();
    assert_eq!((read.state, read.outcome, read.linked), (CellState::Done, Some(id), true));
    assert_eq!(
        (read.attempts[0].ending, read.attempts[0].worker.as_deref(), read.attempts[0].ended_at_ms),
        (Some(Ending::Linked), None, Some(301))
    );

    // A cell that came back is linked too, and its fence rises.
    scene.store.end_attempt(&taken, Ending::Returned, None, CellState::Ready, 302).await.unwrap();
    assert_eq!(scene.store.link(&b, &cells[1..2], 303).await.unwrap(), [true]);
    assert!(scene.store.cell(&b, 8).await.unwrap().unwrap().fence > taken.fence);
    assert_eq!(scene.store.counts(&b).await.unwrap(), Counts { done: 2, linked: 2, ..Counts::default() });
    let linked = "SELECT COUNT(*) FROM results WHERE sweep = 'b' AND linked = 1 AND test_rel = 0.1";
    assert_eq!(count(&scene.store, linked).await, 2);
}

async fn an_outcome_belongs_to_one_cell_that_recorded_it(scene: Scene) {
    let sweep = scene.sweep("s").await;
    let leases = scene.store.lease(&sweep, &[cell(0, &[]), cell(1, &[])], "w", 100).await.unwrap();
    let o = outcome(0.1, 0.1);
    let finished: Vec<Finished> =
        leases.iter().flatten().map(|lease| Finished { lease, outcome: &o, provenance: &scene.provenance }).collect();
    let answers = scene.store.record(&finished, 200).await.unwrap();
    let ids: Vec<i64> = answers
        .iter()
        .map(|answer| match answer {
            Recorded::Accepted(id) => *id,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_ne!(ids[0], ids[1]);
    let twice = "SELECT COUNT(*) FROM outcomes o
        WHERE 1 <> (SELECT COUNT(*) FROM cells c WHERE c.outcome_id = o.id AND c.linked = 0)";
    assert_eq!(count(&scene.store, twice).await, 0);
}

async fn removing_a_sweep_keeps_what_others_are_linked_to(scene: Scene) {
    let (a, b) = (scene.sweep("a").await, scene.sweep("b").await);
    let shared = scene.done(&a, cell(0, &[]), &outcome(0.1, 0.1)).await;
    let own = scene.done(&a, cell(1, &[("lr", Value::Float(0.5))]), &outcome(0.2, 0.2)).await;
    assert_eq!(scene.store.link(&b, &[cell(0, &[])], 300).await.unwrap(), [true]);
    scene.store.tag(&a, "old", true).await.unwrap();
    let going = scene.lease(&a, cell(2, &[])).await;
    scene.store.save_checkpoint(&going, 5, b"state", 250).await.unwrap();

    let gone = scene.store.remove_sweep(&a).await.unwrap();
    assert_eq!((gone.outcomes, gone.blobs), (1, 1));
    assert!(scene.store.outcome(shared).await.unwrap().is_some());
    assert_eq!(scene.store.outcome(own).await.unwrap(), None);
    assert_eq!(
        rows(&scene.store, "SELECT sweep, cell, test_rel FROM results").await,
        [[text("b"), Datum::Int(0), Datum::Float(0.1)]]
    );
    for table in ["attempts", "cells", "tags", "checkpoints", "points"] {
        let left = count(&scene.store, &format!("SELECT COUNT(*) FROM {table}")).await;
        assert_eq!(
            left,
            [1, 1, 0, 0, 2]
                [["attempts", "cells", "tags", "checkpoints", "points"].iter().position(|t| *t == table).unwrap()],
            "{table}"
        );
    }
    assert_eq!(scene.record(&going, &outcome(0.1, 0.1)).await, Recorded::Unknown);
    assert!(matches!(scene.store.remove_sweep(&a).await, Err(Error::UnknownSweep { .. })));
}

async fn a_checkpoint_is_the_latest_and_goes_with_the_outcome(scene: Scene) {
    let sweep = scene.sweep("s").await;
    let lease = scene.lease(&sweep, cell(0, &[])).await;
    assert_eq!(scene.store.checkpoint(&sweep, 0).await.unwrap(), None);
    // Three chunks, the last one short.
    let large: Vec<u8> = (0..(2 << 20) + 5).map(|i: u32| (i % 251) as u8).collect();
    assert!(scene.store.save_checkpoint(&lease, 10, b"early", 150).await.unwrap());
    assert!(scene.store.save_checkpoint(&lease, 20, &large, 160).await.unwrap());
    assert_eq!(scene.store.checkpoint(&sweep, 0).await.unwrap(), Some((20, large.clone())));
    assert_eq!(count(&scene.store, "SELECT COUNT(*) FROM blobs").await, 1, "the one before is gone");
    assert_eq!(count(&scene.store, "SELECT COUNT(*) FROM blob_chunks").await, 3);
    assert!(scene.store.save_checkpoint(&lease, 30, &large, 170).await.unwrap(), "the same bytes again");
    assert_eq!(scene.store.checkpoint(&sweep, 0).await.unwrap(), Some((30, large.clone())));

    // It outlives a lease that comes back; the old holder may not write it any more.
    scene.store.end_attempt(&lease, Ending::Returned, None, CellState::Ready, 180).await.unwrap();
    assert!(!scene.store.save_checkpoint(&lease, 40, b"stale", 190).await.unwrap());
    let next = scene.lease(&sweep, cell(0, &[])).await;
    assert_eq!(scene.store.checkpoint(&sweep, 0).await.unwrap().map(|(step, _)| step), Some(30));
    scene.record(&next, &outcome(0.1, 0.1)).await;
    assert_eq!(scene.store.checkpoint(&sweep, 0).await.unwrap(), None);
    assert_eq!(count(&scene.store, "SELECT COUNT(*) FROM blob_chunks").await, 0);
}

async fn a_failed_cell_keeps_no_checkpoint(scene: Scene) {
    let sweep = scene.sweep("s").await;
    let lease = scene.lease(&sweep, cell(0, &[])).await;
    scene.store.save_checkpoint(&lease, 10, b"state", 150).await.unwrap();
    scene.store.end_attempt(&lease, Ending::Failed, Some("x"), CellState::Failed, 160).await.unwrap();
    assert_eq!(scene.store.checkpoint(&sweep, 0).await.unwrap(), None);
    assert_eq!(count(&scene.store, "SELECT COUNT(*) FROM blobs").await, 0);
}

async fn a_checkpoint_beyond_the_quota_is_refused_and_the_one_before_stays(scene: Scene) {
    let sweep = scene.sweep("s").await;
    let (first, second) =
        (scene.lease(&sweep, cell(0, &replicate(0))).await, scene.lease(&sweep, cell(1, &replicate(1))).await);
    assert_eq!(scene.store.usage().await.unwrap().checkpoint_quota, 16 << 30, "where nothing was set");
    scene.store.set_checkpoint_quota(100).await.unwrap();
    assert!(scene.store.save_checkpoint(&first, 1, &[1; 60], 100).await.unwrap());
    let refused = scene.store.save_checkpoint(&second, 1, &[2; 41], 100).await.unwrap_err();
    assert!(matches!(refused, Error::NoRoom { bytes: 41, used: 60, quota: 100 }), "{refused}");
    assert!(scene.store.save_checkpoint(&second, 1, &[2; 40], 100).await.unwrap());
    // What takes the place of its own one counts once.
    assert!(scene.store.save_checkpoint(&first, 2, &[3; 60], 100).await.unwrap());
    assert!(scene.store.save_checkpoint(&first, 3, &[4; 61], 100).await.is_err());
    assert_eq!(scene.store.checkpoint(&sweep, 0).await.unwrap(), Some((2, vec![3; 60])));
    let usage = scene.store.usage().await.unwrap();
    assert_eq!((usage.checkpoints, usage.checkpoint_bytes, usage.checkpoint_quota), (2, 100, 100));
    // A smaller quota takes nothing away; an end makes room.
    scene.store.set_checkpoint_quota(50).await.unwrap();
    assert_eq!(scene.store.usage().await.unwrap().checkpoint_bytes, 100);
    scene.record(&first, &outcome(0.5, 0.5)).await;
    assert!(scene.store.save_checkpoint(&second, 4, &[5; 50], 100).await.unwrap());
}

async fn gc_removes_what_nothing_refers_to(scene: Scene) {
    let hash = scene.store.save_blob(b"row,col,value").await.unwrap();
    assert_eq!(hash, blake3::hash(b"row,col,value").to_hex().as_str());
    assert_eq!(scene.store.save_blob(b"row,col,value").await.unwrap(), hash, "stored once");
    let sweep = scene.sweep_with("s", &Inputs::from([("a.csv".to_owned(), hash.clone())])).await;
    let stray = scene.store.save_blob(b"never named").await.unwrap();
    scene.done(&sweep, cell(0, &[]), &outcome(0.1, 0.1)).await;
    let gone = scene.store.gc().await.unwrap();
    assert_eq!((gone.outcomes, gone.blobs), (0, 1));
    assert_eq!(scene.store.blob(&stray).await.unwrap(), None);
    assert_eq!(scene.store.blob(&hash).await.unwrap().as_deref(), Some(&b"row,col,value"[..]));
    let usage = scene.store.usage().await.unwrap();
    assert_eq!((usage.sweeps, usage.cells, usage.outcomes, usage.points, usage.blob_bytes), (1, 1, 1, 2, 13));
    assert!(usage.bytes > 10_000);
    // An input that is not there cannot be named.
    let missing = Inputs::from([("b.csv".to_owned(), stray)]);
    let new = NewSweep { name: "t", description: "", source: "", digest: "t", cells: 1, inputs: &missing };
    scene.store.submit(&new, 10).await.unwrap_err();
    assert!(scene.store.find_sweep("t").await.is_err());
}

async fn sweeps_are_found_by_id_name_tag_and_digest(scene: Scene) {
    let inputs = Inputs::new();
    let new = NewSweep {
        name: "depth",
        description: "why depth helps",
        source: "name = \"depth\"",
        digest: "d1",
        cells: 12,
        inputs: &inputs,
    };
    let first = scene.store.submit(&new, 10).await.unwrap();
    let again = scene.store.submit(&new, 20).await.unwrap();
    let other = scene.store.submit(&NewSweep { name: "other", digest: "d2", ..new }, 30).await.unwrap();
    assert_eq!(first, &blake3::hash(b"sweep 0 d1").to_hex()[..12], "the id is a function of the meaning");

    let sweep = scene.store.find_sweep(&first).await.unwrap();
    assert_eq!((sweep.name.as_str(), sweep.cells, sweep.state), ("depth", 12, SweepState::Running));
    assert_eq!((sweep.source.as_str(), sweep.created_at_ms), ("name = \"depth\"", 10));
    let find = async |key: &str| scene.store.find_sweep(key).await.map(|s| s.id);
    assert_eq!(find("depth").await.unwrap(), again, "the latest of a name");
    assert_eq!(find(&other[..5]).await.unwrap(), other);
    scene.store.tag(&first, "paper", true).await.unwrap();
    scene.store.tag(&first, "paper", true).await.unwrap();
    assert_eq!(find("paper").await.unwrap(), first);
    assert_eq!(scene.store.find_sweep(&first).await.unwrap().tags, ["paper"]);
    scene.store.tag(&first, "paper", false).await.unwrap();
    let unknown = scene.store.find_sweep("paper").await.unwrap_err().to_string();
    assert_eq!(unknown, "sweep \"paper\" is not known; known: other, depth");

    let with = scene.store.sweeps_with_digest("d1").await.unwrap();
    assert_eq!(with.iter().map(|s| &s.id).collect::<Vec<_>>(), [&again, &first]);
    assert_eq!(scene.store.sweeps().await.unwrap().len(), 3);
    scene.store.set_sweep_state(&first, SweepState::Finished).await.unwrap();
    assert_eq!(scene.store.find_sweep(&first).await.unwrap().state, SweepState::Finished);
    scene.store.set_sweep_state("nope", SweepState::Paused).await.unwrap_err();
}

async fn payloads_in_names_are_stored_as_they_are(scene: Scene) {
    for payload in
        ["'; DROP TABLE cells; --", "<script>alert(1)</script>", "=1+cmd|' /C calc'!A0", "\u{202e}x\ty", "%s$1?"]
    {
        let id = scene.sweep(payload).await;
        scene.store.tag(&id, payload, true).await.unwrap();
        let sweep = scene.store.find_sweep(payload).await.unwrap();
        assert_eq!((sweep.name.as_str(), &sweep.tags[..]), (payload, &[payload.to_owned()][..]));
    }
    assert_eq!(scene.store.sweeps().await.unwrap().len(), 5);
}

async fn selections_are_replaced_and_read_back(scene: Scene) {
    let sweep = scene.sweep("s").await;
    let selection = |group, candidate, validation_error| Selection {
        group,
        candidate,
        candidates: 5,
        coordinates: coordinates(&[("lr", Value::Float(0.3))]),
        validation_error,
        at_edge: "lr max".to_owned(),
    };
    scene.store.select(&sweep, &[selection(1, 2, Some(0.25)), selection(0, 1, None)], 400).await.unwrap();
    scene.store.select(&sweep, &[selection(1, 4, Some(0.125))], 500).await.unwrap();
    let read = scene.store.selections(&sweep).await.unwrap();
    assert_eq!(read, [selection(0, 1, None), selection(1, 4, Some(0.125))]);
}

async fn tuning_reads_its_scores(scene: Scene) {
    let sweep = scene.sweep("s").await;
    scene.done(&sweep, cell(2, &[]), &outcome(0.1, 0.25)).await;
    scene.done(&sweep, cell(3, &[]), &diverged(0.5)).await;
    scene.done(&sweep, cell(9, &[]), &outcome(0.1, 0.5)).await;
    let inflated = Outcome { inflated: true, validated: None, ..outcome(0.1, 0.5) };
    scene.done(&sweep, cell(4, &[]), &inflated).await;
    scene.lease(&sweep, cell(5, &[])).await;
    let scores = scene.store.scores(&sweep, 2..9).await.unwrap();
    let seen: Vec<_> = scores.iter().map(|s| (s.cell, s.failed, s.validation_mse)).collect();
    assert_eq!(seen, [(2, false, Some(0.25)), (3, true, Some(0.5)), (4, true, None)]);
    assert_eq!(scene.store.scores(&sweep, 9..9).await.unwrap(), []);
}

async fn medians_and_quartiles_by_hand(scene: Scene) {
    let (s, t) = (scene.sweep("s").await, scene.sweep("t").await);
    // Four replicates with errors .1 .2 .4 .8: quartiles at positions .75, 1.5, 2.25 of 0…3:
    // .1 + .75·.1 = .175, (.2 + .4)/2 = .3, .4 + .25·.4 = .5.
    for (r, error) in [(0, 0.4), (1, 0.1), (2, 0.8), (3, 0.2)] {
        scene.done(&s, cell(r, &replicate(r as i64)), &outcome(error, error)).await;
    }
    // Five of another setting, two of them diverged: sorted .1 .2 .3 ∞ ∞, median .3, upper quartile on a failure.
    // One more is inflated: a failure too, but its number counts.
    for (r, error) in [(0, 0.3), (1, 0.1), (2, 0.2)] {
        let o = Outcome { inflated: r == 2, ..outcome(error, error) };
        let lr = [("lr", Value::Float(0.5))];
        scene.done(&s, cell(10 + r, &[&replicate(r as i64)[..], &lr].concat()), &o).await;
    }
    for r in [3, 4] {
        let lr = [("lr", Value::Float(0.5))];
        scene.done(&s, cell(10 + r, &[&replicate(r as i64)[..], &lr].concat()), &diverged(1e-9)).await;
    }
    // Another sweep, one run without a truth: no errors, no median.
    let blind = Outcome { last: point(5, f64::NAN), oracle: None, validated: None, ..outcome(0.1, 0.1) };
    scene.done(&t, cell(0, &[]), &blind).await;

    let medians = rows(
        &scene.store,
        "SELECT sweep, lr, optimizer, n, failures, failure_share, test_rel_q25, test_rel_median, test_rel_q75,
         reconstruction_mse_median FROM medians ORDER BY sweep, lr",
    )
    .await;
    assert_eq!(medians.len(), 3);
    let head = |i: usize| medians[i][..5].to_vec();
    assert_eq!(head(0), [text("s"), Datum::Float(0.01), text("adam"), Datum::Int(4), Datum::Int(0)]);
    for (column, expected) in [(5, 0.0), (6, 0.175), (7, 0.3), (8, 0.5), (9, (0.04 + 0.16) / 2.0)] {
        close(&medians[0][column], expected);
    }
    assert_eq!(head(1), [text("s"), Datum::Float(0.5), text("adam"), Datum::Int(5), Datum::Int(3)]);
    for (column, expected) in [(5, 0.6), (6, 0.2), (7, 0.3)] {
        close(&medians[1][column], expected);
    }
    assert_eq!(medians[1][8], Datum::Null, "the upper quartile falls on a diverged run");
    assert_eq!(medians[2][6..], [Datum::Null, Datum::Null, Datum::Null, Datum::Null]);
}

async fn extreme_numbers_do_not_spoil_a_view(scene: Scene) {
    let sweep = scene.sweep("s").await;
    for (r, error) in (0..).zip([5e-324, 1e-310, f64::MAX, 0.0]) {
        scene.done(&sweep, cell(r, &replicate(r as i64)), &outcome(error, error)).await;
        let gd = [&replicate(r as i64)[..], &[("optimizer", Value::from("gd"))]].concat();
        scene.done(&sweep, cell(10 + r, &gd), &outcome(1.0, 1.0)).await;
    }
    let medians = "SELECT test_rel_q25, test_rel_median, test_rel_q75 FROM medians WHERE optimizer = 'adam'";
    // Sorted 0 0 0 MAX: the upper quartile is a quarter of what counts as no number.
    assert_eq!(rows(&scene.store, medians).await, [[Datum::Float(0.0), Datum::Float(0.0), Datum::Null]]);
    for view in ["results", "result_values", "medians", "best", "paired_differences", "trajectory"] {
        assert!(!rows(&scene.store, &format!("SELECT * FROM {view}")).await.is_empty(), "{view}");
    }
}

async fn the_best_setting_is_chosen_by_validation_and_marked_at_an_edge(scene: Scene) {
    let sweep = scene.sweep("s").await;
    let mut index = 0;
    // Validation errors by (optimizer, lr); the test error would choose otherwise. adam: the middle lr wins. gd: the
    // greatest lr wins. A third optimizer has one lr only: no edge to be at.
    for (optimizer, lr, validation, test) in [
        ("adam", 0.001, 0.9, 0.1),
        ("adam", 0.01, 0.2, 0.5),
        ("adam", 0.1, 0.6, 0.01),
        ("gd", 0.1, 0.8, 0.3),
        ("gd", 1.0, 0.7, 0.4),
        ("muon", 1.0, 0.5, 0.5),
    ] {
        for r in 0..3 {
            let changes = [("optimizer", Value::from(optimizer)), ("lr", Value::Float(lr))];
            let o = outcome(test, validation + 0.01 * f64::from(r));
            scene.done(&sweep, cell(index, &[&replicate(r.into())[..], &changes].concat()), &o).await;
            index += 1;
        }
    }
    // A setting that always diverges is never best, however good it looks.
    let changes = [("optimizer", Value::from("gd")), ("lr", Value::Float(10.0))];
    scene.done(&sweep, cell(index, &changes), &diverged(0.0)).await;
    // A baseline: no optimizer, no validation needed to be told apart by absence.
    let baseline: Vec<(&str, Value)> = ["optimizer", "lr", "init", "init_scale", "schedule", "penalty", "depth"]
        .map(|name| (name, Value::from("-")))
        .into_iter()
        .chain([("baseline", Value::from("zero_fill"))])
        .collect();
    scene.done(&sweep, cell(index + 1, &baseline), &outcome(0.9, 0.95)).await;
    let best = rows(
        &scene.store,
        "SELECT COALESCE(optimizer, baseline), lr, n, validation_mse_median, test_rel_median, candidates, at_edge
         FROM best WHERE sweep = 's' ORDER BY 1",
    )
    .await;
    let expected = [
        ("adam", Some(0.01), 3, 0.21, 0.5, 3, ""),
        ("gd", Some(1.0), 3, 0.71, 0.4, 3, ""),
        ("muon", Some(1.0), 3, 0.51, 0.5, 1, ""),
        ("zero_fill", None, 1, 0.95, 0.9, 1, ""),
    ];
    assert_eq!(best.len(), expected.len());
    for (row, (method, lr, n, validation, test, candidates, edge)) in best.iter().zip(expected) {
        assert_eq!((&row[0], &row[2], &row[5]), (&text(method), &Datum::Int(n), &Datum::Int(candidates)));
        assert_eq!((&row[1], &row[6]), (&lr.map_or(Datum::Null, Datum::Float), &text(edge)), "{method}");
        close(&row[3], validation);
        close(&row[4], test);
    }

    // A second sweep where the winner is at the greatest lr and the least λ.
    let edge = scene.sweep("edge").await;
    for (i, (lr, lambda, validation)) in
        [(0.1, 0.1, 0.5), (0.1, 1.0, 0.6), (1.0, 0.1, 0.1), (1.0, 1.0, 0.3)].into_iter().enumerate()
    {
        let changes = [("penalty", Value::from("ratio")), ("lr", Value::Float(lr)), ("lambda", Value::Float(lambda))];
        scene.done(&edge, cell(i as u64, &changes), &outcome(0.5, validation)).await;
    }
    assert_eq!(
        rows(&scene.store, "SELECT lr, lambda, at_edge FROM best WHERE sweep = 'edge'").await,
        [[Datum::Float(1.0), Datum::Float(0.1), text("lr max, lambda min")]]
    );
}

async fn paired_differences_by_hand(scene: Scene) {
    let sweep = scene.sweep("s").await;
    // adam against gd on four shared instances. log10 ratios: −1, −2, +1, and gd alone diverged (adam wins).
    // In order: −∞, −2, −1, 1: median (−2 − 1)/2 = −1.5.
    let adam = [0.01, 0.001, 1.0, 0.5];
    let gd = [0.1, 0.1, 0.1, 1e-9];
    for r in 0..4u64 {
        let with = |optimizer: &str| [&replicate(r as i64)[..], &[("optimizer", Value::from(optimizer))]].concat();
        scene.done(&sweep, cell(r, &with("adam")), &outcome(adam[r as usize], 1.0)).await;
        let o = if r == 3 { diverged(gd[3]) } else { outcome(gd[r as usize], 1.0) };
        scene.done(&sweep, cell(10 + r, &with("gd")), &o).await;
    }
    // An instance that only one of them saw, and a tuning run, pair with nothing.
    scene.done(&sweep, cell(20, &replicate(9)), &outcome(0.5, 0.5)).await;
    let mut tuning = cell(21, &replicate(0));
    tuning.stage = Stage::Tuning;
    scene.done(&sweep, tuning, &outcome(0.5, 0.5)).await;

    let pairs = rows(
        &scene.store,
        "SELECT a_optimizer, b_optimizer, n, wins, losses, ties, log10_ratio_median, rank FROM paired_differences
         WHERE sweep = 's' ORDER BY a_optimizer",
    )
    .await;
    assert_eq!(pairs.len(), 2);
    let ints = |row: &[Datum]| row[2..6].to_vec();
    assert_eq!((&pairs[0][0], &pairs[0][1], &pairs[0][7]), (&text("adam"), &text("gd"), &Datum::Int(2)));
    assert_eq!(ints(&pairs[0]), [4, 3, 1, 0].map(Datum::Int));
    close(&pairs[0][6], -1.5);
    assert_eq!(ints(&pairs[1]), [4, 1, 3, 0].map(Datum::Int));
    close(&pairs[1][6], 1.5);
}

async fn a_baseline_is_paired_with_every_initialisation(scene: Scene) {
    let sweep = scene.sweep("s").await;
    for seed in 0..3 {
        let o = outcome(0.01, 1.0);
        scene.done(&sweep, cell(seed, &[("init_seed", Value::Int(seed as i64))]), &o).await;
    }
    let baseline: Vec<(&str, Value)> =
        ["optimizer", "lr", "init", "init_scale", "init_seed", "schedule", "penalty", "depth"]
            .map(|name| (name, Value::from("-")))
            .into_iter()
            .chain([("baseline", Value::from("zero_fill"))])
            .collect();
    scene.done(&sweep, cell(9, &baseline), &outcome(1.0, 1.0)).await;
    let pairs = rows(
        &scene.store,
        "SELECT a_optimizer, b_baseline, n, log10_ratio_median FROM paired_differences WHERE a_optimizer IS NOT NULL",
    )
    .await;
    assert_eq!(pairs.len(), 1);
    assert_eq!(pairs[0][..3], [text("adam"), text("zero_fill"), Datum::Int(3)]);
    close(&pairs[0][3], -2.0);
}

async fn result_values_hold_numbers_only_in_a_fixed_order(scene: Scene) {
    let (b, a) = (scene.sweep("b").await, scene.sweep("B").await);
    for (sweep, index) in [(&b, 11), (&a, 7), (&b, 2), (&a, 30)] {
        scene.done(sweep, cell(index, &[]), &outcome(0.5, 0.5)).await;
    }
    let table = scene.store.query("SELECT * FROM result_values", &Limits::default()).await.unwrap();
    let column = |name: &str| table.columns.iter().position(|c| c == name).unwrap_or_else(|| panic!("{name}"));
    let (sweep, index) = (column("sweep"), column("cell"));
    let order: Vec<_> = table.rows.iter().map(|row| (row[sweep].clone(), row[index].clone())).collect();
    let expected = [("B", 7), ("B", 30), ("b", 2), ("b", 11)].map(|(s, i)| (text(s), Datum::Int(i)));
    assert_eq!(order, expected);
    for name in
        ["lr", "depth", "status", "inflated", "steps_taken", "test_rel", "oracle_step", "validated_validation_mse"]
    {
        column(name);
    }
    for c in &table.columns {
        let banned = c.contains("seconds") || c.ends_with("_id") || c.ends_with("_at_ms") || c.contains("host");
        assert!(!banned && c != "linked" && c != "trial_digest", "{c}");
    }
}

async fn queries_are_answered_within_limits(scene: Scene) {
    let sweep = scene.sweep("s").await;
    for index in 0..5 {
        scene.done(&sweep, cell(index, &[]), &outcome(0.5, 0.5)).await;
    }
    let few = Limits { rows: 3, ..Limits::default() };
    let table = scene.store.query("SELECT cell FROM results ORDER BY cell", &few).await.unwrap();
    assert_eq!((table.rows.len(), table.truncated), (3, true));
    let table = scene.store.query("SELECT cell FROM results WHERE cell < 3", &few).await.unwrap();
    assert_eq!((table.rows.len(), table.truncated), (3, false));
    let none = scene.store.query("SELECT cell AS c, lr FROM results WHERE cell < 0", &few).await.unwrap();
    assert_eq!((none.columns, none.rows.len()), (vec!["c".to_owned(), "lr".to_owned()], 0));
    // Sums and averages of integers come in a type of their own on Postgres.
    assert_eq!(
        rows(&scene.store, "SELECT COUNT(*), SUM(cell), CAST(AVG(cell) AS DOUBLE PRECISION), MAX(lr) FROM results")
            .await,
        [[Datum::Int(5), Datum::Int(10), Datum::Float(2.0), Datum::Float(0.01)]]
    );

    let brief = Limits { time: Duration::from_millis(200), ..Limits::default() };
    let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n";
    let began = std::time::Instant::now();
    let stopped = scene.store.query(endless, &brief).await.unwrap_err();
    assert!(matches!(stopped, Error::TooSlow { .. }), "{stopped}");
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert_eq!(count(&scene.store, "SELECT COUNT(*) FROM results").await, 5, "the connection is fine afterwards");

    let unknown = scene.store.query("SELECT nonsense FROM results", &few).await.unwrap_err().to_string();
    assert!(unknown.contains("nonsense"), "{unknown}");
}

async fn queries_cannot_write(scene: Scene) {
    scene.sweep("s").await;
    for attack in [
        "DELETE FROM sweeps",
        "SELECT 1; DELETE FROM sweeps",
        "WITH gone AS (DELETE FROM sweeps RETURNING id) SELECT * FROM gone",
        "EXPLAIN ANALYZE DELETE FROM sweeps",
        "WITH x AS (SELECT 1) DELETE FROM sweeps",
        "WITH x AS (SELECT 1) INSERT INTO tags (sweep_id, tag) SELECT id, 'x' FROM sweeps",
    ] {
        let refused = scene.store.query(attack, &Limits::default()).await;
        assert!(refused.is_err(), "{attack}: {refused:?}");
    }
    assert_eq!(count(&scene.store, "SELECT COUNT(*) FROM sweeps").await, 1);

    let reader = Store::read(&scene.location).await.unwrap();
    assert_eq!(count(&reader, "SELECT COUNT(*) FROM sweeps").await, 1);
    assert!(matches!(reader.tag("s", "x", true).await, Err(Error::ReadOnly)));
    assert!(matches!(reader.gc().await, Err(Error::ReadOnly)));
}

async fn a_point_query_uses_an_index(scene: Scene) {
    let sweep = scene.sweep("s").await;
    scene.done(&sweep, cell(0, &[]), &outcome(0.5, 0.5)).await;
    let explain = match scene.location {
        sweep_coordinator::store::Location::Sqlite(_) => "EXPLAIN QUERY PLAN",
        // Tiny tables are scanned whatever the indices: the planner is asked what it would do to large ones.
        sweep_coordinator::store::Location::Postgres(_) => "EXPLAIN",
    };
    let sqlite = explain.ends_with("PLAN");
    for query in [
        "SELECT test_rel FROM results WHERE sweep = 's' AND cell = 0",
        "SELECT step, train_loss FROM trajectory WHERE sweep = 's' AND cell = 0",
        "SELECT MIN(id) FROM outcomes WHERE trial_digest = 'x' AND revision = 1",
    ] {
        let plan = rows(&scene.store, &format!("{explain} {query}")).await;
        let plan: Vec<String> = plan.iter().map(|row| format!("{:?}", row.last())).collect();
        if sqlite {
            assert!(plan.iter().all(|line| !line.contains("SCAN")), "{query}: {plan:#?}");
        } else {
            assert!(!plan.is_empty());
        }
    }
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

/// The same operations leave the same `result_values`, row for row, whichever the database.
#[tokio::test]
async fn both_databases_show_the_same_result_values() {
    let mut tables = Vec::new();
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let scene = Scene::new(kind).await;
        let sweep = scene.sweep("s").await;
        for index in 0..6 {
            let o = if index == 4 { diverged(0.7) } else { outcome(0.1 * index as f64 + 1e-17, 1.0 / 3.0) };
            scene.done(&sweep, cell(index, &replicate(index as i64)), &o).await;
        }
        for view in ["result_values", "medians", "best", "paired_differences"] {
            tables.push((
                kind,
                view,
                scene.store.query(&format!("SELECT * FROM {view}"), &Limits::default()).await.unwrap(),
            ));
        }
    }
    for i in 0..4 {
        assert_eq!(tables[i].2, tables[i + 4].2, "{}", tables[i].1);
    }
    assert_eq!(tables[0].2.rows.len(), 6);
}
