//! The feature `tracing`: each event once, with its level and its fields, in the right span.

mod bodies;
mod capture;
mod failures;
mod logins;
mod requests;
mod sessions;

use std::future::Future;

use http::Response;
use tokio::task::yield_now;
use tower::{BoxError, Layer, ServiceExt};
use tower_bearer::BearerAuthLayer;
use tracing::{Instrument, info_span};

use crate::support::{Body, Server, get, token};

const URI: &str = "https://api.example.com/";

/// Runs in a span of the user's, as a server's request or a job would.
fn asked<F: Future>(work: F) -> impl Future<Output = F::Output> {
    work.instrument(info_span!("job"))
}

fn fingerprint(text: &str) -> String {
    token(text).fingerprint().to_string()
}

/// A layer whose token is `t1`, and a server that wants another one.
async fn refused(layer: &BearerAuthLayer) -> Server {
    let server = Server::accepting("t2");
    assert_eq!(layer.session().token().await.unwrap().expose(), "t1");
    server
}

fn send(
    layer: &BearerAuthLayer,
    server: &Server,
) -> impl Future<Output = Result<Response<&'static str>, BoxError>> + use<> {
    // All that are sent at once are under way before the first is answered.
    let server = server.service::<Body>().map_future(async |answer| {
        yield_now().await;
        answer.await
    });
    asked(layer.layer(server).oneshot(get(URI)))
}
