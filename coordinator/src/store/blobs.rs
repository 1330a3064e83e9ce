//! Bytes stored once by content: the files that sweeps name, and checkpoints.
//!
//! A blob goes when neither a sweep nor a checkpoint names it. A cell has one checkpoint, its latest, and none once it
//! is final.

use super::database::{Transaction, args};
use super::error::{Error, Result};
use super::{Lease, Location, Store, statements as sql};

/// Most bytes of all checkpoints together, where nothing else was set: eighty of the largest that are usual.
pub const CHECKPOINT_QUOTA: u64 = 16 << 30;
/// Bytes per row of `blob_chunks`: small enough for any buffer on the way.
const CHUNK: usize = 1 << 20;

/// What a removal took away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Gone {
    /// Outcomes that no cell referred to.
    pub outcomes: u64,
    /// Blobs that nothing named.
    pub blobs: u64,
}

/// How much is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Bytes on the disk (the log of SQLite included).
    pub bytes: u64,
    /// Sweeps.
    pub sweeps: u64,
    /// Cells that were ever leased.
    pub cells: u64,
    /// Outcomes.
    pub outcomes: u64,
    /// Trajectory points.
    pub points: u64,
    /// Bytes of inputs and checkpoints.
    pub blob_bytes: u64,
    /// Checkpoints.
    pub checkpoints: u64,
    /// Bytes of these.
    pub checkpoint_bytes: u64,
    /// Most bytes that they may have.
    pub checkpoint_quota: u64,
}

impl Store {
    /// Stores bytes once; their hash (blake3, hex), the one that `sweep_core::trial::Inputs` holds.
    ///
    /// # Errors
    /// What the database says.
    pub async fn save_blob(&self, bytes: &[u8]) -> Result<String> {
        let mut transaction = self.database.write().await?;
        let hash = save(&mut transaction, bytes).await?;
        transaction.commit().await?;
        Ok(hash)
    }

    /// The bytes with this hash.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if they are no longer what they were.
    pub async fn blob(&self, hash: &str) -> Result<Option<Vec<u8>>> {
        load(&mut self.database.read().await?, hash).await
    }

    /// Sets the most bytes that all checkpoints together may have. What is there stays.
    ///
    /// # Errors
    /// What the database says.
    pub async fn set_checkpoint_quota(&self, bytes: u64) -> Result<()> {
        let mut transaction = self.database.write().await?;
        transaction.execute(sql::SET_CHECKPOINT_QUOTA, args![bytes]).await?;
        transaction.commit().await
    }

    /// Stores the latest checkpoint of a leased cell in place of the one before. False if the lease no longer holds,
    /// and then nothing changes.
    ///
    /// # Errors
    /// [`Error::NoRoom`] beyond the quota, and then the one before stays; what the database says.
    pub async fn save_checkpoint(&self, lease: &Lease, step: u64, bytes: &[u8], now_ms: i64) -> Result<bool> {
        let Lease { sweep, cell, fence } = lease;
        let mut transaction = self.database.write().await?;
        if transaction.execute(sql::HOLDS, args![sweep, *cell, *fence]).await? != 1 {
            return Ok(false);
        }
        if let Some(mut row) = transaction.row(sql::CHECKPOINT_ROOM, args![sweep, *cell]).await? {
            let (used, quota) = (row.count()?, quota(row.maybe_int()?));
            if used.saturating_add(bytes.len() as u64) > quota {
                return Err(Error::NoRoom { bytes: bytes.len() as u64, used, quota });
            }
        }
        let before = transaction.row(sql::CHECKPOINT, args![sweep, *cell]).await?;
        let hash = save(&mut transaction, bytes).await?;
        transaction.execute(sql::SAVE_CHECKPOINT, args![sweep, *cell, step, &hash, now_ms]).await?;
        if let Some(mut before) = before {
            before.int()?;
            transaction.execute(sql::DROP_BLOB, args![before.text()?]).await?;
        }
        transaction.commit().await?;
        Ok(true)
    }

