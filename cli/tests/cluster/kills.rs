//! The coordinator is killed again and again while a sweep runs: what workers were told to be durable is there, nothing is
//! recorded twice, and what runs goes on.

use crate::processes::{Chance, Cluster, Kind};
use std::collections::BTreeSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Cells that train for a given time, whatever the machine.
const SWEEP: &str = r#"
name = "kills"
[problem]
n = 20
rank = 2
samples = 200
[train]
steps = 10000000
depth = 2
init_scale = 0.1
[[optimizer]]
name = "adam"
lr = 0.000001
[stop]
seconds = 0.9
[replicate]
count = CELLS
[record]
points = 8
"#;

fn now_ms() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()
}

/// Kills the coordinator `kills` times in the middle of a sweep of two workers.
fn killed(kind: Kind, kills: usize, cells: u32, seed: u64) {
    let mut cluster = Cluster::new(kind);
    std::fs::write(cluster.path("kills.toml"), SWEEP.replace("CELLS", &cells.to_string())).unwrap();
    cluster.start();
    cluster.ask(&["submit", "kills.toml"]);
    cluster.work();
    cluster.work();
    let mut chance = Chance(seed);
    let (mut starts, mut windows) = (Vec::new(), Vec::new());
    for kill in 0..kills {
        std::thread::sleep(chance.between(100, 2_000));
        let at = now_ms();
        cluster.kill_coordinator();
        starts.push(cluster.start());
        windows.push((at, now_ms()));
        if kill % 10 == 4 {
            cluster.ask(&["fsck"]);
        }
    }
    assert_eq!(cluster.rows("SELECT state FROM sweeps"), ["running"], "the last kill came after the end");
    cluster.finish(Duration::from_secs(300), |_| std::thread::sleep(Duration::from_millis(300)));
    cluster.stop();
    // On SQLite with PRAGMA integrity_check.
    cluster.ok(&["fsck"]);

    let counts = "SELECT count(*), count(DISTINCT cell) FROM outcomes";
    assert_eq!(cluster.rows(counts), [format!("{cells},{cells}")], "each cell once");
    let recorded: BTreeSet<String> = cluster
        .rows("SELECT sweep_id, cell, fence FROM attempts WHERE ending = 'recorded'")
        .iter()
        .map(|row| row.split(',').collect::<Vec<_>>())
        .map(|fields| format!("{}/{} fence {}", fields[0], fields[1], fields[2]))
        .collect();
    let acknowledged = cluster.acknowledged();
    let missing: Vec<&String> = acknowledged.iter().filter(|told| !recorded.contains(*told)).collect();
    assert!(missing.is_empty(), "acknowledged, and not in the database: {missing:?}");
    assert_eq!(acknowledged.len(), recorded.len(), "every result was acknowledged in the end, and once");

    // No lease was lost: a cell is trained again only where the worker never heard that it had it.
    let endings = cluster.rows("SELECT DISTINCT ending FROM attempts ORDER BY ending");
    assert!(endings.iter().all(|ending| ending == "recorded" || ending == "returned"), "{endings:?}");
    let spans: Vec<(u128, u128)> = cluster
        .rows("SELECT leased_at_ms, ended_at_ms FROM attempts WHERE ending = 'recorded'")
        .iter()
        .map(|row| row.split_once(',').unwrap())
        .map(|(begin, end)| (begin.parse().unwrap(), end.parse().unwrap()))
        .collect();
    let across =
        |(killed, back): &(u128, u128)| spans.iter().filter(|(begin, end)| begin < killed && end > back).count();
    let went_on: usize = windows.iter().map(across).sum();
    assert!(went_on >= kills, "{went_on} attempts went on across {kills} kills");
    starts.sort_unstable();
    let (median, longest) = (starts[kills / 2], starts[kills - 1]);
    println!(
        "{kind:?}: {kills} kills of the coordinator; {} results acknowledged, all there; {went_on} attempts went on across a \
         kill; serving again after {median:.2?} in the middle, {longest:.2?} at most",
        acknowledged.len()
    );
    assert!(median < Duration::from_secs(2), "serving again took {median:?}");
}

#[test]
fn five_kills_of_the_coordinator_lose_nothing_on_sqlite() {
    killed(Kind::Sqlite, 5, 20, 1);
}

#[test]
fn five_kills_of_the_coordinator_lose_nothing_on_postgres() {
    killed(Kind::Postgres, 5, 20, 2);
}

#[test]
#[ignore = "takes minutes: tests/kills/run"]
fn fifty_kills_of_the_coordinator_lose_nothing_on_sqlite() {
    killed(Kind::Sqlite, 50, 160, 3);
}

#[test]
#[ignore = "takes minutes: tests/kills/run"]
fn fifty_kills_of_the_coordinator_lose_nothing_on_postgres() {
    killed(Kind::Postgres, 50, 160, 4);
}
