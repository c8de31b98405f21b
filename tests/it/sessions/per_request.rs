//! A session per request.

use std::sync::{Arc, OnceLock};

use http::Request;
use tower::{Layer, service_fn};
use tower_bearer::login::Form;
use tower_bearer::testing::Api;
use tower_bearer::{AuthError, BearerAuthLayer, NoAuth, Session};

use super::{URI, of, session};
use crate::support::{Body, ScriptedSource, Server, auth_error, get};

/// M1: each request is served by the session that it carries, its retry too.
#[tokio::test(start_paused = true)]
async fn a_request_is_served_by_its_own_session() {
    let server = Server::new();
    let client = BearerAuthLayer::per_request().layer(server.service());
    let (alice, bob) = (session("alice"), session("bob"));
    for session in [&alice, &bob, &alice] {
        client.send(of(session)).await.unwrap();
    }
    server.accept("alice2");
    client.send(of(&alice)).await.unwrap();
    server.accept("bob1");
    client.send(of(&bob)).await.unwrap();
    let expected = ["alice1", "bob1", "alice1", "alice1", "alice2", "bob1"];
    assert_eq!(server.tokens(), expected.map(|it| format!("Bearer {it}")));
}

/// M1: nothing is sent for a request without a session, whoever was served before.
#[tokio::test(start_paused = true)]
async fn a_request_without_a_session_is_not_sent() {
    let server = Server::new();
    let layer = BearerAuthLayer::per_request();
    let client = layer.layer(server.service());
    client.send(of(&session("alice"))).await.unwrap();
    let error = auth_error(client.send(get(URI)).await.unwrap_err());
    assert!(error.is_misconfigured(), "{error}");
    assert!(
        error.to_string().contains("no `Session` in its extensions"),
        "{error}"
    );
    let error = layer.session().token().await.unwrap_err();
    assert!(error.is_misconfigured(), "{error}");
    assert_eq!(server.tokens(), ["Bearer alice1"]);
}

/// M1: who says that no token is wanted needs no session.
#[tokio::test(start_paused = true)]
async fn a_request_that_wants_no_token_needs_no_session() {
    let server = Server::new();
    let client = BearerAuthLayer::per_request().layer(server.service());
    let mut request = get(URI);
    request.extensions_mut().insert(NoAuth);
    client.send(request).await.unwrap();
    let mut request = get(URI);
    let own = "Bearer own".parse().unwrap();
    request.headers_mut().insert("authorization", own);
    client.send(request).await.unwrap();
    assert_eq!(server.tokens(), ["", "Bearer own"]);
}

/// M1: a layer with a session of its own gives way to the request's.
#[tokio::test(start_paused = true)]
async fn a_requests_session_goes_before_that_of_the_layer() {
    let server = Server::new();
    let client = BearerAuthLayer::from_session(session("ours")).layer(server.service());
    client.send(of(&session("alice"))).await.unwrap();
    client.send(get(URI)).await.unwrap();
    assert_eq!(server.tokens(), ["Bearer alice1", "Bearer ours1"]);
}

/// M1, S1: a token goes where its own source says.
#[tokio::test(start_paused = true)]
async fn the_origins_are_those_of_the_requests_session() {
    let server = Server::new();
    let client = BearerAuthLayer::per_request().layer(server.service());
    let elsewhere = Session::new(ScriptedSource::scoped("https://other.example.com"));
    let response = client.send(of(&elsewhere)).await.unwrap();
    let error = response.extensions().get::<AuthError>().unwrap();
    assert!(error.is_foreign_origin(), "{error}");
    assert_eq!(elsewhere.stats().logins, 0);
}

/// M1, T3: a login that goes through the layer that it serves does not wait for itself.
#[tokio::test(start_paused = true)]
async fn a_login_through_the_layer_that_it_serves_is_not_given_a_token() {
    let api = Api::new().account("alice", "secret");
    let sessions = Arc::new(OnceLock::<Session>::new());
    let client = BearerAuthLayer::per_request().layer(api.clone());
    let through = service_fn({
        let (client, sessions) = (client.clone(), sessions.clone());
        move |mut login: Request<Body>| {
            login
                .extensions_mut()
                .insert(sessions.get().unwrap().clone());
            client.send(login)
        }
    });
    let login = Form::new(through, "https://api.example.com", "alice", "secret").unwrap();
    let session = sessions.get_or_init(|| Session::new(login));
    client.send(of(session)).await.unwrap();
    assert_eq!((api.counts().logins, api.counts().requests), (1, 1));
}
