// error: `...` cannot be unpinned

use bytes::Bytes;
use futures::stream;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::StreamBody;
use tower::{BoxError, Layer, service_fn};
use tower_bearer::{BearerAuthLayer, ReplayBody};

pub async fn send(layer: BearerAuthLayer) {
    let lines = stream::once(async { Ok::<_, BoxError>(Frame::data(Bytes::from("line"))) });
    let request = Request::new(StreamBody::new(lines));
    let client = layer.layer(service_fn(async |_: Request<ReplayBody<_>>| {
        Ok::<_, BoxError>(Response::new("welcome"))
    }));
    let _ = client.send(request).await;
}
