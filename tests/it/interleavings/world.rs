//! One session with all that acts on it, and the steps that may be taken next.

use std::task::Poll;
use std::thread;
use std::time::Duration;

use futures::FutureExt;
use http::{Request, StatusCode};
use tokio::runtime::{Builder, Runtime};
use tokio::task::yield_now;
use tokio::time::Instant;
use tokio_test::task::{self, Spawn};
use tower::{Layer, Service};
use tower_bearer::{AuthError, BearerAuth, BearerAuthLayer, ResponseFuture, Session, TokenFuture};

use super::explore::Play;
use super::fakes::{Books, End, Fetch, Inner, Readiness, Sender, Source};
use super::rules::Ledger;
use super::{Scenario, Step};
use crate::support::{Body, get};

type Response = ResponseFuture<Inner, <Inner as Service<Sent>>::Future, Body, ()>;
type Sent = Request<tower_bearer::ReplayBody<Body>>;

pub(crate) const LIFETIME: Duration = Duration::from_millis(10_500);

pub(crate) struct World<'a> {
    scenario: &'a Scenario,
    runtime: Option<Runtime>,
    session: Session,
    /// By the number of the caller. Each has a view of its own, made at the beginning.
    services: Vec<BearerAuth<Inner>>,
    requests: Vec<Stage>,
    once: Vec<Step>,
    sources: usize,
    books: Books,
    ledger: Ledger,
    trail: Vec<Step>,
}

enum Stage {
    Unmade,
    /// With whether it was polled before.
    Made(Box<Spawn<Response>>, bool),
    Over,
}

impl<'a> World<'a> {
    pub(crate) fn new(scenario: &'a Scenario, runtime: Runtime) -> Self {
        let books = Books::default();
        let readiness = || scenario.gated.then(Readiness::default);
        books.open().readiness = (0..scenario.requests).map(|_| readiness()).collect();
        let session = Session::new(source(0, scenario, &books));
        let mut world = Self {
            scenario,
            runtime: Some(runtime),
            session,
            services: Vec::new(),
            requests: (0..scenario.requests).map(|_| Stage::Unmade).collect(),
            once: scenario.once.to_vec(),
            sources: 1,
            books,
            ledger: Ledger::new(scenario),
            trail: Vec::new(),
        };
        if scenario.warm {
            assert!(world.token().is_none());
            world.let_all_logins_through();
        }
        let layer = BearerAuthLayer::from_session(world.session.clone());
        let callers = scenario.requests.min(scenario.callers);
        assert!(callers == scenario.requests || !scenario.gated);
        world.services = (0..callers)
            .map(|caller| layer.layer(Inner::new(caller, &world.books)))
            .collect();
        world
    }

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

    fn make(&mut self, number: usize) {
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

    fn poll(&mut self, number: usize) {
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

    fn answer(&mut self, number: usize, status: StatusCode) {
        let mut books = self.books.open();
        let mut calls = books.calls.iter_mut().filter(|it| it.request == number);
        let answer = calls.find_map(|call| call.answer.take()).unwrap();
        answer.send(status).unwrap();
        self.ledger.answered(number, status);
    }

    fn let_get_ready(&mut self, number: usize) {
        let mut books = self.books.open();
        let readiness = books.readiness[number].as_mut().unwrap();
        readiness.granted = true;
        let waker = readiness.waiting.take().unwrap();
        drop(books);
        waker.wake();
    }

    fn end(&mut self, login: usize, end: End) {
        let gate = self.books.open().fetches[login].gate.take();
        gate.unwrap().send(end).unwrap();
        self.run();
        let brought = self.books.open().fetches[login].brings.clone();
        self.ledger.ended(login, end, &brought);
    }

    fn invalidate(&mut self) {
        let token = self.ledger.in_hand().map(crate::support::token).unwrap();
        let _runtime = self.runtime.as_ref().unwrap().enter();
        assert!(self.session.invalidate(&token));
        self.ledger.invalidated();
    }

    fn lose(&mut self) {
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
    fn note_those_that_never_ask(&mut self) {
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

    fn let_all_logins_through(&mut self) {
        self.check();
        self.run();
        self.check();
        loop {
            let mut fetches = Vec::new();
            self.enabled(&mut fetches);
            let end = fetches
                .into_iter()
                .find(|step| matches!(step, Step::End(_, End::New)));
            match end {
                Some(end) => self.take(end),
                None => return,
            }
        }
    }

    /// A token at once, or a login that was joined or begun for it.
    fn token(&mut self) -> Option<Result<String, AuthError>> {
        let _runtime = self.runtime.as_ref().unwrap().enter();
        let mut asked: Spawn<TokenFuture> = task::spawn(self.session.token());
        match asked.poll() {
            Poll::Ready(token) => Some(token.map(|token| token.expose().to_owned())),
            Poll::Pending => None,
        }
    }

    /// Each task runs until it waits.
    fn run(&self) {
        self.runtime.as_ref().unwrap().block_on(yield_now());
        let books = self.books.open();
        for login in self.ledger.given_up() {
            let fetch = &books.fetches[login];
            assert!(!fetch.is_under_way(), "T7: an abandoned login goes on");
        }
    }

    fn now(&self) -> Instant {
        let _runtime = self.runtime.as_ref().unwrap().enter();
        Instant::now()
    }

    fn advance(&self, time: Duration) {
        let runtime = self.runtime.as_ref().unwrap();
        runtime.block_on(tokio::time::advance(time));
    }

    fn begun(&self) -> usize {
        usize::try_from(self.session.stats().logins).unwrap()
    }

    fn check(&mut self) {
        let begun = self.begun();
        let books = self.books.open();
        assert_eq!(books.reserved, 0, "W2: a reservation is held");
        assert!(
            books.fetches.len() <= begun,
            "T7: a login that is over began"
        );
        self.ledger.observe(begun, &books.fetches, &books.calls);
    }
}

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

/// A broken rule says by which way it came about.
impl Drop for World<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("{}: {:?}", self.scenario.name, self.trail);
        }
    }
}

fn source(number: usize, scenario: &Scenario, books: &Books) -> Source {
    Source {
        number,
        lifetime: scenario.expiring.then_some(LIFETIME),
        books: books.clone(),
    }
}

pub(crate) fn runtime() -> Runtime {
    let mut builder = Builder::new_current_thread();
    builder.enable_time().start_paused(true).build().unwrap()
}
