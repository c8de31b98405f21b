//! The one throttle of logins: not before when, why, how often. As pure as the
//! [machine](super::State).
//!
//! | what happened | what is closed | for how long |
//! |---|---|---|
//! | the credentials were rejected | every login | 60 s, doubling to 1 h; at least as `Retry-After` says |
//! | the login is set up wrongly | every login | 1 s, doubling to 1 min |
//! | the login is unavailable | every login | 250 ms, doubling to 30 s, with jitter; at least as `Retry-After` says |
//! | a login did not help | logins that a refusal of that [`Proof`] asks for | after some that are free 1 s, doubling to 5 min without proof, to 1 min with it |

use std::time::Duration;

use tokio::time::Instant;

use crate::error::AuthError;
use crate::session::policy::{Policy, later};
use crate::session::state::evidence::Proof;

#[derive(Debug)]
pub(in crate::session) struct Throttle {
    /// What the last login failed with, and until when it stands for the next ones.
    failure: Option<(AuthError, Instant)>,
    rejections: u32,
    misconfigurations: u32,
    outages: u32,
    losses: u32,
    /// By [`Proof`].
    strikes: [Strikes; 3],
    random: Random,
}

/// Logins that did not help.
#[derive(Clone, Copy, Debug, Default)]
struct Strikes {
    count: u32,
    closed_until: Option<Instant>,
    /// The last one was for a token that had lived for a while: should the retry be accepted, it
    /// was worth its login.
    is_redeemable: bool,
}

/// What a login is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LoginCause {
    /// There is no token, or it has expired.
    Need,
    /// The token is about to expire.
    Ahead,
    /// The token was refused, and this is how much that says.
    Refusal(Proof),
}

/// Enough to spread the logins of many processes.
#[derive(Debug)]
struct Random(u64);

impl Throttle {
    pub(in crate::session) fn new(seed: u64) -> Self {
        Self {
            failure: None,
            rejections: 0,
            misconfigurations: 0,
            outages: 0,
            losses: 0,
            strikes: [Strikes::default(); 3],
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
            return Err(error.clone().remembered(*until - now));
        }
        let LoginCause::Refusal(proof) = cause else {
            return Ok(());
        };
        match self.strikes[proof as usize].closed_until {
            Some(until) if now < until => Err(AuthError::throttled().with_retry_after(until - now)),
            _ => Ok(()),
        }
    }

    pub(in crate::session) fn failure(&self) -> Option<&AuthError> {
        self.failure.as_ref().map(|(error, _)| error)
    }

    pub(in crate::session) fn succeeded(&mut self) {
        self.failure = None;
        self.rejections = 0;
        self.misconfigurations = 0;
        self.outages = 0;
        self.losses = 0;
    }

    /// The same error, with the time until the next login may begin, which is `latest` at the
    /// latest.
    pub(in crate::session) fn failed(
        &mut self,
        error: AuthError,
        policy: &Policy,
        latest: Option<Instant>,
        now: Instant,
    ) -> (AuthError, Instant) {
        self.losses = 0;
        let pause = if error.is_rejected() {
            (self.misconfigurations, self.outages) = (0, 0);
            self.rejections = self.rejections.saturating_add(1);
            policy.rejection.pause(self.rejections)
        } else if error.is_misconfigured() {
            self.misconfigurations = self.misconfigurations.saturating_add(1);
            policy.misconfiguration.pause(self.misconfigurations)
        } else {
            self.outages = self.outages.saturating_add(1);
            let most = policy.outage.pause(self.outages);
            most / 2 + (most / 2).mul_f64(self.random.next())
        };
        let asked = error.retry_after().unwrap_or_default();
        let pause = pause.max(asked.min(policy.max_retry_after));
        let until = later(now, pause);
        let until = latest.map_or(until, |latest| until.min(latest.max(now)));
        let failure = (error.with_retry_after(until - now), until);
        self.failure.insert(failure).clone()
    }

