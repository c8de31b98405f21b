//! Which responses mean "token refused".

pub(crate) mod challenge;

use http::header::WWW_AUTHENTICATE;
use http::{HeaderMap, HeaderName, StatusCode};

use self::challenge::parse::parse;

// Every response is looked through for it: a name made once need not be parsed each time.
static GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");

/// The default answer to "was the token refused?".
///
/// Refused means status 401, or a gRPC response whose headers carry `grpc-status: 16`
/// ([UNAUTHENTICATED]). A 401 is not a refusal when its `WWW-Authenticate` says that another login
/// would not help: a Bearer challenge with `error="insufficient_scope"` ([RFC 6750, section 3.1])
/// or a DPoP challenge with `error="use_dpop_nonce"` ([RFC 9449, section 9]). No challenge is
/// required.
///
/// To be combined with a rule of one's own:
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
/// [UNAUTHENTICATED]: https://grpc.io/docs/guides/status-codes/
/// [RFC 6750, section 3.1]: https://www.rfc-editor.org/rfc/rfc6750#section-3.1
/// [RFC 9449, section 9]: https://www.rfc-editor.org/rfc/rfc9449#section-9
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

fn is_beyond_a_login(headers: &HeaderMap) -> bool {
    headers
        .get_all(WWW_AUTHENTICATE)
        .iter()
        .flat_map(|value| parse(value.as_bytes()))
        .any(|challenge| {
            challenge.is("Bearer") && challenge.has("error", "insufficient_scope")
                || challenge.is("DPoP") && challenge.has("error", "use_dpop_nonce")
        })
}
