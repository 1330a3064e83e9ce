//! `sweep sql`: reads, and nothing else.

use crate::scene::{SMALL, Scene};
use serde_json::json;

#[test]
fn rows_come_in_three_forms() {
    let scene = Scene::with_run("small", SMALL);
    let query = "SELECT 1 AS a, '=1+1' AS b, NULL AS c, 0.1 + 0.2 AS d, x'00ff' AS e, char(27) || '[2J' AS f";
    assert_eq!(
        scene.json(&["sql", query]),
        json!([{
            "a": 1, "b": "=1+1", "c": null, "d": 0.1 + 0.2, "e": "00ff", "f": "\u{1b}[2J"
        }])
    );
    // A formula is no formula in a spreadsheet; every digit is there.
    assert_eq!(
        scene.ok(&["sql", query, "--output", "csv"]),
        "a,b,c,d,e,f\n1,'=1+1,,0.30000000000000004,00ff,\u{1b}[2J\n"
    );
    let table = scene.ok(&["sql", query]);
    assert_eq!(table, "a  b     c    d  e        f\n1  =1+1  -  0.3  2 bytes  \\u{1b}[2J\n");
    let cut = scene.sweep(&["sql", "SELECT cell FROM results ORDER BY cell", "--rows", "3", "--output", "csv"]);
    assert_eq!((cut.out.as_str(), cut.code), ("cell\n0\n1\n2\n", Some(0)));
    assert_eq!(cut.err, "warning: there are more rows than 3; raise --rows to see them\n");
}

#[test]
fn nothing_can_be_written_and_nothing_else_be_opened() {
    let scene = Scene::with_run("small", SMALL);
    let before = std::fs::read(scene.path("results/sweep.db")).unwrap();
    for (query, why) in [
        ("DELETE FROM cells", "it begins with \"delete\"; allowed: one SELECT, WITH, VALUES or EXPLAIN"),
        ("WITH x AS (SELECT 1) DELETE FROM cells", "readonly database"),
        ("SELECT 1; DROP TABLE cells", "it holds more than one statement"),
        ("ATTACH '/tmp/x' AS y", "it begins with \"attach\""),
        ("PRAGMA query_only = 0", "it begins with \"pragma\""),
        ("SELECT load_extension('x')", "not authorized"),
        ("SELECT writefile('x', 'y')", "no such function"),
        ("", "it is empty"),
    ] {
        let refused = scene.error(2, &["sql", query]);
        assert!(refused.starts_with("error: query") && refused.contains(why), "{query}: {refused}");
    }
    assert_eq!(scene.rows("SELECT COUNT(*) FROM cells"), ["52"]);
    assert_eq!(std::fs::read(scene.path("results/sweep.db")).unwrap(), before);
}

#[test]
fn a_misspelt_name_finds_the_nearest_and_an_endless_query_its_end() {
    let scene = Scene::with_run("small", SMALL);
    let of = |query: &str| scene.error(2, &["sql", query]);
    assert_eq!(
        of("SELECT r.lamda FROM results r"),
        "error: query: no such column: r.lamda; nearest in results: lambda\n"
    );
    let table = of("SELECT * FROM reslts");
    assert!(table.starts_with("error: query: no such table: reslts; nearest: results; views: "), "{table}");
    let endless = "WITH RECURSIVE t(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM t) SELECT COUNT(*) FROM t";
    let stopped = scene.error(2, &["sql", endless, "--seconds", "0.2"]);
    assert!(stopped.contains("query stopped after 0.2 s"), "{stopped}");
}
