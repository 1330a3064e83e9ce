//! What a run computes, and the grid that names it. No I/O, no clock, no SQL, no wire.
//!
//! # The model in one page
//!
//! Matrix completion: recover a low-rank `W*` (n1×n2, rank r) from `m` observed entries Ω. A *depth-N linear network* is a
//! product `W = W_N ⋯ W_1`, the *end-to-end matrix*. Training minimises
//!
//! ```text
//! L(W_1, …, W_N) = (1/m) Σ_{(i,j) ∈ Ω} (W_ij − Y_ij)² + λ·P(W)
//! ```
//!
//! with a *penalty* P (a folder: [`penalty`]), by an [`optimizer`] with a learning-rate [`schedule`], from an [`init`].
//! By the chain rule the gradient of layer j is `(W_N ⋯ W_{j+1})ᵀ ∇_W L (W_{j−1} ⋯ W_1)ᵀ`. [`baseline`]s solve the same
//! [`problem`] without training. What is measured on the way is listed once, in [`outcome::COLUMNS`].
//!
//! Sources: Arora, Cohen, Hu, Luo, *Implicit Regularization in Deep Matrix Factorization* (arXiv 1905.13655); Zhao,
//! *Combining Explicit and Implicit Regularization for Efficient Learning in Deep Networks* (arXiv 2306.00342); Gunasekar et
//! al., *Implicit Regularization in Matrix Factorization* (2017).
//!
//! # From a file to an outcome
//!
//! A [`sweep`] file names [`axis`] values; its [`grid`] is a function from a cell's index to coordinates; coordinates make a
//! [`trial::Trial`], the full recipe as data; [`train::run`] turns a trial into an [`outcome::Outcome`]. [`job`] is what
//! passes between a coordinator and a worker.
//!
//! ```
//! use std::collections::BTreeMap;
//! use sweep_core::{outcome::TEST_REL, problem::NoFiles, train, trial::{Inputs, Trial}, value::Value};
//!
//! struct Quiet;
//! impl train::Monitor for Quiet {
//!     fn seconds(&self) -> (f64, f64) { (0.0, 0.0) }
//!     fn control(&mut self, _: u64) -> train::Control { train::Control::Continue }
//!     fn checkpoint(&mut self, _: u64, _: Vec<u8>) {}
//! }
//!
//! // A 5×5 matrix of rank 1, 20 of its 25 entries observed, completed by a depth-3 network under gradient descent.
//! let recipe: [(&str, Value); 9] = [
//!     ("n1", 5.into()), ("n2", 5.into()), ("rank", 1.into()), ("samples", 20.into()),
//!     ("depth", 3.into()), ("init_scale", 1e-3.into()),
//!     ("optimizer", "gd".into()), ("lr", 0.2.into()), ("steps", 2_000.into()),
//! ];
//! let recipe: BTreeMap<String, Value> = recipe.into_iter().map(|(axis, value)| (axis.to_owned(), value)).collect();
//! let trial = Trial::new(&recipe, &Inputs::new())?;
//! let train::Ended::Outcome(outcome) = train::run(&trial, &NoFiles, None, &mut Quiet)? else { unreachable!() };
//! assert!(outcome.last.get(TEST_REL).unwrap() < 0.05);
//! # Ok::<(), sweep_core::error::Error>(())
//! ```

pub mod axis;
pub mod baseline;
pub mod error;
pub mod grid;
pub mod init;
pub mod job;
pub mod optimizer;
pub mod outcome;
pub mod penalty;
pub mod problem;
pub mod registry;
pub mod schedule;
pub mod seed;
pub mod sweep;
pub mod train;
pub mod trial;
pub mod value;
