//! The checks of `sweep fsck`, on both databases: a sound database passes, and each check is seen to fail on a database
//! that was doctored behind the store's back.

mod support;

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqliteConnection};
use std::collections::BTreeSet;
use support::{Kind, Scene, cell, outcome, replicate};
use sweep_coordinator::store::{CellState, Checked, Ending, Location, NewCell, NewSweep, Selection, Stage, SweepState};
use sweep_core::sweep::Sweep;
use sweep_core::trial::Inputs;
use sweep_core::value::Value;

/// One group, two candidates of two replicates, and two refits.
const TUNED: &str = r#"
name = "tuned"
[problem]
n = 12
rank = 1
samples = 80
[train]
steps = 60
init_scale = 0.1
[[optimizer]]
name = "gd"
lr = [0.1, 1.0]
[tune]
over = ["lr"]
replicates = 2
validation = 0.1
refit = 2
"#;

/// A database in which every kind of row stands: sweep `s` with cell 0 done, 1 leased with a checkpoint, 2 handed back with
/// a checkpoint, 3 given up, 4 suspected and handed back; `t`, finished, linked to `s`; `tuned`, in the middle of its refits.
async fn sound(kind: Kind) -> (Scene, [String; 3]) {
    let scene = Scene::new(kind).await;
    let store = &scene.store;
    let s = scene.sweep("s").await;
    let new = |index: u64| cell(index, &replicate(index as i64));
    scene.done(&s, new(0), &outcome(0.5, 0.5)).await;
    let leased = scene.lease(&s, new(1)).await;
    assert!(store.save_checkpoint(&leased, 10, b"state of a run", 150).await.unwrap());
    let back = scene.lease(&s, new(2)).await;
    assert!(store.save_checkpoint(&back, 20, &vec![7; 3 << 20], 150).await.unwrap());
    assert!(store.end_attempt(&back, Ending::Returned, None, CellState::Ready, 160).await.unwrap());
    for next in [CellState::Ready, CellState::Quarantined] {
        let failed = scene.lease(&s, new(3)).await;
        assert!(store.end_attempt(&failed, Ending::Failed, Some("no"), next, 160).await.unwrap());
    }
    let suspected = scene.lease(&s, new(4)).await;
    assert!(store.end_attempt(&suspected, Ending::Suspected, Some("died"), CellState::Ready, 160).await.unwrap());

    let hash = store.save_blob(b"row,col,value\n").await.unwrap();
    let inputs = Inputs::from([("obs.csv".to_owned(), hash)]);
    let linked =
        NewSweep { name: "t", description: "", source: "", digest: "t", cells: 1, inputs: &inputs, fresh: false };
    let t = store.submit(&linked, 10).await.unwrap();
    assert_eq!(store.link(&t, &[new(0)], 300).await.unwrap(), [true]);
    store.set_sweep_state(&t, SweepState::Finished).await.unwrap();

    let sweep = Sweep::parse(TUNED.as_bytes(), 100).unwrap();
    let none = Inputs::new();
    let tuned = NewSweep {
        name: "tuned",
        description: "",
        source: TUNED,
        digest: "tuned",
        cells: sweep.len(),
        inputs: &none,
        fresh: false,
    };
    let tuned = store.submit(&tuned, 10).await.unwrap();
    for candidate in 0..2u64 {
        for index in sweep.tuning_cells(0, candidate) {
            let lr = [0.1, 1.0][candidate as usize];
            let mut new: NewCell = cell(index, &[&replicate(index as i64)[..], &[("lr", Value::Float(lr))]].concat());
            new.stage = Stage::Tuning;
            scene.done(&tuned, new, &outcome(0.5, [0.5, 0.25][candidate as usize])).await;
        }
    }
    let chosen = Selection {
        group: 0,
        candidate: 1,
        candidates: 2,
        coordinates: [("lr".to_owned(), Value::Float(1.0))].into(),
        validation_error: Some(0.25),
        at_edge: "lr".to_owned(),
    };
    store.select(&tuned, &[chosen], 400).await.unwrap();
    let mut refit = cell(sweep.refit_cells(0)[0], &replicate(1_000));
    refit.stage = Stage::Refit;
    scene.done(&tuned, refit, &outcome(0.4, 0.4)).await;
    (scene, [s, t, tuned])
}

