//! T7: sign-outs and other sources, while requests are in all sorts of states.

use std::sync::Arc;

use http::{Request, Response, StatusCode};
use tokio::sync::Semaphore;
use tokio::time::advance;
use tokio_test::{assert_pending, assert_ready};
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_bearer::{AuthError, BearerAuthLayer, ReplayBody, Session};

use super::{URI, living, settle};
use crate::support::{
    Body, ScriptedSource, Sent, Server, auth_error, explanation, get, secs, token,
};

/// A source of another account.
fn other() -> ScriptedSource {
    ScriptedSource::open().script([Ok(token("other")), Ok(token("other2"))])
}

/// T7: those who wait are told of the sign-out, the login is dropped, and a later request logs in
/// at once.
#[tokio::test(start_paused = true)]
async fn a_sign_out_ends_the_waiting_and_drops_the_login() {
    let (desk, server) = (ScriptedSource::closed(), Server::new());
    let client = BearerAuthLayer::new(desk.clone()).layer(server.service());
    let request = tokio::spawn(client.clone().oneshot(get(URI)));
    let waiter = tokio::spawn(client.session().token());
    settle().await;
    client.session().sign_out();
    let error = auth_error(request.await.unwrap().unwrap_err());
    assert!(error.is_signed_out(), "{error}");
    assert!(waiter.await.unwrap().unwrap_err().is_signed_out());
    let later = tokio::spawn(client.clone().oneshot(get(URI)));
    settle().await;
    assert_eq!((desk.logins(), server.seen().len()), (2, 0));
    // The first login would come first, were it still there.
    desk.let_through(1);
    later.await.unwrap().unwrap();
    assert_eq!(server.tokens(), ["Bearer t2"]);
}

/// T7: those who wait get the new source's token, and the old login is dropped.
#[tokio::test(start_paused = true)]
async fn those_who_wait_join_the_new_sources_login() {
    let (desk, server, new) = (
        ScriptedSource::closed(),
        Server::new(),
        ScriptedSource::closed(),
    );
    let client = BearerAuthLayer::new(desk.clone()).layer(server.service());
    let requests: Vec<_> = (0..10)
        .map(|_| tokio::spawn(client.clone().oneshot(get(URI))))
        .collect();
    let waiter = tokio::spawn(client.session().token());
    settle().await;
    client
        .session()
        .replace_source(new.clone().script([Ok(token("other"))]));
    settle().await;
    assert_eq!(desk.abandoned(), 1);
    assert_eq!(
        (desk.logins(), new.logins(), server.seen().len()),
        (1, 1, 0)
    );
    new.let_through(1);
    for request in requests {
        request.await.unwrap().unwrap();
    }
    assert_eq!(waiter.await.unwrap().unwrap().expose(), "other");
    assert_eq!(server.tokens(), ["Bearer other"; 10]);
    assert_eq!((desk.logins(), new.logins()), (1, 1));
}

/// T7: a sign-out right after another source was set is heard by those who waited before both.
#[tokio::test(start_paused = true)]
async fn a_sign_out_after_another_source_ends_the_waiting_too() {
    let (desk, new) = (ScriptedSource::closed(), other());
    let session = Session::new(desk.clone());
    let mut waiter = tokio_test::task::spawn(session.token());
    assert_pending!(waiter.poll());
    session.replace_source(new.clone());
    session.sign_out();
    let error = assert_ready!(waiter.poll()).unwrap_err();
    assert!(error.is_signed_out(), "{error}");
    assert_eq!(new.logins(), 0);
}

/// T7: so is one that comes when the login is over, but those who waited have not looked yet; and
/// after another source none of them gets the old token.
#[tokio::test(start_paused = true)]
async fn a_token_that_nobody_took_yet_is_not_handed_out_any_more() {
    for signs_out in [true, false] {
        let session = Session::new(ScriptedSource::open());
        let mut waiter = tokio_test::task::spawn(session.token());
        assert_pending!(waiter.poll());
        settle().await;
        assert!(waiter.is_woken());
        if signs_out {
            session.sign_out();
            let error = assert_ready!(waiter.poll()).unwrap_err();
            assert!(error.is_signed_out(), "{error}");
        } else {
            session.replace_source(other());
            assert_pending!(waiter.poll());
            settle().await;
            let brought = assert_ready!(waiter.poll()).unwrap();
            assert_eq!(brought.expose(), "other");
        }
    }
}

