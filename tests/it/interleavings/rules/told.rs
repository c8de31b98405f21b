//! What was done to the session.

use http::StatusCode;

use super::{Held, Ledger};
use crate::interleavings::fakes::End;

impl Ledger {
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
}