fn wrong(found: &[Checked]) -> Vec<String> {
    found.iter().flat_map(|check| check.examples.iter().map(move |v| format!("{}: {v}", check.name))).collect()
}

/// Runs statements without what the schema refuses by itself.
async fn doctor(location: &Location, statements: &str) {
    match location {
        Location::Sqlite(path) => {
            let mut connection = SqliteConnection::connect(&format!("sqlite://{}", path.display())).await.unwrap();
            connection.execute("PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON").await.unwrap();
            connection.execute(AssertSqlSafe(statements.to_owned())).await.unwrap();
            connection.close().await.unwrap();
        }
        Location::Postgres(url) => {
            let mut connection = PgConnection::connect(url).await.unwrap();
            connection.execute("SET session_replication_role = replica").await.unwrap();
            connection.execute("ALTER TABLE cells DROP CONSTRAINT IF EXISTS cells_check").await.unwrap();
            connection.execute(AssertSqlSafe(statements.to_owned())).await.unwrap();
            connection.close().await.unwrap();
        }
    }
}

/// What is done behind the store's back (`S`, `T` and `TUNED` stand for the ids), and words of what is said of it, the
/// check first.
const DOCTORED: &[(&str, &str)] = &[
    ("DROP INDEX one_cell_records_an_outcome", "I1 one outcome; the index one_cell_records_an_outcome is missing"),
    (
        "DROP INDEX one_cell_records_an_outcome; UPDATE cells SET linked = 0 WHERE sweep_id = 'T'",
        "I1 one outcome; outcome 1 is the own one of 2 cells",
    ),
    (
        "UPDATE cells SET state = 'quarantined', outcome_id = NULL, linked = 0 WHERE sweep_id IN ('S', 'T') AND cell = 0;
         UPDATE attempts SET ending = 'lost' WHERE sweep_id = 'S' AND cell = 0",
        "I1 one outcome; S/0: outcome 1 was recorded and is accepted by no cell",
    ),
    ("UPDATE cells SET fence = 2 WHERE sweep_id = 'S' AND cell = 0", "I2 own fence; S/0: its outcome was not recorded under its fence 2"),
    (
        "UPDATE attempts SET fingerprint = 'other' WHERE sweep_id = 'S' AND cell = 0",
        "I2 own fence; S/0: its outcome was not recorded under its fence 1",
    ),
    ("UPDATE attempts SET ending = 'lost' WHERE sweep_id = 'T'", "I2 own fence; T/0: its outcome was not recorded under its fence 1"),
    ("UPDATE cells SET trial_digest = 'other' WHERE sweep_id = 'T'", "I2 own fence; T/0: its outcome 1 is of another trial"),
    ("UPDATE outcomes SET cell = 9 WHERE id = 1", "I2 own fence; S/0: its outcome 1 names S/9"),
    ("DELETE FROM outcomes WHERE id = 1", "I3 all there; S/0: its outcome 1 is not there"),
    (
        "UPDATE cells SET state = 'failed', outcome_id = NULL WHERE sweep_id = 'S' AND cell = 0",
        "I3 all there; S/0: the attempt with fence 1 was recorded, and the cell is failed",
    ),
    ("DELETE FROM points WHERE outcome_id = 1 AND step = 1000", "I3 all there; S/0: outcome 1 lacks the point of its last step"),
    ("UPDATE sweeps SET cells = 3 WHERE id = 'S'", "I4 counts; S/3: the sweep has the cells 0 to 2"),
    ("UPDATE sweeps SET state = 'finished' WHERE id = 'S'", "I4 counts; it is finished, with 2 of 1000 cells final"),
    ("UPDATE sweeps SET state = 'running' WHERE id = 'T'", "I4 counts; it is running, and all of its 1 cells are final"),
    (
        "UPDATE attempts SET fence = 5 WHERE sweep_id = 'S' AND cell = 2",
        "I5 fences; S/2: an attempt has the fence 5, the cell 1",
    ),
    ("UPDATE cells SET fence = 4 WHERE sweep_id = 'S' AND cell = 2", "I5 fences; S/2: there is no attempt with its fence 4"),
    (
        "UPDATE cells SET state = 'ready' WHERE sweep_id = 'S' AND cell = 3",
        "I6 given up; S/3: it failed 2 times, was suspected 0 times, and is ready",
    ),
    (
        "INSERT INTO attempts (sweep_id, cell, fence, leased_at_ms, ended_at_ms, ending) VALUES
         ('S', 4, 2, 1, 1, 'suspected'), ('S', 4, 3, 1, 1, 'suspected'), ('S', 4, 4, 1, 1, 'suspected');
         UPDATE cells SET fence = 4, state = 'quarantined' WHERE sweep_id = 'S' AND cell = 4",
        "I6 given up; S/4: it failed 0 times, was suspected 4 times, and is quarantined",
    ),
    (
        "UPDATE attempts SET ended_at_ms = 5, ending = 'lost' WHERE sweep_id = 'S' AND cell = 1",
        "I7 none stuck; S/1: it is leased, and the attempt with its fence 1 has ended or has no worker",
    ),
    (
        "UPDATE cells SET state = 'ready' WHERE sweep_id = 'S' AND cell = 1",
        "I7 none stuck; S/1: the attempt with fence 1 has not ended, and the cell is ready with fence 1",
    ),
    ("UPDATE attempts SET ending = NULL WHERE sweep_id = 'S' AND cell = 2", "I7 none stuck; S/2: the attempt with fence 1 has an end without a time"),
    (
        "UPDATE cells SET state = 'cancelled' WHERE sweep_id = 'S' AND cell = 2",
        "checkpoints; S/2: it is cancelled and has a checkpoint",
    ),
    ("UPDATE counters SET value = 3", "counters; TUNED/"),
    (
        "DELETE FROM blob_chunks WHERE seq = 1",
        "contents; S/2: blob HASH: its bytes are not those that its hash says",
    ),
    (
        "UPDATE blobs SET size = size + 1",
        "contents; S/2: blob HASH: its bytes are not those that its hash says",
    ),
    ("DELETE FROM blob_chunks WHERE hash IN (SELECT hash FROM inputs)", "contents; blob HASH: its bytes are not there"),
    ("UPDATE selections SET candidate = 2", "selections; TUNED; group 0 chose candidate 2 of 2"),
    ("UPDATE selections SET candidate = 0", "selections; TUNED; group 0 chose candidate 0 (Some(0.25)), its scores choose 1"),
    ("UPDATE selections SET group_index = 7", "selections; TUNED; group 7 is not one of its 1"),
    ("DELETE FROM selections", "selections; TUNED/4: it is a refit, and its group has chosen nothing"),
];

