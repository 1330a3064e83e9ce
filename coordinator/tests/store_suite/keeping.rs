//! What is kept, found again, linked and removed.

use crate::support::{Kind, Scene, cell, coordinates, outcome, replicate};
use crate::{count, rows, text};
use sweep_coordinator::store::{
    CellState, Counts, Datum, Ending, Error, Finished, NewExtension, NewSweep, Recorded, Role, Selection, SweepState,
};
use sweep_core::outcome::{Outcome, Status};
use sweep_core::trial::Inputs;
use sweep_core::value::Value;

on_both! {
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
    a_token_made_elsewhere_is_taken_once_and_stays_revoked
    an_extension_keeps_files_and_selections_that_it_does_not_touch
    a_cell_made_ready_again_gives_its_outcome_up_and_may_train_another_trial
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
    let new =
        NewSweep { name: "t", description: "", source: "", digest: "t", cells: 1, inputs: &missing, fresh: false };
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
        fresh: false,
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

async fn a_token_made_elsewhere_is_taken_once_and_stays_revoked(scene: Scene) {
    let store = &scene.store;
    let secret = "0123456789abcdef".repeat(4);
    let name = store.adopt_token(&secret, Role::Worker, 5).await.unwrap().expect("a token that was not known");
    let token = store.token(&secret).await.unwrap().unwrap();
    assert_eq!((token.name.as_str(), token.role, token.holds(6)), (name.as_str(), Role::Worker, true));
    assert!(name.starts_with("worker-") && !secret.contains(&name["worker-".len()..]), "{name}");
    assert_eq!(store.adopt_token(&secret, Role::Admin, 7).await.unwrap(), None);
    assert!(store.revoke_token(&name, 8).await.unwrap());
    assert_eq!(store.adopt_token(&secret, Role::Worker, 9).await.unwrap(), None);
    let tokens = store.tokens().await.unwrap();
    assert!(matches!(&tokens[..], [only] if only.role == Role::Worker && !only.holds(10)), "{tokens:?}");
}

async fn an_extension_keeps_files_and_selections_that_it_does_not_touch(scene: Scene) {
    let [a, b, c] = [&b"a"[..], b"b", b"c"].map(|bytes| blake3::hash(bytes).to_hex().to_string());
    for bytes in [&b"a"[..], b"b", b"c"] {
        scene.store.save_blob(bytes).await.unwrap();
    }
    let sweep = scene.sweep_with("s", &Inputs::from([("x".to_owned(), a.clone())])).await;
    let selection = |group| Selection {
        group,
        candidate: 0,
        candidates: 2,
        coordinates: coordinates(&[]),
        validation_error: Some(0.5),
        at_edge: String::new(),
    };
    scene.store.select(&sweep, &[0, 1, 2, 3].map(selection), 20).await.unwrap();
    scene.store.set_sweep_state(&sweep, SweepState::Finished).await.unwrap();
    let inputs = Inputs::from([("x".to_owned(), b), ("y".to_owned(), c.clone())]);
    let retuned = [std::ops::Range { start: 1, end: 3 }];
    let new = NewExtension {
        source: "longer",
        digest: "s2",
        description: "more",
        cells: 1500,
        inputs: &inputs,
        retuned: &retuned,
    };
    scene.store.extend(&sweep, &new, 30).await.unwrap();
    scene
        .store
        .extend(&sweep, &NewExtension { source: "longest", digest: "s3", cells: 2000, ..new }, 40)
        .await
        .unwrap();

    let stored = scene.store.find_sweep(&sweep).await.unwrap();
    assert_eq!((stored.state, stored.cells, stored.description.as_str()), (SweepState::Running, 2000, "more"));
    assert_eq!((stored.source.as_str(), stored.latest()), ("", "longest"));
    assert_eq!(stored.extensions, ["longer", "longest"]);
    assert_eq!(stored.inputs, Inputs::from([("x".to_owned(), a), ("y".to_owned(), c)]), "a content is never replaced");
    let groups: Vec<u64> = scene.store.selections(&sweep).await.unwrap().iter().map(|s| s.group).collect();
    assert_eq!(groups, [0, 3]);
    for digest in ["s", "s2", "s3"] {
        assert_eq!(scene.store.sweeps_with_digest(digest).await.unwrap()[0].id, sweep, "{digest}");
    }
    let missing = scene.store.extend("none", &new, 50).await;
    assert!(matches!(missing, Err(Error::UnknownSweep { .. })));
    // An input that is not there cannot be named, and then nothing is stored.
    let unknown = Inputs::from([("z".to_owned(), "0".repeat(64))]);
    scene.store.extend(&sweep, &NewExtension { inputs: &unknown, ..new }, 60).await.unwrap_err();
    assert_eq!(scene.store.find_sweep(&sweep).await.unwrap().extensions.len(), 2);
    scene.store.remove_sweep(&sweep).await.unwrap();
    assert_eq!(count(&scene.store, "SELECT COUNT(*) FROM extensions").await, 0);
}

async fn a_cell_made_ready_again_gives_its_outcome_up_and_may_train_another_trial(scene: Scene) {
    let sweep = scene.sweep("s").await;
    let first = scene.done(&sweep, cell(0, &[]), &outcome(0.1, 0.1)).await;
    let returned = scene.lease(&sweep, cell(1, &[])).await;
    scene.store.save_checkpoint(&returned, 10, b"state", 150).await.unwrap();
    scene.store.end_attempt(&returned, Ending::Returned, None, CellState::Ready, 160).await.unwrap();
    let leased = scene.lease(&sweep, cell(2, &[])).await;
    scene.store.save_checkpoint(&leased, 10, b"other", 170).await.unwrap();
    assert_eq!(scene.store.reopen(&sweep, &[0, 1, 2, 3]).await.unwrap(), 2, "not what is out or was never leased");
    assert_eq!(scene.store.checkpoint(&sweep, 1).await.unwrap(), None, "it was of the trial before");
    assert!(scene.store.checkpoint(&sweep, 2).await.unwrap().is_some());
    let known = scene.store.cell(&sweep, 0).await.unwrap().unwrap();
    assert_eq!((known.state, known.outcome, known.fence), (CellState::Ready, None, 1));

    let other = cell(0, &[("lr", Value::Float(3.0))]);
    let second = scene.done(&sweep, other.clone(), &outcome(0.2, 0.2)).await;
    let known = scene.store.cell(&sweep, 0).await.unwrap().unwrap();
    assert_eq!((known.outcome, known.fence, known.attempts.len()), (Some(second), 2, 2));
    assert_eq!((known.coordinates["lr"].clone(), known.trial_digest), (Value::Float(3.0), other.trial_digest));
    assert_ne!(first, second);
    let keys = "SELECT COUNT(DISTINCT setting_key) FROM cells WHERE cell IN (0, 1)";
    assert_eq!(count(&scene.store, keys).await, 2, "statistics group it by what it is now");
}
