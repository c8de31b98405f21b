//! What is told of a body that was not kept.

use std::time::Duration;

use bytes::Bytes;
use futures::stream;
use http::{Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::channel::Channel;
use http_body_util::{BodyExt, StreamBody};
use tokio::time::sleep;
use tower::{BoxError, Layer, ServiceExt, service_fn};
use tower_bearer::{BearerAuthLayer, ReplayBody};

use super::capture::Capture;
use super::{asked, refused};
use crate::support::{Body, ScriptedSource, post};

/// B1: that a body was too large to be kept is told, be it known before or found on the way.
#[tokio::test]
async fn a_body_over_the_limit_is_told() {
    let (capture, _guard) = Capture::start();
    let line = "DEBUG job: request not retried: its body was not kept limit=3";
    let layer = BearerAuthLayer::new(ScriptedSource::open()).replay_limit(3);
    let server = refused(&layer).await;
    let known = layer.layer(server.service::<Body>()).oneshot(post("long"));
    let response = asked(known).await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(not_retried(&capture), [line]);

    layer.session().token().await.unwrap();
    server.accept("t3");
    let streamed = stream::iter([Ok::<_, BoxError>(Frame::data(Bytes::from("long")))]);
    let found = post("").map(|_| StreamBody::new(streamed));
    let client = layer.layer(server.service());
    let response = asked(client.oneshot(found)).await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(not_retried(&capture), [line]);
}

/// B1: likewise while the upload goes on and the login is under way.
#[tokio::test(start_paused = true)]
async fn a_body_that_grows_over_the_limit_during_the_login_is_told() {
    let (capture, _guard) = Capture::start();
    let desk = ScriptedSource::closed_after(1);
    let layer = BearerAuthLayer::new(desk.clone()).replay_limit(3);
    layer.session().token().await.unwrap();
    let (mut upload, body) = Channel::<Bytes>::new(1);
    let uploading = service_fn(async |request: Request<ReplayBody<Channel<Bytes>>>| {
        tokio::spawn(request.into_body().collect());
        let refused = Response::builder().status(401).body("");
        Ok::<_, BoxError>(refused.unwrap())
    });
    let client = layer.layer(uploading);

    let response = tokio::spawn(asked(client.oneshot(post("").map(|_| body))));
    sleep(Duration::from_millis(900)).await;
    assert_eq!(desk.logins(), 2);
    upload.send_data(Bytes::from("long")).await.unwrap();
    sleep(Duration::from_millis(900)).await;
    assert_eq!(not_retried(&capture), [""; 0]);
    desk.let_through(1);
    let response = response.await.unwrap().unwrap();

    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    let line = "DEBUG job: request not retried: its body was not kept limit=3";
    assert_eq!(not_retried(&capture), [line]);
}

fn not_retried(capture: &Capture) -> Vec<String> {
    let mut lines = capture.lines();
    lines.retain(|line| line.contains("not retried"));
    lines
}
