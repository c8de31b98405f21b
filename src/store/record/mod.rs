//! [`Record`]: what the processes of a fleet tell each other.

mod host;
mod json;

use std::fmt;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::error::AuthError;
use crate::token::Token;

/// How many latches a record has at most. Each is another credential of the same account.
const MOST_LATCHES: usize = 8;

/// Which credential a latch is for, without saying which.
pub(crate) type Tag = Zeroizing<[u8; 32]>;

/// Durations in it are as of when it was read, or is written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Record {
    /// Counts the logins. The same token under a higher number came from another login.
    pub(crate) number: u64,
    pub(crate) token: Option<StoredToken>,
    pub(crate) latches: Vec<Latch>,
    /// Somebody signed out, and no token has come since.
    pub(crate) is_signed_out: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct StoredToken {
    pub(crate) token: Token,
    /// Since its login began: its lifetime counts from there.
    pub(crate) age: Duration,
}

/// A failed login that counts for all who have the same credential.
#[derive(Clone)]
pub(crate) struct Latch {
    pub(crate) tag: Tag,
    pub(crate) error: AuthError,
    /// How long there will be no other login. Zero: one may be made.
    pub(crate) rest: Duration,
    /// How long after that it is remembered, so that another failure holds back for longer.
    pub(crate) memory: Duration,
    /// How many failures there were in a row.
    pub(crate) count: u32,
}

impl Record {
    /// The latch of the process that has one of these tags.
    pub(crate) fn latch(&self, tags: &[Tag]) -> Option<&Latch> {
        let mut latches = self.latches.iter();
        latches.find(|latch| tags.contains(&latch.tag))
    }

    pub(crate) fn clear_latch(&mut self, tags: &[Tag]) {
        self.latches.retain(|latch| !tags.contains(&latch.tag));
    }

    /// Replaces the latch of the same credential. If there are too many, the one of another that is
    /// over first goes.
    pub(crate) fn set_latch(&mut self, tags: &[Tag], latch: Latch) {
        self.clear_latch(tags);
        self.latches.sort_by_key(|latch| latch.rest);
        let surplus = (self.latches.len() + 1).saturating_sub(MOST_LATCHES);
        self.latches.drain(..surplus);
        self.latches.push(latch);
    }

    /// How long the record means something: as long as its token lives and its latches last.
    /// `None`: for an unknown time.
    pub(crate) fn rest(&self) -> Option<Duration> {
        let latches = self.latches.iter();
        let latches = latches.map(|latch| latch.rest.saturating_add(latch.memory));
        let latches = latches.max().unwrap_or_default();
        let token = match &self.token {
            // Its refresh token outlives it.
            Some(stored) if stored.token.expose_refresh_token().is_some() => return None,
            Some(stored) => stored.token.lifetime()?.saturating_sub(stored.age),
            None => Duration::ZERO,
        };
        Some(latches.max(token))
    }

    /// The record as it is so much later.
    pub(crate) fn aged(mut self, age: Duration) -> Self {
        if let Some(stored) = &mut self.token {
            stored.age = stored.age.saturating_add(age);
        }
        for latch in &mut self.latches {
            let over_for = age.saturating_sub(latch.rest);
            latch.rest = latch.rest.saturating_sub(age);
            latch.memory = latch.memory.saturating_sub(over_for);
        }
        let is_known = |latch: &Latch| !(latch.rest + latch.memory).is_zero();
        self.latches.retain(is_known);
        self
    }
}

impl Latch {
    /// The so-maniest failure in a row, which holds back for so long.
    pub(crate) fn new(tag: Tag, error: AuthError, pause: Duration, count: u32) -> Self {
        Self {
            tag,
            error,
            rest: pause,
            // A process that tries again when it is over has to find its count.
            memory: pause,
            count,
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.rest.is_zero()
    }

    /// Whether others should hear of this error: the server answered. What one process met on its
    /// way to the server may be its own.
    pub(crate) fn is_for(error: &AuthError) -> bool {
        let is_answer = error.response().is_some() || error.retry_after().is_some();
        error.is_rejected() || error.is_unavailable() && !error.is_timeout() && is_answer
    }
}

impl fmt::Debug for Latch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Latch")
            .field("error", &self.error)
            .field("rest", &self.rest)
            .field("memory", &self.memory)
            .field("count", &self.count)
            .finish_non_exhaustive()
    }
}
