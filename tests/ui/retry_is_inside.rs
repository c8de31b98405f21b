// error: the trait bound `ReplayBody<...>: Clone` is not satisfied

use std::future::Ready;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tower::retry::Policy;
use tower::{BoxError, ServiceBuilder, service_fn};
use tower_bearer::{BearerAuthLayer, ReplayBody};

#[derive(Clone)]
pub struct Thrice;

impl<B: Clone, R> Policy<Request<B>, R, BoxError> for Thrice {
    type Future = Ready<()>;

    fn retry(&mut self, _: &mut Request<B>, _: &mut Result<R, BoxError>) -> Option<Ready<()>> {
        None
    }

    fn clone_request(&mut self, request: &Request<B>) -> Option<Request<B>> {
        Some(request.clone())
    }
}

pub async fn send(layer: BearerAuthLayer, request: Request<Full<Bytes>>) {
    let inner = service_fn(async |_: Request<ReplayBody<Full<Bytes>>>| {
        Ok::<_, BoxError>(Response::new("welcome"))
    });
    let client = ServiceBuilder::new()
        .layer(layer)
        .retry(Thrice)
        .service(inner);
    let _ = client.send(request).await;
}
