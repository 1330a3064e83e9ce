//! `sweep health`: one question, for what watches over processes. Exit code 0: well; 3: not.

use crate::args::Remote;
use crate::failure::{Failure, Result};
use crate::health::{FRESH, age};
use crate::remote;
use std::path::Path;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

/// The service without which a coordinator is of no use.
const SERVICE: &str = "sweep.v1.Workers";

/// Asks the coordinator that `of` names, by the health service of gRPC. No token is needed.
///
/// # Errors
/// [`Failure::Unreachable`] where it does not answer or does not serve.
pub async fn coordinator(of: &Remote) -> Result {
    let mut client = HealthClient::new(remote::address(of)?.connect().await?);
    let request = tonic_health::pb::HealthCheckRequest { service: SERVICE.to_owned() };
    match client.check(request).await?.into_inner().status() {
        ServingStatus::Serving => {
            crate::say!("the coordinator serves");
            Ok(())
        }
        _ => Err(Failure::Unreachable("the coordinator answers and does not serve: see its log".to_owned())),
    }
}

/// Looks at a worker's sign of life.
///
/// # Errors
/// [`Failure::Unreachable`] where it is old or was never given.
pub fn worker(file: &Path) -> Result {
    let not_well = |why: String| Err(Failure::Unreachable(format!("the worker does not reach its coordinator: {why}")));
    match age(file) {
        Some(age) if age <= FRESH => {
            crate::say!("the worker reaches its coordinator");
            Ok(())
        }
        Some(age) => not_well(format!("it last wrote {} {:.0} s ago", file.display(), age.as_secs_f64())),
        None => not_well(format!("it has not written {} yet", file.display())),
    }
}