    /// Step and bytes of a cell's checkpoint, if it has one.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if the bytes are no longer what they were.
    pub async fn checkpoint(&self, sweep: &str, cell: u64) -> Result<Option<(u64, Vec<u8>)>> {
        let mut transaction = self.database.read().await?;
        let Some(mut row) = transaction.row(sql::CHECKPOINT, args![sweep, cell]).await? else { return Ok(None) };
        let (step, hash) = (row.count()?, row.text()?);
        Ok(load(&mut transaction, &hash).await?.map(|bytes| (step, bytes)))
    }

    /// Removes outcomes and blobs that nothing refers to, and gives free space back to the file system. Not while a
    /// sweep is being submitted: its inputs are named only then.
    ///
    /// # Errors
    /// What the database says.
    pub async fn gc(&self) -> Result<Gone> {
        let mut transaction = self.database.write().await?;
        let outcomes = transaction.execute(sql::DROP_ORPHANS, &[]).await?;
        let blobs = transaction.execute(sql::DROP_BLOBS, &[]).await?;
        transaction.commit().await?;
        self.database.outside("VACUUM").await?;
        if self.database.is_sqlite() {
            self.database.outside("PRAGMA wal_checkpoint(TRUNCATE)").await?;
        }
        Ok(Gone { outcomes, blobs })
    }

    /// How much is stored.
    ///
    /// # Errors
    /// What the database says.
    pub async fn usage(&self) -> Result<Usage> {
        let mut transaction = self.database.read().await?;
        let bytes = match &self.location {
            Location::Sqlite(path) => ["", "-wal"]
                .map(|end| {
                    let mut name = path.as_os_str().to_owned();
                    name.push(end);
                    std::fs::metadata(name).map_or(0, |m| m.len())
                })
                .iter()
                .sum(),
            Location::Postgres(_) => {
                const SIZE: &str = "SELECT pg_database_size(current_database())";
                transaction.row(SIZE, &[]).await?.map(|mut row| row.count()).transpose()?.unwrap_or_default()
            }
        };
        let mut row = transaction.row(sql::SIZES, &[]).await?.ok_or_else(|| Error::Corrupt("no sizes".to_owned()))?;
        Ok(Usage {
            bytes,
            sweeps: row.count()?,
            cells: row.count()?,
            outcomes: row.count()?,
            points: row.count()?,
            blob_bytes: row.count()?,
            checkpoints: row.count()?,
            checkpoint_bytes: row.count()?,
            checkpoint_quota: quota(row.maybe_int()?),
        })
    }
}

/// The quota that is stored, or the default.
fn quota(stored: Option<i64>) -> u64 {
    stored.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(CHECKPOINT_QUOTA)
}

async fn save(transaction: &mut Transaction, bytes: &[u8]) -> Result<String> {
    let hash = blake3::hash(bytes).to_hex().to_string();
    if transaction.execute(sql::ADD_BLOB, args![&hash, bytes.len() as u64]).await? == 1 {
        for (seq, chunk) in bytes.chunks(CHUNK).enumerate() {
            transaction.execute(sql::ADD_CHUNK, args![&hash, seq as u64, chunk]).await?;
        }
    }
    Ok(hash)
}

async fn load(transaction: &mut Transaction, hash: &str) -> Result<Option<Vec<u8>>> {
    let Some(mut row) = transaction.row(sql::BLOB, args![hash]).await? else { return Ok(None) };
    let mut bytes = Vec::with_capacity(usize::try_from(row.count()?).unwrap_or_default());
    for mut chunk in transaction.rows(sql::CHUNKS, args![hash]).await? {
        bytes.append(&mut chunk.bytes()?);
    }
    if blake3::hash(&bytes).to_hex().as_str() != hash {
        return Err(Error::Corrupt(format!("the bytes stored as {hash} have another hash")));
    }
    Ok(Some(bytes))
}

/// Removes the checkpoints of cells that will not go on, with their bytes.
pub(super) async fn drop_checkpoints(transaction: &mut Transaction) -> Result<()> {
    for mut row in transaction.rows(sql::DROP_CHECKPOINTS, &[]).await? {
        transaction.execute(sql::DROP_BLOB, args![row.text()?]).await?;
    }
    Ok(())
}
