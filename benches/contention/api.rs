//! An in-process API whose tokens can be revoked and expire, and whose answers take a while.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, RwLock};
use std::task::{Context, Poll};
use std::time::Duration;

use http::{HeaderMap, Request, Response, StatusCode, header};
use tokio::time::{Instant, sleep};
use tower::{BoxError, Service};
use tower_bearer::{AuthError, Origins, Token, TokenSource, source_fn};

#[derive(Clone)]
pub(crate) struct Api {
    shared: Arc<Shared>,
}

#[derive(Clone, Copy)]
pub(crate) struct Pace {
    pub(crate) login: Duration,
    /// The answers take from 1 to so many milliseconds, each another time.
    pub(crate) slowest_answer: u64,
    /// How long a token is good for; `None`: for ever.
    pub(crate) lifetime: Option<Duration>,
}

/// How often a request was sent, for one who puts this among its extensions.
#[derive(Clone, Default)]
pub(crate) struct Sent(Arc<AtomicU32>);

struct Shared {
    pace: Pace,
    logins: AtomicU64,
    requests: AtomicU64,
    /// When each token was issued.
    issued: RwLock<Vec<Instant>>,
    /// How many of them, from the first, are revoked.
    revoked: AtomicUsize,
}

impl Api {
    pub(crate) fn new(pace: Pace) -> Self {
        Self {
            shared: Arc::new(Shared {
                pace,
                logins: AtomicU64::new(0),
                requests: AtomicU64::new(0),
                issued: RwLock::default(),
                revoked: AtomicUsize::new(0),
            }),
        }
    }

    /// A new token, which does not end those before it.
    pub(crate) async fn login(&self) -> String {
        self.shared.logins.fetch_add(1, Relaxed);
        sleep(self.shared.pace.login).await;
        let mut issued = self.shared.issued.write().unwrap();
        issued.push(Instant::now());
        format!("token-{}", issued.len() - 1)
    }

    /// A source of its tokens. `told`: the lifetime that it says they have.
    pub(crate) fn source(&self, told: Option<Duration>) -> impl TokenSource + use<> {
        let api = self.clone();
        source_fn(Origins::any(), move |_| {
            let api = api.clone();
            async move {
                let token = Token::new(api.login().await)?;
                Ok::<_, AuthError>(match told {
                    Some(lifetime) => token.expires_in(lifetime),
                    None => token,
                })
            }
        })
    }

    pub(crate) fn revoke_all(&self) {
        let issued = self.shared.issued.read().unwrap().len();
        self.shared.revoked.store(issued, Relaxed);
    }

    pub(crate) fn logins(&self) -> u64 {
        self.shared.logins.load(Relaxed)
    }

    fn accepts(&self, headers: &HeaderMap) -> bool {
        let token = headers.get(header::AUTHORIZATION);
        let number = token
            .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer token-"))
            .and_then(|number| number.parse::<usize>().ok());
        number.is_some_and(|number| {
            let age = self.shared.issued.read().unwrap()[number].elapsed();
            number >= self.shared.revoked.load(Relaxed)
                && self.shared.pace.lifetime.is_none_or(|it| age < it)
        })
    }
}

impl<B> Service<Request<B>> for Api {
    type Response = Response<()>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<()>, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        if let Some(sent) = request.extensions().get::<Sent>() {
            sent.0.fetch_add(1, Relaxed);
        }
        let mut response = Response::new(());
        if !self.accepts(request.headers()) {
            *response.status_mut() = StatusCode::UNAUTHORIZED;
        }
        let number = self.shared.requests.fetch_add(1, Relaxed);
        let takes = 1 + number % self.shared.pace.slowest_answer;
        Box::pin(async move {
            sleep(Duration::from_millis(takes)).await;
            Ok(response)
        })
    }
}

impl Sent {
    pub(crate) fn times(&self) -> u32 {
        self.0.load(Relaxed)
    }
}
