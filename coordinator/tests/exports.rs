//! Exports hold what the database holds; the packages that users have read them.

mod support;

use parquet::file::reader::{FileReader, SerializedFileReader};
use std::path::{Path, PathBuf};
use std::process::Command;
use support::{Kind, Scene, cell, diverged, outcome, replicate};
use sweep_coordinator::export::{Export, Form};
use sweep_coordinator::store::{Datum, Error, result_columns};
use sweep_core::outcome::{TEST_REL, VALIDATION_MSE};
use sweep_core::value::Value;

/// A name that a spreadsheet would run, with everything that CSV has to quote.
const NAME: &str = "=HYPERLINK(\"http://x\"),\n'; DROP TABLE cells; --";

/// Nine cells: ordinary ones, extreme numbers, missing ones, a baseline; and another sweep beside them.
async fn filled(kind: Kind) -> (Scene, String) {
    let scene = Scene::new(kind).await;
    let (sweep, other) = (scene.sweep(NAME).await, scene.sweep("other").await);
    let extremes = [0.1 + 0.2, 1e-308, 5e-324, f64::MAX, 1.0 / 3.0, 1e16, 0.0];
    for (r, error) in (0..).zip(extremes) {
        let mut o = outcome(error, error);
        o.last.set(VALIDATION_MSE, f64::NAN);
        o.validated = None;
        scene.done(&sweep, cell(10 - r, &replicate(r as i64)), &o).await;
    }
    let mut blind = diverged(1.0);
    blind.last.set(TEST_REL, f64::INFINITY);
    scene.done(&sweep, cell(11, &[("lr", Value::Float(1e-7))]), &blind).await;
    let absent = ["optimizer", "lr", "init", "init_scale", "init_seed", "schedule", "penalty", "depth", "steps"];
    let mut changes: Vec<(&str, Value)> = absent.map(|name| (name, Value::from("-"))).to_vec();
    changes.push(("baseline", Value::from("zero_fill")));
    scene.done(&sweep, cell(12, &changes), &outcome(1.0, 1.0)).await;
    scene.done(&other, cell(0, &[("lr", Value::Float(9.0))]), &outcome(9.0, 9.0)).await;
    (scene, sweep)
}

async fn expected(scene: &Scene, sweep: &str) -> Vec<Vec<Datum>> {
    scene.store.results(sweep, 0, 100).await.unwrap()
}

/// The whole file, and how many rows are in it.
async fn exported(scene: &Scene, sweep: &str, form: Form) -> (Vec<u8>, u64) {
    let mut export = Export::new(scene.store.clone(), sweep.to_owned(), form).unwrap();
    let mut bytes = Vec::new();
    while let Some(mut piece) = export.piece().await.unwrap() {
        bytes.append(&mut piece);
    }
    (bytes, export.rows())
}

#[tokio::test]
async fn csv_and_parquet_hold_the_view_row_by_row_on_both_databases() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let (scene, sweep) = filled(kind).await;
        let rows = expected(&scene, &sweep).await;
        assert_eq!(rows.len(), 9);

        let (csv, written) = exported(&scene, &sweep, Form::Csv).await;
        assert_eq!(written, 9);
        let mut reader = csv::Reader::from_reader(&csv[..]);
        let header: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
        assert_eq!(header, result_columns().iter().map(|c| c.name.clone()).collect::<Vec<_>>());
        for (line, row) in reader.records().map(Result::unwrap).zip(&rows) {
            assert_eq!(&line[0], format!("'{NAME}"), "a formula is disarmed");
            for ((field, value), column) in line.iter().zip(row).zip(&header) {
                match value {
                    Datum::Null => assert_eq!(field, "", "{column}"),
                    Datum::Int(x) => assert_eq!(field.parse::<i64>().unwrap(), *x, "{column}"),
                    Datum::Float(x) => assert_eq!(field.parse::<f64>().unwrap().to_bits(), x.to_bits(), "{column}"),
                    Datum::Text(x) => assert_eq!(field.strip_prefix('\'').unwrap_or(field), x, "{column}"),
                    Datum::Bytes(_) => panic!("{column}"),
                }
            }
        }

        let file = scene.directory.path().join("x.parquet");
        let (parquet, written) = exported(&scene, &sweep, Form::Parquet).await;
        assert_eq!(written, 9);
        std::fs::write(&file, parquet).unwrap();
        let reader = SerializedFileReader::new(std::fs::File::open(&file).unwrap()).unwrap();
        assert_eq!(reader.metadata().file_metadata().num_rows(), 9);
        for (read, row) in reader.get_row_iter(None).unwrap().map(Result::unwrap).zip(&rows) {
            for ((name, field), value) in read.get_column_iter().zip(row) {
                use parquet::record::Field;
                let same = match (field, value) {
                    (Field::Null, Datum::Null) => true,
                    (Field::Long(x), Datum::Int(y)) => x == y,
                    (Field::Double(x), Datum::Float(y)) => x.to_bits() == y.to_bits(),
                    (Field::Str(x), Datum::Text(y)) => x == y,
                    _ => false,
                };
                assert!(same, "{name}: {field:?} is not {value:?}");
            }
        }
    }
}

