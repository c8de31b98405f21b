//! hyper's server and hyper-util's client on a loopback port: HTTP/1.1, one request at a time on one
//! connection that is kept alive.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::thread;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, Uri, header};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tower::{BoxError, Service};
use tower_bearer::{BearerAuth, BearerAuthLayer, Origins, ReplayBody, Token, source_fn};

pub type Http<B> = Client<HttpConnector, B>;
pub type Plain = Http<Full<Bytes>>;
pub type Retrying = ByHand<Plain>;
pub type Authenticated = BearerAuth<Http<ReplayBody<Full<Bytes>>>>;

const TOKEN: &str = "mF_9.B5f-4.1JqM";

/// Where the server runs: the client's thread, so that all there is to do is done by it, or one of
/// its own, so that the client's part stands by itself.
#[derive(Clone, Copy)]
pub enum Threads {
    One,
    Two,
}

/// A client with its server, and what it sends: POST, 4 headers and the caller's `Authorization`.
pub struct Loopback<C> {
    runtime: Runtime,
    client: C,
    uri: Uri,
    body: Bytes,
    /// The caller's own, where there is no layer.
    authorization: Option<HeaderValue>,
    connections: Arc<AtomicU64>,
}

impl Loopback<Plain> {
    /// Without the layer: the caller sets the header, so that the server sees the same bytes.
    pub fn plain(threads: Threads, body: usize) -> Self {
        let authorization = HeaderValue::try_from(format!("Bearer {TOKEN}")).unwrap();
        Self::new(threads, body, http(), Some(authorization))
    }
}

impl Loopback<Retrying> {
    pub fn by_hand(threads: Threads, body: usize) -> Self {
        let token = HeaderValue::try_from(format!("Bearer {TOKEN}")).unwrap();
        let inner = http();
        Self::new(threads, body, ByHand { inner, token }, None)
    }
}

impl Loopback<Authenticated> {
    pub fn authenticated(threads: Threads, body: usize) -> Self {
        let source = source_fn(Origins::any(), |_| async { Ok(Token::new(TOKEN)?) });
        // Over https, as in earnest, nobody asks whether the host is loopback.
        let layer = BearerAuthLayer::new(source).allow_plain_http();
        let client = tower::Layer::layer(&layer, http());
        Self::new(threads, body, client, None)
    }
}

impl<C, B> Loopback<C>
where
    C: Service<Request<Full<Bytes>>, Response = Response<B>, Error: Into<BoxError>>,
    B: Body<Error: std::fmt::Debug>,
{
    fn new(threads: Threads, body: usize, client: C, authorization: Option<HeaderValue>) -> Self {
        let runtime = current_thread();
        let connections = Arc::default();
        let address = runtime.block_on(serve(threads, Arc::clone(&connections)));
        let mut it = Self {
            runtime,
            client,
            uri: Uri::try_from(format!("http://{address}/v4/properties/search")).unwrap(),
            body: Bytes::from(vec![b'x'; body]),
            authorization,
            connections,
        };
        // The connection is made, the token fetched, and the allocator warm.
        it.requests(100);
        it
    }

    /// Sends so many requests, each once the answer to the last one was read.
    pub fn requests(&mut self, number: u64) {
        let Self {
            runtime,
            client,
            uri,
            body,
            authorization,
            ..
        } = self;
        runtime.block_on(async {
            for _ in 0..number {
                let mut request = Request::post(uri.clone())
                    .header(header::ACCEPT, "application/json")
                    .header(header::CONTENT_TYPE, "application/json")
                    .header(header::USER_AGENT, "bench/1.0")
                    .header(header::CACHE_CONTROL, "no-cache");
                if let Some(value) = &authorization {
                    request = request.header(header::AUTHORIZATION, value.clone());
                }
                let request = request.body(Full::new(body.clone())).unwrap();
                std::future::poll_fn(|cx| client.poll_ready(cx))
                    .await
                    .map_err(Into::into)
                    .unwrap();
                let response = client.call(request).await.map_err(Into::into).unwrap();
                assert_eq!(response.status(), 200);
                response.into_body().collect().await.unwrap();
            }
        });
        assert_eq!(self.connections.load(Relaxed), 1);
    }
}

/// What a project may write to send a request once more after a 401: it keeps a copy of the request,
/// which takes a body that can be cloned.
#[derive(Clone)]
pub struct ByHand<S> {
    inner: S,
    token: HeaderValue,
}

impl<S, B, R> Service<Request<B>> for ByHand<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    B: Clone + Send + 'static,
    R: Send,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<R>, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        request
            .headers_mut()
            .insert(header::AUTHORIZATION, self.token.clone());
        let again = request.clone();
        let first = self.inner.call(request);
        let mut inner = self.inner.clone();
        Box::pin(async move {
            let response = first.await?;
            if response.status() != http::StatusCode::UNAUTHORIZED {
                return Ok(response);
            }
            // Here it would get a new token.
            std::future::poll_fn(|cx| inner.poll_ready(cx)).await?;
            inner.call(again).await
        })
    }
}

fn http<B>() -> Http<B>
where
    B: Body<Data: Send> + Send,
{
    Client::builder(TokioExecutor::new()).build_http()
}

async fn serve(threads: Threads, connections: Arc<AtomicU64>) -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    listener.set_nonblocking(true).unwrap();
    match threads {
        Threads::One => {
            tokio::spawn(accept(listener, connections));
        }
        // It ends with the process.
        Threads::Two => {
            thread::spawn(|| current_thread().block_on(accept(listener, connections)));
        }
    }
    address
}

async fn accept(listener: std::net::TcpListener, connections: Arc<AtomicU64>) {
    let listener = TcpListener::from_std(listener).unwrap();
    while let Ok((stream, _)) = listener.accept().await {
        connections.fetch_add(1, Relaxed);
        stream.set_nodelay(true).unwrap();
        let connection =
            http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer));
        tokio::spawn(connection);
    }
}

/// Only a request with the token is answered by a 200.
async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let token = request.headers().get(header::AUTHORIZATION);
    let is_good = token.is_some_and(|it| it.as_bytes().ends_with(TOKEN.as_bytes()));
    let mut body = request.into_body();
    while body.frame().await.is_some() {}
    let mut response = Response::new(Full::from("{}"));
    if !is_good {
        *response.status_mut() = http::StatusCode::UNAUTHORIZED;
    }
    Ok(response)
}

fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}
