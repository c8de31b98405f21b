//! What the rules allow, told from their text alone: it knows neither the throttle nor the policy.

mod account;
mod login;
mod refusal;
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
}

fn doubling(first: Duration, max: Duration, times: u32) -> Duration {
    (1..times).fold(first, |pause, _| (pause * 2).min(max))
}
