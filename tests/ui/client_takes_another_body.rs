// error: the trait bound `Client<...>: Service<...ReplayBody<...>>` is not satisfied

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use tower::Layer;
use tower_bearer::BearerAuthLayer;

pub async fn send(
    layer: BearerAuthLayer,
    inner: Client<HttpConnector, Full<Bytes>>,
    request: Request<Full<Bytes>>,
) {
    let client = layer.layer(inner);
    let _ = client.send(request).await;
}
