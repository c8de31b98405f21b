//! The pure machine: which token is in hand, which login is under way, and what follows from that
//! for one who asks. No clock, no lock, no async: `now` comes in, decisions go out.

mod account;
pub(super) mod throttle;
pub(super) mod token;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use self::throttle::{LoginCause, Throttle};
use self::token::{Age, Held, Issued, LoginId, Stamp};
use crate::error::AuthError;
use crate::refusal::challenge::Challenge;
use crate::session::policy::{Policy, later};
use crate::session::stats::Stats;
use crate::session::status::Status;
use crate::session::trace::Log;
use crate::source::{Cause, TokenRequest};
use crate::token::Token;

/// How much longer than its time limit a login may stay silent before it counts as lost.
const GRACE: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct State<W> {
    policy: Policy,
    throttle: Throttle,
    held: Option<Held>,
    login: Option<Login<W>>,
    /// How much of the time for a renewal ahead this session gives away, so that those of many
    /// processes part.
    jitter: f64,
    account_epoch: u64,
    /// The first account since the last sign-out.
    signed_out: u64,
    generations: u64,
    logins: u64,
    pub(super) stats: Stats,
    pub(super) log: Log,
}

#[derive(Debug)]
struct Login<W> {
    id: LoginId,
    /// Somebody's token was refused: the token in hand is known to be no good.
    renewal: bool,
    began_at: Instant,
    overdue_at: Instant,
    /// The way to those who wait for it.
    waiters: W,
}

/// What somebody asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ask {
    /// Any usable token.
    Token,
    /// Any usable one of the account of this one.
    Of(Stamp),
    /// A newer one than this, which was refused.
    Newer(Stamp),
}

#[derive(Debug)]
pub(super) enum Decision {
    Use(Issued),
    /// Wait for the login under way.
    Join,
    /// Begin a login, and wait for it.
    Begin(LoginCause),
    /// There is no token, or no newer one, and there may be no login now.
    Refuse(AuthError),
}

/// A login's waiters, and what to tell them.
pub(super) type Ended<W> = (W, Result<Issued, AuthError>);

impl<W> State<W> {
    pub(super) fn new(policy: Policy, seed: u64) -> Self {
        let mut throttle = Throttle::new(seed);
        Self {
            jitter: throttle.jitter() * policy.max_jitter,
            policy,
            throttle,
            held: None,
            login: None,
            account_epoch: 0,
            signed_out: 0,
            generations: 0,
            logins: 0,
            stats: Stats::default(),
            log: Log::default(),
        }
    }

    /// Begins with a token from elsewhere. Nobody was asked for it, so its refusal is no strike.
    pub(super) fn start_with(&mut self, token: Token, now: Instant) {
        self.generations += 1;
        let held = self.new_held(token, self.generations, LoginId(0), now, now);
        self.held = Some(Held {
            is_given: true,
            ..held
        });
    }

    /// The token that a request may go out with at once, if it has not expired.
    pub(super) fn usable(&self) -> Option<&Issued> {
        let renewing = self.login.as_ref().is_some_and(|login| login.renewal);
        let held = self.held.as_ref().filter(|held| !held.invalidated);
        held.filter(|_| !renewing).map(|held| &held.issued)
    }

    /// The token in hand, usable or not.
    pub(super) fn in_hand(&self) -> Option<&Issued> {
        self.held.as_ref().map(|held| &held.issued)
    }

    pub(super) fn decide(&mut self, ask: Ask, now: Instant) -> Decision {
        if let Ask::Of(known) | Ask::Newer(known) = ask {
            if known.account_epoch != self.account_epoch {
                // Never as another account: the caller keeps the answer that it has.
                return Decision::Refuse(AuthError::signed_out());
            }
        }
        if let Ask::Newer(refused) = ask {
            let current = self.in_hand();
            if let Some(current) = current.filter(|it| it.stamp.is_same_token(refused)) {
                if current.stamp.login > refused.login && self.login.is_none() {
                    return Decision::Refuse(AuthError::unchanged());
                }
                let cause = match current.age(|| now) {
                    Age::Expired => LoginCause::Need,
                    Age::Good | Age::Due => LoginCause::Refusal,
                };
                self.note_refusal(refused, now);
                return self.join(cause, now);
            }
        }
        match self
            .usable()
            .filter(|issued| issued.age(|| now) != Age::Expired)
        {
            Some(issued) => Decision::Use(issued.clone()),
            None => self.need(now),
        }
    }

