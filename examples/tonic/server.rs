//! gRPC services that refuse who has no good token: tonic's own, and one for the way that these
//! lack, a stream of messages to the server.

use std::convert::Infallible;

use axum::Router;
use tokio::sync::watch;
use tonic::service::InterceptorLayer;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status, Streaming};
use tonic_health::server::HealthReporter;
use tonic_prost::ProstCodec;
use tower::{BoxError, service_fn};
use tower_bearer::testing::Api;

/// `rpc CountWords(stream google.protobuf.StringValue) returns (google.protobuf.UInt64Value)`
pub(crate) const COUNT_WORDS: &str = "/example.Words/CountWords";

pub(crate) struct Server {
    pub(crate) origin: String,
    health: HealthReporter,
    last_word: watch::Receiver<String>,
}

impl Server {
    /// Serves on a free loopback port for as long as the program runs.
    pub(crate) fn start(api: Api) -> Result<Self, BoxError> {
        let guard = InterceptorLayer::new(move |request: Request<()>| {
            match api.accepts(request.metadata().as_ref()) {
                true => Ok(request),
                false => Err(Status::unauthenticated("who are you?")),
            }
        });
        let (reporter, health) = tonic_health::server::health_reporter();
        let reflection = tonic_reflection::server::Builder::configure().build_v1()?;
        let (saw, last_word) = watch::channel(String::new());

        let incoming = TcpIncoming::bind(([127, 0, 0, 1], 0).into())?;
        let origin = format!("http://{}", incoming.local_addr()?);
        let server = tonic::transport::Server::builder()
            .layer(guard)
            .add_routes(words(saw).into())
            .add_service(health)
            .add_service(reflection)
            .serve_with_incoming(incoming);
        tokio::spawn(server);
        Ok(Self {
            origin,
            health: reporter,
            last_word,
        })
    }

    pub(crate) async fn set_not_serving(&self) {
        let all = tonic_health::ServingStatus::NotServing;
        self.health.set_service_status("", all).await;
    }

    /// Waits until this is the last word that `CountWords` has read.
    pub(crate) async fn has_read(&self, word: &str) -> Result<(), BoxError> {
        self.last_word.clone().wait_for(|last| last == word).await?;
        Ok(())
    }
}

/// What a generated server does, by hand.
fn words(saw: watch::Sender<String>) -> Router {
    let count = service_fn(move |request: Request<Streaming<String>>| {
        let saw = saw.clone();
        async move {
            let (mut words, mut count) = (request.into_inner(), 0);
            while let Some(word) = words.message().await? {
                saw.send_replace(word);
                count += 1;
            }
            Ok::<_, Status>(Response::new(count))
        }
    });
    let serve = service_fn(move |request| {
        let count = count.clone();
        async move {
            let mut grpc = tonic::server::Grpc::new(ProstCodec::<u64, String>::default());
            Ok::<_, Infallible>(grpc.client_streaming(count, request).await)
        }
    });
    Router::new().route_service(COUNT_WORDS, serve)
}
