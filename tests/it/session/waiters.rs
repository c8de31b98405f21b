//! Who waits for a login: what becomes of it when they leave, and how long they wait.

use std::time::Duration;

use futures::future::pending;
use tokio::time::{Instant, sleep};
use tokio_test::{assert_pending, assert_ready};
use tower::{Service, ServiceBuilder, ServiceExt};
use tower_bearer::{BearerAuthLayer, Origins, Session, source_fn};

use super::URI;
use crate::support::{ScriptedSource, Server, get, secs, settle};

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

/// T3, T7: the future of a token that has failed asks anew when it is polled again.
#[tokio::test(start_paused = true)]
async fn a_token_future_that_failed_asks_anew() {
    let desk = ScriptedSource::closed();
    let session = Session::new(desk.clone());
    let mut waiter = tokio_test::task::spawn(session.token());
    assert_pending!(waiter.poll());
    settle().await;
    session.sign_out();
    assert!(assert_ready!(waiter.poll()).unwrap_err().is_signed_out());
    assert_pending!(waiter.poll());
    sleep(secs(60)).await;
    assert!(assert_ready!(waiter.poll()).unwrap_err().is_timeout());
    sleep(secs(60)).await;
    desk.let_through(9);
    assert_pending!(waiter.poll());
    settle().await;
    assert!(assert_ready!(waiter.poll()).is_ok());
}
