//! What passes through the pipes between a worker and a child: frames of a message and some bytes.
//!
//! A frame is two lengths (little-endian: message `u32`, bytes `u64`), the message by postcard, and the bytes as they
//! are. Files and checkpoints, which may be large, are such bytes. Both ends are the same binary: there are no versions.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{self, BufRead, Read, Write};
use sweep_core::job::Lease;
use sweep_core::outcome::Outcome;
use sweep_core::trial::{Inputs, Trial};
use sweep_core::value::Value;

/// What a child is told.
#[derive(Debug, Serialize, Deserialize)]
pub enum Order {
    /// First of all.
    Setup {
        /// Threads of each BLAS call.
        blas_threads: usize,
        /// Seconds of training between two checkpoints.
        checkpoint_seconds: f64,
        /// Most bytes of address space.
        memory: Option<u64>,
    },
    /// The bytes are the file of this content hash, which the next attempt needs.
    File(String),
    /// An attempt to make; the bytes are its checkpoint. Of the files at hand those that it does not name are dropped.
    Begin(Attempt),
    /// What is running is wanted back.
    HandBack,
}

/// What a child says.
#[derive(Debug, Serialize, Deserialize)]
pub enum Said {
    /// It waits for its first attempt.
    Ready,
    /// The bytes are the state of the run after these steps.
    Checkpoint(u64),
    /// The attempt has a result.
    Outcome(Box<Outcome>),
    /// It failed, in words.
    Failed(String),
    /// It is handed back; the bytes are its checkpoint.
    HandedBack,
}

/// A lease, its checkpoint apart.
#[derive(Debug, Serialize, Deserialize)]
pub struct Attempt {
    sweep: String,
    cell: u64,
    fence: i64,
    values: Vec<(String, Coordinate)>,
    inputs: Inputs,
    seconds_limit: Option<f64>,
    has_checkpoint: bool,
}

/// A [`Value`] that says which kind it is.
#[derive(Debug, Serialize, Deserialize)]
enum Coordinate {
    Int(i64),
    Float(f64),
    Text(String),
}

impl From<&Lease> for Attempt {
    fn from(lease: &Lease) -> Attempt {
        let coordinate = |value: &Value| match value {
            Value::Int(i) => Coordinate::Int(*i),
            Value::Float(x) => Coordinate::Float(*x),
            Value::Text(text) => Coordinate::Text(text.clone()),
        };
        Attempt {
            sweep: lease.sweep.clone(),
            cell: lease.cell,
            fence: lease.fence,
            values: lease.trial.values().map(|(axis, value)| (axis.to_owned(), coordinate(value))).collect(),
            inputs: lease.trial.inputs().clone(),
            seconds_limit: lease.seconds_limit,
            has_checkpoint: lease.checkpoint.is_some(),
        }
    }
}

impl Attempt {
    /// The lease again, with the bytes that came along.
    ///
    /// # Errors
    /// What [`Trial::new`] says of it.
    pub fn lease(self, checkpoint: Vec<u8>) -> sweep_core::error::Result<Lease> {
        let value = |coordinate| match coordinate {
            Coordinate::Int(i) => Value::Int(i),
            Coordinate::Float(x) => Value::Float(x),
            Coordinate::Text(text) => Value::Text(text),
        };
        let values: BTreeMap<String, Value> = self.values.into_iter().map(|(axis, c)| (axis, value(c))).collect();
        Ok(Lease {
            sweep: self.sweep,
            cell: self.cell,
            fence: self.fence,
            trial: Trial::new(&values, &self.inputs)?,
            seconds_limit: self.seconds_limit,
            checkpoint: self.has_checkpoint.then_some(checkpoint),
        })
    }
}

/// Writes one frame, at once.
///
/// # Errors
/// What the pipe says.
pub fn write(to: &mut impl Write, message: &impl Serialize, bytes: &[u8]) -> io::Result<()> {
    let message = postcard::to_stdvec(message).map_err(io::Error::other)?;
    let length = u32::try_from(message.len()).map_err(io::Error::other)?;
    let mut head = Vec::with_capacity(12 + message.len());
    head.extend(length.to_le_bytes());
    head.extend((bytes.len() as u64).to_le_bytes());
    head.extend(message);
    to.write_all(&head)?;
    to.write_all(bytes)?;
    to.flush()
}

/// Reads one frame; `None` where the pipe was closed between two.
///
/// # Errors
/// What the pipe says, and what is no message.
pub fn read<M: DeserializeOwned>(from: &mut impl BufRead) -> io::Result<Option<(M, Vec<u8>)>> {
    let mut head = [0; 12];
    match from.by_ref().bytes().next().transpose()? {
        Some(byte) => head[0] = byte,
        None => return Ok(None),
    }
    from.read_exact(&mut head[1..])?;
    let (length, bytes) = head.split_at(4);
    let length = u32::from_le_bytes(length.try_into().expect("four bytes"));
    let bytes = u64::from_le_bytes(bytes.try_into().expect("eight bytes"));
    let message = take(from, u64::from(length))?;
    let message = postcard::from_bytes(&message).map_err(io::Error::other)?;
    Ok(Some((message, take(from, bytes)?)))
}

/// The next `length` bytes; memory is taken as they come.
fn take(from: &mut impl Read, length: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if from.by_ref().take(length).read_to_end(&mut bytes)? as u64 == length {
        Ok(bytes)
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}
