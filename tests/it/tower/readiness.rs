//! When the inner service is asked to be ready, and when a reservation is held.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::{Response, StatusCode};
use tokio::time::timeout;
use tokio_test::{assert_pending, assert_ready_ok};
use tower::limit::ConcurrencyLimit;
use tower::{BoxError, Layer, Service, ServiceExt, service_fn};
use tower_bearer::{AuthError, BearerAuthLayer, ReplayBody};

use super::{URI, answer, mock};
use crate::support::{Body, ScriptedSource, Sent, Server, get, token};

/// W1: readiness is the inner service's, before and after.
#[tokio::test]
async fn poll_ready_asks_the_inner_service() {
    let (inner, mut handle) = mock();
    handle.allow(0);
    let layer = BearerAuthLayer::new(ScriptedSource::open());
    let mut service = tokio_test::task::spawn(layer.layer(inner));
    assert_pending!(service.enter(|cx, mut service| service.poll_ready(cx)));
    handle.allow(1);
    assert!(service.is_woken());
    assert_ready_ok!(service.enter(|cx, mut service| service.poll_ready(cx)));
}

/// W1: with a token in hand `call` uses the instance that was polled ready, within `call` itself.
#[tokio::test]
async fn the_ready_instance_is_called_at_once() {
    let (inner, mut handle) = mock();
    let layer = BearerAuthLayer::new(ScriptedSource::open());
    layer.session().token().await.unwrap();
    let mut service = layer.layer(inner);
    handle.allow(1);
    service.ready().await.unwrap();
    let response = service.call(get(URI));
    let mut next = tokio_test::task::spawn(handle.next_request());
    assert!(next.poll().is_ready(), "sent before the future was polled");
    drop(response);
}

/// W1: the clone left behind is polled ready before it is called again, with and without a token.
#[tokio::test]
async fn one_service_serves_one_request_after_another() {
    let (inner, mut handle) = mock();
    let mut service = BearerAuthLayer::new(ScriptedSource::open()).layer(inner);
    let server = tokio::spawn(async move {
        for status in [401, 200, 200] {
            answer(&mut handle, status).await;
        }
    });
    for _ in 0..2 {
        let response = service.ready().await.unwrap().call(get(URI)).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
    }
    server.await.unwrap();
}

/// W1: readiness is polled before the retry too, and the token is read after it.
#[tokio::test]
async fn the_retry_waits_for_readiness_and_takes_the_newest_token() {
    let (inner, mut handle) = mock();
    let desk = ScriptedSource::open();
    let layer = BearerAuthLayer::new(desk.clone());
    layer.session().token().await.unwrap();
    handle.allow(1);
    let mut service = layer.layer(inner);
    let mut response = tokio_test::task::spawn(service.ready().await.unwrap().call(get(URI)));
    answer(&mut handle, 401).await;
    while desk.logins() < 2 {
        assert_pending!(response.poll());
        tokio::task::yield_now().await;
    }
    tokio::task::yield_now().await;
    assert_pending!(response.poll());
    // While the retry waits for readiness, the token that it was granted is refused elsewhere.
    let elsewhere = layer.layer(service_fn(async |request: Sent| {
        let refused = request.headers()["authorization"] == "Bearer t2";
        let status = if refused { 401 } else { 200 };
        Ok::<_, BoxError>(Response::builder().status(status).body("").unwrap())
    }));
    assert_eq!(elsewhere.oneshot(get(URI)).await.unwrap().status(), 200);
    handle.allow(1);
    assert_pending!(response.poll());
    let retried = answer(&mut handle, 200).await;
    assert_eq!(retried.headers()["authorization"], "Bearer t3");
    assert_eq!(assert_ready_ok!(response.poll()).status(), 200);
}

/// W1, W2: a request that needs a login gives its reservation back until it has a token.
#[tokio::test]
async fn no_reservation_is_held_during_a_login() {
    let desk = ScriptedSource::closed();
    let limited = ConcurrencyLimit::new(Server::new().service::<Body>(), 1);
    let mut service = BearerAuthLayer::new(desk.clone()).layer(limited.clone());
    let mut waiting = tokio_test::task::spawn(service.ready().await.unwrap().call(get(URI)));
    assert_pending!(waiting.poll());
    // The only permit is free for others.
    let other = get(URI).map(ReplayBody::new);
    let other = timeout(Duration::from_secs(5), limited.oneshot(other));
    assert!(other.await.unwrap().is_ok());
    desk.let_through(1);
    assert!(waiting.await.is_ok());
}

/// W1, W2: a request whose login is throttled is sent with the token in hand. It readies the inner
/// service once after it gave its own reservation back.
#[tokio::test(start_paused = true)]
async fn a_withheld_login_costs_one_readiness() {
    #[derive(Clone)]
    struct Counting(Arc<AtomicUsize>);
    impl Service<Sent> for Counting {
        type Response = Response<&'static str>;
        type Error = BoxError;
        type Future = std::future::Ready<Result<Self::Response, BoxError>>;
        fn poll_ready(
            &mut self,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Result<(), BoxError>> {
            self.0.fetch_add(1, Ordering::SeqCst);
            std::task::Poll::Ready(Ok(()))
        }
        fn call(&mut self, _: Sent) -> Self::Future {
            std::future::ready(Ok(Response::new("")))
        }
    }
    let desk = ScriptedSource::open().script([Ok(token("a")), Err(AuthError::rejected("locked"))]);
    let layer = BearerAuthLayer::new(desk.clone());
    let session = layer.session().clone();
    session.token().await.unwrap();
    session.invalidate(&token("a"));
    let _ = session.token().await;
    assert_eq!(desk.logins(), 2);
    let readied = Arc::new(AtomicUsize::new(0));
    let before = session.stats().logins_throttled;
    layer
        .layer(Counting(readied.clone()))
        .oneshot(get(URI))
        .await
        .unwrap();
    let withheld = session.stats().logins_throttled - before;
    assert_eq!((readied.load(Ordering::SeqCst), withheld), (2, 1));
}
