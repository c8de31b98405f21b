//! [`Challenge`]: how a server wants to be authenticated to.

pub(crate) mod parse;

use std::fmt;

use http::HeaderMap;
use http::header::WWW_AUTHENTICATE;

use self::parse::{RawChallenge, parse};

/// One challenge of a `WWW-Authenticate` header ([RFC 9110, section 11.6.1]): a scheme and its
/// parameters.
///
/// ```
/// use http::{HeaderMap, HeaderValue};
///
/// let mut headers = HeaderMap::new();
/// let value = r#"Bearer error="insufficient_scope", scope="admin read""#;
/// headers.insert("www-authenticate", HeaderValue::from_static(value));
///
/// let challenges = tower_bearer::challenges(&headers);
/// assert!(challenges[0].is("bearer"));
/// assert_eq!(challenges[0].param("scope"), Some("admin read"));
/// ```
///
/// [RFC 9110, section 11.6.1]: https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1
#[derive(Clone, PartialEq, Eq)]
pub struct Challenge {
    scheme: String,
    params: Vec<(String, String)>,
}

/// The errors of a challenge that the same login cannot meet.
pub(super) const INSUFFICIENT: [&str; 3] = [
    "insufficient_scope",
    "insufficient_user_authentication",
    "insufficient_claims",
];

/// Parses all challenges of all `WWW-Authenticate` headers, in their order.
///
/// Quoted commas and escapes are read as [RFC 9110, section 11.6.1] defines them. Anything that is
/// not a challenge is skipped, and bytes that are not UTF-8 are replaced. A `token68`, as in
/// `Negotiate`, is skipped too.
///
/// Use it in a rule for [`refused_when`](crate::BearerAuthLayer::refused_when), or to act on a 403.
/// A [`TokenSource`](crate::TokenSource) gets the challenges of a refused response in its
/// [`TokenRequest`](crate::TokenRequest::challenges).
///
/// [RFC 9110, section 11.6.1]: https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1
pub fn challenges(headers: &HeaderMap) -> Vec<Challenge> {
    headers
        .get_all(WWW_AUTHENTICATE)
        .iter()
        .flat_map(|value| parse(value.as_bytes()))
        .map(Challenge::from)
        .collect()
}

impl Challenge {
    /// Returns the scheme as the server wrote it, such as `Bearer`.
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// Returns `true` if this is the challenge's scheme. The comparison is case-insensitive.
    pub fn is(&self, scheme: &str) -> bool {
        self.scheme.eq_ignore_ascii_case(scheme)
    }

    /// Returns the unquoted value of the first parameter with this name. The comparison of names is
    /// case-insensitive.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params()
            .find(|(its_name, _)| its_name.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// The value of `error`, if it looks like a code.
    fn error_code(&self) -> Option<&str> {
        let is_code = |code: &&str| {
            code.len() <= 40 && code.bytes().all(|it| it == b'_' || it.is_ascii_lowercase())
        };
        self.param("error").filter(is_code)
    }

    /// Whether the same login cannot meet it, and a stronger one may.
    pub(crate) fn asks_for_more(&self) -> bool {
        let error = self.param("error");
        (self.is("Bearer") || self.is("DPoP")) && error.is_some_and(|it| INSUFFICIENT.contains(&it))
    }

    /// Returns an iterator over all parameters, in order.
    pub fn params(&self) -> impl Iterator<Item = (&str, &str)> {
        self.params
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// Of the values only that of `error` is shown: a server may echo the token in any of the others.
impl fmt::Debug for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.params().map(|(name, _)| name).collect();
        f.debug_struct("Challenge")
            .field("scheme", &self.scheme)
            .field("error", &self.error_code())
            .field("params", &names)
            .finish()
    }
}

impl From<RawChallenge<'_>> for Challenge {
    fn from(raw: RawChallenge<'_>) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            scheme: text(raw.scheme),
            params: raw
                .params
                .iter()
                .map(|(name, value)| (text(name), text(value)))
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests;
