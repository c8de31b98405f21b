//! A token in hand, and what a request remembers of it.

use tokio::time::Instant;

use crate::Token;

/// A token with its place in the session's history.
#[derive(Clone, Debug)]
pub(crate) struct Issued {
    pub(crate) token: Token,
    pub(crate) stamp: Stamp,
    pub(super) expires_at: Option<Instant>,
    pub(super) renew_at: Option<Instant>,
}

/// The token in hand, and what is known of it.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) issued: Issued,
    /// When this generation came first.
    pub(super) since: Instant,
    /// When its lifetime asks for a renewal ahead.
    pub(super) due_at: Option<Instant>,
    /// Its first refusal is known.
    pub(super) refused: bool,
    pub(super) invalidated: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Age {
    Good,
    /// To be renewed ahead; it serves meanwhile.
    Due,
    Expired,
}

/// What a request remembers of the token that it was sent with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// Counts sign-outs and replaced sources.
    pub(super) account_epoch: u64,
    /// Counts tokens: the same token again keeps its generation.
    pub(super) generation: u64,
    /// The login that brought it last.
    pub(super) login: LoginId,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LoginId(pub(super) u64);

impl Stamp {
    #[cfg(feature = "tracing")]
    pub(crate) fn generation(self) -> u64 {
        self.generation
    }

    pub(super) fn is_same_token(self, other: Self) -> bool {
        (self.account_epoch, self.generation) == (other.account_epoch, other.generation)
    }
}

impl Issued {
    /// The clock is asked only of a token whose lifetime is known.
    pub(super) fn age(&self, now: impl FnOnce() -> Instant) -> Age {
        match self.expires_at.map(|expires_at| (expires_at, now())) {
            Some((expires_at, now)) if expires_at <= now => Age::Expired,
            Some((_, now)) if self.renew_at.is_some_and(|at| at <= now) => Age::Due,
            _ => Age::Good,
        }
    }
}
