//! The types fit: real clients, and other tower layers above and below.

use std::time::Duration;

use axum::body::Body as AxumBody;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tower::buffer::Buffer;
use tower::limit::ConcurrencyLimit;
use tower::util::{BoxCloneService, BoxCloneSyncService};
use tower::{BoxError, Layer, Service, ServiceBuilder, ServiceExt};
use tower_bearer::testing::Api;
use tower_bearer::{BearerAuth, BearerAuthLayer, ReplayBody, ResponseFuture};

use crate::support::{Body, ScriptedSource, Server, answers_ten, get};

const URI: &str = "https://api.example.com/";

fn is_client<B, R>(
    _: impl Service<Request<B>, Response = Response<R>, Error = BoxError, Future: Send + 'static>
    + Clone
    + Send
    + Sync
    + 'static,
) {
}

/// W1: hyper-util's client takes the layer, with a body of one chunk and with axum's stream.
#[test]
fn the_client_of_hyper_util_fits() {
    let builder = Client::builder(TokioExecutor::new());
    let layer = BearerAuthLayer::new(ScriptedSource::open());

    let full: Client<HttpConnector, ReplayBody<Full<Bytes>>> = builder.build_http();
    is_client::<Full<Bytes>, _>(layer.layer(full));

    let axum: Client<HttpConnector, ReplayBody<AxumBody>> = builder.build_http();
    is_client::<AxumBody, _>(layer.layer(axum));
}

/// W1: a client that is fixed to a body type of its own fits with one `map_request` below.
#[test]
fn a_client_with_a_body_of_its_own_fits() {
    let fixed: Client<HttpConnector, AxumBody> = Client::builder(TokioExecutor::new()).build_http();
    let client = ServiceBuilder::new()
        .layer(BearerAuthLayer::new(ScriptedSource::open()))
        .map_request(|request: Request<ReplayBody<AxumBody>>| request.map(AxumBody::new))
        .service(fixed);
    is_client::<AxumBody, _>(client);
}

/// W1: the names that a user writes into a struct are nameable.
#[test]
fn service_and_future_can_be_named() {
    type Inner = Client<HttpConnector, ReplayBody<Body>>;
    type Fut = <Inner as Service<Request<ReplayBody<Body>>>>::Future;
    struct Holder {
        _client: BearerAuth<Inner>,
        _response: Option<ResponseFuture<Inner, Fut, Body, hyper::body::Incoming>>,
    }
    let inner: Inner = Client::builder(TokioExecutor::new()).build_http();
    let mut client = BearerAuthLayer::new(ScriptedSource::open()).layer(inner);
    let _holder = Holder {
        _response: Some(client.call(get(URI))),
        _client: client,
    };
}

/// W1: boxed services, above and below.
#[tokio::test]
async fn boxed_services_fit() {
    let layer = BearerAuthLayer::new(ScriptedSource::open());
    let server = Server::new();
    let below = BoxCloneSyncService::new(server.service::<Body>());
    let client = BoxCloneSyncService::new(layer.layer(below));
    assert_eq!(client.oneshot(get(URI)).await.unwrap().status(), 200);

    let below = BoxCloneService::new(server.service::<Body>());
    let client = BoxCloneService::new(layer.layer(below));
    assert_eq!(client.oneshot(get(URI)).await.unwrap().status(), 200);
}

/// W1: `Buffer`, `ConcurrencyLimit` and `Timeout` below, in one stack, through a renewal.
#[tokio::test]
async fn limits_fit_below() {
    let desk = ScriptedSource::open();
    let server = Server::accepting("t2");
    let client = ServiceBuilder::new()
        .layer(BearerAuthLayer::new(desk.clone()))
        .buffer(1)
        .timeout(Duration::from_secs(5))
        .concurrency_limit(1)
        .service(server.service::<Body>());
    answers_ten(client).await;
    assert_eq!(desk.logins(), 2);
}

/// W1: the same layers above.
#[tokio::test]
async fn limits_fit_above() {
    let desk = ScriptedSource::open();
    let server = Server::accepting("t2");
    let client = ServiceBuilder::new()
        .buffer(1)
        .timeout(Duration::from_secs(5))
        .concurrency_limit(1)
        .layer(BearerAuthLayer::new(desk.clone()))
        .service(server.service::<Body>());
    answers_ten(client).await;
    assert_eq!(desk.logins(), 2);
}

/// W1: a `Buffer` or a limit by itself, and a load shedder below that refuses nothing.
#[tokio::test]
async fn single_layers_fit() {
    let layer = BearerAuthLayer::new(ScriptedSource::open());
    let server = Server::new();
    let client = layer.layer(Buffer::new(server.service::<Body>(), 4));
    assert_eq!(client.oneshot(get(URI)).await.unwrap().status(), 200);
    let client = Buffer::new(layer.layer(server.service::<Body>()), 4);
    assert_eq!(client.oneshot(get(URI)).await.unwrap().status(), 200);
    let client = layer.layer(ConcurrencyLimit::new(server.service::<Body>(), 1));
    assert_eq!(client.oneshot(get(URI)).await.unwrap().status(), 200);
    let shedding = ServiceBuilder::new().load_shed().concurrency_limit(1);
    let client = layer.layer(shedding.service(server.service::<Body>()));
    assert_eq!(client.oneshot(get(URI)).await.unwrap().status(), 200);
}

/// W1: the stand-in of the testing kit takes the place of a client.
#[tokio::test]
async fn the_stand_in_fits() {
    let client = BearerAuthLayer::new(ScriptedSource::open()).layer(Api::new());
    let response = client.oneshot(get("/users/me")).await.unwrap();
    assert_eq!(response.status(), 401);
}
