//! How a stronger token is renewed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use http::StatusCode;
use tower::Layer;
use tower_bearer::{BearerAuthLayer, Cause, Origins, Sent, TokenRequest, source_fn};

use super::{ADMIN, Asked, counting, judging, source};
use crate::support::{get, token};

/// R9, R1: a stronger token that is refused is replaced for the next request.
#[tokio::test(start_paused = true)]
async fn a_stronger_token_that_was_revoked_is_renewed() {
    let asked = Asked::default();
    let is_revoked = Arc::new(AtomicBool::new(false));
    let server = judging({
        let is_revoked = is_revoked.clone();
        move |token| match token == "admin1" && is_revoked.load(Ordering::SeqCst) {
            true => (401, "Bearer"),
            false => (200, "Bearer"),
        }
    });
    let layer = BearerAuthLayer::new(source(&asked, counting("admin"))).step_up();
    let client = layer.layer(server);
    let status = async || client.send(get(ADMIN)).await.unwrap().status();
    assert_eq!(status().await, StatusCode::OK);
    is_revoked.store(true, Ordering::SeqCst);
    assert_eq!(status().await, StatusCode::UNAUTHORIZED);
    for _ in 0..10 {
        assert_eq!(status().await, StatusCode::OK);
    }
    assert_eq!(*asked.lock().unwrap(), ["First", "admin", "admin"]);
}

/// R9, R8: the caller may report a stronger token, which only it sees refused.
#[tokio::test(start_paused = true)]
async fn a_report_reaches_the_stronger_token() {
    let asked = Asked::default();
    let layer = BearerAuthLayer::new(source(&asked, counting("admin"))).step_up();
    let client = layer.layer(judging(|_| (200, "Bearer")));
    let sent = Sent::new();
    let mut request = get(ADMIN);
    request.extensions_mut().insert(sent.clone());
    client.send(request).await.unwrap();
    assert!(client.session().invalidate(&sent));
    assert!(!client.session().invalidate(&sent));
    client.send(get(ADMIN)).await.unwrap();
    assert_eq!(*asked.lock().unwrap(), ["First", "admin", "admin"]);
}

/// R9, D5: what the session would refresh with is not spent for a stronger token.
#[tokio::test(start_paused = true)]
async fn a_stronger_token_spends_no_refresh_token_but_its_own() {
    let spends = Arc::new(Mutex::new(Vec::new()));
    let source = source_fn(Origins::any(), {
        let spends = spends.clone();
        move |request: TokenRequest| {
            let may_spend = request.may_spend();
            spends.lock().unwrap().push((request.cause(), may_spend));
            let fetched = match request.cause() {
                Cause::StepUp => token("admin1").refresh_token("r1"),
                _ => token("plain1"),
            };
            std::future::ready(Ok(fetched))
        }
    });
    let client = BearerAuthLayer::new(source).step_up();
    let client = client.layer(judging(|_| (200, "Bearer")));
    let sent = Sent::new();
    let mut request = get(ADMIN);
    request.extensions_mut().insert(sent.clone());
    client.send(request).await.unwrap();
    client.session().invalidate(&sent);
    client.send(get(ADMIN)).await.unwrap();
    let asked = [
        (Cause::First, true),
        (Cause::StepUp, false),
        (Cause::StepUp, true),
    ];
    assert_eq!(*spends.lock().unwrap(), asked);
}
