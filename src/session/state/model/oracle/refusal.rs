//! What a refusal and an acceptance change, and what a refused request is told.

use super::{Answer, Hold, Oracle, Previous, SECOND, Sent};
use crate::session::state::evidence::Proof;
use crate::session::state::throttle::LoginCause;

impl Oracle {
    /// R2, R4, R6, T7: what one is told whose token was refused at that endpoint.
    pub(in crate::session) fn refused(&mut self, sent: Sent, key: u8) -> Answer {
        if sent.account_epoch != self.account_epoch {
            return Answer::SignedOut;
        }
        match &self.token {
            Some(held) if held.generation == sent.generation => {
                if held.arrival > sent.arrival && self.login.is_none() {
                    return Answer::Unchanged;
                }
            }
            _ => {
                self.count_refusal(sent, key);
                return self.asked();
            }
        }
        if self.is_fallback() {
            self.count_refusal(sent, key);
            return Answer::Fallback;
        }
        let proof = self.count_refusal(sent, key);
        let cause = match self.unexpired() {
            Some(_) => LoginCause::Refusal(proof),
            None => LoginCause::Need,
        };
        if self.is_under_way() {
            if cause != LoginCause::Need {
                self.hold_back();
            }
            return Answer::Join;
        }
        self.refused_to(cause).unwrap_or(Answer::Begin(cause))
    }

    /// R6: a retry was refused as well.
    pub(in crate::session) fn retry_refused(&mut self, sent: Sent, key: u8) {
        if self.is_token_of(sent) {
            self.strikes.note_in_vain(key);
        }
        self.count_refusal(sent, key);
    }

    /// R6, R7: `true` if those who were held back may go out.
    pub(in crate::session) fn accepted(&mut self, sent: Sent, key: u8, is_retry: bool) -> bool {
        if !self.is_token_of(sent) {
            return false;
        }
        self.strikes.note_acceptance(key);
        if is_retry {
            self.strikes.redeem();
        }
        let held = self.token.as_mut().expect("it is its token");
        held.accepted = true;
        let was_refused = held.refused;
        let is_held_back = self.is_held_back();
        if was_refused && is_held_back {
            self.login.iter_mut().for_each(|it| it.hold = Hold::Over);
        }
        was_refused && is_held_back
    }

    /// R6: a refusal of a token that is new to everybody is a strike.
    pub(super) fn count_refusal(&mut self, sent: Sent, key: u8) -> Proof {
        let is_previous = |previous: &mut Previous| {
            (previous.sent.account_epoch, previous.sent.generation)
                == (sent.account_epoch, sent.generation)
        };
        self.previous.take_if(is_previous);
        if !self.is_token_of(sent) {
            return Proof::None;
        }
        let held = self.token.as_mut().expect("it is its token");
        let proof = self.strikes.judge(key, held.accepted);
        if held.refused {
            return proof;
        }
        held.refused = true;
        self.refusals += 1;
        let is_fresh = self.now - held.since < 5 * SECOND;
        if held.given {
            return proof;
        }
        if is_fresh || !held.accepted && !held.adopted {
            self.strikes.strike(proof, !is_fresh, self.now);
        } else if !self.strikes.is_in_vain(key) {
            self.strikes.forgive();
        }
        proof
    }

    /// The token in hand is so new that it may not be known everywhere.
    fn is_fallback(&self) -> bool {
        let held = self.token.as_ref();
        let is_new = held.is_some_and(|held| !held.accepted && self.now - held.since < 5 * SECOND);
        let previous = self.previous.as_ref();
        is_new && previous.is_some_and(|it| it.expires.is_none_or(|at| self.now < at))
    }
}
