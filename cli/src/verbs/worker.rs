//! `sweep worker`: trains for a coordinator elsewhere, until told to stop. It keeps nothing but its token.

use crate::args::{Join, Work, Worker};
use crate::failure::{Failure, Result};
use crate::signals::Signals;
use crate::threads::{self, Use};
use crate::{health, logging, remote};
use anyhow::Context;
use std::io::{BufRead, IsTerminal};
use std::path::Path;
use std::time::Duration;
use sweep_coordinator::tls;
use sweep_proto::client::{self, Address};
use sweep_proto::v1;
use sweep_proto::v1::workers_client::WorkersClient;
use sweep_worker::remote::{Remote, unique_name};
use sweep_worker::{Children, Isolation, Settings, machine};
use tokio::sync::watch;
use tokio::time::Instant;

/// How often a worker without work looks at what it was told; leases wake it by themselves.
const POLL: Duration = Duration::from_secs(1);

/// Works for the coordinator that `asked` names.
///
/// # Errors
/// [`Failure::Mistake`] for options that are of no use, or where the coordinator refuses this worker.
pub async fn run(asked: &Worker) -> Result {
    logging::start();
    match &asked.join {
        None => {
            let address = remote::address(&asked.to)?;
            if address.token.is_none() {
                let how = "a worker needs a token: --token-file FILE, or `sweep worker join` with an invitation";
                return Err(Failure::Mistake(how.to_owned()));
            }
            work(address, &asked.how).await
        }
        Some(Join::Join { url, fingerprint, dir, insecure, how }) => {
            let address = join(url, fingerprint.as_deref(), dir, *insecure).await?;
            work(address, how).await
        }
    }
}

/// The address with the token in `dir`; where there is none yet, the code on standard input is exchanged for one.
async fn join(url: &str, fingerprint: Option<&str>, dir: &Path, insecure: bool) -> Result<Address> {
    let (token, ca) = (dir.join("token"), dir.join("ca.pem"));
    let pinned = || ca.exists().then_some(ca.as_path());
    if token.exists() {
        return Ok(Address::from_files(url, Some(&token), pinned(), insecure)?);
    }
    let mut address = Address { url: url.to_owned(), insecure, ..Address::default() };
    if !url.starts_with("http://") {
        let needed = "the fingerprint of the coordinator's CA is needed; `sweep workers invite` prints the whole line";
        let fingerprint = fingerprint.ok_or_else(|| Failure::Mistake(needed.to_owned()))?;
        address.ca = Some(client::pinned(url, fingerprint).await?);
    }
    let channel = address.connect().await?;
    let name = machine::provenance(crate::COMMIT).host;
    let request = v1::JoinRequest { code: code()?, name };
    let told = WorkersClient::new(channel).join(request).await?.into_inner();
    let kept = std::fs::create_dir_all(dir).map_err(|error| error.to_string()).and_then(|()| {
        address.ca.as_ref().map_or(Ok(()), |pem| tls::write(&ca, pem)).map_err(|error| error.to_string())?;
        tls::write(&token, &format!("{}\n", told.token)).map_err(|error| error.to_string())
    });
    match kept {
        Ok(()) => tracing::info!("joined; the token is in {}", token.display()),
        // A read-only machine can work as long as this process lives.
        Err(why) => tracing::warn!("joined, but the token cannot be kept in {}: {why}", dir.display()),
    }
    address.token = Some(told.token);
    Ok(address)
}

/// The code of an invitation, from standard input.
fn code() -> Result<String> {
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        crate::say!("the code of the invitation:");
    }
    let mut line = String::new();
    stdin.lock().read_line(&mut line).context("failed to read standard input").map_err(Failure::Internal)?;
    match line.trim() {
        "" => Err(Failure::Mistake("a code is needed on standard input; `sweep workers invite` makes one".to_owned())),
        code => Ok(code.to_owned()),
    }
}

/// Works until told to stop, or refused.
async fn work(address: Address, how: &Work) -> Result {
    let mut signals = Signals::new()?;
    let cores = machine::cores();
    let used = Use::decide(&how.use_of, cores, u64::MAX, 0)?;
    threads::set_blas(used.blas_threads)?;
    let provenance = machine::provenance(crate::COMMIT);
    let name = how.name.clone().unwrap_or_else(|| unique_name(&provenance.host));
    let isolation = if how.threads {
        Isolation::Threads
    } else {
        let children = Children::of_this_program(&["slot"]);
        Isolation::Children(children.context("failed to find this program").map_err(Failure::Internal)?)
    };
    tracing::info!(
        "worker {name}: {} slots with {} BLAS threads each on {cores} cores, {} ({}), version {}",
        used.slots,
        used.blas_threads,
        provenance.blas_library,
        provenance.blas_kernel,
        provenance.trainer_version
    );
    let worker = sweep_worker::remote::Worker { name, provenance, cores: cores as u32, slots: used.slots as u32 };
    let settings = Settings { slots: used.slots, poll: POLL, isolation, ..Settings::default() };
    let (drain, told) = watch::channel(false);
    let link = Remote::start(address, worker);
    if let Some(file) = how.alive.clone() {
        tokio::spawn(health::show(link.reach(), file));
    }
    let mut running = tokio::spawn(sweep_worker::run(link, settings, told));
    let mut deadline: Option<Instant> = None;
    loop {
        tokio::select! {
            ended = &mut running => {
                let ended = ended.context("failed to work").map_err(Failure::Internal)?;
                ended.map_err(|error| Failure::Mistake(error.to_string()))?;
                tracing::info!("stopped; everything was handed back or delivered");
                return Ok(());
            }
            () = signals.next() => {
                if deadline.is_some() {
                    // The second time: at once. The coordinator gives what runs to others.
                    std::process::exit(130);
                }
                tracing::info!("told to stop: handing back what runs, for {} s at most", how.grace);
                deadline = Some(Instant::now() + Duration::from_secs_f64(how.grace));
                drain.send_replace(true);
            }
            () = async { tokio::time::sleep_until(deadline.unwrap_or_else(Instant::now)).await }, if deadline.is_some() => {
                return Err(Failure::Internal(anyhow::anyhow!(
                    "failed to hand everything back within {} s; the coordinator gives it to others", how.grace
                )));
            }
        }
    }
}
