//! What is compared: our layer, and what people use or write in its place.

use std::convert::Infallible;
use std::future::{Future, Ready, ready};
use std::hint::black_box;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use http::request::Parts;
use http::{HeaderValue, Request, Response, header};
use http_body::Body;
use http_body_util::Empty;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use pin_project_lite::pin_project;
use tokio::sync::Mutex;
use tower::filter::{AsyncFilterLayer, AsyncPredicate};
use tower::retry::{Policy, RetryLayer};
use tower::util::Oneshot;
use tower::{BoxError, Layer, Service, ServiceExt};
use tower_bearer::{BearerAuthLayer, Origins, Token, source_fn};
use tower_http::auth::AddAuthorizationLayer;

const TOKEN: &str = "mF_9.B5f-4.1JqM";

/// The inner service of them all.
#[derive(Clone)]
pub struct Noop;

/// Likewise, and has a client to clone, as the inner services of earnest programs have.
#[derive(Clone)]
pub struct Client<C> {
    _client: C,
}

/// Does the least that a layer can do which may have to send a request again: it keeps a copy of
/// the head, and inserts the header.
#[derive(Clone)]
pub struct Floor<S> {
    inner: S,
    value: HeaderValue,
}

pin_project! {
    pub struct FloorFuture<F> {
        #[pin]
        call: F,
        kept: Parts,
    }
}

#[derive(Clone)]
pub struct CloneEach<S>(S);

/// Retries once on a 401.
#[derive(Clone)]
pub struct Once;

/// The token behind an async mutex, as hand-written clients have it.
#[derive(Clone)]
pub struct Locked {
    token: Arc<Mutex<Option<HeaderValue>>>,
}

/// A request through the whole service, which answers at once.
pub fn send<S, B>(service: &mut S, request: Request<B>)
where
    S: Service<Request<B>, Response = Response<()>>,
{
    let mut cx = Context::from_waker(std::task::Waker::noop());
    assert!(matches!(service.poll_ready(&mut cx), Poll::Ready(Ok(()))));
    let response = service.call(request).now_or_never();
    assert!(matches!(black_box(response), Some(Ok(_))));
}

pub fn bare<B>() -> impl Service<Request<B>, Response = Response<()>> + Clone {
    Noop
}

pub fn static_header<B>() -> impl Service<Request<B>, Response = Response<()>> + Clone {
    AddAuthorizationLayer::bearer(TOKEN).layer(Noop)
}

pub fn floor<B>() -> impl Service<Request<B>, Response = Response<()>> + Clone {
    Floor {
        inner: Noop,
        value: bearer(),
    }
}

pub fn retry<B: Clone>() -> impl Service<Request<B>, Response = Response<()>> + Clone {
    RetryLayer::new(Once).layer(AddAuthorizationLayer::bearer(TOKEN).layer(Noop))
}

pub fn mutex_filter<B: Send + 'static>() -> impl Service<Request<B>, Response = Response<()>> + Clone
{
    let token = Arc::new(Mutex::new(Some(bearer())));
    AsyncFilterLayer::new(Locked { token }).layer(Noop)
}

/// Ours, with the token in hand.
pub fn bearer_auth<B>() -> impl Service<Request<B>, Response = Response<()>> + Clone
where
    B: Body + Unpin,
{
    layer().layer(Noop)
}

/// Ours, cloned for each request: `client.clone().oneshot(request)`.
pub fn cloned<B>() -> impl Service<Request<B>, Response = Response<()>> + Clone
where
    B: Body + Unpin,
{
    CloneEach(layer().layer(Noop))
}

/// The same over a client of hyper-util, which answers at once.
pub mod real {
    use super::*;

    pub fn bare<B>() -> impl Service<Request<B>, Response = Response<()>> + Clone {
        client()
    }

    pub fn bare_cloned<B>() -> impl Service<Request<B>, Response = Response<()>> + Clone {
        CloneEach(client())
    }

    pub fn floor<B>() -> impl Service<Request<B>, Response = Response<()>> + Clone {
        Floor {
            inner: client(),
            value: bearer(),
        }
    }

    pub fn floor_cloned<B>() -> impl Service<Request<B>, Response = Response<()>> + Clone {
        CloneEach(floor())
    }

    pub fn bearer_auth<B>() -> impl Service<Request<B>, Response = Response<()>> + Clone
    where
        B: Body + Unpin,
    {
        layer().layer(client())
    }

    pub fn cloned<B>() -> impl Service<Request<B>, Response = Response<()>> + Clone
    where
        B: Body + Unpin,
    {
        CloneEach(layer().layer(client()))
    }

    fn client() -> Client<hyper_util::client::legacy::Client<HttpConnector, Empty<Bytes>>> {
        Client {
            _client: hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build_http(),
        }
    }
}

/// With its token in hand.
fn layer() -> BearerAuthLayer {
    let origin = Origins::only("https://api.example.com").unwrap();
    let layer = BearerAuthLayer::new(source_fn(origin, |_| async { Ok(Token::new(TOKEN)?) }));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    runtime.unwrap().block_on(layer.session().token()).unwrap();
    layer
}

fn bearer() -> HeaderValue {
    HeaderValue::from_str(&format!("Bearer {TOKEN}")).unwrap()
}

impl<B> Service<Request<B>> for Noop {
    type Response = Response<()>;
    type Error = Infallible;
    type Future = Ready<Result<Response<()>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        drop(black_box(request));
        ready(Ok(Response::new(())))
    }
}

impl<C, B> Service<Request<B>> for Client<C> {
    type Response = Response<()>;
    type Error = Infallible;
    type Future = Ready<Result<Response<()>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        Noop.call(request)
    }
}

impl<S, B> Service<Request<B>> for Floor<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = FloorFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (mut head, body) = request.into_parts();
        let kept = head.clone();
        head.headers
            .insert(header::AUTHORIZATION, self.value.clone());
        FloorFuture {
            call: self.inner.call(Request::from_parts(head, body)),
            kept,
        }
    }
}

impl<F: Future> Future for FloorFuture<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        black_box(this.kept);
        this.call.poll(cx)
    }
}

impl<S, B> Service<Request<B>> for CloneEach<S>
where
    S: Service<Request<B>> + Clone,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Oneshot<S, Request<B>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        self.0.clone().oneshot(request)
    }
}

impl<B: Clone> Policy<Request<B>, Response<()>, Infallible> for Once {
    type Future = Ready<()>;

    fn retry(
        &mut self,
        _: &mut Request<B>,
        result: &mut Result<Response<()>, Infallible>,
    ) -> Option<Self::Future> {
        let refused = matches!(result, Ok(response) if response.status() == 401);
        refused.then(|| ready(()))
    }

    fn clone_request(&mut self, request: &Request<B>) -> Option<Request<B>> {
        Some(request.clone())
    }
}

impl<B: Send + 'static> AsyncPredicate<Request<B>> for Locked {
    type Future = BoxFuture<'static, Result<Request<B>, BoxError>>;
    type Request = Request<B>;

    fn check(&mut self, mut request: Request<B>) -> Self::Future {
        let token = self.token.clone();
        Box::pin(async move {
            let token = token.lock().await.clone().ok_or("logged out")?;
            request.headers_mut().insert(header::AUTHORIZATION, token);
            Ok(request)
        })
    }
}
