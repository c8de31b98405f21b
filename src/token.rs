//! [`Token`]: a credential, ready to be sent.

use std::any::Any;
use std::error::Error;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use http::HeaderValue;
use zeroize::Zeroizing;

use crate::error::AuthError;

/// A token as returned by a [`TokenSource`](crate::TokenSource): the complete header value, and its
/// lifetime if known.
///
/// ```
/// use std::time::Duration;
/// use tower_bearer::Token;
///
/// let token = Token::new("mF_9.B5f-4.1JqM")?.expires_in(Duration::from_secs(3600));
/// assert_eq!(token.header_value(), "Bearer mF_9.B5f-4.1JqM");
/// // Neither Debug nor the header value's Debug shows it.
/// assert!(!format!("{token:?}").contains("B5f"));
/// # Ok::<(), tower_bearer::InvalidToken>(())
/// ```
#[derive(Clone)]
pub struct Token {
    value: HeaderValue,
    /// Where in `value` the token itself begins, after the scheme.
    start: usize,
    lifetime: Option<Duration>,
    /// By the issuer, and not by the token's own claims.
    is_lifetime_told: bool,
    refresh_token: Option<Arc<Zeroizing<String>>>,
    extension: Option<Arc<dyn Any + Send + Sync>>,
}

/// The error for a text that cannot be sent as a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidToken {
    reason: &'static str,
}

impl Token {
    /// Creates a bearer token ([RFC 6750, section 2.1]), sent as `Bearer <token>`.
    ///
    /// A trailing newline, as in files, is trimmed. The lifetime is unknown until you set it with
    /// [`expires_in`](Self::expires_in).
    ///
    /// [RFC 6750, section 2.1]: https://www.rfc-editor.org/rfc/rfc6750#section-2.1
    ///
    /// # Errors
    ///
    /// Returns an error if the token is empty or contains a character that is not visible ASCII.
    pub fn new(token: impl AsRef<str>) -> Result<Self, InvalidToken> {
        Self::with_scheme("Bearer", token)
    }

    /// Creates a token with another authentication scheme, sent as `<scheme> <token>`.
    ///
    /// ```
    /// # use tower_bearer::Token;
    /// assert_eq!(Token::with_scheme("Token", "abc")?.header_value(), "Token abc");
    /// # Ok::<(), tower_bearer::InvalidToken>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns an error if the token or the scheme is empty or contains a character that is not
    /// visible ASCII.
    pub fn with_scheme(scheme: &str, token: impl AsRef<str>) -> Result<Self, InvalidToken> {
        visible(
            scheme,
            "the scheme is empty",
            "the scheme is not visible ASCII",
        )?;
        Self::render(&[scheme, " "], token.as_ref())
    }

    /// Creates a token that is sent without a scheme, such as an API key.
    ///
    /// # Errors
    ///
    /// Same as for [`new`](Self::new).
    pub fn bare(token: impl AsRef<str>) -> Result<Self, InvalidToken> {
        Self::render(&[], token.as_ref())
    }

    /// Sets how long the token is valid from now on, like `expires_in` in [RFC 6749, section 5.1].
    ///
    /// Without it the token is used until it is refused. A lifetime below one second counts as one
    /// second, so that expiry never causes more than one login per second
    /// ([`SessionBuilder::min_lifetime`](crate::SessionBuilder::min_lifetime)).
    ///
    /// [RFC 6749, section 5.1]: https://www.rfc-editor.org/rfc/rfc6749#section-5.1
    #[must_use]
    pub fn expires_in(mut self, lifetime: Duration) -> Self {
        self.lifetime = Some(lifetime);
        self.is_lifetime_told = true;
        self
    }

    /// Sets when the token expires by the wall clock. The wall clock is read once, in this call;
    /// after that only tokio's monotonic clock counts.
    ///
    /// A time in the past is a lifetime of zero. From a source that counts as unknown, because a
    /// fast clock would make every new token look expired. A [known
    /// token](crate::SessionBuilder::token) with it is not used, but its refresh token is.
    #[must_use]
    pub fn expires_at(self, when: SystemTime) -> Self {
        let lifetime = when.duration_since(SystemTime::now()).unwrap_or_default();
        self.expires_in(lifetime)
    }

    /// Sets the refresh token that came with this token. The source can use it in the next
    /// [`fetch`](crate::TokenSource::fetch).
    #[must_use]
    pub fn refresh_token(mut self, refresh_token: impl Into<String>) -> Self {
        self.refresh_token = Some(Arc::new(Zeroizing::new(refresh_token.into())));
        self
    }

    /// Attaches your own value to the token, such as the base URL of the account. A token has one
    /// such value; setting another replaces it.
    ///
    /// The value stays in this process: a `TokenCache` does not store it.
    ///
    /// ```
    /// # use tower_bearer::Token;
    /// #[derive(Debug, PartialEq)]
    /// struct Region(&'static str);
    ///
    /// let token = Token::new("mF_9.B5f-4.1JqM")?.with_extension(Region("eu"));
    /// assert_eq!(token.extension(), Some(&Region("eu")));
    /// # Ok::<(), tower_bearer::InvalidToken>(())
    /// ```
    #[must_use]
    pub fn with_extension<T: Any + Send + Sync>(mut self, value: T) -> Self {
        self.extension = Some(Arc::new(value));
        self
    }

