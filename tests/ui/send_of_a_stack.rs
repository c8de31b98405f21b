// error: no method named `send` found for struct `...`

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tower::{BoxError, ServiceBuilder, service_fn};
use tower_bearer::{BearerAuthLayer, ReplayBody};

pub async fn send(layer: BearerAuthLayer, request: Request<Full<Bytes>>) {
    let inner = service_fn(async |_: Request<ReplayBody<Full<Bytes>>>| {
        Ok::<_, BoxError>(Response::new("welcome"))
    });
    let stack = ServiceBuilder::new()
        .map_err(BoxError::from)
        .layer(layer)
        .service(inner);
    let _ = stack.send(request).await;
}
