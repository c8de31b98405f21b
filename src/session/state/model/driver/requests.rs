//! What those are told who ask, and who waits for a login.

use std::str::FromStr;

use http::{Method, Uri};

use super::{Model, Waiter};
use crate::session::state::evidence::Key;
use crate::session::state::model::oracle::{Answer, Failure, Hold, Sent};
use crate::session::state::model::token;
use crate::session::state::throttle::LoginCause;
use crate::session::state::token::{Age, Stamp};
use crate::session::state::{Ask, Decision};

impl Model {
    pub(super) fn request(&mut self) {
        self.ask(Waiter::new(None));
    }

    pub(super) fn ask(&mut self, waiter: Waiter) {
        let ask = match waiter.refused {
            Some((stamp, _, key)) => Ask::Newer(stamp, endpoint(key)),
            None => Ask::Token,
        };
        let decision = self.state.decide(ask, self.now());
        let allowed = match waiter.refused {
            Some((_, sent, key)) => self.oracle.refused(sent, key),
            None => self.oracle.asked(),
        };
        let answered = answer(&decision);
        let is_use = matches!((answered, allowed), (Answer::Use, Answer::Fallback));
        assert!(
            is_use || answered == allowed,
            "{answered:?}, not {allowed:?}"
        );
        match decision {
            Decision::Use(issued) => {
                let (text, sent) = match allowed {
                    Answer::Fallback => {
                        let previous = self.oracle.previous.as_ref();
                        previous
                            .map(|it| (it.text, it.sent))
                            .expect("no token before")
                    }
                    _ => {
                        let held = self.oracle.unexpired().expect("an expired token");
                        (held.text, self.oracle.sent().expect("a token in hand"))
                    }
                };
                assert!(token(text).is_same(&issued.token), "another token");
                self.went_out(issued.stamp, sent);
                if issued.age(|| self.now()) == Age::Due {
                    self.renew_ahead();
                }
            }
            Decision::Begin(cause) => {
                self.begin(cause);
                self.waiters.push(waiter);
            }
            Decision::Join => {
                assert!(self.login.is_some(), "waits for a login that is over");
                self.waiters.push(waiter);
            }
            Decision::Refuse(_) => {}
        }
    }

    pub(super) fn check(&mut self) {
        let Some(issued) = self.state.usable().cloned() else {
            return;
        };
        match issued.age(|| self.now()) {
            Age::Expired => return,
            Age::Due => self.renew_ahead(),
            Age::Good => assert!(!self.oracle.ahead().1, "a renewal ahead is late"),
        }
        assert!(self.oracle.unexpired().is_some());
        let sent = self.oracle.sent().expect("a token out of nowhere");
        self.went_out(issued.stamp, sent);
    }

    fn renew_ahead(&mut self) {
        let (may, must) = self.oracle.ahead();
        let is_due = self.state.is_due(self.now());
        assert!(may || !is_due, "a renewal ahead that is not allowed");
        assert!(is_due || !must, "a renewal ahead is late");
        if is_due {
            self.begin(LoginCause::Ahead);
        }
    }

    /// No waiter is left behind: each asks anew, but for one that lost two logins.
    pub(super) fn ask_again(&mut self, lost: bool) {
        for mut waiter in std::mem::take(&mut self.waiters) {
            if !(lost && waiter.lost_once) {
                waiter.lost_once |= lost;
                self.ask(waiter);
            }
        }
    }

    /// R7, T3: those whose time has come ask again, as the session lets them.
    pub(super) fn ring(&mut self) {
        let now = self.oracle.now;
        let Some(login) = &self.oracle.login else {
            return;
        };
        let is_overdue = login.overdue <= now;
        let may_go = matches!(login.hold, Hold::Until(until) if until <= now);
        self.ask_again_if(|waiter| is_overdue || may_go && waiter.refused.is_none());
    }

    pub(super) fn ask_again_if(&mut self, asks: impl Fn(&Waiter) -> bool) {
        let (asking, waiting) = self.waiters.drain(..).partition(asks);
        self.waiters = waiting;
        let asking: Vec<Waiter> = asking;
        asking.into_iter().for_each(|waiter| self.ask(waiter));
    }
}

impl Waiter {
    pub(super) fn new(refused: Option<(Stamp, Sent, u8)>) -> Self {
        Self {
            refused,
            lost_once: false,
        }
    }
}

pub(super) fn endpoint(key: u8) -> Key {
    let uri = Uri::from_str(&format!("/{key}")).expect("a path");
    Key::of(&Method::GET, &uri)
}

fn answer(decision: &Decision) -> Answer {
    match decision {
        Decision::Use(_) => Answer::Use,
        Decision::Join => Answer::Join,
        Decision::Begin(cause) => Answer::Begin(*cause),
        Decision::Refuse(error) if error.is_signed_out() => Answer::SignedOut,
        Decision::Refuse(error) if error.is_unchanged() => Answer::Unchanged,
        Decision::Refuse(error) => {
            assert!(error.retry_after().is_some_and(|after| !after.is_zero()));
            match error {
                error if error.is_throttled() => Answer::Throttled,
                error if error.is_rejected() => Answer::Closed(Failure::Rejected),
                error if error.is_misconfigured() => Answer::Closed(Failure::Misconfigured),
                _ => Answer::Closed(Failure::Unavailable),
            }
        }
    }
}
