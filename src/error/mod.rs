//! [`AuthError`]: why there is no token.

mod causes;
mod find;
mod reason;
pub(crate) mod response;
pub(crate) mod verdict;

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tower::BoxError;

use crate::error::response::ErrorResponse;
use crate::origins::InvalidOrigin;

/// An error of a login, or the reason why a request got no token or no newer one.
///
/// A caller meets it in three places: as the error of the response future when there was no token
/// for a request, in the extensions of a refused response when there was no newer token to retry
/// with, and in those of the response to a request that went to a foreign origin. All requests that
/// waited for one login get the same error: a clone only increments a reference count.
///
/// Like [`std::io::Error`], it includes the text of its cause in its own text.
/// [`get_ref`](Self::get_ref) returns the cause, and [`source`](Error::source) the cause's own
/// source. If the cause is an error of a built-in login's client, it may contain secrets, such as a
/// URL with its query. The text then shows it and each of its sources masked,
/// [`source`](Error::source) returns `None`, and only [`get_ref`](Self::get_ref) returns the
/// original.
///
/// ```
/// use tower_bearer::AuthError;
///
/// let error = AuthError::rejected("wrong password");
/// assert!(error.is_rejected());
/// assert_eq!(error.to_string(), "login rejected: wrong password");
/// ```
#[derive(Clone)]
pub struct AuthError {
    inner: Arc<Inner>,
}

#[derive(Clone, Debug)]
struct Inner {
    kind: Kind,
    retry_after: Option<Duration>,
    cause: Arc<dyn Error + Send + Sync>,
    /// What is shown in the place of the cause, which may hold secrets.
    masked: Option<Box<str>>,
    /// It is the error of an earlier login.
    is_remembered: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Rejected,
    Unavailable,
    Timeout,
    Misconfigured,
    Unchanged,
    Throttled,
    SignedOut,
    ForeignOrigin,
    NotRepeated,
    Insecure,
}

impl AuthError {
    /// Creates the error for rejected credentials: a wrong password, a locked account,
    /// `invalid_grant`. Trying again with the same credentials will not help.
    pub fn rejected(cause: impl Into<BoxError>) -> Self {
        Self::new(Kind::Rejected, cause)
    }

    /// Creates the error for a login that may succeed later: no connection, a 5xx, too many
    /// requests.
    pub fn unavailable(cause: impl Into<BoxError>) -> Self {
        Self::new(Kind::Unavailable, cause)
    }

    /// Creates the error for a login that cannot succeed as it is set up: a wrong URL, a response
    /// without a token, no runtime to run on.
    pub fn misconfigured(cause: impl Into<BoxError>) -> Self {
        Self::new(Kind::Misconfigured, cause)
    }

    /// Sets how long to wait before the next login, as a login endpoint does with `Retry-After`.
    #[must_use]
    pub fn with_retry_after(mut self, after: Duration) -> Self {
        Arc::make_mut(&mut self.inner).retry_after = Some(after);
        self
    }

    /// Returns `true` if the credentials were rejected.
    pub fn is_rejected(&self) -> bool {
        self.inner.kind == Kind::Rejected
    }

    /// Returns `true` if the login failed but may succeed later. Includes timeouts.
    pub fn is_unavailable(&self) -> bool {
        matches!(self.inner.kind, Kind::Unavailable | Kind::Timeout)
    }

    /// Returns `true` if the login took too long, or this request waited too long for it.
    pub fn is_timeout(&self) -> bool {
        self.inner.kind == Kind::Timeout
    }

    /// Returns `true` if the login cannot succeed as it is set up. Includes
    /// [`is_insecure`](Self::is_insecure).
    pub fn is_misconfigured(&self) -> bool {
        matches!(self.inner.kind, Kind::Misconfigured | Kind::Insecure)
    }

    /// Returns `true` if the token was refused and a new login returned the same token again.
    pub fn is_unchanged(&self) -> bool {
        self.inner.kind == Kind::Unchanged
    }

    /// Returns `true` if the token was refused and no login was attempted, because earlier ones had
    /// not helped. See [`SessionBuilder::refusal_backoff`](crate::SessionBuilder::refusal_backoff).
    pub fn is_throttled(&self) -> bool {
        self.inner.kind == Kind::Throttled
    }

    /// Returns `true` if [`Session::sign_out`](crate::Session::sign_out) was called before there
    /// was a token or before the retry, or
    /// [`Session::replace_source`](crate::Session::replace_source) before the retry.
    pub fn is_signed_out(&self) -> bool {
        self.inner.kind == Kind::SignedOut
    }

    /// Returns `true` if the request went to a foreign origin, and so without a token.
    pub fn is_foreign_origin(&self) -> bool {
        self.inner.kind == Kind::ForeignOrigin
    }

