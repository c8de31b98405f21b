//! What each step does.

use std::task::Poll;

use http::StatusCode;
use tokio_test::task;
use tower::Service;
use tower_bearer::AuthError;

use super::{Stage, World, runtime};
use crate::interleavings::fakes::{End, Fetch, Sender};
use crate::support::get;

impl World<'_> {
    pub(super) fn make(&mut self, number: usize) {
        let mut request = get("https://api.example.com/");
        let caller = self.scenario.caller(number);
        request.extensions_mut().insert(Sender {
            request: number,
            caller,
        });
        if let Some(readiness) = &mut self.books.open().readiness[number] {
            readiness.granted = true;
        }
        self.ledger.made(number);
        let _runtime = self.runtime.as_ref().unwrap().enter();
        let mut waker = task::spawn(());
        let service = &mut self.services[caller];
        let ready = waker.enter(|cx, _| service.poll_ready(cx));
        assert!(matches!(ready, Poll::Ready(Ok(()))));
        let request = task::spawn(service.call(request));
        self.requests[number] = Stage::Made(Box::new(request), false);
        if self.scenario.prompt {
            drop(_runtime);
            self.check();
            self.poll(number);
        }
    }

    pub(super) fn poll(&mut self, number: usize) {
        let Stage::Made(request, polled) = &mut self.requests[number] else {
            panic!("there is no such request");
        };
        *polled = true;
        self.ledger.looks(number);
        let _runtime = self.runtime.as_ref().unwrap().enter();
        let Poll::Ready(outcome) = request.poll() else {
            return;
        };
        self.requests[number] = Stage::Over;
        let outcome = outcome.map(|response| {
            let explanation = response.extensions().get::<AuthError>().cloned();
            (response.status(), explanation)
        });
        self.ledger.concluded(number, outcome);
    }

    pub(super) fn answer(&mut self, number: usize, status: StatusCode) {
        let mut books = self.books.open();
        let mut calls = books.calls.iter_mut().filter(|it| it.request == number);
        let answer = calls.find_map(|call| call.answer.take()).unwrap();
        answer.send(status).unwrap();
        self.ledger.answered(number, status);
    }

    pub(super) fn let_get_ready(&mut self, number: usize) {
        let mut books = self.books.open();
        let readiness = books.readiness[number].as_mut().unwrap();
        readiness.granted = true;
        let waker = readiness.waiting.take().unwrap();
        drop(books);
        waker.wake();
    }

    pub(super) fn end(&mut self, login: usize, end: End) {
        let gate = self.books.open().fetches[login].gate.take();
        gate.unwrap().send(end).unwrap();
        self.run();
        let brought = self.books.open().fetches[login].brings.clone();
        self.ledger.ended(login, end, &brought);
    }

    pub(super) fn invalidate(&mut self) {
        let token = self.ledger.in_hand().map(crate::support::token).unwrap();
        let _runtime = self.runtime.as_ref().unwrap().enter();
        assert!(self.session.invalidate(&token));
        self.ledger.invalidated();
    }

    pub(super) fn lose(&mut self) {
        // Time goes on where it was: the clock of a new runtime begins anew.
        let before = self.now();
        self.runtime = Some(runtime());
        self.advance(before - self.now());
        self.ledger.lost();
        for fetch in &mut self.books.open().fetches {
            fetch.gate = None;
        }
        self.note_those_that_never_ask();
    }

    /// The logins that were given up before they got as far as to ask the source.
    pub(super) fn note_those_that_never_ask(&mut self) {
        let begun = self.begun();
        let fetches = &mut self.books.open().fetches;
        while fetches.len() < begun {
            fetches.push(Fetch {
                source: self.sources - 1,
                stale: None,
                brings: String::new(),
                gate: None,
            });
        }
    }
}
