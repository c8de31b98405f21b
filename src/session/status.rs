//! [`Status`]: how a session is, at a glance.

use std::time::Duration;

use crate::error::AuthError;
use crate::token::Token;

/// The current status of a [`Session`](crate::Session), returned by
/// [`Session::status`](crate::Session::status).
///
/// ```
/// use tower_bearer::Session;
///
/// /// For a readiness probe: is there a token, or may one be fetched?
/// fn is_ready(session: &Session) -> bool {
///     let status = session.status();
///     status.token().is_some() || status.next_login_in().is_none()
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Status {
    pub(super) token: Option<Token>,
    pub(super) expires_in: Option<Duration>,
    pub(super) is_logging_in: bool,
    pub(super) last_error: Option<AuthError>,
    pub(super) next_login_in: Option<Duration>,
}

impl Status {
    /// Returns the current token, unless it has expired. A server may have refused it.
    pub fn token(&self) -> Option<&Token> {
        self.token.as_ref()
    }

    /// Returns how long the current token is still valid, if its lifetime is known.
    pub fn expires_in(&self) -> Option<Duration> {
        self.expires_in
    }

    /// Returns `true` while a login is under way.
    pub fn is_logging_in(&self) -> bool {
        self.is_logging_in
    }

    /// Returns the error of the last login. A successful login clears it.
    pub fn last_error(&self) -> Option<&AuthError> {
        self.last_error.as_ref()
    }

    /// Returns how long until the next login may be attempted after a failed one. `None` if a login
    /// may start now.
    pub fn next_login_in(&self) -> Option<Duration> {
        self.next_login_in
    }
}
