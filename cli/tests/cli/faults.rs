//! A full disk and a directory that cannot be written: a clear error, and everything recorded so far is there.

use crate::scene::{SMALL, Scene, clean, said};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Many points, without the baseline: some megabytes.
fn large() -> String {
    let file =
        SMALL.replace("\"small\"", "\"large\"").replace("count = 2", "count = 6").replace("points = 8", "points = 60");
    file.replace("[[baseline]]\nname = \"minimum_nuclear\"\n", "")
}

#[test]
fn a_full_disk_ends_the_run_and_keeps_what_was_recorded() {
    let scene = Scene::new();
    scene.write("small.toml", SMALL);
    scene.write("large.toml", &large());
    scene.ok(&["run", "small.toml", "--db", "x.db"]);
    let before = scene.values("x.db");
    // Blocks of 512 or 1024 bytes: at most 2 MiB a file. Without the trap the first write too far would end the process.
    let limited = |db: &str| {
        let mut command = Command::new("sh");
        let script = "trap '' XFSZ; ulimit -f 2048; exec \"$0\" run large.toml --db \"$1\"";
        command.args(["-c", script]).arg(assert_cmd::cargo::cargo_bin!("sweep")).arg(db);
        command.current_dir(scene.folder.path());
        clean(&mut command);
        said(command.output().unwrap())
    };
    let full = limited("x.db");
    assert_eq!(full.code, Some(1), "{}", full.err);
    assert!(full.err.contains("error: the database cannot be written any more"), "{}", full.err);
    assert!(full.err.contains("everything recorded so far is intact"), "{}", full.err);
    let kept = scene.values("x.db");
    assert!(kept.len() > before.len() && before.iter().all(|row| kept.contains(row)), "{}", kept.len());

    // With room again it goes on, and nothing is different from a run in peace.
    scene.ok(&["run", "large.toml", "--db", "x.db"]);
    scene.ok(&["run", "large.toml", "--db", "peace.db"]);
    let of_large = |db: &str| {
        scene.rows_of(
            db,
            "SELECT cell, test_rel, nuclear_norm, effective_rank FROM results WHERE sweep = 'large' ORDER BY cell",
        )
    };
    assert_eq!(of_large("x.db").len(), 144);
    assert_eq!(of_large("x.db"), of_large("peace.db"));
}

/// A command as a user who is not root, whom no permission stops.
fn as_nobody(scene: &Scene, program: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(args).current_dir(scene.folder.path());
    clean(&mut command);
    // Safety: the call has no preconditions.
    if unsafe { libc::geteuid() } == 0 {
        command.uid(65_534).gid(65_534);
    }
    command
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_read_only_directory_can_be_read_and_is_not_written() {
    let scene = Scene::with_run("small", SMALL);
    set_mode(scene.folder.path(), 0o755);
    // Where that other user can run it.
    let program: PathBuf = scene.path("sweep");
    std::fs::copy(assert_cmd::cargo::cargo_bin!("sweep"), &program).unwrap();
    let results = scene.path("results");
    for file in std::fs::read_dir(&results).unwrap() {
        set_mode(&file.unwrap().path(), 0o444);
    }
    set_mode(&results, 0o555);
    let nobody = |args: &[&str]| said(as_nobody(&scene, &program, args).output().unwrap());
    for args in [
        &["run", "small.toml"][..],
        &["run", "small.toml", "--fresh"],
        &["gc"],
        &["rm", "small", "--yes"],
        &["tag", "small", "x"],
    ] {
        let refused = nobody(args);
        assert_eq!(refused.code, Some(2), "{args:?} {}", refused.err);
        assert!(refused.err.contains("results/sweep.db cannot be written: Permission denied"), "{}", refused.err);
    }
    let rows = nobody(&["sql", "SELECT COUNT(*) FROM results", "--output", "csv"]);
    assert_eq!((rows.out.as_str(), rows.code), ("COUNT(*)\n52\n", Some(0)), "{}", rows.err);
    assert_eq!(nobody(&["show", "small"]).code, Some(0));
    assert_eq!(nobody(&["repro", "small/3"]).code, Some(0));
    let nowhere = nobody(&["run", "small.toml", "--db", "results/new.db"]);
    assert!(nowhere.err.contains("results/new.db cannot be written"), "{}", nowhere.err);
    // So that the folder can be removed.
    set_mode(&results, 0o755);
    assert_eq!(scene.rows("SELECT COUNT(*) FROM results"), ["52"]);
}
