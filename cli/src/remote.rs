//! A coordinator, as verbs see it: what they ask, in the words of the store.
//!
//! One rule: a verb does not know where the coordinator is. On the network, or, where none is named, in this process over
//! the database of `--db`: the same services behind the same messages, so that the two cannot differ.

mod results;

pub use results::{Cell, Shown};

use crate::args::Remote;
use crate::failure::{Failure, Result};
use crate::output::Table;
use crate::{logging, session};
use futures_util::stream;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use sweep_coordinator::clock::SystemClock;
use sweep_coordinator::dispatch::{Dispatcher, Settings};
use sweep_coordinator::service;
use sweep_coordinator::store::{Datum, Location, Store};
use sweep_proto::client::{Address, Authorized};
use sweep_proto::v1::control_client::ControlClient;
use sweep_proto::v1::results_client::ResultsClient;
use sweep_proto::v1::sweeps_client::SweepsClient;
use sweep_proto::v1::upkeep_client::UpkeepClient;
use sweep_proto::{CHUNK, MAX_MESSAGE, v1};
use tonic::Status;

/// The address that these options name.
///
/// # Errors
/// [`Failure::Mistake`] where they name none, or a file is of no use.
pub fn address(to: &Remote) -> Result<Address> {
    let missing = || Failure::Mistake("a coordinator is needed: --coordinator URL, or SWEEP_COORDINATOR".to_owned());
    let url = to.coordinator.as_deref().ok_or_else(missing)?;
    Ok(Address::from_files(url, to.token_file.as_deref(), to.ca.as_deref(), to.insecure)?)
}

impl From<sweep_proto::client::Error> for Failure {
    fn from(error: sweep_proto::client::Error) -> Failure {
        use sweep_proto::client::Error;
        match error {
            Error::Unreachable { .. } | Error::Fingerprint { .. } => Failure::Unreachable(error.to_string()),
            mistake => Failure::Mistake(mistake.to_string()),
        }
    }
}

/// What a verb does to a database that it opens itself. A coordinator on the network asks for the role instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// It looks, also while another process writes.
    Read,
    /// It changes what is there: one process at a time.
    Write,
}

/// A connection for users; clones share it.
#[derive(Clone)]
pub struct Coordinator {
    sweeps: SweepsClient<Authorized>,
    results: ResultsClient<Authorized>,
    control: ControlClient<Authorized>,
    upkeep: UpkeepClient<Authorized>,
    /// The database, where it is open in this process.
    store: Option<Store>,
}

impl Coordinator {
    /// The coordinator that `of` names; where it names none, one in this process over the database `db`, which must be
    /// there. That one gives out no leases and leaves those of others as they are.
    ///
    /// # Errors
    /// [`Failure::Unreachable`] and [`Failure::Mistake`] with the remedy; what the database says.
    pub async fn reach(db: &str, of: &Remote, access: Access) -> Result<Coordinator> {
        if let Some(named) = Coordinator::named(of).await? {
            return Ok(named);
        }
        logging::start_at("error");
        let store = match access {
            Access::Read => session::reading(db).await?,
            Access::Write => session::changing(db).await?,
        };
        // Leases of a process that is no more wait for whoever works next: to look or to tidy up is not to work.
        let dispatcher = Dispatcher::open_with(store.clone(), Arc::new(SystemClock), Settings::cluster()).await?;
        let connection = sweep_proto::client::over(service::embedded(Arc::new(dispatcher))).await?;
        Ok(Coordinator::over(connection, Some(store)))
    }

    /// Connects to the coordinator that `to` names, if it names one.
    ///
    /// # Errors
    /// [`Failure::Unreachable`] and [`Failure::Mistake`] with the remedy.
    pub async fn named(to: &Remote) -> Result<Option<Coordinator>> {
        if to.coordinator.is_none() {
            return Ok(None);
        }
        Ok(Some(Coordinator::over(address(to)?.connect().await?, None)))
    }

