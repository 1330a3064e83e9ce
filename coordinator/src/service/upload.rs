//! Chunks in and out: checkpoints, inputs and large reports, none of which fits into a message.

use std::time::Duration;
use sweep_proto::{CHUNK, v1};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Result, Status, Streaming};

/// Most bytes of one upload.
const MAX_UPLOAD: usize = 512 << 20;
/// A client that sends or takes nothing for this long is given up.
const PATIENCE: Duration = Duration::from_secs(30);

/// A stream of chunks.
pub type Chunks = ReceiverStream<Result<v1::Chunk>>;

/// What an upload is, and its bytes.
///
/// # Errors
/// `INVALID_ARGUMENT` without a header, `OUT_OF_RANGE` past the limit, `DEADLINE_EXCEEDED` from one who falls silent.
pub async fn receive(stream: &mut Streaming<v1::Chunk>) -> Result<(v1::header::Of, Vec<u8>)> {
    let (mut header, mut bytes) = (None, Vec::new());
    loop {
        let next = tokio::time::timeout(PATIENCE, stream.message()).await;
        let next = next.map_err(|_| Status::deadline_exceeded("nothing came for 30 s"))??;
        let Some(chunk) = next else { break };
        if header.is_none() {
            header = chunk.header.and_then(|header| header.of);
        }
        if bytes.len() + chunk.data.len() > MAX_UPLOAD {
            return Err(Status::out_of_range(format!("an upload has at most {} MiB", MAX_UPLOAD >> 20)));
        }
        bytes.extend_from_slice(&chunk.data);
    }
    let header = header.ok_or_else(|| Status::invalid_argument("the first chunk says what an upload is"))?;
    Ok((header, bytes))
}

/// The chunks of `bytes`. `permit` is kept until the last is on its way.
pub fn send(bytes: impl AsRef<[u8]> + Send + 'static, permit: OwnedSemaphorePermit) -> Chunks {
    let (tell, chunks) = mpsc::channel(4);
    tokio::spawn(async move {
        let _permit = permit;
        for data in bytes.as_ref().chunks(CHUNK) {
            if !say(&tell, Ok(v1::Chunk { data: data.to_vec().into(), header: None })).await {
                break;
            }
        }
    });
    ReceiverStream::new(chunks)
}

/// Hands a message to a client; false for one that has gone, or takes nothing for 30 s.
pub async fn say<T>(tell: &mpsc::Sender<Result<T>>, message: Result<T>) -> bool {
    matches!(tokio::time::timeout(PATIENCE, tell.send(message)).await, Ok(Ok(())))
}
