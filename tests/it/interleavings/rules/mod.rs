//! What has to hold in every schedule. The ledger knows the rules and what was done to the session,
//! but nothing of how the session does its part.

mod checks;
mod told;

use http::StatusCode;

use super::Scenario;
use super::fakes::End;

pub(crate) struct Ledger {
    /// Counts sign-outs and replaced sources.
    era: usize,
    source: usize,
    logins: Vec<Login>,
    held: Option<Held>,
    /// A login failed, or several in a row were given up, and the clock has not moved since.
    closed: bool,
    /// Logins in a row that were given up, by a sign-out or with their runtime.
    losses: usize,
    lost: bool,
    requests: Vec<Request>,
    sent: usize,
    /// The errors that callers saw of a failed login, by its number and the place of its cause.
    seen: Vec<(usize, usize)>,
    /// The inner services get ready only when they are let.
    gated: bool,
}

struct Login {
    era: usize,
    source: usize,
    stale: Option<String>,
    /// It began before the token in hand had expired, and nobody was refused since.
    ahead: bool,
    /// `Some(None)`: it was given up, or lost with its runtime.
    over: Option<Option<End>>,
}

/// The token that the session should have.
struct Held {
    text: String,
    /// How many calls had been sent before it came.
    since: usize,
    /// The session knows that it is no good: it was refused, or invalidated.
    refused: bool,
    due: bool,
    expired: bool,
    /// It was accepted since its refusal, or two seconds have passed: others need not wait any
    /// more.
    may_be_used: bool,
}

#[derive(Default)]
struct Request {
    /// The era and the source that it was made in.
    made: Option<(usize, usize)>,
    polled: bool,
    over: bool,
    sends: Vec<(String, usize)>,
    /// `Some(None)`: a call is under way. `Some(Some(_))`: its answer was not looked at yet.
    call: Option<Option<StatusCode>>,
    answers: Vec<StatusCode>,
    /// The era in which it learnt of its refusal.
    refused_in: Option<usize>,
    /// More than two seconds have passed since, and it has waited for a token all the while.
    held_too_long: bool,
    signed_out: bool,
    /// The failed login that it waited for.
    failed_by: Option<usize>,
}

impl Request {
    fn waits(&self) -> bool {
        self.polled && !self.over && self.call.is_none()
    }
}

impl Ledger {
    pub(crate) fn new(scenario: &Scenario) -> Self {
        Self {
            era: 0,
            source: 0,
            logins: Vec::new(),
            held: None,
            closed: false,
            losses: 0,
            lost: false,
            requests: (0..scenario.requests).map(|_| Request::default()).collect(),
            sent: 0,
            seen: Vec::new(),
            gated: scenario.gated,
        }
    }

    /// The token that the session has now to serve without a login, after all has ended.
    pub(crate) fn in_hand(&self) -> Option<&str> {
        let held = self.held.as_ref();
        let good = held.filter(|held| !held.refused && !held.expired);
        good.map(|held| held.text.as_str())
    }

    /// The token that a sign-out gives up.
    pub(crate) fn held(&self) -> Option<&str> {
        self.held.as_ref().map(|held| held.text.as_str())
    }

    /// The logins that go on for nobody.
    pub(crate) fn given_up(&self) -> impl Iterator<Item = usize> {
        let logins = self.logins.iter().enumerate();
        let given_up = logins.filter(|(_, login)| login.over == Some(None));
        given_up.map(|(number, _)| number)
    }

    pub(crate) fn is_lost(&self) -> bool {
        self.lost
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }
}
