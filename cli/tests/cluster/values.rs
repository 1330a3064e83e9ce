//! The numbers are those of one process, however many workers there are, whichever the database, and whoever is killed.

use crate::processes::{Chance, Cluster, Kind};
use std::time::Duration;

/// 76 cells: 3 depths × 2 optimizers × 3 penalties × 4 replicates, and 4 of the baseline.
const SWEEP: &str = r#"
name = "values"
[problem]
n = 30
rank = 2
samples = 400
[train]
steps = 3000
depth = [1, 2, 3]
init_scale = 0.1
[[optimizer]]
name = "gd"
lr = 0.1
[[optimizer]]
name = "adam"
lr = 0.01
[[penalty]]
name = "none"
[[penalty]]
name = "ratio"
lambda = 0.01
[[penalty]]
name = "nuclear"
lambda = 0.001
[[baseline]]
name = "minimum_nuclear"
[replicate]
count = 4
[record]
points = 8
"#;
const CELLS: usize = 76;

/// The whole of `result_values`, sorted, after a check of everything else.
fn values(cluster: &Cluster) -> String {
    cluster.ok(&["fsck"]);
    assert_eq!(cluster.rows("SELECT count(*), count(DISTINCT cell) FROM outcomes"), [format!("{CELLS},{CELLS}")]);
    assert_eq!(cluster.rows("SELECT count(*) FROM cells WHERE linked = 1"), ["0"]);
    let mut rows = cluster.rows("SELECT * FROM result_values");
    assert_eq!(rows.len(), CELLS);
    rows.sort_unstable();
    rows.join("\n")
}

fn cluster(kind: Kind) -> Cluster {
    let cluster = Cluster::new(kind);
    std::fs::write(cluster.path("values.toml"), SWEEP).unwrap();
    cluster
}

fn embedded(kind: Kind) -> String {
    let cluster = cluster(kind);
    cluster.ok(&["run", "values.toml"]);
    values(&cluster)
}

/// By so many workers; with a seed, one of them is killed now and then, and another comes.
fn by_workers(kind: Kind, count: usize, seed: Option<u64>) -> String {
    let mut cluster = cluster(kind);
    cluster.start();
    cluster.ask(&["submit", "values.toml"]);
    (0..count).for_each(|_| cluster.work());
    let mut chance = seed.map(Chance);
    let mut kills = 0;
    cluster.finish(Duration::from_secs(300), |cluster| match &mut chance {
        None => std::thread::sleep(Duration::from_millis(200)),
        Some(chance) => {
            std::thread::sleep(chance.between(200, 900));
            cluster.kill_worker(chance.below(count as u64) as usize);
            cluster.work();
            kills += 1;
        }
    });
    if seed.is_some() {
        let lost = cluster.rows("SELECT count(*) FROM attempts WHERE ending = 'lost'");
        assert_ne!(lost, ["0"], "{kills} kills struck nobody at work");
        println!("{kind:?}: {kills} workers were killed, {} attempts were lost with them", lost[0]);
    }
    cluster.stop();
    // Whoever dies with its worker is not suspected of anything.
    assert_eq!(cluster.rows("SELECT count(*) FROM attempts WHERE ending IN ('failed', 'suspected')"), ["0"]);
    values(&cluster)
}

#[test]
fn the_values_are_the_bytes_of_one_process() {
    let expected = embedded(Kind::Sqlite);
    assert_eq!(embedded(Kind::Postgres), expected, "embedded, Postgres");
    for kind in [Kind::Sqlite, Kind::Postgres] {
        for (count, seed) in [(1, None), (4, None), (4, Some(7))] {
            assert_eq!(by_workers(kind, count, seed), expected, "{kind:?}, {count} workers, kills: {}", seed.is_some());
        }
    }
}