    /// Another process has failed: that counts here too, for the rest of its time.
    #[cfg(feature = "store")]
    pub(in crate::session) fn told(
        &mut self,
        error: AuthError,
        until: Instant,
        now: Instant,
    ) -> AuthError {
        let failure = (error.with_retry_after(until - now), until);
        self.failure.insert(failure).0.clone()
    }

    /// A login was lost on its way. What that closes, if it does: the second in a row is an outage.
    pub(in crate::session) fn lost(&mut self, policy: &Policy, now: Instant) -> Option<Instant> {
        let losses = self.losses.saturating_add(1);
        let outage = (losses > 1).then(|| {
            let error = AuthError::unavailable(
                "several logins in a row were lost, by a sign-out or with their runtime",
            );
            self.failed(error, policy, None, now).1
        });
        self.losses = losses;
        outage
    }

    /// Opens what is closed. What was counted stays, so that the next failure closes for longer.
    pub(in crate::session) fn open(&mut self, now: Instant) {
        if let Some((_, until)) = &mut self.failure {
            *until = now.min(*until);
        }
        for strikes in &mut self.strikes {
            strikes.closed_until = None;
        }
    }

    /// How long no login is made at all.
    pub(in crate::session) fn closed_for(&self, now: Instant) -> Option<Duration> {
        let (_, until) = self.failure.as_ref()?;
        until.checked_duration_since(now).filter(|it| !it.is_zero())
    }

    /// Whether no login is held back.
    pub(in crate::session) fn is_open(&self, now: Instant) -> bool {
        self.closed_for(now).is_none() && self.helps(now).is_ok()
    }

    /// Fails if a login is held back because those before it did not help.
    pub(in crate::session) fn helps(&self, now: Instant) -> Result<(), AuthError> {
        let until = self.strikes.iter().filter_map(|it| it.closed_until).max();
        match until.filter(|until| now < *until) {
            Some(until) => Err(AuthError::throttled().with_retry_after(until - now)),
            None => Ok(()),
        }
    }

    /// Fails if the credentials were rejected, and may not be tried again yet.
    pub(in crate::session) fn latch(&self, now: Instant) -> Result<(), AuthError> {
        match &self.failure {
            Some((error, until)) if error.is_rejected() && now < *until => {
                Err(error.clone().remembered(*until - now))
            }
            _ => Ok(()),
        }
    }

    /// Whether the next rejection may count as the first one.
    pub(in crate::session) fn is_settled(&self, policy: &Policy, now: Instant) -> bool {
        let matters = match self.rejections {
            0 => Duration::ZERO,
            _ => policy.rejection.max,
        };
        let failure = self.failure.as_ref();
        self.is_open(now) && failure.is_none_or(|(_, until)| later(*until, matters) <= now)
    }

    /// A login did not help: its token was refused, or it was the refused one again. What that
    /// closes, if it does.
    pub(in crate::session) fn strike(
        &mut self,
        proof: Proof,
        is_redeemable: bool,
        policy: &Policy,
        now: Instant,
    ) -> Option<Duration> {
        let (free, backoff) = policy.strikes(proof);
        let strikes = &mut self.strikes[proof as usize];
        strikes.is_redeemable = is_redeemable;
        strikes.count = strikes.count.saturating_add(1);
        let paid = strikes.count.saturating_sub(free);
        if paid == 0 {
            return None;
        }
        // Strikes that were cleared in between do not shorten what is closed already.
        let until = later(now, backoff.pause(paid));
        let until = strikes
            .closed_until
            .map_or(until, |before| before.max(until));
        strikes.closed_until = Some(until);
        Some(until - now)
    }

    /// A retry was accepted: the login before it helped.
    pub(in crate::session) fn redeem(&mut self) {
        for strikes in &mut self.strikes {
            if std::mem::take(&mut strikes.is_redeemable) {
                strikes.count = strikes.count.saturating_sub(1);
            }
        }
    }

    /// A token was worth its login.
    pub(in crate::session) fn forgive(&mut self) {
        for strikes in &mut self.strikes {
            strikes.count = 0;
        }
    }

    /// Whether there is a login that did not help.
    pub(in crate::session) fn is_struck(&self) -> bool {
        self.strikes.iter().any(|strikes| strikes.count > 0)
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