/// T7: a request that was sent before is not replayed as another account: its caller gets the
/// original response, which says why.
#[tokio::test(start_paused = true)]
async fn a_request_sent_before_is_never_replayed_as_the_new_account() {
    for signs_out in [true, false] {
        let answers = Arc::new(Semaphore::new(0));
        let seen = Server::accepting("other");
        let inner = {
            let (answers, server) = (answers.clone(), seen.service::<Body>());
            service_fn(move |request: Request<ReplayBody<Body>>| {
                let (answers, server) = (answers.clone(), server.clone());
                async move {
                    answers.acquire().await.unwrap().forget();
                    server.oneshot(request).await
                }
            })
        };
        let (desk, new) = (ScriptedSource::open(), other());
        let client = BearerAuthLayer::new(desk.clone()).layer(inner);
        let sent = tokio::spawn(client.clone().oneshot(get(URI)));
        settle().await;
        if signs_out {
            client.session().sign_out();
        } else {
            client.session().replace_source(new.clone());
            assert_eq!(client.session().token().await.unwrap().expose(), "other");
        }
        answers.add_permits(9);
        let response = sent.await.unwrap().unwrap();
        assert_eq!(
            (response.status(), *response.body()),
            (StatusCode::UNAUTHORIZED, "who are you?")
        );
        assert!(explanation(&response).unwrap().is_signed_out());
        assert_eq!(seen.tokens(), ["Bearer t1"]);
        assert_eq!((desk.logins(), new.logins()), (1, usize::from(!signs_out)));
    }
}

/// T7: nor is one whose renewal is under way, or over but not yet taken.
#[tokio::test(start_paused = true)]
async fn a_renewal_is_given_up_for_the_original_response() {
    for ended in [true, false] {
        let (desk, server) = (ScriptedSource::closed_after(1), Server::accepting("none"));
        let client = BearerAuthLayer::new(desk.clone()).layer(server.service());
        client.session().token().await.unwrap();
        let mut sent = tokio_test::task::spawn(client.clone().oneshot(get(URI)));
        assert_pending!(sent.poll());
        settle().await;
        if ended {
            desk.let_through(1);
            settle().await;
        }
        client.session().replace_source(other());
        let response = assert_ready!(sent.poll()).unwrap();
        assert_eq!(*response.body(), "who are you?");
        assert!(explanation(&response).unwrap().is_signed_out());
        assert_eq!(server.tokens(), ["Bearer t1"]);
    }
}

type Mock = tower_test::mock::Mock<Sent, Response<&'static str>>;
type Handle = tower_test::mock::Handle<Sent, Response<&'static str>>;

/// A client whose inner service gets ready when it is allowed to.
fn gated(session: &Session) -> (tower_bearer::BearerAuth<Mock>, Handle) {
    let (mock, mut handle) = tower_test::mock::pair();
    handle.allow(1);
    let client = BearerAuthLayer::from_session(session.clone()).layer(mock);
    (client, handle)
}

async fn authorization(handle: &mut Handle) -> String {
    let (request, answer) = handle.next_request().await.unwrap();
    answer.send_response(Response::new(""));
    let value = request.headers()["authorization"].to_str().unwrap();
    value.to_owned()
}

