//! The pure machine: which token is in hand, which login is under way, and what follows from that
//! for one who asks. No clock, no lock, no async: `now` comes in, decisions go out.

mod account;
#[cfg(not(feature = "store"))]
mod alone;
pub(super) mod evidence;
#[cfg(feature = "store")]
mod fleet;
mod login;
mod outcome;
mod refusal;
#[cfg(feature = "store")]
pub(super) mod shared;
pub(super) mod throttle;
pub(super) mod token;
mod under_way;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use self::evidence::{Evidence, Key, Proof};
use self::login::{Hold, Login};
#[cfg(feature = "store")]
use self::shared::Sharing;
use self::throttle::{LoginCause, Throttle};
use self::token::{Age, Brought, Held, Issued, LoginId, Stamp};
use crate::error::AuthError;
use crate::refusal::challenge::Challenge;
use crate::session::policy::{Policy, later};
use crate::session::stats::Stats;
use crate::session::status::Status;
use crate::session::trace::Log;
use crate::source::{Cause, TokenRequest};
use crate::token::Token;

/// `W` is what leads to the waiters of a login. The machine only keeps it.
#[derive(Debug)]
pub(super) struct State<W> {
    policy: Policy,
    throttle: Throttle,
    evidence: Evidence,
    held: Option<Held>,
    /// The token before, which others were accepted with, while the one in hand may not be known
    /// everywhere.
    previous: Option<Issued>,
    login: Option<Login<W>>,
    /// How much of the time for a renewal ahead this session gives away, so that those of many
    /// processes part.
    jitter: f64,
    account_epoch: u64,
    /// The first account since the last sign-out.
    signed_out: u64,
    generations: u64,
    logins: u64,
    #[cfg(feature = "store")]
    sharing: Option<Sharing>,
    /// Tokens that it has let go of, whose drop may run a user's code: not under the lock.
    pub(super) gone: Vec<Token>,
    pub(super) stats: Stats,
    pub(super) log: Log,
}

