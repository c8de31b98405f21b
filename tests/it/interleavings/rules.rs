//! What has to hold in every schedule. The ledger knows the rules and what was done to the session,
//! but nothing of how the session does its part.

use http::StatusCode;
use tower::BoxError;
use tower_bearer::AuthError;

use super::Scenario;
use super::fakes::{Call, End, Fetch};

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

    pub(crate) fn made(&mut self, request: usize) {
        self.requests[request].made = Some((self.era, self.source));
    }

    pub(crate) fn dropped(&mut self, request: usize) {
        self.requests[request].over = true;
    }

    pub(crate) fn answered(&mut self, request: usize, status: StatusCode) {
        self.requests[request].call = Some(Some(status));
    }

    /// To be told before the request is polled.
    pub(crate) fn looks(&mut self, request: usize) {
        let request = &mut self.requests[request];
        request.polled = true;
        let Some(Some(status)) = request.call else {
            return;
        };
        request.call = None;
        request.answers.push(status);
        if let (StatusCode::OK, Some(held), Some((text, _))) =
            (status, &mut self.held, request.sends.last())
        {
            held.may_be_used |= held.refused && held.text == *text;
        }
        if status != StatusCode::UNAUTHORIZED || request.answers.len() > 1 {
            return;
        }
        request.refused_in = Some(self.era);
        let (text, sent_as) = &request.sends[0];
        if let Some(held) = &mut self.held {
            let is_refused = held.text == *text && held.since <= *sent_as;
            held.refused |= is_refused;
            if let Some(login) = self.logins.last_mut().filter(|_| !held.expired) {
                login.ahead &= !is_refused;
            }
        }
    }

    pub(crate) fn invalidated(&mut self) {
        if let Some(held) = &mut self.held {
            held.refused = true;
        }
    }

    pub(crate) fn expired(&mut self) {
        self.time_passes();
        if let Some(held) = &mut self.held {
            held.expired = true;
            held.may_be_used |= held.refused;
        }
    }

    pub(crate) fn due(&mut self) {
        self.time_passes();
        if let Some(held) = &mut self.held {
            held.due = true;
            held.may_be_used |= held.refused;
        }
    }

    fn time_passes(&mut self) {
        self.closed = false;
        for request in &mut self.requests {
            request.held_too_long |= request.refused_in.is_some() && request.waits();
        }
    }

    pub(crate) fn signed_out(&mut self) {
        self.era += 1;
        self.held = None;
        self.give_up();
        for request in &mut self.requests {
            request.signed_out |= request.waits();
        }
    }

    pub(crate) fn replaced(&mut self) {
        self.era += 1;
        self.source += 1;
        self.held = None;
        self.give_up();
        self.losses = 0;
        self.closed = false;
    }

    pub(crate) fn lost(&mut self) {
        self.lost = true;
        self.give_up();
    }

    /// The login under way is over. The first one in a row closes nothing, the others are an
    /// outage.
    fn give_up(&mut self) {
        for login in &mut self.logins {
            if login.over.is_none() {
                login.over = Some(None);
                self.losses += 1;
                self.closed |= self.losses > 1;
            }
        }
    }

    pub(crate) fn ended(&mut self, login: usize, end: End, brought: &str) {
        let over = &mut self.logins[login].over;
        if over.is_some() {
            // It was given up, and its end came too late.
            return;
        }
        *over = Some(Some(end));
        assert_eq!(self.logins[login].era, self.era, "T7: it was not given up");
        self.losses = 0;
        match end {
            End::New | End::Same => {
                self.closed = false;
                self.held = Some(Held {
                    text: brought.to_owned(),
                    since: self.sent,
                    refused: false,
                    due: false,
                    expired: false,
                    may_be_used: false,
                });
            }
            End::Unavailable | End::Panic => {
                // T6: what a renewal ahead closes is open again when the token expires.
                let has_expired = self.held.as_ref().is_some_and(|held| held.expired);
                self.closed = !(self.logins[login].ahead && has_expired);
                for request in &mut self.requests {
                    if request.waits() {
                        request.failed_by = Some(login);
                    }
                }
            }
        }
    }

    /// What the session did in this step.
    pub(crate) fn observe(&mut self, begun: usize, fetches: &[Fetch], calls: &[Call]) {
        while self.logins.len() < begun {
            self.begun();
        }
        for (login, fetch) in self.logins.iter().zip(fetches) {
            assert_eq!(login.source, fetch.source, "T7: the wrong source was asked");
            if login.over != Some(None) {
                assert_eq!(
                    login.stale, fetch.stale,
                    "the wrong token is to be replaced"
                );
            }
        }
        for call in &calls[self.sent..] {
            self.sends(call);
            self.sent += 1;
        }
    }

    fn under_way(&self) -> usize {
        let logins = self.logins.iter();
        logins.filter(|login| login.over.is_none()).count()
    }

    fn begun(&mut self) {
        assert_eq!(self.under_way(), 0, "T2: one login at a time");
        assert!(
            !self.closed,
            "L2: no login right after a failed one, or after several that were given up"
        );
        let needed = self
            .held
            .as_ref()
            .is_none_or(|held| held.refused || held.due || held.expired);
        assert!(needed, "R2: no login while a good token is in hand");
        let held = self.held.as_ref();
        self.logins.push(Login {
            era: self.era,
            source: self.source,
            ahead: held.is_some_and(|held| !held.refused && !held.expired),
            stale: self.held.as_ref().map(|held| held.text.clone()),
            over: None,
        });
    }

    fn sends(&mut self, call: &Call) {
        let renewing = self.under_way() > 0;
        let request = &mut self.requests[call.request];
        assert!(!request.signed_out, "T7: sent after the sign-out");
        let held = self.held.as_ref();
        let held = held.filter(|held| held.text == call.token);
        let held = held.expect("T7, R2: only the token in hand is sent");
        // One that has waited for readiness twice goes out with what it was granted.
        if !self.gated {
            assert!(!held.expired, "T5: an expired token was sent");
            assert!(
                !(held.refused && renewing) || held.may_be_used,
                "R7: a refused token was sent"
            );
            assert!(
                !held.refused || self.closed || self.lost || renewing,
                "R7: no login was begun"
            );
        }
        assert!(request.sends.len() < 2, "R3: one retry at most");
        if let Some((first, sent_as)) = request.sends.first() {
            assert_ne!(*first, call.token, "R2: the refused token was sent again");
            assert_eq!(request.answers.len(), 1, "R3: sent again without a refusal");
            assert_eq!(request.refused_in, Some(self.era), "T7: another account");
            assert!(*sent_as < self.sent);
        }
        request.sends.push((call.token.clone(), self.sent));
        request.call = Some(None);
    }

    /// The request has ended. Is that the end that it should have?
    pub(crate) fn concluded(
        &mut self,
        number: usize,
        outcome: Result<(StatusCode, Option<AuthError>), BoxError>,
    ) {
        let request = &mut self.requests[number];
        request.over = true;
        let signed_out = request.signed_out;
        let error = match outcome {
            Ok((status, explanation)) => {
                let last = request.answers.last();
                assert_eq!(last, Some(&status), "the answer is not the server's");
                assert_eq!(request.answers.len(), request.sends.len());
                if status == StatusCode::OK || request.sends.len() == 2 {
                    assert!(explanation.is_none(), "nothing is to be explained");
                    assert!(!signed_out || status == StatusCode::UNAUTHORIZED);
                    return;
                }
                explanation.expect("R4: the error in the extensions")
            }
            Err(error) => {
                let error = *error.downcast::<AuthError>().unwrap();
                if !request.sends.is_empty() {
                    let may_be_gone = self.gated || request.held_too_long;
                    assert!(may_be_gone, "R4: the original response: {error}");
                }
                error
            }
        };
        self.justified(number, &error);
    }

    fn justified(&mut self, number: usize, error: &AuthError) {
        let request = &self.requests[number];
        let ended = |end| {
            let mut logins = self.logins.iter();
            logins.any(|login| login.over == Some(Some(end)))
        };
        if request.signed_out && request.failed_by.is_none() {
            assert!(error.is_signed_out(), "T7: {error}");
        }
        if error.is_signed_out() {
            let (made_in, _) = request.made.unwrap();
            let fenced = match request.refused_in {
                None => request.signed_out,
                Some(_) => made_in < self.era,
            };
            assert!(fenced, "T7: not signed out");
        } else if error.is_unchanged() {
            assert!(ended(End::Same), "R4: the token has changed");
        } else if error.to_string().contains("panicked") {
            assert!(ended(End::Panic), "T3: no source has panicked");
        } else if error.to_string().contains("logins in a row were lost") {
            assert!(self.closed && self.losses > 1, "L2: one loss is no outage");
            assert!(error.is_unavailable() && error.retry_after().is_some());
        } else {
            let text = error.get_ref().to_string();
            let login = text.strip_prefix("login ").expect(&text);
            let login: usize = login.parse().unwrap();
            let (_, source) = request.made.unwrap();
            assert_eq!(self.logins[login].over, Some(Some(End::Unavailable)));
            assert!(self.logins[login].source >= source, "T7: an old failure");
            let place = std::ptr::from_ref(error.get_ref()).cast::<()>().addr();
            self.seen.push((login, place));
            let same = self.seen.iter().filter(|(number, _)| *number == login);
            assert!(same.clone().all(|seen| seen.1 == place), "T4: one error");
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
