//! What every problem must meet: malformed files are refused at their place, the validation split is a split.

use super::fixture::{Memory, load, load_with};
use super::*;

/// `(problem, content of the file, expected error)`; the truth, where there is one, is t.csv with 2 rows of 3.
const MALFORMED: &[(&str, &[u8], &str)] = &[
    ("csv", b"", "f:0:0: the file is empty"),
    ("csv", b"\n", "f:1:1: the header is not row,col,value"),
    ("csv", b"0,0,1\n", "f:1:1: the header is not row,col,value"),
    ("csv", b"row;col;value\n0;0;1\n", "f:1:1: the header is not row,col,value"),
    ("csv", b"row,col,value\n", "f:1:1: no entry follows the header"),
    ("csv", b"row,col,value\n0,0\n", "f:2:4: 2 columns where 3 are expected: row, col, value"),
    ("csv", b"row,col,value\n0,0,1\n0,1,2,3\n", "f:3:7: 4 columns where 3 are expected: row, col, value"),
    ("csv", b"row,col,value\n0,0,1\n\n0,1,2\n", "f:3:1: an empty line where row, col, value are expected"),
    ("csv", b"row,col,value\n0,0,1\n\n", "f:3:1: an empty line where row, col, value are expected"),
    ("csv", b"row,col,value\n0,0,abc\n", "f:2:5: \"abc\" is not a number"),
    ("csv", b"row,col,value\n0,0,\n", "f:2:5: \"\" is not a number"),
    ("csv", b"row,col,value\n0,0,1\r1\n", "f:2:5: \"1\\r1\" is not a number"),
    ("csv", b"row,col,value\n0,0,NaN\n", "f:2:5: \"NaN\" is not finite"),
    ("csv", b"row,col,value\n0, 0, -inf\n", "f:2:7: \"-inf\" is not finite"),
    ("csv", b"row,col,value\n0,0,1e999\n", "f:2:5: \"1e999\" is not finite"),
    ("csv", b"row,col,value\n-1,0,1\n", "f:2:1: row -1 is outside 0..=99999"),
    ("csv", b"row,col,value\n0,100000,1\n", "f:2:3: col 100000 is outside 0..=99999"),
    ("csv", b"row,col,value\n0,1.5,1\n", "f:2:3: col \"1.5\" is not an integer in 0..=99999"),
    (
        "csv",
        b"row,col,value\n99999999999999999999,0,1\n",
        "f:2:1: row \"99999999999999999999\" is not an integer in 0..=99999",
    ),
    ("csv", b"row,col,value\n0,0,1\n1,1,1\n0,0,2\n", "f:4:1: row 0, col 0 is given a second time, first on line 2"),
    ("csv", b"row,col,value\n0,0,\xff\n", "f:2:5: byte 0xff is not UTF-8 text"),
    ("csv", "row,col,value\n0,é,1\n".as_bytes(), "f:2:3: col \"é\" is not an integer in 0..=99999"),
    ("csv", b"row,col,value\n99999,99999,1\n", "axes \"n1\", \"n2\": 100000×100000 entries are more than"),
    ("csv n1=2", b"row,col,value\n2,0,1\n", "f:2:1: row 2 is outside 0..=1 (axes n1, n2)"),
    ("csv truth=t.csv", b"row,col,value\n1,3,1\n", "f:2:3: col 3 is outside 0..=2 (the shape of the truth)"),
    ("truth", b"", "f:0:0: the file is empty"),
    ("truth", b"1,2,3\n4,5\n", "f:2:1: 2 numbers in a matrix of 3 columns"),
    ("truth", b"1,2,3\n4,5,6,\n", "f:2:7: \"\" is not a number"),
    ("truth", b"a,b,c\n1,2,3\n", "f:1:1: \"a\" is not a number"),
    ("truth", b"1,2,3\n\n4,5,6\n", "f:2:1: an empty line where a row of numbers is expected"),
    ("truth", b"1,2,infinity\n", "f:1:5: \"infinity\" is not finite"),
    ("ratings", b"", "f:0:0: the file is empty"),
    ("ratings", b"1,1,5,0\n", "f:1:8: 1 columns where 4 are expected: user, item, rating, timestamp"),
    ("ratings", b"0\t1\t5\t0\n", "f:1:1: user 0 is outside 1..=100000"),
    ("ratings", b"1\t-4\t5\t0\n", "f:1:3: item -4 is outside 1..=100000"),
    ("ratings", b"1\t1\tfive\t0\n", "f:1:5: \"five\" is not a number"),
    ("ratings", b"1\t1\t5\tnoon\n", "f:1:7: timestamp \"noon\" is not an integer in 0..=9223372036854775807"),
    ("ratings", b"1\t1\t5\t0\n1\t1\t4\t0\n", "f:2:1: user 1, item 1 is given a second time, first on line 1"),
    ("ratings n2=3", b"1\t4\t5\t0\n", "f:1:3: item 4 is outside 1..=3 (axes n1, n2)"),
    ("ratings test_share=0.5", b"1\t4\t5\t0\n", "axis \"test_share\": 0.5 needs at least 2 ratings, not 1"),
];

