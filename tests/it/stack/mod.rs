//! Where the layer stands among others: each row of the page `docs::stack`, with the other layer
//! around ours and inside. Redirects have a page and tests of their own, and so has the concurrency
//! limit inside, beside the login.

mod limits;
mod repeats;
mod responses;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::BoxFuture;
use http::{HeaderMap, Request, Response};
use tokio::time::sleep;
use tower::{BoxError, Service, service_fn};
use tower_bearer::ReplayBody;

use crate::support::Body;

const URI: &str = "https://api.example.com/";

/// What the server below was sent: the headers of each attempt.
#[derive(Clone, Default)]
struct Attempts {
    seen: Arc<Mutex<Vec<HeaderMap>>>,
}

impl Attempts {
    fn number(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    fn values(&self, name: &str) -> Vec<String> {
        let seen = self.seen.lock().unwrap();
        let values = seen.iter().map(|headers| headers.get(name));
        values
            .map(|value| value.map_or("", |value| value.to_str().unwrap()).to_owned())
            .collect()
    }
}

/// A server that takes so long for each answer: it refuses `t1` where `refuses`.
fn server(
    attempts: &Attempts,
    takes: Duration,
    refuses: bool,
) -> impl Service<
    Request<ReplayBody<Body>>,
    Response = Response<Body>,
    Error = BoxError,
    Future = BoxFuture<'static, Result<Response<Body>, BoxError>>,
> + Clone
+ Send
+ 'static {
    let attempts = attempts.clone();
    service_fn(move |request: Request<ReplayBody<Body>>| {
        let refused = refuses
            && request
                .headers()
                .get("authorization")
                .is_some_and(|it| it == "Bearer t1");
        attempts
            .seen
            .lock()
            .unwrap()
            .push(request.headers().clone());
        Box::pin(async move {
            sleep(takes).await;
            let status = if refused { 401 } else { 200 };
            Ok(Response::builder()
                .status(status)
                .body(Body::from("welcome"))?)
        }) as BoxFuture<'static, _>
    })
}
