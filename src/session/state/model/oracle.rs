//! What the rules allow, told from their text alone: it knows neither the throttle nor the policy.

use std::time::Duration;

use crate::session::state::throttle::LoginCause;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3_600);

/// Time is counted from the beginning of the run.
#[derive(Debug, Default)]
pub(super) struct Oracle {
    pub(super) now: Duration,
    pub(super) token: Option<Held>,
    pub(super) login: Option<UnderWay>,
    pub(super) refusals: u64,
    account_epoch: u64,
    generations: u64,
    arrivals: u64,
    rejections: u32,
    outages: u32,
    losses: u32,
    failure: Option<(Failure, Duration)>,
    strikes: u32,
    struck_until: Duration,
}

#[derive(Debug)]
pub(super) struct Held {
    pub(super) text: u64,
    generation: u64,
    arrival: u64,
    since: Duration,
    pub(super) invalidated: bool,
    refused: bool,
    given: bool,
    expires: Option<Duration>,
    /// From when on it may be renewed ahead, and must.
    ahead: Option<(Duration, Duration)>,
    /// After a login that was lost, unless another one has failed since.
    rest_until: Duration,
}

#[derive(Debug)]
pub(super) struct UnderWay {
    pub(super) refusal: bool,
    overdue: Duration,
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
    Join,
    Begin(LoginCause),
    Closed(Failure),
    Throttled,
    Unchanged,
    SignedOut,
}

impl Oracle {
    /// T2, T5, L1, R7: what one who asks for a token may be told.
    pub(super) fn asked(&mut self) -> Vec<Answer> {
        let Some(held) = self.unexpired() else {
            return match self.closed(LoginCause::Need) {
                _ if self.is_under_way() => vec![Answer::Join],
                Some(closed) => vec![closed],
                None => vec![Answer::Begin(LoginCause::Need)],
            };
        };
        let invalidated = held.invalidated;
        if !invalidated && !self.login.as_ref().is_some_and(|login| login.refusal) {
            return vec![Answer::Use];
        }
        if self.is_under_way() {
            self.login.iter_mut().for_each(|login| login.refusal = true);
            return vec![Answer::Join];
        }
        match self.closed(LoginCause::Refusal) {
            Some(_) => vec![Answer::Use],
            None if invalidated => vec![Answer::Begin(LoginCause::Refusal)],
            // The login that withheld the token is overdue: as good as lost.
            None => vec![Answer::Begin(LoginCause::Refusal), Answer::Use],
        }
    }

    /// R2, R4, T7: what one may be told whose token was refused.
    pub(super) fn refused(&mut self, sent: Sent) -> Vec<Answer> {
        if sent.account_epoch != self.account_epoch {
            return vec![Answer::SignedOut];
        }
        match &self.token {
            Some(held) if held.generation != sent.generation => return self.asked(),
            Some(held) if held.arrival > sent.arrival && self.login.is_none() => {
                return vec![Answer::Unchanged];
            }
            _ => self.count_refusal(),
        }
        let cause = match self.unexpired() {
            Some(_) => LoginCause::Refusal,
            None => LoginCause::Need,
        };
        if self.is_under_way() {
            let login = self.login.iter_mut();
            login.for_each(|login| login.refusal |= cause == LoginCause::Refusal);
            return vec![Answer::Join];
        }
        vec![self.closed(cause).unwrap_or(Answer::Begin(cause))]
    }

    /// T6: may, and must, a login begin behind the requests?
    pub(super) fn ahead(&self) -> (bool, bool) {
        let Some((held, (may, must))) = self.unexpired().and_then(|held| Some((held, held.ahead?)))
        else {
            return (false, false);
        };
        let open = self.login.is_none()
            && self.closed(LoginCause::Need).is_none()
            && self.now >= held.rest_until;
        (open && self.now >= may, open && self.now >= must)
    }

    pub(super) fn begun(&mut self, cause: LoginCause) {
        assert!(!self.is_under_way(), "two logins at a time");
        assert_eq!(self.closed(cause), None, "a login that is not allowed");
        self.login = Some(UnderWay {
            refusal: cause == LoginCause::Refusal,
            overdue: self.now + 31 * SECOND,
        });
    }

    pub(super) fn brought(&mut self, text: u64, lifetime: Option<Duration>) {
        let login = self.login.take().expect("a token out of nowhere");
        (self.rejections, self.outages, self.losses, self.failure) = (0, 0, 0, None);
        self.arrivals += 1;
        let old = self.token.take();
        let served = old.as_ref().is_some_and(|old| !old.refused) && !login.refusal;
        let same = old.filter(|held| held.text == text);
        if login.refusal && same.is_some() {
            self.strike();
        } else if served && same.is_none() {
            self.strikes = 0;
        }
        let (generation, arrival, since, refused) = match same {
            Some(held) if !login.refusal => {
                (held.generation, held.arrival, held.since, held.refused)
            }
            Some(held) => (held.generation, self.arrivals, held.since, held.refused),
            None => {
                self.generations += 1;
                (self.generations, self.arrivals, self.now, false)
            }
        };
        let lifetime = lifetime.map(|lifetime| lifetime.max(SECOND));
        self.token = Some(Held {
            text,
            generation,
            arrival,
            since,
            invalidated: false,
            refused,
            given: false,
            expires: lifetime.map(|lifetime| self.now.saturating_add(lifetime)),
            ahead: lifetime.map(|lifetime| {
                let ahead = (lifetime / 10).min(300 * SECOND);
                let from = |ahead| self.now.saturating_add((lifetime - ahead).max(SECOND));
                // A rounding of a float may be a little off.
                let slack = Duration::from_nanos(100);
                (
                    from(ahead).saturating_sub(slack),
                    from(ahead * 4 / 5).saturating_add(slack),
                )
            }),
            rest_until: Duration::ZERO,
        });
    }

