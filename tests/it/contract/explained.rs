//! What a caller is told of a request that was not retried, or that went without a token.

use std::io;

use bytes::Bytes;
use futures::stream;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{Either, StreamBody};
use tower::{BoxError, Layer, ServiceExt, service_fn};
use tower_bearer::{AuthError, BearerAuthLayer, OnFailedRenewal, ReplayBody};

use super::URI;
use crate::support::{Body, ScriptedSource, Server, auth_error, explanation, get, post};

/// B1: a refused request whose body was not kept is not retried, and its caller is told so, in the
/// response or as the error; the token is renewed for the next one all the same.
#[tokio::test]
async fn a_refused_request_whose_body_was_not_kept_is_explained() {
    for choice in [OnFailedRenewal::ReturnResponse, OnFailedRenewal::Error] {
        for is_streamed in [false, true] {
            let (desk, server) = (ScriptedSource::open(), Server::accepting("t2"));
            let client = BearerAuthLayer::new(desk.clone())
                .replay_limit(3)
                .on_failed_renewal(choice)
                .layer(server.service());
            client.session().token().await.unwrap();
            // Found to be too large before it is sent, or on the way.
            let body = match is_streamed {
                false => Either::Left(Body::from("long")),
                true => {
                    let frames = [Ok::<_, BoxError>(Frame::data(Bytes::from("long")))];
                    Either::Right(StreamBody::new(stream::iter(frames)))
                }
            };
            let request = post("").map(|_| body);
            let error = match (choice, client.clone().oneshot(request).await) {
                (OnFailedRenewal::ReturnResponse, Ok(response)) => {
                    let told = (response.status().as_u16(), *response.body());
                    assert_eq!(told, (401, "who are you?"), "as it came");
                    explanation(&response).unwrap().clone()
                }
                (OnFailedRenewal::Error, Err(error)) => auth_error(error),
                (_, answered) => panic!("{choice:?}, and {answered:?}"),
            };
            let text = error.to_string();
            assert!(text.starts_with("request not retried: "), "{text}");
            assert!(text.contains(" 3 bytes"), "{text}");
            assert!(!error.is_rejected() && !error.is_unavailable());
            let stats = client.session().stats();
            assert_eq!(
                (stats.requests_not_repeated, stats.requests_retried),
                (1, 0)
            );

            let small = post("").map(|_| Either::Left(Body::from("abc")));
            let response = client.clone().oneshot(small).await.unwrap();
            assert_eq!(response.status(), 200);
            assert!(explanation(&response).is_none());
            assert_eq!(server.tokens(), ["Bearer t1", "Bearer t2"]);
            assert_eq!(desk.logins(), 2);
            assert_eq!(client.session().stats().requests_not_repeated, 1);
        }
    }
}

/// B1: a large body whose token is accepted needs no explanation, and is not counted.
#[tokio::test]
async fn a_large_body_that_is_accepted_is_not_counted() {
    let layer = BearerAuthLayer::new(ScriptedSource::open()).replay_limit(3);
    let client = layer.layer(Server::new().service());
    let response = client.clone().oneshot(post("long")).await.unwrap();
    assert!(explanation(&response).is_none());
    assert_eq!(client.session().stats().requests_not_repeated, 0);
}

/// S1: the response of a foreign origin says why the request had no token, whatever its status.
#[tokio::test]
async fn every_response_of_a_foreign_origin_is_explained() {
    for choice in [OnFailedRenewal::ReturnResponse, OnFailedRenewal::Error] {
        let statuses = [200, 204, 302, 401, 403, 500];
        for (status, foreign) in statuses.into_iter().zip(1..) {
            let desk = ScriptedSource::scoped("https://api.example.com");
            let server = service_fn(move |request: Request<ReplayBody<Body>>| async move {
                let is_foreign = request.uri().host() != Some("api.example.com");
                let has_token = request.headers().contains_key("authorization");
                assert_eq!(has_token, !is_foreign);
                let status = if is_foreign { status } else { 200 };
                Ok::<_, BoxError>(Response::builder().status(status).body("").unwrap())
            });
            let client = BearerAuthLayer::new(desk.clone())
                .on_failed_renewal(choice)
                .layer(server);
            for requests in 1..=foreign {
                let request = get("https://cdn.example.com/file");
                let response = client.clone().oneshot(request).await.unwrap();
                assert_eq!(response.status().as_u16(), status);
                let error = explanation(&response).expect("why there was no token");
                assert!(error.is_foreign_origin(), "{error}");
                assert_eq!(client.session().stats().requests_foreign, requests);
            }
            assert_eq!(desk.logins(), 0);
            // One of the token's own is not explained, nor counted.
            let response = client.clone().oneshot(get(URI)).await.unwrap();
            assert!(explanation(&response).is_none());
            assert_eq!(client.session().stats().requests_foreign, foreign);
        }
    }
}

/// S1, W3: an error on the way to a foreign origin is the inner service's own.
#[tokio::test]
async fn an_error_on_the_way_to_a_foreign_origin_is_passed_on() {
    let failing = service_fn(async |_: Request<ReplayBody<Body>>| {
        Err::<Response<()>, _>(io::Error::from(io::ErrorKind::ConnectionReset))
    });
    let desk = ScriptedSource::scoped("https://api.example.com");
    let client = BearerAuthLayer::new(desk).layer(failing);
    let request = client.clone().oneshot(get("https://cdn.example.com/file"));
    let error = request.await.unwrap_err();
    assert!(error.downcast_ref::<AuthError>().is_none());
    let error = error.downcast_ref::<io::Error>().unwrap();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    assert_eq!(client.session().stats().requests_foreign, 1);
}
