use std::{fmt, io, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};

/// A scripted answer, for [`Api::script_login`](super::Api::script_login) and
/// [`Api::script_request`](super::Api::script_request).
///
/// Any response is one: `api.script_login(Response::new("not what you expect"))`.
#[derive(Clone)]
#[non_exhaustive]
pub enum Answer {
    /// What would have been answered without a script. For a place in a row of answers.
    Usual,
    /// A 401, though the token or the password is good.
    Refuse,
    /// This response.
    Response(Response<Bytes>),
    /// No response: the service fails with an [`io::Error`] of this kind.
    TransportError(io::ErrorKind),
    /// No answer ever.
    Hang,
    /// That answer, after a time told by tokio's timer. What it is to do is done after that time.
    After(Duration, Box<Answer>),
}

impl Answer {
    /// A response of this status without a body.
    pub fn status(status: StatusCode) -> Self {
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = status;
        Self::Response(response)
    }

    /// A 503 with a `Retry-After` of so many seconds.
    pub fn unavailable(retry_after: u64) -> Self {
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from(retry_after));
        Self::Response(response)
    }

    /// This answer, but later.
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

impl fmt::Debug for Answer {
    // Of a response the status alone: its body may hold a token.
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
