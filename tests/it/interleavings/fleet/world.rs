//! The two sessions, their API, and what has to hold in every schedule.

use std::collections::HashSet;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use futures::future::BoxFuture;
use http::{Request, Response, StatusCode};
use tokio::runtime::Runtime;
use tokio::task::yield_now;
use tokio_test::task::{self, Spawn};
use tower::{Layer, ServiceExt, service_fn};
use tower_bearer::testing::Memory;
use tower_bearer::{BearerAuthLayer, ReplayBody, Session};

use super::sessions::{LIFETIME, Login, session_of};
use super::store::Books;
use super::{A, Scenario, Step};
use crate::interleavings::explore::Play;
use crate::support::{Body, get};

/// Longer than the pause between two looks.
const PAUSE: Duration = Duration::from_millis(400);

pub(super) struct World<'a> {
    scenario: &'a Scenario,
    runtime: Option<Runtime>,
    sessions: [Session; 2],
    memory: Memory,
    store: Arc<Mutex<Books>>,
    logins: Arc<Mutex<Vec<Login>>>,
    revoked: Arc<Mutex<HashSet<String>>>,
    /// With what each of them was answered.
    requests: Vec<(Spawn<BoxFuture<'static, StatusCode>>, Option<StatusCode>)>,
    signing_out: Vec<Spawn<BoxFuture<'static, ()>>>,
    /// How many operations were done when it was asked for.
    signed_out_at: Option<usize>,
    once: Vec<Step>,
    waits: usize,
    trail: Vec<Step>,
}

impl<'a> World<'a> {
    pub(super) fn new(scenario: &'a Scenario, runtime: Runtime) -> Self {
        let (memory, store) = (Memory::new(), Arc::<Mutex<Books>>::default());
        let logins = Arc::<Mutex<Vec<Login>>>::default();
        let session = |session| session_of(session, &memory, &store, &logins);
        let mut world = Self {
            scenario,
            sessions: [session(0), session(1)],
            runtime: Some(runtime),
            memory,
            store,
            logins,
            revoked: Arc::default(),
            requests: Vec::new(),
            signing_out: Vec::new(),
            signed_out_at: None,
            once: Vec::new(),
            waits: usize::MAX,
            trail: Vec::new(),
        };
        if scenario.is_warm {
            for session in 0..2 {
                world.take(Step::Ask(session));
                world.drain();
            }
            assert_eq!(world.logins.lock().unwrap().len(), 1);
        }
        if scenario.is_due {
            let runtime = world.runtime.as_ref().unwrap();
            runtime.block_on(tokio::time::advance(LIFETIME.mul_f64(0.95)));
        }
        for step in scenario.begins_with {
            world.take(*step);
        }
        world.trail.clear();
        world.once = scenario.once.to_vec();
        world.waits = scenario.waits;
        world
    }

    /// A request of this session begins.
    fn ask(&mut self, session: usize) {
        let revoked = self.revoked.clone();
        let api = service_fn(move |request: Request<ReplayBody<Body>>| {
            let value = request.headers()["authorization"].to_str().unwrap();
            let sent = value.strip_prefix("Bearer ").unwrap();
            let mut response = Response::new(());
            if revoked.lock().unwrap().contains(sent) {
                *response.status_mut() = StatusCode::UNAUTHORIZED;
            }
            std::future::ready(Ok::<_, Infallible>(response))
        });
        let layer = BearerAuthLayer::from_session(self.sessions[session].clone());
        let answer = layer.layer(api).oneshot(get("https://api.example.com/"));
        let answer: BoxFuture<'static, StatusCode> =
            Box::pin(async move { answer.await.unwrap().status() });
        self.requests.push((task::spawn(answer), None));
        let _runtime = self.runtime.as_ref().unwrap().enter();
        let (request, status) = self.requests.last_mut().unwrap();
        if let Poll::Ready(answered) = request.poll() {
            *status = Some(answered);
        }
    }

    fn sign_out(&mut self, session: usize) {
        let runtime = self.runtime.as_ref().unwrap().enter();
        self.signed_out_at = Some(self.store.lock().unwrap().done);
        let removed = self.sessions[session].sign_out();
        let removed: BoxFuture<'static, ()> = Box::pin(async move { drop(removed.await) });
        let mut removed = task::spawn(removed);
        if removed.poll().is_pending() {
            self.signing_out.push(removed);
        }
        drop(runtime);
    }

