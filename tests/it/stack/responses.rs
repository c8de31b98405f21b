//! Layers that look at responses, or change them.

use std::sync::{Arc, Mutex};

use http::Response;
use http_body_util::BodyExt;
use tower::{ServiceBuilder, ServiceExt};
use tower_bearer::{AuthError, BearerAuthLayer};
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::SizeAbove;
use tower_http::decompression::DecompressionLayer;
use tower_http::trace::TraceLayer;

use super::{Attempts, URI, server};
use crate::support::{ScriptedSource, explanation, get, secs, token};

/// R5: a `Trace` around sees what the caller sees, one inside each attempt.
#[tokio::test]
async fn a_trace_around_sees_requests_and_one_inside_sees_attempts() {
    type Statuses = Arc<Mutex<Vec<u16>>>;
    let (around, inside) = (Statuses::default(), Statuses::default());
    let note = |statuses: &Statuses| {
        let statuses = statuses.clone();
        move |status: u16| statuses.lock().unwrap().push(status)
    };
    let (outer, inner) = (note(&around), note(&inside));
    let client = ServiceBuilder::new()
        .layer(TraceLayer::new_for_http().on_response(
            move |response: &Response<_>, _, _: &tracing::Span| outer(response.status().as_u16()),
        ))
        .layer(BearerAuthLayer::new(ScriptedSource::open()))
        .layer(TraceLayer::new_for_http().on_response(
            move |response: &Response<_>, _, _: &tracing::Span| inner(response.status().as_u16()),
        ))
        .service(server(&Attempts::default(), secs(0), true));
    client.oneshot(get(URI)).await.unwrap();
    assert_eq!(*around.lock().unwrap(), [200]);
    assert_eq!(*inside.lock().unwrap(), [401, 200]);
}

/// R5: a `Decompression` around asks once for both attempts, and decodes the accepted answer.
#[tokio::test]
async fn a_decompression_around_decodes_the_answer_to_the_retry() {
    let attempts = Attempts::default();
    let client = ServiceBuilder::new()
        .layer(DecompressionLayer::new())
        .layer(BearerAuthLayer::new(ScriptedSource::open()))
        .layer(CompressionLayer::new().compress_when(SizeAbove::new(0)))
        .service(server(&attempts, secs(0), true));
    let response = client.oneshot(get(URI)).await.unwrap();
    assert_eq!(response.status(), 200);
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, "welcome");
    assert_eq!(attempts.values("accept-encoding"), ["gzip", "gzip"]);
}

/// R5: inside it does so for each attempt.
#[tokio::test]
async fn a_decompression_inside_decodes_as_well() {
    let attempts = Attempts::default();
    let client = ServiceBuilder::new()
        .layer(BearerAuthLayer::new(ScriptedSource::open()))
        .layer(DecompressionLayer::new())
        .layer(CompressionLayer::new().compress_when(SizeAbove::new(0)))
        .service(server(&attempts, secs(0), true));
    let response = client.oneshot(get(URI)).await.unwrap();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, "welcome");
    assert_eq!(attempts.values("accept-encoding"), ["gzip", "gzip"]);
}

/// R4: around, it leaves the explanation of a failed renewal in its place, and the refusal readable.
#[tokio::test]
async fn a_decompression_around_keeps_the_explanation() {
    let desk =
        ScriptedSource::open().script([Ok(token("t1")), Err(AuthError::unavailable("lunch"))]);
    let client = ServiceBuilder::new()
        .layer(DecompressionLayer::new())
        .layer(BearerAuthLayer::new(desk))
        .layer(CompressionLayer::new().compress_when(SizeAbove::new(0)))
        .service(server(&Attempts::default(), secs(0), true));
    let response = client.oneshot(get(URI)).await.unwrap();
    assert!(explanation(&response).unwrap().is_unavailable());
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, "welcome");
}
