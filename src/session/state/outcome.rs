//! What follows on the end of a login.

use std::time::Duration;

use tokio::time::Instant;

use super::evidence::Proof;
use super::login::{Hold, Login};
use super::throttle::LoginCause;
#[cfg(feature = "store")]
use super::token::InStore;
use super::token::{Brought, Held, Issued, LoginId, Stamp};
use super::{Ended, State};
use crate::error::AuthError;
use crate::session::policy::later;
use crate::token::Token;

/// By how much less a lifetime in whole seconds may tell.
const ROUNDED: Duration = Duration::from_secs(1);

impl<W> State<W> {
    /// A login has ended. `None`: it is not the one under way, and its outcome does not count.
    pub(in crate::session) fn end(
        &mut self,
        id: LoginId,
        outcome: Result<Token, AuthError>,
        now: Instant,
    ) -> Option<Ended<W>> {
        let login = self.login.take_if(|login| login.id == id)?;
        let outcome = match outcome {
            Ok(token) => {
                self.stats.logins_succeeded += 1;
                let brought = Brought {
                    token,
                    began_at: login.began_at,
                    since: now,
                    is_adopted: false,
                };
                Ok(self.hold(brought, &login, now))
            }
            Err(error) => Err(self.fail(error, &login, now)),
        };
        Some((login.waiters, outcome))
    }

    /// A login was lost: it will not end any more. `None`: that was known before.
    pub(in crate::session) fn give_up(&mut self, id: LoginId, now: Instant) -> Option<W> {
        let lost = self.login.take_if(|login| login.id == id)?;
        match (lost.is_tried, &mut self.held) {
            (true, _) => self.count_loss(now),
            // It was put off for the time of this login.
            (false, Some(held)) => held.issued.renew_at = held.due_at,
            (false, None) => {}
        }
        Some(lost.waiters)
    }

    /// The server may have seen the credentials of a lost login. One such loss closes nothing; more
    /// in a row count as an outage.
    pub(super) fn count_loss(&mut self, now: Instant) {
        let until = self.throttle.lost(&self.policy, now);
        self.postpone(until.unwrap_or_else(|| later(now, self.policy.min_lifetime)));
    }

    fn fail(&mut self, error: AuthError, login: &Login<W>, now: Instant) -> AuthError {
        let error = error.of_a_source();
        if login.is_tried {
            self.stats.count_failure(&error);
        }
        let latest = self.latest(login);
        let (error, until) = self.throttle.failed(error, &self.policy, latest, now);
        self.postpone(until);
        self.log.failed(&error, self.unexpired(now).is_some());
        error
    }

    /// What a failed renewal ahead closes is open again when the token in hand expires. If it has
    /// expired by now, that is at once: no login was begun for those who need a token.
    pub(super) fn latest(&self, login: &Login<W>) -> Option<Instant> {
        let is_ahead = login.cause == LoginCause::Ahead && login.hold == Hold::No;
        let expires_at = self.in_hand().and_then(|issued| issued.expires_at);
        expires_at.filter(|_| is_ahead)
    }

    pub(super) fn postpone(&mut self, until: Instant) {
        if let Some(held) = &mut self.held {
            held.issued.renew_at = held.due_at.map(|due_at| due_at.max(until));
        }
    }

    pub(super) fn hold(&mut self, brought: Brought, login: &Login<W>, now: Instant) -> Issued {
        self.throttle.succeeded();
        self.keep_what_goes();
        let same = |held: &mut Held| held.issued.token.is_same(&brought.token);
        let took = now.duration_since(login.began_at);
        let is_adopted = brought.is_adopted;
        let held = match self.held.take_if(same) {
            Some(old) => self.hold_again(brought, old, login, now),
            None => self.hold_new(brought, login, now),
        };
        let issued = held.issued.clone();
        self.held = Some(held);
        match is_adopted {
            #[cfg(feature = "store")]
            true => self.log.adopted(&issued),
            _ => self.log.logged_in(&issued, took),
        }
        issued
    }

    fn hold_new(&mut self, brought: Brought, login: &Login<W>, now: Instant) -> Held {
        let is_renewal = login.hold != Hold::No;
        let old = self.held.take();
        if !is_renewal && old.as_ref().is_some_and(|old| !old.refused) {
            // It was replaced in time, and nobody refused it.
            self.throttle.forgive();
        }
        let serves = |old: &Held| old.is_accepted && !old.is_invalidated();
        self.previous = old.filter(serves).map(|old| old.issued);
        self.generations += 1;
        self.new_held(brought, self.generations, login.id, now)
    }

