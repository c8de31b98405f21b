//! What a session counts.

use std::time::Duration;

use tokio::time::sleep;
use tower::{Layer, ServiceExt};
use tower_bearer::{AuthError, BearerAuthLayer, Session, Stats};

use crate::support::{Body, ScriptedSource, Server, get, token};

const URI: &str = "https://api.example.com/";

async fn send(layer: &BearerAuthLayer, server: &Server) {
    let client = layer.layer(server.service::<Body>());
    // What comes of it is in the counters.
    let _ = client.oneshot(get(URI)).await;
}

/// A login that succeeds, a refusal, and a retry.
#[tokio::test]
async fn successes_refusals_and_retries_are_counted() {
    let layer = BearerAuthLayer::new(ScriptedSource::open());
    let server = Server::new();
    let stats = || layer.session().stats();
    assert_eq!(stats(), Stats::default());

    send(&layer, &server).await;
    assert_eq!((stats().logins, stats().logins_succeeded), (1, 1));
    assert_eq!((stats().tokens_refused, stats().requests_retried), (0, 0));

    server.accept("t2");
    send(&layer, &server).await;
    assert_eq!((stats().logins, stats().logins_succeeded), (2, 2));
    assert_eq!((stats().tokens_refused, stats().requests_retried), (1, 1));

    // The token is refused twice, and the request is sent again once.
    server.accept("none of them");
    send(&layer, &server).await;
    assert_eq!((stats().logins, stats().logins_succeeded), (3, 3));
    assert_eq!((stats().tokens_refused, stats().requests_retried), (3, 2));
    assert_eq!((stats().logins_failed, stats().logins_throttled), (0, 0));
}

/// A refused request that is not sent again is no retry.
#[tokio::test]
async fn a_request_that_is_not_sent_again_is_not_counted() {
    let failing =
        ScriptedSource::open().script([Ok(token("t1")), Err(AuthError::unavailable("down"))]);
    let layer = BearerAuthLayer::new(failing);
    send(&layer, &Server::accepting("t2")).await;
    let stats = layer.session().stats();
    assert_eq!((stats.tokens_refused, stats.requests_retried), (1, 0));
    assert_eq!((stats.logins, stats.logins_succeeded), (2, 1));
}

/// L1, L2, L3: each failure is counted under its kind, and as one.
#[tokio::test(start_paused = true)]
async fn failures_are_counted_by_kind() {
    let kind = |stats: &Stats| {
        [
            stats.logins_rejected,
            stats.logins_misconfigured,
            stats.logins_unavailable,
        ]
    };
    for (error, counted) in [
        (AuthError::rejected("wrong password"), [1, 0, 0]),
        (AuthError::misconfigured("no such path"), [0, 1, 0]),
        (AuthError::unavailable("down"), [0, 0, 1]),
    ] {
        let session = Session::new(ScriptedSource::open().script([Err(error)]));
        for _ in 0..2 {
            session.token().await.unwrap_err();
        }
        let stats = session.stats();
        assert_eq!(kind(&stats), counted);
        assert_eq!((stats.logins, stats.logins_succeeded), (1, 0));
        assert_eq!((stats.logins_failed, stats.logins_throttled), (1, 1));
    }

    let slow = Session::new(ScriptedSource::closed());
    assert!(slow.token().await.unwrap_err().is_timeout());
    assert_eq!(kind(&slow.stats()), [0, 0, 1]);
}

/// T6: a renewal ahead is counted as such, and among all.
#[tokio::test(start_paused = true)]
async fn renewals_ahead_are_counted() {
    let short = token("t1").expires_in(Duration::from_secs(100));
    let layer = BearerAuthLayer::new(ScriptedSource::open().script([Ok(short)]));
    let server = Server::new();
    send(&layer, &server).await;
    assert_eq!(layer.session().stats().logins_ahead, 0);
    sleep(Duration::from_secs(99)).await;
    send(&layer, &server).await;
    sleep(Duration::from_secs(1)).await;
    let stats = layer.session().stats();
    assert_eq!((stats.logins_ahead, stats.logins), (1, 2));
    assert_eq!(stats.logins_succeeded, 2);
}

/// T7: a login whose outcome is not kept has neither succeeded nor failed.
#[tokio::test(start_paused = true)]
async fn a_login_that_is_signed_out_of_has_neither_succeeded_nor_failed() {
    let desk = ScriptedSource::closed();
    let session = Session::new(desk.clone());
    let waiting = tokio::spawn(session.token());
    sleep(Duration::from_secs(1)).await;
    session.sign_out();
    assert!(waiting.await.unwrap().unwrap_err().is_signed_out());
    sleep(Duration::from_secs(1)).await;
    assert_eq!(desk.abandoned(), 1);
    let stats = session.stats();
    assert_eq!((stats.logins, stats.logins_succeeded), (1, 0));
    assert_eq!(stats.logins_failed, 0);
}
