//! What would be a process of its own: a runtime, and a session that shares its token. Dropped, it
//! ends, whatever it does at that moment.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::Full;
use tokio::runtime::{Builder, Runtime};
use tokio::time::{sleep, timeout};
use tower::{BoxError, Layer};
use tower_bearer::login::{ClientAuth, Form};
use tower_bearer::{AuthError, BearerAuth, BearerAuthLayer, Session};

use super::account::{Account, BASE, Endpoint, LOGIN, PASSWORD};
use super::referee::{Phase, Referee};
use super::store::Place;
use crate::rng::Rng;
use crate::rules;
use crate::tally::Count;

/// How many send requests in each of them.
const SENDERS: u64 = 3;

/// More than a login and a lease that nobody gives back can take.
const DEADLINE: Duration = Duration::from_secs(8);

/// Longer than the fault, so that each credential is tried once.
const REJECTION: Duration = Duration::from_secs(30);

pub(super) struct Process {
    pub(super) endpoint: Endpoint,
    session: Session,
    /// There, until it ends.
    runtime: Option<Runtime>,
    has_wrong_password: Arc<AtomicBool>,
}

struct Sender {
    client: BearerAuth<Endpoint>,
    referee: Arc<Referee>,
    has_wrong_password: Arc<AtomicBool>,
    rng: Rng,
}

impl Process {
    /// `number`: no other was ever the same.
    pub(super) fn start(
        account: &Arc<Account>,
        number: u64,
        place: &Place,
        referee: &Arc<Referee>,
    ) -> Result<Self, BoxError> {
        let endpoint = Endpoint {
            account: account.clone(),
            process: number,
        };
        let session = session(&endpoint, place)?;
        let mut runtime = Builder::new_multi_thread();
        let runtime = runtime.worker_threads(1).enable_all().build()?;
        let has_wrong_password = Arc::new(AtomicBool::default());
        let layer = BearerAuthLayer::from_session(session.clone());
        let client = layer.layer(endpoint.clone());
        for sender in 0..SENDERS {
            let mut sender = Sender {
                client: client.clone(),
                referee: referee.clone(),
                has_wrong_password: has_wrong_password.clone(),
                rng: Rng::of(number, sender),
            };
            runtime.spawn(async move { sender.run().await });
        }
        Ok(Self {
            endpoint,
            session,
            runtime: Some(runtime),
            has_wrong_password,
        })
    }

    /// How often the store did not work for it.
    pub(super) fn store_failed(&self) -> u64 {
        self.session.stats().store_failed
    }

    pub(super) fn has_wrong_password(&self) -> bool {
        self.has_wrong_password.load(Relaxed)
    }

    pub(super) fn take_password(&self, password: &str) -> Result<(), BoxError> {
        // Requests under way may be told of the one or the other.
        self.has_wrong_password.store(true, Relaxed);
        let source = login(&self.endpoint, password)?;
        self.session.replace_source(source);
        if password == PASSWORD {
            self.has_wrong_password.store(false, Relaxed);
        }
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Sender {
    async fn run(&mut self) {
        loop {
            self.send().await;
            sleep(self.rng.millis(3, 12)).await;
        }
    }

    async fn send(&self) {
        let tally = &self.referee.tally;
        let may_fail = || self.has_wrong_password.load(Relaxed);
        let account = &self.client.get_ref().account;
        let takes_turns = || account.keeps_one() && self.referee.phase() != Phase::Quiet;
        let (might_fail, took_turns) = (may_fail(), takes_turns());
        tally.count(Count::Requests);
        let mut request = Request::new(Full::<Bytes>::default());
        *request.uri_mut() = http::Uri::from_static(BASE);
        match timeout(DEADLINE, self.client.send(request)).await {
            Ok(Ok(response)) if response.status() == StatusCode::OK => {
                tally.count(Count::Answered);
            }
            Ok(Ok(_)) if took_turns || takes_turns() => self.referee.refused_by_turns(),
            Ok(Ok(_)) if account.keeps_one() => {
                let what = "a request met two tokens that had ended".to_owned();
                self.referee.object(what);
            }
            Ok(Ok(response)) => {
                let why = response.extensions().get::<AuthError>();
                let what = format!("{}: {}, {why:?}", account.name, response.status());
                tally.violation(Count::OtherViolations, what);
            }
            Ok(Err(_)) if might_fail || may_fail() => self.referee.rejected(),
            Ok(Err(error)) => {
                let what = format!("{}: a request failed: {error}", account.name);
                tally.violation(Count::OtherViolations, what);
            }
            Err(_elapsed) => {
                let what = format!("{}: a request was not answered", account.name);
                tally.violation(Count::Unanswered, what);
            }
        }
    }
}

pub(super) fn session(endpoint: &Endpoint, place: &Place) -> Result<Session, BoxError> {
    let session = rules::builder(Session::builder(login(endpoint, PASSWORD)?));
    let session = session.rejection_backoff(REJECTION, REJECTION);
    Ok(session.token_cache(place.cache()?).build())
}

fn login(endpoint: &Endpoint, password: &str) -> Result<Form, BoxError> {
    let login = Form::new(endpoint.clone(), BASE, endpoint.account.name, password)?;
    let login = login.path(LOGIN)?.field("grant_type", "password")?;
    let login = login.client_auth(ClientAuth::public("soak"));
    // The answer of the other kind of account has none.
    Ok(login.use_refresh_token())
}
