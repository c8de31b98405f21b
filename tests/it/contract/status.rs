//! `Session::status`, in each state. It makes no login, and needs no runtime.

use tokio::time::advance;
use tokio_test::assert_pending;
use tower::{Layer, ServiceExt};
use tower_bearer::{AuthError, BearerAuthLayer, Session, Status};

use super::{URI, living};
use crate::support::{ScriptedSource, Server, get, secs, settle, token};

/// What of it is a text or a flag.
fn short(status: &Status) -> (Option<&str>, bool, Option<String>) {
    (
        status.token().map(|token| token.expose()),
        status.is_logging_in(),
        status.last_error().map(ToString::to_string),
    )
}

/// T1: a new session has nothing, and a look at it makes no login.
#[test]
fn a_new_session_has_no_token_and_may_log_in() {
    let desk = ScriptedSource::open();
    let session = Session::new(desk.clone());
    for _ in 0..3 {
        let status = session.status();
        assert_eq!(short(&status), (None, false, None));
        assert_eq!((status.expires_in(), status.next_login_in()), (None, None));
    }
    assert_eq!((desk.logins(), session.stats().logins), (0, 0));
}

/// T5: it shows the token until it expires, how long that is, and the login under way.
#[tokio::test(start_paused = true)]
async fn a_token_is_shown_until_it_expires() {
    let desk = ScriptedSource::closed().script([Ok(living("a", secs(60))), Ok(token("b"))]);
    let session = Session::new(desk.clone());
    let mut waits = tokio_test::task::spawn(session.token());
    assert_pending!(waits.poll());
    assert_eq!(short(&session.status()), (None, true, None));
    settle().await;
    assert_eq!(short(&session.status()), (None, true, None));
    desk.let_through(1);
    settle().await;
    let status = session.status();
    assert_eq!(short(&status), (Some("a"), false, None));
    assert_eq!(status.expires_in(), Some(secs(60)));
    advance(secs(59)).await;
    let status = session.status();
    assert_eq!(short(&status), (Some("a"), false, None));
    assert_eq!(status.expires_in(), Some(secs(1)));
    advance(secs(1)).await;
    let status = session.status();
    assert_eq!(
        (short(&status), status.expires_in()),
        ((None, false, None), None)
    );

    let mut waits = tokio_test::task::spawn(session.token());
    assert_pending!(waits.poll());
    desk.let_through(1);
    settle().await;
    let status = session.status();
    assert_eq!(short(&status), (Some("b"), false, None));
    assert_eq!(status.expires_in(), None, "its lifetime is not known");
    session.sign_out();
    assert_eq!(short(&session.status()), (None, false, None));
}

/// R7: a token that a server has refused is still in hand, also while another one is fetched.
#[tokio::test(start_paused = true)]
async fn a_refused_token_is_still_shown() {
    let desk = ScriptedSource::closed_after(1);
    let client = BearerAuthLayer::new(desk.clone()).layer(Server::accepting("t2").service());
    let request = tokio::spawn(client.clone().oneshot(get(URI)));
    settle().await;
    assert_eq!(desk.logins(), 2);
    assert_eq!(short(&client.session().status()), (Some("t1"), true, None));
    desk.let_through(1);
    request.await.unwrap().unwrap();
    assert_eq!(short(&client.session().status()), (Some("t2"), false, None));
}

/// L1, L2: it shows what the last login failed with until one succeeds, and how long none is made.
#[tokio::test(start_paused = true)]
async fn a_failure_is_shown_until_a_login_succeeds() {
    let down = AuthError::unavailable("down").with_retry_after(secs(7));
    let desk = ScriptedSource::open().script([
        Err(AuthError::rejected("locked")),
        Err(down),
        Ok(living("a", secs(1_000))),
        Err(AuthError::rejected("locked")),
    ]);
    let session = Session::new(desk.clone());
    session.token().await.unwrap_err();
    let locked = Some("login rejected: locked".to_owned());
    for left in [60, 40, 20] {
        let status = session.status();
        assert_eq!(short(&status), (None, false, locked.clone()));
        assert_eq!(status.next_login_in(), Some(secs(left)));
        advance(secs(20)).await;
    }
    let status = session.status();
    assert_eq!(short(&status), (None, false, locked.clone()));
    assert_eq!(status.next_login_in(), None);

    session.token().await.unwrap_err();
    let status = session.status();
    let down = Some("login unavailable: down".to_owned());
    assert_eq!(short(&status), (None, false, down));
    assert_eq!(status.next_login_in(), Some(secs(7)));
    advance(secs(7)).await;
    session.token().await.unwrap();
    let status = session.status();
    assert_eq!(short(&status), (Some("a"), false, None));
    assert_eq!(status.next_login_in(), None);

    // A renewal ahead that fails takes the token from nobody.
    advance(secs(999)).await;
    session.token().await.unwrap();
    settle().await;
    let status = session.status();
    assert_eq!(short(&status), (Some("a"), false, locked));
    // What it closes is open again when the token expires.
    assert_eq!(status.next_login_in(), Some(secs(1)));
    session.replace_source(ScriptedSource::open());
    let status = session.status();
    assert_eq!(short(&status), (None, false, None));
    assert_eq!(status.next_login_in(), None);
}

/// L2: logins that are abandoned show as an outage from the second in a row on.
#[tokio::test(start_paused = true)]
async fn abandoned_logins_show_from_the_second_in_a_row() {
    let session = Session::new(ScriptedSource::closed());
    for closes in [false, true] {
        let mut waits = tokio_test::task::spawn(session.token());
        assert_pending!(waits.poll());
        session.sign_out();
        let status = session.status();
        assert_eq!(status.next_login_in().is_some(), closes);
        assert_eq!(status.last_error().is_some(), closes);
        assert!(status.last_error().is_none_or(AuthError::is_unavailable));
        assert!(!status.is_logging_in());
    }
}
