//! The call that gives a sweep more cells.

use super::status::{status, stored};
use crate::dispatch::{Dispatcher, Extended};
use std::collections::BTreeMap;
use sweep_core::sweep::MAX_CELLS;
use sweep_proto::v1;
use tonic::{Result, Status};

/// Gives a sweep the cells of a longer file; a file that is new in it was uploaded before.
///
/// # Errors
/// `FAILED_PRECONDITION` for a file that was not uploaded; what the dispatcher says.
pub async fn extend(dispatcher: &Dispatcher, request: v1::ExtendRequest) -> Result<v1::ExtendResponse> {
    let v1::ExtendRequest { sweep, source, inputs, max_cells, dry_run } = request;
    let most = if max_cells == 0 { MAX_CELLS } else { max_cells };
    let mut contents = BTreeMap::new();
    for (path, hash) in inputs {
        let bytes = dispatcher.store().blob(&hash).await.map_err(|error| stored(&error))?;
        let missing = || Status::failed_precondition(format!("the file \"{path}\" was not uploaded: {hash}"));
        contents.insert(path.clone(), bytes.ok_or_else(missing)?);
    }
    let extended = dispatcher.extend(&sweep, &source, &contents, most, dry_run).await;
    let Extended { id, before, cells, retuned } = extended.map_err(|error| status(&error))?;
    if !dry_run {
        tracing::info!("sweep {id} was extended from {before} to {cells} cells");
    }
    Ok(v1::ExtendResponse { id, before, cells, retuned })
}
