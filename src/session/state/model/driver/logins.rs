//! How logins begin and end, in the machine and in the oracle.

use super::Model;
use crate::AuthError;
use crate::session::state::model::{Text, failure, living, token};
use crate::session::state::throttle::LoginCause;
use crate::session::state::token::Stamp;

impl Model {
    pub(super) fn begin(&mut self, cause: LoginCause) {
        self.oracle.begun(cause);
        self.begun += u64::from(self.oracle.detour.is_none());
        let (id, overdue) = self.state.begin(cause, (), self.now());
        assert_eq!(overdue.is_some(), self.login.is_some());
        let overdue = self.login.replace(id);
        if self.is_hasty {
            self.fetch(id);
        }
        if overdue.is_some() {
            self.fenced.extend(overdue);
            // Its waiters hear of it, and find the new one.
            self.ask_again(true);
        }
    }

    pub(super) fn end(&mut self, outcome: Result<(Text, u8), u8>) {
        if self.oracle.login.as_ref().is_some_and(|it| it.is_look) {
            return self.find_nothing();
        }
        let Some(id) = self.login.take() else {
            return;
        };
        self.fetch(id);
        let now = self.now();
        let over = "a login under way that cannot end";
        match outcome {
            Ok((text, lifetime)) => {
                let text = self.text(text);
                let (brought, lifetime) = living(token(text), lifetime);
                let ended = self.state.end(id, Ok(brought), now);
                self.oracle.brought(text, lifetime, None);
                let (_, outcome) = ended.expect(over);
                self.compare_sent(outcome.expect("a token is an error").stamp);
            }
            Err(how) => {
                let (failure, asked, error) = failure(how);
                let (_, outcome) = self.state.end(id, Err(error), now).expect(over);
                let error = outcome.expect_err("an error is a token");
                self.oracle.failed(failure, asked, error.retry_after());
                self.failed += 1;
            }
        }
        // Each of them has its answer.
        self.waiters.clear();
    }

    /// The text that a login brings.
    pub(super) fn text(&mut self, text: Text) -> u64 {
        match (text, &self.oracle.token) {
            (Text::Same, Some(held)) => held.text,
            (Text::Before, Some(held)) => held.text.saturating_sub(1),
            _ => {
                self.texts += 1;
                self.texts
            }
        }
    }

    /// R2: the requests that were sent with this token are those that the oracle says.
    pub(super) fn compare_sent(&self, stamp: Stamp) {
        for (sent, oracles) in &self.sent {
            assert_eq!(sent.is_same_token(stamp), self.oracle.is_token_of(*oracles));
        }
    }

    pub(super) fn lose(&mut self) {
        if let Some(id) = self.login.take() {
            assert!(self.state.give_up(id, self.now()).is_some());
            self.oracle.gone(self.closed_for());
            self.ask_again(true);
        }
    }

    pub(super) fn late(&mut self, how: u8) {
        let Some(id) = self.fenced.pop() else {
            return;
        };
        let outcome = match how % 3 {
            0 => Ok(token(u64::MAX)),
            1 => Err(AuthError::rejected("late")),
            _ => return assert!(self.state.give_up(id, self.now()).is_none()),
        };
        assert!(self.state.end(id, outcome, self.now()).is_none());
    }
}
