//! The session: when it logs in, who waits for it, and what becomes of a login when they leave.

use std::panic::resume_unwind;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures::future::{join_all, pending};
use http::StatusCode;
use tokio::time::{Instant, advance, sleep};
use tokio_test::{assert_pending, assert_ready};
use tower::{Layer, Service, ServiceBuilder, ServiceExt};
use tower_bearer::{AuthError, BearerAuthLayer, Origins, Session, source_fn};

use crate::support::{Body, ScriptedSource, Server, auth_error, get, token};

const URI: &str = "https://api.example.com/";

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_time().start_paused(true).build().unwrap()
}

/// T1: nothing that is only built logs in, and none of it needs a runtime.
#[test]
fn building_layers_services_and_clones_logs_in_zero_times() {
    let desk = ScriptedSource::open();
    let layer = BearerAuthLayer::new(desk.clone());
    let mut service = ServiceBuilder::new()
        .layer(layer.clone())
        .service(Server::new().service::<Body>());
    let _clones = (service.clone(), layer.clone(), layer.session().clone());
    let _never_polled = service.call(get(URI));
    let _neither = layer.session().token();
    assert_eq!(desk.logins(), 0);
}

/// T1: the first request that needs a token logs in, and the next one uses the same token.
#[tokio::test]
async fn the_first_request_logs_in_and_the_next_does_not() {
    let (desk, server) = (ScriptedSource::open(), Server::new());
    let mut service = ServiceBuilder::new()
        .layer(BearerAuthLayer::new(desk.clone()))
        .service(server.service());
    for _ in 0..3 {
        let response = service.ready().await.unwrap().call(get(URI)).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
    }
    assert_eq!(desk.logins(), 1);
    assert_eq!(server.tokens(), ["Bearer t1"; 3]);
}

/// T2: 10,000 first requests at once, from as many clones, make one login.
#[tokio::test(start_paused = true)]
async fn ten_thousand_first_requests_make_one_login() {
    let (desk, server) = (ScriptedSource::closed(), Server::new());
    let service = ServiceBuilder::new()
        .layer(BearerAuthLayer::new(desk.clone()))
        .service(server.service());
    let requests = (0..10_000).map(|_| tokio::spawn(service.clone().oneshot(get(URI))));
    let requests: Vec<_> = requests.collect();
    sleep(Duration::from_secs(1)).await;
    assert_eq!((desk.logins(), server.seen().len()), (1, 0));
    desk.let_through(1);
    for answered in join_all(requests).await {
        assert_eq!(answered.unwrap().unwrap().status(), StatusCode::OK);
    }
    assert_eq!((desk.logins(), server.seen().len()), (1, 10_000));
}

/// T2: so they do from several threads, where the refusal of its token makes one more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_threads_share_one_login() {
    let (desk, server) = (ScriptedSource::open(), Server::new());
    let service = BearerAuthLayer::new(desk.clone()).layer(server.service());
    for logins in 1..=4 {
        let requests: Vec<_> = (0..2_000)
            .map(|_| tokio::spawn(service.clone().oneshot(get(URI))))
            .collect();
        for answered in join_all(requests).await {
            assert_eq!(answered.unwrap().unwrap().status(), StatusCode::OK);
        }
        assert_eq!(desk.logins(), logins);
        server.accept(&format!("t{}", logins + 1));
    }
}

/// T2: layers of one session share its token; two `new` calls do not.
#[tokio::test]
async fn a_token_is_shared_within_a_session_alone() {
    let desk = ScriptedSource::open();
    let session = Session::new(desk.clone());
    for _ in 0..2 {
        let layer = BearerAuthLayer::from_session(session.clone());
        let service = ServiceBuilder::new().layer(layer);
        let service = service.service(Server::new().service());
        service.oneshot(get(URI)).await.unwrap();
    }
    assert_eq!(desk.logins(), 1);
    let other = BearerAuthLayer::new(desk.clone());
    other.session().token().await.unwrap();
    assert_eq!(desk.logins(), 2);
}

/// T3: the first caller leaves, and the second gets the token of the login that the first began.
#[tokio::test]
async fn dropping_the_first_caller_neither_cancels_the_login_nor_wedges_the_second() {
    let desk = ScriptedSource::closed();
    let session = Session::new(desk.clone());
    let mut first = tokio_test::task::spawn(session.token());
    assert_pending!(first.poll());
    let mut second = tokio_test::task::spawn(session.token());
    assert_pending!(second.poll());
    drop(first);
    desk.let_through(1);
    while !second.is_woken() {
        tokio::task::yield_now().await;
    }
    assert_eq!(assert_ready!(second.poll()).unwrap().expose(), "t1");
    assert_eq!(desk.logins(), 1);
}

