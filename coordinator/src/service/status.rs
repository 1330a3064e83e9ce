//! Errors as gRPC has them.

use crate::{dispatch, store};
use tonic::Status;

/// The status of an error, the only place where one is made of the other.
pub fn status(error: &dispatch::Error) -> Status {
    let text = cut(error.to_string());
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
    let text = cut(error.to_string());
    match error {
        E::UnknownSweep { .. } => Status::not_found(text),
        E::TokenTaken(_) => Status::already_exists(text),
        E::Refused(_) | E::Query(_) | E::TokenName(_) | E::Coordinate { .. } | E::Tag(_) => {
            Status::invalid_argument(text)
        }
        E::TooSlow { .. } => Status::deadline_exceeded(text),
        E::Full | E::NoRoom { .. } => Status::resource_exhausted(text),
        E::Corrupt(_) => Status::data_loss(text),
        // The words of a database may hold what a client need not know; they are in the log.
        E::Database(error) => {
            tracing::error!("the database does not answer: {error}");
            Status::unavailable("the coordinator's database does not answer; see its log")
        }
        _ => Status::internal(text),
    }
}

/// Most bytes of the words of a status: they travel in a header, which has no room for what a client sent by the megabyte.
const MOST_WORDS: usize = 2_000;

/// Words that fit into a status. To be used wherever they repeat what a client sent.
pub fn cut(mut text: String) -> String {
    if text.len() > MOST_WORDS {
        let end = (0..=MOST_WORDS).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_are_too_long_are_cut_between_characters() {
        assert_eq!(cut("ä".repeat(1_000)), "ä".repeat(1_000));
        assert_eq!(cut(format!("x{}", "ä".repeat(1_000))), format!("x{}…", "ä".repeat(999)));
    }
}
