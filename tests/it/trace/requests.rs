//! What is told of a request: its refusal, its retry, and why it has no token.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use futures::future::{BoxFuture, join_all};
use http::{HeaderValue, Request, StatusCode};
use http_body_util::Full;
use tower::{Layer, ServiceExt, service_fn};
use tower_bearer::login::Form;
use tower_bearer::testing::Api;
use tower_bearer::{BearerAuth, BearerAuthLayer, NoAuth, ReplayBody};

use super::capture::Capture;
use super::{URI, asked, fingerprint, refused, send};
use crate::support::{Body, ScriptedSource, Server, explanation, get};

/// With its token in hand a request tells nothing.
#[tokio::test]
async fn a_request_with_its_token_in_hand_tells_nothing() {
    let (capture, _guard) = Capture::start();
    let layer = BearerAuthLayer::new(ScriptedSource::open());
    send(&layer, &Server::new()).await.unwrap();
    assert_eq!(capture.lines().len(), 2);
    for _ in 0..3 {
        send(&layer, &Server::new()).await.unwrap();
    }
    assert_eq!(capture.lines(), [""; 0]);
}

/// R2: of many that are refused, the first tells of the token; each tells of its retry.
#[tokio::test(start_paused = true)]
async fn a_refusal_is_told_once_and_each_retry_by_its_request() {
    let (capture, _guard) = Capture::start();
    let layer = BearerAuthLayer::new(ScriptedSource::open());
    let server = refused(&layer).await;
    capture.lines();

    for response in join_all((0..3).map(|_| send(&layer, &server))).await {
        assert_eq!(response.unwrap().status(), StatusCode::OK);
    }

    let (old, new) = (fingerprint("t1"), fingerprint("t2"));
    let again = format!(
        "DEBUG job: request retried fingerprint={new} generation=2 http.request.resend_count=1"
    );
    assert_eq!(
        capture.lines(),
        [
            format!("INFO job: token refused fingerprint={old} generation=1"),
            format!("INFO job: (login) cause=\"refused\" stale={old}"),
            format!("INFO job login: logged in fingerprint={new} generation=2 duration_ms=0"),
            again.clone(),
            again.clone(),
            again,
        ]
    );
}

/// R3: a refused retry tells of its token too.
#[tokio::test]
async fn a_refused_retry_is_told() {
    let (capture, _guard) = Capture::start();
    let layer = BearerAuthLayer::new(ScriptedSource::open());
    let server = refused(&layer).await;
    server.accept("none of them");
    capture.lines();

    let response = send(&layer, &server).await.unwrap();

    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    let last = capture.lines().pop();
    let new = fingerprint("t2");
    let line = format!("INFO job: token refused fingerprint={new} generation=2");
    assert_eq!(last, Some(line));
}

/// S3: a request that passes untouched says why; a login of the session's own is no such request.
#[tokio::test]
async fn a_request_that_is_left_alone_tells_the_reason() {
    let (capture, _guard) = Capture::start();
    let layer = BearerAuthLayer::new(ScriptedSource::open());
    let client = layer.layer(Server::new().service::<Body>());
    let mut own = get(URI);
    let value = HeaderValue::from_static("Bearer own");
    own.headers_mut().insert("authorization", value);
    asked(client.clone().oneshot(own)).await.unwrap();
    let mut without = get(URI);
    without.extensions_mut().insert(NoAuth);
    asked(client.oneshot(without)).await.unwrap();
    let told = "DEBUG job: request left alone reason=";
    assert_eq!(
        capture.lines(),
        [
            format!("{told}\"it has the header already\""),
            format!("{told}\"it has the extension `NoAuth`\""),
        ]
    );

    // A login that goes through the stack that it authenticates.
    let api = Api::new().account("me", "right");
    let stack = Arc::new(OnceLock::new());
    let through = stack.clone();
    let login = service_fn(move |request: Request<Full<Bytes>>| {
        let stack: &BearerAuth<_> = through.get().unwrap();
        stack.clone().oneshot(request)
    });
    let form = Form::new(login, "https://api.example.com", "me", "right").unwrap();
    let inner = service_fn(move |request: Request<ReplayBody<Full<Bytes>>>| {
        let answer: BoxFuture<'static, _> = Box::pin(api.clone().oneshot(request));
        answer
    });
    let client = stack.get_or_init(|| BearerAuthLayer::new(form).layer(inner));
    let request = get("https://api.example.com/users/me");
    let response = client.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let lines = capture.lines();
    assert!(lines.iter().any(|line| line.contains("logged in")));
    assert!(!lines.iter().any(|line| line.contains("left alone")));
}

/// S1: that a request goes to a foreign origin is a warning for the first one of a session.
#[tokio::test]
async fn the_first_request_to_a_foreign_origin_is_a_warning() {
    let (capture, _guard) = Capture::start();
    let server = Server::new();
    for _ in 0..2 {
        let layer = BearerAuthLayer::new(ScriptedSource::scoped("https://api.example.com"));
        for level in ["WARN", "DEBUG", "DEBUG"] {
            // Each service is one of its own, and the session is the same.
            let client = layer.layer(server.service::<Body>());
            let request = asked(client.oneshot(get("https://cdn.example.com/file")));
            let response = request.await.unwrap();
            let error = explanation(&response).unwrap();
            let line = format!("{level} job: request sent without a token error={error}");
            assert_eq!(capture.lines(), [line]);
        }
    }
}
