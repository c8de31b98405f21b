// error: the trait bound `ApiError: Into<Box<...>>` is not satisfied

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tower::{Layer, service_fn};
use tower_bearer::{BearerAuthLayer, ReplayBody};

pub struct ApiError(pub u16);

pub async fn send(layer: BearerAuthLayer, request: Request<Full<Bytes>>) {
    let client = layer.layer(service_fn(async |_: Request<ReplayBody<Full<Bytes>>>| {
        Err::<Response<String>, _>(ApiError(500))
    }));
    let _ = client.send(request).await;
}
