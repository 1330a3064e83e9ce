//! `sweep doctor` on a machine, on a database, at a coordinator.

use crate::processes::{Cluster, Kind};
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// State and text of each subject.
fn findings(json: &str) -> BTreeMap<String, (String, String)> {
    let found: Json = serde_json::from_str(json).unwrap();
    let text = |row: &Json, name: &str| row[name].as_str().unwrap().to_owned();
    let rows = found.as_array().unwrap_or_else(|| panic!("{found}"));
    rows.iter().map(|row| (text(row, "subject"), (text(row, "state"), text(row, "what")))).collect()
}

#[test]
fn a_coordinator_is_examined_and_a_server_that_loses_data_is_a_problem() {
    let doctor = ["doctor", "--output", "json"];
    for (kind, code) in [(Kind::Sqlite, 0), (Kind::Postgres, 2)] {
        let mut cluster = Cluster::new(kind);
        cluster.start();
        let (ended, out, err) = cluster.asked(&doctor);
        assert_eq!(ended, Some(code), "{out}{err}");
        let found = findings(&out);
        for subject in ["version", "blas", "cores", "memory", "coordinator", "versions", "clocks", "token", "admins"] {
            assert_eq!(found[subject].0, "ok", "{subject}: {found:?}");
        }
        assert_eq!(found["certificate"].0, "warning", "plain text");
        assert_eq!(found["workers"].0, "warning", "nobody trains");
        assert_eq!(found["checkpoints"].1, "0 checkpoints, 0.00 of 16.00 GiB");
        match kind {
            Kind::Sqlite => {
                assert_eq!(found["database"].0, "ok");
                assert!(found["database"].1.ends_with("journal_mode=wal, synchronous=2"), "{found:?}");
                assert!(found.contains_key("disk") && found.contains_key("file system"), "{found:?}");
            }
            Kind::Postgres => {
                // The server of these tests is started so.
                assert_eq!(found["database"].0, "problem");
                assert!(found["database"].1.contains("synchronous_commit=on, fsync=off"), "{found:?}");
                assert!(
                    out.contains("fsync is off, and must be on") && err == "error: 1 problem found\n",
                    "{out}{err}"
                );
            }
        }
        cluster.work();
        let end = std::time::Instant::now() + std::time::Duration::from_secs(60);
        loop {
            let found = findings(&cluster.asked(&doctor).1);
            if found["workers"].0 == "ok" {
                assert_eq!(found["workers"].1, "1 connected with 1 slots, 0 away that hold cells");
                break;
            }
            assert!(std::time::Instant::now() < end, "{found:?}");
        }
        cluster.stop();
    }
}

#[test]
fn a_machine_without_a_database_is_well() {
    let cluster = Cluster::new(Kind::Sqlite);
    let found = findings(&cluster.ok(&["doctor", "--output", "json"]));
    assert_eq!(found["database"].0, "warning");
    assert!(found["database"].1.starts_with("there is no database at "), "{found:?}");
    assert_eq!(found["blas"].0, "ok");
}
