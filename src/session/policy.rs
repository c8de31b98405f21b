//! The numbers that a session goes by. [`SessionBuilder`](super::SessionBuilder) documents them.

use std::time::Duration;

use tokio::time::Instant;

#[cfg(feature = "store")]
use crate::error::AuthError;
use crate::session::state::evidence::Proof;

/// The default of [`SessionBuilder::login_timeout`](super::SessionBuilder::login_timeout).
pub(crate) const LOGIN_TIMEOUT: Duration = Duration::from_secs(30);

/// Up to which lifetime a second more or less matters.
const SHORT_LIFETIME: Duration = Duration::from_secs(10);

/// Expiry causes at most one login in this time.
pub(crate) const MIN_LIFETIME: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug)]
pub(super) struct Policy {
    pub(super) login_timeout: Duration,
    pub(super) wait_timeout: Duration,
    pub(super) min_lifetime: Duration,
    pub(super) renew_ahead: f64,
    pub(super) max_ahead: Duration,
    pub(super) max_jitter: f64,
    pub(super) rejection: Backoff,
    pub(super) misconfiguration: Backoff,
    pub(super) outage: Backoff,
    pub(super) max_retry_after: Duration,
    pub(super) renewal_hold: Duration,
    pub(super) fresh_token_age: Duration,
    pub(super) free_strikes: u32,
    pub(super) strike: Backoff,
    /// Of refusals that say that the token has died.
    pub(super) free_proven_strikes: u32,
    pub(super) proven_strike: Backoff,
}

/// A pause that doubles.
#[derive(Clone, Copy, Debug)]
pub(super) struct Backoff {
    pub(super) first: Duration,
    pub(super) max: Duration,
}

impl Policy {
    /// When a token that lives so long is to be renewed ahead, if that is before its end. Never
    /// sooner than one may expire. `jitter`: how much of the time for it is given away.
    pub(super) fn renew_after(&self, lifetime: Duration, jitter: f64) -> Duration {
        let ahead = lifetime.min(FAR).mul_f64(self.renew_ahead);
        let ahead = ahead.min(self.max_ahead).mul_f64(1.0 - jitter);
        lifetime.saturating_sub(ahead).max(self.min_lifetime)
    }

    /// How long a token with this lifetime is counted on. A server whose clock goes by whole
    /// seconds may mean up to a second less, and for a short lifetime the time ahead of its expiry
    /// does not make up for that.
    pub(super) fn counted(&self, lifetime: Duration) -> Duration {
        let is_whole = lifetime.subsec_nanos() == 0;
        let counted = match lifetime.checked_sub(SECOND) {
            Some(shorter) if is_whole && lifetime <= SHORT_LIFETIME => shorter,
            _ => lifetime,
        };
        counted.max(self.min_lifetime)
    }

    /// How long other processes hold back after this failure, the so-maniest in a row.
    #[cfg(feature = "store")]
    pub(super) fn pause_after(&self, error: &AuthError, count: u32) -> Duration {
        let backoff = match error.is_rejected() {
            true => self.rejection,
            false => self.outage,
        };
        let asked = error.retry_after().unwrap_or_default();
        backoff.pause(count).max(asked.min(self.max_retry_after))
    }

    /// How long a lease is taken that a renewal of a token with this lifetime needs: the others are
    /// to have their turn before the token expires.
    #[cfg(feature = "store")]
    pub(super) fn lease(&self, lease: Duration, lifetime: Option<Duration>) -> Duration {
        let Some(lifetime) = lifetime else {
            return lease;
        };
        let ahead = lifetime.min(FAR).mul_f64(self.renew_ahead);
        lease.min(ahead.min(self.max_ahead) / 2).max(SECOND)
    }

    /// How many logins that did not help are free, and what each further one closes.
    pub(super) fn strikes(&self, proof: Proof) -> (u32, Backoff) {
        match proof {
            Proof::None => (self.free_strikes, self.strike),
            Proof::Weak | Proof::Strong => (self.free_proven_strikes, self.proven_strike),
        }
    }
}

impl Backoff {
    /// The pause after so many times, counted from one.
    pub(super) fn pause(self, times: u32) -> Duration {
        let factor = 1_u32.checked_shl(times.saturating_sub(1));
        let pause = self.first.saturating_mul(factor.unwrap_or(u32::MAX));
        pause.min(self.max)
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            login_timeout: LOGIN_TIMEOUT,
            wait_timeout: 60 * SECOND,
            min_lifetime: MIN_LIFETIME,
            renew_ahead: 0.1,
            max_ahead: 300 * SECOND,
            max_jitter: 0.2,
            rejection: Backoff {
                first: 60 * SECOND,
                max: 3_600 * SECOND,
            },
            misconfiguration: Backoff {
                first: SECOND,
                max: 60 * SECOND,
            },
            outage: Backoff {
                first: SECOND / 4,
                max: 30 * SECOND,
            },
            max_retry_after: 3_600 * SECOND,
            renewal_hold: 2 * SECOND,
            fresh_token_age: 5 * SECOND,
            free_strikes: 3,
            strike: Backoff {
                first: SECOND,
                max: 300 * SECOND,
            },
            free_proven_strikes: 8,
            proven_strike: Backoff {
                first: SECOND,
                max: 60 * SECOND,
            },
        }
    }
}

const SECOND: Duration = Duration::from_secs(1);

/// What tokio takes for a sleep without end; no clock overflows by it.
const FAR: Duration = Duration::from_secs(86_400 * 365 * 30);

pub(super) fn later(now: Instant, pause: Duration) -> Instant {
    now + pause.min(FAR)
}

#[cfg(all(test, feature = "store"))]
mod tests {
    use crate::session::policy::{Policy, SECOND};

    /// F5: a lease lasts half of the time ahead of a token's expiry, not longer than it was set,
    /// and a second at least.
    #[test]
    fn a_lease_leaves_the_others_their_turn() {
        let policy = Policy::default();
        let set = 10 * SECOND;
        for (lifetime, lease) in [(3_600, 10), (100, 5), (40, 2), (5, 1)] {
            let lifetime = Some(lifetime * SECOND);
            assert_eq!(policy.lease(set, lifetime), lease * SECOND);
        }
        assert_eq!(policy.lease(set, None), set);
    }
}
