//! Initial factors `W_1 … W_N`, from the stream `init/layer/j` of the trial's `init_seed`.
//!
//! One rule: the axis `init_scale` is the end-to-end scale a, so a layer takes the power 1/N of it. What ‖W‖_F
//! follows from a is said by each init; it differs, so compare inits at the measured ‖W‖_F of step 0.

mod file;
mod gaussian;
mod identity;
mod orthogonal;
mod svd_balanced;
mod uniform;
mod zero;

use crate::axis::{Axis, Kind};
use crate::error::Result;
use crate::problem::Files;
use crate::registry::Entry;
use crate::seed::Stream;
use crate::trial::Trial;
use crate::value::Literal;
use ndarray::Array2;

/// Every init.
pub const KNOWN: &[Entry<Build>] = &[
    gaussian::ENTRY,
    uniform::ENTRY,
    identity::ENTRY,
    orthogonal::ENTRY,
    svd_balanced::ENTRY,
    zero::ENTRY,
    file::ENTRY,
];

/// The end-to-end scale `a`, shared by every init that has one.
const SCALE: Axis = Axis::optional(
    "init_scale",
    "end-to-end scale a of the initial factors",
    Kind::Above(0.0, 1e6),
    Literal::Float(1e-3),
);

/// Makes an init from a checked trial.
pub type Build = fn(&Trial) -> Box<dyn Init>;

/// A way to choose the factors at step 0.
pub trait Init {
    /// Conditions that tie its axes to others (zero needs depth 1).
    ///
    /// # Errors
    /// Names the axes and values, and what is allowed.
    fn check(&self, _trial: &Trial) -> Result<()> {
        Ok(())
    }

    /// The factors, row-major. `dims` is `[n2, width, …, n1]`: layer j (from 0) is `dims[j+1] × dims[j]`, and
    /// `W = W_N ⋯ W_1` is n1×n2.
    ///
    /// # Errors
    /// [`crate::error::Error::File`] for malformed content; LAPACK's refusals.
    fn factors(&self, dims: &[usize], seed: i64, files: &dyn Files) -> Result<Vec<Array2<f64>>>;
}

/// `a^(1/N)`: what each of the N layers takes of an end-to-end scale, `dims` having N + 1 sides.
fn per_layer(scale: f64, dims: &[usize]) -> f64 {
    scale.powf(1.0 / (dims.len() - 1) as f64)
}