/// T3: a waiter that leaves takes nobody with it.
#[tokio::test]
async fn dropping_a_waiter_leaves_the_others_waiting() {
    let desk = ScriptedSource::closed();
    let session = Session::new(desk.clone());
    let mut waiters: Vec<_> = (0..3)
        .map(|_| tokio_test::task::spawn(session.token()))
        .collect();
    for waiter in &mut waiters {
        assert_pending!(waiter.poll());
    }
    drop(waiters.remove(1));
    desk.let_through(1);
    while !waiters.iter().all(|waiter| waiter.is_woken()) {
        tokio::task::yield_now().await;
    }
    for waiter in &mut waiters {
        assert_eq!(assert_ready!(waiter.poll()).unwrap().expose(), "t1");
    }
}

/// T3: nobody is left to wait, and the token is kept all the same.
#[tokio::test(start_paused = true)]
async fn a_login_that_everybody_left_keeps_its_token() {
    let desk = ScriptedSource::closed();
    let session = Session::new(desk.clone());
    for _ in 0..2 {
        assert_pending!(tokio_test::task::spawn(session.token()).poll());
    }
    desk.let_through(1);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(session.token().await.unwrap().expose(), "t1");
    assert_eq!(desk.logins(), 1);
}

/// T3: a request that was never polled waits for nobody and leaves no login behind.
#[tokio::test]
async fn a_request_dropped_before_its_first_poll_leaves_no_trace() {
    let desk = ScriptedSource::open();
    let mut service = ServiceBuilder::new()
        .layer(BearerAuthLayer::new(desk.clone()))
        .service(Server::new().service());
    drop(service.ready().await.unwrap().call(get(URI)));
    tokio::task::yield_now().await;
    assert_eq!(desk.logins(), 0);
}

/// T3, L4: a source that never answers ends at the login's time limit, for all who wait.
#[tokio::test(start_paused = true)]
async fn a_login_without_end_is_ended_after_thirty_seconds() {
    let session = Session::new(source_fn(Origins::any(), |_| pending()));
    let started = Instant::now();
    let (first, second) = tokio::join!(session.token(), session.token());
    assert_eq!(started.elapsed(), Duration::from_secs(30));
    for error in [first.unwrap_err(), second.unwrap_err()] {
        assert!(error.is_timeout() && error.is_unavailable(), "{error}");
    }
}

/// L4: the limit is the user's to set.
#[tokio::test(start_paused = true)]
async fn the_time_limit_of_a_login_can_be_set() {
    let session = Session::builder(source_fn(Origins::any(), |_| pending()))
        .login_timeout(Duration::from_secs(3))
        .build();
    let started = Instant::now();
    assert!(session.token().await.unwrap_err().is_timeout());
    assert_eq!(started.elapsed(), Duration::from_secs(3));
}

/// T3: each waiter has a deadline of its own, counted from when it came.
#[tokio::test(start_paused = true)]
async fn each_waiter_has_a_deadline_of_its_own() {
    let desk = ScriptedSource::closed();
    let session = Session::builder(desk.clone())
        .wait_timeout(Duration::from_secs(5))
        .build();
    let started = Instant::now();
    let early = tokio::spawn(session.token());
    sleep(Duration::from_secs(3)).await;
    let late = tokio::spawn(session.token());
    assert!(early.await.unwrap().unwrap_err().is_timeout());
    assert_eq!(started.elapsed(), Duration::from_secs(5));
    sleep(Duration::from_secs(1)).await;
    desk.let_through(1);
    assert_eq!(late.await.unwrap().unwrap().expose(), "t1");
    assert_eq!(desk.logins(), 1);
}

/// T3, L2: when the runtime of a login shuts down, a waiter elsewhere begins it anew, once. Two such
/// losses in a row are an outage.
#[test]
fn a_login_lost_with_its_runtime_is_begun_anew_once() {
    let desk = ScriptedSource::closed();
    let session = Session::new(desk.clone());
    let (first, second, third) = (runtime(), runtime(), runtime());
    let mut waiter = tokio_test::task::spawn(session.token());
    first.block_on(async {
        assert_pending!(waiter.poll());
        tokio::task::yield_now().await;
    });
    assert_eq!(desk.logins(), 1);
    drop(first);
    assert!(waiter.is_woken());
    second.block_on(async {
        assert_pending!(waiter.poll());
        tokio::task::yield_now().await;
    });
    assert_eq!(desk.logins(), 2);
    drop(second);
    let error = third.block_on(async { assert_ready!(waiter.poll()).unwrap_err() });
    assert!(error.is_unavailable() && !error.is_timeout(), "{error}");
    assert!(error.to_string().contains("lost twice"), "{error}");
    third.block_on(async {
        let error = session.token().await.unwrap_err();
        assert!(error.is_unavailable() && !error.is_timeout(), "{error}");
        let pause = error.retry_after().unwrap();
        assert!((millis(125)..=millis(250)).contains(&pause), "{pause:?}");
        assert_eq!(desk.logins(), 2);
        advance(pause).await;
        desk.let_through(1);
        let brought = session.token().await.unwrap();
        assert_eq!((brought.expose(), desk.logins()), ("t3", 3));
    });
}

