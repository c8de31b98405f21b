//! [`Reason`]: what the error that a login's answer names is about.

use std::borrow::Cow;

/// What the error that a login's answer names is about. Of several names the greatest reason
/// counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reason {
    /// None of the names is known.
    Unknown,
    /// What was to be exchanged for a token, such as a refresh token.
    Grant,
    /// Something else: who the client is, or what it asks for. Any other grant would be rejected as
    /// well.
    Request,
    /// The server, which may be able to answer later.
    Later,
    /// How often it was tried. It is a limit of attempts, and not of requests: another one so soon
    /// could prolong it, or lock the account.
    Attempts,
}

/// [RFC 6749, section 5.2](https://www.rfc-editor.org/rfc/rfc6749#section-5.2), and as GitHub and
/// Firebase say it.
const GRANT: [&str; 4] = [
    "invalid_grant",
    "bad_refresh_token",
    "bad_verification_code",
    "invalid_refresh_token",
];

const REQUEST: [&str; 8] = [
    // RFC 6749, section 5.2, and RFC 8707, section 2.
    "invalid_client",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
    "invalid_target",
    // As GitHub, Slack and Salesforce say it.
    "incorrect_client_credentials",
    "bad_client_secret",
    "invalid_client_id",
];

const LATER: [&str; 19] = [
    // RFC 6749, section 4.1.2.1, and RFC 8628, section 3.5.
    "temporarily_unavailable",
    "server_error",
    "slow_down",
    "rate_limit",
    "rate_limited",
    "rate_limit_exceeded",
    "too_many_requests",
    "resource_exhausted",
    "unavailable",
    "service_unavailable",
    "internal_server_error",
    // As Slack says it, in a 200.
    "internal_error",
    "fatal_error",
    "request_timeout",
    "timeout",
    "try_again_later",
    "server_unavailable",
    // As a gateway would say it by its status.
    "bad_gateway",
    "gateway_timeout",
];

/// As Auth0, which has a 429 for it, and Firebase say it.
const ATTEMPTS: [&str; 3] = [
    "too_many_attempts",
    "too_many_attempts_try_later",
    "quota_exceeded",
];

impl Reason {
    pub(crate) fn of(names: &[Cow<'_, str>]) -> Self {
        let reasons = names.iter().map(|name| Self::of_name(name));
        match reasons.max().unwrap_or(Self::Unknown) {
            // A word says more than a number.
            Self::Unknown if names.iter().any(|name| is_passing_status(name)) => Self::Later,
            reason => reason,
        }
    }

    fn of_name(name: &str) -> Self {
        let is_one_of = |known: &[&str]| known.iter().any(|known| is_same(known, name));
        if is_one_of(&ATTEMPTS) {
            Self::Attempts
        } else if is_one_of(&LATER) {
            Self::Later
        } else if is_one_of(&REQUEST) {
            Self::Request
        } else if is_one_of(&GRANT) {
            Self::Grant
        } else {
            Self::Unknown
        }
    }
}

/// The number of a status that says "later", on its own. Many servers send 500 for any failure,
/// such as a wrong password.
fn is_passing_status(name: &str) -> bool {
    matches!(name.parse(), Ok(408 | 425 | 429 | 502..=504_u16))
}

/// The same words, however they are spelled: `too_many_requests`, `TooManyRequests`, `Too Many
/// Requests`.
fn is_same(known: &str, name: &str) -> bool {
    fn letters(text: &str) -> impl Iterator<Item = char> {
        let letters = text.chars().filter(|char| char.is_alphanumeric());
        letters.map(|char| char.to_ascii_lowercase())
    }
    letters(known).eq(letters(name))
}
