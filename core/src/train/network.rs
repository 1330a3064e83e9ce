//! The deep linear network `W = W_N ⋯ W_1`: the forward products, and the gradients of the layers.
//!
//! `W = A·B`, where one of the two is the *outer* layer, on the longer side of W, and the other the product of all others:
//! `W = (W_N ⋯ W_2)·W_1` for n1 ≤ n2, else `W_N·(W_{N−1} ⋯ W_1)`. So only three products a step are as large as W:
//! `A·B`, `G·Bᵀ` and `Aᵀ·G`, with `G = ∂/∂W`. Where nothing but a few entries of W is asked for, those three are sparse.

use super::blas::{Op, Transposed, gemm};
use super::real::Real;
use super::sparse::Sparse;
use crate::problem::Entries;
use ndarray::Array2;

/// Layers, their products and their gradients; every array is made once.
pub struct Network<T> {
    /// `W_1 … W_N`; layer j is `dims[j] × dims[j−1]`.
    pub layers: Vec<Array2<T>>,
    /// ∂objective/∂W_j. At depth 1 this is the end-to-end gradient itself.
    pub gradients: Vec<Array2<T>>,
    /// All layers but the outer one; none at depth 1.
    chain: Option<Chain<T>>,
    /// Whether the outer layer is W_1 (else it is W_N).
    first_is_outer: bool,
    /// W; at depth 1 it is `layers[0]`, and this is empty.
    w: Array2<T>,
    /// For `G·Bᵀ`.
    transposed: Transposed<T>,
    /// Where only some entries of W are made.
    sparse: Option<Sparse<T>>,
}

/// What a step knows of ∂/∂W.
pub enum Gradient<'g, T> {
    /// All of it, n1×n2.
    Dense(&'g Array2<T>),
    /// Its entries where W is observed, in the order of [`Network::observed`]; 0 elsewhere.
    Entries(&'g [T]),
}

impl<T: Real> Network<T> {
    /// The network of these factors. With `observed`, only those entries of W are made in each step (at depth 1 all are
    /// there, and it is ignored).
    pub fn new(layers: Vec<Array2<T>>, observed: Option<&Entries>) -> Network<T> {
        let depth = layers.len();
        let (n1, n2) = (layers[depth - 1].nrows(), layers[0].ncols());
        let first_is_outer = n1 <= n2;
        let deep = depth > 1;
        let chain = deep.then(|| Chain::new(if first_is_outer { &layers[1..] } else { &layers[..depth - 1] }));
        let inner = if first_is_outer { layers[0].nrows() } else { layers[depth - 1].ncols() };
        Network {
            gradients: layers.iter().map(|w| Array2::zeros(w.dim())).collect(),
            chain,
            first_is_outer,
            transposed: Transposed::new(n1, (inner, n2)),
            w: if deep { Array2::zeros((n1, n2)) } else { Array2::zeros((0, 0)) },
            sparse: observed.filter(|_| deep).map(|entries| Sparse::new(entries, n1, n2, inner)),
            layers,
        }
    }

    /// Recomputes the products: W, or what is observed of it.
    pub fn forward(&mut self) {
        let Some(chain) = &mut self.chain else { return };
        let inner = if self.first_is_outer { &self.layers[1..] } else { &self.layers[..self.layers.len() - 1] };
        chain.forward(inner);
        if let Some(sparse) = &mut self.sparse {
            let (a, b) = factors(&self.layers, chain, self.first_is_outer);
            sparse.product(a, b);
        } else {
            self.complete();
        }
    }

    /// Makes all of W from the products at hand, where [`Network::forward`] made some entries alone.
    pub fn complete(&mut self) {
        if let Some(chain) = &self.chain {
            let (a, b) = factors(&self.layers, chain, self.first_is_outer);
            gemm(1.0, (Op::Plain, a), (Op::Plain, b), 0.0, &mut self.w);
        }
    }

    /// The end-to-end matrix, n1×n2, as of the last [`Network::forward`], or [`Network::complete`] where that makes some
    /// entries alone.
    pub fn end_to_end(&self) -> &Array2<T> {
        if self.chain.is_some() { &self.w } else { &self.layers[0] }
    }

    /// The observed entries of W, where they alone are made.
    pub fn observed(&self) -> Option<&[T]> {
        self.sparse.as_ref().map(Sparse::values)
    }

    /// Fills `gradients`: `∂/∂W_j = (W_N ⋯ W_{j+1})ᵀ G (W_{j−1} ⋯ W_1)ᵀ`.
    ///
    /// # Panics
    /// If entries are given to a network that makes all of W, or the other way round.
    pub fn backward(&mut self, gradient: Gradient<T>) {
        let Some(chain) = &mut self.chain else {
            let Gradient::Dense(g) = gradient else { panic!("depth 1 has a dense gradient") };
            self.gradients[0].assign(g);
            return;
        };
        let last = self.layers.len() - 1;
        // ∂/∂(the product of all other layers), and ∂/∂(the outer layer).
        let mut inner = std::mem::take(&mut chain.gradient);
        let (a, b) = factors(&self.layers, chain, self.first_is_outer);
        let outer = if self.first_is_outer { 0 } else { last };
        let (of_a, of_b) = if self.first_is_outer {
            (&mut inner, &mut self.gradients[outer])
        } else {
            (&mut self.gradients[outer], &mut inner)
        };
        match (gradient, &mut self.sparse) {
            (Gradient::Dense(g), None) => {
                self.transposed.product(g, b, of_a);
                gemm(1.0, (Op::Transposed, a), (Op::Plain, g), 0.0, of_b);
            }
            (Gradient::Entries(g), Some(sparse)) => sparse.gradients(g, a, of_a, of_b),
            _ => panic!("the gradient is not of the form that the network takes"),
        }
        let (layers, gradients) = if self.first_is_outer {
            (&self.layers[1..], &mut self.gradients[1..])
        } else {
            (&self.layers[..last], &mut self.gradients[..last])
        };
        chain.backward(layers, &inner, gradients);
        chain.gradient = inner;
    }
}

/// A and B of `W = A·B`.
fn factors<'n, T: Real>(
    layers: &'n [Array2<T>],
    chain: &'n Chain<T>,
    first_is_outer: bool,
) -> (&'n Array2<T>, &'n Array2<T>) {
    if first_is_outer {
        (chain.product(&layers[1..]), &layers[0])
    } else {
        let last = layers.len() - 1;
        (&layers[last], chain.product(&layers[..last]))
    }
}

