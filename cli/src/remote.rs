//! A coordinator on the network, as verbs see it: what they ask, in the words of the store.

use crate::args::Remote;
use crate::failure::{Failure, Result};
use crate::output::Table;
use futures_util::stream;
use std::collections::{BTreeMap, HashMap};
use sweep_coordinator::store::Datum;
use sweep_proto::client::{Address, Authorized};
use sweep_proto::v1::sweeps_client::SweepsClient;
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

/// A connection for users.
pub struct Coordinator(SweepsClient<Authorized>);

impl Coordinator {
    /// Connects to the coordinator that `to` names, if it names one.
    ///
    /// # Errors
    /// [`Failure::Unreachable`] and [`Failure::Mistake`] with the remedy.
    pub async fn named(to: &Remote) -> Result<Option<Coordinator>> {
        if to.coordinator.is_none() {
            return Ok(None);
        }
        let client = SweepsClient::new(address(to)?.connect().await?);
        Ok(Some(Coordinator(client.max_decoding_message_size(MAX_MESSAGE).max_encoding_message_size(MAX_MESSAGE))))
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
        Ok(self.0.upload(chunks).await?.into_inner().hash)
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
        Ok(self.0.submit(request).await?.into_inner())
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
        Ok(self.0.source(v1::SweepRequest { sweep: sweep.to_owned() }).await?.into_inner())
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
        Ok(self.0.extend(request).await?.into_inner())
    }

    /// Every sweep, latest first.
    ///
    /// # Errors
    /// What the coordinator says.
    pub async fn list(&mut self) -> Result<Vec<v1::SweepStatus>> {
        Ok(self.0.list(v1::ListRequest {}).await?.into_inner().sweeps)
    }

    /// How one sweep stands.
    ///
    /// # Errors
    /// What the coordinator says.
    pub async fn status(&mut self, sweep: &str) -> Result<v1::SweepStatus> {
        Ok(self.0.status(v1::SweepRequest { sweep: sweep.to_owned() }).await?.into_inner())
    }

    /// How it stands, again and again.
    ///
    /// # Errors
    /// What the coordinator says.
    pub async fn watch(&mut self, sweep: &str) -> std::result::Result<tonic::Streaming<v1::WatchResponse>, Status> {
        Ok(self.0.watch(v1::SweepRequest { sweep: sweep.to_owned() }).await?.into_inner())
    }

    /// The answer to a statement, and whether the limit left rows out.
    ///
    /// # Errors
    /// What the coordinator says.
    pub async fn sql(&mut self, query: &str, rows: usize, seconds: f64) -> Result<(Table, bool)> {
        use v1::datum::Is;
        let request = v1::SqlRequest { query: query.to_owned(), rows: rows as u64, seconds };
        let mut stream = self.0.sql(request).await?.into_inner();
        let (mut table, mut truncated) = (Table::default(), false);
        while let Some(part) = stream.message().await? {
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
            truncated |= part.truncated;
        }
        Ok((table, truncated))
    }
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
            Code::Internal | Code::Unknown | Code::DataLoss => Failure::Internal(anyhow::anyhow!(text)),
            _ => Failure::Mistake(text),
        }
    }
}
