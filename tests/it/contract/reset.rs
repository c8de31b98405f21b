//! `Session::reset_backoff`: a login may be tried at once, and L1 is weakened for nobody else.

use futures::future::join_all;
use tokio::time::advance;
use tower::{Layer, ServiceExt};
use tower_bearer::{AuthError, BearerAuthLayer, Session};

use super::{URI, living};
use crate::support::{ScriptedSource, Server, auth_error, explanation, get, secs, settle, token};

fn locked() -> AuthError {
    AuthError::rejected("locked")
}

/// L1: after the call the next request logs in, once however many there are; if that fails as well,
/// the pause is as long as it would have been without the call.
#[tokio::test(start_paused = true)]
async fn a_reset_lets_one_login_through_and_forgets_no_failure() {
    let failing = [(); 4].map(|()| Err(locked()));
    let desk = ScriptedSource::open().script(failing);
    let client = BearerAuthLayer::new(desk.clone()).layer(Server::new().service());
    let send = async || {
        let requests = (0..50).map(|_| tokio::spawn(client.clone().oneshot(get(URI))));
        let requests: Vec<_> = requests.collect();
        join_all(requests).await.into_iter().map(Result::unwrap)
    };
    for (logins, pause) in [(1, 60), (2, 120), (3, 240), (4, 480)] {
        for _ in 0..2 {
            for answered in send().await {
                let error = auth_error(answered.unwrap_err());
                assert!(error.is_rejected(), "{error}");
                assert_eq!(error.retry_after(), Some(secs(pause)));
            }
            assert_eq!(desk.logins(), logins);
        }
        let session = client.session();
        assert_eq!(session.status().next_login_in(), Some(secs(pause)));
        session.reset_backoff();
        assert_eq!(session.status().next_login_in(), None);
        assert!(session.status().last_error().unwrap().is_rejected());
        settle().await;
        assert_eq!(desk.logins(), logins, "it makes no login itself");
    }
    for answered in send().await {
        assert_eq!(answered.unwrap().status(), 200);
    }
    assert_eq!(desk.logins(), 5);
}

/// L1: where nobody calls it, no request, no report and no sign-out lifts the pause.
#[tokio::test(start_paused = true)]
async fn nothing_else_lifts_the_pause_after_a_rejection() {
    let desk = ScriptedSource::open().script([Err(locked())]);
    let client = BearerAuthLayer::new(desk.clone()).layer(Server::new().service());
    let session = client.session();
    // Before there is a failure it has no effect on a later one.
    session.reset_backoff();
    for _ in 0..60 {
        let error = client.clone().oneshot(get(URI)).await.unwrap_err();
        assert!(auth_error(error).is_rejected());
        session.token().await.unwrap_err();
        session.sign_out();
        session.invalidate(&token("t1"));
        assert_eq!(desk.logins(), 1);
        advance(secs(1)).await;
    }
    assert_eq!(client.oneshot(get(URI)).await.unwrap().status(), 200);
    assert_eq!(desk.logins(), 2);
}

/// L2: so it is after an outage, whatever its `Retry-After` says.
#[tokio::test(start_paused = true)]
async fn a_reset_ends_the_pause_of_an_outage() {
    let down = AuthError::unavailable("down").with_retry_after(secs(1_000));
    let desk = ScriptedSource::open().script([Err(down)]);
    let session = Session::new(desk.clone());
    for _ in 0..2 {
        assert!(session.token().await.unwrap_err().is_unavailable());
    }
    assert_eq!(desk.logins(), 1);
    session.reset_backoff();
    assert_eq!(session.token().await.unwrap().expose(), "t2");
}

/// R6: and after logins that did not help.
#[tokio::test(start_paused = true)]
async fn a_reset_lets_a_refusal_log_in_again() {
    let (desk, server) = (ScriptedSource::open(), Server::accepting("none of them"));
    let client = BearerAuthLayer::new(desk.clone()).layer(server.service());
    let throttled = async || {
        let response = client.clone().oneshot(get(URI)).await.unwrap();
        explanation(&response).is_some_and(AuthError::is_throttled)
    };
    while !throttled().await {
        assert!(desk.logins() < 20);
    }
    let logins = desk.logins();
    assert!(throttled().await);
    assert_eq!(desk.logins(), logins);
    client.session().reset_backoff();
    assert!(!throttled().await);
    assert_eq!(desk.logins(), logins + 1);
    // What was counted stays: that login did not help either.
    assert!(throttled().await);
    assert_eq!(desk.logins(), logins + 1);
}

/// T6: a renewal ahead that was put off by a failure is made by the next request.
#[tokio::test(start_paused = true)]
async fn a_reset_lets_a_renewal_ahead_begin_at_once() {
    let desk = ScriptedSource::open().script([Ok(living("a", secs(1_000))), Err(locked())]);
    let (server, session) = (Server::new(), Session::new(desk.clone()));
    let client = BearerAuthLayer::from_session(session.clone()).layer(server.service());
    client.clone().oneshot(get(URI)).await.unwrap();
    advance(secs(990)).await;
    for reset in [false, false, true] {
        if reset {
            session.reset_backoff();
        }
        client.clone().oneshot(get(URI)).await.unwrap();
        settle().await;
        assert_eq!(desk.logins(), if reset { 3 } else { 2 });
    }
    client.oneshot(get(URI)).await.unwrap();
    assert_eq!(server.tokens()[..4], ["Bearer a"; 4]);
    assert_eq!(server.tokens()[4..], ["Bearer t3"]);
}
