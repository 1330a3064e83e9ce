//! A run in the middle: whatever is carried from step to step, and nothing else.

use crate::error::{Error, Result};
use crate::optimizer::State;
use crate::outcome::{Matrix, Point};
use ndarray::Array2;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Raised whenever the layout below changes.
const FORMAT: u32 = 3;

/// The carried state of a run after `optimizer.t` steps.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Checkpoint {
    format: u32,
    /// Digest of the trial that it belongs to.
    trial: String,
    /// Rows, columns, entries of each layer.
    layers: Vec<(usize, usize, Vec<f64>)>,
    pub optimizer: State,
    pub schedule: Vec<f64>,
    pub stop: super::stop::Window,
    pub probe: super::probe::Carried,
    pub trajectory: Vec<Point>,
    pub matrices: Vec<Matrix>,
    pub fallbacks: u64,
    pub unresolved: u64,
    pub wall_seconds: f64,
    pub cpu_seconds: f64,
    pub recording_seconds: f64,
}

impl Checkpoint {
    /// The start of a run of `trial`, with `schedule` numbers for the schedule.
    pub fn start(trial: String, optimizer: State, schedule: usize) -> Checkpoint {
        Checkpoint {
            format: FORMAT,
            trial,
            layers: Vec::new(),
            optimizer,
            schedule: vec![0.0; schedule],
            stop: super::stop::Window::default(),
            probe: super::probe::Carried::default(),
            trajectory: Vec::new(),
            matrices: Vec::new(),
            fallbacks: 0,
            unresolved: 0,
            wall_seconds: 0.0,
            cpu_seconds: 0.0,
            recording_seconds: 0.0,
        }
    }

    /// Reads one, for `trial` only; the weights apart.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] if it is damaged, of another version or of another trial.
    pub fn read(bytes: &[u8], trial: &str) -> Result<(Vec<Array2<f64>>, Checkpoint)> {
        let damaged = || Error::Checkpoint("damaged: its check sum does not match".to_owned());
        let (sum, body) = bytes.split_at_checked(32).ok_or_else(damaged)?;
        if blake3::hash(body).as_bytes() != sum {
            return Err(damaged());
        }
        let mut checkpoint: Checkpoint =
            postcard::from_bytes(body).map_err(|e| Error::Checkpoint(format!("unreadable: {e}")))?;
        if checkpoint.format != FORMAT {
            return Err(Error::Checkpoint(format!("format {} where this program reads {FORMAT}", checkpoint.format)));
        }
        if checkpoint.trial != trial {
            return Err(Error::Checkpoint(format!("of trial {} where {trial} is run", checkpoint.trial)));
        }
        let layer = |(rows, columns, values)| Array2::from_shape_vec((rows, columns), values).map_err(|_| damaged());
        let layers = std::mem::take(&mut checkpoint.layers).into_iter().map(layer).collect::<Result<_>>()?;
        Ok((layers, checkpoint))
    }

    /// As bytes, with the weights.
    pub fn write(&mut self, layers: &[Cow<Array2<f64>>]) -> Vec<u8> {
        self.layers = layers.iter().map(|w| (w.nrows(), w.ncols(), w.iter().copied().collect())).collect();
        let body = postcard::to_stdvec(self).expect("plain data always serialises");
        self.layers = Vec::new();
        let mut bytes = blake3::hash(&body).as_bytes().to_vec();
        bytes.extend(body);
        bytes
    }
}
