//! Penalties, optimizers and schedules against formulas, theorems and reference values. Every test that can loops
//! over `KNOWN`, so a new entry is tested, or fails for want of reference values, as soon as it is listed.

mod optimizers;
mod penalties;
mod schedules;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::collections::BTreeMap;
use sweep_core::trial::Trial;
use sweep_core::value::Value;

/// A training trial with these choices and axes; the small problem it needs is never made.
fn trial(given: &[(&str, Value)]) -> Trial {
    let scene: &[(&str, Value)] = &[
        ("n1", 20.into()),
        ("n2", 20.into()),
        ("rank", 1.into()),
        ("samples", 5.into()),
        ("optimizer", "gd".into()),
        ("steps", 10.into()),
    ];
    let mut all: BTreeMap<String, Value> = scene.iter().map(|(k, v)| (k.to_string(), v.clone())).collect();
    all.extend(given.iter().map(|(k, v)| (k.to_string(), v.clone())));
    all.entry("lr".to_owned()).or_insert(Value::Float(0.1));
    Trial::new(&all, &BTreeMap::new()).unwrap_or_else(|e| panic!("{given:?}: {e}"))
}

thread_local! {
    /// Allocations of this thread so far.
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

/// The system's allocator, counting.
struct Counting;

// SAFETY: every call is handed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// How often this thread allocates in `work`.
fn allocations(work: impl FnOnce()) -> u64 {
    let before = ALLOCATIONS.with(Cell::get);
    work();
    ALLOCATIONS.with(Cell::get) - before
}
