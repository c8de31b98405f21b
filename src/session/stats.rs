//! [`Stats`]: what a session has done so far.

use crate::AuthError;

/// What a [`Session`](crate::Session) has done so far, as counters that only grow: what an exporter
/// of metrics reads at each scrape. `cargo run --example metrics` shows one.
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
    /// Logins that were begun.
    ///
    /// Those that have neither succeeded nor failed are under way, or nobody heard of their end:
    /// the session was signed out or given another source, or their runtime shut down.
    pub logins: u64,
    /// Of these, those that were begun ahead of a token's expiry, behind the requests.
    pub logins_ahead: u64,
    /// Logins that brought a token, be it a new one or the same again.
    pub logins_succeeded: u64,
    /// Logins that ended in an error: the sum of the next three.
    pub logins_failed: u64,
    /// Logins whose [credentials were rejected](crate::AuthError::is_rejected).
    pub logins_rejected: u64,
    /// Logins that [cannot succeed as they are set up](crate::AuthError::is_misconfigured).
    pub logins_misconfigured: u64,
    /// Logins that failed [for now](crate::AuthError::is_unavailable), time-outs among them.
    pub logins_unavailable: u64,
    /// How often a login was asked for and not made, because earlier ones had failed or not
    /// helped.
    pub logins_throttled: u64,
    /// Tokens that another process got, and that came from the shared store.
    #[cfg(feature = "store")]
    pub tokens_adopted: u64,
    /// Operations on the shared store that failed.
    #[cfg(feature = "store")]
    pub store_failed: u64,
    /// Records in the shared store that could not be read, and were taken for none.
    #[cfg(feature = "store")]
    pub records_unreadable: u64,
    /// Logins that were made without the shared store, because it failed or because another process
    /// kept it from a login for too long.
    #[cfg(feature = "store")]
    pub logins_without_store: u64,
    /// How often a login waited for the one that another process makes.
    #[cfg(feature = "store")]
    pub lease_waits: u64,
    /// Tokens that a server refused, or that were invalidated, each counted once.
    pub tokens_refused: u64,
    /// Requests that were sent a second time, with a new token.
    pub requests_retried: u64,
    /// Requests whose token was refused and that were not retried, because their body was larger
    /// than [what is kept](crate::BearerAuthLayer::replay_limit).
    pub requests_not_repeated: u64,
    /// Requests that went to an origin that is none of the token's, and so without a token.
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
