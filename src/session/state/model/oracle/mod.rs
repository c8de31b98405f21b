//! What the rules allow, told from their text alone: it knows neither the throttle nor the policy.

mod strikes;

use std::time::Duration;

use self::strikes::Strikes;
use crate::session::state::evidence::Proof;
use crate::session::state::throttle::LoginCause;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3_600);

/// Time is counted from the beginning of the run.
#[derive(Debug, Default)]
pub(super) struct Oracle {
    pub(super) now: Duration,
    pub(super) token: Option<Held>,
    /// The token before, which others were accepted with.
    pub(super) previous: Option<Previous>,
    pub(super) login: Option<UnderWay>,
    pub(super) refusals: u64,
    account_epoch: u64,
    generations: u64,
    arrivals: u64,
    logins: u64,
    rejections: u32,
    misconfigurations: u32,
    outages: u32,
    losses: u32,
    failure: Option<(Failure, Duration)>,
    strikes: Strikes,
    /// How much longer a login may take of a session that shares a store.
    pub(super) detour: Option<Duration>,
    next_look: Duration,
}

#[derive(Debug)]
pub(super) struct Held {
    pub(super) text: u64,
    generation: u64,
    arrival: u64,
    since: Duration,
    /// After that login had begun.
    pub(super) invalidated: Option<u64>,
    refused: bool,
    accepted: bool,
    given: bool,
    /// Another process got it.
    adopted: bool,
    expires: Option<Duration>,
    /// From when on it may be renewed ahead, and must.
    ahead: Option<(Duration, Duration)>,
    /// After a login that was lost, unless another one has failed since.
    rest_until: Duration,
}

#[derive(Debug)]
pub(super) struct Previous {
    pub(super) text: u64,
    pub(super) sent: Sent,
    expires: Option<Duration>,
}

#[derive(Debug)]
pub(super) struct UnderWay {
    id: u64,
    cause: LoginCause,
    pub(super) hold: Hold,
    /// F10: the store is read, and no login made.
    pub(super) is_look: bool,
    /// The source was asked.
    pub(super) is_tried: bool,
    /// When the source was asked. Until then, when the wait for another process began.
    pub(super) began: Duration,
    pub(super) overdue: Duration,
}

/// R7: since a refusal asked for it, new requests wait for it, for two seconds at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hold {
    No,
    Until(Duration),
    Over,
}

/// What a request was sent with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sent {
    account_epoch: u64,
    generation: u64,
    arrival: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    Rejected,
    Misconfigured,
    Unavailable,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Use,
    /// The token before.
    Fallback,
    Join,
    Begin(LoginCause),
    Closed(Failure),
    Throttled,
    Unchanged,
    SignedOut,
}

impl Oracle {
    /// T2, T5, L1, R7: what one who asks for a token is told.
    pub(super) fn asked(&mut self) -> Answer {
        let now = self.now;
        if let Some(login) = &mut self.login {
            if matches!(login.hold, Hold::Until(until) if until <= now) {
                login.hold = Hold::Over;
            }
        }
        let Some(held) = self.unexpired() else {
            return match self.refused_to(LoginCause::Need) {
                _ if self.is_under_way() => Answer::Join,
                Some(closed) => closed,
                None => Answer::Begin(LoginCause::Need),
            };
        };
        let is_invalidated = held.invalidated.is_some();
        if !is_invalidated && !self.is_held_back() {
            return Answer::Use;
        }
        if self.is_under_way() {
            self.hold_back();
            let is_over = self.login.as_ref().is_some_and(|it| it.hold == Hold::Over);
            return if is_over { Answer::Use } else { Answer::Join };
        }
        let cause = LoginCause::Refusal(Proof::None);
        self.refused_to(cause)
            .map_or(Answer::Begin(cause), |_| Answer::Use)
    }

