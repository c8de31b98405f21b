//! The errors that only this crate makes.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use tower::BoxError;

use crate::error::{AuthError, Kind};
use crate::origins::Origins;

impl AuthError {
    pub(crate) fn timeout(cause: impl Into<BoxError>) -> Self {
        Self::new(Kind::Timeout, cause)
    }

    /// A login took longer than it may.
    pub(crate) fn timed_out(limit: Duration) -> Self {
        Self::timeout(TimedOut(limit))
    }

    pub(super) fn is_timed_out(&self) -> bool {
        self.get_ref().is::<TimedOut>()
    }

    pub(crate) fn unchanged() -> Self {
        let text = "the login returned the token that was just refused";
        Self::new(Kind::Unchanged, text)
    }

    pub(crate) fn throttled() -> Self {
        Self::new(Kind::Throttled, "new tokens keep being refused")
    }

    pub(crate) fn signed_out() -> Self {
        Self::new(
            Kind::SignedOut,
            "the session was signed out or its source was replaced in the meantime",
        )
    }

    /// Names the origin of a request, and those that its token may be sent to.
    pub(crate) fn foreign_origin(uri: &Uri, origins: &Origins) -> Self {
        let (uri, origins) = (uri.clone(), origins.clone());
        Self::new(Kind::ForeignOrigin, ForeignOrigin { uri, origins })
    }

    /// A refused body was too large to be kept.
    pub(crate) fn not_repeated(limit: usize) -> Self {
        let text = format!("its body is larger than the replay limit of {limit} bytes");
        Self::new(Kind::NotRepeated, text)
    }

    /// What of a login was not sent, and where to.
    #[cfg(feature = "login")]
    pub(crate) fn insecure_login(secret: &str, uri: &Uri) -> Self {
        Self::insecure(secret, uri, "`allow_plain_http()` on the login")
    }

    pub(crate) fn insecure_token(uri: &Uri) -> Self {
        Self::insecure("token", uri, "`BearerAuthLayer::allow_plain_http()`")
    }

    fn insecure(secret: &str, uri: &Uri, setter: &str) -> Self {
        let host = uri.host().unwrap_or_default();
        let text = format!(
            "refused to send the {secret} to {host} over plain http: use https, or call {setter}"
        );
        Self::new(Kind::Insecure, text)
    }

    /// What a user's function failed with: an `AuthError` knows better.
    pub(crate) fn or_misconfigured(error: BoxError) -> Self {
        match error.downcast() {
            Ok(error) => *error,
            Err(error) => Self::misconfigured(error),
        }
    }

    pub(crate) fn no_session() -> Self {
        Self::misconfigured(
            "the request has no `Session` in its extensions, which a `per_request()` layer \
             requires",
        )
    }

    /// The same error, given to a request that made no login of its own.
    pub(crate) fn remembered(self, next_login_in: Duration) -> Self {
        let mut error = self.with_retry_after(next_login_in);
        Arc::make_mut(&mut error.inner).is_remembered = true;
        error
    }

    /// What a source failed with. Kinds that only a layer makes are another session's, and say
    /// nothing of this one: they become the cause of one that may pass.
    pub(crate) fn of_a_source(self) -> Self {
        match self.inner.kind {
            Kind::Rejected
            | Kind::Unavailable
            | Kind::Timeout
            | Kind::Misconfigured
            | Kind::Insecure => self,
            Kind::Unchanged
            | Kind::Throttled
            | Kind::SignedOut
            | Kind::ForeignOrigin
            | Kind::NotRepeated => Self::unavailable(self),
        }
    }

    /// Shows this text instead of the error that it was made from.
    #[cfg(any(feature = "login", feature = "store"))]
    pub(crate) fn masked_as(mut self, text: String) -> Self {
        Arc::make_mut(&mut self.inner).masked = Some(text.into());
        self
    }
}

