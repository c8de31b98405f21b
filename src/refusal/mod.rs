//! Which responses mean "token refused".

pub(crate) mod challenge;

use http::header::WWW_AUTHENTICATE;
use http::{HeaderMap, HeaderName, StatusCode};

use self::challenge::parse::parse;
use self::challenge::{Challenge, INSUFFICIENT, challenges};

// Every response is looked through for it: a name made once need not be parsed each time.
static GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");

/// Returns `true` if a response means that the token was refused. This is the default rule.
///
/// The token was refused if the status is 401, or if the headers of a gRPC response contain
/// `grpc-status: 16` ([UNAUTHENTICATED]). No challenge is required.
///
/// A 401 is not a refusal when a challenge in its `WWW-Authenticate` says that another login would
/// not help. The scheme is Bearer or DPoP, and its `error` is one of these:
///
/// | `error` | what the server asks for |
/// |---|---|
/// | `insufficient_scope` | more rights ([RFC 6750, section 3.1]) |
/// | `insufficient_user_authentication` | a stronger or more recent login of the user ([RFC 9470, section 3]) |
/// | `insufficient_claims` | more claims, such as [Microsoft's claims challenge] |
/// | `use_dpop_nonce`, with DPoP only | a nonce in the proof ([RFC 9449, section 9]) |
///
/// The comparison of `error` is case-sensitive.
///
/// Combine it with your own rule:
///
/// ```
/// use tower_bearer::{BearerAuthLayer, is_refusal};
/// # use tower_bearer::{Origins, Token, source_fn};
/// # let source = source_fn(Origins::any(), |_| async { Ok(Token::new("mF_9.B5f-4.1JqM")?) });
///
/// let layer = BearerAuthLayer::new(source)
///     .refused_when(|status, headers| status == 419 || is_refusal(status, headers));
/// ```
///
/// [Microsoft's claims challenge]: https://learn.microsoft.com/en-us/entra/identity-platform/claims-challenge
/// [UNAUTHENTICATED]: https://grpc.io/docs/guides/status-codes/
/// [RFC 6750, section 3.1]: https://www.rfc-editor.org/rfc/rfc6750#section-3.1
/// [RFC 9449, section 9]: https://www.rfc-editor.org/rfc/rfc9449#section-9
/// [RFC 9470, section 3]: https://www.rfc-editor.org/rfc/rfc9470#section-3
#[inline]
pub fn is_refusal(status: StatusCode, headers: &HeaderMap) -> bool {
    match status {
        StatusCode::UNAUTHORIZED => !is_beyond_a_login(headers),
        _ => headers.get(&GRPC_STATUS).is_some_and(|code| code == "16"),
    }
}

/// Says whether a response proves that the token was accepted. A server error proves nothing, and
/// what a gateway may answer by itself does not either.
pub(crate) fn is_acceptance(status: StatusCode, headers: &HeaderMap) -> bool {
    let is_answered = status.is_success()
        || status.is_redirection()
        // Good, but not for this.
        || matches!(status, StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED);
    is_answered && headers.get(&GRPC_STATUS).is_none_or(|code| code == "0")
}

/// Says whether a response means that the token is good, and a stronger one is wanted.
pub(crate) fn asks_for_more(status: StatusCode, headers: &HeaderMap) -> bool {
    matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
        && challenges(headers).iter().any(Challenge::asks_for_more)
}

fn is_beyond_a_login(headers: &HeaderMap) -> bool {
    headers
        .get_all(WWW_AUTHENTICATE)
        .iter()
        .flat_map(|value| parse(value.as_bytes()))
        .any(|challenge| {
            let is_dpop = challenge.is("DPoP");
            // With regard to case: RFC 6749, section 1.8 says so of all values unless noted
            // otherwise, and RFC 6750 notes nothing. What is spelled otherwise costs a login.
            let has = |error: &&str| challenge.has("error", error);
            (is_dpop || challenge.is("Bearer")) && INSUFFICIENT.iter().any(has)
                || is_dpop && has(&"use_dpop_nonce")
        })
}

#[cfg(test)]
mod tests;
