//! What a sign-out or a replaced source separates: accounts, and the waiters of the one from the
//! other.

use tokio::time::Instant;

use super::State;
use super::evidence::{Evidence, Proof};
use crate::error::AuthError;
use crate::session::state::throttle::LoginCause;
use crate::session::state::token::{Age, Issued};
use crate::token::Token;

impl<W> State<W> {
    /// Returns the token that is given up, and the waiters of a login that is abandoned. Its
    /// credentials may have been tried, so it counts as lost.
    pub(in crate::session) fn sign_out(&mut self, now: Instant) -> (Option<Token>, Option<W>) {
        self.account_epoch += 1;
        self.signed_out = self.account_epoch;
        self.keep_what_goes();
        let given_up = self.held.take().map(|held| held.issued.token);
        self.forget();
        self.part(now);
        let abandoned = self.login.take();
        if abandoned.as_ref().is_some_and(|login| login.is_tried) {
            self.count_loss(now);
        }
        (given_up, abandoned.map(|login| login.waiters))
    }

    /// The source is another one, and with it the account.
    pub(in crate::session) fn replace(&mut self, now: Instant) -> Option<W> {
        self.account_epoch += 1;
        self.keep_what_goes();
        self.held = None;
        self.forget();
        self.part(now);
        self.throttle.reset();
        self.login.take().map(|login| login.waiters)
    }

    /// The token for one who was granted one before and had to wait since; `None`: there is none
    /// now. `sent`: the server has seen its request. A token may expire while the inner service
    /// gets ready: another one is waited for once, not for ever (`has_waited_again`).
    ///
    /// # Errors
    ///
    /// The session was signed out since, or the request would be repeated as another account.
    pub(in crate::session) fn recheck(
        &self,
        granted: &Issued,
        sent: bool,
        has_waited_again: bool,
        now: Instant,
    ) -> Result<Option<Issued>, AuthError> {
        let is_current = self.is_current(granted.stamp.account_epoch)?;
        if sent && !is_current {
            return Err(AuthError::signed_out());
        }
        let unexpired = |issued: &&Issued| issued.age(|| now) != Age::Expired;
        let is_granted = |it: &&Issued| it.stamp.is_same_token(granted.stamp);
        if let Some(previous) = self.previous.as_ref().filter(is_granted) {
            if sent && unexpired(&granted) {
                return Ok(Some(previous.clone()));
            }
        }
        if let Some(issued) = self.usable().filter(unexpired) {
            return Ok(Some(issued.clone()));
        }
        // There will be no better one: a login for it is not allowed, or was waited for already.
        let stamp = self.in_hand().map(|issued| issued.stamp);
        let stays = stamp == Some(granted.stamp)
            && unexpired(&granted)
            && self.login.is_none()
            && self
                .throttle
                .pass(LoginCause::Refusal(Proof::None), now)
                .is_err();
        let stays = stays || is_current && has_waited_again;
        Ok(stays.then(|| granted.clone()))
    }

    fn forget(&mut self) {
        self.previous = None;
        self.evidence = Evidence::new();
    }

    /// `false`: there is another source since.
    ///
    /// # Errors
    ///
    /// The session was signed out since.
    pub(in crate::session) fn is_current(&self, account_epoch: u64) -> Result<bool, AuthError> {
        if account_epoch < self.signed_out {
            return Err(AuthError::signed_out());
        }
        Ok(account_epoch == self.account_epoch)
    }

    /// The last sign-out came after the last change of the source.
    pub(in crate::session) fn is_signed_out(&self) -> bool {
        self.signed_out > 0 && self.signed_out == self.account_epoch
    }

    pub(in crate::session) fn account_epoch(&self) -> u64 {
        self.account_epoch
    }
}