async fn each_check_can_fail(kind: Kind) {
    let mut failed = BTreeSet::new();
    for (statements, said) in DOCTORED {
        let (scene, [s, t, tuned]) = sound(kind).await;
        let named = |text: &str| {
            text.replace("TUNED", &tuned).replace("'S'", &format!("'{s}'")).replace("'T'", &format!("'{t}'"))
        };
        doctor(&scene.location, &named(statements)).await;
        let found = scene.store.check().await.unwrap();
        let said = said.replace("TUNED", &tuned).replace("S/", &format!("{s}/")).replace("T/", &format!("{t}/"));
        // The hash of a blob is not what this is about.
        let told = wrong(&found);
        let plain: Vec<String> = told
            .iter()
            .map(|line| match line.split_once("blob ") {
                Some((before, after)) => format!("{before}blob HASH{}", &after[64..]),
                None => line.clone(),
            })
            .collect();
        assert!(
            plain.iter().any(|line| said.split("; ").all(|words| line.contains(words))),
            "{statements}\nexpected: {said}\nfound: {told:#?}"
        );
        failed.insert(said.split("; ").next().unwrap().to_owned());
    }
    let (scene, _) = sound(kind).await;
    let checks: BTreeSet<String> =
        scene.store.check().await.unwrap().iter().map(|check| check.name.to_owned()).collect();
    failed.insert("database".to_owned()); // below
    assert_eq!(failed, checks, "each check is seen to fail");
}

