//! T8: a session that starts with a known token.

use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use tokio::time::advance;
use tower::{Layer, ServiceExt};
use tower_bearer::{BearerAuthLayer, Cause, Origins, Session, Token, TokenRequest, source_fn};

use super::{URI, living};
use crate::support::{ScriptedSource, Server, explanation, get, secs, token};

/// T8: a given token is used first, and that needs no login, no runtime and no timer.
#[test]
fn a_given_token_is_used_before_any_login() {
    let (desk, server) = (ScriptedSource::open(), Server::new());
    let session = Session::builder(desk.clone()).token(token("given")).build();
    assert_eq!(session.status().token().unwrap().expose(), "given");
    let client = BearerAuthLayer::from_session(session.clone()).layer(server.service());
    for _ in 0..2 {
        let response = futures::executor::block_on(client.clone().oneshot(get(URI)));
        assert_eq!(response.unwrap().status(), 200);
    }
    let issued = futures::executor::block_on(session.token()).unwrap();
    assert_eq!(issued.expose(), "given");
    assert_eq!(server.tokens(), ["Bearer given"; 2]);
    assert_eq!((desk.logins(), session.stats().logins), (0, 0));
}

/// T8: when it is refused the session logs in, and the source is told what it replaces.
#[tokio::test]
async fn a_given_token_that_is_refused_is_replaced() {
    let (desk, server) = (ScriptedSource::open(), Server::accepting("t1"));
    let session = Session::builder(desk.clone()).token(token("given")).build();
    let client = BearerAuthLayer::from_session(session).layer(server.service());
    let response = client.oneshot(get(URI)).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(server.tokens(), ["Bearer given", "Bearer t1"]);
    assert_eq!(desk.causes(), [Cause::Refused]);
    assert_eq!(desk.stale(), [Some("given".to_owned())]);
}

/// T8, R6: its refusal is no strike: the session makes as many logins as one that was given none,
/// before they are seen not to help.
#[tokio::test(start_paused = true)]
async fn the_refusal_of_a_given_token_is_no_strike() {
    let mut logins = Vec::new();
    for given in [None, Some(token("given"))] {
        let desk = ScriptedSource::open();
        let builder = Session::builder(desk.clone());
        let session = match given.clone() {
            Some(given) => builder.token(given).build(),
            None => builder.build(),
        };
        let server = Server::accepting("none of them");
        let client = BearerAuthLayer::from_session(session).layer(server.service());
        for request in 0.. {
            assert!(request < 20, "they are never seen not to help");
            let response = client.clone().oneshot(get(URI)).await.unwrap();
            if explanation(&response).is_some_and(|error| error.is_throttled()) {
                break;
            }
        }
        let first = format!("Bearer {}", given.map_or("t1", |_| "given"));
        assert_eq!(server.tokens()[0], first);
        logins.push(desk.logins());
    }
    assert_eq!(logins[0], logins[1]);
}

/// T8, T7: a sign-out drops it as any other, and so does another source.
#[tokio::test]
async fn a_given_token_is_dropped_by_a_sign_out_and_by_another_source() {
    for signs_out in [true, false] {
        let (desk, server) = (ScriptedSource::open(), Server::new());
        let session = Session::builder(desk.clone()).token(token("given")).build();
        let client = BearerAuthLayer::from_session(session.clone()).layer(server.service());
        client.clone().oneshot(get(URI)).await.unwrap();
        if signs_out {
            assert_eq!(session.sign_out().await.unwrap().expose(), "given");
        } else {
            session.replace_source(ScriptedSource::open());
        }
        client.oneshot(get(URI)).await.unwrap();
        assert_eq!(server.tokens(), ["Bearer given", "Bearer t1"]);
        let causes: &[_] = if signs_out { &[Cause::SignedOut] } else { &[] };
        assert_eq!(desk.causes(), causes);
    }
}

/// T8, T5: its lifetime counts from when the session was built.
#[tokio::test(start_paused = true)]
async fn the_lifetime_of_a_given_token_counts_from_the_build() {
    let (desk, server) = (ScriptedSource::open(), Server::new());
    let builder = Session::builder(desk.clone())
        .token(living("given", secs(60)))
        .renew_ahead(0.0, secs(0));
    advance(secs(30)).await;
    let session = builder.build();
    let client = BearerAuthLayer::from_session(session.clone()).layer(server.service());
    assert_eq!(session.status().expires_in(), Some(secs(60)));
    advance(secs(59)).await;
    client.clone().oneshot(get(URI)).await.unwrap();
    advance(secs(1)).await;
    client.oneshot(get(URI)).await.unwrap();
    assert_eq!(server.tokens(), ["Bearer given", "Bearer t1"]);
    assert_eq!(desk.causes(), [Cause::Expired]);
    assert_eq!(desk.stale(), [Some("given".to_owned())]);
}

/// T8, T5: one that has expired meanwhile is not sent, and the source gets it with its refresh
/// token.
#[tokio::test(start_paused = true)]
async fn a_given_token_that_has_expired_is_replaced_before_a_request() {
    let an_hour_ago = SystemTime::now() - secs(3600);
    let given = token("given").refresh_token("r1").expires_at(an_hour_ago);
    let asked = Arc::new(Mutex::new(Vec::new()));
    let asks = asked.clone();
    let source = source_fn(Origins::any(), move |request: TokenRequest| {
        let stale = request.stale().and_then(Token::expose_refresh_token);
        let of_stale = stale.map(ToOwned::to_owned);
        asks.lock().unwrap().push((request.cause(), of_stale));
        async { Ok(Token::new("t1")?) }
    });
    let session = Session::builder(source).token(given).build();
    assert!(session.status().token().is_none());
    let server = Server::new();
    let client = BearerAuthLayer::from_session(session).layer(server.service());
    client.oneshot(get(URI)).await.unwrap();
    assert_eq!(server.tokens(), ["Bearer t1"]);
    assert_eq!(
        *asked.lock().unwrap(),
        [(Cause::Expired, Some("r1".to_owned()))]
    );
}