/// Layers of independent draws: layer j (from 1) is `scale^(1/N)/√fan_in` times draws from `init/layer/j`.
fn independent(scale: f64, dims: &[usize], seed: i64, draw: fn(&mut Stream) -> f64) -> Vec<Array2<f64>> {
    let per_layer = per_layer(scale, dims);
    (1..dims.len())
        .map(|j| {
            let mut stream = Stream::new(&format!("init/layer/{j}"), seed);
            let deviation = per_layer / (dims[j - 1] as f64).sqrt();
            Array2::from_shape_simple_fn((dims[j], dims[j - 1]), || deviation * draw(&mut stream))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::NoFiles;
    use crate::problem::fixture::trial;

    fn factors(init: &str, scale: f64, dims: &[usize], seed: i64) -> Vec<Array2<f64>> {
        let scale = if init == "zero" { String::new() } else { format!("init_scale={scale:?}") };
        let depth = dims.len() - 1;
        let trial =
            trial(&format!("n1=5 n2=5 rank=1 samples=5 optimizer=gd lr=0.1 steps=1 init={init} depth={depth} {scale}"));
        let entry = crate::registry::find("init", KNOWN, init).unwrap();
        let factors = (entry.build)(&trial).factors(dims, seed, &NoFiles).unwrap();
        assert!(factors.iter().all(|layer| layer.is_standard_layout()), "{init} {dims:?}");
        assert!(factors.iter().zip(dims.windows(2)).all(|(layer, d)| layer.dim() == (d[1], d[0])));
        factors
    }

    fn product(factors: &[Array2<f64>]) -> Array2<f64> {
        factors[1..].iter().fold(factors[0].clone(), |w, layer| layer.dot(&w))
    }

    fn norm(w: &Array2<f64>) -> f64 {
        w.iter().map(|x| x * x).sum::<f64>().sqrt()
    }

    /// The largest `‖W_{j+1}ᵀ W_{j+1} − W_j W_jᵀ‖_F`.
    fn imbalance(factors: &[Array2<f64>]) -> f64 {
        let pairs = factors.windows(2);
        pairs.map(|w| norm(&(w[1].t().dot(&w[1]) - w[0].dot(&w[0].t())))).fold(0.0, f64::max)
    }

    const SHAPES: [&[usize]; 6] =
        [&[40, 40], &[40, 40, 40, 40], &[30, 50], &[30, 30, 30, 50], &[30, 60, 45, 50], &[50, 20, 30]];

    #[test]
    fn random_inits_have_norm_a_root_n1_end_to_end() {
        for init in ["gaussian", "uniform", "svd_balanced"] {
            for dims in SHAPES {
                let w = product(&factors(init, 1e-3, dims, 7));
                let expected = 1e-3 * (*dims.last().unwrap() as f64).sqrt();
                // E‖W‖_F² = a²·n1 exactly; one draw strays by a few parts in √(entries) per layer.
                assert!((norm(&w) / expected - 1.0).abs() < 0.15, "{init} {dims:?}: {} {expected}", norm(&w));
            }
        }
    }

    #[test]
    fn deterministic_norms_are_exact() {
        for dims in SHAPES {
            let k = *dims.iter().min().unwrap() as f64;
            let n = dims[0].min(dims[dims.len() - 1]) as f64;
            let identity = norm(&product(&factors("identity", 0.5, dims, 0)));
            assert!((identity / (0.5 * k.sqrt()) - 1.0).abs() < 1e-13, "{dims:?}: {identity}");
            // a·n for square layers.
            let orthogonal = norm(&product(&factors("orthogonal", 0.5, dims, 0)));
            assert!((orthogonal / (0.5 * n.sqrt() * k.sqrt()) - 1.0).abs() < 1e-12, "{dims:?}: {orthogonal}");
        }
    }

    #[test]
    fn balanced_inits_are_balanced_for_every_shape() {
        for init in ["orthogonal", "svd_balanced"] {
            for dims in SHAPES {
                let layers = factors(init, 0.5, dims, 3);
                let size = norm(&layers[0]).powi(2);
                assert!(imbalance(&layers) < 1e-13 * size, "{init} {dims:?}: {}", imbalance(&layers));
            }
        }
        assert!(imbalance(&factors("gaussian", 0.5, &[30, 30, 30], 3)) > 0.1);
    }

    #[test]
    fn svd_balanced_starts_from_the_gaussian_matrix() {
        for dims in SHAPES {
            let gaussian = product(&factors("gaussian", 0.5, dims, 3));
            let balanced = product(&factors("svd_balanced", 0.5, dims, 3));
            assert!(norm(&(&balanced - &gaussian)) < 1e-13 * norm(&gaussian), "{dims:?}");
        }
    }

    #[test]
    fn square_orthogonal_layers_are_scaled_rotations() {
        for layer in factors("orthogonal", 0.5, &[20, 20, 20], 1) {
            // (a√n)^(2/N) = 0.5·√20 on the diagonal.
            let difference = layer.dot(&layer.t()) - Array2::<f64>::eye(20) * (0.5 * 20f64.sqrt());
            assert!(norm(&difference) < 1e-13, "{}", norm(&difference));
        }
    }

    #[test]
    fn layer_j_depends_on_its_number_and_seed_alone() {
        for init in ["gaussian", "uniform"] {
            let (two, three) = (factors(init, 1.0, &[6, 6, 6], 1), factors(init, 1.0, &[6, 6, 6, 6], 1));
            assert_eq!(two[..], three[..2], "{init}: at a = 1 every depth has the same layers");
            assert_ne!(two[0], two[1]);
            assert_ne!(two[0], factors(init, 1.0, &[6, 6, 6], 2)[0]);
        }
        // At depth 2 and 3 with a√n = 1 the scale is 1 and the first rotation is the same.
        let a = 1.0 / 6f64.sqrt();
        let (two, three) = (factors("orthogonal", a, &[6, 6, 6], 1), factors("orthogonal", a, &[6, 6, 6, 6], 1));
        assert!(norm(&(&two[0] - &three[0])) < 1e-13);
    }

    #[test]
    fn uniform_entries_fill_their_interval() {
        let w = &factors("uniform", 2.0, &[100, 100], 1)[0];
        // Half-width √3·a/√n2 = √3·0.2.
        let half = 3f64.sqrt() * 0.2;
        let (least, most) = w.iter().fold((0.0f64, 0.0f64), |(a, b), &x| (a.min(x), b.max(x)));
        assert!(least > -half && most < half && least < -0.99 * half && most > 0.99 * half, "{least} {most}");
    }

    #[test]
    fn zero_is_zero_and_refuses_depth() {
        assert!(factors("zero", 0.0, &[3, 4], 0)[0].iter().all(|&x| x == 0.0));
        assert_eq!(
            crate::problem::fixture::refused(
                "n1=5 n2=5 rank=1 samples=5 optimizer=gd lr=0.1 steps=1 init=zero depth=2"
            ),
            "axis \"depth\": 2 is outside 1..=1 (init \"zero\": deeper, every gradient is 0)"
        );
    }
}
