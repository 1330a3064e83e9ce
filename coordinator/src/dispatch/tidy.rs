//! What is removed for good: a sweep, and what nothing refers to.

use super::{Dispatcher, Result};
use crate::store::Gone;

impl Dispatcher {
    /// Removes the sweep `id` with everything that is its own. Nothing of it is given out any more, and those who run a
    /// cell of it are told to drop it.
    ///
    /// # Errors
    /// [`crate::store::Error::UnknownSweep`]; nothing has changed then.
    pub async fn remove(&self, id: &str) -> Result<Gone> {
        // Held to the end: no cell of it is leased between the two.
        let mut active = self.active.lock().await;
        let gone = self.store.remove_sweep(id).await?;
        active.retain(|active| active.id != id);
        self.revoke(|sweep, _| sweep == id);
        Ok(gone)
    }

    /// Removes outcomes and blobs that nothing refers to, and gives free space back to the file system. A data file that
    /// was uploaded for a sweep that is not submitted yet goes, too; to submit it again uploads it again.
    ///
    /// # Errors
    /// What the database says.
    pub async fn gc(&self) -> Result<Gone> {
        // A sweep that is being submitted names its files only at the end.
        let _submitting = self.active.lock().await;
        Ok(self.store.gc().await?)
    }
}
