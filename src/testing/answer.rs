//! Scripted answers.

use std::fmt;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};

/// A scripted answer, for [`Api::script_login`](super::Api::script_login) and
/// [`Api::script_request`](super::Api::script_request).
///
/// A response converts into one, and so does a status:
/// `api.script_login(Response::new("not what you expect"))`,
/// `api.script_request(StatusCode::FORBIDDEN)`.
#[derive(Clone)]
#[non_exhaustive]
pub enum Answer {
    /// The answer without a script, to fill a place in a row of answers.
    Usual,
    /// A 401, though the token or the password is good.
    Refuse,
    /// This response.
    Response(Response<Bytes>),
    /// No response: the service fails with an [`io::Error`] of this kind.
    TransportError(io::ErrorKind),
    /// No answer ever.
    Hang,
    /// That answer, after a time by tokio's timer. It takes effect after that time too.
    After(Duration, Box<Answer>),
}

impl Answer {
    /// Returns a 503 with a `Retry-After` of this many seconds.
    pub fn unavailable(retry_after: u64) -> Self {
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from(retry_after));
        Self::Response(response)
    }

    /// Delays this answer.
    #[must_use]
    pub fn after(self, delay: Duration) -> Self {
        Self::After(delay, Box::new(self))
    }
}

impl<T: Into<Bytes>> From<Response<T>> for Answer {
    fn from(response: Response<T>) -> Self {
        Self::Response(response.map(Into::into))
    }
}

/// Converts into a response with this status and no body.
impl From<StatusCode> for Answer {
    fn from(status: StatusCode) -> Self {
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = status;
        Self::Response(response)
    }
}

impl fmt::Debug for Answer {
    // Only the status of a response: its body may hold a token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usual => f.write_str("Usual"),
            Self::Refuse => f.write_str("Refuse"),
            Self::Response(response) => {
                f.debug_tuple("Response").field(&response.status()).finish()
            }
            Self::TransportError(kind) => f.debug_tuple("TransportError").field(kind).finish(),
            Self::Hang => f.write_str("Hang"),
            Self::After(delay, answer) => {
                f.debug_tuple("After").field(delay).field(answer).finish()
            }
        }
    }
}
