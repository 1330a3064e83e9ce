//! What the tests of child processes start: `slot`, a child; `worker DATABASE SWEEP`, a worker whose slot is a child.

use std::collections::BTreeMap;
use std::path::Path;
use sweep_tests::embedded::{How, run};
use sweep_worker::{Children, Isolation};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["slot"] => sweep_worker::child::main().unwrap(),
        ["worker", database, sweep] => {
            let children = Children::of_this_program(&["slot"]).unwrap();
            let how = How { slots: 1, isolation: Isolation::Children(children), ..How::default() };
            let source = std::fs::read_to_string(sweep).unwrap();
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(run(Path::new(database), &source, &BTreeMap::new(), &how));
        }
        _ => panic!("slot, or worker DATABASE SWEEP"),
    }
}