#[tokio::test]
async fn more_rows_than_a_group_holds_are_all_written() {
    let scene = Scene::new(Kind::Sqlite).await;
    let sweep = scene.sweep("s").await;
    let cells: Vec<_> = (0..5000).map(|i| cell(i, &[])).collect();
    scene.done(&sweep, cell(5000, &[]), &outcome(0.5, 0.5)).await;
    assert!(scene.store.link(&sweep, &cells, 5).await.unwrap().into_iter().all(|linked| linked));
    let (bytes, written) = exported(&scene, &sweep, Form::Parquet).await;
    assert_eq!(written, 5001);
    let file = scene.directory.path().join("x.parquet");
    std::fs::write(&file, bytes).unwrap();
    let reader = SerializedFileReader::new(std::fs::File::open(&file).unwrap()).unwrap();
    assert_eq!(reader.num_row_groups(), 2);
    assert_eq!(reader.metadata().file_metadata().num_rows(), 5001);

    let (bytes, written) = exported(&scene, &sweep, Form::Csv).await;
    let mut csv = csv::Reader::from_reader(&bytes[..]);
    let cell = csv.headers().unwrap().iter().position(|name| name == "cell").unwrap();
    let cells: Vec<u64> = csv.records().map(|line| line.unwrap()[cell].parse().unwrap()).collect();
    assert_eq!((cells, written), ((0..5001).collect(), 5001), "one header, and every cell once and in order");
}

#[tokio::test]
async fn an_export_of_a_sweep_that_is_removed_meanwhile_is_no_file() {
    let scene = Scene::new(Kind::Sqlite).await;
    let sweep = scene.sweep("s").await;
    scene.done(&sweep, cell(4200, &[]), &outcome(0.5, 0.5)).await;
    let cells: Vec<_> = (0..4200).map(|i| cell(i, &[])).collect();
    scene.store.link(&sweep, &cells, 5).await.unwrap();
    let mut export = Export::new(scene.store.clone(), sweep.clone(), Form::Csv).unwrap();
    assert!(export.piece().await.unwrap().is_some());
    scene.store.remove_sweep(&sweep).await.unwrap();
    let refused = export.piece().await.unwrap_err();
    assert!(matches!(refused, Error::UnknownSweep { .. }), "{refused}");
}

/// JSON as Python reads it: shortest floats, so equal bits.
fn json(value: &Datum) -> serde_json::Value {
    match value {
        Datum::Null => serde_json::Value::Null,
        Datum::Int(x) => (*x).into(),
        Datum::Float(x) => (*x).into(),
        Datum::Text(x) => x.as_str().into(),
        Datum::Bytes(x) => panic!("{x:?}"),
    }
}

#[tokio::test]
async fn pandas_duckdb_and_pyarrow_read_sqlite_csv_and_parquet_back_value_by_value() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let (scene, sweep) = filled(Kind::Sqlite).await;
    let rows = expected(&scene, &sweep).await;
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| -> PathBuf { directory.path().join(name) };
    std::fs::write(at("results.csv"), exported(&scene, &sweep, Form::Csv).await.0).unwrap();
    std::fs::write(at("results.parquet"), exported(&scene, &sweep, Form::Parquet).await.0).unwrap();
    let names: Vec<String> = result_columns().into_iter().map(|c| c.name).collect();
    // In the order of columns, which a map would lose.
    let objects: Vec<String> = rows
        .iter()
        .map(|row| {
            let pairs: Vec<String> = names.iter().zip(row).map(|(n, v)| format!("\"{n}\": {}", json(v))).collect();
            format!("{{{}}}", pairs.join(", "))
        })
        .collect();
    std::fs::write(at("expected.json"), format!("[{}]", objects.join(",\n"))).unwrap();
    // The one sweep alone, and the file closed: what a user copies to a laptop.
    let other = scene.store.find_sweep("other").await.unwrap().id;
    scene.store.remove_sweep(&other).await.unwrap();
    scene.store.close().await;
    std::fs::copy(scene.directory.path().join("sweep.db"), at("results.db")).unwrap();

    let python = Command::new(root.join("tests/environment/python")).output().unwrap();
    assert!(python.status.success(), "{}", String::from_utf8_lossy(&python.stderr));
    let python = String::from_utf8(python.stdout).unwrap();
    let read = Command::new(python.trim())
        .arg(root.join("tests/reference/read_exports.py"))
        .arg(directory.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&read.stdout);
    assert!(read.status.success(), "{said}{}", String::from_utf8_lossy(&read.stderr));
    assert!(said.starts_with("9 rows, "), "{said}");
}
