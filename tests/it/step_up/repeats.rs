//! Which requests go out once more with a stronger token, and which as they are.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use http::{Request, Response, StatusCode};
use tower::util::BoxCloneSyncService;
use tower::{BoxError, Layer, ServiceExt, service_fn};
use tower_bearer::login::Form;
use tower_bearer::{BearerAuthLayer, Origins, ReplayBody, TokenRequest, source_fn};

use super::{ADMIN, Asked, READ, Scoped, source, stronger};
use crate::support::{Body, explanation, get, post, token};

/// R9, B1: a body that was not kept cannot be sent again: the caller is told.
#[tokio::test(start_paused = true)]
async fn a_body_that_was_not_kept_is_not_sent_again() {
    let (server, asked) = (Scoped::default(), Asked::default());
    let layer = BearerAuthLayer::new(source(&asked, stronger)).step_up();
    let layer = layer.replay_limit(4);
    let client = layer.layer(server.service(403, "insufficient_scope"));
    let mut request = post("longer than that");
    *request.uri_mut() = ADMIN.parse().unwrap();
    let response = client.send(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    assert!(explanation(&response).unwrap().is_not_repeated());
    assert_eq!(*asked.lock().unwrap(), ["First"]);
}

/// R9, R3: of a request that is challenged and then refused there is one retry, not two.
#[tokio::test(start_paused = true)]
async fn a_request_is_repeated_once() {
    let asked = Asked::default();
    let seen = Arc::new(Mutex::new(0));
    let server = service_fn({
        let seen = seen.clone();
        move |request: Request<ReplayBody<Body>>| {
            *seen.lock().unwrap() += 1;
            let is_stronger = request.headers()["authorization"] == "Bearer admin1";
            let (status, challenge) = match is_stronger {
                true => (401, "Bearer"),
                false => (403, r#"Bearer error="insufficient_scope", scope="admin""#),
            };
            let response = Response::builder().status(status);
            let response = response.header("www-authenticate", challenge).body(());
            std::future::ready(response.map_err(BoxError::from))
        }
    });
    let layer = BearerAuthLayer::new(source(&asked, stronger)).step_up();
    let response = layer.layer(server).send(get(ADMIN)).await.unwrap();
    assert_eq!(
        (response.status(), *seen.lock().unwrap()),
        (StatusCode::UNAUTHORIZED, 2)
    );
}

/// R9, R6: a request that was refused first has had its retry: its challenge is the caller's, and no
/// fault of the token in hand.
#[tokio::test(start_paused = true)]
async fn a_challenge_of_a_retry_leaves_the_token_in_hand_as_it_is() {
    let asked = Asked::default();
    let tokens = Arc::new(AtomicU64::new(0));
    let source = source_fn(Origins::any(), {
        let (asked, tokens) = (asked.clone(), tokens.clone());
        move |request: TokenRequest| {
            asked.lock().unwrap().push(format!("{:?}", request.cause()));
            let number = tokens.fetch_add(1, Ordering::SeqCst) + 1;
            std::future::ready(Ok(token(&format!("plain{number}"))))
        }
    });
    let server = service_fn(|request: Request<ReplayBody<Body>>| {
        let is_old = request.headers()["authorization"] == "Bearer plain1";
        let (status, challenge) = match (is_old, request.uri().path()) {
            (true, _) => (401, "Bearer"),
            (false, "/admin") => (403, r#"Bearer error="insufficient_scope""#),
            (false, _) => (200, "Bearer"),
        };
        let response = Response::builder().status(status);
        let response = response.header("www-authenticate", challenge).body(());
        std::future::ready(response.map_err(BoxError::from))
    });
    let client = BearerAuthLayer::new(source).step_up().layer(server);
    let response = client.send(get(ADMIN)).await.unwrap();
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    for _ in 0..10 {
        assert_eq!(
            client.send(get(READ)).await.unwrap().status(),
            StatusCode::OK
        );
    }
    assert_eq!(*asked.lock().unwrap(), ["First", "Refused"]);
    assert_eq!(client.session().stats().tokens_refused, 1);
}

/// R9, T3: a login for a stronger token may go through the stack that it serves, as any login: it is
/// sent as it is.
#[tokio::test(start_paused = true)]
async fn a_login_for_a_stronger_token_may_go_through_the_layer() {
    let logins = Arc::new(Mutex::new(Vec::new()));
    let server = service_fn({
        let logins = logins.clone();
        move |request: Request<ReplayBody<Body>>| {
            let token = request.headers().get("authorization").cloned();
            let is_login = request.uri().path() == "/auth/login";
            let response = Response::builder();
            let response = if is_login {
                let mut logins = logins.lock().unwrap();
                logins.push(token);
                let body = format!(r#"{{"access_token": "t{}"}}"#, logins.len());
                response.body(Body::from(body))
            } else if token.is_some_and(|token| token == "Bearer t2") {
                response.body(Body::default())
            } else {
                let challenge = r#"Bearer error="insufficient_scope""#;
                let response = response.status(403).header("www-authenticate", challenge);
                response.body(Body::default())
            };
            std::future::ready(response.map_err(BoxError::from))
        }
    });
    let client = Arc::new(OnceLock::<BoxCloneSyncService<_, _, BoxError>>::new());
    let through = service_fn({
        let client = client.clone();
        move |login: Request<Body>| client.get().unwrap().clone().oneshot(login)
    });
    let login = Form::new(through, "https://api.example.com", "me", "secret").unwrap();
    let layer = BearerAuthLayer::new(login).step_up();
    let client = client.get_or_init(|| BoxCloneSyncService::new(layer.layer(server)));
    let response = client.clone().oneshot(get(ADMIN)).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(*logins.lock().unwrap(), [None, None]);
}
