//! Balanced orthogonal layers (Arora et al. 2019, code): `W_j = (a√n)^(1/N)·Q_j`.
//!
//! For square layers the `Q_j` are independent, uniform over the orthogonal matrices, and ‖W‖_F = a·n.
//!
//! # Departures
//! The code has square layers only. Here n = min(n1, n2), k is the least of all sides, and `Q_j = B_j B_{j−1}ᵀ` with
//! frames `B_j` (dims[j]×k, `BᵀB = I`) from the stream `init/layer/j`, j = 0 … N. Then `W_{j+1}ᵀ W_{j+1} = W_j W_jᵀ =
//! (a√n)^(2/N)·B_j B_jᵀ` for every shape: balanced exactly, W has k equal singular values and ‖W‖_F = a√(n·k).
//! For square layers this is the code's distribution.

use super::{Build, Entry, Init, SCALE, per_layer};
use crate::error::Result;
use crate::problem::Files;
use crate::seed::Stream;
use crate::train::spectrum;
use ndarray::Array2;
use ndarray::linalg::general_mat_mul;

/// Balanced orthogonal layers.
pub const ENTRY: Entry<Build> = Entry {
    name: "orthogonal",
    doc: "balanced orthogonal layers (a√n)^(1/N)·Q, n = min(n1, n2), so ‖W‖_F = a·n (width at least n)",
    axes: &[SCALE],
    build: |trial| Box::new(Orthogonal { scale: trial.float("init_scale") }),
};

struct Orthogonal {
    scale: f64,
}

impl Init for Orthogonal {
    fn factors(&self, dims: &[usize], seed: i64, _: &dyn Files) -> Result<Vec<Array2<f64>>> {
        let least = *dims.iter().min().expect("a network has sides");
        let frame = |j: usize| {
            let mut stream = Stream::new(&format!("init/layer/{j}"), seed);
            spectrum::orthonormal(&Array2::from_shape_simple_fn((dims[j], least), || stream.normal()))
        };
        let n = dims[0].min(dims[dims.len() - 1]) as f64;
        let size = per_layer(self.scale * n.sqrt(), dims);
        let mut before = frame(0)?;
        (1..dims.len())
            .map(|j| {
                let after = frame(j)?;
                let mut layer = Array2::zeros((dims[j], dims[j - 1]));
                general_mat_mul(size, &after, &before.t(), 0.0, &mut layer);
                before = after;
                Ok(layer)
            })
            .collect()
    }
}
