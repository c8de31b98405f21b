//! What several tests need: a source that does as it is told, and a server that notes what it sees.

use std::convert::Infallible;
use std::fmt::Debug;
use std::future::{Ready, ready};
use std::mem;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures::future::{BoxFuture, join_all};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use tokio::sync::Semaphore;
use tower::{BoxError, Service, ServiceExt, service_fn};
use tower_bearer::{AuthError, Cause, Origins, ReplayBody, Token, TokenRequest, TokenSource};

pub(crate) type Body = Full<Bytes>;

/// What the inner service is called with.
pub(crate) type Sent = Request<ReplayBody<Body>>;

/// A source whose logins bring `t1`, `t2`, … unless a script says otherwise.
#[derive(Clone)]
pub(crate) struct ScriptedSource {
    inner: Arc<ScriptedSourceInner>,
}

struct ScriptedSourceInner {
    requests: Mutex<Vec<TokenRequest>>,
    abandoned: AtomicUsize,
    script: Mutex<Vec<Result<Token, AuthError>>>,
    gate: Semaphore,
    origins: Origins,
}

impl ScriptedSource {
    /// Each login ends at once.
    pub(crate) fn open() -> Self {
        Self::new(Semaphore::MAX_PERMITS, Origins::any())
    }

    /// A login ends when it is let through.
    pub(crate) fn closed() -> Self {
        Self::new(0, Origins::any())
    }

    /// So many logins end at once, each further one when it is let through.
    pub(crate) fn closed_after(logins: usize) -> Self {
        Self::new(logins, Origins::any())
    }

    pub(crate) fn scoped(origin: &str) -> Self {
        Self::new(Semaphore::MAX_PERMITS, Origins::only(origin).unwrap())
    }

    fn new(permits: usize, origins: Origins) -> Self {
        Self {
            inner: Arc::new(ScriptedSourceInner {
                requests: Mutex::default(),
                abandoned: AtomicUsize::new(0),
                script: Mutex::default(),
                gate: Semaphore::new(permits),
                origins,
            }),
        }
    }

    /// What the next logins bring, in this order.
    pub(crate) fn script(self, script: impl IntoIterator<Item = Result<Token, AuthError>>) -> Self {
        let mut script: Vec<_> = script.into_iter().collect();
        script.reverse();
        *self.inner.script.lock().unwrap() = script;
        self
    }

    pub(crate) fn let_through(&self, logins: usize) {
        self.inner.gate.add_permits(logins);
    }

    /// How many logins were begun.
    pub(crate) fn logins(&self) -> usize {
        self.inner.requests.lock().unwrap().len()
    }

    /// How many logins were dropped before they ended.
    pub(crate) fn abandoned(&self) -> usize {
        self.inner.abandoned.load(Ordering::SeqCst)
    }

    /// The token that each login was to replace.
    pub(crate) fn stale(&self) -> Vec<Option<String>> {
        let stale = |request: &TokenRequest| Some(request.stale()?.expose().to_owned());
        self.requests().iter().map(stale).collect()
    }

    /// Why each login was asked for.
    pub(crate) fn causes(&self) -> Vec<Cause> {
        self.requests().iter().map(TokenRequest::cause).collect()
    }

    /// What each login was asked for.
    pub(crate) fn requests(&self) -> Vec<TokenRequest> {
        self.inner.requests.lock().unwrap().clone()
    }
}

/// Counts a login that is dropped.
struct UnderWay<'a>(&'a AtomicUsize);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl TokenSource for ScriptedSource {
    fn origins(&self) -> Origins {
        self.inner.origins.clone()
    }

    async fn fetch(&self, request: TokenRequest) -> Result<Token, AuthError> {
        let number = {
            let mut requests = self.inner.requests.lock().unwrap();
            requests.push(request);
            requests.len()
        };
        let under_way = UnderWay(&self.inner.abandoned);
        self.inner.gate.acquire().await.unwrap().forget();
        mem::forget(under_way);
        let scripted = self.inner.script.lock().unwrap().pop();
        scripted.unwrap_or_else(|| Ok(token(&format!("t{number}"))))
    }
}

/// A server that accepts one token at a time.
#[derive(Clone, Default)]
pub(crate) struct Server {
    inner: Arc<Mutex<ServerInner>>,
}

