//! The login under way.

use tokio::time::Instant;

use super::throttle::LoginCause;
use super::token::LoginId;

#[derive(Debug)]
pub(super) struct Login<W> {
    pub(super) id: LoginId,
    pub(super) cause: LoginCause,
    /// No login is allowed now, but another process may have made one.
    pub(super) is_look: bool,
    /// The source was asked.
    pub(super) is_tried: bool,
    pub(super) hold: Hold,
    /// When the source was asked. Until then, when the wait for another process began.
    pub(super) began_at: Instant,
    pub(super) overdue_at: Instant,
    /// The way to its waiters.
    pub(super) waiters: W,
}

/// Whether new requests wait for a login rather than use the token in hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hold {
    /// Nobody's token was refused.
    No,
    /// The token in hand was refused.
    Until(Instant),
    /// They have waited long enough, or the token was accepted after all.
    Over,
}

impl<W> Login<W> {
    pub(super) fn holds_back(&self) -> bool {
        matches!(self.hold, Hold::Until(_))
    }
}
