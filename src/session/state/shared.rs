//! What the [machine](super::State) knows of a store that the session shares.

use std::time::Duration;

use tokio::time::Instant;

use crate::session::policy::later;
use crate::session::state::token::InStore;
use crate::source::TokenRequest;
use crate::token::Token;

/// While no login is allowed, the store is read at most once in this time.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// That the session shares a store.
#[derive(Debug)]
pub(super) struct Sharing {
    /// How much longer than a login without a store one may take that has to wait for others.
    pub(super) detour: Duration,
    next_look_at: Option<Instant>,
    /// When it was signed out, or given another source: older tokens are not for it.
    pub(super) parted_at: Option<Instant>,
    /// What of the store does not work, each by its [`StoreUse`].
    broken: [bool; 3],
}

/// What a store is used for. It may be full, or read-only: then some of it works.
#[derive(Clone, Copy, Debug)]
pub(in crate::session) enum StoreUse {
    Read,
    Write,
    Lease,
}

/// What a login through the store is about.
#[derive(Debug)]
pub(in crate::session) struct Errand {
    /// What the source is asked for, if it comes to that.
    pub(in crate::session) request: TokenRequest,
    /// Of the token to replace.
    pub(in crate::session) in_store: InStore,
    /// When it was signed out, or given another source.
    pub(in crate::session) parted_at: Option<Instant>,
    /// Only the store is read: no login is allowed now.
    pub(in crate::session) is_look: bool,
}

/// A token that another process got.
#[derive(Debug)]
pub(in crate::session) struct Adopted {
    pub(in crate::session) token: Token,
    /// How long ago its login began.
    pub(in crate::session) age: Duration,
    /// The number of that login.
    pub(in crate::session) number: u64,
}

impl Sharing {
    pub(super) fn new(detour: Duration) -> Self {
        Self {
            detour,
            next_look_at: None,
            parted_at: None,
            broken: [false; 3],
        }
    }

    /// Notes whether it works. Returns whether all of it did before, and does now.
    pub(super) fn note(&mut self, of: StoreUse, works: bool) -> (bool, bool) {
        let did = self.works();
        self.broken[of as usize] = !works;
        (did, self.works())
    }

    /// May the store be read, although no login is allowed?
    pub(super) fn may_look(&self, now: Instant) -> bool {
        self.next_look_at.is_none_or(|at| at <= now)
    }

    /// It is read from now on.
    pub(super) fn note_look(&mut self, now: Instant) {
        self.next_look_at = Some(later(now, LOOK_EVERY));
    }

    /// What was written before says nothing from now on.
    pub(super) fn part(&mut self, now: Instant) {
        self.parted_at = Some(now);
        self.next_look_at = None;
    }

    fn works(&self) -> bool {
        !self.broken.contains(&true)
    }
}
