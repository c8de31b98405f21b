//! What a response other than a success means for the next login.

use std::time::{Duration, SystemTime};

use http::header::RETRY_AFTER;
use http::{HeaderMap, StatusCode};

use crate::error::AuthError;
use crate::error::response::ErrorResponse;

/// A server that asks for more is not believed.
const LONGEST_WAIT: Duration = Duration::from_secs(60 * 60);

impl AuthError {
    /// Makes the error of a response that gave no token, for a [source](crate::TokenSource) of your
    /// own, as the built-in logins do:
    ///
    /// | status | error |
    /// |---|---|
    /// | 408, 425, 429, 5xx | [`is_unavailable`](Self::is_unavailable), with what `Retry-After` says, at most an hour |
    /// | 404, 405, every 1xx and 3xx | [`is_misconfigured`](Self::is_misconfigured) |
    /// | every other 4xx | [`is_rejected`](Self::is_rejected): asking again could lock the account |
    /// | 2xx | `is_misconfigured`: there was no usable token in it |
    ///
    /// The status is in [`response`](Self::response). With the feature `login`,
    /// [`from_response_body`](Self::from_response_body) reads the body too.
    ///
    /// ```
    /// use http::{HeaderMap, StatusCode};
    /// use tower_bearer::AuthError;
    ///
    /// let headers = HeaderMap::from_iter([(http::header::RETRY_AFTER, "7".parse().unwrap())]);
    /// let error = AuthError::from_response(StatusCode::SERVICE_UNAVAILABLE, &headers);
    /// assert_eq!(error.to_string(), "login unavailable: 503 Service Unavailable");
    /// assert_eq!(error.retry_after(), Some(std::time::Duration::from_secs(7)));
    /// ```
    pub fn from_response(status: StatusCode, headers: &HeaderMap) -> Self {
        judge(ErrorResponse::of_status(status), None, headers)
    }
}

/// The error is the one that the body names, as OAuth does.
pub(crate) fn judge(
    response: ErrorResponse,
    error: Option<&str>,
    headers: &HeaderMap,
) -> AuthError {
    match (response.status().as_u16(), error) {
        (408 | 425 | 429 | 500..=599, _) => unavailable(response, headers),
        (404 | 405, _) => {
            AuthError::misconfigured(response.remark_if_none("check the login URL and its path"))
        }
        // OAuth servers say this by a 400 as well.
        (400..=499, Some("temporarily_unavailable" | "server_error" | "slow_down")) => {
            unavailable(response, headers)
        }
        // Whatever it is, asking again could lock the account.
        (400..=499, _) => AuthError::rejected(response),
        (300..=399, _) => AuthError::misconfigured(
            response.remark_if_none("redirects are not followed: set the login's final URL"),
        ),
        (200..=299, _) => {
            AuthError::misconfigured(response.remark_if_none("the response has no usable token"))
        }
        _ => AuthError::misconfigured(response.remark_if_none("this is no answer to a login")),
    }
}

fn unavailable(response: ErrorResponse, headers: &HeaderMap) -> AuthError {
    let error = AuthError::unavailable(response);
    match retry_after(headers) {
        Some(wait) => error.with_retry_after(wait),
        None => error,
    }
}

/// Seconds or a date, [RFC 9110, section
/// 10.2.3](https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3).
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit are a long time as well.
        value.parse().map_or(LONGEST_WAIT, Duration::from_secs)
    } else {
        let date = httpdate::parse_http_date(value).ok()?;
        date.duration_since(SystemTime::now()).unwrap_or_default()
    };
    Some(wait.min(LONGEST_WAIT))
}