/// T3: a runtime that stands still hangs neither a waiter that moved on nor those who come later.
#[test]
fn a_login_on_a_runtime_that_stands_still_wedges_nobody() {
    let desk = ScriptedSource::closed();
    let session = Session::new(desk.clone());
    let still = runtime();
    let mut moved = pin!(session.token());
    still.block_on(async {
        let mut cx = Context::from_waker(Waker::noop());
        assert!(moved.as_mut().poll(&mut cx).is_pending());
        tokio::task::yield_now().await;
    });
    let live = runtime();
    let error = live.block_on(moved).unwrap_err();
    assert!(error.is_timeout(), "{error}");
    desk.let_through(2);
    assert_eq!(live.block_on(session.token()).unwrap().expose(), "t2");
    // What the lost login brings when its runtime moves again is not kept.
    still.block_on(async {
        for _ in 0..3 {
            tokio::task::yield_now().await;
        }
    });
    assert_eq!(live.block_on(session.token()).unwrap().expose(), "t2");
}

/// T3: without a runtime, or without a timer, there is an error that says so.
#[test]
fn without_runtime_or_timer_there_is_an_error() {
    let desk = ScriptedSource::open();
    let session = Session::new(desk.clone());
    let error = futures::executor::block_on(session.token()).unwrap_err();
    assert!(
        error.is_misconfigured() && error.to_string().contains("runtime"),
        "{error}"
    );

    let mut builder = tokio::runtime::Builder::new_current_thread();
    let timeless = builder.build().unwrap();
    let error = timeless.block_on(session.token()).unwrap_err();
    assert!(error.to_string().contains("enable_time"), "{error}");

    assert_eq!(desk.logins(), 0);
    assert!(runtime().block_on(session.token()).is_ok());
    // With a token in hand neither is needed.
    let service = ServiceBuilder::new()
        .layer(BearerAuthLayer::from_session(session))
        .service(Server::new().service());
    assert!(futures::executor::block_on(service.oneshot(get(URI))).is_ok());
}

/// T3: a login lost with its runtime closes nothing where it is the first in a row: the next one
/// begins at once.
#[test]
fn the_first_lost_login_closes_nothing() {
    let desk = ScriptedSource::closed();
    let session = Session::new(desk.clone());
    for lost in 1..=3 {
        let short_lived = runtime();
        short_lived.block_on(async {
            assert_pending!(tokio_test::task::spawn(session.token()).poll());
            tokio::task::yield_now().await;
        });
        drop(short_lived);
        // One that succeeds ends the row.
        desk.let_through(1);
        let brought = runtime().block_on(session.token()).unwrap();
        assert_eq!(brought.expose(), format!("t{}", 2 * lost));
        assert_eq!(desk.logins(), 2 * lost);
        assert!(session.invalidate(&brought));
    }
}

/// T3, L2: a source that panics is an error for its waiters, with the panic's own words, and the
/// next request works.
#[tokio::test(start_paused = true)]
async fn a_source_that_panics_fails_its_waiters_and_not_the_next() {
    let panics: [fn(); 3] = [
        || resume_unwind(Box::new("on purpose")),
        || resume_unwind(Box::new(format!("on {}", "purpose"))),
        || resume_unwind(Box::new(7)),
    ];
    for (panic, text) in panics.into_iter().zip([": on purpose", ": on purpose", ""]) {
        for panic_at_once in [true, false] {
            let calls = Arc::new(AtomicUsize::new(0));
            let session = Session::new(source_fn(Origins::any(), move |_| {
                let first = calls.fetch_add(1, Ordering::SeqCst) == 0;
                if first && panic_at_once {
                    panic();
                }
                async move {
                    tokio::task::yield_now().await;
                    if first {
                        panic();
                    }
                    Ok(token("t"))
                }
            }));
            let (first, second) = tokio::join!(session.token(), session.token());
            for error in [first.unwrap_err(), second.unwrap_err()] {
                assert!(error.is_unavailable(), "{error}");
                let said = error.get_ref().to_string();
                assert_eq!(said, format!("the token source panicked{text}"));
            }
            sleep(Duration::from_secs(1)).await;
            assert!(session.token().await.is_ok());
        }
    }
}

/// T4: all waiters of a failed login get that same error, from one login.
#[tokio::test]
async fn all_waiters_get_the_same_error() {
    let desk = ScriptedSource::closed().script([Err(AuthError::rejected("wrong password"))]);
    let service = ServiceBuilder::new()
        .layer(BearerAuthLayer::new(desk.clone()))
        .service(Server::new().service());
    let requests: Vec<_> = (0..100)
        .map(|_| tokio::spawn(service.clone().oneshot(get(URI))))
        .collect();
    while desk.logins() == 0 {
        tokio::task::yield_now().await;
    }
    desk.let_through(1);
    let errors: Vec<_> = join_all(requests).await;
    let errors: Vec<_> = errors
        .into_iter()
        .map(|answered| auth_error(answered.unwrap().unwrap_err()))
        .collect();
    assert_eq!(desk.logins(), 1);
    let cause: *const _ = errors[0].get_ref();
    for error in &errors {
        assert!(error.is_rejected());
        assert!(std::ptr::addr_eq(cause, error.get_ref()), "another error");
    }
}

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
