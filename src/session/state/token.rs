//! A token in hand, and what a request remembers of it.

use tokio::time::Instant;

use crate::token::Token;

/// A token with its place in the session's history.
#[derive(Clone, Debug)]
pub(crate) struct Issued {
    pub(crate) token: Token,
    pub(crate) stamp: Stamp,
    pub(in crate::session) expires_at: Option<Instant>,
    pub(in crate::session) renew_at: Option<Instant>,
}

/// The token that a login ended with.
pub(in crate::session) struct Brought {
    pub(in crate::session) token: Token,
    /// Its lifetime counts from here.
    pub(in crate::session) began_at: Instant,
    /// Its age counts from here.
    pub(in crate::session) since: Instant,
    /// Another process got it.
    pub(in crate::session) is_adopted: bool,
}

/// The token in hand, and what is known of it.
#[derive(Debug)]
pub(in crate::session) struct Held {
    pub(in crate::session) issued: Issued,
    /// When this generation came first.
    pub(in crate::session) since: Instant,
    /// When its lifetime asks for a renewal ahead.
    pub(in crate::session) due_at: Option<Instant>,
    /// Its first refusal is known.
    pub(in crate::session) refused: bool,
    /// Somebody was accepted with it.
    pub(in crate::session) is_accepted: bool,
    /// A caller has reported it, after this login had begun.
    pub(in crate::session) invalidated_after: Option<LoginId>,
    /// The session began with it.
    pub(in crate::session) is_given: bool,
    /// Another process got it: whether it was worth its login shows by its age alone.
    pub(in crate::session) is_adopted: bool,
    #[cfg(feature = "store")]
    pub(in crate::session) in_store: InStore,
}

/// What is known of a token and the store.
#[cfg(feature = "store")]
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::session) struct InStore {
    /// The number of the login that brought it, or of the last one that it is newer than. Whatever
    /// has no higher number is not newer.
    pub(in crate::session) number: Option<u64>,
    /// This session got it, and no other process has it.
    pub(in crate::session) is_unshared: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::session) enum Age {
    Good,
    /// To be renewed ahead; it serves meanwhile.
    Due,
    Expired,
}

/// What a request remembers of the token that it was sent with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// Counts sign-outs and replaced sources.
    pub(in crate::session) account_epoch: u64,
    /// Counts tokens: the same token again keeps its generation.
    pub(in crate::session) generation: u64,
    /// The login that brought it last.
    pub(in crate::session) login: LoginId,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LoginId(pub(in crate::session) u64);

impl Stamp {
    /// Of a session that was not signed out of yet.
    pub(in crate::session) const FIRST_ACCOUNT: Self = Self {
        account_epoch: 0,
        generation: 0,
        login: LoginId(0),
    };

    #[cfg(feature = "tracing")]
    pub(crate) fn generation(self) -> u64 {
        self.generation
    }

    pub(in crate::session) fn is_same_token(self, other: Self) -> bool {
        (self.account_epoch, self.generation) == (other.account_epoch, other.generation)
    }
}

impl Held {
    pub(in crate::session) fn is_invalidated(&self) -> bool {
        self.invalidated_after.is_some()
    }
}

impl Issued {
    /// The clock is asked only of a token whose lifetime is known.
    pub(in crate::session) fn age(&self, now: impl FnOnce() -> Instant) -> Age {
        match self.expires_at.map(|expires_at| (expires_at, now())) {
            Some((expires_at, now)) if expires_at <= now => Age::Expired,
            Some((_, now)) if self.renew_at.is_some_and(|at| at <= now) => Age::Due,
            _ => Age::Good,
        }
    }
}
