//! Stands at the two places where the [rules](crate::rules) can be seen to be kept: around the
//! login, and between the layer and the HTTP client.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use futures::FutureExt;
use futures::future::BoxFuture;
use http::header::AUTHORIZATION;
use http::{Request, Response, StatusCode};
use tokio::time::Instant;
use tower::Service;
use tower_bearer::{AuthError, Origins, Token, TokenRequest, TokenSource};

use crate::rules::{Cause, Rules};
use crate::tally::{Count, Tally};

#[derive(Clone)]
pub(crate) struct Referee {
    tally: Arc<Tally>,
    rules: Arc<Mutex<Rules>>,
}

/// A source of tokens that is watched.
pub(crate) struct Watched<T> {
    pub(crate) referee: Referee,
    /// Taken in turn.
    pub(crate) logins: [T; 2],
    pub(crate) origins: Origins,
}

/// A client whose refusals are watched.
#[derive(Clone)]
pub(crate) struct Observed<S> {
    pub(crate) referee: Referee,
    pub(crate) inner: S,
}

/// A login under way. The session drops one that takes too long.
struct Turn<'a> {
    referee: &'a Referee,
    cause: Cause,
    over: bool,
}

impl Referee {
    pub(crate) fn new(tally: Arc<Tally>) -> Self {
        Self {
            tally,
            rules: Arc::default(),
        }
    }

    fn rules(&self) -> MutexGuard<'_, Rules> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, stale: Option<&Token>) -> Turn<'_> {
        self.tally.count(Count::Logins);
        let (cause, objections) = self.rules().begin(stale, Instant::now());
        for objection in objections {
            self.tally.violation(Count::ForbiddenLogins, objection);
        }
        Turn {
            referee: self,
            cause,
            over: false,
        }
    }
}

impl Turn<'_> {
    fn end(&mut self, outcome: Result<&Token, &AuthError>) {
        self.over = true;
        let tally = &self.referee.tally;
        match outcome {
            Ok(_) => {}
            Err(error) if error.is_rejected() => tally.count(Count::Rejected),
            Err(error) if error.is_unavailable() => tally.count(Count::Unavailable),
            Err(error) if error.is_misconfigured() => tally.count(Count::Misconfigured),
            Err(error) => tally.violation(Count::OtherViolations, format!("a login: {error}")),
        }
        self.referee
            .rules()
            .end(self.cause, outcome, Instant::now());
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if !self.over {
            self.referee.tally.count(Count::TimedOut);
            let error = AuthError::unavailable("it took too long");
            let mut rules = self.referee.rules();
            rules.end(self.cause, Err(&error), Instant::now());
        }
    }
}

impl<T: TokenSource> TokenSource for Watched<T> {
    fn origins(&self) -> Origins {
        self.origins.clone()
    }

    async fn fetch(&self, request: TokenRequest) -> Result<Token, AuthError> {
        let mut turn = self.referee.begin(request.stale());
        let number = self.referee.tally.get(Count::Logins) as usize;
        let outcome = self.logins[number % self.logins.len()].fetch(request).await;
        turn.end(outcome.as_ref());
        outcome
    }
}

impl<S, B, R> Service<Request<B>> for Observed<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Future: Send + 'static,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Response<R>, S::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let token = bearer(request.headers()).map(str::to_owned);
        let referee = self.referee.clone();
        let note = move |result: &Result<Response<R>, S::Error>| {
            let status = result.as_ref().map(Response::status).ok();
            if let (Some(StatusCode::UNAUTHORIZED), Some(token)) = (status, token) {
                referee.rules().refused(&token, Instant::now());
            }
        };
        self.inner.call(request).inspect(note).boxed()
    }
}

pub(crate) fn bearer(headers: &http::HeaderMap) -> Option<&str> {
    headers
        .get(AUTHORIZATION)?
        .to_str()
        .ok()?
        .strip_prefix("Bearer ")
}
