//! A coordinator process of one's own, and what the system says of it.

use super::stage::Stage;
use crate::args::Remote;
use crate::failure::{Failure, Result};
use crate::remote::Coordinator;
use anyhow::{Context, anyhow};
use std::fs::File;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use sweep_coordinator::store::Role;
use sweep_proto::client::Address;

/// A coordinator that does not serve by then does not start.
const START: Duration = Duration::from_secs(60);
/// Clock ticks of a second in /proc/PID/stat: 100 on every Linux that there is (`getconf CLK_TCK`).
const TICKS: f64 = 100.0;

/// A running `sweep coordinator`; ended when dropped.
pub struct Process {
    child: Child,
    url: String,
    /// Between its start and its first word of serving.
    pub ready: Duration,
}

impl Process {
    /// Starts it, on a port that is free or on that of the one before.
    ///
    /// # Errors
    /// [`Failure::Internal`] with what it said, where it does not serve.
    pub async fn start(stage: &Stage, before: Option<&str>) -> Result<Process> {
        let internal =
            |error: std::io::Error| Failure::Internal(anyhow!(error).context("failed to start a coordinator"));
        let path = stage.directory.join("coordinator.log");
        let program = std::env::current_exe().map_err(internal)?;
        let listen = before.map_or("127.0.0.1:0", |url| url.trim_start_matches("http://"));
        let mut command = Command::new(program);
        for name in ["SWEEP_LISTEN", "SWEEP_TLS_DIR", "SWEEP_DATA", "SWEEP_LOG", "SWEEP_COORDINATOR", "SWEEP_UI"] {
            command.env_remove(name);
        }
        // In the environment: a URL with a password is seen by nobody there.
        command
            .env("SWEEP_DB", &stage.db)
            .args(["coordinator", "--listen", listen, "--ui", "127.0.0.1:0", "--data"])
            .arg(&stage.directory);
        let log = File::create(&path).map_err(internal)?;
        let started = Instant::now();
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().map_err(internal)?;
        let mut process = Process { child, url: String::new(), ready: Duration::ZERO };
        loop {
            let log = std::fs::read_to_string(&path).map_err(internal)?;
            if let Some((_, rest)) = log.split_once("serving on ") {
                process.ready = started.elapsed();
                process.url = rest.split(',').next().unwrap_or_default().to_owned();
                return Ok(process);
            }
            if started.elapsed() > START || process.child.try_wait().map_err(internal)?.is_some() {
                return Err(Failure::Internal(anyhow!("the coordinator does not serve; it said:\n{log}")));
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// How a worker reaches it.
    ///
    /// # Errors
    /// A token that cannot be read.
    pub fn address(&self, stage: &Stage) -> Result<Address> {
        Ok(Address::from_files(&self.url, Some(&stage.token(Role::Worker)), None, false)?)
    }

    /// A connection for users.
    ///
    /// # Errors
    /// What the coordinator says.
    pub async fn users(&self, stage: &Stage) -> Result<Coordinator> {
        let to = Remote {
            coordinator: Some(self.url.clone()),
            token_file: Some(stage.token(Role::Admin)),
            ..Remote::default()
        };
        Coordinator::named(&to).await?.context("an address was given").map_err(Failure::Internal)
    }

    /// Where its dashboard is: ADDRESS:PORT.
    ///
    /// # Errors
    /// [`Failure::Internal`] where it serves none.
    pub async fn dashboard(&self, stage: &Stage) -> Result<String> {
        let started = Instant::now();
        while started.elapsed() < START {
            let log = std::fs::read_to_string(stage.directory.join("coordinator.log")).unwrap_or_default();
            let at = log.split_once("dashboard on http://").and_then(|(_, rest)| rest.split_once('\n'));
            if let Some((address, _)) = at {
                return Ok(address.trim().to_owned());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Err(Failure::Internal(anyhow!("the coordinator serves no dashboard")))
    }

    /// CPU seconds of all its threads so far, system calls included.
    pub fn cpu_seconds(&self) -> Option<f64> {
        cpu_seconds(&self.child.id().to_string())
    }

    /// Bytes of memory that it has now.
    pub fn resident(&self) -> Option<f64> {
        self.memory("VmRSS:")
    }

    /// The most that it ever had.
    pub fn peak(&self) -> Option<f64> {
        self.memory("VmHWM:")
    }

    fn memory(&self, field: &str) -> Option<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix(field))?;
        line.split_whitespace().next()?.parse::<f64>().ok().map(|kib| 1024.0 * kib)
    }

    /// Ends it as a loss of power would; the address, for the next one.
    ///
    /// # Errors
    /// What the system says.
    pub fn kill(mut self) -> Result<String> {
        let ended = self.child.kill().and_then(|()| self.child.wait());
        ended.context("failed to end the coordinator").map_err(Failure::Internal)?;
        Ok(self.url.clone())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that was ended is no further trouble.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// CPU seconds of the process `id` (or `self`): user and system time, the 14th and 15th field of proc(5)'s stat.
pub fn cpu_seconds(id: &str) -> Option<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The second field, a name in brackets, may hold anything.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let (user, system) = (fields.next()?.parse::<f64>().ok()?, fields.next()?.parse::<f64>().ok()?);
    Some((user + system) / TICKS)
}
