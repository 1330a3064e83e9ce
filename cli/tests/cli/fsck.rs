//! `fsck`: what it says, and the code it ends with.

use crate::scene::{SMALL, Scene, at};
use serde_json::Value as Json;

#[test]
fn what_is_wrong_is_named_and_ends_with_code_4() {
    let scene = Scene::with_run("small", SMALL);
    let clean = scene.ok(&["fsck"]);
    assert!(clean.starts_with("check") && clean.contains("I5 fences") && !clean.contains("wrong:"), "{clean}");
    let json = scene.json(&["fsck"]);
    let checks = json["checks"].as_array().unwrap();
    assert!(checks.len() >= 12 && checks.iter().all(|check| check["wrong"] == 0), "{json}");
    assert_eq!(json["wrong"], Json::Array(Vec::new()));

    scene.doctor("UPDATE cells SET fence = 7 WHERE cell = 3");
    let said = scene.sweep(&["fsck"]);
    assert_eq!(
        (said.code, said.err.as_str()),
        (Some(4), "error: 2 things are wrong with what is stored\n"),
        "{}",
        said.out
    );
    assert!(said.out.contains("there is no attempt with its fence 7"), "{}", said.out);
    let said = scene.sweep(&["fsck", "--output", "json"]);
    assert_eq!(said.code, Some(4));
    let json: Json = serde_json::from_str(&said.out).unwrap();
    let wrong = &json["wrong"];
    let id = scene.rows("SELECT id FROM sweeps").remove(0);
    assert_eq!((at(wrong, 0, "check"), at(wrong, 1, "check")), (&"I2 own fence".into(), &"I5 fences".into()));
    assert_eq!((at(wrong, 1, "sweep"), at(wrong, 1, "cell")), (&Json::from(id), &3.into()));
}
