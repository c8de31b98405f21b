// error: type mismatch in ... arguments

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tower::{BoxError, Layer, service_fn};
use tower_bearer::BearerAuthLayer;

pub async fn send(layer: BearerAuthLayer, request: Request<Full<Bytes>>) {
    let client = layer.layer(service_fn(async |_: Request<Full<Bytes>>| {
        Ok::<_, BoxError>(Response::new("welcome"))
    }));
    let _ = client.send(request).await;
}