#[derive(Debug)]
struct TimedOut(Duration);

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "timed out after {:?}", self.0)
    }
}

impl Error for TimedOut {}

/// Its text is made when it is read: most are not.
struct ForeignOrigin {
    uri: Uri,
    origins: Origins,
}

impl fmt::Display for ForeignOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Neither user information nor what comes after the authority: those may hold secrets.
        let port = |f: &mut fmt::Formatter<'_>| match self.uri.port_u16() {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        };
        match (self.uri.scheme_str(), self.uri.host()) {
            (Some(scheme), Some(host)) => {
                write!(f, "{scheme}://{host}")?;
                port(f)?;
                f.write_str(" is not one of the token's origins")?;
            }
            (None, Some(host)) => {
                f.write_str(host)?;
                port(f)?;
                f.write_str(" has no scheme, so it is not one of the token's origins")?;
            }
            (_, None) => f.write_str(
                "a path that begins with // or /\\ could lead to a server outside the token's \
                 origins",
            )?,
        }
        write!(f, " ({})", self.origins)
    }
}

impl fmt::Debug for ForeignOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ForeignOrigin({self})")
    }
}

impl Error for ForeignOrigin {}

#[cfg(test)]
mod tests {
    use super::*;

    /// S1: the text names the request's origin and those of the token, and nothing that may be
    /// secret.
    #[test]
    fn a_foreign_origin_is_named() -> Result<(), BoxError> {
        let origins = Origins::only("https://api.example.com")?;
        for (uri, expected) in [
            (
                "https://me:s3cret@cdn.example.com:8443/s3cret?key=s3cret",
                "no token sent: https://cdn.example.com:8443 is not one of the token's origins \
                 (https://api.example.com)",
            ),
            (
                "api.example.com:443",
                "no token sent: api.example.com:443 has no scheme, so it is not one of the token's \
                 origins (https://api.example.com)",
            ),
            (
                "//s3cret",
                "no token sent: a path that begins with // or /\\ could lead to a server \
                 outside the token's origins (https://api.example.com)",
            ),
        ] {
            let error = AuthError::foreign_origin(&uri.parse()?, &origins);
            assert!(error.is_foreign_origin());
            assert_eq!(error.to_string(), expected);
            assert!(!format!("{error:?}").contains("s3cret"));
        }
        Ok(())
    }

    /// L1: a remembered failure says that it is one, and when the next login is made.
    #[test]
    fn a_remembered_error_says_so() {
        let error = AuthError::rejected("wrong password");
        let again = error.clone().remembered(Duration::from_millis(39_001));
        assert_eq!(
            again.to_string(),
            "login rejected: wrong password (remembered; next login in 40s)"
        );
        assert_eq!(error.to_string(), "login rejected: wrong password");
        assert_eq!(again.retry_after(), Some(Duration::from_millis(39_001)));
    }

    /// B1, L4, R6: these errors read as sentences.
    #[test]
    fn the_texts_are_sentences() {
        let throttled = AuthError::throttled().with_retry_after(Duration::from_millis(3200));
        let soon = AuthError::throttled().with_retry_after(Duration::from_micros(1500));
        let not_repeated = AuthError::not_repeated(65_536);
        let timed_out = AuthError::timed_out(Duration::from_secs(30));
        assert!(not_repeated.is_not_repeated() && timed_out.is_timeout());
        for (error, expected) in [
            (
                throttled,
                "login throttled: new tokens keep being refused; next login in 4s",
            ),
            (
                soon,
                "login throttled: new tokens keep being refused; next login in 2ms",
            ),
            (
                AuthError::unchanged(),
                "token not renewed: the login returned the token that was just refused",
            ),
            (timed_out, "login timed out after 30s"),
            (
                not_repeated,
                "request not retried: its body is larger than the replay limit of 65536 bytes",
            ),
        ] {
            assert_eq!(error.to_string(), expected);
        }
    }
}
