//! What follows on a refusal, and on an acceptance.
//!
//! A refusal is a strike if the token was new to everybody: nobody was accepted with it, or it had
//! lived for less than a few seconds. It is one strike for each token, counted by its [`Proof`].

use tokio::time::Instant;

use super::evidence::{Key, Proof};
use super::login::Hold;
use super::throttle::LoginCause;
use super::token::{Age, Issued, Stamp};
use super::{Decision, State};
use crate::error::AuthError;

impl<W> State<W> {
    /// The token in hand was refused, and its caller wants a newer one.
    pub(super) fn renew(&mut self, refused: Stamp, key: Key, now: Instant) -> Decision {
        let Some(current) = self.in_hand() else {
            return self.need(now);
        };
        if current.stamp.login > refused.login && self.login.is_none() {
            return Decision::Refuse(AuthError::unchanged());
        }
        let has_expired = current.age(|| now) == Age::Expired;
        if let Some(previous) = self.fallback(now) {
            self.note_refusal(refused, key, now);
            return Decision::Use(previous);
        }
        let proof = self.note_refusal(refused, key, now);
        let cause = match has_expired {
            true => LoginCause::Need,
            false => LoginCause::Refusal(proof),
        };
        self.join(cause, now)
    }

    /// Notes that a token was refused there, and returns how much that says.
    pub(in crate::session) fn note_refusal(
        &mut self,
        refused: Stamp,
        key: Key,
        now: Instant,
    ) -> Proof {
        let is_refused = |issued: &Issued| issued.stamp.is_same_token(refused);
        if self.previous.as_ref().is_some_and(is_refused) {
            self.keep_what_goes();
            self.previous = None;
        }
        let held = self.held.as_mut();
        let Some(held) = held.filter(|held| is_refused(&held.issued)) else {
            return Proof::None;
        };
        let proof = self.evidence.judge(key, held.is_accepted);
        if held.refused {
            return proof;
        }
        held.refused = true;
        let age = now.duration_since(held.since);
        let is_fresh = age < self.policy.fresh_token_age;
        let is_given = held.is_given;
        let is_new = !held.is_accepted && !held.is_adopted;
        self.stats.tokens_refused += 1;
        self.log.refused(&held.issued);
        // Nobody was asked for a given one.
        let is_strike = !is_given && (is_fresh || is_new);
        if is_strike {
            self.strike(proof, !is_fresh, now);
        } else if !is_given && !self.evidence.is_in_vain(key) {
            self.throttle.forgive();
        }
        proof
    }

    /// Notes that a retry was refused as well: the login before it healed nothing there.
    pub(in crate::session) fn note_refused_retry(&mut self, sent: Stamp, key: Key, now: Instant) {
        let is_current = |issued: &Issued| issued.stamp.is_same_token(sent);
        if self.in_hand().is_some_and(is_current) {
            self.evidence.note_in_vain(key);
        }
        self.note_refusal(sent, key, now);
    }

    /// Notes that this token was good, and not enough: its login did not help. However many say so,
    /// that is one strike.
    pub(in crate::session) fn note_not_enough(&mut self, sent: Stamp, now: Instant) {
        if self.mark_invalid(|issued| issued.stamp.is_same_token(sent)) {
            self.strike(Proof::None, false, now);
        }
    }

    /// Notes that a retry with a stronger token was refused. Nobody else uses that token.
    pub(in crate::session) fn note_refused_step_up(&mut self, sent: Stamp, now: Instant) {
        self.invalidate(|issued| issued.stamp.is_same_token(sent), now);
    }

    /// Notes that a token was accepted there. `true`: requests that were held back may go out.
    pub(in crate::session) fn note_acceptance(
        &mut self,
        sent: Stamp,
        key: Key,
        is_retry: bool,
    ) -> bool {
        let held = self.held.as_mut();
        let Some(held) = held.filter(|held| held.issued.stamp.is_same_token(sent)) else {
            return false;
        };
        held.is_accepted = true;
        let was_refused = held.refused;
        self.evidence.note_acceptance(key);
        if is_retry {
            self.throttle.redeem();
        }
        let login = self.login.as_mut().filter(|_| was_refused);
        let Some(login) = login.filter(|login| login.holds_back()) else {
            return false;
        };
        login.hold = Hold::Over;
        true
    }

    /// `false`: another token is in hand, or this was known.
    pub(in crate::session) fn invalidate(
        &mut self,
        is_refused: impl FnOnce(&Issued) -> bool,
        now: Instant,
    ) -> bool {
        let is_marked = self.mark_invalid(is_refused);
        if let Some(stamp) = self.in_hand().map(|it| it.stamp).filter(|_| is_marked) {
            self.note_refusal(stamp, Key::UNKNOWN, now);
        }
        is_marked
    }

    /// `false`: another token is in hand, or it was marked already.
    fn mark_invalid(&mut self, is_it: impl FnOnce(&Issued) -> bool) -> bool {
        let held = self.held.as_mut();
        let held = held.filter(|held| !held.is_invalidated() && is_it(&held.issued));
        let Some(held) = held else {
            return false;
        };
        held.invalidated_after = Some(super::LoginId(self.logins));
        self.keep_what_goes();
        self.previous = None;
        true
    }

    pub(super) fn strike(&mut self, proof: Proof, is_redeemable: bool, now: Instant) {
        let pause = self
            .throttle
            .strike(proof, is_redeemable, &self.policy, now);
        if let Some(pause) = pause {
            self.log.no_help(pause);
        }
    }

    /// The token before, where the one in hand is so new that it may not be known everywhere.
    fn fallback(&self, now: Instant) -> Option<Issued> {
        let held = self.held.as_ref().filter(|held| !held.is_accepted)?;
        let is_fresh = now.duration_since(held.since) < self.policy.fresh_token_age;
        let previous = self.previous.as_ref().filter(|_| is_fresh)?;
        (previous.age(|| now) != Age::Expired).then(|| previous.clone())
    }
}
