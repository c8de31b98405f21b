//! New requests during a renewal.

use std::time::Duration;

use http::StatusCode;
use tokio::time::sleep;
use tower::{Layer, Service, ServiceExt};
use tower_bearer::{AuthError, BearerAuthLayer};

use super::URI;
use crate::support::{ScriptedSource, Server, get, settle, token};

/// R7: new requests wait for a renewal, and go out with the token in hand when it fails.
#[tokio::test(start_paused = true)]
async fn new_requests_wait_for_a_renewal_and_survive_its_failure() {
    for fails in [false, true] {
        let second = if fails {
            Err(AuthError::unavailable("down"))
        } else {
            Ok(token("b"))
        };
        let desk = ScriptedSource::closed_after(1).script([Ok(token("a")), second]);
        let server = Server::accepting("b");
        let client = BearerAuthLayer::new(desk.clone()).layer(server.service());
        client.session().token().await.unwrap();
        let refused = tokio::spawn(client.clone().oneshot(get(URI)));
        sleep(Duration::from_millis(900)).await;
        let waiting = tokio::spawn(client.clone().oneshot(get(URI)));
        sleep(Duration::from_millis(900)).await;
        assert_eq!(server.tokens(), ["Bearer a"], "the second waits");
        server.accept(if fails { "a" } else { "b" });
        desk.let_through(1);
        let waited = waiting.await.unwrap().unwrap();
        assert_eq!((waited.status(), desk.logins()), (StatusCode::OK, 2));
        let refused = refused.await.unwrap().unwrap();
        assert_eq!(refused.status() == StatusCode::UNAUTHORIZED, fails);
    }
}

/// R7, T6: a refusal that joins a renewal ahead holds back the clones that know of that renewal, too.
#[tokio::test(start_paused = true)]
async fn a_refusal_during_a_renewal_ahead_holds_every_clone_back() {
    let first = token("t1").expires_in(Duration::from_secs(100));
    let desk = ScriptedSource::closed_after(1).script([Ok(first)]);
    let server = Server::accepting("t1");
    let mut knowing = BearerAuthLayer::new(desk.clone()).layer(server.service());
    knowing.session().token().await.unwrap();
    sleep(Duration::from_secs(99)).await;
    for _ in 0..2 {
        let response = knowing.ready().await.unwrap().call(get(URI)).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
    }
    settle().await;
    assert_eq!((desk.logins(), server.tokens().len()), (2, 2));

    server.accept("t2");
    let refused = tokio::spawn(knowing.clone().oneshot(get(URI)));
    settle().await;
    assert_eq!(server.tokens().len(), 3);
    let held_back = knowing.ready().await.unwrap().call(get(URI));
    let held_back = tokio::spawn(held_back);
    settle().await;
    assert_eq!(server.tokens().len(), 3, "it waits");
    desk.let_through(1);
    for response in [refused, held_back] {
        assert_eq!(response.await.unwrap().unwrap().status(), StatusCode::OK);
    }
    assert_eq!(server.tokens()[3..], ["Bearer t2", "Bearer t2"]);
}