#[derive(Default)]
struct ServerInner {
    accepted: Option<String>,
    seen: Vec<Seen>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) authorization: Vec<String>,
    pub(crate) body: Bytes,
}

impl Server {
    /// Accepts any token.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn accepting(token: &str) -> Self {
        let server = Self::new();
        server.accept(token);
        server
    }

    /// Refuses all tokens but this one from now on.
    pub(crate) fn accept(&self, token: &str) {
        self.inner.lock().unwrap().accepted = Some(format!("Bearer {token}"));
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.inner.lock().unwrap().seen.clone()
    }

    /// The Authorization header of each request, where it has just one.
    pub(crate) fn tokens(&self) -> Vec<String> {
        let seen = self.seen();
        seen.iter()
            .map(|seen| seen.authorization.join(" AND "))
            .collect()
    }

    fn answer<B>(&self, request: Request<B>, body: Bytes) -> Response<&'static str> {
        let values = request.headers().get_all("authorization");
        let authorization: Vec<_> = values
            .iter()
            .map(|value| value.to_str().unwrap().to_owned())
            .collect();
        let mut inner = self.inner.lock().unwrap();
        let accepted = inner
            .accepted
            .as_ref()
            .is_none_or(|accepted| authorization.contains(accepted));
        inner.seen.push(Seen {
            authorization,
            body,
        });
        let mut response = Response::new(if accepted { "welcome" } else { "who are you?" });
        if !accepted {
            *response.status_mut() = StatusCode::UNAUTHORIZED;
        }
        response
    }

    /// A service that reads the body to its end before it answers.
    pub(crate) fn service<B>(
        &self,
    ) -> impl Service<
        Request<ReplayBody<B>>,
        Response = Response<&'static str>,
        Error = BoxError,
        Future = BoxFuture<'static, Result<Response<&'static str>, BoxError>>,
    > + Clone
    + use<B>
    where
        B: http_body::Body + Send + Unpin + 'static,
        B::Data: Send,
        B::Error: Into<BoxError>,
    {
        let server = self.clone();
        service_fn(move |request: Request<ReplayBody<B>>| {
            let server = server.clone();
            Box::pin(async move {
                let (head, body) = request.into_parts();
                let body = body.collect().await?.to_bytes();
                Ok(server.answer(Request::from_parts(head, ()), body))
            }) as BoxFuture<'static, _>
        })
    }

    /// A service that answers at once and never looks at the body.
    pub(crate) fn early<B>(
        &self,
    ) -> impl Service<
        Request<B>,
        Response = Response<&'static str>,
        Error = Infallible,
        Future = Ready<Result<Response<&'static str>, Infallible>>,
    > + Clone
    + use<B> {
        let server = self.clone();
        service_fn(move |request: Request<B>| ready(Ok(server.answer(request, Bytes::new()))))
    }
}

/// Sends ten requests at once. Each is accepted.
pub(crate) async fn answers_ten<S, R>(client: S)
where
    S: Service<Request<Body>, Response = Response<R>, Error: Debug + Send, Future: Send>
        + Clone
        + Send
        + 'static,
    R: Send + 'static,
{
    let requests =
        (0..10).map(|_| tokio::spawn(client.clone().oneshot(get("https://api.example.com/"))));
    for answered in join_all(requests).await {
        assert_eq!(answered.unwrap().unwrap().status(), StatusCode::OK);
    }
}

/// Lets everything happen that needs no time.
pub(crate) async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

pub(crate) fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub(crate) fn token(text: &str) -> Token {
    Token::new(text).unwrap()
}

/// The request for a token in the place of this one, which was refused.
pub(crate) fn replacing(stale: &Token) -> TokenRequest {
    TokenRequest::replacing(stale.clone(), Cause::Refused)
}

pub(crate) fn get(uri: &str) -> Request<Body> {
    Request::get(uri).body(Body::default()).unwrap()
}

pub(crate) fn post(body: &'static str) -> Request<Body> {
    Request::post("https://api.example.com/")
        .body(Body::from(body))
        .unwrap()
}

/// The error in the extensions of a refused response.
pub(crate) fn explanation<B>(response: &Response<B>) -> Option<&AuthError> {
    response.extensions().get()
}

/// The `AuthError` that a request failed with.
pub(crate) fn auth_error(error: BoxError) -> AuthError {
    *error.downcast::<AuthError>().unwrap()
}
