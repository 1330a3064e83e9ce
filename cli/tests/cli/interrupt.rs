//! Ctrl-C, `kill -9`, and a second process: nothing is lost, nothing is trained twice, the bits are the same.

use crate::scene::{LONG, SMALL, Scene, said, signal};

/// A folder in which `long.toml` was run in peace on `peace.db`.
fn scene() -> Scene {
    let scene = Scene::new();
    scene.write("long.toml", &LONG.replace("STEPS", "8000"));
    scene.ok(&["run", "long.toml", "--db", "peace.db", "--slots", "1"]);
    scene
}

#[test]
fn an_interrupted_run_goes_on_in_the_middle_with_the_same_bits() {
    let scene = scene();
    let child = scene.start("x.db", &["long.toml", "--slots", "1"]);
    signal(&child, libc::SIGINT);
    let stopped = said(child.wait_with_output().unwrap());
    assert_eq!(stopped.code, Some(130), "{}", stopped.err);
    assert!(stopped.err.contains("handing back what runs"), "{}", stopped.err);
    assert!(stopped.err.ends_with("to go on: sweep run --db x.db long.toml\n"), "{}", stopped.err);
    // No table of nothing.
    assert_eq!(stopped.out, "database  x.db\n");
    assert_eq!(scene.rows_of("x.db", "SELECT DISTINCT state FROM cells"), ["ready"]);
    assert_eq!(scene.rows_of("x.db", "SELECT COUNT(*) FROM checkpoints"), ["1"]);

    let on = scene.sweep(&["run", "long.toml", "--db", "x.db", "--slots", "1"]);
    assert_eq!(on.code, Some(0), "{}", on.err);
    assert_eq!(scene.values("x.db"), scene.values("peace.db"));
    let endings = "SELECT ending, COUNT(DISTINCT cell) FROM attempts WHERE ending <> 'returned' GROUP BY ending";
    assert_eq!(scene.rows_of("x.db", endings), ["recorded,2"]);
    assert_eq!(scene.rows_of("x.db", "SELECT COUNT(*) FROM checkpoints"), ["0"]);
    // It went on from its checkpoint: the points before it are those of the first attempt, with its clock.
    let resumed = "SELECT COUNT(*) FROM attempts a JOIN outcomes o ON o.sweep_id = a.sweep_id AND o.cell = a.cell \
                   WHERE a.ending = 'recorded' AND 1000 * (o.wall_seconds + o.recording_seconds) > a.ended_at_ms - a.leased_at_ms + 20";
    assert_eq!(scene.rows_of("x.db", resumed), ["1"]);
}

#[test]
fn a_killed_run_is_taken_up_with_the_same_bits() {
    let scene = scene();
    let child = scene.start("x.db", &["long.toml", "--slots", "1"]);
    signal(&child, libc::SIGKILL);
    assert_eq!(said(child.wait_with_output().unwrap()).code, None);
    assert_eq!(scene.rows_of("x.db", "SELECT DISTINCT state FROM cells"), ["leased"]);
    scene.ok(&["run", "long.toml", "--db", "x.db", "--slots", "1"]);
    assert_eq!(scene.values("x.db"), scene.values("peace.db"));
    let endings = "SELECT ending, MIN(fence), MAX(fence) FROM attempts WHERE cell IN (SELECT cell FROM attempts WHERE \
                   ending = 'suspected') GROUP BY ending ORDER BY ending";
    assert_eq!(scene.rows_of("x.db", endings), ["recorded,2,2", "suspected,1,1"]);
    assert_eq!(scene.rows_of("x.db", "SELECT COUNT(*) FROM attempts WHERE ending = 'recorded'"), ["2"]);
}

#[test]
fn one_process_writes_a_database_at_a_time_and_others_read() {
    let scene = Scene::new();
    scene.write("long.toml", &LONG.replace("STEPS", "1000000"));
    scene.write("small.toml", SMALL);
    let child = scene.start("x.db", &["long.toml", "--slots", "1"]);
    for args in [&["run", "small.toml"][..], &["gc"], &["rm", "long", "--yes"], &["tag", "long", "x"]] {
        let refused = scene.error(2, &[args, &["--db", "x.db"]].concat());
        assert!(refused.starts_with(&format!("error: x.db is in use by process {}; ", child.id())), "{refused}");
    }
    let list: serde_json::Value = scene.json(&["list", "--db", "x.db"]);
    assert_eq!((&list[0]["name"], &list[0]["done"], &list[0]["state"]), (&"long".into(), &0.into(), &"running".into()));
    // The system's polite signal is Ctrl-C.
    signal(&child, libc::SIGTERM);
    assert_eq!(said(child.wait_with_output().unwrap()).code, Some(130));
    scene.ok(&["rm", "long", "--yes", "--db", "x.db"]);
}

#[test]
fn a_copy_made_while_a_run_writes_can_be_gone_on_from() {
    let scene = scene();
    let child = scene.start("x.db", &["long.toml", "--slots", "1"]);
    scene.ok(&["backup", "copy.db", "--db", "x.db"]);
    let there = scene.error(2, &["backup", "copy.db", "--db", "x.db"]);
    assert!(there.contains("copy.db cannot be written: it is there already"), "{there}");
    signal(&child, libc::SIGINT);
    child.wait_with_output().unwrap();
    // One is being trained; small ones are leased a few at a time.
    let states = scene.rows_of("copy.db", "SELECT state FROM cells");
    assert!(!states.is_empty() && states.iter().all(|state| state == "leased"), "{states:?}");
    scene.ok(&["run", "long.toml", "--db", "copy.db", "--slots", "1"]);
    assert_eq!(scene.values("copy.db"), scene.values("peace.db"));
    // What was leased when the copy was made has a later fence now.
    assert_eq!(scene.rows_of("copy.db", "SELECT MAX(fence) FROM attempts"), ["2"]);
    let beyond = scene.error(2, &["backup", "no/such/copy.db", "--db", "x.db"]);
    assert!(beyond.contains("no/such/copy.db cannot be written: "), "{beyond}");
}