    /// L1, L2: how long this failure closes the throttle is checked, and believed then.
    pub(super) fn failed(
        &mut self,
        failure: Failure,
        asked: Option<Duration>,
        pause: Option<Duration>,
    ) {
        self.login = None;
        self.losses = 0;
        let (least, most) = if failure == Failure::Unavailable {
            self.outages += 1;
            let most = doubling(SECOND / 4, 30 * SECOND, self.outages);
            let asked = asked.unwrap_or_default().min(HOUR);
            ((most / 2).max(asked), most.max(asked))
        } else {
            self.outages = 0;
            self.rejections += 1;
            let pause = doubling(60 * SECOND, HOUR, self.rejections);
            (pause, pause)
        };
        let pause = pause.expect("a failure that does not say for how long");
        assert!(
            least <= pause && pause <= most,
            "{pause:?}, not {least:?} to {most:?}"
        );
        self.failure = Some((failure, self.now + pause));
        let held = self.token.iter_mut();
        held.for_each(|held| held.rest_until = Duration::ZERO);
    }

    /// T3, L2: the first loss closes nothing, more in a row are outages.
    pub(super) fn lost(&mut self, pause: Option<Duration>) {
        let losses = self.losses + 1;
        if losses > 1 {
            self.failed(Failure::Unavailable, None, pause);
        } else {
            self.login = None;
            let rest_until = self.now + SECOND;
            let held = self.token.iter_mut();
            held.for_each(|held| held.rest_until = rest_until);
        }
        self.losses = losses;
    }

    /// T8.
    pub(super) fn given(&mut self, text: u64) {
        self.generations += 1;
        self.token = Some(Held {
            text,
            generation: self.generations,
            arrival: self.arrivals,
            since: self.now,
            invalidated: false,
            refused: false,
            given: true,
            expires: None,
            ahead: None,
            rest_until: Duration::ZERO,
        });
    }

    pub(super) fn reset(&mut self) {
        if let Some((_, until)) = &mut self.failure {
            *until = self.now.min(*until);
        }
        self.struck_until = Duration::ZERO;
        let held = self.token.iter_mut();
        held.for_each(|held| held.rest_until = Duration::ZERO);
    }

    pub(super) fn invalidated(&mut self, text: u64) -> bool {
        let held = self.token.as_mut();
        let Some(held) = held.filter(|held| held.text == text && !held.invalidated) else {
            return false;
        };
        held.invalidated = true;
        self.count_refusal();
        true
    }

    /// T7: a login under way is abandoned, which counts as a loss.
    pub(super) fn signed_out(&mut self, pause: Option<Duration>) {
        self.account_epoch += 1;
        self.token = None;
        if self.login.is_some() {
            self.lost(pause);
        }
    }

    pub(super) fn replaced(&mut self) {
        self.account_epoch += 1;
        (self.token, self.login) = (None, None);
        (self.rejections, self.outages, self.losses, self.failure) = (0, 0, 0, None);
        (self.strikes, self.struck_until) = (0, Duration::ZERO);
    }

    /// R6: a retry was refused as well.
    pub(super) fn noted(&mut self, sent: Sent) {
        if self.is_token_of(sent) {
            self.count_refusal();
        }
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

    pub(super) fn unexpired(&self) -> Option<&Held> {
        let held = self.token.as_ref();
        held.filter(|held| held.expires.is_none_or(|at| self.now < at))
    }

    /// The moments at which something changes, from now on.
    pub(super) fn edges(&self) -> Vec<Duration> {
        let held = self.token.as_ref();
        let ahead = held.and_then(|held| held.ahead);
        let edges = [
            self.failure.map(|(_, until)| until),
            Some(self.struck_until),
            self.login.as_ref().map(|login| login.overdue),
            held.and_then(|held| held.expires),
            held.map(|held| held.since + 60 * SECOND),
            held.map(|held| held.rest_until),
            ahead.map(|(may, _)| may),
            ahead.map(|(_, must)| must),
        ];
        let edges = edges.into_iter().flatten();
        let end = self.now + 31 * 365 * 24 * HOUR;
        edges.filter(|at| self.now < *at && *at < end).collect()
    }

    /// L1, L2, R6.
    fn closed(&self, cause: LoginCause) -> Option<Answer> {
        match self.failure {
            Some((failure, until)) if self.now < until => Some(Answer::Closed(failure)),
            _ if cause == LoginCause::Refusal && self.now < self.struck_until => {
                Some(Answer::Throttled)
            }
            _ => None,
        }
    }

    /// R6: the first refusal of a generation decides.
    fn count_refusal(&mut self) {
        let Some(held) = self.token.as_mut().filter(|held| !held.refused) else {
            return;
        };
        held.refused = true;
        self.refusals += 1;
        if held.given {
            return;
        }
        if self.now - held.since < 60 * SECOND {
            self.strike();
        } else {
            self.strikes = 0;
        }
    }

    /// R6: three are free. What is closed stays so at least as long as it was to.
    fn strike(&mut self) {
        self.strikes += 1;
        if self.strikes > 3 {
            let pause = doubling(SECOND, 300 * SECOND, self.strikes - 3);
            self.struck_until = self.struck_until.max(self.now + pause);
        }
    }
}

fn doubling(first: Duration, max: Duration, times: u32) -> Duration {
    (1..times).fold(first, |pause, _| (pause * 2).min(max))
}
