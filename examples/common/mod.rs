//! What the examples need: a client, the stand-in on loopback, and lines that a user can read.

#![allow(dead_code, reason = "each example takes its part")]

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tower::{BoxError, Layer, Service, ServiceExt};
use tower_bearer::{BearerAuth, BearerAuthLayer, ReplayBody, TokenSource};

pub(crate) type Body = Full<Bytes>;

/// What the user wants: a client that takes plain requests and never speaks of tokens.
pub(crate) type AuthClient = BearerAuth<HttpClient<ReplayBody<Body>>>;

pub(crate) type HttpClient<B> = Client<HttpsConnector<HttpConnector>, B>;

/// hyper-util's client over rustls. It follows no redirects, as a login's client must not.
pub(crate) fn http_client<B>() -> HttpClient<B>
where
    B: http_body::Body + Send,
    B::Data: Send,
{
    let tls = HttpsConnectorBuilder::new().with_webpki_roots();
    let connector = tls.https_or_http().enable_http1().build();
    Client::builder(TokioExecutor::new()).build(connector)
}

pub(crate) fn auth_client(source: impl TokenSource) -> AuthClient {
    BearerAuthLayer::new(source).layer(http_client())
}

/// Serves it on a free loopback port for as long as the program runs: the stand-in, or what it
/// guards.
pub(crate) async fn serve<S, R>(service: S) -> Result<String, BoxError>
where
    S: Service<Request<Incoming>, Response = Response<R>, Error = BoxError>,
    S: Clone + Send + 'static,
    S::Future: Send,
    R: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let base = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = TowerToHyperService::new(service.clone());
            tokio::spawn(async move {
                let server = auto::Builder::new(TokioExecutor::new());
                // A client that hangs up is no concern of the server's.
                let _ = server.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    Ok(base)
}

/// Sends so many requests at once, and returns how many were answered by a 200.
pub(crate) async fn at_once(
    client: &AuthClient,
    number: usize,
    request: impl Fn() -> Result<Request<Body>, http::Error>,
) -> Result<usize, BoxError> {
    let requests: Vec<_> = (0..number).map(|_| request()).collect::<Result<_, _>>()?;
    let responses = requests
        .into_iter()
        .map(|request| client.clone().oneshot(request));
    let responses: Vec<Response<Incoming>> = futures::future::try_join_all(responses).await?;
    let mut answered = 0;
    for response in responses {
        answered += usize::from(response.status() == 200);
        response.into_body().collect().await?;
    }
    Ok(answered)
}

/// An answer that is waited for while something else is kept open: where that is not streamed, it
/// would be waited for without end.
pub(crate) async fn in_time<F: Future>(answer: F) -> Result<F::Output, BoxError> {
    Ok(tokio::time::timeout(Duration::from_secs(30), answer).await?)
}

/// Prints one step, and fails the program if it did not go as it should.
pub(crate) fn step(what: &str, seen: impl std::fmt::Display, holds: bool) -> Result<(), BoxError> {
    println!("{what:<34} {seen}");
    if holds {
        Ok(())
    } else {
        Err(format!("`{what}` did not go as it should").into())
    }
}
