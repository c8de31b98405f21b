//! Which challenges bring a stronger token, and to whom.

use http::StatusCode;
use tower::Layer;
use tower_bearer::BearerAuthLayer;

use super::{ADMIN, Asked, READ, Scoped, source, stronger};
use crate::support::{get, post};

/// R9: the source is told what is wanted, the request goes out once more with the token that it
/// brings, and others keep the token in hand.
#[tokio::test(start_paused = true)]
async fn a_challenge_for_more_brings_a_stronger_token() {
    for (status, error) in [
        (403, "insufficient_scope"),
        (401, "insufficient_scope"),
        (401, "insufficient_user_authentication"),
        (401, "insufficient_claims"),
    ] {
        let (server, asked) = (Scoped::default(), Asked::default());
        let layer = BearerAuthLayer::new(source(&asked, stronger)).step_up();
        let client = layer.layer(server.service(status, error));
        let mut request = post("the body");
        *request.uri_mut() = ADMIN.parse().unwrap();
        let response = client.send(request).await.unwrap();
        assert_eq!(
            (response.status(), &**response.body()),
            (StatusCode::OK, "the body")
        );
        client.send(get(READ)).await.unwrap();
        // The stronger one is there by now.
        client.send(get(ADMIN)).await.unwrap();
        let seen = [
            "admin plain1",
            "admin admin1",
            "read plain1",
            "admin plain1",
            "admin admin1",
        ];
        assert_eq!(server.seen(), seen, "{error}");
        assert_eq!(*asked.lock().unwrap(), ["First", "admin"]);
        let stats = client.session().stats();
        assert_eq!((stats.logins, stats.tokens_refused), (1, 0));
    }
}

/// R9, R1: without the switch the response is the caller's, and so is a plain 403 with it.
#[tokio::test(start_paused = true)]
async fn no_stronger_token_is_fetched_unasked() {
    let (server, asked) = (Scoped::default(), Asked::default());
    let layer = BearerAuthLayer::new(source(&asked, stronger));
    let client = layer
        .clone()
        .layer(server.service(403, "insufficient_scope"));
    let response = client.send(get(ADMIN)).await.unwrap();
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    let client = layer
        .step_up()
        .layer(server.service(403, "invalid_request"));
    let response = client.send(get(ADMIN)).await.unwrap();
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    assert_eq!(*asked.lock().unwrap(), ["First"]);
    assert_eq!(server.seen(), ["admin plain1"; 2]);
}

/// R9: what a server asks for at one endpoint is not what it asks for at another one.
#[tokio::test(start_paused = true)]
async fn each_challenge_has_a_token_of_its_own() {
    let (server, asked) = (Scoped::default(), Asked::default());
    let layer = BearerAuthLayer::new(source(&asked, stronger)).step_up();
    let client = layer.layer(server.service(403, "insufficient_scope"));
    let uri = |number| format!("https://api.example.com/scope-{number}-");
    for number in (0..20).chain([19, 4, 3]) {
        let response = client.send(get(&uri(number))).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
    }
    // Sixteen are kept: of the last three only the first two.
    assert_eq!(asked.lock().unwrap().len(), 1 + 20 + 1);
    assert_eq!(asked.lock().unwrap().last().unwrap(), "scope-3-");
}