    /// Is it time for a login behind the requests that go out with the token in hand?
    pub(super) fn is_due(&mut self, now: Instant) -> bool {
        let Some(held) = &mut self.held else {
            return false;
        };
        if self.login.is_some() || held.issued.age(|| now) != Age::Due {
            return false;
        }
        match self.throttle.pass(LoginCause::Ahead, now) {
            Ok(()) => true,
            Err(error) => {
                let pause = error.retry_after().unwrap_or_default();
                held.issued.renew_at = Some(later(now, pause));
                false
            }
        }
    }

    /// What the source is told of the login that is about to begin.
    pub(super) fn request(&self, cause: LoginCause, challenges: Arc<[Challenge]>) -> TokenRequest {
        let stale = self.in_hand().map(|issued| issued.token.clone());
        let cause = match cause {
            LoginCause::Ahead => Cause::Ahead,
            LoginCause::Refusal => Cause::Refused,
            LoginCause::Need if stale.is_some() => Cause::Expired,
            LoginCause::Need if self.is_signed_out() => Cause::SignedOut,
            LoginCause::Need => Cause::First,
        };
        TokenRequest::new(cause, stale, challenges)
    }

    /// Follows [`Decision::Begin`] and [`is_due`](Self::is_due). Returns the waiters of a login
    /// that is overdue, to be dropped.
    pub(super) fn begin(
        &mut self,
        cause: LoginCause,
        waiters: W,
        now: Instant,
    ) -> (LoginId, Option<W>) {
        self.stats.logins += 1;
        self.logins += 1;
        let id = LoginId(self.logins);
        let overdue = self.login.replace(Login {
            id,
            renewal: cause == LoginCause::Refusal,
            began_at: now,
            overdue_at: later(now, self.policy.login_timeout.saturating_add(GRACE)),
            waiters,
        });
        if let Some(held) = &mut self.held {
            held.issued.renew_at = None;
            if cause == LoginCause::Ahead {
                self.stats.logins_ahead += 1;
                self.log.ahead(&held.issued);
            }
        }
        (id, overdue.map(|login| login.waiters))
    }

    /// A login has ended. `None`: it is not the one under way, and its outcome does not count.
    pub(super) fn end(
        &mut self,
        id: LoginId,
        outcome: Result<Token, AuthError>,
        now: Instant,
    ) -> Option<Ended<W>> {
        let login = self.login.take_if(|login| login.id == id)?;
        let outcome = match outcome {
            Ok(token) => Ok(self.hold(token, &login, now)),
            Err(error) => {
                self.stats.count_failure(&error);
                let (error, until) = self.throttle.failed(error, &self.policy, now);
                self.postpone(until);
                self.log.failed(&error, self.is_serving(now));
                Err(error)
            }
        };
        Some((login.waiters, outcome))
    }

    /// A login was lost: it will not end any more. `None`: that was known before.
    pub(super) fn give_up(&mut self, id: LoginId, now: Instant) -> Option<W> {
        let lost = self.login.take_if(|login| login.id == id)?;
        self.count_loss(now);
        Some(lost.waiters)
    }

    /// The waiters of the login under way.
    pub(super) fn waiters(&self) -> Option<&W> {
        self.login.as_ref().map(|login| &login.waiters)
    }

    /// `false`: another token is in hand, or this was known.
    pub(super) fn invalidate(
        &mut self,
        is_refused: impl FnOnce(&Issued) -> bool,
        now: Instant,
    ) -> bool {
        let held = self.held.as_mut();
        let held = held.filter(|held| !held.invalidated && is_refused(&held.issued));
        let Some(held) = held else {
            return false;
        };
        held.invalidated = true;
        let stamp = held.issued.stamp;
        self.note_refusal(stamp, now);
        true
    }

    /// What the last login failed with.
    pub(super) fn failure(&self) -> Option<&AuthError> {
        self.throttle.failure()
    }

    /// Lets the next login begin at once, whatever earlier ones failed with.
    pub(super) fn reset_backoff(&mut self, now: Instant) {
        self.throttle.open(now);
        if let Some(held) = &mut self.held {
            held.issued.renew_at = held.due_at;
        }
    }

    pub(super) fn status(&self, now: Instant) -> Status {
        let issued = self.in_hand();
        let issued = issued.filter(|issued| issued.age(|| now) != Age::Expired);
        Status {
            token: issued.map(|issued| issued.token.clone()),
            expires_in: issued.and_then(|issued| Some(issued.expires_at? - now)),
            is_logging_in: self.login.is_some(),
            last_error: self.failure().cloned(),
            next_login_in: self.throttle.closed_for(now),
        }
    }

