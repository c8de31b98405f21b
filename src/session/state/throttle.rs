//! The one throttle of logins: not before when, why, how often. As pure as [`state`](super::state).
//!
//! | what happened | what is closed | for how long |
//! |---|---|---|
//! | the credentials were rejected, or the login is set up wrongly | every login | 60 s, doubling to 1 h |
//! | the login is unavailable | every login | 250 ms, doubling to 30 s, with jitter; at least as `Retry-After` says |
//! | fresh tokens are refused, or the refused one comes again | logins that a refusal asks for | after three times 1 s, doubling to 5 min |

use std::time::Duration;

use tokio::time::Instant;

use crate::AuthError;
use crate::session::policy::{Policy, later};

#[derive(Debug)]
pub(in crate::session) struct Throttle {
    /// What the last login failed with, and until when it stands for the next ones.
    failure: Option<(AuthError, Instant)>,
    rejections: u32,
    outages: u32,
    losses: u32,
    strikes: u32,
    struck_until: Option<Instant>,
    random: Random,
}

/// What a login is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LoginCause {
    /// There is no token, or it has expired.
    Need,
    /// The token is about to expire.
    Ahead,
    /// The token was refused.
    Refusal,
}

/// Enough to spread the logins of many processes.
#[derive(Debug)]
struct Random(u64);

impl Throttle {
    pub(in crate::session) fn new(seed: u64) -> Self {
        Self {
            failure: None,
            rejections: 0,
            outages: 0,
            losses: 0,
            strikes: 0,
            struck_until: None,
            random: Random(seed),
        }
    }

    /// As new, for another account.
    pub(in crate::session) fn reset(&mut self) {
        *self = Self::new(self.random.0);
    }

    /// # Errors
    ///
    /// Why there may be no such login now, and for how long.
    pub(in crate::session) fn pass(
        &self,
        cause: LoginCause,
        now: Instant,
    ) -> Result<(), AuthError> {
        let failure = self.failure.as_ref();
        if let Some((error, until)) = failure.filter(|(_, until)| now < *until) {
            return Err(error.clone().with_retry_after(*until - now));
        }
        match self.struck_until {
            Some(until) if cause == LoginCause::Refusal && now < until => {
                Err(AuthError::throttled().with_retry_after(until - now))
            }
            _ => Ok(()),
        }
    }

    pub(in crate::session) fn failure(&self) -> Option<&AuthError> {
        self.failure.as_ref().map(|(error, _)| error)
    }

    pub(in crate::session) fn succeeded(&mut self) {
        self.failure = None;
        self.rejections = 0;
        self.outages = 0;
        self.losses = 0;
    }

    /// The same error, with the time until the next login may begin.
    pub(in crate::session) fn failed(
        &mut self,
        error: AuthError,
        policy: &Policy,
        now: Instant,
    ) -> (AuthError, Instant) {
        self.losses = 0;
        let pause = if !(error.is_rejected() || error.is_misconfigured()) {
            self.outages = self.outages.saturating_add(1);
            let most = policy.outage.pause(self.outages);
            let asked = error.retry_after().unwrap_or_default();
            let jitter = (most / 2).mul_f64(self.random.next());
            (most / 2 + jitter).max(asked.min(policy.max_retry_after))
        } else {
            self.outages = 0;
            self.rejections = self.rejections.saturating_add(1);
            policy.rejection.pause(self.rejections)
        };
        let failure = (error.with_retry_after(pause), later(now, pause));
        self.failure.insert(failure).clone()
    }

    /// A login was lost on its way. What that closes, if it does: the second in a row is an outage.
    pub(in crate::session) fn lost(&mut self, policy: &Policy, now: Instant) -> Option<Instant> {
        let losses = self.losses.saturating_add(1);
        let outage = (losses > 1).then(|| {
            let error = AuthError::unavailable("logins were lost with the runtime that ran them");
            self.failed(error, policy, now).1
        });
        self.losses = losses;
        outage
    }

    /// Opens what is closed. What was counted stays, so that the next failure closes for longer.
    pub(in crate::session) fn open(&mut self, now: Instant) {
        if let Some((_, until)) = &mut self.failure {
            *until = now.min(*until);
        }
        self.struck_until = None;
    }

    /// How long no login is made at all.
    pub(in crate::session) fn closed_for(&self, now: Instant) -> Option<Duration> {
        let (_, until) = self.failure.as_ref()?;
        until.checked_duration_since(now).filter(|it| !it.is_zero())
    }

    /// A login did not help: its token was refused while fresh, or it was the refused one again.
    /// What that closes, if it does.
    pub(in crate::session) fn strike(&mut self, policy: &Policy, now: Instant) -> Option<Duration> {
        self.strikes = self.strikes.saturating_add(1);
        let paid = self.strikes.saturating_sub(policy.free_strikes);
        if paid == 0 {
            return None;
        }
        // Strikes that were cleared in between do not shorten what is closed already.
        let until = later(now, policy.strike.pause(paid));
        let until = self.struck_until.map_or(until, |before| before.max(until));
        self.struck_until = Some(until);
        Some(until - now)
    }

    /// A token was worth its login.
    pub(in crate::session) fn forgive(&mut self) {
        self.strikes = 0;
    }

    /// Between 0 and 1.
    pub(in crate::session) fn jitter(&mut self) -> f64 {
        self.random.next()
    }
}

impl Random {
    /// SplitMix64, by Sebastiano Vigna.
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
        // The upper half fits into a float without loss.
        (bits >> 32) as f64 / f64::from(u32::MAX)
    }
}
