//! Fresh tokens that are refused, and when they close logins.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::time::sleep;
use tower::{Layer, ServiceExt};
use tower_bearer::{BearerAuthLayer, Origins, source_fn};

use super::URI;
use crate::support::{ScriptedSource, Server, explanation, get, secs, token};

/// R6: the first refusal of a generation decides, also when it is the retry that is refused.
#[tokio::test(start_paused = true)]
async fn the_refusal_of_a_retry_counts() {
    let (desk, server) = (ScriptedSource::open(), Server::accepting("never"));
    let client = BearerAuthLayer::new(desk.clone()).layer(server.service());
    // A request every 61 s, refused with each token, each of them fresh: 0 s old when first refused.
    for _ in 0..200 {
        let _ = client.clone().oneshot(get(URI)).await.unwrap();
        sleep(secs(61)).await;
    }
    // 3 free strikes, pauses of 1..32 s do not show at 61 s, then 64, 128, 256, 300 s.
    assert!(
        desk.logins() < 80,
        "{} logins in 200 requests",
        desk.logins()
    );
}

/// R6: tokens that live less than a minute, each good until revoked, must not add up to a closed gate.
#[tokio::test(start_paused = true)]
async fn short_lived_tokens_that_serve_well_clear_the_strikes() {
    let server = Server::new();
    let number = Arc::new(AtomicUsize::new(0));
    let (logins, accepting) = (number.clone(), server.clone());
    let layer = BearerAuthLayer::new(source_fn(Origins::any(), move |_| {
        let text = format!("t{}", logins.fetch_add(1, Ordering::SeqCst));
        accepting.accept(&text);
        async move { Ok(token(&text).expires_in(secs(60))) }
    }));
    let client = layer.layer(server.service());
    for day in 0..8 {
        // An hour of good service, with a token a minute and no refusal.
        for _ in 0..363 {
            assert_eq!(
                client.clone().oneshot(get(URI)).await.unwrap().status(),
                200
            );
            sleep(secs(10)).await;
        }
        // The server restarts and forgets the token.
        server.accept("nothing");
        let response = client.clone().oneshot(get(URI)).await.unwrap();
        assert_eq!(
            response.status(),
            200,
            "day {day}: {:?}",
            explanation(&response)
        );
    }
}
