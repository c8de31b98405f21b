//! An API whose tokens are numbered, its login, and clients that ask it at a steady pace.

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Request, Response, StatusCode};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until};
use tower::BoxError;
use tower_bearer::{
    AuthError, BearerAuth, BearerAuthLayer, Origins, ReplayBody, Session, SessionBuilder, Token,
    source_fn,
};
use tower_layer::Layer;

use crate::support::{Body, get, millis};

/// Which answer a token gets at a path.
type Judge = dyn Fn(&Asked<'_>) -> Answer + Send + Sync;

/// A response of the API.
pub(super) struct Answer(Response<&'static str>);

pub(super) struct Asked<'a> {
    pub(super) path: &'a str,
    /// The number of the token, which is that of its login unless the test says otherwise.
    pub(super) token: u64,
    /// The tokens up to this one are revoked.
    pub(super) revoked: u64,
    pub(super) at: Duration,
    /// Counts the requests that reach the API.
    pub(super) number: u64,
}

#[derive(Clone)]
pub(super) struct World {
    inner: Arc<Inner>,
}

struct Inner {
    start: Instant,
    logins: AtomicU64,
    revoked: AtomicU64,
    requests: AtomicU64,
    judge: Box<Judge>,
}

/// What the clients of one path got.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Got {
    pub(super) ok: u64,
    pub(super) refused: u64,
    pub(super) failed: u64,
    /// The longest that one had to wait.
    pub(super) longest: Duration,
    /// Those that waited at all.
    pub(super) waited: u64,
}

impl World {
    pub(super) fn new<A: Into<Answer>>(
        judge: impl Fn(&Asked<'_>) -> A + Send + Sync + 'static,
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                start: Instant::now(),
                logins: AtomicU64::new(0),
                revoked: AtomicU64::new(0),
                requests: AtomicU64::new(0),
                judge: Box::new(move |asked| judge(asked).into()),
            }),
        }
    }

    pub(super) fn at(&self) -> Duration {
        self.inner.start.elapsed()
    }

    pub(super) fn logins(&self) -> u64 {
        self.inner.logins.load(Ordering::SeqCst)
    }

    /// Counts a login, and returns its number.
    pub(super) fn login_begins(&self) -> u64 {
        self.inner.logins.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// All tokens so far are refused from now on.
    pub(super) fn revoke(&self) {
        self.inner.revoked.store(self.logins(), Ordering::SeqCst);
    }

    /// Only tokens from that one on are accepted.
    pub(super) fn revoke_before(&self, token: u64) {
        self.inner.revoked.store(token - 1, Ordering::SeqCst);
    }

    pub(super) async fn revoke_at(&self, at: Duration) {
        sleep_until(self.inner.start + at).await;
        self.revoke();
    }

    /// A session whose logins take 50 ms, and bring `t1`, `t2`, … of unknown lifetime.
    pub(super) fn session(&self) -> Session {
        self.builder(|number, _| async move {
            sleep(millis(50)).await;
            Ok(token(number))
        })
        .build()
    }

    /// A session whose logins do this, with their number.
    pub(super) fn builder<F, Fut>(&self, login: F) -> SessionBuilder
    where
        F: Fn(u64, Self) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Token, AuthError>> + Send + 'static,
    {
        let world = self.clone();
        Session::builder(source_fn(Origins::any(), move |_| {
            login(world.login_begins(), world.clone())
        }))
    }

    pub(super) fn api(&self) -> Api {
        Api {
            world: self.clone(),
        }
    }

    /// A client over this API.
    pub(super) fn client(&self, session: &Session) -> Client {
        let layer = BearerAuthLayer::from_session(session.clone());
        Client {
            world: self.clone(),
            service: layer.layer(self.api()),
        }
    }
}

/// The API as a service.
#[derive(Clone)]
pub(super) struct Api {
    world: World,
}

impl tower::Service<Request<ReplayBody<Body>>> for Api {
    type Response = Response<&'static str>;
    type Error = BoxError;
    type Future = std::future::Ready<Result<Response<&'static str>, BoxError>>;

    fn poll_ready(
        &mut self,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), BoxError>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<ReplayBody<Body>>) -> Self::Future {
        let sent = request.headers()["authorization"].to_str().unwrap();
        // The signature of a JWT, or all of another token.
        let sent = sent.rsplit(['.', ' ']).next().unwrap();
        let inner = &self.world.inner;
        let asked = Asked {
            path: request.uri().path(),
            token: sent.strip_prefix('t').unwrap().parse().unwrap(),
            revoked: inner.revoked.load(Ordering::SeqCst),
            at: self.world.at(),
            number: inner.requests.fetch_add(1, Ordering::SeqCst),
        };
        let Answer(response) = (inner.judge)(&asked);
        std::future::ready(Ok(response))
    }
}

#[derive(Clone)]
pub(super) struct Client {
    world: World,
    service: BearerAuth<Api>,
}

impl Client {
    pub(super) async fn ask(&self, path: &str) -> Result<StatusCode, AuthError> {
        let request = get(&format!("https://api.example.com{path}"));
        match self.service.send(request).await {
            Ok(response) => Ok(response.status()),
            Err(error) => Err(*error.downcast().unwrap()),
        }
    }

    /// Asks for the path that each number stands for, at this pace until that time. Each request is
    /// a task of its own: one that waits holds up no other.
    pub(super) fn keep_asking<P>(&self, pace: Duration, until: Duration, path: P) -> JoinHandle<Got>
    where
        P: Fn(u64) -> String + Send + 'static,
    {
        let client = self.clone();
        tokio::spawn(async move {
            let got = Arc::new(Mutex::new(Got::default()));
            let mut asked = Vec::new();
            let mut number = 0;
            while client.world.at() < until {
                let (client, got, path) = (client.clone(), got.clone(), path(number));
                asked.push(tokio::spawn(async move {
                    let at = Instant::now();
                    let answer = client.ask(&path).await;
                    got.lock().unwrap().note(&answer, at.elapsed());
                }));
                number += 1;
                sleep(pace).await;
            }
            for one in asked {
                one.await.unwrap();
            }
            *got.lock().unwrap()
        })
    }
}

impl From<StatusCode> for Answer {
    fn from(status: StatusCode) -> Self {
        Self(Response::builder().status(status).body("").unwrap())
    }
}

impl From<Response<&'static str>> for Answer {
    fn from(response: Response<&'static str>) -> Self {
        Self(response)
    }
}

impl Got {
    fn note(&mut self, answer: &Result<StatusCode, AuthError>, waited: Duration) {
        match answer {
            Ok(StatusCode::OK) => self.ok += 1,
            Ok(_) => self.refused += 1,
            Err(_) => self.failed += 1,
        }
        self.longest = self.longest.max(waited);
        self.waited += u64::from(!waited.is_zero());
    }

    pub(super) fn all(&self) -> u64 {
        self.ok + self.refused + self.failed
    }
}

/// A 200, or a 401 that says nothing.
pub(super) fn ok_if(is_good: bool) -> StatusCode {
    match is_good {
        true => StatusCode::OK,
        false => StatusCode::UNAUTHORIZED,
    }
}

pub(super) fn token(number: u64) -> Token {
    Token::new(format!("t{number}")).unwrap()
}

pub(super) const HOUR: Duration = Duration::from_secs(3_600);
