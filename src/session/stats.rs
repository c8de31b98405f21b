//! [`Stats`]: what a session has done so far.

/// What a [`Session`](crate::Session) has done so far, as counters that only grow.
///
/// ```
/// # use tower_bearer::{Scope, Session, Token, source_fn};
/// # let source = source_fn(Scope::any(), |_| async { Ok(Token::new("mF_9.B5f-4.1JqM")?) });
/// let session = Session::new(source);
/// assert_eq!(session.stats().logins, 0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Logins that were begun.
    pub logins: u64,
    /// Logins that ended in an error.
    pub logins_failed: u64,
    /// How often a login was asked for and not made, because earlier ones had failed or not
    /// helped.
    pub logins_withheld: u64,
    /// Tokens that a server refused, or that were invalidated, each counted once.
    pub tokens_refused: u64,
}
