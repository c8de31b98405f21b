//! Stronger tokens that cannot be had or are not enough: how often they are asked for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::{Request, Response, StatusCode};
use tokio::time::sleep;
use tower::{BoxError, Layer, service_fn};
use tower_bearer::{
    AuthError, BearerAuthLayer, Cause, Origins, ReplayBody, Session, Sessions, TokenRequest,
    source_fn,
};

use super::{ADMIN, Asked, READ, Scoped, counting, judging, source};
use crate::support::{Body, explanation, get, token};

/// R9, R6: a stronger token that is not enough is the caller's matter, and the source is not asked
/// for it by each request. No other request takes notice.
#[tokio::test(start_paused = true)]
async fn a_stronger_token_that_is_not_enough_is_paced() {
    let (server, asked) = (Scoped::default(), Asked::default());
    let weak = |_: &str| Ok(token("weak1"));
    let layer = BearerAuthLayer::new(source(&asked, weak)).step_up();
    let client = layer.layer(server.service(403, "insufficient_scope"));
    for _ in 0..3_600 {
        server.seen.lock().unwrap().push("next".to_owned());
        let response = client.send(get(ADMIN)).await.unwrap();
        assert_eq!(response.status(), StatusCode::FORBIDDEN);
        let is_repeated = server.seen.lock().unwrap().last().unwrap() == "admin weak1";
        let reason = explanation(&response);
        assert_eq!(reason.is_none(), is_repeated);
        assert!(reason.is_none_or(|error| error.is_throttled() && error.retry_after().is_some()));
        assert_eq!(
            client.send(get(READ)).await.unwrap().status(),
            StatusCode::OK
        );
        sleep(Duration::from_secs(1)).await;
    }
    let seen = server.seen();
    let repeated = seen.iter().filter(|seen| *seen == "admin weak1").count();
    assert!((2..60).contains(&repeated), "{repeated}");
    assert_eq!(
        seen.iter().filter(|seen| *seen == "read plain1").count(),
        3_600
    );
    let logins = asked.lock().unwrap().len();
    assert!((2..30).contains(&logins), "{logins}");
    let stats = client.session().stats();
    assert_eq!((stats.logins, stats.tokens_refused), (1, 0));
}

/// R9, L1: if there is no stronger token the caller gets the response, with the reason, and the
/// session is not latched by it.
#[tokio::test(start_paused = true)]
async fn a_stronger_token_that_cannot_be_had_latches_nothing_else() {
    let (server, asked) = (Scoped::default(), Asked::default());
    let none = |_: &str| Err(AuthError::rejected("not for you"));
    let layer = BearerAuthLayer::new(source(&asked, none)).step_up();
    let client = layer.layer(server.service(403, "insufficient_scope"));
    for _ in 0..10 {
        let response = client.send(get(ADMIN)).await.unwrap();
        assert_eq!(response.status(), StatusCode::FORBIDDEN);
        assert!(explanation(&response).unwrap().is_rejected());
    }
    assert_eq!(*asked.lock().unwrap(), ["First", "admin"]);
    assert!(client.session().status().last_error().is_none());
    drop(client.session().sign_out());
    assert_eq!(
        client.send(get(READ)).await.unwrap().status(),
        StatusCode::OK
    );
}

/// R9, R6: however many find one stronger token to be not enough, that is one strike: two more are
/// free.
#[tokio::test(start_paused = true)]
async fn many_answers_that_a_token_is_not_enough_are_one_strike() {
    let asked = Asked::default();
    let layer = BearerAuthLayer::new(source(&asked, counting("weak"))).step_up();
    let challenge = r#"Bearer error="insufficient_scope", scope="admin""#;
    let client = layer.layer(judging(move |_| (403, challenge)));
    let requests = (0..30).map(|_| client.send(get(ADMIN)));
    for response in futures::future::join_all(requests).await {
        assert_eq!(response.unwrap().status(), StatusCode::FORBIDDEN);
    }
    let logins = asked.lock().unwrap().len();
    assert!((2..4).contains(&logins), "{logins}");
    client.send(get(ADMIN)).await.unwrap();
    assert_eq!(asked.lock().unwrap().len(), logins + 1);
}