/// T7: a first request that waits for readiness goes out with the new source's token, or is told
/// of the sign-out.
#[tokio::test(start_paused = true)]
async fn a_request_that_waits_for_readiness_carries_no_old_token() {
    for signs_out in [true, false] {
        let session = Session::new(ScriptedSource::open());
        let (mut client, mut handle) = gated(&session);
        client.ready().await.unwrap();
        handle.allow(0);
        let mut response = tokio_test::task::spawn(client.call(get(URI)));
        assert_pending!(response.poll());
        settle().await;
        assert_pending!(response.poll());
        if signs_out {
            session.sign_out();
            handle.allow(1);
            let error = auth_error(assert_ready!(response.poll()).unwrap_err());
            assert!(error.is_signed_out(), "{error}");
        } else {
            session.replace_source(other());
            handle.allow(1);
            assert_pending!(response.poll());
            settle().await;
            handle.allow(1);
            assert_pending!(response.poll());
            assert_eq!(authorization(&mut handle).await, "Bearer other");
        }
    }
}

/// T7: a retry that waits for readiness, and then for a token because its own has expired
/// meanwhile, is not sent as the account that came in between.
#[tokio::test(start_paused = true)]
async fn a_retry_that_waits_is_never_sent_as_the_new_account() {
    let old = ScriptedSource::closed_after(2).script([Ok(token("a")), Ok(living("b", secs(10)))]);
    let session = Session::new(old.clone());
    session.token().await.unwrap();
    let (mut client, mut handle) = gated(&session);
    let mut response = tokio_test::task::spawn(client.ready().await.unwrap().call(get(URI)));
    handle.allow(0);
    assert_pending!(response.poll());
    let (_, answer) = handle.next_request().await.unwrap();
    let refused = Response::builder().status(401).body("").unwrap();
    answer.send_response(refused);
    settle().await;
    assert_pending!(response.poll());
    settle().await;
    // The new token is there, the inner service is not ready.
    assert_pending!(response.poll());
    assert_eq!(old.logins(), 2);
    advance(secs(10)).await;
    handle.allow(1);
    // The new token has expired: a third login begins.
    assert_pending!(response.poll());
    settle().await;
    assert_eq!(old.logins(), 3);
    session.replace_source(other());
    handle.allow(1);
    let error = auth_error(assert_ready!(response.poll()).unwrap_err());
    assert!(error.is_signed_out(), "{error}");
    drop(response);
    drop(client);
    assert!(handle.next_request().await.is_none(), "it was sent");
}

/// T7: a request made after the call returned never carries an old token, also through a clone that
/// had its copy, and during a login of the old source. The new source's origins apply at once.
#[tokio::test(start_paused = true)]
async fn later_requests_are_the_new_accounts() {
    let server = Server::new();
    let mut client = BearerAuthLayer::new(ScriptedSource::open()).layer(server.service());
    let mut clone = client.clone();
    for client in [&mut client, &mut clone] {
        client.ready().await.unwrap().call(get(URI)).await.unwrap();
    }
    client
        .session()
        .replace_source(ScriptedSource::scoped("https://other.example.com"));
    let elsewhere = "https://other.example.com/";
    for client in [&mut client, &mut clone] {
        client.ready().await.unwrap().call(get(URI)).await.unwrap();
        client
            .ready()
            .await
            .unwrap()
            .call(get(elsewhere))
            .await
            .unwrap();
    }
    let new = "Bearer t1";
    assert_eq!(server.tokens(), [new, new, "", new, "", new]);
    client.session().replace_source(other());
    for client in [&mut client, &mut clone] {
        client.ready().await.unwrap().call(get(URI)).await.unwrap();
    }
    assert_eq!(server.tokens()[6..], ["Bearer other"; 2]);
}

/// T7, L1: another source clears the latch, a sign-out does not.
#[tokio::test(start_paused = true)]
async fn another_source_clears_the_latch_and_a_sign_out_does_not() {
    let desk = ScriptedSource::open().script([Err(AuthError::rejected("no"))]);
    let session = Session::new(desk.clone());
    session.token().await.unwrap_err();
    session.sign_out();
    assert!(session.token().await.unwrap_err().is_rejected());
    assert_eq!(desk.logins(), 1);
    session.replace_source(other());
    assert_eq!(session.token().await.unwrap().expose(), "other");
}
