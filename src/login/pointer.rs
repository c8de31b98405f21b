//! [`Pointer`]: where in an answer something is.

use std::error::Error;
use std::fmt;

use serde_json::Value;

/// A JSON pointer ([RFC 6901](https://www.rfc-editor.org/rfc/rfc6901)).
pub(super) struct Pointer {
    text: String,
}

/// A text that is no JSON pointer ([RFC 6901]).
///
/// ```
/// # use tower_bearer::login::Json;
/// # let client = tower::service_fn(async |_: http::Request<http_body_util::Full<bytes::Bytes>>| Ok::<_, tower::BoxError>(http::Response::new(String::new())));
/// let login = Json::new(client, "https://api.example.com/login").unwrap();
/// let error = login.token("data.token").unwrap_err();
/// assert_eq!(error.to_string(), "not a JSON pointer like /data/token: it does not begin with a slash");
/// ```
///
/// [RFC 6901]: https://www.rfc-editor.org/rfc/rfc6901
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidPointer {
    reason: &'static str,
}

impl Pointer {
    pub(super) fn new(text: &str) -> Result<Self, InvalidPointer> {
        let invalid = |reason| Err(InvalidPointer { reason });
        if !text.is_empty() && !text.starts_with('/') {
            return invalid("it does not begin with a slash");
        }
        let mut behind_tildes = text.split('~').skip(1);
        if behind_tildes.any(|behind| !behind.starts_with(['0', '1'])) {
            return invalid("it contains a ~ other than in ~0 and ~1");
        }
        Ok(Self {
            text: text.to_owned(),
        })
    }

    /// `/token`.
    pub(super) fn to_token() -> Self {
        Self {
            text: "/token".to_owned(),
        }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    pub(super) fn find<'a>(&self, answer: &'a Value) -> Option<&'a Value> {
        answer.pointer(&self.text)
    }
}

impl fmt::Display for InvalidPointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not a JSON pointer like /data/token: {}", self.reason)
    }
}

impl Error for InvalidPointer {}
