//! Errors as gRPC has them.

use crate::{dispatch, store};
use tonic::Status;

/// The status of an error, the only place where one is made of the other.
pub fn status(error: &dispatch::Error) -> Status {
    let text = error.to_string();
    match error {
        dispatch::Error::Store(error) => stored(error),
        dispatch::Error::Trial { .. } | dispatch::Error::Source(..) => Status::internal(text),
        dispatch::Error::State { .. } => Status::failed_precondition(text),
        dispatch::Error::Priority(_) => Status::invalid_argument(text),
        dispatch::Error::Unfit { .. } => Status::invalid_argument(text),
        dispatch::Error::Content(_) => Status::not_found(text),
        dispatch::Error::NotRecorded => Status::unavailable(text),
        dispatch::Error::Gone(_) => Status::aborted(text),
    }
}

/// The same for the store's own.
pub fn stored(error: &store::Error) -> Status {
    use store::Error as E;
    let text = error.to_string();
    match error {
        E::UnknownSweep { .. } => Status::not_found(text),
        E::TokenName { .. } => Status::already_exists(text),
        E::Refused(_) | E::Query(_) | E::Coordinate { .. } | E::Tag(_) => Status::invalid_argument(text),
        E::TooSlow { .. } => Status::deadline_exceeded(text),
        E::Full => Status::resource_exhausted(text),
        E::Corrupt(_) => Status::data_loss(text),
        // The words of a database may hold what a client need not know; they are in the log.
        E::Database(error) => {
            tracing::error!("the database does not answer: {error}");
            Status::unavailable("the coordinator's database does not answer; see its log")
        }
        _ => Status::internal(text),
    }
}