/// R9, L1: a server that asks for something else each time does not make one rejected login each
/// time.
#[tokio::test(start_paused = true)]
async fn rejected_logins_are_few_however_many_challenges_there_are() {
    let asked = Asked::default();
    let rejected = |_: &str| Err(AuthError::rejected("wrong password"));
    let number = Arc::new(AtomicU64::new(0));
    let server = service_fn(move |_: Request<ReplayBody<Body>>| {
        let number = number.fetch_add(1, Ordering::SeqCst);
        let challenge =
            format!(r#"Bearer error="insufficient_scope", scope="admin", realm="{number}""#);
        let response = Response::builder().status(403);
        let response = response.header("www-authenticate", challenge).body(());
        std::future::ready(response.map_err(BoxError::from))
    });
    let layer = BearerAuthLayer::new(source(&asked, rejected)).step_up();
    let client = layer.layer(server);
    for number in 0..100 {
        let response = client.send(get(ADMIN)).await.unwrap();
        let reason = explanation(&response).unwrap();
        assert_eq!(reason.is_rejected(), number < 16);
        assert_eq!(reason.is_unavailable(), number >= 16);
    }
    assert_eq!(asked.lock().unwrap().len(), 1 + 16);
    // An account that was unlocked may be tried again, for a stronger token too.
    client.session().reset_backoff();
    client.send(get(ADMIN)).await.unwrap();
    assert_eq!(asked.lock().unwrap().len(), 1 + 17);
}

/// R9, L1: credentials that were rejected are not tried for a stronger token either.
#[tokio::test(start_paused = true)]
async fn no_stronger_token_is_fetched_while_a_rejection_lasts() {
    let asked = Asked::default();
    let source = source_fn(Origins::any(), {
        let asked = asked.clone();
        move |request: TokenRequest| {
            asked.lock().unwrap().push(format!("{:?}", request.cause()));
            std::future::ready(match request.cause() {
                Cause::First => Ok(token("plain1").expires_in(Duration::from_secs(100))),
                _ => Err(AuthError::rejected("wrong password")),
            })
        }
    });
    let client = BearerAuthLayer::new(source).step_up();
    let client = client.layer(judging(|_| (200, "Bearer")));
    client.session().token().await.unwrap();
    sleep(Duration::from_secs(95)).await;
    client.session().token().await.unwrap();
    sleep(Duration::from_secs(1)).await;
    let response = client.send(get(ADMIN)).await.unwrap();
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    assert!(explanation(&response).unwrap().is_rejected());
    assert_eq!(*asked.lock().unwrap(), ["First", "Ahead"]);
}

/// R9, M2: a session whose stronger token was rejected is not forgotten, or a new one would try
/// again.
#[tokio::test(start_paused = true)]
async fn a_session_with_a_latched_step_up_is_not_forgotten() {
    let asked = Asked::default();
    let sessions = Sessions::new({
        let asked = asked.clone();
        move |_: &u8| {
            let rejected = |_: &str| Err(AuthError::rejected("not for you"));
            Ok(Session::new(source(&asked, rejected)))
        }
    })
    .capacity(1);
    let layer = BearerAuthLayer::per_request().step_up();
    let client = layer.layer(judging(|_| (200, "Bearer")));
    let send = async |key: u8| {
        let mut request = get(ADMIN);
        request.extensions_mut().insert(sessions.get(&key).unwrap());
        client.send(request).await.unwrap()
    };
    send(0).await;
    assert!(sessions.get(&1).is_err());
    send(0).await;
    assert_eq!(*asked.lock().unwrap(), ["First", "admin"]);
}
