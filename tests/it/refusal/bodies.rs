//! The bodies of refused requests.

use http::{Request, StatusCode};
use tower::{BoxError, Layer, ServiceBuilder, ServiceExt};
use tower_bearer::{BearerAuthLayer, ReplayBody};

use crate::support::{Body, ScriptedSource, Server, post};

/// B1: a body over the limit is not replayed, yet the session renews for the next request.
#[tokio::test]
async fn a_body_over_the_limit_is_not_retried_and_the_session_renews() {
    for (limit, retried) in [(6, false), (7, true), (8, true)] {
        let (desk, server) = (ScriptedSource::open(), Server::accepting("t2"));
        let client = BearerAuthLayer::new(desk.clone())
            .replay_limit(limit)
            .layer(server.service());
        let response = client.clone().oneshot(post("payload")).await.unwrap();
        assert_eq!(
            response.status() == StatusCode::OK,
            retried,
            "limit {limit}"
        );
        assert_eq!(client.oneshot(post("payload")).await.unwrap().status(), 200);
        assert_eq!(desk.logins(), 2);
        assert!(server.seen().iter().all(|seen| seen.body == "payload"));
    }
}

/// B2: a request that was refused before its body was read has it all on the retry.
#[tokio::test]
async fn a_body_that_nobody_read_is_replayed_whole() {
    let (desk, server) = (ScriptedSource::open(), Server::accepting("t2"));
    let refusing = server.early::<ReplayBody<Body>>();
    let reading = server.service::<Body>();
    let client = ServiceBuilder::new()
        .layer(BearerAuthLayer::new(desk))
        .service_fn(move |request: Request<ReplayBody<Body>>| {
            let (refusing, reading) = (refusing.clone(), reading.clone());
            async move {
                match request.headers()["authorization"].to_str().unwrap() {
                    "Bearer t1" => refusing.oneshot(request).await.map_err(BoxError::from),
                    _ => reading.oneshot(request).await,
                }
            }
        });
    assert_eq!(client.oneshot(post("payload")).await.unwrap().status(), 200);
    let bodies: Vec<_> = server.seen().into_iter().map(|seen| seen.body).collect();
    assert_eq!(bodies, ["", "payload"]);
}
