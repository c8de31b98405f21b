// error: `?` couldn't convert the error: `dyn ...Error + Send + Sync: Sized` is not satisfied

use std::error::Error;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tower::{BoxError, Layer, service_fn};
use tower_bearer::{BearerAuthLayer, ReplayBody};

pub async fn send(
    layer: BearerAuthLayer,
    request: Request<Full<Bytes>>,
) -> Result<(), Box<dyn Error>> {
    let client = layer.layer(service_fn(async |_: Request<ReplayBody<Full<Bytes>>>| {
        Ok::<_, BoxError>(Response::new("welcome"))
    }));
    client.send(request).await?;
    Ok(())
}
