//! How a login begins, and whom it holds back while it is under way.

use std::time::Duration;

use tokio::time::Instant;

#[cfg(doc)]
use super::Decision;
use super::login::{Hold, Login};
use super::throttle::LoginCause;
use super::token::LoginId;
use super::{Ask, State};
use crate::session::policy::later;

/// How much longer than its time limit a login may stay silent before it counts as lost.
pub(super) const GRACE: Duration = Duration::from_secs(1);

impl<W> State<W> {
    /// Follows [`Decision::Begin`] and [`is_due`](Self::is_due). Returns the waiters of a login
    /// that is overdue, to be dropped.
    pub(in crate::session) fn begin(
        &mut self,
        cause: LoginCause,
        waiters: W,
        now: Instant,
    ) -> (LoginId, Option<W>) {
        if !self.is_shared() {
            self.count_login(cause);
        }
        self.logins += 1;
        let id = LoginId(self.logins);
        let most = self.policy.login_timeout.saturating_add(GRACE);
        let overdue_at = later(now, most.saturating_add(self.detour()));
        let is_look = self.throttle.pass(cause, now).is_err();
        if is_look {
            self.note_look(now);
        }
        let overdue = self.login.replace(Login {
            id,
            cause,
            is_tried: !self.is_shared(),
            is_look,
            hold: Hold::No,
            began_at: now,
            overdue_at,
            waiters,
        });
        if let LoginCause::Refusal(_) = cause {
            self.hold_back(now);
        }
        if let Some(held) = &mut self.held {
            // Should nobody ever hear of this login again, the next one is due then.
            held.issued.renew_at = held.due_at.map(|_| overdue_at);
            if cause == LoginCause::Ahead {
                self.log.ahead(&held.issued);
            }
        }
        (id, overdue.map(|login| login.waiters))
    }

    pub(super) fn count_login(&mut self, cause: LoginCause) {
        self.stats.logins += 1;
        self.stats.logins_ahead += u64::from(cause == LoginCause::Ahead);
    }

    /// The waiters of the login under way.
    pub(in crate::session) fn waiters(&mut self) -> Option<&mut W> {
        self.login.as_mut().map(|login| &mut login.waiters)
    }

    /// When one who waits for the login under way is to ask again: the login is overdue, or the
    /// token in hand may be used after all. And whether it waits only because of the latter.
    pub(in crate::session) fn ask_again_at(&self, ask: Ask) -> (Option<Instant>, bool) {
        let Some(login) = &self.login else {
            return (None, false);
        };
        match (ask, login.hold) {
            (Ask::Token | Ask::Of(_), Hold::Until(until)) => {
                (Some(until.min(login.overdue_at)), true)
            }
            _ => (Some(login.overdue_at), false),
        }
    }

    #[cfg(any(test, fuzzing))]
    pub(super) fn is_logging_in(&self) -> bool {
        self.login.is_some()
    }

    pub(super) fn is_under_way(&self, now: Instant) -> bool {
        let login = self.login.as_ref();
        login.is_some_and(|login| now < login.overdue_at)
    }

    /// From now on new requests wait for the login, but not for long.
    pub(super) fn hold_back(&mut self, now: Instant) {
        let until = later(now, self.policy.renewal_hold);
        let is_free = |login: &&mut Login<W>| login.hold == Hold::No && !login.is_look;
        if let Some(login) = self.login.as_mut().filter(is_free) {
            login.hold = Hold::Until(until);
        }
    }

    pub(super) fn end_hold(&mut self, now: Instant) {
        let is_over = |login: &&mut Login<W>| matches!(login.hold, Hold::Until(at) if at <= now);
        if let Some(login) = self.login.as_mut().filter(is_over) {
            login.hold = Hold::Over;
        }
    }
}
