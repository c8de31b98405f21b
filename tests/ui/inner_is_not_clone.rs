// error: the trait bound `BoxService<...>: Clone` is not satisfied

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tower::{BoxError, Layer, util::BoxService};
use tower_bearer::{BearerAuthLayer, ReplayBody};

type Inner = BoxService<Request<ReplayBody<Full<Bytes>>>, Response<String>, BoxError>;

pub async fn send(layer: BearerAuthLayer, inner: Inner, request: Request<Full<Bytes>>) {
    let client = layer.layer(inner);
    let _ = client.send(request).await;
}
