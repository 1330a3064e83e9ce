//! The training loop allocates nothing between recording points, whatever the optimizer, the penalty and the depth.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::collections::BTreeMap;
use sweep_core::problem::NoFiles;
use sweep_core::train::{self, Control, Monitor, blas};
use sweep_core::trial::{Inputs, Trial};
use sweep_core::value::Value;
use sweep_core::{optimizer, penalty};

/// More than 100, so that the converge rule has a look in the middle.
const STEPS: i64 = 120;

struct Counting;

thread_local! {
    /// Of this thread: the test harness has others, which allocate when they like.
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// Safety: everything is passed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Notes the count after every step.
struct Watching {
    after: Vec<u64>,
}

impl Monitor for Watching {
    fn seconds(&self) -> (f64, f64) {
        (0.0, 0.0)
    }
    fn control(&mut self, _: u64) -> Control {
        self.after.push(ALLOCATIONS.get());
        Control::Continue
    }
    fn checkpoint(&mut self, _: u64, _: Vec<u8>) {}
}

/// Allocations in each step of a run without a recording point in the middle.
fn between_points(what: &str, given: &[(&str, Value)]) {
    let base: [(&str, Value); 8] = [
        ("n1", 20.into()),
        ("n2", 17.into()),
        ("rank", 2.into()),
        ("samples", 120.into()),
        ("steps", STEPS.into()),
        ("points", 2.into()),
        ("init_scale", 1.0.into()),
        ("converge", 1e-12.into()),
    ];
    let given: BTreeMap<String, Value> = base.iter().chain(given).map(|(k, v)| ((*k).to_owned(), v.clone())).collect();
    let trial = Trial::new(&given, &Inputs::new()).unwrap();
    let mut watching = Watching { after: Vec::with_capacity(1000) };
    train::run(&trial, &NoFiles, None, &mut watching).unwrap();
    // Step 1 (workspaces are filled) and the last (recorded) apart; step 100 is the first look of the converge rule.
    let steps = watching.after[1..STEPS as usize - 1].windows(2).map(|w| w[1] - w[0]).collect::<Vec<_>>();
    let total: u64 = steps.iter().sum();
    assert_eq!(
        total,
        0,
        "{what}: {total} allocations, first in step {:?}",
        steps.iter().position(|&n| n > 0).map(|i| i + 2)
    );
}

fn needed(axes: &[sweep_core::axis::Axis]) -> impl Iterator<Item = (&'static str, Value)> {
    axes.iter().filter(|axis| axis.default.is_none()).map(|axis| (axis.name, Value::Float(0.01)))
}

/// One test: the counter is the process's.
#[test]
fn nothing_is_allocated_between_recording_points() {
    assert_eq!(blas::set_threads(1), 1);
    for optimizer in optimizer::KNOWN {
        let polar = if optimizer.name == "muon" { &["newton_schulz", "exact"][..] } else { &[""] };
        for (penalty, polar) in
            penalty::KNOWN.iter().flat_map(|penalty| polar.iter().map(move |polar| (penalty, polar)))
        {
            for (depth, on) in [(1, "end_to_end"), (3, "end_to_end"), (3, "layers")] {
                let mut given = vec![
                    ("optimizer", optimizer.name.into()),
                    ("penalty", penalty.name.into()),
                    ("depth", depth.into()),
                    ("penalty_on", on.into()),
                ];
                given.extend(needed(optimizer.axes).chain(needed(penalty.axes)));
                if !polar.is_empty() {
                    given.push(("polar", (*polar).into()));
                }
                between_points(&format!("{} {polar} {} depth {depth} {on}", optimizer.name, penalty.name), &given);
            }
        }
    }
}