    /// Returns `true` if the request was refused and not retried, because its body is larger than
    /// the [replay limit](crate::BearerAuthLayer::replay_limit). The session renews its token, so
    /// you can send the request again if you still have the body.
    ///
    /// If the response asked for a [stronger token](crate::BearerAuthLayer::step_up), none was
    /// fetched, and the same request fails again: raise the limit.
    pub fn is_not_repeated(&self) -> bool {
        self.inner.kind == Kind::NotRepeated
    }

    /// Returns `true` if nothing was sent because a token or a password would have gone over plain
    /// `http`. See [`BearerAuthLayer::allow_plain_http`](crate::BearerAuthLayer::allow_plain_http),
    /// and the login's own setter of the same name.
    pub fn is_insecure(&self) -> bool {
        self.inner.kind == Kind::Insecure
    }

    /// Returns how long until the next login may be attempted, if that is known: because the
    /// endpoint asked for a pause, or because earlier logins failed.
    pub fn retry_after(&self) -> Option<Duration> {
        self.inner.retry_after
    }

    /// Returns the cause, such as an error of the HTTP client. It is not masked and may contain
    /// secrets, so do not log it.
    pub fn get_ref(&self) -> &(dyn Error + Send + Sync + 'static) {
        &*self.inner.cause
    }

    /// Returns the response of the login endpoint, with its documented error fields, if a [built-in
    /// login](crate::login) failed because of one.
    ///
    /// ```
    /// # fn explain(error: &tower_bearer::AuthError) {
    /// if let Some(answer) = error.response() {
    ///     eprintln!("{}: {:?}", answer.status(), answer.message());
    ///     for detail in answer.details() {
    ///         eprintln!("{:?}: {:?}", detail.field(), detail.message());
    ///     }
    /// }
    /// # }
    /// ```
    pub fn response(&self) -> Option<&ErrorResponse> {
        self.get_ref().downcast_ref()
    }

    /// What is shown of the cause.
    #[cfg(feature = "store")]
    pub(crate) fn text(&self) -> String {
        match &self.inner.masked {
            Some(masked) => masked.to_string(),
            None => self.inner.cause.to_string(),
        }
    }

    fn new(kind: Kind, cause: impl Into<BoxError>) -> Self {
        Self {
            inner: Arc::new(Inner {
                kind,
                retry_after: None,
                cause: cause.into().into(),
                masked: None,
                is_remembered: false,
            }),
        }
    }

    fn prefix(&self) -> &'static str {
        match self.inner.kind {
            Kind::Rejected => "login rejected: ",
            Kind::Unavailable => "login unavailable: ",
            Kind::Timeout if self.is_timed_out() => "login ",
            Kind::Timeout => "login timed out: ",
            Kind::Misconfigured => "login misconfigured: ",
            Kind::Unchanged => "token not renewed: ",
            Kind::Throttled => "login throttled: ",
            Kind::SignedOut => "signed out: ",
            Kind::ForeignOrigin => "no token sent: ",
            Kind::NotRepeated => "request not retried: ",
            Kind::Insecure => "",
        }
    }
}

impl From<InvalidOrigin> for AuthError {
    /// Converts into an error that [`is_misconfigured`](AuthError::is_misconfigured).
    fn from(error: InvalidOrigin) -> Self {
        Self::misconfigured(error)
    }
}

impl fmt::Display for AuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.prefix())?;
        match &self.inner.masked {
            Some(masked) => f.write_str(masked)?,
            None => write!(f, "{}", self.inner.cause)?,
        }
        match self.inner.retry_after.map(Rounded) {
            Some(wait) if self.inner.is_remembered => {
                write!(f, " (remembered; next login in {wait})")
            }
            Some(wait) if self.is_throttled() => write!(f, "; next login in {wait}"),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for AuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cause: &dyn fmt::Debug = match &self.inner.masked {
            Some(masked) => masked,
            None => &self.inner.cause,
        };
        f.debug_struct("AuthError")
            .field("kind", &self.inner.kind)
            .field("retry_after", &self.inner.retry_after)
            .field("cause", cause)
            .finish()
    }
}

/// Rounded up to the next second, or millisecond, so that no caller comes too early.
struct Rounded(Duration);

impl fmt::Display for Rounded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.as_nanos();
        match nanos {
            0..1_000_000_000 => write!(f, "{}ms", nanos.div_ceil(1_000_000)),
            _ => write!(f, "{}s", nanos.div_ceil(1_000_000_000)),
        }
    }
}

impl Error for AuthError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        // What lies below a masked error may hold the same secrets.
        match self.inner.masked {
            Some(_) => None,
            None => self.inner.cause.source(),
        }
    }
}
