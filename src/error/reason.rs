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
    /// Something else: who the client is, what it asks for, or how often it has tried. Any other
    /// grant would be rejected as well.
    Request,
    /// The server, which may be able to answer later.
    Later,
}

/// [RFC 6749, section 5.2](https://www.rfc-editor.org/rfc/rfc6749#section-5.2), and as GitHub and
/// Firebase say it.
const GRANT: [&str; 4] = [
    "invalid_grant",
    "bad_refresh_token",
    "bad_verification_code",
    "invalid_refresh_token",
];

const REQUEST: [&str; 11] = [
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
    // A limit of attempts, and not of requests: another one so soon could prolong it.
    "too_many_attempts",
    "too_many_attempts_try_later",
    "quota_exceeded",
];

const LATER: [&str; 11] = [
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
];

impl Reason {
    pub(crate) fn of(names: &[Cow<'_, str>]) -> Self {
        let reasons = names.iter().map(|name| Self::of_name(name));
        reasons.max().unwrap_or(Self::Unknown)
    }

    fn of_name(name: &str) -> Self {
        let is_one_of = |known: &[&str]| known.iter().any(|known| is_same(known, name));
        if is_one_of(&LATER) || is_passing_status(name) {
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

/// The number of a status that says "later", on its own.
fn is_passing_status(name: &str) -> bool {
    matches!(name.parse(), Ok(408 | 425 | 429 | 500..=599_u16))
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
