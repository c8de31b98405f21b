//! [`AuthError`]: why there is no token.

pub(crate) mod response;

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::Uri;
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
/// [`get_ref`](Self::get_ref) returns that error, [`source`](Error::source) what lies below it.
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

    pub(crate) fn timeout(cause: impl Into<BoxError>) -> Self {
        Self::new(Kind::Timeout, cause)
    }

    pub(crate) fn unchanged() -> Self {
        Self::new(Kind::Unchanged, "the login brought the refused token again")
    }

    pub(crate) fn throttled() -> Self {
        Self::new(
            Kind::Throttled,
            "logins have not helped: fresh tokens were refused as well",
        )
    }

    pub(crate) fn signed_out() -> Self {
        Self::new(
            Kind::SignedOut,
            "the session was signed out, or given another source, in the meantime",
        )
    }

    pub(crate) fn foreign_origin() -> Self {
        Self::new(
            Kind::ForeignOrigin,
            "the request's origin is none of the token's, so it was sent without a token",
        )
    }

    /// What was not sent, and to where.
    pub(crate) fn insecure(secret: &str, uri: &Uri) -> Self {
        let host = uri.host().unwrap_or_default();
        Self::new(
            Kind::Insecure,
            format!(
                "{host} would get the {secret} over plain http: use https, or allow it by \
                 `allow_plain_http()`"
            ),
        )
    }

    /// Says when to try again, as a login endpoint does by `Retry-After`.
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

    /// The token was refused, and a new login brought the very same token.
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

    /// The error that this one was made from, for example that of the HTTP client.
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

    fn new(kind: Kind, cause: impl Into<BoxError>) -> Self {
        Self {
            inner: Arc::new(Inner {
                kind,
                retry_after: None,
                cause: cause.into().into(),
            }),
        }
    }

    fn prefix(&self) -> &'static str {
        match self.inner.kind {
            Kind::Rejected => "login rejected",
            Kind::Unavailable => "login unavailable",
            Kind::Timeout => "login timed out",
            Kind::Misconfigured => "login misconfigured",
            Kind::Unchanged => "token not renewed",
            Kind::Throttled => "login withheld",
            Kind::SignedOut => "signed out",
            Kind::ForeignOrigin => "no token sent",
            Kind::Insecure => "nothing sent",
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
        write!(f, "{}: {}", self.prefix(), self.inner.cause)
    }
}

impl fmt::Debug for AuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthError")
            .field("kind", &self.inner.kind)
            .field("retry_after", &self.inner.retry_after)
            .field("cause", &self.inner.cause)
            .finish()
    }
}

impl Error for AuthError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.inner.cause.source()
    }
}
