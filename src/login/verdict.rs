//! What a response other than a success means for the next login.

use std::time::{Duration, SystemTime};

use http::header::{LOCATION, RETRY_AFTER};
use http::response::Parts;
use http::{HeaderMap, Uri};
use serde_json::Value;

use crate::error::AuthError;
use crate::error::response::ErrorResponse;
use crate::login::error_body::error_response;
use crate::login::mask::Mask;

/// A server that asks for more is not believed.
const LONGEST_WAIT: Duration = Duration::from_secs(60 * 60);

pub(super) fn verdict(head: &Parts, answer: Option<&Value>, mask: &Mask) -> AuthError {
    let response = error_response(head.status, answer, mask);
    let error = answer.and_then(|answer| answer.get("error")?.as_str());
    match (head.status.as_u16(), error) {
        (408 | 425 | 429 | 500..=599, _) => unavailable(response, &head.headers),
        (404 | 405, _) => {
            AuthError::misconfigured(response.remark("check the login URL and its path"))
        }
        // OAuth servers say this by a 400 as well.
        (400..=499, Some("temporarily_unavailable" | "server_error" | "slow_down")) => {
            unavailable(response, &head.headers)
        }
        // Whatever it is, asking again could lock the account.
        (400..=499, _) => AuthError::rejected(response),
        (300..=399, _) => {
            let remark = match location(&head.headers, mask) {
                Some(to) => format!("redirects are not followed, and this one leads to {to}"),
                None => "redirects are not followed: set the login's final URL".to_owned(),
            };
            AuthError::misconfigured(response.remark(remark))
        }
        _ => AuthError::misconfigured(response.remark("this is no answer to a login")),
    }
}

fn unavailable(response: ErrorResponse, headers: &HeaderMap) -> AuthError {
    let error = AuthError::unavailable(response);
    match retry_after(headers) {
        Some(wait) => error.with_retry_after(wait),
        None => error,
    }
}

/// Seconds or a date, [RFC 9110, section 10.2.3](https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3).
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

/// The origin alone: what comes behind it may hold secrets, as may what stands before the host.
fn location(headers: &HeaderMap, mask: &Mask) -> Option<String> {
    let uri: Uri = headers.get(LOCATION)?.to_str().ok()?.parse().ok()?;
    let (scheme, host) = (uri.scheme_str()?, uri.host()?);
    let port = uri.port_u16().map(|port| format!(":{port}"));
    mask.clean(&format!("{scheme}://{host}{}", port.unwrap_or_default()))
}
