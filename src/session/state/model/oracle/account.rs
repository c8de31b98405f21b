//! Tokens that were given or reported, sign-outs and other sources.

use std::time::Duration;

use super::strikes::Strikes;
use super::{Held, Oracle};

impl Oracle {
    /// T8.
    pub(in crate::session) fn given(&mut self, text: u64) {
        self.generations += 1;
        let held = self.new_token(text, None, self.now);
        self.token = Some(Held {
            generation: self.generations,
            given: true,
            ..held
        });
    }

    pub(in crate::session) fn reset(&mut self) {
        if let Some((_, until)) = &mut self.failure {
            *until = self.now.min(*until);
        }
        self.strikes.open();
        let held = self.token.iter_mut().filter(|_| self.login.is_none());
        held.for_each(|held| held.rest_until = Duration::ZERO);
    }

    pub(in crate::session) fn invalidated(&mut self, text: u64) -> bool {
        let held = self.token.as_mut();
        let Some(held) = held.filter(|held| held.text == text && held.invalidated.is_none()) else {
            return false;
        };
        held.invalidated = Some(self.logins);
        self.previous = None;
        let sent = self.sent().expect("a token in hand");
        self.count_refusal(sent, u8::MAX);
        true
    }

    /// T7: a login under way is abandoned, which counts as a loss.
    pub(in crate::session) fn signed_out(&mut self, pause: Option<Duration>) {
        self.account_epoch += 1;
        (self.token, self.previous) = (None, None);
        self.strikes.forget();
        self.next_look = Duration::ZERO;
        if self.login.is_some() {
            self.gone(pause);
        }
    }

    pub(in crate::session) fn replaced(&mut self) {
        self.account_epoch += 1;
        (self.token, self.previous, self.login) = (None, None, None);
        (self.rejections, self.misconfigurations, self.outages) = (0, 0, 0);
        (self.losses, self.failure) = (0, None);
        self.strikes = Strikes::default();
        self.next_look = Duration::ZERO;
    }
}
