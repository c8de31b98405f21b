//! One session with all that acts on it, and the steps that may be taken next.

mod play;
mod steps;

use std::task::Poll;
use std::thread;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::task::yield_now;
use tokio::time::Instant;
use tokio_test::task::{self, Spawn};
use tower::{Layer, Service};
use tower_bearer::{AuthError, BearerAuth, BearerAuthLayer, ResponseFuture, Session, TokenFuture};

use super::explore::Play;
use super::fakes::{Books, End, Inner, Readiness, Source};
use super::rules::Ledger;
use super::{Scenario, Step};
use crate::support::{Body, Sent};

type Response = ResponseFuture<Inner, <Inner as Service<Sent>>::Future, Body, ()>;

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
