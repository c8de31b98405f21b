//! D1, L1, L2: what a login asks of the client it is given.

use std::cell::Cell;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use crate::support::replacing;
use bytes::Bytes;
use futures::{StreamExt, stream};
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{Full, StreamBody};
use tower::{Service, service_fn};
use tower_bearer::{TokenRequest, TokenSource};

use super::{datafiniti, form};

fn token() -> Response<Full<Bytes>> {
    Response::new(Full::new(
        r#"{"token": "abc", "access_token": "abc"}"#.into(),
    ))
}

/// D1: the client need not be `Sync`, and the login is `Send` and `Sync` all the same.
#[tokio::test]
async fn a_client_need_not_be_sync() {
    let calls = Cell::new(0);
    let client = service_fn(move |_: Request<Full<Bytes>>| {
        calls.set(calls.get() + 1);
        ready(Ok::<_, Infallible>(token()))
    });
    let login = Arc::new(datafiniti(client));
    let task = tokio::spawn(async move { login.fetch(TokenRequest::first()).await });
    assert!(task.await.unwrap().is_ok());
}

/// Panics if it is called without having been polled ready, which a clone never was.
struct NotReadyTwice {
    ready: bool,
    calls: Arc<AtomicUsize>,
}

impl Clone for NotReadyTwice {
    fn clone(&self) -> Self {
        Self {
            ready: false,
            calls: Arc::clone(&self.calls),
        }
    }
}

impl Service<Request<Full<Bytes>>> for NotReadyTwice {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Full<Bytes>>) -> Self::Future {
        assert!(std::mem::take(&mut self.ready), "called unready");
        self.calls.fetch_add(1, Ordering::Relaxed);
        ready(Ok(token()))
    }
}

/// W1, D1: the client is polled ready before each call, and called once a login.
#[tokio::test]
async fn a_client_is_polled_ready() {
    let calls = Arc::new(AtomicUsize::new(0));
    let login = datafiniti(NotReadyTwice {
        ready: false,
        calls: Arc::clone(&calls),
    });
    login.fetch(TokenRequest::first()).await.unwrap();
    let stale = login.fetch(TokenRequest::first()).await.unwrap();
    login.fetch(replacing(&stale)).await.unwrap();
    assert_eq!(calls.load(Ordering::Relaxed), 3);
}

/// L2: the client's error can be told apart by its type, and nothing is tried again.
#[tokio::test]
async fn the_clients_error_is_reachable() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&calls);
    let client = service_fn(move |_: Request<Full<Bytes>>| {
        counter.fetch_add(1, Ordering::Relaxed);
        let error = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        ready(Err::<Response<Full<Bytes>>, _>(error))
    });
    let error = datafiniti(client)
        .fetch(TokenRequest::first())
        .await
        .unwrap_err();
    assert!(error.is_unavailable());
    assert!(error.response().is_none());
    let cause = error.get_ref().downcast_ref::<std::io::Error>().unwrap();
    assert_eq!(cause.kind(), std::io::ErrorKind::ConnectionRefused);
    assert_eq!(calls.load(Ordering::Relaxed), 1);
}

/// D2: the body of an answer may come in pieces, need not be `Unpin`, and may have trailers.
#[tokio::test]
async fn an_answer_may_come_in_pieces() {
    let client = service_fn(|_: Request<Full<Bytes>>| {
        let pieces = [r#"{"access_"#, "", r#"token": "a"#, r#"bc"}"#];
        let pieces = stream::iter(pieces).then(async |piece| Ok(Frame::data(Bytes::from(piece))));
        let trailers = stream::iter([Ok::<_, Infallible>(Frame::trailers(http::HeaderMap::new()))]);
        ready(Ok::<_, Infallible>(Response::new(StreamBody::new(
            pieces.chain(trailers),
        ))))
    });
    let token = form(client).fetch(TokenRequest::first()).await.unwrap();
    assert_eq!(token.expose(), "abc");
}

/// L2: a body that breaks off is the network's fault, and its error can be told apart by its type.
#[tokio::test]
async fn a_broken_body_is_unavailable() {
    for status in [200, 401] {
        let client = service_fn(move |_: Request<Full<Bytes>>| {
            let error = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
            let pieces = [Ok(Frame::data(Bytes::from("{"))), Err(error)];
            let mut response = Response::new(StreamBody::new(stream::iter(pieces)));
            *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
            ready(Ok::<_, Infallible>(response))
        });
        let error = form(client).fetch(TokenRequest::first()).await.unwrap_err();
        if status == 401 {
            // Of an error the status is enough.
            assert!(error.is_rejected());
        } else {
            assert!(error.is_unavailable());
            assert!(error.get_ref().is::<std::io::Error>());
        }
    }
}

/// L1: a rejection whose body never ends is a rejection, not a time-out that would be tried again.
#[tokio::test(start_paused = true)]
async fn a_rejection_does_not_wait_for_its_body() {
    let client = service_fn(|_: Request<Full<Bytes>>| {
        let never = stream::pending::<Result<Frame<Bytes>, Infallible>>();
        let mut response = Response::new(StreamBody::new(never));
        *response.status_mut() = http::StatusCode::UNAUTHORIZED;
        ready(Ok::<_, Infallible>(response))
    });
    let start = tokio::time::Instant::now();
    let error = form(client).fetch(TokenRequest::first()).await.unwrap_err();
    assert!(error.is_rejected());
    assert_eq!(start.elapsed().as_secs(), 5);
}

/// L4: an answer that goes on for ever in small pieces is left at 64 KiB.
#[tokio::test]
async fn an_endless_answer_is_left() {
    let client = service_fn(|_: Request<Full<Bytes>>| {
        let piece = || Ok::<_, Infallible>(Frame::data(Bytes::from_static(&[b' '; 1000])));
        let most_that_a_test_can_bear = 1000;
        let pieces = stream::repeat_with(piece).take(most_that_a_test_can_bear);
        ready(Ok::<_, Infallible>(Response::new(StreamBody::new(pieces))))
    });
    let error = form(client).fetch(TokenRequest::first()).await.unwrap_err();
    assert!(error.to_string().ends_with("larger than 64 KiB"), "{error}");
}