fn refused(problem: &str, content: &[u8]) -> String {
    let mut files = Memory::default();
    files.add("f", content);
    files.add("t.csv", b"1,2,3\n4,5,6\n");
    files.add("o.csv", b"row,col,value\n0,0,1\n");
    let given = match problem.split_once(' ').unwrap_or((problem, "")) {
        ("truth", more) => format!("problem=csv observed=o.csv truth=f {more}"),
        ("csv", more) => format!("problem=csv observed=f {more}"),
        (_, more) => format!("problem=ratings ratings=f {more}"),
    };
    match load_with(&given, &files) {
        Err(error) => error.to_string(),
        Ok(_) => panic!("{given} accepts {:?}", String::from_utf8_lossy(content)),
    }
}

#[test]
fn malformed_files_are_refused_at_their_line_and_column() {
    for (problem, content, expected) in MALFORMED {
        let message = refused(problem, content);
        assert!(message.starts_with(expected), "{problem} {:?}: {message}", String::from_utf8_lossy(content));
        if expected.starts_with("f:") {
            assert_eq!(&message, expected);
        }
    }
}

#[test]
fn the_first_of_several_faults_is_named() {
    let message = refused("csv", b"row,col,value\n5,5,1\n3,3,1\n5,5,1\n3,3,1\n");
    assert!(message.starts_with("f:4:1: row 5, col 5 is given a second time, first on line 2"), "{message}");
}

#[test]
fn a_file_of_more_than_256_mb_is_refused_unread() {
    let message = refused("csv", &vec![0; text::MAX_BYTES + 1]);
    assert_eq!(message, "f:0:0: 268435457 bytes, more than the 268435456 allowed");
}

#[test]
fn a_long_field_is_cut_in_the_message() {
    let message = refused("csv", format!("row,col,value\n0,0,{}\n", "x".repeat(5000)).as_bytes());
    assert!(message.ends_with("xxx\"… is not a number") && message.len() < 100, "{message}");
}

#[test]
fn a_needed_file_must_be_named_and_at_hand() {
    let files = Memory::default();
    let message = |given: &str| load_with(given, &files).unwrap_err().to_string();
    assert_eq!(message("problem=csv observed="), "axis \"observed\": \"\" is not the path of a file");
    assert!(message("problem=csv").starts_with("axis \"observed\" needs a value"));
    assert_eq!(message("problem=csv observed=o"), "the file \"o\" of axis \"observed\" has not been read");
    let mut elsewhere = Memory::default();
    elsewhere.add("o", b"row,col,value\n0,0,1\n");
    let trial = super::fixture::trial_with("problem=csv observed=o", &elsewhere).unwrap();
    let message = super::load(&trial, &NoFiles).unwrap_err().to_string();
    assert_eq!(message, "the content of \"o\" (axis \"observed\") is not at hand");
}

#[test]
fn the_validation_split_is_a_split_that_follows_its_seed() {
    for problem in ["", "problem=sensing"] {
        let at = |more: &str| load(&format!("{problem} n1=10 n2=8 rank=1 samples=60 {more}"));
        let (whole, split) = (at(""), at("validation=0.1"));
        assert_eq!(whole.validation.values().len(), 0);
        assert_eq!((split.train.values().len(), split.validation.values().len()), (54, 6));
        let mut both = [split.train.values(), split.validation.values()].concat();
        let mut all = whole.train.values().to_vec();
        both.sort_by(f64::total_cmp);
        all.sort_by(f64::total_cmp);
        assert_eq!(both, all);
        assert_eq!(split.test, whole.test, "held-out entries do not become test entries");
        assert_ne!(at("validation=0.1 validation_seed=1").validation, split.validation);
        assert_eq!(at("validation=0.1").validation, split.validation);
        assert_eq!(at("validation=1e-3").validation.values().len(), 1, "at least one");
    }
}

#[test]
fn held_out_measurements_keep_their_values_and_order() {
    let data = load("n1=10 n2=8 rank=1 samples=60 validation=0.3");
    let truth = data.truth.as_ref().unwrap().as_slice().unwrap();
    for part in [&data.train, &data.validation] {
        let Measurements::Entries(e) = part else { panic!("entries") };
        assert!(e.index.windows(2).all(|w| w[0] < w[1]));
        assert!(e.index.iter().zip(&e.value).all(|(&i, &y)| truth[i as usize] == y));
    }
    let data = load("problem=sensing n1=10 n2=8 rank=1 samples=60 validation=0.3");
    let truth = data.truth.as_ref().unwrap().as_slice().unwrap();
    let Measurements::Sensing { operators, value } = &data.validation else { panic!("sensing") };
    for (a, y) in operators.rows().into_iter().zip(value) {
        let inner: f64 = a.iter().zip(truth).map(|(a, w)| a * w).sum();
        assert!((inner - y).abs() < 1e-12);
    }
}

#[test]
fn a_single_measurement_cannot_be_split() {
    let trial = super::fixture::trial("n1=10 n2=8 rank=1 samples=1 validation=0.5");
    let message = super::load(&trial, &NoFiles).unwrap_err().to_string();
    assert_eq!(message, "axis \"validation\": 0.5 needs at least 2 measurements, not 1");
}
