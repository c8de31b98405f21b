//! Where a login is sent.

use std::error::Error;
use std::fmt;

use http::Uri;
use zeroize::Zeroizing;

use crate::origins::{InvalidOrigin, Origins};

/// The error for a login URL that cannot be used.
///
/// ```
/// # use tower_bearer::login::Datafiniti;
/// # let client = tower::service_fn(async |_: http::Request<http_body_util::Full<bytes::Bytes>>| Ok::<_, tower::BoxError>(http::Response::new(String::new())));
/// let error = Datafiniti::new(client, "me@example.com", "secret")
///     .base_url("https://me:secret@api.example.com")
///     .unwrap_err();
/// assert_eq!(error.to_string(), "not a login URL like https://api.example.com: it has user information");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidUrl {
    reason: &'static str,
}

impl fmt::Display for InvalidUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "not a login URL like https://api.example.com: {}",
            self.reason
        )
    }
}

impl Error for InvalidUrl {}

impl From<InvalidOrigin> for InvalidUrl {
    fn from(error: InvalidOrigin) -> Self {
        invalid(error.reason())
    }
}

/// An absolute URL, and the origin that its tokens may go to.
pub(super) struct Endpoint {
    uri: Uri,
    origins: Origins,
    /// What of the query must not be shown: it may hold a key.
    secrets: Vec<Zeroizing<String>>,
}

impl Endpoint {
    /// A path below a base, which is an origin and perhaps a path itself.
    pub(super) fn new(base: &str, path: &str) -> Result<Self, InvalidUrl> {
        if base.contains(['?', '#']) {
            return Err(invalid("it has a query or a fragment"));
        }
        // The slash keeps the path from becoming a part of the host.
        if !path.starts_with('/') || path.contains('#') {
            return Err(invalid(
                "its path does not begin with a slash, or has a fragment",
            ));
        }
        Self::whole(&format!("{}{path}", base.trim_end_matches('/')))
    }

    /// Where a request goes.
    pub(super) fn of(uri: &Uri) -> Result<Self, InvalidUrl> {
        let origins = Origins::of_uri(uri)?;
        let secrets = uri.query().map(query_secrets).unwrap_or_default();
        Ok(Self {
            uri: uri.clone(),
            origins,
            secrets,
        })
    }

    /// A URL as it is, with its path and its query.
    pub(super) fn whole(url: &str) -> Result<Self, InvalidUrl> {
        // A fragment has to be found here: `Uri` drops it.
        if url.contains('#') {
            return Err(invalid("it has a fragment"));
        }
        Self::of(&url.parse().map_err(|_| invalid("it is not a URI"))?)
    }

    pub(super) fn uri(&self) -> &Uri {
        &self.uri
    }

    /// It may hold a key.
    pub(super) fn query(&self) -> Option<&str> {
        self.uri.query()
    }

    pub(super) fn origins(&self) -> &Origins {
        &self.origins
    }

    pub(super) fn secrets(&self) -> impl Iterator<Item = &str> {
        self.secrets.iter().map(|secret| secret.as_str())
    }
}

/// Without the query, which may hold a key.
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, host) = (self.uri.scheme_str(), self.uri.authority());
        let host = host.map_or("", |authority| authority.as_str());
        write!(
            f,
            "{}://{host}{}",
            scheme.unwrap_or_default(),
            self.uri.path()
        )
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The query as a whole, its parts, and their values, as they are spelled and as they are meant.
fn query_secrets(query: &str) -> Vec<Zeroizing<String>> {
    let mut secrets = Vec::new();
    for part in query.split('&') {
        let value = part.split_once('=').map_or(part, |(_, value)| value);
        // A shorter one keeps nothing secret, and would mask a part of many a word.
        let telling = [part, value].into_iter().filter(|text| text.len() >= 3);
        secrets.extend(telling.map(str::to_owned));
    }
    secrets.push(format!("?{query}"));
    let meant: Vec<_> = secrets.iter().map(|text| decoded(text)).collect();
    let all = secrets.into_iter().chain(meant);
    all.map(Zeroizing::new).collect()
}

fn decoded(text: &str) -> String {
    // What has no `&` in it and begins with a `=` is one value.
    let text = format!("={}", text.replace('&', "%26"));
    let mut pairs = form_urlencoded::parse(text.as_bytes());
    pairs
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

fn invalid(reason: &'static str) -> InvalidUrl {
    InvalidUrl { reason }
}
