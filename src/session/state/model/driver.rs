//! The machine and the oracle side by side.

use std::str::FromStr;
use std::time::Duration;

use http::{Method, Uri};
use tokio::time::Instant;

use super::oracle::{Answer, Failure, Held, Hold, Oracle, Sent};
use super::{Event, SECOND, Text, failure, living, pause, token};
use crate::AuthError;
use crate::session::policy::Policy;
use crate::session::state::evidence::Key;
#[cfg(feature = "store")]
use crate::session::state::shared::Adopted;
use crate::session::state::throttle::LoginCause;
use crate::session::state::token::{Age, Issued, LoginId, Stamp};
use crate::session::state::{Ask, Decision, State};

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

    fn request(&mut self) {
        self.ask(Waiter::new(None));
    }

    fn ask(&mut self, waiter: Waiter) {
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

    fn check(&mut self) {
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

    fn begin(&mut self, cause: LoginCause) {
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

    fn end(&mut self, outcome: Result<(Text, u8), u8>) {
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
    fn text(&mut self, text: Text) -> u64 {
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
    fn compare_sent(&self, stamp: Stamp) {
        for (sent, oracles) in &self.sent {
            assert_eq!(sent.is_same_token(stamp), self.oracle.is_token_of(*oracles));
        }
    }

    fn lose(&mut self) {
        if let Some(id) = self.login.take() {
            assert!(self.state.give_up(id, self.now()).is_some());
            self.oracle.gone(self.closed_for());
            self.ask_again(true);
        }
    }

    fn late(&mut self, how: u8) {
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

    /// A login through a store comes to ask its source, unless it only looks.
    #[cfg(feature = "store")]
    fn fetch(&mut self, id: LoginId) {
        let login = self.oracle.login.as_mut();
        let Some(login) = login.filter(|login| !login.is_tried && !login.is_look) else {
            return;
        };
        login.is_tried = true;
        login.began = self.oracle.now;
        self.begun += 1;
        self.state.note_fetch(id, self.now());
    }

    #[cfg(feature = "store")]
    fn adopt(&mut self, text: Text, which: u8) {
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

    #[cfg(feature = "store")]
    fn told(&mut self, how: u8) {
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

    #[cfg(feature = "store")]
    fn find_nothing(&mut self) {
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

    /// No waiter is left behind: each asks anew, but for one that lost two logins.
    fn ask_again(&mut self, lost: bool) {
        for mut waiter in std::mem::take(&mut self.waiters) {
            if !(lost && waiter.lost_once) {
                waiter.lost_once |= lost;
                self.ask(waiter);
            }
        }
    }

    /// R7, T3: those whose time has come ask again, as the session lets them.
    fn ring(&mut self) {
        let now = self.oracle.now;
        let Some(login) = &self.oracle.login else {
            return;
        };
        let is_overdue = login.overdue <= now;
        let may_go = matches!(login.hold, Hold::Until(until) if until <= now);
        self.ask_again_if(|waiter| is_overdue || may_go && waiter.refused.is_none());
    }

    fn ask_again_if(&mut self, asks: impl Fn(&Waiter) -> bool) {
        let (asking, waiting) = self.waiters.drain(..).partition(asks);
        self.waiters = waiting;
        let asking: Vec<Waiter> = asking;
        asking.into_iter().for_each(|waiter| self.ask(waiter));
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

/// A session that shares no store.
#[cfg(not(feature = "store"))]
impl Model {
    fn fetch(&mut self, _: LoginId) {}

    fn adopt(&mut self, _: Text, _: u8) {}

    fn told(&mut self, _: u8) {}

    fn find_nothing(&mut self) {}
}

impl Waiter {
    fn new(refused: Option<(Stamp, Sent, u8)>) -> Self {
        Self {
            refused,
            lost_once: false,
        }
    }
}

fn endpoint(key: u8) -> Key {
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