/// What somebody asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ask {
    /// Any usable token.
    Token,
    /// Any usable one of the account of this one.
    Of(Stamp),
    /// A newer one than this, which that endpoint refused.
    Newer(Stamp, Key),
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
            evidence: Evidence::new(),
            held: None,
            previous: None,
            login: None,
            account_epoch: 0,
            signed_out: 0,
            generations: 0,
            logins: 0,
            #[cfg(feature = "store")]
            sharing: None,
            gone: Vec::new(),
            stats: Stats::default(),
            log: Log::default(),
        }
    }

    /// Begins with a token from elsewhere. Nobody was asked for it, so its refusal is no strike.
    pub(super) fn start_with(&mut self, token: Token, now: Instant) {
        let given = Brought {
            token,
            began_at: now,
            since: now,
            is_adopted: false,
        };
        let mut held = self.new_held(given, self.generations, LoginId(0), now);
        if held.issued.token.lifetime() == Some(Duration::ZERO) {
            // Of a new token that tells nothing, but this one is of an earlier time.
            held.issued.expires_at = Some(now);
        }
        self.held = Some(Held {
            is_given: true,
            ..held
        });
    }

    /// The token that a request may go out with at once, if it has not expired.
    pub(super) fn usable(&self) -> Option<&Issued> {
        let login = self.login.as_ref();
        let is_held_back = login.is_some_and(Login::holds_back);
        let held = self.held.as_ref().filter(|held| !held.is_invalidated());
        held.filter(|_| !is_held_back).map(|held| &held.issued)
    }

    /// The token in hand, usable or not.
    pub(super) fn in_hand(&self) -> Option<&Issued> {
        self.held.as_ref().map(|held| &held.issued)
    }

    /// The token in hand unless it has expired, usable or not.
    pub(super) fn unexpired(&self, now: Instant) -> Option<&Issued> {
        self.in_hand()
            .filter(|issued| issued.age(|| now) != Age::Expired)
    }

    pub(super) fn decide(&mut self, ask: Ask, now: Instant) -> Decision {
        if let Ask::Of(known) | Ask::Newer(known, _) = ask {
            if known.account_epoch != self.account_epoch {
                // Never as another account: the caller keeps the answer that it has.
                return Decision::Refuse(AuthError::signed_out());
            }
        }
        if let Ask::Newer(refused, key) = ask {
            let current = self.in_hand();
            if current.is_some_and(|it| it.stamp.is_same_token(refused)) {
                return self.renew(refused, key, now);
            }
            self.note_refusal(refused, key, now);
        }
        self.end_hold(now);
        let usable = self.usable();
        match usable.filter(|issued| issued.age(|| now) != Age::Expired) {
            Some(issued) => Decision::Use(issued.clone()),
            None => self.need(now),
        }
    }

    /// Is it time for a login in the background of the requests that use the token in hand?
    pub(super) fn is_due(&mut self, now: Instant) -> bool {
        if self.is_under_way(now) {
            return false;
        }
        let Some(held) = &mut self.held else {
            return false;
        };
        if held.issued.age(|| now) != Age::Due {
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

    /// What the source gets for the login that is about to begin.
    pub(super) fn request(&self, cause: LoginCause, challenges: Arc<[Challenge]>) -> TokenRequest {
        let stale = self.in_hand().map(|issued| issued.token.clone());
        let cause = match cause {
            LoginCause::Ahead => Cause::Ahead,
            LoginCause::Refusal(_) => Cause::Refused,
            LoginCause::Need if stale.is_some() => Cause::Expired,
            LoginCause::Need if self.is_signed_out() => Cause::SignedOut,
            LoginCause::Need => Cause::First,
        };
        TokenRequest::new(cause, stale, challenges)
    }

    /// Whether acceptances are to be noted: the first one of a token, and all while a login did not
    /// help or requests are held back.
    pub(super) fn is_watching(&self) -> bool {
        let login = self.login.as_ref();
        self.held.as_ref().is_some_and(|held| !held.is_accepted)
            || self.throttle.is_struck()
            || login.is_some_and(Login::holds_back)
    }

    /// To be called before any of its tokens is let go of.
    fn keep_what_goes(&mut self) {
        let held = self.held.as_ref().map(|held| &held.issued);
        let tokens = held.into_iter().chain(&self.previous).map(|it| &it.token);
        let tokens = tokens.filter(|token| token.has_extension());
        self.gone.extend(tokens.cloned());
    }

    pub(super) fn is_open(&self, now: Instant) -> bool {
        self.throttle.is_open(now)
    }

    pub(super) fn is_settled(&self, now: Instant) -> bool {
        self.throttle.is_settled(&self.policy, now)
    }

    /// Fails if its last logins did not help, or if it has no token and `latch` forbids a login.
    pub(super) fn may_step_up(
        &self,
        latch: Result<(), AuthError>,
        now: Instant,
    ) -> Result<(), AuthError> {
        self.throttle.helps(now)?;
        match self.usable().filter(|it| it.age(|| now) != Age::Expired) {
            Some(_) => Ok(()),
            None => latch,
        }
    }

    pub(super) fn latch(&self, now: Instant) -> Result<(), AuthError> {
        self.throttle.latch(now)
    }

    /// What the last login failed with.
    pub(super) fn failure(&self) -> Option<&AuthError> {
        self.throttle.failure()
    }

    /// Lets the next login begin at once, whatever earlier ones failed with.
    pub(super) fn reset_backoff(&mut self, now: Instant) {
        self.throttle.open(now);
        if let Some(held) = self.held.as_mut().filter(|_| self.login.is_none()) {
            held.issued.renew_at = held.due_at;
        }
    }

    pub(super) fn status(&self, now: Instant) -> Status {
        let issued = self.unexpired(now);
        Status {
            token: issued.map(|issued| issued.token.clone()),
            expires_in: issued.and_then(|issued| Some(issued.expires_at? - now)),
            is_logging_in: self.login.is_some(),
            last_error: self.failure().cloned(),
            next_login_in: self.throttle.closed_for(now),
        }
    }

    /// There is no usable token; a refused one still serves where no login is allowed.
    fn need(&mut self, now: Instant) -> Decision {
        let unexpired = self.unexpired(now).cloned();
        let cause = match unexpired {
            Some(_) => LoginCause::Refusal(Proof::None),
            None => LoginCause::Need,
        };
        let decision = self.join(cause, now);
        let is_over = |login: &Login<W>| login.hold == Hold::Over;
        match (decision, unexpired) {
            (Decision::Refuse(_), Some(issued)) => Decision::Use(issued),
            (Decision::Join, Some(issued)) if self.login.as_ref().is_some_and(is_over) => {
                Decision::Use(issued)
            }
            (decision, _) => decision,
        }
    }

    fn join(&mut self, cause: LoginCause, now: Instant) -> Decision {
        if self.is_under_way(now) {
            if let LoginCause::Refusal(_) = cause {
                self.hold_back(now);
            }
            return Decision::Join;
        }
        // One that is overdue has no runtime any more, or one that stands still.
        match self.throttle.pass(cause, now) {
            Ok(()) => Decision::Begin(cause),
            Err(_) if self.may_look(now) => Decision::Begin(cause),
            Err(error) => {
                self.stats.logins_throttled += 1;
                self.log.throttled(&error);
                Decision::Refuse(error)
            }
        }
    }
}

#[cfg(any(test, fuzzing))]
pub(super) mod model;
#[cfg(test)]
mod tests;
