//! The rules for logins, told a second time and independently of the session's own machine.
//!
//! It sees what a login sees and what a client sees, but not the session's clock. So wherever
//! threads may race, a rule counts what is certain, and is therefore never stricter than the
//! session's own: whatever it objects to is wrong.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;
use tower_bearer::{AuthError, Session, SessionBuilder, Token, TokenSource};

pub(crate) const LOGIN_TIMEOUT: Duration = Duration::from_millis(2_000);
const MIN_LIFETIME: Duration = Duration::from_millis(200);
/// One in whole seconds is taken a second shorter up to this.
const SHORT_LIFETIME: Duration = Duration::from_secs(10);
const RENEW_AHEAD: f64 = 0.1;
const REJECTION: Pause = Pause::millis(200, 2_000);
const MISCONFIGURATION: Pause = Pause::millis(100, 500);
const OUTAGE: Pause = Pause::millis(20, 200);
const MAX_RETRY_AFTER: Duration = Duration::from_millis(1_500);
pub(crate) const STRIKE: Pause = Pause::millis(100, 1_000);
const FREE_STRIKES: u32 = 3;
const FREE_PROVEN_STRIKES: u32 = 8;
/// The session counts strikes by how much a refusal proves, which cannot be seen from here.
const COUNTS: u32 = 3;
pub(crate) const FRESH_FOR: Duration = Duration::from_millis(300);

#[derive(Clone, Copy)]
pub(crate) struct Pause {
    first: Duration,
    pub(crate) max: Duration,
}

#[derive(Default)]
pub(crate) struct Rules {
    running: u32,
    rejections: u32,
    misconfigurations: u32,
    outages: u32,
    closed: Option<(Instant, &'static str)>,
    strikes: u32,
    /// The first of these strikes.
    struck_since: Option<Instant>,
    /// When the login under way began, or the last one did.
    began: Option<Instant>,
    held: Option<Held>,
    /// Tokens that a server refused, and when that was first seen.
    refused: HashMap<String, Instant>,
}

struct Held {
    token: Token,
    since: Instant,
    /// When this login began, from which its lifetime counts; `since` is when the first login that
    /// brought this token ended.
    renewed: Instant,
    struck: bool,
}

/// Is it known why a login was made?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// A refusal, for there is no other cause.
    Refusal,
    Unknown,
}

/// Numbers so small that every pause begins and ends many times in a short run.
pub(crate) fn session(source: impl TokenSource) -> Session {
    builder(Session::builder(source)).build()
}

pub(crate) fn builder(builder: SessionBuilder) -> SessionBuilder {
    builder
        .login_timeout(LOGIN_TIMEOUT)
        .min_lifetime(MIN_LIFETIME)
        .renew_ahead(RENEW_AHEAD, Duration::from_secs(60))
        .rejection_backoff(REJECTION.first, REJECTION.max)
        .misconfiguration_backoff(MISCONFIGURATION.first, MISCONFIGURATION.max)
        .outage_backoff(OUTAGE.first, OUTAGE.max)
        .max_retry_after(MAX_RETRY_AFTER)
        .refusal_backoff(FREE_STRIKES, STRIKE.first, STRIKE.max)
        .proven_refusal_backoff(FREE_PROVEN_STRIKES, STRIKE.first, STRIKE.max)
        .fresh_token_age(FRESH_FOR)
}

impl Rules {
    pub(crate) fn refused(&mut self, token: &str, now: Instant) {
        self.refused.entry(token.to_owned()).or_insert(now);
    }

    /// A login begins. What speaks against it?
    pub(crate) fn begin(&mut self, stale: Option<&Token>, now: Instant) -> (Cause, Vec<String>) {
        let mut objections = Vec::new();
        self.running += 1;
        if self.running > 1 {
            objections.push(format!("{} logins at a time", self.running));
        }
        if let Some((until, why)) = self.closed.filter(|(until, _)| now < *until) {
            objections.push(format!("a login {:?} too soon after {why}", until - now));
        }
        let cause = self.cause(stale, now).unwrap_or_else(|objection| {
            objections.push(objection);
            Cause::Unknown
        });
        match cause {
            Cause::Refusal => self.strike_once(now),
            // If that token was refused, and when, is not known for certain.
            Cause::Unknown => self.forgive(),
        }
        let elapsed = self.struck_since.map(|since| now.duration_since(since));
        if let Some(elapsed) = elapsed.filter(|elapsed| self.strikes > most_strikes(*elapsed)) {
            let strikes = self.strikes;
            objections.push(format!("a login after {strikes} strikes in {elapsed:?}"));
        }
        self.began = Some(now);
        (cause, objections)
    }

