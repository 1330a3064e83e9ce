//! Tells the binary which commit it is built from, for the provenance of results: `SWEEP_GIT_COMMIT`, empty outside a
//! git checkout, with `-dirty` where sources differ from it. Where the variable is set already, as in a build without the
//! history, its value.

use std::process::Command;

const SOURCES: [&str; 6] = ["../core", "../coordinator", "../worker", "../cli", "../migrations", "../Cargo.lock"];

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn main() {
    println!("cargo::rerun-if-env-changed=SWEEP_GIT_COMMIT");
    if let Some(commit) = std::env::var("SWEEP_GIT_COMMIT").ok().filter(|commit| !commit.is_empty()) {
        println!("cargo::rustc-env=SWEEP_GIT_COMMIT={commit}");
        return;
    }
    let status: Vec<&str> = ["status", "--porcelain", "--"].into_iter().chain(SOURCES).collect();
    let commit = git(&["rev-parse", "HEAD"]).map(|commit| match git(&status) {
        Some(changes) if changes.is_empty() => commit,
        _ => format!("{commit}-dirty"),
    });
    println!("cargo::rustc-env=SWEEP_GIT_COMMIT={}", commit.unwrap_or_default());
    let head = ["HEAD".to_owned()].into_iter().chain(git(&["symbolic-ref", "-q", "HEAD"]));
    for name in head.filter_map(|name| git(&["rev-parse", "--git-path", &name])) {
        println!("cargo::rerun-if-changed={name}");
    }
    SOURCES.iter().for_each(|source| println!("cargo::rerun-if-changed={source}"));
}
