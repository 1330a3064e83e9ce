//! A worker's sign of life: a file that is written anew while the coordinator is reached.
//!
//! A worker listens nowhere, so nothing can ask it. Whether it is well is read from the age of the file.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How often the file is written.
const EVERY: Duration = Duration::from_secs(2);
/// The greatest age of the file of a worker that is well: a busy machine may be late.
pub const FRESH: Duration = Duration::from_secs(15);

/// Writes `file` anew for ever, whenever the coordinator is `reached`.
pub async fn show(reached: impl Fn() -> bool, file: PathBuf) {
    let mut complained = false;
    loop {
        if reached() {
            let written = std::fs::write(&file, "");
            if let (Err(error), false) = (written, std::mem::replace(&mut complained, true)) {
                tracing::warn!("--alive {} cannot be written: {error}", file.display());
            }
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// How long ago `file` was written; `None` where it is not there.
pub fn age(file: &Path) -> Option<Duration> {
    let written = std::fs::metadata(file).and_then(|metadata| metadata.modified()).ok()?;
    // A file of the future was written now, by a clock that has been set back.
    Some(SystemTime::now().duration_since(written).unwrap_or_default())
}