    fn over(connection: Authorized, store: Option<Store>) -> Coordinator {
        let sweeps = SweepsClient::new(connection.clone());
        let sweeps = sweeps.max_decoding_message_size(MAX_MESSAGE).max_encoding_message_size(MAX_MESSAGE);
        let results = ResultsClient::new(connection.clone());
        let results = results.max_decoding_message_size(MAX_MESSAGE).max_encoding_message_size(MAX_MESSAGE);
        let upkeep = UpkeepClient::new(connection.clone());
        let control = ControlClient::new(connection);
        let control = control.max_decoding_message_size(MAX_MESSAGE).max_encoding_message_size(MAX_MESSAGE);
        Coordinator { sweeps, results, control, upkeep, store }
    }

    /// What was checked of all that is stored, and what is wrong.
    ///
    /// # Errors
    /// What the coordinator says.
    pub async fn check(&mut self) -> Result<Vec<v1::Checked>> {
        let answer = self.upkeep.check(v1::CheckRequest {}).await;
        Ok(answer.map_err(|status| self.refused(status))?.into_inner().checks)
    }

    /// The calls about a sweep that was submitted.
    pub fn control(&mut self) -> &mut ControlClient<Authorized> {
        &mut self.control
    }

    /// Where the database is, if this process has it open.
    pub fn location(&self) -> Option<&Location> {
        self.store.as_ref().map(Store::location)
    }

    /// Ends the connection after a change; a SQLite database in this process is then one file again.
    pub async fn close(self) {
        if let Some(store) = self.store {
            store.close().await;
        }
    }

    /// What a refusal means. There is no way to a coordinator in this process that could be cut.
    pub fn refused(&self, status: Status) -> Failure {
        match (status.code(), &self.store) {
            (tonic::Code::Unavailable, Some(_)) => {
                Failure::Internal(anyhow::anyhow!("the database does not answer; what it said is above"))
            }
            _ => status.into(),
        }
    }

    /// Keeps a data file; its content hash.
    ///
    /// # Errors
    /// What the coordinator says.
    pub async fn upload(&mut self, bytes: &[u8]) -> Result<String> {
        let header = v1::Header { of: Some(v1::header::Of::Input(v1::InputHeader {})) };
        let first = v1::Chunk { data: Vec::new().into(), header: Some(header) };
        let rest: Vec<v1::Chunk> =
            bytes.chunks(CHUNK).map(|data| v1::Chunk { data: data.to_vec().into(), header: None }).collect();
        let chunks = stream::iter(std::iter::once(first).chain(rest));
        Ok(self.sweeps.upload(chunks).await?.into_inner().hash)
    }

    /// Submits a sweep; its id and its cells. `files` holds the content of every file that it names, by path.
    ///
    /// # Errors
    /// What the coordinator says.
    pub async fn submit(
        &mut self,
        source: &str,
        files: &BTreeMap<String, Vec<u8>>,
        tags: &[String],
        fresh: bool,
        max_cells: u64,
    ) -> Result<v1::SubmitResponse> {
        let inputs = self.uploaded(files).await?;
        let request = v1::SubmitRequest { source: source.to_owned(), inputs, tags: tags.to_vec(), fresh, max_cells };
        Ok(self.sweeps.submit(request).await?.into_inner())
    }

    /// Keeps data files; their content hashes by path.
    async fn uploaded(&mut self, files: &BTreeMap<String, Vec<u8>>) -> Result<HashMap<String, String>> {
        let mut inputs = HashMap::new();
        for (path, bytes) in files {
            inputs.insert(path.clone(), self.upload(bytes).await?);
        }
        Ok(inputs)
    }

    /// The file of a sweep as it is now, and the content hash of the files that it names.
    ///
    /// # Errors
    /// What the coordinator says.
    pub async fn source(&mut self, sweep: &str) -> Result<v1::SourceResponse> {
        let answer = self.sweeps.source(v1::SweepRequest { sweep: sweep.to_owned() }).await;
        Ok(answer.map_err(|status| self.refused(status))?.into_inner())
    }

    /// Gives a sweep the cells of a longer file. `files` holds the content of those that are new in it, by path.
    ///
    /// # Errors
    /// What the coordinator says.
    pub async fn extend(
        &mut self,
        sweep: &str,
        source: &str,
        files: &BTreeMap<String, Vec<u8>>,
        max_cells: u64,
        dry_run: bool,
    ) -> Result<v1::ExtendResponse> {
        let (sweep, source, inputs) = (sweep.to_owned(), source.to_owned(), self.uploaded(files).await?);
        let request = v1::ExtendRequest { sweep, source, inputs, max_cells, dry_run };
        let answer = self.sweeps.extend(request).await;
        Ok(answer.map_err(|status| self.refused(status))?.into_inner())
    }