    /// The same token again does not begin a new life, unless it came with a new lifetime.
    fn hold_again(&mut self, brought: Brought, old: Held, login: &Login<W>, now: Instant) -> Held {
        let is_renewal = login.hold != Hold::No;
        if is_renewal && !brought.is_adopted {
            let proof = match login.cause {
                LoginCause::Refusal(proof) => proof,
                // A refusal has joined it.
                LoginCause::Need | LoginCause::Ahead => Proof::None,
            };
            self.strike(proof, false, now);
        }
        // Only a login that a refusal asked for says that another one would not help.
        let brought_by = match is_renewal {
            true => login.id,
            false => old.issued.stamp.login,
        };
        let generation = old.issued.stamp.generation;
        let (began_at, ended_at) = (brought.began_at, brought.since);
        let mut held = self.new_held(brought, generation, brought_by, now);
        // A lifetime of zero is ignored. An unknown one says that the token lives, should the one
        // that it had be over.
        let lifetime = held.issued.token.lifetime().filter(|it| !it.is_zero());
        let known = old.issued.expires_at;
        let known = known.filter(|at| lifetime.is_some() || now < *at);
        let told = lifetime.filter(|_| held.issued.token.is_lifetime_told());
        let moves =
            |known: Instant| told.is_some_and(|told| !is_rest(told, known, began_at, ended_at));
        if let Some(known) = known.filter(|known| !moves(*known)) {
            // Brought shortly before its end it ends all the same. Its end was not so near for the
            // server when the login began, and that is all that is known of it.
            let expires_at = match now < known {
                true => known,
                false => later(began_at, self.policy.min_lifetime).max(known),
            };
            // Not at each request until then.
            let wait = ((expires_at - now) / 2).max(self.policy.min_lifetime);
            let due_at = Some(later(now, wait));
            let due_at = due_at.filter(|at| old.due_at.is_some() && is_ahead(*at, expires_at));
            held.issued.expires_at = Some(expires_at);
            (held.due_at, held.issued.renew_at) = (due_at, due_at);
        }
        // A login that began before the report does not undo it.
        let before = |after: &LoginId| login.id <= *after || !is_renewal;
        Held {
            since: old.since,
            refused: old.refused,
            is_accepted: old.is_accepted,
            is_given: old.is_given,
            invalidated_after: old.invalidated_after.filter(before),
            ..held
        }
    }

    pub(super) fn new_held(
        &self,
        brought: Brought,
        generation: u64,
        login: LoginId,
        now: Instant,
    ) -> Held {
        let Brought {
            token, began_at, ..
        } = brought;
        let lifetime = token.lifetime().filter(|lifetime| !lifetime.is_zero());
        let lifetime = lifetime.map(|lifetime| self.policy.counted(lifetime));
        let earliest = later(now, self.policy.min_lifetime);
        let from_begin = |after: Duration| Some(began_at.checked_add(after)?.max(earliest));
        let expires_at = lifetime.and_then(from_begin);
        let due_at = lifetime
            .map(|lifetime| self.policy.renew_after(lifetime, self.jitter))
            .and_then(from_begin)
            .filter(|due_at| expires_at.is_some_and(|end| is_ahead(*due_at, end)));
        Held {
            issued: Issued {
                token,
                stamp: Stamp {
                    account_epoch: self.account_epoch,
                    generation,
                    login,
                },
                expires_at,
                renew_at: due_at,
            },
            since: brought.since,
            due_at,
            refused: false,
            is_accepted: false,
            is_given: false,
            is_adopted: brought.is_adopted,
            invalidated_after: None,
            #[cfg(feature = "store")]
            in_store: InStore::default(),
        }
    }
}

/// Says whether a renewal comes before the end of its token. One that does not is none.
fn is_ahead(due_at: Instant, expires_at: Instant) -> bool {
    due_at < expires_at
}

/// Says whether a lifetime that ends at `known` is told once more by what is left of it, in whole
/// seconds, at some time while the login ran.
fn is_rest(told: Duration, known: Instant, began_at: Instant, ended_at: Instant) -> bool {
    later(began_at, told) <= known && known <= later(ended_at, told) + ROUNDED
}
