//! Which steps may be taken next, and the end that all of them come to.

use futures::FutureExt;
use http::StatusCode;
use tokio::runtime::Runtime;

use super::{LIFETIME, Stage, World, source};
use crate::interleavings::Step;
use crate::interleavings::explore::Play;
use crate::interleavings::fakes::End;

impl Play for World<'_> {
    type Step = Step;

    fn enabled(&self, steps: &mut Vec<Step>) {
        steps.clear();
        for (number, stage) in self.requests.iter().enumerate() {
            match stage {
                Stage::Unmade => {
                    steps.push(Step::Make(number));
                    break; // One after the other.
                }
                Stage::Made(request, polled) if !polled || request.is_woken() => {
                    steps.push(Step::Poll(number));
                }
                Stage::Made(..) if self.scenario.spurious => steps.push(Step::Poll(number)),
                Stage::Made(..) | Stage::Over => {}
            }
        }
        let books = self.books.open();
        let mut first = vec![true; self.requests.len()];
        for call in &books.calls {
            let choice = match std::mem::take(&mut first[call.request]) {
                true => self.scenario.first,
                false => self.scenario.second,
            };
            if call
                .answer
                .as_ref()
                .is_some_and(|answer| !answer.is_closed())
            {
                let answers = choice.iter();
                steps.extend(answers.map(|status| Step::Answer(call.request, *status)));
            }
        }
        for (number, readiness) in books.readiness.iter().enumerate() {
            if readiness.as_ref().is_some_and(|it| it.waiting.is_some()) {
                steps.push(Step::Ready(number));
            }
        }
        let mut given_up = self.ledger.given_up();
        if self.begun() > books.fetches.len()
            || given_up.any(|login| books.fetches[login].is_under_way())
        {
            steps.push(Step::Run);
        }
        for (login, fetch) in books.fetches.iter().enumerate() {
            if fetch.is_under_way() {
                let ends = self.scenario.logins.iter();
                steps.extend(ends.map(|end| Step::End(login, *end)));
            }
        }
        let once = self.once.iter().enumerate();
        let once = once.filter(|(place, step)| match step {
            // One of several that are alike.
            _ if self.once[..*place].contains(step) => false,
            Step::Drop(number) => matches!(self.requests[*number], Stage::Made(..)),
            Step::Invalidate => self.ledger.in_hand().is_some(),
            _ => true,
        });
        steps.extend(once.map(|(_, step)| *step));
    }

    fn take(&mut self, step: Step) {
        self.trail.push(step);
        if let Some(index) = self.once.iter().position(|once| *once == step) {
            self.once.remove(index);
        }
        match step {
            Step::Make(number) => self.make(number),
            Step::Poll(number) => self.poll(number),
            Step::Answer(number, status) => self.answer(number, status),
            Step::Ready(number) => self.let_get_ready(number),
            Step::Drop(number) => {
                self.requests[number] = Stage::Over;
                if let Some(readiness) = &mut self.books.open().readiness[number] {
                    readiness.waiting = None;
                }
                self.ledger.dropped(number);
            }
            Step::Run => self.run(),
            Step::End(login, end) => self.end(login, end),
            Step::SignOut => {
                let given_up = self.session.sign_out().now_or_never().unwrap();
                let given_up = given_up.map(|token| token.expose().to_owned());
                assert_eq!(given_up.as_deref(), self.ledger.held(), "T7: given up");
                self.ledger.signed_out();
                self.note_those_that_never_ask();
            }
            Step::Replace => {
                let source = source(self.sources, self.scenario, &self.books);
                self.session.replace_source(source);
                self.ledger.replaced();
                self.note_those_that_never_ask();
                self.sources += 1;
            }
            Step::Invalidate => self.invalidate(),
            Step::Due => {
                self.advance(LIFETIME.mul_f64(0.95));
                self.ledger.due();
            }
            Step::Expire => {
                self.advance(LIFETIME);
                self.ledger.expired();
            }
            Step::Lose => self.lose(),
        }
        self.check();
    }

    /// Lets all that is left come to its end, and then asks once more.
    fn finish(mut self) -> Runtime {
        while self.requests.iter().any(|it| !matches!(it, Stage::Over)) {
            assert!(self.trail.len() < 200, "T3: there is no end of it");
            let mut steps = Vec::new();
            self.enabled(&mut steps);
            let progress = steps.into_iter().find(|step| match step {
                Step::Make(_) | Step::Ready(_) | Step::Run => true,
                Step::Poll(number) => match &self.requests[*number] {
                    Stage::Made(request, polled) => !polled || request.is_woken(),
                    _ => false,
                },
                Step::Answer(..) => true,
                Step::End(_, end) => *end == End::New,
                _ => false,
            });
            self.take(match progress.expect("T3: a request hangs") {
                Step::Answer(number, _) => Step::Answer(number, StatusCode::OK),
                progress => progress,
            });
        }
        self.let_all_logins_through();
        self.ask_once_more();
        self.runtime.take().unwrap()
    }
}

impl World<'_> {
    /// The session serves, whatever was done to it.
    fn ask_once_more(&mut self) {
        if let Some(expected) = self.ledger.in_hand().map(str::to_owned) {
            let token = self.token().expect("T3: the token is kept").unwrap();
            assert_eq!(token, expected, "the token in hand");
            return;
        }
        if self.ledger.is_closed() {
            self.take(Step::Replace);
        }
        if self.token().is_some() {
            // A renewal that was lost when nobody waited any more is left to the next refusal.
            return assert!(self.ledger.is_lost(), "there was no token, but one came");
        }
        self.let_all_logins_through();
        let token = self.token().expect("the session is wedged").unwrap();
        assert_eq!(self.ledger.in_hand(), Some(token.as_str()));
    }
}
