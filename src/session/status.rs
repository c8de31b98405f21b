//! [`Status`]: how a session is, at a glance.

use std::time::Duration;

use crate::error::AuthError;
use crate::token::Token;

/// How a [`Session`](crate::Session) is right now, as
/// [`Session::status`](crate::Session::status) returns it. Taking it makes no login.
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
    /// Returns the token in hand, unless it has expired. A server may have refused it.
    pub fn token(&self) -> Option<&Token> {
        self.token.as_ref()
    }

    /// Returns how long the token in hand is still good for, where its lifetime is known.
    pub fn expires_in(&self) -> Option<Duration> {
        self.expires_in
    }

    /// Returns `true` while a login is under way.
    pub fn is_logging_in(&self) -> bool {
        self.is_logging_in
    }

    /// Returns what the last login failed with. A successful login clears it.
    pub fn last_error(&self) -> Option<&AuthError> {
        self.last_error.as_ref()
    }

    /// Returns how long no login is made, because of a failed one. `None` if one may begin now.
    pub fn next_login_in(&self) -> Option<Duration> {
        self.next_login_in
    }
}
