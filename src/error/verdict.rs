//! What a response other than a success means for the next login.

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use http::header::RETRY_AFTER;
use http::{HeaderMap, StatusCode};

use crate::error::AuthError;
use crate::error::reason::Reason;
use crate::error::response::ErrorResponse;

impl AuthError {
    /// Creates the error for a response without a token, by the rules of the built-in logins. Use
    /// it in your own [source](crate::TokenSource):
    ///
    /// | status | error |
    /// |---|---|
    /// | 408, 425, 429, 5xx | [`is_unavailable`](Self::is_unavailable), with `Retry-After` |
    /// | 404, 405, every 1xx and 3xx | [`is_misconfigured`](Self::is_misconfigured) |
    /// | every other 4xx | [`is_rejected`](Self::is_rejected), with `Retry-After`: another login could lock the account |
    /// | 2xx | `is_misconfigured`: it contained no usable token |
    ///
    /// [`response`](Self::response) returns the status. With the feature `login`,
    /// [`from_response_body`](Self::from_response_body) also takes the error in the body into
    /// account.
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
        judge(ErrorResponse::of_status(status), None, headers, None)
    }
}

/// `named` is what the body calls the error. For a success, `None` means that it contains no error.
pub(crate) fn judge(
    mut response: ErrorResponse,
    named: Option<&[Cow<'_, str>]>,
    headers: &HeaderMap,
    url: Option<&str>,
) -> AuthError {
    let reason = named.map(Reason::of);
    match (response.status().as_u16(), reason) {
        // An account that is locked for a while may stay so for longer if it is tried again.
        (429, Some(Reason::Attempts)) => waiting(AuthError::rejected(response), headers),
        (408 | 425 | 429 | 500..=599, _) | (200..=299 | 400..=499, Some(Reason::Later)) => {
            waiting(AuthError::unavailable(response), headers)
        }
        // Many a server has such an error for a path that it does not know.
        (404 | 405, None | Some(Reason::Unknown)) => {
            let url = url.unwrap_or("and its path");
            AuthError::misconfigured(response.remark_if_none(&format!("check the login URL {url}")))
        }
        (200..=299, None) => {
            AuthError::misconfigured(response.remark_if_none("the response has no usable token"))
        }
        // Whatever it is, asking again could lock the account.
        (200..=299 | 400..=499, _) => {
            response.refuses_grant = refuses_grant(&response, reason, headers);
            waiting(AuthError::rejected(response), headers)
        }
        (300..=399, _) => AuthError::misconfigured(
            response.remark_if_none("redirects are not followed: set the login's final URL"),
        ),
        _ => AuthError::misconfigured(response.remark_if_none("this is not an answer to a login")),
    }
}

/// Whether a rejection is about the grant, and about nothing else that it names.
fn refuses_grant(response: &ErrorResponse, reason: Option<Reason>, headers: &HeaderMap) -> bool {
    match reason {
        Some(Reason::Grant) => true,
        Some(Reason::Request | Reason::Later | Reason::Attempts) => false,
        None | Some(Reason::Unknown) => {
            // A proxy, an account that is locked, or one that is for a while.
            let names_another = matches!(response.status().as_u16(), 407 | 423);
            !names_another && retry_after(headers).is_none_or(|wait| wait.is_zero())
        }
    }
}

fn waiting(error: AuthError, headers: &HeaderMap) -> AuthError {
    match retry_after(headers) {
        Some(wait) => error.with_retry_after(wait),
        None => error,
    }
}

/// The first of several values that can be read. How much of it is believed is the session's
/// matter.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let values = headers.get_all(RETRY_AFTER).iter();
    let mut texts = values.filter_map(|value| value.to_str().ok());
    // A date has a comma itself.
    texts.find_map(|text| date(text).or_else(|| text.split(',').find_map(seconds)))
}

/// Seconds or a date, [RFC 9110, section
/// 10.2.3](https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3). A fraction, which some servers
/// send, is rounded up.
fn seconds(text: &str) -> Option<Duration> {
    let (whole, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), "0"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) {
        return None;
    }
    // More digits than fit are a long time as well.
    let whole: u64 = whole.parse().unwrap_or(u64::MAX);
    let is_more = fraction.bytes().any(|digit| digit != b'0');
    Some(Duration::from_secs(whole.saturating_add(is_more.into())))
}

fn date(text: &str) -> Option<Duration> {
    let date = httpdate::parse_http_date(text.trim()).ok()?;
    Some(date.duration_since(SystemTime::now()).unwrap_or_default())
}
