//! Workers and provenance: who computed what, on which machine, with which library.

use super::database::{Transaction, args};
use super::error::{Error, Result};
use super::{Store, statements as sql};
use sweep_core::job::Provenance;

/// A worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worker {
    /// A name that no other worker has.
    pub id: String,
    /// Id of its provenance.
    pub provenance: String,
    /// Cores that it may use.
    pub cores: u32,
    /// Cells that it trains at once.
    pub slots: u32,
}

/// A worker that was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenWorker {
    /// It.
    pub worker: Worker,
    /// Its machine and program.
    pub provenance: Provenance,
    /// When it last came.
    pub last_seen_at_ms: i64,
}

impl Store {
    /// The workers that came since, latest first.
    ///
    /// # Errors
    /// What the database says.
    pub async fn workers(&self, since_ms: i64) -> Result<Vec<SeenWorker>> {
        let mut transaction = self.database.read().await?;
        let count = |x: i64| u32::try_from(x).map_err(|_| Error::Corrupt(format!("{x} where a small count belongs")));
        let mut workers = Vec::new();
        for mut row in transaction.rows(sql::WORKERS, args![since_ms]).await? {
            let (id, provenance_id) = (row.text()?, row.text()?);
            let (cores, slots) = (count(row.int()?)?, count(row.int()?)?);
            let provenance = provenance(&mut transaction, &provenance_id).await?;
            let worker = Worker { id, provenance: provenance_id, cores, slots };
            workers.push(SeenWorker { worker, provenance, last_seen_at_ms: row.int()? });
        }
        Ok(workers)
    }

    /// Stores a provenance once; its id, which is a hash of its content.
    ///
    /// # Errors
    /// What the database says.
    pub async fn add_provenance(&self, p: &Provenance) -> Result<String> {
        let id = &blake3::hash(format!("{p:?}").as_bytes()).to_hex()[..12];
        let row = args![
            id,
            &p.trainer_version,
            p.revision,
            &p.git_commit,
            &p.host,
            &p.cpu,
            &p.blas_library,
            &p.blas_kernel,
            p.blas_threads,
            &p.dtype,
        ];
        let mut transaction = self.database.write().await?;
        transaction.execute(sql::ADD_PROVENANCE, row).await?;
        transaction.commit().await?;
        Ok(id.to_owned())
    }

    /// Notes that a worker is there, new or again.
    ///
    /// # Errors
    /// What the database says, as of a provenance that is not stored.
    pub async fn see_worker(&self, worker: &Worker, now_ms: i64) -> Result<()> {
        let mut transaction = self.database.write().await?;
        let row = args![&worker.id, &worker.provenance, worker.cores, worker.slots, now_ms];
        transaction.execute(sql::SEE_WORKER, row).await?;
        transaction.commit().await
    }
}

/// The provenance of this id.
pub(super) async fn provenance(transaction: &mut Transaction, id: &str) -> Result<Provenance> {
    let missing = || Error::Corrupt(format!("there is no provenance {id}"));
    let mut row = transaction.row(sql::PROVENANCE, args![id]).await?.ok_or_else(missing)?;
    let count = |x: i64| u32::try_from(x).map_err(|_| Error::Corrupt(format!("{x} where a small count belongs")));
    Ok(Provenance {
        trainer_version: row.text()?,
        revision: count(row.int()?)?,
        git_commit: row.text()?,
        host: row.text()?,
        cpu: row.text()?,
        blas_library: row.text()?,
        blas_kernel: row.text()?,
        blas_threads: count(row.int()?)?,
        dtype: row.text()?,
    })
}
