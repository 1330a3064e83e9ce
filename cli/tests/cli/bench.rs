//! `sweep bench` measures this very program; here in small, so that it cannot rot.

use super::scene::Scene;
use serde_json::Value as Json;

#[test]
fn cells_are_dispatched_by_real_processes_and_what_is_stored_is_sound() {
    let scene = Scene::new();
    let args = ["bench", "dispatch", "--cells", "500", "--singles", "20", "--db", "new/bench.db", "--output", "json"];
    let told: Json = serde_json::from_str(&scene.ok(&args)).unwrap();
    let record = &told["dispatch"];
    assert_eq!((&record["cells"], &record["fsck_wrong"]), (&Json::from(500), &Json::from(0)), "{told}");
    assert_eq!(record["durability"], "journal_mode=wal, synchronous=2");
    for measured in ["cells_per_second", "coordinator_mib_idle", "coordinator_mib_at_the_end"] {
        assert!(record[measured].as_f64().unwrap() > 0.0, "{measured}: {told}");
    }
    for row in told["latency"].as_array().unwrap() {
        let ms = |column: &str| row[column].as_f64().unwrap();
        assert!(0.0 < ms("p50") && ms("p50") <= ms("p90") && ms("p90") <= ms("p99"), "{row}");
    }
    assert!(told["fsck"].as_array().unwrap().iter().all(|check| check["wrong"] == 0), "{told}");
    let left: Vec<_> = std::fs::read_dir(scene.path("new")).unwrap().flatten().map(|entry| entry.path()).collect();
    assert!(left.is_empty(), "everything that was made is taken away: {left:?}");
}

#[test]
fn a_database_that_is_there_is_not_measured_on() {
    let scene = Scene::new();
    scene.write("mine.db", "not for benches");
    let said = scene.error(2, &["bench", "dispatch", "--db", "mine.db"]);
    assert!(said.contains("mine.db is there already") && said.contains("allowed: --db with a new file"), "{said}");
    assert_eq!(std::fs::read_to_string(scene.path("mine.db")).unwrap(), "not for benches");
}

#[test]
#[cfg(target_os = "linux")]
fn memory_is_no_disk() {
    let shared = std::path::Path::new("/dev/shm");
    if !shared.is_dir() {
        return;
    }
    let folder = tempfile::tempdir_in(shared).unwrap();
    let db = folder.path().join("x.db").display().to_string();
    let said = Scene::new().error(2, &["bench", "dispatch", "--cells", "500", "--db", &db]);
    assert!(said.contains("lies in memory (tmpfs at ") && said.contains("allowed: --db on a disk"), "{said}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn the_time_left_of_simulated_sweeps_is_within_its_bounds() {
    let scene = Scene::new();
    let told: Json = serde_json::from_str(&scene.ok(&["bench", "eta", "--sweeps", "5", "--output", "json"])).unwrap();
    assert_eq!((&told["eta"]["sweeps"], &told["eta"]["within_bounds"]), (&Json::from(5), &Json::from(5)), "{told}");
}

#[test]
fn starts_are_timed() {
    let told: Json =
        serde_json::from_str(&Scene::new().ok(&["bench", "start", "--times", "1", "--output", "json"])).unwrap();
    assert_eq!(told["start"].as_array().unwrap().len(), 3, "{told}");
    assert!(told["memory"]["coordinator_mib_idle"].as_f64().unwrap() > 0.0, "{told}");
}
