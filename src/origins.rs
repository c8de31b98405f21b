//! [`Origins`]: which requests may carry the token.

use std::error::Error;
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use http::Uri;
use http::uri::Scheme;

/// The origins that a token may be sent to.
///
/// Origins are compared as in [RFC 6454]: by scheme, host and port. Case, a default port and a
/// trailing dot make no difference, and the path is ignored.
///
/// | request | carries the token |
/// |---|---|
/// | to one of these origins | yes; over plain `http` if it is loopback or [allowed], else it fails |
/// | to any other: another scheme, host (a subdomain too) or port | no, and an [`AuthError`](crate::AuthError) in the response's extensions says why |
/// | whose URI has no authority (`/health`, as tonic's) | yes: where it goes is the client's choice |
/// | whose URI has no authority, and whose path begins with `//` or `/\` | no: joined to a base URL, `//evil.example/x` leads to another server |
/// | whose URI has an authority and no scheme (`api.example.com:443` of a `CONNECT`) | no: it is for a proxy, which would read the token |
/// | with the header set by the caller, or with [`NoAuth`](crate::NoAuth) | no |
///
/// The built-in logins with a password default to the origin they log in at. The OAuth 2.0 logins
/// take the origins as an argument.
///
/// The `Host` header is ignored. The URI determines which server gets the bytes, and that server is
/// trusted with the token whichever of its sites the header names. A gateway forwards its caller's
/// `Host` header, and the caller must not decide with it whether a request carries the token.
///
/// ```
/// use tower_bearer::Origins;
///
/// let origins = Origins::only("https://api.example.com")?;
/// assert!(origins.contains(&"https://API.example.com:443/v1".parse().unwrap()));
/// assert!(!origins.contains(&"https://cdn.example.com/file".parse().unwrap()));
/// assert!(!origins.contains(&"http://api.example.com/v1".parse().unwrap()));
/// # Ok::<(), tower_bearer::InvalidOrigin>(())
/// ```
///
/// # Redirects
///
/// Follow redirects in a layer around [`BearerAuthLayer`](crate::BearerAuthLayer): each hop is then
/// a separate request, and carries the token only to these origins. The layer does not see
/// redirects that are followed inside it, by a redirect layer or by a client such as reqwest's.
/// Such a hop carries every header that is not stripped. With tower-http's `FollowRedirect` and its
/// standard policy, the hops after the first one carry:
///
/// | request | redirected to | around: `authorization` | around: another [header] | inside: `authorization` | inside: another header |
/// |---|---|---|---|---|---|
/// | with the token | the same origin | token | token | token | token |
/// | with the token | another host, and back | none, token | none, token | none, none | **token**, token |
/// | with the token | another port, and back | none, token | none, token | none, none | **token**, token |
/// | with the token | `http`, and back | none, token | none, token | none, none | **token**, token |
/// | with the token | another of the token's origins | token | token | none | token |
/// | with a header of its own | the same origin | own | own | own | own |
/// | with a header of its own | another host, and back | none, **token** | **own**, own | none, none | **own**, own |
/// | with `NoAuth` | the same origin | none | none | none | none |
/// | with `NoAuth` | another host, and back | none, **token** | none, **token** | none, none | none, none |
///
/// The surprising ones are in bold:
///
/// - **inside, another header**: `FollowRedirect` strips `authorization` from a request to another
///   origin, but no header that it does not know. The token goes wherever the server says, even
///   over plain `http`. So does the caller's own header, in either order.
/// - **around, and back**: on the way to another origin `FollowRedirect` strips the caller's
///   `authorization` and all extensions, including `NoAuth`. Back at the token's origin, the
///   request is like any other and carries the token. A policy with
///   `FilterCredentials::new().allow_extension::<NoAuth>()` prevents that.
///
/// With the redirect layer inside, another origin's 401 counts as a refusal of the token and
/// triggers a login. With it around, a hop to plain `http` within the origins fails like any such
/// request.
///
/// [RFC 6454]: https://www.rfc-editor.org/rfc/rfc6454#section-4
/// [allowed]: crate::BearerAuthLayer::allow_plain_http
/// [header]: crate::BearerAuthLayer::header
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origins {
    /// `None` is everywhere.
    origins: Option<Arc<[Origin]>>,
}

/// The error for a text that is not an origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidOrigin {
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Origin {
    scheme: Scheme,
    /// As requests usually spell it: nothing but this is compared for most of them.
    authority: String,
    host: String,
    port: u16,
}

impl Origins {
    /// Returns the single origin `scheme://host[:port]`.
    ///
    /// # Errors
    ///
    /// Returns an error if the text is not an `http` or `https` origin, or has a path, a query or
    /// user information.
    pub fn only(origin: &str) -> Result<Self, InvalidOrigin> {
        Self::each_of([origin])
    }

    /// Returns all of the given origins.
    ///
    /// # Errors
    ///
    /// Returns an error for the first text that is not an origin, as [`only`](Self::only) does, and
    /// if there are no origins.
    pub fn each_of<T: AsRef<str>>(
        origins: impl IntoIterator<Item = T>,
    ) -> Result<Self, InvalidOrigin> {
        let origins: Arc<[_]> = origins
            .into_iter()
            .map(|text| {
                let uri: Uri = text
                    .as_ref()
                    .parse()
                    .map_err(|_| invalid("it is not a URI"))?;
                if uri.query().is_some() || !matches!(uri.path(), "" | "/") {
                    return Err(invalid("it has a path or a query"));
                }
                Origin::of(&uri)
            })
            .collect::<Result<_, _>>()?;
        if origins.is_empty() {
            return Err(invalid("there is none"));
        }
        Ok(Self {
            origins: Some(origins),
        })
    }

