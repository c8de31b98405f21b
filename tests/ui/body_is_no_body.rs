// error: the trait bound `(): ...Body` is not satisfied

use http::{Request, Response};
use tower::{BoxError, Layer, service_fn};
use tower_bearer::{BearerAuthLayer, ReplayBody};

pub async fn send(layer: BearerAuthLayer) {
    let client = layer.layer(service_fn(async |_: Request<ReplayBody<_>>| {
        Ok::<_, BoxError>(Response::new("welcome"))
    }));
    let _ = client.send(Request::new(())).await;
}