#[tokio::test]
async fn each_check_can_fail_on_sqlite() {
    each_check_can_fail(Kind::Sqlite).await;
}

#[tokio::test]
async fn each_check_can_fail_on_postgres() {
    each_check_can_fail(Kind::Postgres).await;
}

#[tokio::test]
async fn a_sound_database_passes_every_check() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let (scene, _) = sound(kind).await;
        let found = scene.store.check().await.unwrap();
        assert_eq!(wrong(&found), [""; 0], "{kind:?}");
        assert!(found.iter().all(|check| check.violations == 0) && found.len() >= 12, "{found:?}");
    }
}

#[tokio::test]
async fn a_damaged_page_and_a_dangling_reference_are_found() {
    let (scene, _) = sound(Kind::Sqlite).await;
    doctor(&scene.location, "DELETE FROM workers").await;
    let dangling = wrong(&scene.store.check().await.unwrap());
    let said = "database: a row of attempts refers to a row of workers that is not there".to_owned();
    assert!(dangling.contains(&said), "{dangling:?}");
    let Location::Sqlite(path) = scene.location.clone() else { unreachable!("the kind above") };
    let root: i64 = {
        let mut connection = SqliteConnection::connect(&format!("sqlite://{}", path.display())).await.unwrap();
        let root = "SELECT rootpage FROM sqlite_schema WHERE name = 'cells_by_outcome'";
        sqlx::query_scalar(root).fetch_one(&mut connection).await.unwrap()
    };
    scene.store.close().await;
    // The end of a page of an index, where its entries lie: as a disk does it that lost a write.
    let mut bytes = std::fs::read(&path).unwrap();
    let end = 4_096 * root as usize;
    bytes[end - 3] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let store = sweep_coordinator::store::Store::read(&Location::Sqlite(path)).await.unwrap();
    let damaged = wrong(&store.check().await.unwrap());
    assert!(damaged.iter().any(|line| line.starts_with("database: ")), "{damaged:?}");
    assert!(
        damaged.iter().any(|line| line.contains("this cannot be checked: ") && line.contains("malformed")),
        "{damaged:?}"
    );
}

#[tokio::test]
async fn what_postgres_does_not_enforce_is_found() {
    let (scene, _) = sound(Kind::Postgres).await;
    doctor(
        &scene.location,
        "ALTER TABLE tags ADD CONSTRAINT later CHECK (tag <> '') NOT VALID;
         UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'cells_by_state'::regclass",
    )
    .await;
    let found = wrong(&scene.store.check().await.unwrap());
    let said = ["database: the index cells_by_state is not valid", "database: the constraint later is not enforced"];
    assert!(said.iter().all(|line| found.iter().any(|found| found == line)), "{found:?}");
}

#[tokio::test]
async fn many_violations_are_counted_and_the_first_are_told() {
    let scene = Scene::new(Kind::Sqlite).await;
    let s = scene.sweep("s").await;
    let cells: Vec<NewCell> = (0..50).map(|index| cell(index, &replicate(index as i64))).collect();
    scene.store.lease(&s, &cells, "w", 100).await.unwrap();
    doctor(&scene.location, "UPDATE cells SET state = 'ready'").await;
    let found = scene.store.check().await.unwrap();
    let stuck = found.iter().find(|check| check.name == "I7 none stuck").unwrap();
    assert_eq!((stuck.violations, stuck.examples.len()), (50, 20));
}

/// `retry` of a done cell: its earlier outcome stays until `gc`, and is no duplicate.
#[tokio::test]
async fn a_cell_that_is_trained_once_more_is_no_violation() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let scene = Scene::new(kind).await;
        let s = scene.sweep("s").await;
        scene.done(&s, cell(0, &[]), &outcome(0.5, 0.5)).await;
        doctor(&scene.location, "UPDATE cells SET state = 'ready', outcome_id = NULL").await;
        assert_eq!(wrong(&scene.store.check().await.unwrap()), [""; 0]);
        scene.done(&s, cell(0, &[]), &outcome(0.25, 0.5)).await;
        assert_eq!(wrong(&scene.store.check().await.unwrap()), [""; 0]);
    }
}