    /// Lets everything happen that waits for no step.
    fn settle(&mut self) {
        loop {
            let runtime = self.runtime.as_ref().unwrap();
            runtime.block_on(yield_now());
            let _runtime = runtime.enter();
            let mut has_moved = false;
            for (request, status) in &mut self.requests {
                if status.is_none() && request.is_woken() {
                    has_moved = true;
                    if let Poll::Ready(answered) = request.poll() {
                        *status = Some(answered);
                    }
                }
            }
            self.signing_out.retain_mut(|removed| {
                let is_woken = removed.is_woken();
                has_moved |= is_woken;
                !is_woken || removed.poll().is_pending()
            });
            if !has_moved {
                break;
            }
        }
        self.store.lock().unwrap().forget_the_dropped();
    }

    /// Takes what is enabled until nothing is.
    fn drain(&mut self) {
        self.waits = usize::MAX;
        let mut steps = Vec::new();
        for _ in 0..300 {
            self.enabled(&mut steps);
            match steps.first() {
                Some(step) => self.take(*step),
                None => return,
            }
        }
        panic!("F6: there is no end of it");
    }

    fn check_the_end(&mut self) {
        for (number, (_, status)) in self.requests.iter().enumerate() {
            assert_eq!(*status, Some(StatusCode::OK), "request {number}");
        }
        assert!(self.signing_out.is_empty(), "F20: a sign-out hangs");
        let stats = self.sessions.each_ref().map(Session::stats);
        for stats in &stats {
            assert_eq!(stats.logins_failed, 0, "F7: nothing has failed");
            assert_eq!(stats.logins_without_store, 0, "F6: nobody was alone");
        }
        let made = self.logins.lock().unwrap().len();
        if self.signed_out_at.is_none() {
            let expected = 1 + usize::from(self.scenario.is_warm);
            assert_eq!(made, expected, "F2: one login for both");
            return;
        }
        self.check_what_is_stored();
    }

    /// Somebody new takes what is stored, if there is a token.
    fn check_what_is_stored(&mut self) {
        let made = self.logins.lock().unwrap().len();
        self.sessions[A] = session_of(A, &self.memory, &self.store, &self.logins);
        self.ask(A);
        self.settle();
        self.drain();
        assert_eq!(self.requests.last().unwrap().1, Some(StatusCode::OK));
        let stored = self.sessions[A].status().token().cloned().unwrap();
        let number: usize = stored.expose()[1..].parse().unwrap();
        if number >= made {
            return;
        }
        let signed_out_at = self.signed_out_at.unwrap();
        let login = &self.logins.lock().unwrap()[number];
        let books = self.store.lock().unwrap();
        let first_write = |session, since| {
            let mut written = books.written.iter();
            written.find(|(by, at)| *by == session && *at >= since)
        };
        let (_, written) = first_write(login.session, login.began_at).unwrap();
        assert!(*written >= signed_out_at, "F20: the old token is adopted");
        if let Some((_, mark)) = first_write(A, signed_out_at) {
            let was_under_way = login.began_at <= *mark && mark < written;
            assert!(!was_under_way, "F20: a login under way was kept");
        }
    }
}

impl Play for World<'_> {
    type Step = Step;

    fn enabled(&self, steps: &mut Vec<Step>) {
        steps.clear();
        let books = self.store.lock().unwrap();
        steps.extend((0..books.operations.len()).map(Step::Operation));
        let logins = self.logins.lock().unwrap();
        if logins.iter().any(|login| login.gate.is_some()) {
            steps.push(Step::Login);
        }
        steps.extend_from_slice(&self.once);
        if self.waits > 0 && books.waiting.contains(&true) {
            steps.push(Step::Wait);
        }
    }

    fn take(&mut self, step: Step) {
        self.trail.push(step);
        if let Some(index) = self.once.iter().position(|once| *once == step) {
            self.once.remove(index);
        }
        match step {
            Step::Ask(session) => self.ask(session),
            Step::Operation(number) => self.store.lock().unwrap().let_through(number),
            Step::Login => {
                let mut logins = self.logins.lock().unwrap();
                let gate = logins.iter_mut().find_map(|login| login.gate.take());
                gate.unwrap().send(()).unwrap();
            }
            Step::Wait => {
                self.waits -= 1;
                let runtime = self.runtime.as_ref().unwrap();
                runtime.block_on(tokio::time::advance(PAUSE));
            }
            Step::Revoke => {
                self.revoked.lock().unwrap().insert("t0".to_owned());
            }
            Step::SignOut(session) => self.sign_out(session),
        }
        self.settle();
    }

    fn finish(mut self) -> Runtime {
        self.drain();
        self.check_the_end();
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
