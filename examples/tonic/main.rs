//! Calls gRPC services through tonic's generated clients, over a real channel to a real server on
//! loopback: unary, and streaming each way. The counts are the server's.
//!
//! ```text
//! cargo run --example tonic
//! ```

#[path = "../common/mod.rs"]
mod common;
mod server;

use std::error::Error;

use futures::SinkExt;
use futures::channel::mpsc;
use http::Request;
use http::uri::PathAndQuery;
use tonic::Status;
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
use tower_bearer::testing::Api;
use tower_bearer::{AuthError, BearerAuthLayer, OnFailedRenewal, ReplayBody};

use self::common::{http_client, in_time, step};
use self::server::{COUNT_WORDS, Server};

const ENDED: &str = "the stream has ended";

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let api = Api::new().account("alice", "correct horse");
    let login = common::serve(api.clone()).await?;
    let server = Server::start(api.clone())?;
    println!("gRPC services listen on {}\n", server.origin);

    let channel = Channel::from_shared(server.origin.clone())?.connect_lazy();
    let login = Form::new(http_client(), &login, "alice", "correct horse")?;
    // The client's URIs are paths alone, so it is the channel that decides where the token goes.
    let channel = ServiceBuilder::new()
        // tonic drops a response's extensions, where the reason of a failed renewal would be.
        .layer(BearerAuthLayer::new(login).on_failed_renewal(OnFailedRenewal::Error))
        // A channel takes one type of body.
        .map_request(|request: Request<ReplayBody<Body>>| request.map(Body::new))
        .service(channel);
    let logins = || api.counts().logins;
    let counted = || format!("{} logins in all", logins());

    let mut health = HealthClient::new(channel.clone());
    let all = HealthCheckRequest::default;
    health.check(all()).await?;
    step("a unary call", counted(), logins() == 1)?;

    // The server answers with a status of UNAUTHENTICATED.
    api.revoke_all();
    health.check(all()).await?;
    step("the token was revoked", counted(), logins() == 2)?;

    let mut updates = health.watch(all()).await?.into_inner();
    let before = in_time(updates.message()).await??.ok_or(ENDED)?.status();
    server.set_not_serving().await;
    let after = in_time(updates.message()).await??.ok_or(ENDED)?.status();
    let holds = (before, after) == (ServingStatus::Serving, ServingStatus::NotServing);
    let seen = format!("{before:?}, then {after:?}");
    step("messages one way", seen, holds && logins() == 2)?;

    // Refused while the upload is open: the layer repeats what was sent, and goes on with the rest.
    api.revoke_all();
    let (mut words, upload) = mpsc::channel(0);
    let mut client = Grpc::new(channel.clone());
    let count = tokio::spawn(async move {
        client.ready().await?;
        let (request, path) = (
            tonic::Request::new(upload),
            PathAndQuery::from_static(COUNT_WORDS),
        );
        let codec = ProstCodec::<String, u64>::default();
        client
            .client_streaming(request, path, codec)
            .await
            .map_err(BoxError::from)
    });
    for word in ["one", "two", "three"] {
        words.send(word.to_owned()).await?;
        // It has arrived, though the upload is open.
        in_time(server.has_read(word)).await??;
    }
    drop(words);
    let count = in_time(count).await???.into_inner();
    let seen = format!("{count} words, {}", counted());
    step("messages the other way", seen, (count, logins()) == (3, 3))?;

    let (questions, upload) = mpsc::unbounded();
    questions.unbounded_send(list_services())?;
    let mut reflection = ServerReflectionClient::new(channel);
    let mut answers = in_time(reflection.server_reflection_info(upload))
        .await??
        .into_inner();
    for number in 1..=2 {
        in_time(answers.message()).await??.ok_or(ENDED)?;
        let seen = format!("answer {number}, then another question");
        step("messages both ways", seen, logins() == 3)?;
        questions.unbounded_send(list_services())?;
    }

    println!("-- the password is changed --");
    api.change_password("alice", "battery staple");
    let status = health.check(all()).await.err().ok_or("no error")?;
    let rejected = reason(&status).is_some_and(AuthError::is_rejected);
    step("a unary call", status.message(), rejected)
}

/// Why there was no token. The status has it among its sources.
fn reason(status: &Status) -> Option<&AuthError> {
    let mut errors = std::iter::successors(status.source(), |&error| error.source());
    errors.find_map(|error| error.downcast_ref())
}

fn list_services() -> ServerReflectionRequest {
    ServerReflectionRequest {
        message_request: Some(MessageRequest::ListServices(String::new())),
        ..ServerReflectionRequest::default()
    }
}
