// error: expected `...` to be a future that resolves to `Result<Response<_>, _>`, but it resolves to `Result<Response, ...>`

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use tower::{BoxError, Layer, service_fn};
use tower_bearer::{BearerAuthLayer, ReplayBody};

pub async fn send(layer: BearerAuthLayer, request: Request<Full<Bytes>>) {
    let http_client = reqwest::Client::new();
    let inner = service_fn(move |request: Request<ReplayBody<Full<Bytes>>>| {
        let response = http_client.get(request.uri().to_string()).send();
        async { Ok::<reqwest::Response, BoxError>(response.await?) }
    });
    let client = layer.layer(inner);
    let _ = client.send(request).await;
}