    /// Every sweep, latest first.
    ///
    /// # Errors
    /// What the coordinator says.
    pub async fn list(&mut self) -> Result<Vec<v1::SweepStatus>> {
        let answer = self.sweeps.list(v1::ListRequest {}).await;
        Ok(answer.map_err(|status| self.refused(status))?.into_inner().sweeps)
    }

    /// How one sweep stands.
    ///
    /// # Errors
    /// What the coordinator says.
    pub async fn status(&mut self, sweep: &str) -> Result<v1::SweepStatus> {
        let answer = self.sweeps.status(v1::SweepRequest { sweep: sweep.to_owned() }).await;
        Ok(answer.map_err(|status| self.refused(status))?.into_inner())
    }

    /// The sweep called `key`, for verbs that take no cell (any more).
    ///
    /// # Errors
    /// [`Failure::Mistake`] for a name that is not known, and for a cell where a sweep is meant.
    pub async fn sweep(&mut self, key: &str) -> Result<v1::SweepStatus> {
        let unknown = match self.status(key).await {
            Err(unknown @ Failure::Mistake(_)) => unknown,
            found => return found,
        };
        let Some((sweep, cell)) = key.rsplit_once('/') else { return Err(unknown) };
        let Ok(v1::SweepStatus { name, cells, .. }) = self.status(sweep).await else { return Err(unknown) };
        Err(Failure::Mistake(match cell.parse::<u64>() {
            Ok(_) => format!("a sweep is needed here, not one cell of it; write \"{name}\""),
            Err(_) => format!("\"{cell}\" is no cell of \"{name}\"; allowed: a number in 0..{cells}"),
        }))
    }

    /// How it stands, again and again.
    ///
    /// # Errors
    /// What the coordinator says.
    pub async fn watch(&mut self, sweep: &str) -> std::result::Result<tonic::Streaming<v1::WatchResponse>, Status> {
        Ok(self.sweeps.watch(v1::SweepRequest { sweep: sweep.to_owned() }).await?.into_inner())
    }

    /// The answer to a statement, and whether the limit left rows out.
    ///
    /// # Errors
    /// What the coordinator says.
    pub async fn sql(&mut self, query: &str, rows: usize, seconds: f64) -> Result<(Table, bool)> {
        let request = v1::SqlRequest { query: query.to_owned(), rows: rows as u64, seconds };
        let mut stream = self.sweeps.sql(request).await.map_err(|status| self.refused(status))?.into_inner();
        let (mut table, mut truncated) = (Table::default(), false);
        while let Some(part) = stream.message().await.map_err(|status| self.refused(status))? {
            truncated |= part.truncated;
            take(&mut table, part);
        }
        Ok((table, truncated))
    }
}

/// Adds some rows of an answer to those that came before.
fn take(table: &mut Table, part: v1::SqlResponse) {
    use v1::datum::Is;
    if table.columns.is_empty() {
        table.columns = part.columns;
    }
    let datum = |datum: v1::Datum| match datum.is {
        None => Datum::Null,
        Some(Is::Int(i)) => Datum::Int(i),
        Some(Is::Float(x)) => Datum::Float(x),
        Some(Is::Text(text)) => Datum::Text(text),
        Some(Is::Bytes(bytes)) => Datum::Bytes(bytes),
    };
    table.rows.extend(part.rows.into_iter().map(|row| row.values.into_iter().map(datum).collect::<Vec<_>>()));
}

impl From<Status> for Failure {
    fn from(status: Status) -> Failure {
        use tonic::Code;
        let text = match status.message() {
            "" => format!("the coordinator refused: {}", status.code()),
            message => message.to_owned(),
        };
        match status.code() {
            Code::Unavailable => Failure::Unreachable(text),
            Code::ResourceExhausted | Code::Internal | Code::Unknown | Code::DataLoss => {
                Failure::Internal(anyhow::anyhow!(text))
            }
            _ => Failure::Mistake(text),
        }
    }
}
