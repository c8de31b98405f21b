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

/// A token as a [`TokenSource`](crate::TokenSource) brings it: the finished header value, and what
/// is known of its lifetime.
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
    /// Where in `value` the token itself begins, behind the scheme.
    start: usize,
    lifetime: Option<Duration>,
    /// By whoever issued the token, and not by its own claims.
    is_lifetime_told: bool,
    refresh_token: Option<Arc<Zeroizing<String>>>,
    extension: Option<Arc<dyn Any + Send + Sync>>,
}

/// A text that cannot be sent as a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidToken {
    reason: &'static str,
}

impl Token {
    /// A bearer token ([RFC 6750, section 2.1]), sent as `Bearer <token>`.
    ///
    /// A trailing newline, as files and terminals leave it, is trimmed. The lifetime is unknown
    /// until [`expires_in`](Self::expires_in) tells it.
    ///
    /// [RFC 6750, section 2.1]: https://www.rfc-editor.org/rfc/rfc6750#section-2.1
    ///
    /// # Errors
    ///
    /// The token is empty, or has a character that is not visible ASCII.
    pub fn new(token: impl AsRef<str>) -> Result<Self, InvalidToken> {
        Self::with_scheme("Bearer", token)
    }

    /// A token under another authentication scheme, sent as `<scheme> <token>`.
    ///
    /// ```
    /// # use tower_bearer::Token;
    /// assert_eq!(Token::with_scheme("Token", "abc")?.header_value(), "Token abc");
    /// # Ok::<(), tower_bearer::InvalidToken>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new), and likewise for the scheme.
    pub fn with_scheme(scheme: &str, token: impl AsRef<str>) -> Result<Self, InvalidToken> {
        visible(
            scheme,
            "the scheme is empty",
            "the scheme is not visible ASCII",
        )?;
        Self::render(&[scheme, " "], token.as_ref())
    }

    /// A token that is sent without a scheme, as API keys are.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn bare(token: impl AsRef<str>) -> Result<Self, InvalidToken> {
        Self::render(&[], token.as_ref())
    }

    /// How long the token lives from now on, as `expires_in` of [RFC 6749, section 5.1] tells it.
    ///
    /// Without it the token is used until it is refused. A token that lives shorter than a second
    /// is used for a second, so that its expiry never causes more than one login a second.
    ///
    /// [RFC 6749, section 5.1]: https://www.rfc-editor.org/rfc/rfc6749#section-5.1
    #[must_use]
    pub fn expires_in(mut self, lifetime: Duration) -> Self {
        self.lifetime = Some(lifetime);
        self.is_lifetime_told = true;
        self
    }

    /// When the token expires by the wall clock, which is read once, here; from then on only
    /// tokio's monotonic clock counts.
    #[must_use]
    pub fn expires_at(self, when: SystemTime) -> Self {
        let lifetime = when.duration_since(SystemTime::now()).unwrap_or_default();
        self.expires_in(lifetime)
    }

    /// A refresh token that came with this one, for the source to use at its next
    /// [`fetch`](crate::TokenSource::fetch).
    #[must_use]
    pub fn refresh_token(mut self, refresh_token: impl Into<String>) -> Self {
        self.refresh_token = Some(Arc::new(Zeroizing::new(refresh_token.into())));
        self
    }

    /// Gives the token a value of yours that came with it, such as the base URL of the account. It
    /// has one: another value takes its place.
    ///
    /// It stays in this process: a `TokenCache` does not store it.
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

    /// Returns the value that came with the token, if it has one of this type.
    pub fn extension<T: Any>(&self) -> Option<&T> {
        self.extension.as_ref()?.downcast_ref()
    }

    /// The value of the header, marked as sensitive.
    pub fn header_value(&self) -> &HeaderValue {
        &self.value
    }

    /// The token itself, without a scheme. It is a secret: do not log it.
    pub fn expose(&self) -> &str {
        // Only visible ASCII and the space behind the scheme ever get in.
        self.value.to_str().map_or("", |value| &value[self.start..])
    }

    /// The refresh token that came with it. It is a secret: do not log it.
    pub fn expose_refresh_token(&self) -> Option<&str> {
        self.refresh_token.as_deref().map(|token| token.as_str())
    }

    /// Its whole lifetime, counted from its arrival, where that is known.
    pub fn lifetime(&self) -> Option<Duration> {
        self.lifetime
    }

    /// Returns the authentication scheme that it is sent under, such as `Bearer`. `None` for a
    /// [bare](Self::bare) one.
    ///
    /// With [`expose`](Self::expose), [`lifetime`](Self::lifetime) and
    /// [`expose_refresh_token`](Self::expose_refresh_token) this is all of a token that a store has
    /// to keep.
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

    /// Returns eight hexadecimal digits by which a log can tell tokens apart without showing them.
    ///
    /// They are salted by each process, so that nobody finds a short token by trying all there are.
    /// The same token has the same digits as long as the process lives, and others in another one.
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

    /// A lifetime that the token's own claims tell: the same token again has it still.
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