    pub(crate) fn end(&mut self, cause: Cause, outcome: Result<&Token, &AuthError>, now: Instant) {
        self.running = self.running.saturating_sub(1);
        let (pause, why) = match outcome {
            Ok(token) => return self.hold(token, cause, now),
            Err(error) if error.is_unavailable() => {
                self.outages += 1;
                let asked = error.retry_after().unwrap_or_default().min(MAX_RETRY_AFTER);
                let pause = (OUTAGE.after(self.outages) / 2).max(asked);
                (pause, "one that was unavailable")
            }
            Err(error) if error.is_misconfigured() => {
                self.misconfigurations += 1;
                let pause = MISCONFIGURATION.after(self.misconfigurations);
                (pause, "one that was misconfigured")
            }
            Err(_) => {
                (self.misconfigurations, self.outages) = (0, 0);
                self.rejections += 1;
                (REJECTION.after(self.rejections), "one that was rejected")
            }
        };
        // It may have been one ahead: what that closes is open again when the token expires.
        let expires = self.held.as_ref().and_then(Held::expires);
        let expires = expires.filter(|_| cause == Cause::Unknown);
        let until = expires.map_or(now + pause, |expires| expires.min(now + pause));
        self.closed = Some((until, why));
    }

    /// Why is there a login at all?
    fn cause(&self, stale: Option<&Token>, now: Instant) -> Result<Cause, String> {
        let held = match (&self.held, stale) {
            (None, None) => return Ok(Cause::Unknown),
            (Some(held), Some(stale)) if held.token.header_value() == stale.header_value() => held,
            (held, _) => {
                let known = held.is_some();
                return Err(format!(
                    "a login for an odd token (one is in hand: {known})"
                ));
            }
        };
        let age = now.duration_since(held.renewed);
        let due = held.counted().map(|lifetime| {
            let due = lifetime.mul_f64(1.0 - RENEW_AHEAD);
            // Fractions are not exact.
            due.saturating_sub(Duration::from_millis(1))
                .max(MIN_LIFETIME)
        });
        match (self.refused.contains_key(held.token.expose()), due) {
            (true, None) => Ok(Cause::Refusal),
            (true, Some(due)) if age < due => Ok(Cause::Refusal),
            (true, Some(_)) => Ok(Cause::Unknown),
            (false, Some(due)) if age >= due => Ok(Cause::Unknown),
            (false, _) => Err("a login without need: its token was never refused".to_owned()),
        }
    }

    /// The first refusal of a token tells if its login was worth it.
    fn strike_once(&mut self, now: Instant) {
        let Some(held) = self.held.as_mut().filter(|held| !held.struck) else {
            return;
        };
        held.struck = true;
        // The session saw the refusal between these two.
        let seen = self.refused.get(held.token.expose());
        match (now.duration_since(held.since) < FRESH_FOR, seen.copied()) {
            (true, Some(seen)) => self.strike(seen),
            _ => self.forgive(),
        }
    }

    fn strike(&mut self, at: Instant) {
        self.strikes += 1;
        self.struck_since.get_or_insert(at);
    }

    fn forgive(&mut self) {
        self.strikes = 0;
        self.struck_since = None;
    }

    fn hold(&mut self, token: &Token, cause: Cause, now: Instant) {
        (self.closed, self.rejections) = (None, 0);
        (self.misconfigurations, self.outages) = (0, 0);
        let renewed = self.began.unwrap_or(now);
        let same = |held: &Held| held.token.header_value() == token.header_value();
        match self.held.take().filter(same) {
            Some(mut held) => {
                if cause == Cause::Refusal {
                    self.strike(now);
                }
                (held.token, held.renewed) = (token.clone(), renewed);
                self.held = Some(held);
            }
            None => {
                self.refused.clear();
                self.held = Some(Held {
                    token: token.clone(),
                    since: now,
                    renewed,
                    struck: false,
                });
            }
        }
    }
}

impl Held {
    /// The lifetime that the session counts on.
    fn counted(&self) -> Option<Duration> {
        let lifetime = self.token.lifetime()?;
        let is_short = lifetime.subsec_nanos() == 0 && lifetime <= SHORT_LIFETIME;
        Some(match lifetime.checked_sub(Duration::from_secs(1)) {
            Some(shorter) if is_short => shorter,
            _ => lifetime,
        })
    }

    fn expires(&self) -> Option<Instant> {
        Some(self.renewed + self.counted()?)
    }
}

/// How many strikes there can be in this time at most: the free ones of each count, and of each
/// those that its pauses leave room for.
fn most_strikes(elapsed: Duration) -> u32 {
    let mut paid = 1;
    let mut pauses = Duration::ZERO;
    while pauses + STRIKE.after(paid) <= elapsed {
        pauses += STRIKE.after(paid);
        paid += 1;
    }
    FREE_STRIKES + (COUNTS - 1) * FREE_PROVEN_STRIKES + COUNTS * paid
}

impl Pause {
    const fn millis(first: u64, max: u64) -> Self {
        Self {
            first: Duration::from_millis(first),
            max: Duration::from_millis(max),
        }
    }

    fn after(self, times: u32) -> Duration {
        let doubled = 1_u32.checked_shl(times - 1).unwrap_or(u32::MAX);
        self.first.saturating_mul(doubled).min(self.max)
    }
}
