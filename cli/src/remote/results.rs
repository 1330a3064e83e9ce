//! What came of sweeps, as the coordinator tells it: pieces put together and translated back.

use super::Coordinator;
use super::take;
use crate::failure::{Failure, Result};
use crate::output::Table;
use std::io::Write;
use sweep_coordinator::store::{Coordinates, Run, Selection, Stored};
use sweep_core::job::Provenance;
use sweep_core::outcome::Outcome;
use sweep_proto::convert::{self, Error};
use sweep_proto::v1;
use tonic::{Status, Streaming};

/// A sweep with what it answers.
pub struct Shown {
    /// What it is.
    pub detail: v1::SweepDetail,
    /// How it stands.
    pub status: v1::SweepStatus,
    /// What tuning chose, by group.
    pub selections: Vec<Selection>,
    /// Its reported runs, by cell.
    pub runs: Vec<Run>,
}

/// A cell with everything that is known of it.
pub struct Cell {
    /// What is said in words: its outcome and coordinates are beside it.
    pub detail: v1::CellDetail,
    /// The coordinates.
    pub coordinates: Coordinates,
    /// Its outcome.
    pub stored: Option<Stored>,
    /// How many matrices were recorded with it.
    pub matrices: u64,
}

/// A picture with what is behind it.
pub struct Drawn {
    /// The picture.
    pub svg: String,
    /// The numbers behind it.
    pub numbers: Table,
    /// What gives them.
    pub sql: String,
}

impl Coordinator {
    /// A picture of a sweep.
    ///
    /// # Errors
    /// What the coordinator says.
    pub async fn draw(&mut self, sweep: &str, settings: Vec<(&'static str, String)>) -> Result<Drawn> {
        use v1::draw_response::Is;
        let settings = settings.into_iter().map(|(key, value)| v1::Setting { key: key.to_owned(), value }).collect();
        let answer = self.results.draw(v1::DrawRequest { sweep: sweep.to_owned(), settings }).await;
        let mut stream = answer.map_err(|status| self.refused(status))?.into_inner();
        let (mut svg, mut numbers, mut sql) = (Vec::new(), Table::default(), String::new());
        while let Some(part) = stream.message().await.map_err(|status| self.refused(status))? {
            match part.is {
                Some(Is::Svg(piece)) => svg.extend_from_slice(&piece),
                Some(Is::Sql(text)) => sql = text,
                Some(Is::Numbers(part)) => take(&mut numbers, part),
                None => {}
            }
        }
        let svg = String::from_utf8(svg).map_err(|error| Failure::Internal(error.into()))?;
        Ok(Drawn { svg, numbers, sql })
    }

    /// A sweep as one page that stands alone; HTML.
    ///
    /// # Errors
    /// What the coordinator says.
    pub async fn report(&mut self, sweep: &str) -> Result<Vec<u8>> {
        let answer = self.results.report(v1::SweepRequest { sweep: sweep.to_owned() }).await;
        let mut stream = answer.map_err(|status| self.refused(status))?.into_inner();
        let mut page = Vec::new();
        while let Some(chunk) = stream.message().await.map_err(|status| self.refused(status))? {
            page.extend_from_slice(&chunk.data);
        }
        Ok(page)
    }

    /// A sweep with what it answers, of at most `most` runs.
    ///
    /// # Errors
    /// What the coordinator says.
    pub async fn show(&mut self, sweep: &str, most: u64) -> Result<Shown> {
        use v1::show_response::Is;
        let answer = self.results.show(v1::ShowRequest { sweep: sweep.to_owned(), runs: most }).await;
        let mut stream = answer.map_err(|status| self.refused(status))?.into_inner();
        let (mut detail, mut selections, mut runs) = (None, Vec::new(), Vec::new());
        while let Some(part) = stream.message().await.map_err(|status| self.refused(status))? {
            match part.is {
                Some(Is::Sweep(sweep)) => detail = Some(sweep),
                Some(Is::Selections(part)) => {
                    for chosen in part.selections {
                        selections.push(selection(chosen)?);
                    }
                }
                Some(Is::Runs(part)) => {
                    for reported in part.runs {
                        runs.push(run(reported)?);
                    }
                }
                None => {}
            }
        }
        let mut detail = detail.ok_or(Error::Missing("what the sweep is"))?;
        let status = detail.status.take().ok_or(Error::Missing("how the sweep stands"))?;
        Ok(Shown { detail, status, selections, runs })
    }

    /// A cell with everything that is known of it, recorded matrices where they are asked for.
    ///
    /// # Errors
    /// What the coordinator says.
    pub async fn cell(&mut self, sweep: &str, cell: u64, matrices: bool) -> Result<Cell> {
        let answer = self.results.cell(v1::CellRequest { sweep: sweep.to_owned(), cell, matrices }).await;
        let stream = answer.map_err(|status| self.refused(status))?.into_inner();
        let bytes = self.whole(stream).await?;
        let mut detail: v1::CellDetail = prost::Message::decode(&bytes[..])
            .map_err(|error| Failure::Internal(anyhow::anyhow!("the cell that came is none: {error}")))?;
        let coordinates = convert::coordinates(std::mem::take(&mut detail.coordinates))?;
        let outcome = detail.outcome.take();
        let matrices = outcome.as_ref().map_or(0, |outcome| outcome.matrices);
        Ok(Cell { detail, coordinates, stored: outcome.map(stored).transpose()?, matrices })
    }

    /// A data file, by its content hash.
    ///
    /// # Errors
    /// What the coordinator says.
    pub async fn input(&mut self, hash: &str) -> Result<Vec<u8>> {
        let answer = self.results.input(v1::InputRequest { hash: hash.to_owned() }).await;
        let stream = answer.map_err(|status| self.refused(status))?.into_inner();
        self.whole(stream).await
    }

    /// Writes the results of a sweep to `out` as they come; how many there are.
    ///
    /// # Errors
    /// What the coordinator says; where `out` cannot be written.
    pub async fn export(&mut self, sweep: &str, form: v1::Form, mut out: impl Write) -> Result<u64> {
        let request = v1::ExportRequest { sweep: sweep.to_owned(), form: form as i32 };
        let answer = self.results.export(request).await;
        let mut stream = answer.map_err(|status| self.refused(status))?.into_inner();
        let unwritten = |error: std::io::Error| Failure::Internal(anyhow::anyhow!("failed to write: {error}"));
        let mut rows = 0;
        while let Some(part) = stream.message().await.map_err(|status| self.refused(status))? {
            out.write_all(&part.data).map_err(unwritten)?;
            rows = part.rows;
        }
        out.flush().map_err(unwritten)?;
        Ok(rows)
    }

    /// Adds tags and takes some away; those that are there then.
    ///
    /// # Errors
    /// What the coordinator says.
    pub async fn tag(&mut self, sweep: &str, add: &[String], remove: &[String]) -> Result<Vec<String>> {
        let request = v1::TagRequest { sweep: sweep.to_owned(), add: add.to_vec(), remove: remove.to_vec() };
        let answer = self.results.tag(request).await;
        Ok(answer.map_err(|status| self.refused(status))?.into_inner().tags)
    }

    /// Removes a sweep.
    ///
    /// # Errors
    /// What the coordinator says.
    pub async fn remove(&mut self, sweep: &str) -> Result<v1::RemoveResponse> {
        let answer = self.results.remove(v1::SweepRequest { sweep: sweep.to_owned() }).await;
        Ok(answer.map_err(|status| self.refused(status))?.into_inner())
    }

    /// Drops what nothing refers to.
    ///
    /// # Errors
    /// What the coordinator says.
    pub async fn gc(&mut self) -> Result<v1::GcResponse> {
        let answer = self.results.gc(v1::GcRequest {}).await;
        Ok(answer.map_err(|status| self.refused(status))?.into_inner())
    }

    /// How much is stored.
    ///
    /// # Errors
    /// What the coordinator says.
    pub async fn usage(&mut self) -> Result<v1::UsageResponse> {
        let answer = self.results.usage(v1::UsageRequest {}).await;
        Ok(answer.map_err(|status| self.refused(status))?.into_inner())
    }

    /// The bytes of chunks.
    async fn whole(&self, mut stream: Streaming<v1::Chunk>) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        while let Some(chunk) = stream.message().await.map_err(|status: Status| self.refused(status))? {
            bytes.extend_from_slice(&chunk.data);
        }
        Ok(bytes)
    }
}

