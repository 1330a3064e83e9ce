//! `sweep workers`: who trains for a coordinator, and how another machine joins.

use crate::args::{Invite, Remote, Workers};
use crate::failure::{Failure, Result};
use crate::output::{self, Format, Part, Table};
use crate::remote;
use sweep_coordinator::store::Datum;
use sweep_coordinator::tls;
use sweep_proto::v1;
use sweep_proto::v1::access_client::AccessClient;

/// Lists the workers, or prints an invitation.
///
/// # Errors
/// What the coordinator says.
pub async fn run(asked: &Workers, format: Format) -> Result {
    match &asked.invite {
        None => list(&asked.of, format).await,
        Some(Invite::Invite { of, address, image }) => invite(of, address.as_deref(), image, format).await,
    }
}

async fn list(of: &Remote, format: Format) -> Result {
    let mut client = AccessClient::new(remote::address(of)?.connect().await?);
    let workers = client.list_workers(v1::ListWorkersRequest {}).await?.into_inner().workers;
    let mut table = Table::new(&[
        "worker",
        "host",
        "state",
        "cores",
        "slots",
        "blas",
        "kernel",
        "threads",
        "version",
        "running",
        "finished",
        "cells_per_s",
        "last_came",
    ]);
    for worker in workers {
        let provenance = worker.provenance.unwrap_or_default();
        // OpenBLAS says more of itself than a column has room for.
        let blas = provenance.blas_library.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
        let count = |n: u64| Datum::Int(n as i64);
        let running = match format {
            Format::Table => count(worker.running.len() as u64),
            Format::Json | Format::Csv => Datum::Text(worker.running.join(" ")),
        };
        table.rows.push(vec![
            Datum::Text(worker.name),
            Datum::Text(provenance.host),
            Datum::Text(if worker.connected { "here" } else { "away" }.to_owned()),
            count(u64::from(worker.cores)),
            count(u64::from(worker.slots)),
            Datum::Text(blas),
            Datum::Text(provenance.blas_kernel),
            count(u64::from(provenance.blas_threads)),
            Datum::Text(provenance.trainer_version),
            running,
            count(worker.finished),
            Datum::Float(worker.cells_per_second),
            Datum::Text(output::date(worker.last_seen_at_ms)),
        ]);
    }
    output::print(format, &[Part::Table("workers", table)])
}

/// Prints the line to paste on the machine of a new worker.
async fn invite(of: &Remote, address: Option<&str>, image: &str, format: Format) -> Result {
    let reached = remote::address(of)?;
    let url = address.unwrap_or(&reached.url).trim_end_matches('/').to_owned();
    let trust = match (&of.ca, url.starts_with("https://")) {
        (Some(ca), true) => tls::ca_fingerprint(ca).map_err(|error| Failure::Mistake(error.to_string()))?,
        (None, true) => {
            return Err(Failure::Mistake(
                "--ca FILE is needed: its fingerprint is part of the line, and what the new worker trusts".to_owned(),
            ));
        }
        (_, false) => "--insecure".to_owned(),
    };
    let mut client = AccessClient::new(reached.connect().await?);
    let v1::InviteResponse { code, seconds } = client.invite(v1::InviteRequest {}).await?.into_inner();
    let line = format!("echo {code} | sweep worker join {url} {trust}");
    // Not root, nothing to write to but its volume, no capabilities: as the workers of docker-compose.yml.
    let docker = format!(
        "echo {code} | docker run --rm -i --pull never --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges \
         --memory 8g --pids-limit 4096 --volume sweep-worker:/work {image} worker join {url} {trust}"
    );
    let host = url.split("://").last().unwrap_or_default();
    if ["localhost", "127.", "[::1]"].iter().any(|own| host.starts_with(own)) {
        crate::say!("{url} is reached from this machine alone; --address URL names the coordinator for another");
    }
    if format == Format::Table {
        output::write(format!("{line}\n\nor in a container:\n{docker}\n").as_bytes())?;
        output::note(format, format!("\ngood once, for {} minutes", seconds / 60))
    } else {
        let fields = vec![
            ("code", Datum::Text(code)),
            ("line", Datum::Text(line)),
            ("docker", Datum::Text(docker)),
            ("seconds", Datum::Int(seconds as i64)),
        ];
        output::print(format, &[Part::Record("invitation", fields)])
    }
}
