//! What a `grpc-timeout` bounds before the first attempt.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::{Instant, advance, sleep};
use tokio_test::{assert_pending, assert_ready};
use tower::limit::GlobalConcurrencyLimitLayer;
use tower::{Layer, Service, ServiceExt};
use tower_bearer::{AuthError, BearerAuthLayer, Session};

use super::{Timed, assert_ran_out, call};
use crate::support::{ScriptedSource, auth_error, settle, token};

/// W5: the login goes on, and serves the next request.
#[tokio::test(start_paused = true)]
async fn a_login_that_hangs_is_waited_for_until_the_grpc_timeout() {
    let source = ScriptedSource::closed();
    let server = Timed::default();
    let client = BearerAuthLayer::new(source.clone()).layer(server.service());
    for (timeout, millis) in [("300m", 300), ("1S", 1000), ("250000u", 250), ("0m", 0)] {
        let start = Instant::now();
        let error = client.clone().oneshot(call(timeout)).await.unwrap_err();
        assert_eq!(start.elapsed(), Duration::from_millis(millis), "{timeout}");
        assert_ran_out(&auth_error(error));
    }
    assert_eq!((server.seen(), source.logins()), (vec![], 1));

    source.let_through(1);
    let response = client.oneshot(call("300m")).await.unwrap();
    assert_eq!((response.status().as_u16(), source.logins()), (200, 1));
}

/// W5: the time begins with the call, not with the first poll. A request that is late at its first
/// poll waits for nothing, and its login is made for the next one.
#[tokio::test(start_paused = true)]
async fn the_grpc_timeout_is_measured_from_the_call() {
    let source = ScriptedSource::closed();
    let server = Timed::default();
    let mut client = BearerAuthLayer::new(source.clone()).layer(server.service());
    for (late, millis) in [(100, 300), (400, 400)] {
        let start = Instant::now();
        let response = client.ready().await.unwrap().call(call("300m"));
        sleep(Duration::from_millis(late)).await;
        assert_ran_out(&auth_error(response.await.unwrap_err()));
        assert_eq!(start.elapsed(), Duration::from_millis(millis));
    }
    assert_eq!((server.seen(), source.logins()), (vec![], 1));
}

/// W5: where the session's own limit is earlier, that ends the wait.
#[tokio::test(start_paused = true)]
async fn a_grpc_timeout_prolongs_no_wait() {
    let session = Session::builder(ScriptedSource::closed());
    let session = session.wait_timeout(Duration::from_millis(100)).build();
    let client = BearerAuthLayer::from_session(session).layer(Timed::default().service());
    let start = Instant::now();
    let error = auth_error(client.oneshot(call("300m")).await.unwrap_err());
    assert_eq!(start.elapsed(), Duration::from_millis(100));
    assert!(error.is_timeout() && !error.to_string().contains("grpc-timeout"));
}

/// W5: with the token in hand the header passes as it is, whatever it says. What is no timeout
/// bounds nothing.
#[tokio::test(start_paused = true)]
async fn a_grpc_timeout_passes_unchanged_where_nothing_was_waited_for() {
    let source = ScriptedSource::closed();
    let server = Timed::default();
    let client = BearerAuthLayer::new(source.clone()).layer(server.service());
    let waiting = tokio::spawn(client.clone().oneshot(call("300ms")));
    sleep(Duration::from_secs(20)).await;
    source.let_through(1);
    assert_eq!(waiting.await.unwrap().unwrap().status(), 200);

    for timeout in ["0300000u", "0m", "soon"] {
        let response = client.clone().oneshot(call(timeout)).await.unwrap();
        assert_eq!(response.status(), 200);
    }
    let timeouts: Vec<_> = server.seen().into_iter().map(|(_, it)| it).collect();
    assert_eq!(timeouts, ["300ms", "0300000u", "0m", "soon"]);
}

/// W5: a login that failed in time is told as it was, however late the request is polled again.
#[tokio::test(start_paused = true)]
async fn a_failure_before_the_grpc_timeout_is_told_after_it() {
    let source = ScriptedSource::closed().script([Err(AuthError::unavailable("down"))]);
    let client = BearerAuthLayer::new(source.clone()).layer(Timed::default().service());
    let mut late = tokio_test::task::spawn(client.oneshot(call("300m")));
    assert_pending!(late.poll());
    source.let_through(1);
    settle().await;
    advance(Duration::from_millis(400)).await;
    let error = auth_error(assert_ready!(late.poll()).unwrap_err());
    assert!(error.is_unavailable() && !error.is_timeout(), "{error}");
}

/// W5: likewise when the service was not ready in time, which gives its reservation back.
#[tokio::test(start_paused = true)]
async fn nothing_is_sent_when_the_service_is_ready_too_late_for_the_grpc_timeout() {
    let source = ScriptedSource::closed();
    let server = Timed::default();
    let permits = Arc::new(Semaphore::new(1));
    let limit = GlobalConcurrencyLimitLayer::with_semaphore(permits.clone());
    let client = BearerAuthLayer::new(source.clone()).layer(limit.layer(server.service()));
    let late = tokio::spawn(client.clone().oneshot(call("300m")));
    sleep(Duration::from_millis(100)).await;
    let permit = permits.clone().acquire_owned().await.unwrap();
    source.let_through(1);
    sleep(Duration::from_millis(300)).await;
    drop(permit);

    assert_ran_out(&auth_error(late.await.unwrap().unwrap_err()));
    assert_eq!((server.seen(), permits.available_permits()), (vec![], 1));
}

/// W5: a token that expires before the service is ready is waited for again, within the same time.
#[tokio::test(start_paused = true)]
async fn one_grpc_timeout_bounds_both_waits() {
    let short = token("short").expires_in(Duration::from_millis(50));
    let source = ScriptedSource::closed().script([Ok(short)]);
    let server = Timed::default();
    let permits = Arc::new(Semaphore::new(1));
    let limit = GlobalConcurrencyLimitLayer::with_semaphore(permits.clone());
    let client = BearerAuthLayer::new(source.clone()).layer(limit.layer(server.service()));
    let start = Instant::now();
    let twice = tokio::spawn(client.oneshot(call("3S")));
    sleep(Duration::from_millis(100)).await;
    let permit = permits.clone().acquire_owned().await.unwrap();
    source.let_through(1);
    // A session logs in no more than once a second for expired tokens.
    sleep(Duration::from_millis(1100)).await;
    drop(permit);

    assert_ran_out(&auth_error(twice.await.unwrap().unwrap_err()));
    assert_eq!(start.elapsed(), Duration::from_secs(3));
    assert_eq!((server.seen(), source.logins()), (vec![], 2));
}
