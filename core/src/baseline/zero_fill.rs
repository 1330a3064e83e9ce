//! Zero fill: the observed entries as they are, zero elsewhere.

use super::{Baseline, Build, Solution};
use crate::error::{Error, Result};
use crate::problem::{Data, Measurements};
use crate::registry::Entry;
use ndarray::Array2;

/// Observed entries kept, zero elsewhere.
pub const ENTRY: Entry<Build> =
    Entry { name: "zero_fill", doc: "the observed entries, zero elsewhere", axes: &[], build: |_| Box::new(ZeroFill) };

struct ZeroFill;

impl Baseline for ZeroFill {
    fn solve(&self, data: &Data, _: &mut dyn FnMut() -> bool) -> Result<Solution> {
        let Measurements::Entries(observed) = &data.train else {
            return Err(Error::Conflict("baseline \"zero_fill\" needs observed entries, not sensing".to_owned()));
        };
        let mut w = Array2::zeros((data.n1, data.n2));
        let flat = w.as_slice_mut().expect("new arrays are row-major");
        for (&i, &y) in observed.index.iter().zip(&observed.value) {
            flat[i as usize] = y;
        }
        Ok(Solution { w, iterations: 1, converged: true, objective: None })
    }
}