    /// Whether requests have a token in spite of a failed login.
    fn is_serving(&self, now: Instant) -> bool {
        self.in_hand()
            .is_some_and(|issued| issued.age(|| now) != Age::Expired)
    }

    /// The server may have seen the credentials of a lost login. One such loss closes nothing; more
    /// in a row count as an outage.
    fn count_loss(&mut self, now: Instant) {
        let until = self.throttle.lost(&self.policy, now);
        self.postpone(until.unwrap_or_else(|| later(now, self.policy.min_lifetime)));
    }

    /// There is no usable token; a refused one still serves where no login is allowed.
    fn need(&mut self, now: Instant) -> Decision {
        let unexpired = self
            .in_hand()
            .filter(|issued| issued.age(|| now) != Age::Expired)
            .cloned();
        let cause = match unexpired {
            Some(_) => LoginCause::Refusal,
            None => LoginCause::Need,
        };
        match (self.join(cause, now), unexpired) {
            (Decision::Refuse(_), Some(issued)) => Decision::Use(issued),
            (decision, _) => decision,
        }
    }

    fn join(&mut self, cause: LoginCause, now: Instant) -> Decision {
        match &mut self.login {
            // One that is overdue has no runtime any more, or one that stands still.
            Some(login) if now < login.overdue_at => {
                login.renewal |= cause == LoginCause::Refusal;
                Decision::Join
            }
            _ => match self.throttle.pass(cause, now) {
                Ok(()) => Decision::Begin(cause),
                Err(error) => {
                    self.stats.logins_throttled += 1;
                    self.log.throttled(&error);
                    Decision::Refuse(error)
                }
            },
        }
    }

    /// The first refusal of a generation tells whether its login was worth it.
    pub(super) fn note_refusal(&mut self, refused: Stamp, now: Instant) {
        let held = self.held.as_mut();
        let held = held.filter(|held| held.issued.stamp.is_same_token(refused));
        let Some(held) = held.filter(|held| !held.refused) else {
            return;
        };
        held.refused = true;
        self.stats.tokens_refused += 1;
        self.log.refused(&held.issued);
        if held.is_given {
            return;
        }
        if now.duration_since(held.since) < self.policy.fresh_token_age {
            self.strike(now);
        } else {
            self.throttle.forgive();
        }
    }

    fn strike(&mut self, now: Instant) {
        if let Some(pause) = self.throttle.strike(&self.policy, now) {
            self.log.no_help(pause);
        }
    }

    fn hold(&mut self, token: Token, login: &Login<W>, now: Instant) -> Issued {
        self.throttle.succeeded();
        let old = self.held.take();
        let same = old.as_ref().filter(|old| old.issued.token.is_same(&token));
        if same.is_some() && login.renewal {
            self.strike(now);
        } else if same.is_none() && !login.renewal && old.as_ref().is_some_and(|old| !old.refused) {
            // It was replaced in time, and nobody refused it.
            self.throttle.forgive();
        }
        // Only a login that a refusal asked for says that another one would not help.
        let (generation, brought_by, since, refused) = match same {
            Some(old) => {
                let known = old.issued.stamp;
                let brought_by = if login.renewal { login.id } else { known.login };
                (known.generation, brought_by, old.since, old.refused)
            }
            None => {
                self.generations += 1;
                (self.generations, login.id, now, false)
            }
        };
        let held = self.new_held(token, generation, brought_by, since, now);
        let issued = held.issued.clone();
        self.held = Some(Held { refused, ..held });
        self.stats.logins_succeeded += 1;
        self.log
            .logged_in(&issued, now.duration_since(login.began_at));
        issued
    }

    fn new_held(
        &self,
        token: Token,
        generation: u64,
        login: LoginId,
        since: Instant,
        now: Instant,
    ) -> Held {
        let lifetime = token.lifetime().map(|it| it.max(self.policy.min_lifetime));
        let due_at = lifetime.and_then(|it| self.policy.renew_after(it, self.jitter));
        let due_at = due_at.and_then(|after| now.checked_add(after));
        Held {
            issued: Issued {
                token,
                stamp: Stamp {
                    account_epoch: self.account_epoch,
                    generation,
                    login,
                },
                expires_at: lifetime.and_then(|lifetime| now.checked_add(lifetime)),
                renew_at: due_at,
            },
            since,
            due_at,
            refused: false,
            invalidated: false,
            is_given: false,
        }
    }

    fn postpone(&mut self, until: Instant) {
        if let Some(held) = &mut self.held {
            held.issued.renew_at = held.due_at.map(|due_at| due_at.max(until));
        }
    }
}

#[cfg(any(test, fuzzing))]
pub(super) mod model;
#[cfg(test)]
mod tests;