    /// R2, R4, R6, T7: what one is told whose token was refused at that endpoint.
    pub(super) fn refused(&mut self, sent: Sent, key: u8) -> Answer {
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
    pub(super) fn retry_refused(&mut self, sent: Sent, key: u8) {
        if self.is_token_of(sent) {
            self.strikes.note_in_vain(key);
        }
        self.count_refusal(sent, key);
    }

    /// R6, R7: `true` if those who were held back may go out.
    pub(super) fn accepted(&mut self, sent: Sent, key: u8, is_retry: bool) -> bool {
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

    /// T6: may, and must, a login begin in the background of the requests?
    pub(super) fn ahead(&self) -> (bool, bool) {
        let Some((held, (may, must))) = self.unexpired().and_then(|held| Some((held, held.ahead?)))
        else {
            return (false, false);
        };
        let open = !self.is_under_way()
            && self.closed(LoginCause::Ahead).is_none()
            && self.now >= held.rest_until;
        (open && self.now >= may, open && self.now >= must)
    }

    pub(super) fn begun(&mut self, cause: LoginCause) {
        assert!(!self.is_under_way(), "two logins at a time");
        let is_look = self.closed(cause).is_some();
        assert_eq!(self.refused_to(cause), None, "a login that is not allowed");
        if is_look {
            self.next_look = self.now + SECOND;
        }
        self.logins += 1;
        self.login = Some(UnderWay {
            id: self.logins,
            cause,
            hold: match cause {
                LoginCause::Refusal(_) if !is_look => Hold::Until(self.now + 2 * SECOND),
                _ => Hold::No,
            },
            is_look,
            is_tried: self.detour.is_none(),
            began: self.now,
            overdue: self.now + 31 * SECOND + self.detour.unwrap_or_default(),
        });
    }

    /// F3: another process's token, whose login began so long ago, if there is an `age`.
    pub(super) fn brought(&mut self, text: u64, lifetime: Option<Duration>, age: Option<Duration>) {
        let login = self.login.take().expect("a token out of nowhere");
        (self.rejections, self.misconfigurations, self.outages) = (0, 0, 0);
        (self.losses, self.failure) = (0, None);
        self.arrivals += 1;
        let is_renewal = login.hold != Hold::No;
        let since = self.now - age.unwrap_or_default();
        let began = age.map_or(login.began, |_| since);
        let mut held = self.new_token(text, lifetime, began);
        (held.since, held.adopted) = (since, age.is_some());
        match self.token.take() {
            Some(old) if old.text == text => {
                if is_renewal && !held.adopted {
                    let proof = match login.cause {
                        LoginCause::Refusal(proof) => proof,
                        _ => Proof::None,
                    };
                    self.strikes.strike(proof, false, self.now);
                }
                if !is_renewal {
                    held.arrival = old.arrival;
                }
                held.generation = old.generation;
                (held.since, held.refused) = (old.since, old.refused);
                (held.accepted, held.given) = (old.accepted, old.given);
                let before = |after: &u64| login.id <= *after || !is_renewal;
                held.invalidated = old.invalidated.filter(before);
                // The same token again has the life that it had, unless another one is told.
                let told = lifetime.filter(|told| !told.is_zero());
                let known = old.expires.filter(|at| told.is_some() || self.now < *at);
                let is_rest = |told: Duration, known: Duration| {
                    let earliest = began.saturating_add(told);
                    let latest = since.saturating_add(told).saturating_add(SECOND);
                    (earliest..=latest).contains(&known)
                };
                let keeps = |known: &Duration| told.is_none_or(|told| is_rest(told, *known));
                match known.filter(keeps) {
                    Some(expires) if self.now < expires => {
                        held.expires = Some(expires);
                        let next = self.now + ((expires - self.now) / 2).max(SECOND);
                        let next = Some((next, next)).filter(|_| next < expires);
                        held.ahead = next.filter(|_| old.ahead.is_some());
                    }
                    Some(expires) => {
                        held.expires = Some(expires.max(began + SECOND));
                        held.ahead = None;
                    }
                    None => {}
                }
            }
            old => {
                if !is_renewal && old.as_ref().is_some_and(|old| !old.refused) {
                    self.strikes.forgive();
                }
                let serves = |old: &Held| old.accepted && old.invalidated.is_none();
                self.previous = old.filter(serves).map(|old| Previous {
                    text: old.text,
                    sent: Sent {
                        account_epoch: self.account_epoch,
                        generation: old.generation,
                        arrival: old.arrival,
                    },
                    expires: old.expires,
                });
                self.generations += 1;
                held.generation = self.generations;
            }
        }
        self.token = Some(held);
    }

    /// L1, L2, L3: how long this failure closes the throttle is checked, and believed then.
    pub(super) fn failed(
        &mut self,
        failure: Failure,
        asked: Option<Duration>,
        pause: Option<Duration>,
    ) {
        let login = self.login.take();
        self.losses = 0;
        let (least, most) = match failure {
            Failure::Unavailable => {
                self.outages += 1;
                let most = doubling(SECOND / 4, 30 * SECOND, self.outages);
                (most / 2, most)
            }
            Failure::Rejected => {
                (self.misconfigurations, self.outages) = (0, 0);
                self.rejections += 1;
                let pause = doubling(60 * SECOND, HOUR, self.rejections);
                (pause, pause)
            }
            Failure::Misconfigured => {
                self.misconfigurations += 1;
                let pause = doubling(SECOND, 60 * SECOND, self.misconfigurations);
                (pause, pause)
            }
        };
        let asked = asked.unwrap_or_default().min(HOUR);
        // T6: what a renewal ahead closes is open again when the token expires.
        let is_ahead =
            |login: &UnderWay| login.cause == LoginCause::Ahead && login.hold == Hold::No;
        let expires = self.token.as_ref().and_then(|held| held.expires);
        let left = expires.filter(|_| login.as_ref().is_some_and(is_ahead));
        let left = left.map_or(Duration::MAX, |expires| expires.saturating_sub(self.now));
        let (least, most) = (least.max(asked).min(left), most.max(asked).min(left));
        let pause = pause.expect("a failure that does not say for how long");
        assert!(
            least <= pause && pause <= most,
            "{pause:?}, not {least:?} to {most:?}"
        );
        self.failure = Some((failure, self.now + pause));
        let held = self.token.iter_mut();
        held.for_each(|held| held.rest_until = Duration::ZERO);
    }

    /// F8: another process's failure counts for the rest of its time, and not as one of ours.
    #[cfg(feature = "store")]
    pub(super) fn told(&mut self, failure: Failure, rest: Duration, pause: Option<Duration>) {
        let login = self.login.take().expect("told out of nowhere");
        let is_ahead = login.cause == LoginCause::Ahead && login.hold == Hold::No;
        let held = self.token.as_mut();
        let expires = held.as_ref().and_then(|held| held.expires);
        let left = expires.filter(|_| is_ahead);
        let left = left.map_or(Duration::MAX, |at| at.saturating_sub(self.now));
        let rest = rest.min(left);
        assert_eq!(pause, Some(rest));
        self.failure = Some((failure, self.now + rest));
        held.into_iter()
            .for_each(|it| it.rest_until = Duration::ZERO);
    }

    /// F10: a look that found nothing leaves everything as it was. Returns what those are told who
    /// waited for it, unless a login is allowed by now.
    #[cfg(feature = "store")]
    pub(super) fn found_nothing(&mut self) -> Option<Answer> {
        let login = self.login.take().expect("a look out of nowhere");
        let held = self.token.iter_mut();
        held.for_each(|held| held.rest_until = Duration::ZERO);
        self.closed(login.cause)
    }

    /// A login of which the source was never asked is no loss.
    pub(super) fn gone(&mut self, pause: Option<Duration>) {
        match self.login.as_ref().is_some_and(|login| login.is_tried) {
            true => self.lost(pause),
            false => {
                self.login = None;
                let held = self.token.iter_mut();
                held.for_each(|held| held.rest_until = Duration::ZERO);
            }
        }
    }

    /// T3, L2: the first loss closes nothing, more in a row are outages.
    pub(super) fn lost(&mut self, pause: Option<Duration>) {
        let losses = self.losses + 1;
        self.login = None;
        if losses > 1 {
            self.failed(Failure::Unavailable, None, pause);
        } else {
            let rest_until = self.now + SECOND;
            let held = self.token.iter_mut();
            held.for_each(|held| held.rest_until = rest_until);
        }
        self.losses = losses;
    }

    /// T8.
    pub(super) fn given(&mut self, text: u64) {
        self.generations += 1;
        let held = self.new_token(text, None, self.now);
        self.token = Some(Held {
            generation: self.generations,
            given: true,
            ..held
        });
    }

    pub(super) fn reset(&mut self) {
        if let Some((_, until)) = &mut self.failure {
            *until = self.now.min(*until);
        }
        self.strikes.open();
        let held = self.token.iter_mut().filter(|_| self.login.is_none());
        held.for_each(|held| held.rest_until = Duration::ZERO);
    }

    pub(super) fn invalidated(&mut self, text: u64) -> bool {
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
    pub(super) fn signed_out(&mut self, pause: Option<Duration>) {
        self.account_epoch += 1;
        (self.token, self.previous) = (None, None);
        self.strikes.forget();
        self.next_look = Duration::ZERO;
        if self.login.is_some() {
            self.gone(pause);
        }
    }

    pub(super) fn replaced(&mut self) {
        self.account_epoch += 1;
        (self.token, self.previous, self.login) = (None, None, None);
        (self.rejections, self.misconfigurations, self.outages) = (0, 0, 0);
        (self.losses, self.failure) = (0, None);
        self.strikes = Strikes::default();
        self.next_look = Duration::ZERO;
    }

    pub(super) fn sent(&self) -> Option<Sent> {
        self.token.as_ref().map(|held| Sent {
            account_epoch: self.account_epoch,
            generation: held.generation,
            arrival: held.arrival,
        })
    }

    pub(super) fn is_token_of(&self, sent: Sent) -> bool {
        let now = self.sent().map(|now| (now.account_epoch, now.generation));
        now == Some((sent.account_epoch, sent.generation))
    }

    pub(super) fn is_under_way(&self) -> bool {
        let login = self.login.as_ref();
        login.is_some_and(|login| self.now < login.overdue)
    }

    pub(super) fn is_held_back(&self) -> bool {
        let login = self.login.as_ref();
        login.is_some_and(|login| matches!(login.hold, Hold::Until(_)))
    }

    pub(super) fn unexpired(&self) -> Option<&Held> {
        let held = self.token.as_ref();
        held.filter(|held| held.expires.is_none_or(|at| self.now < at))
    }

    /// The moments at which something changes, from now on.
    pub(super) fn edges(&self) -> Vec<Duration> {
        let held = self.token.as_ref();
        let ahead = held.and_then(|held| held.ahead);
        let login = self.login.as_ref();
        let edges = [
            self.failure.map(|(_, until)| until),
            login.map(|login| login.overdue),
            login.and_then(|login| match login.hold {
                Hold::Until(until) => Some(until),
                Hold::No | Hold::Over => None,
            }),
            held.and_then(|held| held.expires),
            held.map(|held| held.since + 5 * SECOND),
            held.map(|held| held.rest_until),
            self.detour.map(|_| self.next_look),
            ahead.map(|(may, _)| may),
            ahead.map(|(_, must)| must),
        ];
        let edges = edges.into_iter().flatten().chain(self.strikes.edges());
        let end = self.now + 31 * 365 * 24 * HOUR;
        edges.filter(|at| self.now < *at && *at < end).collect()
    }

    /// R6: a refusal of a token that is new to everybody is a strike.
    fn count_refusal(&mut self, sent: Sent, key: u8) -> Proof {
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

    fn hold_back(&mut self) {
        let until = Hold::Until(self.now + 2 * SECOND);
        let login = self.login.iter_mut();
        let login = login.filter(|login| login.hold == Hold::No && !login.is_look);
        login.for_each(|login| login.hold = until);
    }

    /// F10: where no login is allowed a store may be read, once a second.
    fn refused_to(&self, cause: LoginCause) -> Option<Answer> {
        let may_look = self.detour.is_some() && self.now >= self.next_look;
        self.closed(cause).filter(|_| !may_look)
    }

    /// L1, L2, L3, R6.
    fn closed(&self, cause: LoginCause) -> Option<Answer> {
        match (self.failure, cause) {
            (Some((failure, until)), _) if self.now < until => Some(Answer::Closed(failure)),
            (_, LoginCause::Refusal(proof)) if self.strikes.are_closed(proof, self.now) => {
                Some(Answer::Throttled)
            }
            _ => None,
        }
    }

    /// T5: a lifetime counts from when the login began, a short one in whole seconds is taken a
    /// second shorter, one of zero tells nothing, and no token is given up within a second.
    fn new_token(&self, text: u64, lifetime: Option<Duration>, began: Duration) -> Held {
        let lifetime = lifetime.filter(|it| !it.is_zero()).map(|lifetime| {
            let is_short = lifetime.subsec_nanos() == 0 && lifetime <= 10 * SECOND;
            let counted = lifetime.saturating_sub(if is_short { SECOND } else { Duration::ZERO });
            counted.max(SECOND)
        });
        let from = |after: Duration| began.saturating_add(after).max(self.now + SECOND);
        Held {
            text,
            generation: 0,
            arrival: self.arrivals,
            since: self.now,
            invalidated: None,
            refused: false,
            accepted: false,
            given: false,
            adopted: false,
            expires: lifetime.map(from),
            ahead: lifetime.map(|lifetime| {
                let ahead = (lifetime / 10).min(300 * SECOND);
                // A rounding of a float may be a little off.
                let slack = Duration::from_nanos(100);
                let at = |ahead: Duration| from((lifetime - ahead).max(SECOND));
                (
                    at(ahead).saturating_sub(slack),
                    at(ahead * 4 / 5).saturating_add(slack),
                )
            }),
            rest_until: Duration::ZERO,
        }
    }
}

fn doubling(first: Duration, max: Duration, times: u32) -> Duration {
    (1..times).fold(first, |pause, _| (pause * 2).min(max))
}
