//! What an error of Redis means.

use std::time::Duration;

use redis::{ErrorKind, RedisError, ServerErrorKind};

use crate::store::error::StoreError;

/// How long a connection may take, and how long an answer.
pub(super) const LIMIT: Duration = Duration::from_millis(500);

pub(super) fn store_error(error: &RedisError) -> StoreError {
    if error.is_timeout() {
        return StoreError::timed_out(LIMIT);
    }
    match error.kind() {
        // Nothing of it comes from the server.
        ErrorKind::Io => StoreError::unavailable(error.to_string()),
        ErrorKind::Server(
            ServerErrorKind::BusyLoading
            | ServerErrorKind::ClusterDown
            | ServerErrorKind::MasterDown
            | ServerErrorKind::TryAgain,
        )
        | ErrorKind::Parse => StoreError::unavailable(named(error)),
        _ => StoreError::refused(named(error)),
    }
}

/// The server's own words may repeat what it was sent, which is a record.
fn named(error: &RedisError) -> String {
    match (error.category(), error.code()) {
        ("", Some(code)) => code.to_owned(),
        (category, Some(code)) => format!("{category} ({code})"),
        (category, None) => category.to_owned(),
    }
}