/// Layers one after the other, `C = W_M ⋯ W_1`, and the gradient carried backwards through them.
struct Chain<T> {
    /// `products[j] = W_{j+2} ⋯ W_1` for j = 0 … M−2; the last is C. Empty for M = 1, where C is the layer.
    products: Vec<Array2<T>>,
    /// `carried[j]` has the shape of `W_{j+1} ⋯ W_1`, for j < M−1.
    carried: Vec<Array2<T>>,
    /// ∂/∂C.
    gradient: Array2<T>,
    /// For the gradient of layer j + 1.
    transposed: Vec<Transposed<T>>,
}

impl<T: Real> Chain<T> {
    fn new(layers: &[Array2<T>]) -> Chain<T> {
        let inputs = layers[0].ncols();
        let partial = |j: usize| Array2::zeros((layers[j].nrows(), inputs));
        let m = layers.len();
        Chain {
            products: (1..m).map(partial).collect(),
            carried: (0..m - 1).map(partial).collect(),
            gradient: partial(m - 1),
            transposed: (1..m).map(|j| Transposed::new(layers[j].nrows(), (layers[j].ncols(), inputs))).collect(),
        }
    }

    /// Recomputes the products, M − 1 of them.
    fn forward(&mut self, layers: &[Array2<T>]) {
        for j in 1..layers.len() {
            let (done, rest) = self.products.split_at_mut(j - 1);
            let before = done.last().unwrap_or(&layers[0]);
            gemm(1.0, (Op::Plain, &layers[j]), (Op::Plain, before), 0.0, &mut rest[0]);
        }
    }

    /// C.
    fn product<'n>(&'n self, layers: &'n [Array2<T>]) -> &'n Array2<T> {
        self.products.last().unwrap_or(&layers[0])
    }

