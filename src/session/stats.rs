//! [`Stats`]: what a session has done so far.

use crate::AuthError;

/// Counts what a [`Session`](crate::Session) has done so far. The counters never decrease, as
/// metrics exporters expect. `cargo run --example metrics --features testing` exports them.
///
/// ```
/// # use tower_bearer::{Origins, Session, Token, source_fn};
/// # let source = source_fn(Origins::any(), |_| async { Ok(Token::new("mF_9.B5f-4.1JqM")?) });
/// let session = Session::new(source);
/// assert_eq!(session.stats().logins, 0);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Logins that were started.
    ///
    /// Logins that have neither succeeded nor failed are under way or were abandoned: by a
    /// sign-out, a replaced source or the shutdown of their runtime.
    pub logins: u64,
    /// The logins among them that were started in the background before a token expired.
    pub logins_ahead: u64,
    /// Logins that returned a token, whether new or the same again.
    pub logins_succeeded: u64,
    /// Logins that ended in an error: the sum of the next three.
    pub logins_failed: u64,
    /// Logins whose [credentials were rejected](crate::AuthError::is_rejected).
    pub logins_rejected: u64,
    /// Logins that [cannot succeed as they are set up](crate::AuthError::is_misconfigured).
    pub logins_misconfigured: u64,
    /// Logins that failed [for now](crate::AuthError::is_unavailable), including timeouts.
    pub logins_unavailable: u64,
    /// How often a login was wanted and not attempted, because earlier ones had failed or not
    /// helped.
    pub logins_throttled: u64,
    /// Tokens of another process that were read from the shared store.
    #[cfg(feature = "store")]
    pub tokens_adopted: u64,
    /// Operations on the shared store that failed.
    #[cfg(feature = "store")]
    pub store_failed: u64,
    /// Records in the shared store that could not be read, and were treated as missing.
    #[cfg(feature = "store")]
    pub records_unreadable: u64,
    /// Logins that ran without the shared store, because it failed or because another process held
    /// the lease for too long.
    #[cfg(feature = "store")]
    pub logins_without_store: u64,
    /// How often a session waited for the login of another process.
    #[cfg(feature = "store")]
    pub lease_waits: u64,
    /// Tokens that a server refused, or that were invalidated, each counted once.
    pub tokens_refused: u64,
    /// Requests that were sent a second time, with a new token.
    pub requests_retried: u64,
    /// Requests whose token was refused and that were not retried, because their body was larger
    /// than [what is kept](crate::BearerAuthLayer::replay_limit).
    pub requests_not_repeated: u64,
    /// Requests that went to a foreign origin, and so without a token.
    pub requests_foreign: u64,
}

impl Stats {
    /// Counts as the throttle judges.
    pub(super) fn count_failure(&mut self, error: &AuthError) {
        self.logins_failed += 1;
        if error.is_rejected() {
            self.logins_rejected += 1;
        } else if error.is_misconfigured() {
            self.logins_misconfigured += 1;
        } else {
            self.logins_unavailable += 1;
        }
    }
}
