//! An account that changes while somebody waits.

use http::Response;
use tokio_test::{assert_pending, assert_ready};
use tower::{Layer, Service, ServiceExt};
use tower_bearer::{BearerAuthLayer, Origins, Session, source_fn};
use tower_test::mock;

use super::URI;
use crate::support::{ScriptedSource, Sent, Server, get, post, settle, token};

/// S1, T7: a waiting request whose origin the new source's origins do not contain.
#[tokio::test(start_paused = true)]
async fn scope_is_checked_again_after_replace_source() {
    let first = ScriptedSource::closed();
    let layer = BearerAuthLayer::new(first.clone());
    let server = Server::new();
    let request = tokio::spawn(
        layer
            .layer(server.service())
            .oneshot(get("https://old.example.com/")),
    );
    settle().await;
    assert_eq!(first.logins(), 1);
    layer.session().replace_source(source_fn(
        Origins::only("https://new.example.com").unwrap(),
        |_| async { Ok(token("secret-of-new")) },
    ));
    let _ = request.await.unwrap();
    assert!(
        !server.tokens().contains(&"Bearer secret-of-new".to_owned()),
        "the new source's token went to https://old.example.com: {:?}",
        server.tokens()
    );
}

/// T7: a request that was sent (and refused) is never replayed as the new account.
#[tokio::test(start_paused = true)]
async fn a_sent_request_is_never_replayed_as_the_new_account() {
    let (inner, mut handle) = mock::pair::<Sent, Response<&'static str>>();
    let desk = ScriptedSource::closed_after(2);
    let layer = BearerAuthLayer::new(desk.clone());
    layer.session().token().await.unwrap();
    handle.allow(1);
    let mut service = layer.layer(inner);
    let mut response =
        tokio_test::task::spawn(service.ready().await.unwrap().call(post("transfer 100")));
    let (request, send) = handle.next_request().await.unwrap();
    assert_eq!(request.headers()["authorization"], "Bearer t1");
    send.send_response(Response::builder().status(401).body("").unwrap());
    for _ in 0..20 {
        assert_pending!(response.poll());
        tokio::task::yield_now().await;
    }
    assert_eq!(desk.logins(), 2);
    // It waits for readiness now, with t2 granted; t2 is found out to be no good elsewhere.
    assert!(layer.session().invalidate(&token("t2")));
    handle.allow(1);
    for _ in 0..5 {
        assert_pending!(response.poll());
        tokio::task::yield_now().await;
    }
    assert_eq!(desk.logins(), 3, "waits for a third login");
    layer
        .session()
        .replace_source(source_fn(Origins::any(), |_| async { Ok(token("bob")) }));
    handle.allow(5);
    for _ in 0..20 {
        if response.is_woken() && response.poll().is_ready() {
            return;
        }
        tokio::task::yield_now().await;
    }
    let mut next = tokio_test::task::spawn(handle.next_request());
    if let std::task::Poll::Ready(Some((request, _))) = next.poll() {
        panic!(
            "replayed as {:?}",
            request.headers()["authorization"].to_str()
        );
    }
}

/// T7: after `replace_source` a refused request gets its original response.
#[tokio::test(start_paused = true)]
async fn replace_between_login_and_poll_keeps_the_original_response() {
    let server = Server::accepting("never");
    let desk = ScriptedSource::open();
    let layer = BearerAuthLayer::new(desk.clone());
    layer.session().token().await.unwrap();
    let mut response = tokio_test::task::spawn(layer.layer(server.service()).oneshot(get(URI)));
    while desk.logins() < 2 {
        assert_pending!(response.poll());
        tokio::task::yield_now().await;
    }
    settle().await;
    // The login has ended; the waiter was not polled since.
    layer.session().replace_source(ScriptedSource::open());
    let got = assert_ready!(response.poll());
    let got = got.expect("the original response, not an error");
    assert_eq!(got.status(), 401);
}

/// T7: who waits when the session is signed out gets `is_signed_out()`, not the next session's token.
#[tokio::test(start_paused = true)]
async fn who_waited_gets_signed_out_even_if_another_logs_in_at_once() {
    let desk = ScriptedSource::closed();
    let session = Session::new(desk.clone());
    let mut waiter = tokio_test::task::spawn(session.token());
    assert_pending!(waiter.poll());
    settle().await;
    session.sign_out();
    desk.let_through(5);
    session.token().await.unwrap();
    let got = assert_ready!(waiter.poll());
    assert!(got.is_err_and(|error| error.is_signed_out()));
}

/// T7: the token of an account that was signed out or replaced is not handed out afterwards.
#[tokio::test(start_paused = true)]
async fn no_old_token_is_handed_out_after_the_fence() {
    for signs_out in [true, false] {
        let desk = ScriptedSource::closed();
        let session = Session::new(desk.clone());
        let mut waiter = tokio_test::task::spawn(session.token());
        assert_pending!(waiter.poll());
        desk.let_through(1);
        settle().await;
        if signs_out {
            session.sign_out();
        } else {
            session.replace_source(source_fn(Origins::any(), |_| async { Ok(token("bob")) }));
        }
        if let std::task::Poll::Ready(Ok(got)) = waiter.poll() {
            assert_ne!(got.expose(), "t1", "signs_out: {signs_out}");
        }
    }
}
