//! A session that shares a store: when its source is asked, and what another process does.

use std::time::Duration;

use super::Model;
use crate::AuthError;
use crate::session::state::model::oracle::Failure;
use crate::session::state::model::{SECOND, Text, living, pause, token};
use crate::session::state::shared::Adopted;
use crate::session::state::token::LoginId;

impl Model {
    /// A login through a store comes to ask its source, unless it only looks.
    pub(super) fn fetch(&mut self, id: LoginId) {
        let login = self.oracle.login.as_mut();
        let Some(login) = login.filter(|login| !login.is_tried && !login.is_look) else {
            return;
        };
        login.is_tried = true;
        login.began = self.oracle.now;
        self.begun += 1;
        self.state.note_fetch(id, self.now());
    }

    pub(super) fn adopt(&mut self, text: Text, which: u8) {
        let Some(id) = self.login.take() else {
            return;
        };
        const AGES: [u64; 4] = [0, 1, 10, 1_000];
        let age = AGES[usize::from(which / 10) % 4];
        let age = Duration::from_secs(age).min(self.oracle.now);
        let text = self.text(text);
        let (token, lifetime) = living(token(text), which);
        let adopted = Adopted {
            token,
            age,
            number: self.texts,
        };
        let ended = self.state.adopt(id, adopted, self.now());
        self.oracle.brought(text, lifetime, Some(age));
        let (_, outcome) = ended.expect("a login under way that cannot end");
        self.compare_sent(outcome.expect("a token is an error").stamp);
        self.waiters.clear();
    }

    pub(super) fn told(&mut self, how: u8) {
        if self.oracle.login.as_ref().is_some_and(|it| it.is_look) {
            return self.find_nothing();
        }
        let Some(id) = self.login.take() else {
            return;
        };
        let (failure, error) = match how % 2 {
            0 => (Failure::Rejected, AuthError::rejected("no")),
            _ => (Failure::Unavailable, AuthError::unavailable("busy")),
        };
        let rest = pause(how / 2).min(3_600 * SECOND);
        let ended = self.state.note_told(id, error, rest, self.now());
        let (_, outcome) = ended.expect("a login under way that cannot end");
        let error = outcome.expect_err("an error is a token");
        self.oracle.told(failure, rest, error.retry_after());
        self.waiters.clear();
    }

    pub(super) fn find_nothing(&mut self) {
        let Some(id) = self.login.take() else {
            return;
        };
        let ended = self.state.note_nothing_new(id, self.now());
        let (_, error) = ended.expect("a look under way that cannot end");
        let closed = self.oracle.found_nothing();
        assert_eq!(error.is_some(), closed.is_some());
        match error {
            Some(_) => self.waiters.clear(),
            // They hear that it is gone.
            None => self.ask_again(true),
        }
    }
}
