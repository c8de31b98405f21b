// error: the trait bound `Client: Service<...ReplayBody<...>>` is not satisfied

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use tower::Layer;
use tower_bearer::BearerAuthLayer;

pub async fn send(layer: BearerAuthLayer, request: Request<Full<Bytes>>) {
    let client = layer.layer(reqwest::Client::new());
    let _ = client.send(request).await;
}
