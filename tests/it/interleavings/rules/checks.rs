//! What the session did, by the rules.

use http::StatusCode;
use tower::BoxError;
use tower_bearer::AuthError;

use super::{Ledger, Login};
use crate::interleavings::fakes::{Call, End, Fetch};

impl Ledger {
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
}
