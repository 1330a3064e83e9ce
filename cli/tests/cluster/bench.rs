//! `sweep bench dispatch` on Postgres.

use super::processes::{Cluster, Kind};
use serde_json::Value as Json;

#[test]
fn a_bench_on_postgres_leaves_an_empty_database() {
    let cluster = Cluster::new(Kind::Postgres);
    let args = ["bench", "dispatch", "--cells", "500", "--singles", "20", "--output", "json"];
    let told: Json = serde_json::from_str(&cluster.ok(&args)).unwrap();
    let record = &told["dispatch"];
    assert_eq!((&record["cells"], &record["fsck_wrong"]), (&Json::from(500), &Json::from(0)), "{told}");
    // The server of tests does not flush, and that is said.
    assert_eq!(record["durability"], "synchronous_commit=on, fsync=off, full_page_writes=off");
    let counts = "SELECT (SELECT count(*) FROM sweeps) AS sweeps, (SELECT count(*) FROM outcomes) AS outcomes";
    assert_eq!(cluster.rows(counts), ["0,0"]);
}