impl From<Error> for Failure {
    /// A coordinator of this version says nothing that means nothing.
    fn from(error: Error) -> Failure {
        Failure::Internal(anyhow::Error::new(error).context("the coordinator said something that means nothing"))
    }
}

fn selection(wire: v1::Selection) -> Result<Selection, Error> {
    let v1::Selection { group, candidate, candidates, coordinates, validation_error, at_edge } = wire;
    let coordinates = convert::coordinates(coordinates)?;
    Ok(Selection { group, candidate, candidates, coordinates, validation_error, at_edge })
}

fn run(wire: v1::Run) -> Result<Run, Error> {
    let v1::Run { cell, coordinates, status, inflated, test_rel, test_rmse, effective_rank } = wire;
    let (coordinates, status) = (convert::coordinates(coordinates)?, convert::status(status)?);
    Ok(Run { cell, coordinates, status, inflated, test_rel, test_rmse, effective_rank })
}

fn stored(wire: v1::CellOutcome) -> Result<Stored, Error> {
    Ok(Stored {
        outcome: Outcome::try_from(wire.outcome.ok_or(Error::Missing("the outcome of a cell"))?)?,
        trial_digest: wire.trial_digest,
        revision: wire.revision,
        sweep: wire.sweep,
        cell: wire.cell,
        fingerprint: wire.fingerprint,
        provenance: Provenance::from(wire.provenance.ok_or(Error::Missing("where an outcome was computed"))?),
        recorded_at_ms: wire.recorded_at_ms,
    })
}