    /// Returns the value set by [`with_extension`](Self::with_extension), if it has this type.
    pub fn extension<T: Any>(&self) -> Option<&T> {
        self.extension.as_ref()?.downcast_ref()
    }

    /// Returns the value of the header, marked as sensitive.
    pub fn header_value(&self) -> &HeaderValue {
        &self.value
    }

    /// Returns the token itself, without a scheme. It is a secret: do not log it.
    pub fn expose(&self) -> &str {
        // Only visible ASCII and the space behind the scheme ever get in.
        self.value.to_str().map_or("", |value| &value[self.start..])
    }

    /// Returns the refresh token that came with it. It is a secret: do not log it.
    pub fn expose_refresh_token(&self) -> Option<&str> {
        self.refresh_token.as_deref().map(|token| token.as_str())
    }

    /// Returns its whole lifetime, if known. A session counts it from the start of the login.
    pub fn lifetime(&self) -> Option<Duration> {
        self.lifetime
    }

    /// Returns its authentication scheme, such as `Bearer`. `None` for a [bare](Self::bare) token.
    ///
    /// A store has to keep this, [`expose`](Self::expose), [`lifetime`](Self::lifetime) and
    /// [`expose_refresh_token`](Self::expose_refresh_token) to restore a token.
    ///
    /// ```
    /// # use tower_bearer::Token;
    /// let token = Token::with_scheme("DPoP", "abc")?;
    /// assert_eq!(token.scheme(), Some("DPoP"));
    /// let restored = match token.scheme() {
    ///     Some(scheme) => Token::with_scheme(scheme, token.expose())?,
    ///     None => Token::bare(token.expose())?,
    /// };
    /// assert_eq!(restored.header_value(), token.header_value());
    /// # Ok::<(), tower_bearer::InvalidToken>(())
    /// ```
    pub fn scheme(&self) -> Option<&str> {
        let value = self.value.to_str().ok()?;
        // Without the space.
        value.get(..self.start.checked_sub(1)?)
    }

    /// Returns eight hexadecimal digits that identify the token in logs without showing it.
    ///
    /// Each process salts them, so that nobody can find a short token by trying all there are.
    /// Within a process the same token always has the same digits; another process has different
    /// ones.
    pub fn fingerprint(&self) -> impl fmt::Display + use<> {
        static SALT: OnceLock<RandomState> = OnceLock::new();
        let hash = SALT
            .get_or_init(RandomState::new)
            .hash_one(self.value.as_bytes());
        Fingerprint((hash >> 32) as u32)
    }

    /// Gives the header value bytes of its own, so that copies of it share no reference count with
    /// those of other clones of this token.
    pub(crate) fn detach(&mut self) {
        if let Ok(mut value) = HeaderValue::from_bytes(self.value.as_bytes()) {
            value.set_sensitive(self.value.is_sensitive());
            self.value = value;
        }
    }

    /// Says whether dropping it may run a user's code.
    pub(crate) fn has_extension(&self) -> bool {
        self.extension.is_some()
    }

    /// A lifetime from the token's own claims: the same token again has it still.
    #[cfg(any(test, feature = "login", feature = "store"))]
    pub(crate) fn lives_by_its_claims(mut self, lifetime: Duration) -> Self {
        self.lifetime = Some(lifetime);
        self
    }

    pub(crate) fn is_lifetime_told(&self) -> bool {
        self.is_lifetime_told
    }

    /// Would a server see the same credential?
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.value == other.value
    }

    fn render(prefix: &[&str], token: &str) -> Result<Self, InvalidToken> {
        let token = token.strip_suffix('\n').unwrap_or(token);
        let token = token.strip_suffix('\r').unwrap_or(token);
        let odd = match token.trim_matches(' ') {
            inner if !inner.bytes().all(|byte| matches!(byte, b' '..=b'~')) => {
                "the token is not visible ASCII"
            }
            inner if inner.len() < token.len() => "the token begins or ends with a space",
            _ => "the token contains a space: does it begin with its scheme?",
        };
        visible(token, "the token is empty", odd)?;
        let prefix = prefix.concat();
        let mut value =
            HeaderValue::try_from(format!("{prefix}{token}")).map_err(|_| InvalidToken {
                reason: "the token does not fit in a header",
            })?;
        value.set_sensitive(true);
        Ok(Self {
            value,
            start: prefix.len(),
            lifetime: None,
            is_lifetime_told: false,
            refresh_token: None,
            extension: None,
        })
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("fingerprint", &format_args!("{}", self.fingerprint()))
            .field("lifetime", &self.lifetime)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for InvalidToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason)
    }
}

impl Error for InvalidToken {}

impl From<InvalidToken> for AuthError {
    /// Converts into an error that [`is_misconfigured`](AuthError::is_misconfigured).
    fn from(error: InvalidToken) -> Self {
        Self::misconfigured(error)
    }
}

struct Fingerprint(u32);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

fn visible(text: &str, empty: &'static str, odd: &'static str) -> Result<(), InvalidToken> {
    match text {
        "" => Err(InvalidToken { reason: empty }),
        _ if !text.bytes().all(|byte| byte.is_ascii_graphic()) => Err(InvalidToken { reason: odd }),
        _ => Ok(()),
    }
}