    /// Returns the set of all origins. Use it only with a client that talks to a single server:
    /// otherwise anyone who can make the client follow a link receives the token.
    ///
    /// No request is foreign then, not even one whose path begins with `//`.
    pub fn any() -> Self {
        Self { origins: None }
    }

    /// Returns `true` if a request to this URI may carry the token.
    #[inline]
    pub fn contains(&self, uri: &Uri) -> bool {
        match &self.origins {
            None => true,
            Some(_) if uri.authority().is_none() => !is_network_path(uri),
            Some(origins) => origins.iter().any(|origin| origin.is_of(uri)),
        }
    }

    /// The origin that a URI of any path lies in.
    #[cfg(feature = "login")]
    pub(crate) fn of_uri(uri: &Uri) -> Result<Self, InvalidOrigin> {
        Ok(Self {
            origins: Some(Arc::new([Origin::of(uri)?])),
        })
    }
}

/// Would it name another server when it is joined to a base URL? Browsers, and so the `url` crate,
/// take a backslash for a slash.
fn is_network_path(uri: &Uri) -> bool {
    let path = uri.path();
    path.starts_with("//") || path.starts_with("/\\")
}

/// Would a secret that is sent to this URI be readable on its way? Unknown for a URI without a
/// scheme.
pub(crate) fn is_plain_http(uri: &Uri) -> bool {
    // Built by hand, a scheme in upper case is not equal to the constant.
    uri.scheme_str()
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case("http"))
        && !uri.host().is_some_and(is_loopback)
}

/// As [Secure Contexts](https://www.w3.org/TR/secure-contexts/#is-origin-trustworthy) define it.
fn is_loopback(host: &str) -> bool {
    if matches!(host, "127.0.0.1" | "localhost") {
        return true;
    }
    if let Some(ip) = ipv6(host) {
        return ip.is_loopback();
    }
    // Not with a dot behind it: that would be a name, for DNS to answer.
    if let Ok(ip) = host.parse::<Ipv4Addr>() {
        return ip.is_loopback();
    }
    without_dot(host)
        .rsplit('.')
        .next()
        .is_some_and(|label| label.eq_ignore_ascii_case("localhost"))
}

impl Origin {
    fn of(uri: &Uri) -> Result<Self, InvalidOrigin> {
        let (Some(scheme), Some(authority)) = (uri.scheme(), uri.authority()) else {
            return Err(invalid("it has no scheme or no host"));
        };
        if authority.as_str().contains('@') {
            return Err(invalid("it has user information"));
        }
        // `Uri` takes any text for a port, and then has none.
        let behind_host = authority.as_str().get(authority.host().len()..);
        if authority.port().is_none() && !matches!(behind_host, Some("" | ":")) {
            return Err(invalid("its port is not a number up to 65535"));
        }
        let Some(default) = default_port(scheme) else {
            return Err(invalid("its scheme is neither http nor https"));
        };
        let host = without_dot(authority.host()).to_ascii_lowercase();
        if host.is_empty() {
            return Err(invalid("it has no host"));
        }
        let port = uri.port_u16().unwrap_or(default);
        Ok(Self {
            scheme: scheme.clone(),
            authority: if port == default {
                host.clone()
            } else {
                format!("{host}:{port}")
            },
            host,
            port,
        })
    }

    fn is_of(&self, uri: &Uri) -> bool {
        let is_as_usual = uri.scheme() == Some(&self.scheme)
            && uri
                .authority()
                .is_some_and(|authority| authority.as_str() == self.authority);
        is_as_usual || self.is_spelled_otherwise(uri)
    }

    fn is_spelled_otherwise(&self, uri: &Uri) -> bool {
        let Some(scheme) = uri.scheme() else {
            return false;
        };
        let port = uri.port_u16().or_else(|| default_port(scheme));
        *scheme == self.scheme
            && port == Some(self.port)
            && uri.host().is_some_and(|host| same_host(&self.host, host))
    }
}

/// Separated by commas: `https://api.example.com, http://localhost:8080`.
impl fmt::Display for Origins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(origins) = &self.origins else {
            return f.write_str("any");
        };
        for (n, origin) in origins.iter().enumerate() {
            let comma = if n == 0 { "" } else { ", " };
            write!(f, "{comma}{}://{}", origin.scheme, origin.authority)?;
        }
        Ok(())
    }
}

#[cfg(feature = "login")]
impl InvalidOrigin {
    pub(crate) fn reason(&self) -> &'static str {
        self.reason
    }
}

impl fmt::Display for InvalidOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "not an origin like https://api.example.com: {}",
            self.reason
        )
    }
}

impl Error for InvalidOrigin {}

fn invalid(reason: &'static str) -> InvalidOrigin {
    InvalidOrigin { reason }
}

fn default_port(scheme: &Scheme) -> Option<u16> {
    match scheme.as_str() {
        "https" => Some(443),
        "http" => Some(80),
        _ => None,
    }
}

fn same_host(ours: &str, theirs: &str) -> bool {
    let theirs = without_dot(theirs);
    ours.eq_ignore_ascii_case(theirs) || ipv6(ours).is_some_and(|ip| ipv6(theirs) == Some(ip))
}

fn without_dot(host: &str) -> &str {
    host.strip_suffix('.').unwrap_or(host)
}

/// An IPv6 address has many spellings.
fn ipv6(host: &str) -> Option<Ipv6Addr> {
    host.strip_prefix('[')?.strip_suffix(']')?.parse().ok()
}
