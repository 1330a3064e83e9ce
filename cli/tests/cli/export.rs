//! `sweep export`, `sweep repro`: what leaves the database is what was computed.

use crate::scene::{SMALL, Scene};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;

#[test]
fn csv_and_parquet_hold_every_result_to_the_last_digit() {
    let scene = Scene::with_run("small", SMALL);
    let csv = scene.ok(&["export", "small"]);
    let columns: Vec<&str> = csv.lines().next().unwrap().split(',').collect();
    let of = |name: &str| columns.iter().position(|column| *column == name).unwrap();
    let (cell, error) = (of("cell"), of("test_rel"));
    let exported: Vec<(i64, f64)> = csv
        .lines()
        .skip(1)
        .map(|line| line.split(',').collect::<Vec<_>>())
        .map(|fields| (fields[cell].parse().unwrap(), fields[error].parse().unwrap()))
        .collect();
    let known = scene.rows("SELECT cell || ',' || cell, test_rel FROM results ORDER BY cell");
    let known: Vec<f64> = known.iter().map(|row| row.rsplit(',').next().unwrap().parse().unwrap()).collect();
    assert_eq!(
        exported.iter().map(|(_, error)| error.to_bits()).collect::<Vec<_>>(),
        known.iter().map(|x| x.to_bits()).collect::<Vec<_>>()
    );

    let said = scene.sweep(&["export", "small", "--format", "parquet", "-o", "x.parquet"]);
    assert_eq!((said.code, said.err.as_str()), (Some(0), "52 results of \"small\" written to x.parquet\n"));
    let reader = SerializedFileReader::new(std::fs::File::open(scene.path("x.parquet")).unwrap()).unwrap();
    assert_eq!(reader.metadata().file_metadata().num_rows(), 52);
    for (row, (cell, error)) in reader.get_row_iter(None).unwrap().zip(&exported) {
        let row = row.unwrap();
        let value = |name: &str| row.get_column_iter().find(|(column, _)| *column == name).unwrap().1.clone();
        assert_eq!((value("cell"), value("test_rel")), (Field::Long(*cell), Field::Double(*error)));
    }
    // To a file: the same bytes, and no half of one.
    scene.ok(&["export", "small", "-o", "x.csv"]);
    assert_eq!(std::fs::read_to_string(scene.path("x.csv")).unwrap(), csv);
    let refused = scene.error(2, &["export", "small", "-o", "none/x.csv"]);
    assert!(refused.starts_with("error: none/x.csv cannot be written: "), "{refused}");
    assert!(
        !std::fs::read_dir(scene.folder.path()).unwrap().any(|f| f
            .unwrap()
            .path()
            .to_string_lossy()
            .ends_with(".part"))
    );
    assert!(scene.error(2, &["export", "small", "--format", "parquet"]).contains("-o FILE"));
    assert!(scene.error(2, &["export", "small/3"]).contains("write \"small\""));
}

#[test]
fn matrices_are_the_product_of_their_factors_in_both_forms() {
    let scene = Scene::with_run("small", &SMALL.replace("points = 8", "points = 8\nmatrices = \"final\""));
    let cell = &scene
        .rows("SELECT cell FROM results WHERE depth = 2 AND optimizer = 'adam' AND penalty = 'ratio' AND rank = 1")[0];
    let cell = format!("small/{cell}");
    scene.ok(&["export", &cell, "--matrices", "csv", "-o", "m"]);
    scene.ok(&["export", &cell, "--matrices", "npy", "-o", "m"]);
    let read = |name: &str| -> Vec<f64> {
        let text = std::fs::read_to_string(scene.path(&format!("m/{name}.csv"))).unwrap();
        text.split([',', '\n']).filter(|field| !field.is_empty()).map(|field| field.parse().unwrap()).collect()
    };
    let (w, first, second) = (read("W"), read("W1"), read("W2"));
    assert_eq!(w.len(), 144);
    for i in 0..12 {
        for j in 0..12 {
            let product: f64 = (0..12).map(|k| second[12 * i + k] * first[12 * k + j]).sum();
            assert!((product - w[12 * i + j]).abs() <= 1e-12, "{i} {j}");
        }
    }
    // Format 1.0 of numpy.lib.format.
    let npy = std::fs::read(scene.path("m/W.npy")).unwrap();
    let data = 10 + usize::from(u16::from_le_bytes([npy[8], npy[9]]));
    assert_eq!(&npy[..8], b"\x93NUMPY\x01\x00");
    assert!(
        String::from_utf8_lossy(&npy[10..data]).contains("'descr': '<f8', 'fortran_order': False, 'shape': (12, 12)")
    );
    let values: Vec<f64> = npy[data..].chunks(8).map(|b| f64::from_le_bytes(b.try_into().unwrap())).collect();
    assert_eq!(values, w);
    // The norm that was recorded is that of the matrix.
    let norm = w.iter().map(|x| x * x).sum::<f64>().sqrt();
    let index = cell.split('/').nth(1).unwrap();
    let recorded: f64 =
        scene.rows(&format!("SELECT frobenius_norm FROM results WHERE cell = {index}"))[0].parse().unwrap();
    assert!((norm - recorded).abs() <= 1e-12 * norm);
    assert!(scene.error(2, &["export", "small", "--matrices", "npy"]).contains("needs a cell: SWEEP/CELL"));
}

#[test]
fn a_cell_is_trained_again_and_one_changed_bit_is_found() {
    let scene = Scene::with_run("small", SMALL);
    for cell in [0, 17, 51] {
        let said = scene.ok(&["repro", &format!("small/{cell}")]);
        assert!(said.starts_with("the same, bit for bit: "), "{said}");
    }
    let same = scene.json(&["repro", "small/17"]);
    assert_eq!((&same["repro"]["same"], &same["differences"]), (&"yes".into(), &serde_json::json!([])));

    // The last bit of one number of one point.
    scene.doctor(
        "UPDATE points SET nuclear_norm = nuclear_norm * (1 + 3e-16) WHERE step = 2 AND outcome_id = (SELECT outcome_id FROM cells WHERE cell = 17)",
    );
    let said = scene.sweep(&["repro", "small/17", "--output", "json"]);
    assert_eq!((said.code, said.err.as_str()), (Some(4), "error: the result differs\n"));
    let found: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(found["repro"]["same"], "no");
    let differences = found["differences"].as_array().unwrap();
    assert_eq!(differences.len(), 1, "{found}");
    assert_eq!((&differences[0]["column"], &differences[0]["first_step"]), (&"nuclear_norm".into(), &2.into()));
    // The others are as they were.
    scene.ok(&["repro", "small/16"]);
    assert!(scene.error(2, &["repro", "small"]).contains("write SWEEP/CELL"));
    assert!(scene.error(2, &["repro", "small/52"]).contains("52 is outside 0..52"));
}
