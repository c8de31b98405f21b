//! What a response other than a success means, with the body that came with it.

use http::header::LOCATION;
use http::response::Parts;
use http::{HeaderMap, StatusCode, Uri};
use serde_json::Value;

use crate::error::AuthError;
use crate::error::verdict::judge;
use crate::login::answer::Answer;
use crate::login::client::MAX_RESPONSE_BYTES;
use crate::login::error_body::{error_names, error_response};
use crate::login::mask::Mask;
use crate::login::url::Endpoint;

impl AuthError {
    /// Creates the error for a response without a token, as [`from_response`](Self::from_response)
    /// does, and also reads its body by the rules of the [built-in logins](crate::login#errors).
    /// [`response`](Self::response) returns the documented fields. A 2xx with an `error` is
    /// [`is_rejected`](Self::is_rejected), and so is a 429 about too many attempts.
    /// `temporarily_unavailable`, `server_error`, `slow_down` or a rate limit is
    /// [`is_unavailable`](Self::is_unavailable), whether its status is a 2xx or a 4xx.
    ///
    /// The texts are masked: they contain neither the given secrets nor values of fields whose name
    /// ends in "token". A body of more than 64 KiB is not read.
    ///
    /// ```
    /// use http::{HeaderMap, StatusCode};
    /// use tower_bearer::AuthError;
    ///
    /// let body = br#"{"error": "invalid_client", "error_description": "not s3cret"}"#;
    /// let headers = HeaderMap::new();
    /// let error =
    ///     AuthError::from_response_body(StatusCode::UNAUTHORIZED, &headers, body, &["s3cret"]);
    /// assert_eq!(
    ///     error.to_string(),
    ///     "login rejected: 401 Unauthorized: invalid_client; not ***"
    /// );
    /// ```
    pub fn from_response_body(
        status: StatusCode,
        headers: &HeaderMap,
        body: &[u8],
        secrets: &[&str],
    ) -> Self {
        let body = (body.len() <= MAX_RESPONSE_BYTES).then_some(body);
        let answer = body.and_then(Answer::parse);
        let answer = answer.as_ref().map(Answer::json);
        let mask = Mask::new(secrets, answer, "/access_token");
        let response = error_response(status, answer, &mask);
        judge(
            response,
            error_names(status, answer).as_deref(),
            headers,
            None,
        )
    }
}

pub(super) fn verdict(
    head: &Parts,
    answer: Option<&Value>,
    endpoint: &Endpoint,
    mask: &Mask,
) -> AuthError {
    let mut response = error_response(head.status, answer, mask);
    let to = location(&head.headers, endpoint);
    if let Some(to) = to.filter(|_| head.status.is_redirection()) {
        let mut remark = "redirects are not followed, and this one leads to ".to_owned();
        remark.push_str(&mask.clean(&to).unwrap_or_default());
        if differs_by_a_slash(&to, &endpoint.to_string()) {
            remark.push_str(", which differs from the login's URL by a slash at the end");
        }
        response = response.remark(remark);
    }
    let named = error_names(head.status, answer);
    let url = endpoint.to_string();
    judge(response, named.as_deref(), &head.headers, Some(&url))
}

/// Without the query and the user information: either may hold secrets.
fn location(headers: &HeaderMap, endpoint: &Endpoint) -> Option<String> {
    let uri: Uri = headers.get(LOCATION)?.to_str().ok()?.parse().ok()?;
    let base = match uri.host() {
        None if uri.path().starts_with("//") => return None,
        None => endpoint.uri(),
        Some(_) => &uri,
    };
    let (scheme, host) = (base.scheme_str()?, base.host()?);
    let port = base.port_u16().map(|port| format!(":{port}"));
    let port = port.unwrap_or_default();
    Some(format!("{scheme}://{host}{port}{}", uri.path()))
}

fn differs_by_a_slash(one: &str, other: &str) -> bool {
    one.strip_suffix('/') == Some(other) || other.strip_suffix('/') == Some(one)
}