    /// Fills `gradients` from `g = ∂/∂C`, 2(M − 1) products.
    fn backward(&mut self, layers: &[Array2<T>], g: &Array2<T>, gradients: &mut [Array2<T>]) {
        for j in (1..layers.len()).rev() {
            let before = if j == 1 { &layers[0] } else { &self.products[j - 2] };
            let (low, high) = self.carried.split_at_mut(j);
            let carried = high.first().unwrap_or(g);
            self.transposed[j - 1].product(carried, before, &mut gradients[j]);
            // The last one carried is the gradient of the first layer.
            let to = if j == 1 { &mut gradients[0] } else { &mut low[j - 1] };
            gemm(1.0, (Op::Transposed, &layers[j]), (Op::Plain, carried), 0.0, to);
        }
        if layers.len() == 1 {
            gradients[0].assign(g);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Stream;

    /// ∂⟨C, W_N ⋯ W_1⟩/∂W_j against central differences, with unequal dimensions so that no transpose hides; the
    /// outer layer is the last in the first case, the first in the others.
    #[test]
    fn layer_gradients_match_central_differences_at_every_depth() {
        for (depth, dims) in
            (1..=5).flat_map(|depth| [[3, 4, 5, 2, 6, 4], [9, 4, 3, 2, 5, 7]].map(|dims| (depth, dims)))
        {
            let mut stream = Stream::new("test", depth as i64);
            let mut random = |r, c| Array2::from_shape_simple_fn((r, c), || stream.normal());
            let layers: Vec<_> = (0..depth).map(|j| random(dims[j + 1], dims[j])).collect();
            let c = random(dims[depth], dims[0]);
            let mut network = Network::new(layers.clone(), None);
            network.forward();
            network.backward(Gradient::Dense(&c));
            for j in 0..depth {
                for i in 0..layers[j].len() {
                    let value = |shift: f64| {
                        let mut moved = layers.clone();
                        moved[j].as_slice_mut().unwrap()[i] += shift;
                        let mut network = Network::new(moved, None);
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
    /// A gradient that is 0 but for some entries, both ways.
    #[test]
    fn a_sparse_network_is_the_dense_one() {
        for (dims, depth) in
            [(&[9, 5, 6, 4][..], 3), (&[4, 6, 5, 9], 3), (&[40, 7, 33], 2), (&[5, 5, 5, 5, 5], 4), (&[70, 3, 300], 2)]
        {
            let mut stream = Stream::new("test", depth as i64);
            let mut random = |r, c| Array2::from_shape_simple_fn((r, c), || stream.normal());
            let layers: Vec<_> = (0..depth).map(|j| random(dims[j + 1], dims[j])).collect();
            let (n1, n2) = (dims[depth], dims[0]);
            let every = 3;
            let index: Vec<u32> = (0..(n1 * n2) as u32).filter(|i| i % every == 1).collect();
            let entries = Entries { value: vec![0.0; index.len()], index };
            let mut dense = Network::new(layers.clone(), None);
            let mut sparse = Network::new(layers, Some(&entries));
            dense.forward();
            sparse.forward();
            let w = dense.end_to_end().as_slice().unwrap();
            let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-12 * (1.0 + a.abs()), "{dims:?}: {a} {b}");
            for (&i, &x) in entries.index.iter().zip(sparse.observed().unwrap()) {
                close(w[i as usize], x);
            }
            let g: Vec<f64> = entries.index.iter().map(|&i| f64::from(i).sin()).collect();
            let mut whole = Array2::zeros((n1, n2));
            for (&i, &g) in entries.index.iter().zip(&g) {
                whole.as_slice_mut().unwrap()[i as usize] = g;
            }
            dense.backward(Gradient::Dense(&whole));
            sparse.backward(Gradient::Entries(&g));
            for (a, b) in dense.gradients.iter().zip(&sparse.gradients) {
                a.iter().zip(b).for_each(|(&a, &b)| close(a, b));
            }
            sparse.complete();
            dense.end_to_end().iter().zip(sparse.end_to_end()).for_each(|(&a, &b)| close(a, b));
        }
    }
}
