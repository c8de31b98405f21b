//! The machine and the oracle side by side.

#[cfg(not(feature = "store"))]
mod alone;
#[cfg(feature = "store")]
mod fleet;
mod logins;
mod requests;

use std::time::Duration;

use tokio::time::Instant;

use self::requests::endpoint;
use super::oracle::{Held, Oracle, Sent};
use super::{Event, SECOND, Text, pause, token};
use crate::session::policy::Policy;
use crate::session::state::State;
use crate::session::state::token::{Issued, LoginId, Stamp};

pub(super) struct Model {
    state: State<()>,
    oracle: Oracle,
    start: Instant,
    texts: u64,
    sent: Vec<(Stamp, Sent)>,
    login: Option<LoginId>,
    /// Logins whose outcome counts no more.
    fenced: Vec<LoginId>,
    waiters: Vec<Waiter>,
    begun: u64,
    failed: u64,
    /// When the source is asked of a session that shares a store: at once, or at the end.
    is_hasty: bool,
}

#[derive(Clone, Copy)]
struct Waiter {
    /// `None`: any usable token.
    refused: Option<(Stamp, Sent, u8)>,
    lost_once: bool,
}

impl Model {
    /// Every other session begins with a known token, and every other pair shares a store.
    pub(super) fn new(seed: u64) -> Self {
        let mut model = Self {
            state: State::new(Policy::default(), seed),
            oracle: Oracle::default(),
            start: Instant::now(),
            texts: 0,
            sent: Vec::new(),
            login: None,
            fenced: Vec::new(),
            waiters: Vec::new(),
            begun: 0,
            failed: 0,
            is_hasty: seed % 8 < 4,
        };
        #[cfg(feature = "store")]
        if seed % 4 >= 2 {
            model.state.share(40 * SECOND);
            model.oracle.detour = Some(40 * SECOND);
        }
        if seed % 2 == 1 {
            model.state.start_with(token(0), model.start);
            model.oracle.given(0);
        }
        model
    }

    pub(super) fn step(&mut self, event: Event) {
        match event {
            Event::Request => self.request(),
            Event::Refused(which, key) => {
                if let Some((stamp, sent)) = self.sent(which) {
                    self.ask(Waiter::new(Some((stamp, sent, key))));
                }
            }
            Event::RetryRefused(which, key) => {
                if let Some((stamp, sent)) = self.sent(which) {
                    let now = self.now();
                    self.state.note_refused_retry(stamp, endpoint(key), now);
                    self.oracle.retry_refused(sent, key);
                }
            }
            Event::Accepted(which, key, is_retry) => {
                if let Some((stamp, sent)) = self.sent(which) {
                    let at = endpoint(key);
                    let released = self.state.note_acceptance(stamp, at, is_retry);
                    assert_eq!(released, self.oracle.accepted(sent, key, is_retry));
                    if released {
                        self.ask_again_if(|waiter| waiter.refused.is_none());
                    }
                }
            }
            Event::Brings(text, lifetime) => self.end(Ok((text, lifetime))),
            Event::Fails(how) => self.end(Err(how)),
            Event::Adopts(text, which) => match self.oracle.detour {
                Some(_) => self.adopt(text, which),
                None => self.end(Ok((text, which))),
            },
            Event::Told(how) => match self.oracle.detour {
                Some(_) => self.told(how),
                None => self.end(Err(how)),
            },
            Event::Lost => self.lose(),
            Event::Late(how) => self.late(how),
            Event::Check => self.check(),
            Event::Clock(which) => {
                self.oracle.now += pause(which);
                self.ring();
            }
            Event::Edge(which) => {
                let edges = self.oracle.edges();
                if let Some(at) = edges.get(usize::from(which / 2) % edges.len().max(1)) {
                    let before = Duration::from_nanos(u64::from(which % 2));
                    self.oracle.now = *at - before;
                    self.ring();
                }
            }
            Event::SignOut => {
                let (_, abandoned) = self.state.sign_out(self.now());
                assert_eq!(abandoned.is_some(), self.login.is_some());
                self.oracle.signed_out(self.closed_for());
                self.fenced.extend(self.login.take());
                // They are told so.
                self.waiters.clear();
            }
            Event::Replace => {
                let abandoned = self.state.replace(self.now());
                assert_eq!(abandoned.is_some(), self.login.is_some());
                self.oracle.replaced();
                self.fenced.extend(self.login.take());
                self.ask_again(false);
            }
            Event::ResetBackoff => {
                self.state.reset_backoff(self.now());
                self.oracle.reset();
            }
            Event::Invalidate(current) => {
                let held = self.oracle.token.as_ref().map(|held| held.text);
                let text = held.filter(|_| current).unwrap_or(u64::MAX);
                let is_refused = |issued: &Issued| issued.token.is_same(&token(text));
                let known = self.state.invalidate(is_refused, self.now());
                assert_eq!(known, self.oracle.invalidated(text));
            }
        }
        self.compare();
    }

    /// L1, L2, T6: however it went, a login is made and its token used once enough time has passed.
    pub(super) fn finish(mut self) {
        self.lose();
        self.step(Event::SignOut);
        self.oracle.now += 3_600 * SECOND;
        self.request();
        assert!(self.login.is_some(), "no login after an hour");
        self.end(Ok((Text::New, 0)));
        let sent = self.sent.len();
        self.request();
        assert!(self.sent.len() > sent || sent == 8, "the token is not used");
        assert!(self.waiters.is_empty() && self.login.is_none());
    }

    /// One of those that were sent.
    fn sent(&self, which: u8) -> Option<(Stamp, Sent)> {
        let last = self.sent.len().checked_sub(1)?;
        Some(self.sent[last.saturating_sub(usize::from(which % 4))])
    }

    fn went_out(&mut self, stamp: Stamp, sent: Sent) {
        self.sent.push((stamp, sent));
        if self.sent.len() > 8 {
            self.sent.remove(0);
        }
    }

    fn compare(&self) {
        let (state, oracle) = (&self.state, &self.oracle);
        let held = oracle.token.as_ref().map(|held| token(held.text));
        match (state.in_hand(), &held) {
            (Some(issued), Some(held)) => assert!(issued.token.is_same(held), "another token"),
            (in_hand, _) => assert_eq!(in_hand.is_some(), held.is_some(), "dropped or kept"),
        }
        assert_eq!(self.login.is_some(), state.is_logging_in());
        assert_eq!(self.login.is_some(), oracle.login.is_some());
        assert!(
            self.waiters.is_empty() || self.login.is_some(),
            "left behind"
        );
        let is_invalidated = |held: &Held| held.invalidated.is_some();
        let withheld = oracle.is_held_back() || oracle.token.as_ref().is_none_or(is_invalidated);
        assert_eq!(state.usable().is_none(), withheld);
        let stats = &state.stats;
        assert_eq!(
            (stats.logins, stats.logins_failed, stats.tokens_refused),
            (self.begun, self.failed, oracle.refusals)
        );
        let by_kind = stats.logins_rejected + stats.logins_misconfigured + stats.logins_unavailable;
        assert_eq!(by_kind, stats.logins_failed);
        assert!(stats.logins_succeeded + stats.logins_failed <= stats.logins);
    }

    fn closed_for(&self) -> Option<Duration> {
        self.state.status(self.now()).next_login_in
    }

    fn now(&self) -> Instant {
        self.start + self.oracle.now
    }
}
