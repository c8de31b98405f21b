//! Calls gRPC services through tonic's generated clients, over a real channel to a real server on a
//! loopback port: unary, and streaming each way. The counts are the server's.
//!
//! ```text
//! cargo run --example tonic --features testing
//! ```

mod server;

use std::time::Duration;

use futures::SinkExt;
use futures::channel::mpsc;
use http::Request;
use http::uri::PathAndQuery;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::time::timeout;
use tonic::body::Body;
use tonic::client::Grpc;
use tonic::transport::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_prost::ProstCodec;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tower::{BoxError, ServiceBuilder};
use tower_bearer::login::Form;
use tower_bearer::testing::{Api, serve};
use tower_bearer::{AuthError, BearerAuthLayer, OnFailedRenewal, ReplayBody};

use self::server::{COUNT_WORDS, Server};

const ENDED: &str = "the stream has ended";

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    // If something were not streamed, it would be waited for without end.
    timeout(Duration::from_secs(60), calls()).await?
}

async fn calls() -> Result<(), BoxError> {
    let api = Api::new().account("alice", "correct horse");
    let login_server = serve(api.clone()).await?;
    let server = Server::start(api.clone())?;

    let http = Client::builder(TokioExecutor::new()).build_http();
    let login = Form::new(http, login_server.url(), "alice", "correct horse")?;
    let channel = Channel::from_shared(server.origin.clone())?.connect_lazy();
    // The client's URIs are only paths, so the channel decides where the token goes.
    let channel = ServiceBuilder::new()
        // tonic drops a response's extensions, where the reason of a failed renewal would be.
        .layer(BearerAuthLayer::new(login).on_failed_renewal(OnFailedRenewal::Error))
        // A channel takes one type of body.
        .map_request(|request: Request<ReplayBody<Body>>| request.map(Body::new))
        .service(channel);

    let logins = || api.counts().logins;
    let mut health = HealthClient::new(channel.clone());
    let all = HealthCheckRequest::default;
    health.check(all()).await?;
    println!("a unary call: {} login", logins());
    assert_eq!(logins(), 1);

    // The server answers with a status of UNAUTHENTICATED.
    api.revoke_all();
    health.check(all()).await?;
    println!("the token was revoked: {} logins in all", logins());
    assert_eq!(logins(), 2);

    let mut updates = health.watch(all()).await?.into_inner();
    let before = updates.message().await?.ok_or(ENDED)?.status();
    server.set_not_serving().await;
    let after = updates.message().await?.ok_or(ENDED)?.status();
    println!("a stream of responses: {before:?}, then {after:?}");
    assert_eq!(
        (before, after),
        (ServingStatus::Serving, ServingStatus::NotServing)
    );

    // Refused while the upload is open: the layer repeats what was sent, and goes on with the rest.
    api.revoke_all();
    let (mut words, upload) = mpsc::channel(0);
    let mut client = Grpc::new(channel.clone());
    let count = tokio::spawn(async move {
        client.ready().await?;
        let path = PathAndQuery::from_static(COUNT_WORDS);
        let codec = ProstCodec::<String, u64>::default();
        let count = client.client_streaming(tonic::Request::new(upload), path, codec);
        Ok::<_, BoxError>(count.await?.into_inner())
    });
    for word in ["one", "two", "three"] {
        words.send(word.to_owned()).await?;
        // It has arrived, though the upload is open.
        server.has_read(word).await?;
    }
    drop(words);
    let count = count.await??;
    println!(
        "a stream of requests, the token revoked: {count} words, {} logins in all",
        logins()
    );
    assert_eq!((count, logins()), (3, 3));

    let (questions, upload) = mpsc::unbounded();
    questions.unbounded_send(list_services())?;
    let mut reflection = ServerReflectionClient::new(channel);
    let mut answers = reflection
        .server_reflection_info(upload)
        .await?
        .into_inner();
    for number in 1..=2 {
        answers.message().await?.ok_or(ENDED)?;
        println!("streams both ways: response {number}, then another request");
        questions.unbounded_send(list_services())?;
    }

    api.change_password("alice", "battery staple");
    let status = health
        .check(all())
        .await
        .err()
        .ok_or("the old token is good")?;
    println!("the password is changed: {}", status.message());
    assert!(AuthError::find(&status).is_some_and(AuthError::is_rejected));
    assert_eq!(logins(), 4);
    Ok(())
}

fn list_services() -> ServerReflectionRequest {
    ServerReflectionRequest {
        message_request: Some(MessageRequest::ListServices(String::new())),
        ..ServerReflectionRequest::default()
    }
}
