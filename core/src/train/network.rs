//! The deep linear network `W = W_N ⋯ W_1`: the forward products, and the gradients of the layers.

use super::blas::{Op, gemm};
use ndarray::Array2;

/// Layers, their products and their gradients; every array is made once.
pub struct Network {
    /// `W_1 … W_N`; layer j is `dims[j] × dims[j−1]`.
    pub layers: Vec<Array2<f64>>,
    /// `products[j] = W_{j+2} ⋯ W_1` for j = 0 … N−2; the last is W. Empty at depth 1, where W is `layers[0]`.
    products: Vec<Array2<f64>>,
    /// ∂objective/∂W_j. At depth 1 this is the end-to-end gradient itself.
    pub gradients: Vec<Array2<f64>>,
    /// The gradient carried backwards: `carried[j]` has the shape of `W_j ⋯ W_1`.
    carried: Vec<Array2<f64>>,
}

impl Network {
    /// The network of these factors.
    pub fn new(layers: Vec<Array2<f64>>) -> Network {
        let inputs = layers[0].ncols();
        let partial = |j: usize| Array2::zeros((layers[j].nrows(), inputs));
        let depth = layers.len();
        Network {
            products: (1..depth).map(partial).collect(),
            gradients: layers.iter().map(|w| Array2::zeros(w.dim())).collect(),
            carried: (0..depth.saturating_sub(1)).map(partial).collect(),
            layers,
        }
    }

    /// Recomputes the products, `N − 1` of them.
    pub fn forward(&mut self) {
        for j in 1..self.layers.len() {
            let (done, rest) = self.products.split_at_mut(j - 1);
            let before = done.last().unwrap_or(&self.layers[0]);
            gemm(1.0, (Op::Plain, &self.layers[j]), (Op::Plain, before), 0.0, &mut rest[0]);
        }
    }

    /// The end-to-end matrix, n1×n2, as of the last [`Network::forward`].
    pub fn end_to_end(&self) -> &Array2<f64> {
        self.products.last().unwrap_or(&self.layers[0])
    }

    /// Fills `gradients` from `g = ∂/∂W` (n1×n2): `∂/∂W_j = (W_N ⋯ W_{j+1})ᵀ G (W_{j−1} ⋯ W_1)ᵀ`, `2(N−1)` products.
    pub fn backward(&mut self, g: &Array2<f64>) {
        for j in (1..self.layers.len()).rev() {
            let before = if j == 1 { &self.layers[0] } else { &self.products[j - 2] };
            let (low, high) = self.carried.split_at_mut(j);
            let carried = high.first().unwrap_or(g);
            gemm(1.0, (Op::Plain, carried), (Op::Transposed, before), 0.0, &mut self.gradients[j]);
            gemm(1.0, (Op::Transposed, &self.layers[j]), (Op::Plain, carried), 0.0, &mut low[j - 1]);
        }
        self.gradients[0].assign(self.carried.first().unwrap_or(g));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Stream;

    /// ∂⟨C, W_N ⋯ W_1⟩/∂W_j against central differences, with unequal dimensions so that no transpose hides.
    #[test]
    fn layer_gradients_match_central_differences_at_every_depth() {
        for depth in 1..=5 {
            let dims = [3, 4, 5, 2, 6, 4];
            let mut stream = Stream::new("test", depth as i64);
            let mut random = |r, c| Array2::from_shape_simple_fn((r, c), || stream.normal());
            let layers: Vec<_> = (0..depth).map(|j| random(dims[j + 1], dims[j])).collect();
            let c = random(dims[depth], dims[0]);
            let mut network = Network::new(layers.clone());
            network.forward();
            network.backward(&c);
            for j in 0..depth {
                for i in 0..layers[j].len() {
                    let value = |shift: f64| {
                        let mut moved = layers.clone();
                        moved[j].as_slice_mut().unwrap()[i] += shift;
                        let mut network = Network::new(moved);
                        network.forward();
                        (network.end_to_end() * &c).sum()
                    };
                    let central = (value(1e-5) - value(-1e-5)) / 2e-5;
                    let analytic = network.gradients[j].as_slice().unwrap()[i];
                    assert!(
                        (central - analytic).abs() < 1e-7 * (1.0 + analytic.abs()),
                        "depth {depth}, layer {j}: {central} {analytic}"
                    );
                }
            }
        }
    }
}
