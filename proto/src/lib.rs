//! What goes over the wire: `sweep/v1/*.proto` as Rust.
//!
//! One rule: messages are prost's and carry no behaviour; the model is `sweep-core`'s and knows no wire. `convert` is
//! the only place where one becomes the other; `client` is the way to a coordinator.
//!
//! | file | what it says |
//! |---|---|
//! | `recipe.proto` | what is computed: trials, outcomes |
//! | `worker.proto` | what a worker may say |
//! | `user.proto` | what a user may say |
//! | `control.proto` | what a user may say about a sweep after it was submitted |
//! | `results.proto` | what a user may ask of results |
//! | `access.proto` | tokens, invitations, who is there |
//! | `upkeep.proto` | whether all is well |

pub mod client;
pub mod convert;

/// The messages and services of `sweep.v1`; each is explained in its `.proto` file.
#[allow(missing_docs, clippy::all, clippy::pedantic)]
pub mod v1 {
    tonic::include_proto!("sweep.v1");
}

/// Version of the protocol: raised when a message changes its meaning.
pub const PROTOCOL: u32 = 3;

/// Most bytes of one message, either way.
pub const MAX_MESSAGE: usize = 4 << 20;

/// Most bytes of the data of a [`v1::Chunk`].
pub const CHUNK: usize = 256 << 10;

/// The descriptors of every file, for the reflection service.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
