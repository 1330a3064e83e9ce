//! Muon: momentum, made orthogonal.

use super::{Build, LR, Layers, Optimizer, State, blend, flat, flat_mut, momentum};
use crate::axis::{Axis, Kind};
use crate::error::Result;
use crate::penalty::sum_of;
use crate::registry::Entry;
use crate::train::spectrum::Spectrum;
use crate::value::Literal;
use ndarray::Array2;
use ndarray::linalg::general_mat_mul;

const POLAR: Axis = Axis::optional(
    "polar",
    "how the momentum is made orthogonal: its exact polar factor, or five Newton–Schulz steps",
    Kind::Word(&["exact", "newton_schulz"]),
    Literal::Text("newton_schulz"),
)
.costly();

/// Muon. Momentum 0.95: Jordan et al. (2024) and `torch.optim.Muon`.
pub const ENTRY: Entry<Build> = Entry {
    name: "muon",
    doc: "Muon: w ← w − η·√max(1, rows/columns)·UVᵀ, UVᵀ the polar factor of the Nesterov momentum of each layer",
    axes: &[LR, momentum(0.95), POLAR],
    build: |trial| {
        let exact = trial.text("polar") == "exact";
        Box::new(Muon { momentum: trial.float("momentum"), exact, layers: Vec::new() })
    },
};

/// Jordan et al., *Muon: An optimizer for hidden layers in neural networks* (2024), as in `torch.optim.Muon`, in f64.
///
/// For each layer, `b ← μb + (1−μ)g`, `d = (1−μ)g + μb`, `O = polar(d)` and
/// `w ← w − η·√max(1, rows/columns)·O`, where polar is the exact `UVᵀ` or [`NewtonSchulz::run`].
///
/// # Departures
/// torch computes Newton–Schulz in bfloat16, and decays weights by 0.1 unless told otherwise; here it is f64, and
/// there is no weight decay (it would be one more penalty).
struct Muon {
    momentum: f64,
    exact: bool,
    /// Work space, made in the first step; nothing in it outlives a step.
    layers: Vec<Work>,
}

/// The arrays of one layer.
struct Work {
    /// d, as the layer is.
    direction: Array2<f64>,
    orthogonal: Orthogonal,
}

/// How the direction is made orthogonal, with what that takes.
enum Orthogonal {
    /// UVᵀ, as the layer is.
    Exact {
        spectrum: Box<Spectrum>,
        polar: Array2<f64>,
    },
    NewtonSchulz(NewtonSchulz),
}

/// For rows ≤ columns; a tall layer is transposed.
struct NewtonSchulz {
    /// The iterate X and its successor: rows × columns, rows ≤ columns.
    x: Array2<f64>,
    next: Array2<f64>,
    /// A = XXᵀ and its polynomial: rows × rows.
    gram: Array2<f64>,
    polynomial: Array2<f64>,
}

impl Work {
    /// For a layer of this shape.
    fn new((rows, columns): (usize, usize), exact: bool) -> Work {
        let (short, long) = (rows.min(columns), rows.max(columns));
        let orthogonal = if exact {
            let spectrum = Box::new(Spectrum::new(rows, columns));
            Orthogonal::Exact { spectrum, polar: Array2::zeros((rows, columns)) }
        } else {
            Orthogonal::NewtonSchulz(NewtonSchulz {
                x: Array2::zeros((short, long)),
                next: Array2::zeros((short, long)),
                gram: Array2::zeros((short, short)),
                polynomial: Array2::zeros((short, short)),
            })
        };
        Work { direction: Array2::zeros((rows, columns)), orthogonal }
    }
}

impl Optimizer for Muon {
    fn buffers(&self) -> usize {
        1
    }

    fn step(&mut self, lr: f64, layers: &mut Layers, state: &mut State) -> Result<()> {
        if self.layers.is_empty() {
            self.layers = layers.shapes().into_iter().map(|shape| Work::new(shape, self.exact)).collect();
        }
        let momentum = self.momentum;
        for (layer, (b, work)) in state.buffers[0].iter_mut().zip(&mut self.layers).enumerate() {
            let d = flat_mut(&mut work.direction);
            layers.each_gradient(layer, |i, g| {
                b[i] = blend(momentum, b[i], g);
                d[i] = blend(momentum, b[i], g);
            });
            let (rows, columns) = work.direction.dim();
            let lr = lr * (rows as f64 / columns as f64).max(1.0).sqrt();
            match &mut work.orthogonal {
                Orthogonal::Exact { spectrum, polar } => {
                    spectrum.exact_polar(&work.direction, polar)?;
                    layers.add(layer, -lr, polar.view());
                }
                Orthogonal::NewtonSchulz(iterate) => {
                    iterate.run(&work.direction);
                    let x = if rows > columns { iterate.x.t() } else { iterate.x.view() };
                    layers.add(layer, -lr, x);
                }
            }
        }
        Ok(())
    }
}

impl NewtonSchulz {
    /// Leaves in `x` a matrix with the singular vectors of `direction` (transposed if that is tall) and singular values in
    /// about [0.7, 1.2].
    ///
    /// `X ← d/(‖d‖_F + 1e-7)`, then five times `X ← aX + (bA + cA²)X` with `A = XXᵀ`.
    fn run(&mut self, direction: &Array2<f64>) {
        // The quintic's coefficients, the number of steps and the guard: Jordan et al. (2024).
        const A: f64 = 3.4445;
        const B: f64 = -4.7750;
        const C: f64 = 2.0315;
        let NewtonSchulz { x, next, gram, polynomial } = self;
        let scale = 1.0 / (sum_of(flat(direction), |d| d * d).sqrt() + 1e-7);
        if direction.nrows() > direction.ncols() {
            x.zip_mut_with(&direction.t(), |x, d| *x = scale * d);
        } else {
            x.zip_mut_with(direction, |x, d| *x = scale * d);
        }
        for _ in 0..5 {
            general_mat_mul(1.0, x, &x.t(), 0.0, gram);
            polynomial.assign(gram);
            general_mat_mul(C, gram, gram, B, polynomial);
            next.assign(x);
            general_mat_mul(1.0, polynomial, x, A, next);
            std::mem::swap(x, next);
        }
    }
}
