//! tonic's generated client.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::stream::{self, BoxStream, StreamExt};
use http::Request;
use tokio::time::Instant;
use tonic::body::Body;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Server};
use tonic::{Code, Response, Status};
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tower::{BoxError, Layer, ServiceBuilder, service_fn};
use tower_bearer::{AuthError, BearerAuthLayer, ReplayBody};

use crate::support::ScriptedSource;

/// Refuses every call: a unary one by the headers, a stream by the trailers after a message.
#[derive(Default)]
struct Refusing {
    calls: Arc<AtomicUsize>,
}

#[tonic::async_trait]
impl Health for Refusing {
    type WatchStream = BoxStream<'static, Result<HealthCheckResponse, Status>>;

    async fn check(
        &self,
        _: tonic::Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        Err(Status::unauthenticated("who are you?"))
    }

    async fn watch(
        &self,
        _: tonic::Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let messages = [
            Ok(HealthCheckResponse::default()),
            Err(Status::unauthenticated("no longer")),
        ];
        Ok(Response::new(stream::iter(messages).boxed()))
    }
}

/// R1: a status that comes in the trailers, behind a message, is the caller's to see: no login is
/// made for it, and no retry. In the headers of the same service it is a refusal.
#[tokio::test]
async fn a_status_in_the_trailers_passes_as_it_is() {
    let refusing = Refusing::default();
    let calls = refusing.calls.clone();
    let calls = || calls.load(Ordering::Relaxed);
    let incoming = TcpIncoming::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let origin = format!("http://{}", incoming.local_addr().unwrap());
    let server = Server::builder().add_service(HealthServer::new(refusing));
    tokio::spawn(server.serve_with_incoming(incoming));

    let desk = ScriptedSource::open();
    let channel = Channel::from_shared(origin).unwrap().connect_lazy();
    let channel = ServiceBuilder::new()
        .layer(BearerAuthLayer::new(desk.clone()))
        .map_request(|request: Request<ReplayBody<Body>>| request.map(Body::new))
        .service(channel);
    let mut client = HealthClient::new(channel);

    let watched = client.watch(HealthCheckRequest::default()).await.unwrap();
    let mut messages = watched.into_inner();
    assert!(messages.message().await.unwrap().is_some());
    let status = messages.message().await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
    assert_eq!(status.message(), "no longer");
    assert_eq!((calls(), desk.logins()), (1, 1));

    let status = client.check(HealthCheckRequest::default()).await;
    assert_eq!(status.unwrap_err().code(), Code::Unauthenticated);
    assert_eq!((calls(), desk.logins()), (3, 2));
}

/// W5: a client made by tonic gets the code that its caller expects, if the error is given one.
#[tokio::test(start_paused = true)]
async fn a_tonic_client_whose_deadline_passes_during_the_login_gets_deadline_exceeded() {
    let channel = service_fn(async |_: Request<ReplayBody<Body>>| {
        Err::<http::Response<Body>, BoxError>("sent without a token".into())
    });
    let status = |error: BoxError| -> BoxError {
        match error.downcast_ref::<AuthError>() {
            Some(error) if error.is_timeout() => {
                Status::deadline_exceeded(error.to_string()).into()
            }
            _ => error,
        }
    };
    let layer = BearerAuthLayer::new(ScriptedSource::closed());
    let plain = layer.layer(channel);
    let mapped = ServiceBuilder::new().map_err(status).service(plain.clone());
    let request = || {
        let mut request = tonic::Request::new(HealthCheckRequest::default());
        request.set_timeout(Duration::from_millis(300));
        request
    };

    let start = Instant::now();
    let status = HealthClient::new(mapped)
        .check(request())
        .await
        .unwrap_err();
    assert_eq!(start.elapsed(), Duration::from_millis(300));
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert!(status.message().contains("grpc-timeout"), "{status}");

    let status = HealthClient::new(plain).check(request()).await.unwrap_err();
    assert_eq!(status.code(), Code::Unknown);
}
