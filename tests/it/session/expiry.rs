//! Tokens that expire before they are used.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::time::sleep;
use tokio_test::{assert_pending, assert_ready};
use tower::{Layer, Service, ServiceBuilder, ServiceExt};
use tower_bearer::{BearerAuthLayer, Origins, Session, source_fn};

use super::URI;
use crate::support::{Body, ScriptedSource, Server, get, secs, token};

/// T5: an expired token is replaced before the request is sent: no 401 round trip.
#[tokio::test(start_paused = true)]
async fn an_expired_token_is_renewed_before_sending() {
    let lifetime = Duration::from_secs(60);
    let desk = ScriptedSource::open().script([Ok(token("a").expires_in(lifetime))]);
    let server = Server::new();
    let mut service = ServiceBuilder::new()
        .layer(BearerAuthLayer::new(desk.clone()))
        .service(server.service());
    for wait in [0, 59, 1, 1_000_000] {
        sleep(Duration::from_secs(wait)).await;
        service.ready().await.unwrap().call(get(URI)).await.unwrap();
    }
    assert_eq!(
        server.tokens(),
        ["Bearer a", "Bearer a", "Bearer t2", "Bearer t2"]
    );
    assert_eq!(desk.stale(), [None, Some("a".to_owned())]);
}

/// T5: a token that arrives expired serves those who waited for it, and the next second too.
#[tokio::test(start_paused = true)]
async fn tokens_that_arrive_expired_make_one_login_a_second() {
    let stillborn = || Ok(token("a").expires_in(Duration::from_millis(1)));
    let desk = ScriptedSource::open().script(std::iter::repeat_with(stillborn).take(100));
    let server = Server::new();
    let service = ServiceBuilder::new()
        .layer(BearerAuthLayer::new(desk.clone()))
        .service(server.service());
    for _ in 0..100 {
        service.clone().oneshot(get(URI)).await.unwrap();
        sleep(Duration::from_millis(100)).await;
    }
    assert_eq!((server.seen().len(), desk.logins()), (100, 10));
}

/// T5: a token that expires while the inner service gets ready is replaced before it is sent.
#[tokio::test(start_paused = true)]
async fn a_token_that_expires_during_the_wait_for_readiness_is_not_sent() {
    let lifetime = Duration::from_secs(60);
    let desk = ScriptedSource::open().script([Ok(token("a").expires_in(lifetime))]);
    let (mock, mut handle) = tower_test::mock::pair::<_, http::Response<&str>>();
    let mut service = BearerAuthLayer::new(desk.clone()).layer(mock);
    handle.allow(1);
    service.ready().await.unwrap();
    handle.allow(0);
    let mut response = tokio_test::task::spawn(service.call(get(URI)));
    assert_pending!(response.poll());
    sleep(Duration::from_secs(1)).await;
    assert_pending!(response.poll());
    sleep(lifetime).await;
    handle.allow(1);
    while desk.logins() < 2 {
        let _ = response.poll();
        tokio::task::yield_now().await;
    }
    for _ in 0..3 {
        tokio::task::yield_now().await;
        let _ = response.poll();
    }
    let (request, _answer): (http::Request<tower_bearer::ReplayBody<Body>>, _) =
        match pin!(handle.next_request()).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Some(seen)) => seen,
            _ => panic!("nothing was sent"),
        };
    assert_eq!(request.headers()["authorization"], "Bearer t2");
}

/// T5: one who is polled only after its token has expired waits for another one once, not for ever.
#[tokio::test(start_paused = true)]
async fn a_token_that_never_lives_until_it_is_fetched_is_waited_for_twice() {
    let logins = Arc::new(AtomicUsize::new(0));
    let counted = logins.clone();
    let session = Session::new(source_fn(Origins::any(), move |_| {
        let number = counted.fetch_add(1, Ordering::SeqCst) + 1;
        async move { Ok(token(&format!("t{number}")).expires_in(secs(1))) }
    }));
    let mut waiter = tokio_test::task::spawn(session.token());
    for expected in [1, 2] {
        assert_pending!(waiter.poll());
        sleep(secs(5)).await;
        assert_eq!(logins.load(Ordering::SeqCst), expected);
    }
    let got = assert_ready!(waiter.poll()).unwrap();
    assert_eq!(got.expose(), "t2");
    assert_eq!(logins.load(Ordering::SeqCst), 2);
}
