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

/// Why there is no token, or no newer one.
///
/// A caller meets it in two places: as the error of the response future when a request could not
/// be given a token, and in the extensions of a response that was refused and could not be
/// renewed. All who waited for one login get the same error: a clone is one reference count.
///
/// Like [`std::io::Error`] it shows the error that it was made from in its own text;
/// [`get_ref`](Self::get_ref) returns that error, [`source`](Error::source) what lies below it. The
/// error of a built-in login's client may hold secrets, such as a URL with its query. The text
/// shows it masked, and each of its sources; it has no [`source`](Error::source), and the error
/// itself is in [`get_ref`](Self::get_ref) only.
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
    /// The login endpoint answered that these credentials are not good (a wrong password, a locked
    /// account, `invalid_grant`): trying again with the same ones will not help.
    pub fn rejected(cause: impl Into<BoxError>) -> Self {
        Self::new(Kind::Rejected, cause)
    }

    /// The login could not be made now (no connection, a 5xx, too many requests): it may succeed
    /// later.
    pub fn unavailable(cause: impl Into<BoxError>) -> Self {
        Self::new(Kind::Unavailable, cause)
    }

    /// The login can never succeed as it is set up (a wrong URL, an answer without a token, no
    /// runtime to run it on).
    pub fn misconfigured(cause: impl Into<BoxError>) -> Self {
        Self::new(Kind::Misconfigured, cause)
    }

    /// Sets how long no login will be made, as a login endpoint does by `Retry-After`.
    #[must_use]
    pub fn with_retry_after(mut self, after: Duration) -> Self {
        Arc::make_mut(&mut self.inner).retry_after = Some(after);
        self
    }

    /// The credentials were rejected.
    pub fn is_rejected(&self) -> bool {
        self.inner.kind == Kind::Rejected
    }

    /// The login could not be made now; a time-out is such a case too.
    pub fn is_unavailable(&self) -> bool {
        matches!(self.inner.kind, Kind::Unavailable | Kind::Timeout)
    }

    /// The login took too long, or this request waited too long for it.
    pub fn is_timeout(&self) -> bool {
        self.inner.kind == Kind::Timeout
    }

    /// It cannot succeed as it is set up; what would go over plain http is such a case too.
    pub fn is_misconfigured(&self) -> bool {
        matches!(self.inner.kind, Kind::Misconfigured | Kind::Insecure)
    }

    /// The token was refused, and a new login returned the very same token.
    pub fn is_unchanged(&self) -> bool {
        self.inner.kind == Kind::Unchanged
    }

    /// The token was refused, and no login was made: the ones before had not helped. See
    /// [`SessionBuilder::refusal_backoff`](crate::SessionBuilder::refusal_backoff).
    pub fn is_throttled(&self) -> bool {
        self.inner.kind == Kind::Throttled
    }

    /// [`Session::sign_out`](crate::Session::sign_out) came before the token, or
    /// [`Session::replace_source`](crate::Session::replace_source) before the retry.
    pub fn is_signed_out(&self) -> bool {
        self.inner.kind == Kind::SignedOut
    }

    /// The request went to an origin that the token is not meant for, so it carried none.
    pub fn is_foreign_origin(&self) -> bool {
        self.inner.kind == Kind::ForeignOrigin
    }

    /// The request was refused and not retried, since its body is larger than what is
    /// [kept for a retry](crate::BearerAuthLayer::replay_limit). The session renews its token, so
    /// whoever has the body may send the request again.
    pub fn is_not_repeated(&self) -> bool {
        self.inner.kind == Kind::NotRepeated
    }

    /// A token or a password would have gone over plain `http`, so nothing was sent. See
    /// [`BearerAuthLayer::allow_plain_http`](crate::BearerAuthLayer::allow_plain_http), and the
    /// login's own switch of that name.
    pub fn is_insecure(&self) -> bool {
        self.inner.kind == Kind::Insecure
    }

    /// How long no login will be made, where that is known: because the endpoint asked for it, or
    /// because logins have failed before.
    pub fn retry_after(&self) -> Option<Duration> {
        self.inner.retry_after
    }

    /// Returns the error that this one was made from, for example that of the HTTP client. It is
    /// shown as it is by none of this error's texts, and may hold what must not get into a log.
    pub fn get_ref(&self) -> &(dyn Error + Send + Sync + 'static) {
        &*self.inner.cause
    }

    /// What a [built-in login](crate::login) was answered, with the fields that its API documents.
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

/// Up to the next second, or millisecond: nobody is told to come too early.
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
