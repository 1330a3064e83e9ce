//! `sweep paper`: what is published is what was trained, and nothing else passes for it.

use crate::scene::Scene;

/// Trained once, the rows kept.
fn kept() -> Scene {
    let scene = Scene::new();
    scene.ok(&["paper", "norms", "--keep", "rows", "--out", "first"]);
    scene
}

#[test]
fn rows_that_were_kept_make_the_same_document_again() {
    let scene = kept();
    let document = std::fs::read_to_string(scene.path("first/findings.md")).unwrap();
    assert!(document.contains("## (j) Norms against rank") && document.contains("**Verdict: "), "{document}");
    assert!(document.contains("![") && scene.path("first/images/findings/j-1.svg").exists());
    scene.ok(&["paper", "norms", "--from", "rows", "--out", "second", "--db", "second.db"]);
    for name in ["findings.md", "images/findings/j-1.svg"] {
        let read = |directory: &str| std::fs::read(scene.path(&format!("{directory}/{name}"))).unwrap();
        assert!(read("first") == read("second"), "{name} differs");
    }
    // What was put back is there for SQL, and a second time nothing is added.
    scene.ok(&["paper", "norms", "--from", "rows", "--check", "--out", "first", "--db", "second.db"]);
    assert_eq!(scene.rows_of("second.db", "SELECT count(*) FROM results"), scene.rows("SELECT count(*) FROM results"));
    let numbers = "SELECT cell, unobserved_max, effective_rank, train_loss, status FROM results ORDER BY cell";
    assert_eq!(scene.rows_of("second.db", numbers), scene.rows(numbers));
    let points = "SELECT cell, step, unobserved_max FROM trajectory WHERE optimizer = 'gd' ORDER BY cell, step";
    assert_eq!(scene.rows_of("second.db", points), scene.rows(points));
    // All is there: nothing is trained.
    let said = scene.sweep(&["paper", "norms", "--out", "third"]);
    assert!(said.err.contains("all there") && !said.err.contains("trained"), "{}", said.err);
}

#[test]
fn a_number_that_was_typed_is_found_out() {
    let scene = kept();
    let path = scene.path("first/findings.md");
    let document = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, document.replacen("28 cells", "29 cells", 1)).unwrap();
    let check = ["paper", "norms", "--from", "rows", "--check", "--out", "first", "--db", "second.db"];
    let said = scene.sweep(&check);
    assert_eq!(said.code, Some(4), "{}", said.err);
    assert!(said.err.contains("findings.md differs: line ") && said.err.contains("29 cells"), "{}", said.err);
    std::fs::write(&path, document).unwrap();
    std::fs::remove_file(scene.path("first/images/findings/j-1.svg")).unwrap();
    let said = scene.sweep(&check);
    assert!(said.code == Some(4) && said.err.contains("j-1.svg is missing"), "{}", said.err);
}

#[test]
fn rows_of_something_else_are_refused() {
    let scene = kept();
    for end in ["", ".points"] {
        let (from, to) = (format!("rows/norms{end}.parquet"), format!("rows/steps{end}.parquet"));
        std::fs::copy(scene.path(&from), scene.path(&to)).unwrap();
    }
    let from = |sweep| ["paper", sweep, "--from", "rows", "--out", "x", "--db", "x.db"];
    let refused = scene.error(2, &from("steps"));
    assert!(refused.contains("the result rows of \"steps\" are of another sweep file"), "{refused}");
    scene.write("rows/norms.parquet", "PAR1");
    let refused = scene.error(2, &from("norms"));
    assert!(refused.starts_with("error: rows/norms.parquet cannot be read: "), "{refused}");
    let refused = scene.error(2, &from("deep"));
    assert!(refused.contains("rows/deep.parquet cannot be read: No such file"), "{refused}");
    assert!(!scene.path("x").exists(), "nothing is written where something is wrong");
}

#[test]
fn the_set_is_listed_and_a_name_that_is_not_of_it_is_refused() {
    let scene = Scene::new();
    let list = scene.json(&["paper", "--list"]);
    let text = list.to_string();
    for name in ["headline", "implicit", "ratings"] {
        assert!(text.contains(&format!("\"{name}\"")), "{text}");
    }
    let refused = scene.error(2, &["paper", "headlin"]);
    assert!(refused.contains("sweep \"headlin\" is not of the set; known: norms, steps"), "{refused}");
    assert!(scene.error(2, &["paper", "--quick", "--from", "x"]).contains("cannot be used with"));
    assert!(scene.error(2, &["paper", "--ratings", "none.data"]).contains("none.data cannot be read"));
}
